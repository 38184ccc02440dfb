"""Whom the verbs believe that it is the daemon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hbalert.tls import Files
from tests.cli.daemon import run, served
from tests.fakes.authority import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def config(folder: Path, url: str, cert: str = "a.pem") -> str:
    """A configuration that says where the daemon listens, and with which certificate."""
    path = folder / "config.toml"
    path.write_text(f'[server]\nlisten = "{url.removeprefix("https://")}"\ntls_cert = "{cert}"\n')
    return str(path)


def test_an_unknown_authority_is_not_believed_and_a_named_one_is(
    tmp_path: Path, authority: Authority
) -> None:
    with served(tmp_path, tls=authority.issue("a")) as daemon:
        refused = daemon.run("status", code=4)
        assert "unable to get local issuer certificate; --ca-file FILE" in refused.stderr
        daemon.run("status", "--ca-file", str(authority.pem))
        daemon.run("status", environ={"HBALERT_CLIENT_CA": str(authority.pem)})


def test_the_very_certificate_may_be_named_instead_of_its_authority(
    tmp_path: Path, authority: Authority
) -> None:
    files = authority.issue("a")
    with served(tmp_path, tls=files) as daemon:
        daemon.run("status", "--ca-file", str(files.cert))


def test_a_certificate_for_another_name_is_not_believed(tmp_path: Path, authority: Authority) -> None:
    with served(tmp_path, tls=authority.issue("a", "alerts.lan")) as daemon:
        assert "mismatch" in daemon.run("status", "--ca-file", str(authority.pem), code=4).stderr


@pytest.mark.parametrize(
    ("hosts", "days"),
    [
        pytest.param(("127.0.0.1",), 90, id="a good one"),
        pytest.param(("alerts.example.com",), 90, id="one for the name that others use"),
        pytest.param(("127.0.0.1",), -1, id="one that ran out last night"),
    ],
)
def test_on_the_machine_itself_the_verbs_work_without_an_option(
    tmp_path: Path, authority: Authority, hosts: tuple[str, ...], days: int
) -> None:
    files = authority.issue("a", *hosts, not_after=datetime.now(UTC) + timedelta(days=days))
    with served(tmp_path, tls=files) as daemon:
        run("status", "-c", config(tmp_path, daemon.url))


def test_somebody_else_on_our_port_is_not_told_the_token(tmp_path: Path, authority: Authority) -> None:
    authority.issue("a")
    with served(tmp_path, tls=authority.issue("evil")) as daemon:
        refused = run(
            "status", "-c", config(tmp_path, daemon.url), code=4, environ={"HBALERT_CLIENT_TOKEN": "x"}
        )
    assert "another certificate than tls_cert" in refused.stderr


def test_a_certificate_that_we_may_not_read_leaves_the_usual_checks(
    tmp_path: Path, authority: Authority
) -> None:
    with served(tmp_path, tls=authority.issue("a")) as daemon:
        path = config(tmp_path, daemon.url, "none.pem")
        run("status", "-c", path, code=4)
        run("status", "-c", path, environ={"HBALERT_CLIENT_CA": str(authority.pem)})


def test_a_client_shows_a_certificate_where_one_is_asked_for(tmp_path: Path, authority: Authority) -> None:
    files = authority.issue("a")
    with served(tmp_path, tls=Files(files.cert, files.key, authority.pem)) as daemon:
        trust = ("--ca-file", str(authority.pem))
        assert "--client-cert FILE" in daemon.run("status", *trust, code=4).stderr
        own = authority.client("ops")
        daemon.run("status", *trust, "--client-cert", str(own))
        daemon.run("status", *trust, environ={"HBALERT_CLIENT_CERT": str(own)})


@pytest.mark.parametrize("option", ["--ca-file", "--client-cert"])
def test_a_file_that_is_no_good_is_wrong_usage(tmp_path: Path, option: str) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("empty.pem", "none.pem"):
        result = run("status", "--server", "https://127.0.0.1:1", option, str(tmp_path / name), code=2)
        assert name in result.stderr


def test_https_to_a_port_that_speaks_http_is_explained(tmp_path: Path) -> None:
    with served(tmp_path) as daemon:
        https = daemon.url.replace("http://", "https://")
        assert "does not speak TLS" in run("status", "--server", https, code=4).stderr


def test_http_to_a_port_that_speaks_tls_is_explained(tmp_path: Path, authority: Authority) -> None:
    with served(tmp_path, tls=authority.issue("a")) as daemon:
        http = daemon.url.replace("https://", "http://")
        assert "https://" in run("status", "--server", http, code=4).stderr
