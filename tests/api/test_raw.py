"""A real process and raw sockets: garbage, half requests, pipelines. It answers or hangs up, and lives on."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.compat.peers import Hbalert
from tests.compat.setup import Hook, Setup

GET = b"GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LAST = b"Connection: close\r\n"
BODY = b'[{"labels":{"raw":"1"}}]'

COMPLETE = {
    "garbage": b"\x00\xff\x16\x03\x01 hello\r\n\r\n",
    "a TLS greeting": bytes.fromhex("1603010200010001fc0303") + bytes(500),
    "no HTTP": b"EHLO there\r\n\r\n",
    "an unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a blank in the path": b"GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a huge path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a huge header": GET + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": GET + b"".join(b"X-%d: a\r\n" % number for number in range(5000)) + b"\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "a header of bytes": GET + b"X: \xff\x00\xfe\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
    "a negative length": POST + b"Content-Length: -5\r\n\r\n[]",
    "a length that is no number": POST + b"Content-Length: 0x10\r\n\r\n[]",
    "a length beyond everything": POST + b"Content-Length: 99999999999999999999999\r\n\r\n[]",
    "a length over the limit": POST + b"Content-Length: 999999999\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of nonsense": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nfoo\r\n\r\n",
    "a chunk of a negative size": POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n[]]]]\r\n0\r\n\r\n",
    "an unknown transfer": POST + b"Transfer-Encoding: wibble\r\n\r\n[]",
    "an upgrade": GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole address": b"GET http://evil.example/-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET /-/healthy HTTP/1.1\r\n\r\n",
}
"""Sent whole, and then the client sends no more: it has to be answered, or hung up on, at once."""

HALF = {
    "nothing": b"",
    "half a line": b"GET /api",
    "half the headers": GET + b"X-Slow: ",
    "half a body": POST + b"Content-Length: 100\r\n\r\n[",
    "half a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nff\r\n[",
}
"""Sent, and then the client stays and says nothing."""


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_real_process_outlives_everything_that_a_socket_can_bring(tmp_path: Path) -> None:
    peer = Hbalert(tmp_path, "http://127.0.0.1:9")
    peer.write(Setup(route={"receiver": "web", "group_wait": "1h"}, receivers={"web": (Hook(),)}))
    held: list[asyncio.StreamWriter] = []
    try:
        await peer.start()
        async with httpx.AsyncClient(base_url=peer.url, timeout=30) as client:
            for words in HALF.values():
                for _ in range(5):
                    _, writer = await asyncio.open_connection("127.0.0.1", peer.at.port)
                    writer.write(words)
                    held.append(writer)
            for name, words in COMPLETE.items():
                answer = await said(peer.at.port, words)
                assert not answer.startswith(b"HTTP/1.1 5"), (name, answer[:200])
                assert b"Traceback" not in answer
                assert (await client.get("/-/healthy")).status_code == 200, name
            dice = random.Random(7)
            for _ in range(150):
                whole = dice.choice([GET + b"\r\n", POST + b"Content-Length: 24\r\n\r\n" + BODY])
                spoilt = bytearray(whole)
                for _ in range(dice.randrange(1, 6)):
                    spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
                answer = await said(peer.at.port, bytes(spoilt))
                assert not answer.startswith(b"HTTP/1.1 5"), spoilt
            # Slowly, byte by byte; and several requests at once, answered in their order.
            answer = await said(peer.at.port, POST + LAST + b"Content-Length: 24\r\n\r\n" + BODY, piece=1)
            assert answer.startswith(b"HTTP/1.1 200")
            answer = await said(
                peer.at.port, (GET + b"\r\n") * 3 + POST + LAST + b"Content-Length: 2\r\n\r\n[}"
            )
            assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"200", b"400"]
            reply = await client.post("/api/v2/alerts", json=[{"labels": {"after": "all"}}])
            assert reply.status_code == 200
            assert len((await client.get("/api/v2/alerts?filter=after=all")).json()) == 1
            assert len((await client.get("/api/v2/alerts?filter=raw=1")).json()) == 1
    finally:
        for writer in held:
            writer.close()
        await peer.close()
    log = peer.log.read_text("utf-8", "replace")
    assert "Traceback" not in log
    assert "request_failed" not in log


async def said(port: int, words: bytes, piece: int = 1 << 20) -> bytes:
    """What comes back until the other side hangs up, which it has to do in time.

    It is told that nothing more comes, unless it was asked to hang up after its answer.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(ConnectionError):
        for start in range(0, len(words), piece):
            writer.write(words[start : start + piece])
            await writer.drain()
        if LAST not in words:
            writer.write_eof()
        async with asyncio.timeout(30):
            answer = await reader.read()
    writer.close()
    return answer
