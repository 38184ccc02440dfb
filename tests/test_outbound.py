"""One call at a time, against a real server."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from hbalert.outbound import Reply, Unreachable, Unsendable, open_client, request

SOON = timedelta(seconds=20)


@asynccontextmanager
async def far_side(seen: list[web.Request], answer: dict[str, Any]) -> AsyncIterator[str]:
    """Answers every request alike; `seen` are those that came."""

    async def take(asked: web.Request) -> web.Response:
        await asked.read()
        seen.append(asked)
        return web.Response(**answer)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert server is not None
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


async def ask(url: str, *, times: int = 1, **how: Any) -> Reply:
    """The answer to the last of some requests of one client."""
    async with open_client() as client:
        for _ in range(times):
            reply = await request(client, "POST", url, timeout=SOON, **how)
    return reply


async def test_a_request_arrives_as_it_was_asked_for() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {"text": "thanks"}) as there:
        reply = await ask(f"http://{there}/hook/a%2Fb?x=%20y", headers={"X-Mine": "1"}, content=b"body")
    (one,) = seen
    assert (reply.status, reply.text, reply.truncated) == (200, "thanks", False)
    assert one.raw_path == "/hook/a%2Fb?x=%20y"
    assert await one.read() == b"body"
    assert (one.headers["X-Mine"], one.headers["Content-Length"]) == ("1", "4")
    assert one.headers["User-Agent"].startswith("hbalert/")
    assert one.headers.getall("Host") == [there]


async def test_a_header_that_is_asked_for_stands_in_place_of_our_own() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {}) as there:
        await ask(f"http://{there}/", headers={"user-agent": "me", "Accept-Encoding": "identity"})
    assert seen[0].headers.getall("User-Agent") == ["me"]
    assert seen[0].headers.getall("Accept-Encoding") == ["identity"]


async def test_a_form_is_encoded() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {}) as there:
        await ask(f"http://{there}/", data={"query": "up == 1"})
    assert await seen[0].read() == b"query=up+%3D%3D+1"
    assert seen[0].content_type == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("user_info", "how", "sent"),
    [
        pytest.param("me:s%2Fx@", {}, "Basic bWU6cy94", id="of the url"),
        pytest.param("me:s@", {"auth": ("you", "t")}, "Basic eW91OnQ=", id="other credentials win"),
        pytest.param("me:s@", {"headers": {"AUTHORIZATION": "Bearer t"}}, "Bearer t", id="a header wins"),
    ],
)
async def test_user_info_of_a_url_is_sent_as_basic_authentication(
    user_info: str, how: dict[str, Any], sent: str
) -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {}) as there:
        await ask(f"http://{user_info}{there}/", **how)
    assert seen[0].headers.getall("Authorization") == [sent]
    assert "@" not in seen[0].headers["Host"]


async def test_a_compressed_answer_is_read() -> None:
    answer = {"body": gzip.compress(b"many words"), "headers": {"Content-Encoding": "gzip"}}
    async with far_side([], answer) as there:
        assert (await ask(f"http://{there}/")).body == b"many words"


async def test_what_is_longer_than_asked_for_is_cut() -> None:
    async with far_side([], {"body": b"x" * 100_000}) as there:
        reply = await ask(f"http://{there}/", max_bytes=1000)
    assert (len(reply.body), reply.truncated) == (1000, True)


async def test_a_redirect_is_an_answer_like_any_other() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {"status": 302, "headers": {"Location": "/elsewhere"}}) as there:
        reply = await ask(f"http://{there}/")
    assert (reply.status, reply.headers["location"], len(seen)) == (302, "/elsewhere", 1)


async def test_a_cookie_is_not_sent_back() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {"headers": {"Set-Cookie": "who=me; Path=/"}}) as there:
        await ask(f"http://{there}/", times=2)
    assert len(seen) == 2
    assert "Cookie" not in seen[1].headers


async def test_one_connection_serves_one_request_after_the_other() -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {"text": "thanks"}) as there:
        await ask(f"http://{there}/", times=3)
    assert len({one.transport for one in seen}) == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:99999/", id="a port that there is not"),
        pytest.param("ftp://127.0.0.1/", id="a scheme that is not HTTP"),
        pytest.param("http://", id="no host"),
        pytest.param("http://a..b/", id="a host with an empty part"),
        pytest.param(f"http://{'a' * 64}.example/", id="a host with a part that is too long"),
    ],
)
async def test_a_url_that_cannot_be_asked_is_no_answer(url: str) -> None:
    with pytest.raises(Unreachable) as raised:
        await ask(url)
    assert raised.value.reason == "network"
    assert not raised.value.sent


@pytest.mark.parametrize("value", ["令牌", "a\r\nX-Other: 1"], ids=["no ASCII", "more than one line"])
async def test_a_header_that_cannot_be_sent_is_no_answer_and_is_not_shown(value: str) -> None:
    seen: list[web.Request] = []
    async with far_side(seen, {}) as there:
        with pytest.raises(Unsendable) as raised:
            await ask(f"http://{there}/", headers={"X-Token": value})
    assert str(raised.value) == "the URL or a header is not valid"
    assert not raised.value.sent
    assert seen == []


@asynccontextmanager
async def rough_side(answer: bytes) -> AsyncIterator[str]:
    """Says this after each request, and hangs up."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param(
            b"SSH-2.0-OpenSSH_9\r\n\r\n", "the answer is not valid HTTP: Bad status line", id="not HTTP"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab",
            "the answer is not valid HTTP: Invalid character in Content-Length",
            id="a length below zero",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc",
            "the answer is not valid HTTP: Invalid character in chunk size",
            id="a chunk without a length",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nab", "the answer broke off", id="shorter than said"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "the answer broke off",
            id="half a chunk",
        ),
        pytest.param(b"", "the connection was closed before an answer came", id="nothing"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_said_in_one_line(answer: bytes, said: str) -> None:
    async with rough_side(answer) as there:
        with pytest.raises(Unreachable) as raised:
            await ask(f"http://{there}/")
    assert str(raised.value) == said
    assert (raised.value.reason, raised.value.sent) == ("network", True)
