"""Where the daemon is, and which exit code an answer means."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import click
import pytest

from hbalert.cli import client
from hbalert.cli.client import DEFAULT, connect, listening
from tests.api.stand import token
from tests.cli.daemon import Served, run, served

NOWHERE = {"HOME": "/nonexistent"}


def config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        ("127.0.0.1:9097", "http://127.0.0.1:9097"),
        ("0.0.0.0:1", "http://127.0.0.1:1"),
        (":1", "http://127.0.0.1:1"),
        ("[::]:1", "http://[::1]:1"),
        ("box.lan:9097", "http://box.lan:9097"),
        ("unix:/run/hb.sock", "unix:/run/hb.sock"),
    ],
)
def test_a_listening_address_is_turned_into_one_to_connect_to(tmp_path: Path, listen: str, url: str) -> None:
    assert listening(config(tmp_path, f'[server]\nlisten = "{listen}"'), NOWHERE) == url


@pytest.mark.parametrize("text", ["", "[server]\n", "[server]\nlisten = 7\n", "server = 1\n"])
def test_without_a_listening_address_it_is_the_default(tmp_path: Path, text: str) -> None:
    assert listening(config(tmp_path, text), NOWHERE) == DEFAULT


def test_without_any_configuration_it_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hbalert.cli.config_path.SYSTEM", tmp_path / "none")
    assert listening(None, NOWHERE) == DEFAULT


def test_a_configuration_that_is_named_has_to_exist(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="does not exist"):
        listening(tmp_path / "none.toml", NOWHERE)
    with pytest.raises(click.UsageError, match="does not exist"):
        listening(None, {**NOWHERE, "HBALERT_CONFIG": str(tmp_path / "none.toml")})


def test_a_configuration_that_is_no_toml_is_explained(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="name the daemon with --server"):
        listening(config(tmp_path, "listen ="), NOWHERE)


@pytest.mark.parametrize(
    ("server", "environ", "url"),
    [
        ("http://a:1", {"HBALERT_CLIENT_URL": "http://b:1", "HBALERT_SERVER__LISTEN": "c:1"}, "http://a:1"),
        (None, {"HBALERT_CLIENT_URL": "http://b:1", "HBALERT_SERVER__LISTEN": "c:1"}, "http://b:1"),
        (None, {"HBALERT_SERVER__LISTEN": "c:1"}, "http://c:1"),
        (None, {}, "http://d:1"),
    ],
)
def test_what_is_named_first_counts(
    tmp_path: Path, server: str | None, environ: Mapping[str, str], url: str
) -> None:
    path = config(tmp_path, '[server]\nlisten = "d:1"')
    assert connect(path, server, None, {**NOWHERE, **environ}).url == url


def test_nobody_answering_is_exit_code_4_with_a_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = run("status", "--server", url, code=4)
    assert f"no daemon answers at {url}: Connection refused" in result.stderr
    assert "hbalert run" in result.stderr


def test_a_socket_that_is_not_there_is_exit_code_4(tmp_path: Path) -> None:
    assert "No such file" in run("status", "--server", f"unix:{tmp_path}/none.sock", code=4).stderr


@pytest.mark.parametrize("url", ["", "localhost:9097", "ftp://x", "http://", "http://[", "http://x:port"])
def test_what_is_no_address_is_wrong_usage(url: str) -> None:
    if url:
        assert "is no address of a daemon" in run("status", "--server", url, code=2).stderr


def test_a_unix_socket_is_spoken_to(tmp_path: Path) -> None:
    with served(tmp_path, listen=f"unix:{tmp_path}/hb.sock") as daemon:
        assert "healthy" in daemon.run("status").stdout


def test_a_token_opens_and_its_lack_is_exit_code_5(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("viewer-token\n")
    with served(tmp_path, tokens=[token("viewer", "read")]) as daemon:
        refused = daemon.run("status", code=5)
        assert "--token-file FILE or HBALERT_CLIENT_TOKEN" in refused.stderr
        daemon.run("status", "--token-file", str(file))
        daemon.run("status", environ={"HBALERT_CLIENT_TOKEN": "viewer-token"})
        forbidden = daemon.run(
            "queue", "retry", "x", code=5, environ={"HBALERT_CLIENT_TOKEN": "viewer-token"}
        )
        assert "needs 'admin'" in forbidden.stderr
        assert "viewer-token" not in refused.output + forbidden.output


def test_a_token_file_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    result = run("status", "--token-file", str(tmp_path / "none"), "--server", "http://127.0.0.1:1", code=2)
    assert "cannot be read" in result.stderr


def test_a_token_cannot_carry_another_header(tmp_path: Path) -> None:
    environ = {"HBALERT_CLIENT_TOKEN": "a\r\nX-Evil: 1"}
    assert (
        "a token is one word"
        in run("status", "--server", "http://127.0.0.1:1", code=2, environ=environ).stderr
    )


def test_a_terminal_is_not_moved_by_what_the_daemon_says(daemon: Served) -> None:
    daemon.do(daemon.api.fire(alertname="Down", bot="\x1b[2J\nforged\u202e"))
    table = daemon.run("alerts", "list").stdout
    assert len(table.splitlines()) == 2
    assert "\x1b" not in table
    assert "\u202e" not in table


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Something at a port that says the same to everybody."""

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection = listening.accept()[0]
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=serve, args=(listening,), daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def reply(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        pytest.param(reply(b"<html>"), 4, "is not hbalert", id="a page"),
        pytest.param(reply(b'{"status": "success", "data": []}'), 4, "is not hbalert", id="a Prometheus"),
        pytest.param(reply(b"[]"), 4, "is not hbalert", id="a list"),
        pytest.param(reply(b""), 4, "is not hbalert", id="nothing"),
        pytest.param(reply(b"[" * 100_000), 4, "is not hbalert", id="deeper than can be read"),
        pytest.param(
            reply(b'{"schema"', length=50), 4, "no daemon answers", id="a daemon that died meanwhile"
        ),
        pytest.param(reply(b'{"schema": 1}'), 4, "is of another version", id="a daemon of another version"),
        pytest.param(reply(b"", "302 Found"), 5, "HTTP 302", id="a proxy that sends us elsewhere"),
    ],
)
def test_an_answer_that_is_none_of_ours_is_said(answer: bytes, code: int, says: str) -> None:
    with answering(answer) as url:
        for verb in (("status",), ("rules", "list"), ("alerts", "show", "c8af"), ("explain", "bot=a")):
            assert says in run(*verb, "--server", url, code=code).stderr


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WHOLE_SECONDS", -1)
    with answering(reply(b'{"schema": 1}')) as url:
        assert "no whole answer" in run("status", "--server", url, code=4).stderr


def test_a_token_in_the_address_opens_and_is_never_shown(tmp_path: Path) -> None:
    with served(tmp_path, tokens=[token("viewer", "read")]) as daemon:
        inside = daemon.url.replace("http://", "http://x:viewer-token@")
        assert "alerts" in run("status", "--server", inside).stdout
    assert "viewer-token" not in run("status", "--server", inside, code=4).output


def test_a_daemon_may_be_below_a_path_of_its_proxy(daemon: Served) -> None:
    daemon.run("status")
    assert run("status", "--server", f"{daemon.url}/").stdout
    run("status", "--server", f"{daemon.url}/alerts/", code=5)  # nothing is there without a proxy


@pytest.mark.parametrize(
    "verb", ["alerts show", "alerts timeline", "rules show", "queue retry", "silence show"], ids=str
)
def test_an_empty_id_names_nothing(daemon: Served, verb: str) -> None:
    assert "the id is empty" in daemon.run(*verb.split(), "", code=2).stderr
