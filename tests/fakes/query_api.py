"""A query API on loopback that answers as told, well or badly, and remembers what it was asked.

It checks each request with code of its own: method, path, form, time and time-out.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs


@dataclass
class Asked:
    """One request, taken apart."""

    path: str
    headers: dict[str, str]
    query: str
    time: float
    timeout: str

    @property
    def basic(self) -> str:
        """user:password of basic authentication."""
        return base64.b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()


@dataclass
class Reply:
    """What to answer. length: as announced, if not that of the body; hang, drop: no answer at all."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    length: int | None = None
    hang: bool = False
    drop: bool = False
    drip: float = 0.0


def vector(*series: tuple[dict[str, str], str], **more: object) -> Reply:
    """A success with these label sets and values."""
    result = [{"metric": labels, "value": [1.5, value]} for labels, value in series]
    return success("vector", result, **more)


def success(kind: str, result: object, **more: object) -> Reply:
    data = {"resultType": kind, "result": result}
    return Reply(body=json.dumps({"status": "success", "data": data, **more}).encode())


def error(status: int, kind: str, text: str) -> Reply:
    return Reply(status, json.dumps({"status": "error", "errorType": kind, "error": text}).encode())


@dataclass
class QueryApi:
    """`answer` is called for each query, in the order in which they come."""

    answer: Callable[[Asked], Reply] = lambda asked: vector()
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    running: int = 0
    most_running: int = 0
    connections: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a test to end what hangs."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        content = await reader.readexactly(int(headers["content-length"]))
        assert method == "POST"
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        form = parse_qs(content.decode("ascii"), strict_parsing=True)
        assert re.fullmatch(r"\d+\.\d{3}", form["time"][0])
        asked = Asked(path, headers, form["query"][0], float(form["time"][0]), form["timeout"][0])
        self.asked.append(asked)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        try:
            return await self._reply(self.answer(asked), writer)
        finally:
            self.running -= 1

    async def _reply(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.hang:
            await self.go_on.wait()
        if reply.drop:
            return False
        length = len(reply.body) if reply.length is None else reply.length
        head = f"HTTP/1.1 {reply.status} X\r\nContent-Type: {reply.kind}\r\nContent-Length: {length}\r\n\r\n"
        writer.write(head.encode())
        if reply.drip:
            for byte in reply.body:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(reply.drip)
        else:
            writer.write(reply.body)
        await writer.drain()
        return reply.length is None


@asynccontextmanager
async def query_api(
    answer: Callable[[Asked], Reply] = lambda asked: vector(), tls: ssl.SSLContext | None = None
) -> AsyncIterator[QueryApi]:
    """A query API that listens while the context lasts."""
    api = QueryApi(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await api.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    host, port = server.sockets[0].getsockname()[:2]
    api.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield api
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
