"""Listening and stopping."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from hbalert.api import connections as connections_module
from hbalert.api import server as server_module
from hbalert.api.protocol import HEAD_BYTES
from hbalert.api.renewal import Renewal
from hbalert.api.server import Server, split_address
from hbalert.metrics import Metrics
from tests.api.stand import stand
from tests.fakes.authority import Authority

SIZE = 40 << 20
"""Bytes of an answer that no socket holds by itself."""


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the path."""
    await receive()
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": body})


async def ask(port: int, path: str = "/hello") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def port_of(server: Server) -> int:
    return int(server.address.rsplit(":", 1)[1])


async def test_port_0_tells_the_port_that_was_found() -> None:
    server = Server()
    await server.start(hello, "127.0.0.1:0")
    assert port_of(server) > 0
    assert (await ask(port_of(server))).endswith(b"/hello\r\n0\r\n\r\n")
    await server.stop()
    with pytest.raises(OSError, match=r"."):
        await ask(port_of(server))


async def test_localhost_is_where_most_clients_look() -> None:
    server = Server()
    await server.start(hello, "localhost:0")
    assert b"200 OK" in await ask(port_of(server))
    await server.stop()


async def test_signals_stay_with_the_daemon() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = Server()
    await server.start(hello, "127.0.0.1:0")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await server.stop()


async def test_a_unix_socket_is_for_its_owner_and_group_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hb.sock"
    async with stand(tmp_path, listen=f"unix:{path}") as api:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert api.url == f"unix:{path}"
        assert (await api.client.get("/-/healthy")).status_code == 200
    assert not path.exists()


async def test_a_stale_unix_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    listen = f"unix:{tmp_path}/hb.sock"
    first = Server()
    await first.start(hello, listen)
    second = Server()
    with pytest.raises(OSError, match="somebody is listening there already"):
        await second.start(hello, listen)
    await first.stop()
    import socket

    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(f"{tmp_path}/hb.sock")
    await second.start(hello, listen)
    await second.stop()


async def test_a_port_that_is_taken_is_explained() -> None:
    first, second = Server(), Server()
    await first.start(hello, "127.0.0.1:0")
    listen = f"127.0.0.1:{port_of(first)}"
    with pytest.raises(OSError, match=f"cannot listen on {listen}: Address already in use"):
        await second.start(hello, listen)
    await first.stop()


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:9097", "127.0.0.1", 9097),
        ("[::1]:80", "::1", 80),
        (":9097", "", 9097),
        ("box:0", "box", 0),
    ],
)
def test_an_address_is_a_host_and_a_port(listen: str, host: str, port: int) -> None:
    assert split_address(listen) == (host, port)


@pytest.mark.parametrize("listen", ["", "9097", "localhost", "x:http", "x:99999", "x:-1", "x:²"])
def test_what_is_no_address_is_explained(listen: str) -> None:
    with pytest.raises(OSError, match="write host:port or unix:/path"):
        split_address(listen)


async def test_a_stop_lets_an_answer_in_work_arrive() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await go_on.wait()
        await hello(scope, receive, send)

    server = Server()
    await server.start(slow, "127.0.0.1:0")
    asking = asyncio.create_task(ask(port_of(server)))
    await begun.wait()
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0)
    go_on.set()
    assert b"200 OK" in await asking
    await stopping


async def test_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "GRACE_SECONDS", 0.1)
    begun = asyncio.Event()

    async def endless(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    server = Server()
    await server.start(endless, "127.0.0.1:0")
    asking = asyncio.create_task(ask(port_of(server)))
    await begun.wait()
    await asyncio.wait_for(server.stop(), 10)
    await asyncio.wait([asking])


async def test_a_connection_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "SWEEP_SECONDS", 0.02)
    monkeypatch.setattr(connections_module, "HEADER_SECONDS", 0.06)
    server = Server()
    await server.start(hello, "127.0.0.1:0")
    for words in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(words)
        try:
            assert await asyncio.wait_for(reader.read(), 10) == b""
        except ConnectionResetError:
            pass
        writer.close()
    await server.stop()


