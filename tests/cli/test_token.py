"""`hbalert token new`: printed once, kept as a hash."""

from __future__ import annotations

import json
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from hbalert.config.types import TokenSettings
from tests.cli.daemon import run, served


def test_the_printed_block_lets_the_printed_token_in(tmp_path: Path) -> None:
    result = run("token", "new", "--name", "prometheus", "--role", "read")
    text = result.stdout.strip()
    block = result.stderr[result.stderr.index("[[tokens]]") :]
    (written,) = tomllib.loads(block)["tokens"]
    assert text not in block
    with served(tmp_path, tokens=[TokenSettings.model_validate(written)]) as daemon:
        daemon.run("status", environ={"HBALERT_CLIENT_TOKEN": text})
        daemon.run("status", environ={"HBALERT_CLIENT_TOKEN": text + "x"}, code=5)


def test_every_token_is_another() -> None:
    made = {run("token", "new", "--name", "a", "--role", "read").stdout for _ in range(3)}
    assert len(made) == 3


def test_programs_get_token_and_hash() -> None:
    answer = json.loads(run("token", "new", "--name", "a", "--role", "admin", "-o", "json").stdout)
    assert answer["hash"] == "sha256:" + sha256(answer["token"].encode()).hexdigest()
    assert (answer["name"], answer["role"], answer["schema"]) == ("a", "admin", 1)


def test_a_name_cannot_write_configuration() -> None:
    assert "--name" in run("token", "new", "--name", 'a"\nrole = "admin', "--role", "read", code=2).stderr


def test_a_role_that_does_not_exist_is_wrong_usage() -> None:
    assert (
        "'ingest', 'read', 'silence', 'admin'"
        in run("token", "new", "--name", "a", "--role", "boss", code=2).stderr
    )


@pytest.mark.parametrize("expires", ["1h", "90d", "2999-01-31", "2999-01-31T10:00:00Z"])
def test_a_token_may_expire(tmp_path: Path, expires: str) -> None:
    result = run("token", "new", "--name", "guest", "--role", "read", "--expires", expires)
    (written,) = tomllib.loads(result.stderr[result.stderr.index("[[tokens]]") :])["tokens"]
    settings = TokenSettings.model_validate(written)
    assert settings.expires is not None
    with served(tmp_path, tokens=[settings]) as daemon:
        environ = {"HBALERT_CLIENT_TOKEN": result.stdout.strip()}
        daemon.run("status", environ=environ)
        left = settings.expires - daemon.api.now()
        daemon.do(daemon.api.clock.advance(left.total_seconds() + 1))
        assert "a token is needed" in daemon.run("status", environ=environ, code=5).stderr


@pytest.mark.parametrize("expires", ["never", "", "2001-01-01", "999999999999y", "0"])
def test_what_is_no_time_to_come_is_wrong_usage(expires: str) -> None:
    run("token", "new", "--name", "guest", "--role", "read", "--expires", expires, code=2)
