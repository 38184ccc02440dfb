"""The frame of a gateway on loopback: it listens, breaks on demand and keeps what arrived.

Knows HTTP and the ways in which any far side fails: a web page instead of an answer, no answer, a
lost connection before or after the message was taken, 5xx, 429. Must not know any provider's wire
format; those are `dingtalk.py` and `*_sms.py`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from aiohttp import web

from hbalert.clock import Clock, SystemClock

Taken = TypeVar("Taken")

BLOCK_PAGE = "<!doctype html><html><head><title>Access blocked</title></head><body>Sorry</body></html>"

FAULTS = {
    "html": "a web page with status 200 instead of an answer",
    "empty": "status 200 without a body",
    "garbage": "status 200 with a body that is no JSON",
    "slow": "no answer; the message is not taken",
    "slow answer": "the message is taken, but no answer comes",
    "reset": "the connection is lost when the request was read; the message is not taken",
    "lost answer": "the message is taken, and the connection is lost before the answer",
    "500": "status 500",
    "502": "status 502 with a proxy's web page",
    "503": "status 503 with Retry-After",
    "429": "status 429 with Retry-After",
}
"""Ways to fail that every gateway knows, with what they mean."""


class LoopbackGateway(Generic[Taken]):
    """A server on 127.0.0.1, to be entered with `async with`.

    received  the messages it took, in order
    calls     requests seen, whatever came of them
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        port: int = 0,
        retry_after_s: int = 7,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.received: list[Taken] = []
        self.calls = 0
        self._port = port
        self._retry_after_s = retry_after_s
        self._tls = tls
        self._faults: deque[str] = deque()
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def modes(self) -> frozenset[str]:
        """What `behave` takes; a gateway adds its provider's own."""
        return frozenset(FAULTS) | {"normal"}

    def behave(self, mode: str, times: int = 1) -> None:
        """Lets the next `times` requests fail in that way, after those asked for before; "normal"
        lets them through. Raises ValueError for a mode that does not exist."""
        if mode not in self.modes():
            raise ValueError(f"{mode!r} is no way to behave; there are {', '.join(sorted(self.modes()))}")
        self._faults.extend([mode] * times)

    async def arrived(self, count: int = 1) -> list[Taken]:
        """Waits until so many messages were taken in all."""
        while len(self.received) < count:
            self._news.clear()
            await self._news.wait()
        return self.received

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        """The provider's answer to a request. Gateways say it; this frame does not."""
        raise NotImplementedError

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        """The provider's answer in one of its own modes."""
        raise NotImplementedError

    def take(self, message: Taken) -> None:
        """Keeps a message and tells who waits for it."""
        self.received.append(message)
        self._news.set()

    def json(self, payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
        return web.json_response(payload, status=status, headers={**self._date(), **(headers or {})})

    def _date(self) -> dict[str, str]:
        return {"Date": format_datetime(self.clock.now(), usegmt=True)}

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls += 1
        mode = self._faults.popleft() if self._faults else "normal"
        if mode in ("normal", "slow answer", "lost answer"):
            answer = await self.answer(request, body)
            if mode == "slow answer":
                await self._closing.wait()
            if mode == "lost answer":
                _abort(request)
            return answer
        if mode == "slow":
            await self._closing.wait()
        if mode == "reset":
            _abort(request)
        if mode in FAULTS:
            return self._broken(mode)
        return await self.fault(mode, request, body)

    def _broken(self, mode: str) -> web.Response:
        if mode.isdigit():
            wait = {"Retry-After": str(self._retry_after_s)} if mode in ("503", "429") else {}
            page = BLOCK_PAGE if mode == "502" else "out of order"
            kind = "text/html" if mode == "502" else "text/plain"
            return web.Response(status=int(mode), text=page, content_type=kind, headers=self._date() | wait)
        if mode == "html":
            return web.Response(text=BLOCK_PAGE, content_type="text/html", headers=self._date())
        return web.Response(text="{'code': " if mode == "garbage" else "", headers=self._date())

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
