"""The short way of what can be answered at once: it says, counts and refuses what uvicorn's way does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hbalert.api.app import Api
from hbalert.api.protocol import BoundedProtocol
from hbalert.config.types import Limits
from hbalert.errors import StoreFull
from tests.api.stand import Stand, alive, stand, token

KNOWN = {"labels": {"alertname": "Down", "bot": "a"}, "endsAt": "2026-03-01T14:00:00Z"}
"""Posted before, so that posting it again is a refresh: nothing has to be stored."""

NEW = {"labels": {"alertname": "New"}, "endsAt": "2026-03-01T14:00:00Z"}

KEY = b"Authorization: Bearer prom-token\r\n"
TOKENS = [token("prom", "ingest"), token("viewer", "read")]


def request(body: object = None, more: bytes = KEY, *, target: bytes = b"/api/v2/alerts") -> bytes:
    """A POST; a body of bytes is sent as it is."""
    text = body if isinstance(body, bytes) else msgspec.json.encode([body or KNOWN])
    head = b"POST " + target + b" HTTP/1.1\r\nHost: x\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(text) + text


@asynccontextmanager
async def connected(api: Stand) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rsplit(":", 1)[1]))
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One whole answer with an announced length."""
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        return head + await reader.readexactly(int(lines[b"content-length"]))


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that go uvicorn's way."""
    seen: list[str] = []
    usual = Api.__call__

    async def call(self: Api, scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await usual(self, scope, receive, send)

    monkeypatch.setattr(Api, "__call__", call)
    return seen


async def split(writer: asyncio.StreamWriter, reader: asyncio.StreamReader, words: bytes) -> bytes:
    """The answer to a request whose last byte comes when its head has been read for certain."""
    writer.write(words[:-1])
    await writer.drain()
    for _ in range(20):
        await asyncio.sleep(0)
    writer.write(words[-1:])
    return await answer(reader)


REQUESTS = {
    "a refresh": request(),
    "nothing in it": request(b"[]"),
    "a resolve of what nobody knows": request({"labels": {"a": "b"}, "endsAt": "2026-02-01T00:00:00Z"}),
    "an alert that appears": request(NEW),
    "a bad one among good ones": request(b'[{"labels":{"a":"b"}},{"labels":{}}]'),
    "no labels": request(b"[{}]"),
    "no JSON": request(b"[{"),
    "no list": request(b'{"a":1}'),
    "spaces only": request(b"  "),
    "a form": request(more=KEY + b"Content-Type: application/x-www-form-urlencoded\r\n"),
    "packed": request(more=KEY + b"Content-Encoding: gzip\r\n"),
    "no token": request(more=b""),
    "a token of another role": request(more=b"Authorization: Bearer viewer-token\r\n"),
    "a page of somebody else": request(more=KEY + b"Origin: http://evil.example\r\n"),
    "over the limit": request(b"[" + b" " * 3000 + b"]"),
    "too many alerts": request(b"[" + b",".join([b'{"labels":{"a":"b"}}'] * 60) + b"]"),
    "a query": request(target=b"/api/v2/alerts?x=1"),
    "a slash at the end": request(target=b"/api/v2/alerts/"),
    "nothing under it": request(target=b"/api/v2/nothing"),
    "the end of the connection": request(more=KEY + b"Connection: close\r\n"),
}


@pytest.mark.parametrize("words", REQUESTS.values(), ids=list(REQUESTS))
async def test_both_ways_send_the_same_bytes_and_count_the_same(tmp_path: Path, words: bytes) -> None:
    said, counted = [], []
    for way in ("whole", "split"):
        (folder := tmp_path / way).mkdir()
        limits = Limits(body_bytes=2000, alerts=50)
        async with stand(folder, tokens=TOKENS, limits=limits) as api, connected(api) as (reader, writer):
            writer.write(request())
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
            if way == "split":
                said.append(await split(writer, reader, words))
            else:
                writer.write(words)
                said.append(await answer(reader))
            lines = api.metrics.exposition()[0].decode().splitlines()
            names = ("hbalert_http_re", "hbalert_alerts_")
            # How long it took differs; how often does not.
            counts = [line for line in lines if line.startswith(names) and "_bucket" not in line]
            counted.append([line for line in counts if "_sum{" not in line])
            assert len(api.engine.memory.alerts) == len(await listed(api))
    assert said[0] == said[1]
    assert counted[0] == counted[1]


async def listed(api: Stand) -> Any:
    reply = await api.client.get("/api/v2/alerts", headers={"Authorization": "Bearer viewer-token"})
    return reply.json()


async def test_a_refresh_that_comes_in_one_piece_takes_the_short_way(api: Stand, ways: list[str]) -> None:
    async with connected(api) as (reader, writer):
        writer.write(request())
        await answer(reader)
        assert ways == ["/api/v2/alerts"]  # it appeared: that had to be stored
        for _ in range(3):
            writer.write(request())
            assert await answer(reader) == (
                b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncache-control: no-store\r\n\r\n"
            )
        assert ways == ["/api/v2/alerts"]
        await split(writer, reader, request())
        assert ways == ["/api/v2/alerts"] * 2
        writer.write(request(more=b"Expect: 100-continue\r\n"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await answer(reader)
        assert ways == ["/api/v2/alerts"] * 3


async def test_chunks_in_one_piece_are_read_as_one_body(api: Stand, ways: list[str]) -> None:
    await api.alerts(KNOWN)
    del ways[:]
    text = msgspec.json.encode([{**KNOWN, "annotations": {"summary": "in chunks"}}])
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (text[:9], text[9:], b""))
    async with connected(api) as (reader, writer):
        writer.write(
            b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        )
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    assert ways == []
    (shown,) = await api.get("/api/v2/alerts")
    assert shown["annotations"] == {"summary": "in chunks"}


async def test_a_token_behind_the_body_is_none(tmp_path: Path) -> None:
    """Where a proxy in front decides about headers, nobody gets past it with a trailer."""
    head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    words = head + b"2\r\n[]\r\n0\r\n" + KEY + b"\r\n"
    async with stand(tmp_path, tokens=TOKENS) as api, connected(api) as (reader, writer):
        writer.write(words)
        assert (await answer(reader)).startswith(b"HTTP/1.1 401 ")
        assert (await split(writer, reader, words)).startswith(b"HTTP/1.1 401 ")


async def test_requests_in_one_piece_are_answered_in_their_order(api: Stand) -> None:
    """Refreshes are ready at once, what stands between them is not."""
    await api.alerts(KNOWN)
    get = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    words = [
        request(more=b""),
        get,
        request(more=b""),
        request(NEW, b""),
        request(more=b""),
        request(b"[}", b""),
    ]
    async with connected(api) as (reader, writer):
        writer.write(b"".join(words * 3))
        said = [await answer(reader) for _ in words * 3]
    codes = [each[9:12] for each in said]
    assert codes == [b"200", b"200", b"200", b"200", b"200", b"400"] * 3
    assert [each.endswith(b"OK") for each in said] == [False, True, False, False, False, False] * 3


async def test_a_token_that_is_taken_away_counts_for_the_next_post_of_the_same_connection(
    tmp_path: Path,
) -> None:
    async with stand(tmp_path, tokens=TOKENS) as api, connected(api) as (reader, writer):
        for _ in range(2):
            writer.write(request())
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
        config = api.engine.config.model_copy(update={"tokens": (token("viewer", "read"),)})
        await api.engine.reload(config)
        writer.write(request())
        assert (await answer(reader)).startswith(b"HTTP/1.1 401 ")


async def test_a_refresh_behind_a_commit_waits_for_it_and_is_kept(
    api: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.alerts(KNOWN)
    commit, begun, gate = api.engine.store.commit, asyncio.Event(), asyncio.Event()

    async def slow(changes: Any) -> None:
        begun.set()
        await gate.wait()
        await commit(changes)

    monkeypatch.setattr(api.engine.store, "commit", slow)
    async with connected(api) as (reader, writer), connected(api) as (second, writer_2):
        writer.write(request(NEW))
        await begun.wait()
        writer_2.write(request({**KNOWN, "annotations": {"summary": "behind"}}))
        waiting = asyncio.create_task(answer(second))
        for _ in range(50):
            await asyncio.sleep(0)
        assert not waiting.done()
        gate.set()
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
        assert (await waiting).startswith(b"HTTP/1.1 200 ")
    shown = {one["labels"]["alertname"]: one for one in await api.get("/api/v2/alerts")}
    assert shown["Down"]["annotations"] == {"summary": "behind"}
    assert "New" in shown


async def test_what_the_store_does_not_take_is_503_and_the_next_one_is_taken(
    api: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(changes: Any) -> None:
        raise StoreFull("no room")

    async with connected(api) as (reader, writer):
        with monkeypatch.context() as patched:
            patched.setattr(api.engine.store, "commit", refuse)
            writer.write(request(NEW))
            assert b"the store has no room" in (said := await answer(reader))
            assert said.startswith(b"HTTP/1.1 503 ")
        writer.write(request(NEW))
        assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")


async def test_every_place_in_the_load_is_given_back(tmp_path: Path) -> None:
    limits = Limits(busy_requests=1, body_bytes=2000)
    async with stand(tmp_path, tokens=TOKENS, limits=limits) as api, connected(api) as (reader, writer):
        for words in [*REQUESTS.values()][:-1] * 2:
            writer.write(words)
            assert not (await answer(reader)).startswith(b"HTTP/1.1 503 ")


async def test_a_connection_ends_when_it_has_been_idle_since_its_last_post(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One timer runs on through all posts, and counts from the last."""
    monkeypatch.setattr("hbalert.api.server.IDLE_SECONDS", 0.4)
    clock = asyncio.get_running_loop().time
    async with stand(tmp_path) as api, connected(api) as (reader, writer):
        for _ in range(4):
            writer.write(request(more=b""))
            await answer(reader)
            last = clock()
            await asyncio.sleep(0.15)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        assert clock() - last >= 0.35


async def test_a_connection_is_not_idle_while_what_came_with_an_answered_post_is_in_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hbalert.api.server.IDLE_SECONDS", 0.2)
    async with stand(tmp_path) as api, connected(api) as (reader, writer):
        await api.alerts(KNOWN)
        commit = api.engine.store.commit

        async def slow(changes: Any) -> None:
            await asyncio.sleep(1)
            await commit(changes)

        monkeypatch.setattr(api.engine.store, "commit", slow)
        writer.write(request(more=b"") + request(NEW, b""))
        for _ in range(2):
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")


async def test_who_asks_faster_than_we_answer_is_read_no_further(
    api: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request that is taken up makes no room for more, until none stands behind it."""
    await api.alerts(KNOWN)
    commit, gate = api.engine.store.commit, asyncio.Semaphore(0)

    async def slow(changes: Any) -> None:
        await gate.acquire()
        await commit(changes)

    monkeypatch.setattr(api.engine.store, "commit", slow)
    news = [request({"labels": {"n": str(n)}, "endsAt": "2026-03-01T14:00:00Z"}, b"") for n in range(60)]
    async with connected(api) as (reader, writer):
        for words in (news[:4], news[4:]):
            writer.write(b"".join(words))
            await writer.drain()
            for _ in range(50):
                await asyncio.sleep(0)
            gate.release()
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
        crowded = [each for each in alive(BoundedProtocol) if each.pipeline]
        behind = [len(each.pipeline) for each in crowded if not each.transport.is_closing()]
        for _ in news:
            gate.release()
        assert behind == [1]
        for _ in news[2:]:
            assert (await answer(reader)).startswith(b"HTTP/1.1 200 ")
    assert len(api.engine.memory.alerts) == len(news) + 1


async def test_a_connection_that_asks_a_thousand_times_in_one_piece_is_ended(api: Stand) -> None:
    async with connected(api) as (reader, writer):
        writer.write(b"GET /-/healthy HTTP/1.1\r\n\r\n" * 1000)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 30) == b""
    assert (await api.client.get("/-/healthy")).status_code == 200


async def test_who_hangs_up_behind_a_post_has_posted_it(api: Stand) -> None:
    async with connected(api) as (_, writer):
        writer.write(request(NEW))
        await writer.drain()
    while not api.engine.memory.alerts:  # nothing tells that it has been read
        await asyncio.sleep(0.001)
    assert [one["labels"]["alertname"] for one in await api.get("/api/v2/alerts")] == ["New"]


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" + KEY


@pytest.mark.parametrize("cut", [None, 30, -1, -20])
async def test_an_offer_of_another_protocol_is_passed_over(tmp_path: Path, cut: int | None) -> None:
    """As Java's client makes one with each request over http://."""
    async with stand(tmp_path, tokens=TOKENS) as api, connected(api) as (reader, writer):
        for words in (request(NEW, H2C), request(KNOWN, H2C), request(KNOWN, H2C) + request(b"[]", KEY)):
            writer.write(words[:cut])
            await writer.drain()
            for _ in range(20):
                await asyncio.sleep(0)
            writer.write(words[cut:] if cut is not None else b"")
            assert (await answer(reader)).startswith(b"HTTP/1.1 200")
        assert (await answer(reader)).startswith(b"HTTP/1.1 200"), "the post behind the last"
        assert len(api.engine.memory.alerts) == 2


async def test_an_offer_does_not_open(tmp_path: Path) -> None:
    async with stand(tmp_path, tokens=TOKENS) as api, connected(api) as (reader, writer):
        offer = b"Connection: upgrade, close\r\nUpgrade: h2c\r\n"
        writer.write(request(NEW, offer))
        told = await answer(reader)
        assert told.startswith(b"HTTP/1.1 401")
        assert b"connection: close" in told.lower()
        assert await reader.read() == b""
        assert not api.engine.memory.alerts


async def test_a_crowd_of_offers_and_a_tunnel_are_answered_or_ended(tmp_path: Path) -> None:
    offer = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with stand(tmp_path) as api:
        for words in (
            offer * 5000,
            b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
            offer.replace(b"1.1", b"1.0"),
        ):
            async with connected(api) as (reader, writer):
                writer.write(words)
                async with asyncio.timeout(30):
                    with contextlib.suppress(ConnectionError):
                        await reader.read(20)
        assert (await api.client.get("/-/healthy")).status_code == 200
