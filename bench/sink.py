"""A webhook receiver that costs next to nothing: what arrives is kept as it came.

Knows HTTP. The collector of the compatibility suite looks into each message as it comes, and is slower
than what is measured here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httptools
import msgspec

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Told(msgspec.Struct):
    fingerprint: str


class _Message(msgspec.Struct):
    alerts: list[_Told]


_MESSAGE = msgspec.json.Decoder(_Message)


class Sink:
    """Listens on 127.0.0.1 inside `async with`.

    arrived  when each message had come (monotonic seconds), and its body
    own      what an engine told of itself: on a loaded machine it may find itself late
    """

    def __init__(self) -> None:
        self.arrived: list[tuple[float, bytes]] = []
        self.own: list[bytes] = []
        self._seen: set[str] = set()
        self._looked_at = 0
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def take(self, body: bytes) -> None:
        if b'"source":"hbalert"' in body:
            self.own.append(body)
            return
        self.arrived.append((time.monotonic(), body))
        self._news.set()

    async def until(self, enough: Callable[[], bool], within_s: float = 60) -> bool:
        """Waits until what has arrived is enough; False when the time is over."""
        try:
            async with asyncio.timeout(within_s):
                while not enough():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return enough()
        return True

    async def count(self, number: int, within_s: float = 60) -> bool:
        """Waits until so many messages have come in all."""
        return await self.until(lambda: len(self.arrived) >= number, within_s)

    def seen(self) -> set[str]:
        """The fingerprints of all alerts that were ever told."""
        for _, body in self.arrived[self._looked_at :]:
            self._seen.update(one.fingerprint for one in _MESSAGE.decode(body).alerts)
        self._looked_at = len(self.arrived)
        return self._seen

    def alerts(self, since: int = 0) -> list[dict[str, Any]]:
        """The alerts of all messages from the n-th on."""
        return [one for _, body in self.arrived[since:] for one in json.loads(body)["alerts"]]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, self._connections), "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.close()


class _Connection(asyncio.Protocol):
    """One connection; the names of the callbacks are httptools'."""

    def __init__(self, sink: Sink, all_of_them: set[_Connection]) -> None:
        self._sink = sink
        self._all = all_of_them
        self._parser = httptools.HttpRequestParser(self)
        self._parts: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._all.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._all.discard(self)

    def data_received(self, received: bytes) -> None:
        self._parser.feed_data(received)

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        body, self._parts = b"".join(self._parts), []
        self._sink.take(body)
        assert self._transport is not None
        self._transport.write(_OK)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