async def test_a_request_in_work_is_not_swept_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(connections_module, "HEADER_SECONDS", 0.02)
    swept = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await swept.wait()
        await hello(scope, receive, send)

    server = Server()
    await server.start(slow, "127.0.0.1:0")
    asking = asyncio.create_task(ask(port_of(server)))
    asyncio.get_running_loop().call_later(0.15, swept.set)
    assert b"200 OK" in await asking
    await server.stop()


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ", id="one header without an end"),
        pytest.param(b"\r\n", id="empty lines before a request"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ",
            id="headers behind the body",
        ),
    ],
)
async def test_bytes_that_lead_nowhere_are_bounded(begin: bytes) -> None:
    async def patient(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await hello(scope, receive, send)

    server = Server()
    await server.start(patient, "127.0.0.1:0")
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(begin)
    sent = 0
    with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
        while sent < 64 << 20:
            writer.write(begin[:2] * 32768 if begin == b"\r\n" else b"a" * 65536)
            await asyncio.wait_for(writer.drain(), 10)
            sent += 65536
    assert sent < 32 << 20  # what the two sockets hold, and the bound
    writer.close()
    await server.stop()


async def test_many_requests_in_one_go_are_no_head() -> None:
    server = Server()
    await server.start(hello, "127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    one = b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert len(one * 90) > HEAD_BYTES
    writer.write(one * 90)
    writer.write(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 60)).endswith(b"/last\r\n0\r\n\r\n")
    writer.close()
    await server.stop()


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For the server, and for a client that trusts it."""
    authority = Authority(folder)
    here = Renewal(authority.issue("server"), Metrics()).context
    return here, ssl.create_default_context(cafile=authority.pem)


async def sized(scope: Any, receive: Any, send: Any) -> None:
    """Answers /large with more than sockets hold, anything else with two bytes."""
    size = SIZE if scope["path"] == "/large" else 2
    length = (b"content-length", b"%d" % size)
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"x" * size})


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_an_answer_on_its_way_is_not_cut_off_to_make_room(tls: bool, tmp_path: Path) -> None:
    here, there = contexts(tmp_path) if tls else (None, None)
    server = Server()
    await server.start(sized, "127.0.0.1:0", connections=8, tls=here)
    opened = []
    name = "localhost" if tls else None
    for path in [b"/large"] + [b"/small"] * 30:  # the first one came before all others
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port_of(server), ssl=there, server_hostname=name
        )
        writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        opened.append((reader, writer))
    assert len(await asyncio.wait_for(opened[0][0].readexactly(SIZE), 60)) == SIZE
    for _, each in opened:
        each.transport.abort()
    await server.stop()


@pytest.mark.parametrize("requests", [1, 3], ids=["one request", "three in one go"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_whoever_does_not_take_an_answer_is_let_go(
    tls: bool, requests: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections_module, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(connections_module, "UNREAD_SECONDS", 0.5)
    here, there = contexts(tmp_path) if tls else (None, None)
    name = "localhost" if tls else None
    server = Server()
    await server.start(sized, "127.0.0.1:0", tls=here)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port_of(server), ssl=there, server_hostname=name
    )
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
    assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert server._uvicorn is not None
    async with asyncio.timeout(30):
        while server._uvicorn.server_state.connections:
            await asyncio.sleep(0.02)
    writer.transport.abort()
    await server.stop()


async def test_whoever_takes_an_answer_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections_module, "SWEEP_SECONDS", 0.2)
    monkeypatch.setattr(connections_module, "UNREAD_SECONDS", 2.0)
    server = Server()
    await server.start(sized, "127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(40):
        await reader.readexactly(SIZE // 40)
        await asyncio.sleep(0.1)
    assert await reader.read() == b""
    writer.transport.abort()
    await server.stop()
