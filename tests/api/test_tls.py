"""HTTPS on our own port: handshakes, clients' certificates, renewal while connections stand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hbalert.api import connections as connections_module
from hbalert.api.renewal import Renewal
from hbalert.api.server import Server
from hbalert.certificate import der
from hbalert.metrics import Metrics
from hbalert.tls import Files
from tests.api.test_server import hello, port_of
from tests.fakes.authority import Authority

REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@asynccontextmanager
async def serving(files: Files, **more: int) -> AsyncIterator[tuple[Server, Renewal, list[str]]]:
    """A server with TLS, its renewal, and why connections came to nothing."""
    refused: list[str] = []
    server, renewal = Server(), Renewal(files, Metrics())
    await server.start(hello, "127.0.0.1:0", tls=renewal.context, refused=refused.append, **more)
    try:
        yield server, renewal, refused
    finally:
        await server.stop()


def trusting(authority: Authority, own: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.pem)
    if own is not None:
        context.load_cert_chain(own)
    return context


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """One request over a connection that stays."""
    writer.write(REQUEST)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    while await asyncio.wait_for(reader.readline(), 20) != b"0\r\n":
        pass
    await reader.readline()
    return head


def shown(writer: asyncio.StreamWriter) -> bytes:
    """The certificate that the other side showed."""
    seen: ssl.SSLObject = writer.get_extra_info("ssl_object")
    return seen.getpeercert(binary_form=True) or b""


async def test_a_client_that_trusts_the_authority_is_answered(authority: Authority) -> None:
    async with serving(authority.issue("a")) as (server, _, refused):
        assert server.address.startswith("https://127.0.0.1:")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=trusting(authority), server_hostname="localhost"
        )
        assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        seen: ssl.SSLObject = writer.get_extra_info("ssl_object")
        assert seen.version() == "TLSv1.3"
        writer.close()
        assert refused == []


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda each: each.name
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_of_tls_is_refused(authority: Authority, version: ssl.TLSVersion) -> None:
    async with serving(authority.issue("a")) as (server, _, refused):
        old = trusting(authority)
        old.minimum_version = old.maximum_version = version
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port_of(server), ssl=old, server_hostname="localhost")
        await seen(refused, "handshake")


async def seen(refused: list[str], why: str) -> None:
    async with asyncio.timeout(30):
        while why not in refused:
            await asyncio.sleep(0.01)


async def test_clients_need_a_certificate_where_authorities_are_named(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").client("stranger")
    files = authority.issue("a")
    async with serving(Files(files.cert, files.key, authority.pem)) as (server, _, refused):
        for own in (None, stranger):
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await ask(
                    *await asyncio.open_connection(
                        "127.0.0.1",
                        port_of(server),
                        ssl=trusting(authority, own),
                        server_hostname="localhost",
                    )
                )
        await seen(refused, "handshake")
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            port_of(server),
            ssl=trusting(authority, authority.client("prometheus")),
            server_hostname="localhost",
        )
        assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_plain_http_on_the_port_comes_to_a_clean_end(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(authority.issue("a")) as (server, _, refused):
        for words in (REQUEST, b"\x16\x03\x01\xff\xff", b"\x00" * 100, b"SSH-2.0-x\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
            writer.write(words)
            writer.write_eof()
            try:
                answer = await asyncio.wait_for(reader.read(), 20)
            except ConnectionError:
                answer = b""
            assert b"HTTP" not in answer
            writer.close()
        await seen(refused, "handshake")
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


async def test_a_handshake_that_does_not_go_on_is_ended_and_hinders_nobody(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "HANDSHAKE_SECONDS", 0.2)
    async with serving(authority.issue("a")) as (server, _, refused):
        silent = [await asyncio.open_connection("127.0.0.1", port_of(server)) for _ in range(20)]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=trusting(authority), server_hostname="localhost"
        )
        assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        writer.close()
        for reader, writer in silent:
            try:
                assert await asyncio.wait_for(reader.read(), 20) == b""
            except ConnectionError:
                pass
            writer.close()
        assert refused == ["handshake"] * 20


async def test_a_silent_connection_is_swept_away_with_tls_too(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(connections_module, "HEADER_SECONDS", 0.06)
    async with serving(authority.issue("a")) as (server, _, _):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=trusting(authority), server_hostname="localhost"
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        try:
            assert await asyncio.wait_for(reader.read(), 20) == b""
        except ConnectionError:
            pass
        writer.close()


async def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(authority: Authority) -> None:
    files = authority.issue("a")
    async with serving(files) as (server, renewal, _):
        port, trust = port_of(server), trusting(authority)
        before = der(files.cert.read_bytes())
        old = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
        await ask(*old)
        assert not renewal.look(files)
        authority.issue("a")
        assert renewal.look(files)
        server.use(renewal.context)
        new = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
        for connection in (old, new):
            assert (await ask(*connection)).startswith(b"HTTP/1.1 200")
        assert shown(old[1]) == before
        assert shown(new[1]) == der(files.cert.read_bytes()) != before
        for _, writer in (old, new):
            writer.close()


async def test_a_pair_that_does_not_fit_keeps_the_old_one_and_is_told_once(authority: Authority) -> None:
    files = authority.issue("a")
    async with serving(files) as (server, renewal, _):
        before, good = der(files.cert.read_bytes()), files.cert.read_bytes()
        files.cert.write_bytes(authority.issue("b").cert.read_bytes())  # half of a renewal
        context = renewal.context
        assert renewal.look(files)
        assert renewal.problem == "tls_key: it does not belong to the certificate"
        assert renewal.context is context
        assert not renewal.look(files)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=trusting(authority), server_hostname="localhost"
        )
        await ask(reader, writer)
        assert shown(writer) == before
        writer.close()
        files.cert.write_bytes(good)
        assert renewal.look(files)
        assert renewal.problem == ""


def test_files_that_are_gone_keep_the_old_pair(authority: Authority) -> None:
    files = authority.issue("a")
    renewal = Renewal(files, Metrics())
    files.key.unlink()
    assert renewal.look(files)
    assert "a.key" in renewal.problem
    assert not renewal.look(files)


def test_the_end_of_the_certificate_is_a_metric(authority: Authority) -> None:
    metrics = Metrics()
    assert b"\nhbalert_tls_certificate_expiry_timestamp_seconds{" not in metrics.exposition()[0]
    files = authority.issue("a")
    Renewal(files, metrics)
    lines = metrics.exposition()[0].decode().splitlines()
    (line,) = [each for each in lines if each.startswith("hbalert_tls_certificate_expiry_timestamp_seconds{")]
    assert f'file="{files.cert}"' in line


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_a_crowd_of_idle_connections_locks_nobody_out(authority: Authority, secure: bool) -> None:
    """More connections than there is room for: the idle ones that came first go."""
    refused: list[str] = []
    server = Server()
    tls = Renewal(authority.issue("a"), Metrics()).context if secure else None
    await server.start(hello, "127.0.0.1:0", tls=tls, connections=10, refused=refused.append)
    crowd = [await asyncio.open_connection("127.0.0.1", port_of(server)) for _ in range(60)]
    for _ in range(20):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            port_of(server),
            ssl=trusting(authority) if secure else None,
            server_hostname="localhost" if secure else None,
        )
        assert (await ask(reader, writer)).startswith(b"HTTP/1.1 200")
        writer.close()
    assert "full" not in refused
    for _, writer in crowd:
        writer.close()
    await server.stop()


async def test_requests_in_work_are_not_given_up_for_new_connections() -> None:
    go_on = asyncio.Event()
    begun: list[None] = []

    async def slow(scope: object, receive: object, send: object) -> None:
        begun.append(None)
        await go_on.wait()
        await hello(scope, receive, send)

    refused: list[str] = []
    server = Server()
    await server.start(slow, "127.0.0.1:0", connections=8, refused=refused.append)
    working = [await asyncio.open_connection("127.0.0.1", port_of(server)) for _ in range(8)]
    asking = [asyncio.create_task(ask(*each)) for each in working]
    async with asyncio.timeout(30):
        while len(begun) < 8:
            await asyncio.sleep(0.01)
    while "full" not in refused:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.close()
        await asyncio.sleep(0.01)
    go_on.set()
    for answer in await asyncio.gather(*asking):
        assert answer.startswith(b"HTTP/1.1 200")
    for _, writer in working:
        writer.close()
    await server.stop()
