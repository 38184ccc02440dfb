"""Where both engines post to: it keeps what arrived, and fails when asked to.

Knows HTTP and Alertmanager's webhook payload as far as a case looks at it. Must not know which engine
posts.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Message:
    """A post that was answered 2xx.

    at        seconds on the monotonic clock
    path      which notifier posted it: "/web_0" is the first of the receiver "web"
    delivery  hbalert's id of the delivery; "" from Alertmanager
    """

    at: float
    path: str
    payload: Mapping[str, Any]
    delivery: str = ""

    def names(self, status: str, label: str = "alertname") -> list[str]:
        """The alerts with a status, by one label, in the message's order."""
        return [one["labels"].get(label, "") for one in self.payload["alerts"] if one["status"] == status]

    @property
    def of_itself(self) -> bool:
        """Whether the engine speaks of itself: hbalert tells what goes wrong with it as alerts, too."""
        return all(one["labels"].get("source") == "hbalert" for one in self.payload["alerts"])

    @property
    def reason(self) -> str:
        """Why it was sent; "" from an Alertmanager older than 0.32."""
        return str(self.payload.get("notification_reason", ""))

    def __str__(self) -> str:
        signs = {"firing": "+", "resolved": "-"}
        return " ".join(
            signs[one["status"]] + one["labels"].get("alertname", "") for one in self.payload["alerts"]
        )


@dataclass(frozen=True)
class Answer:
    """How a request is answered.

    after_s  first nothing happens for so long; infinite: never answered
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0


OK = Answer()


@dataclass(frozen=True)
class Call:
    """A request that was seen, whatever came of it."""

    at: float
    path: str
    status: int


class Collector:
    """A webhook receiver on 127.0.0.1, to be entered with `async with`.

    messages  what it took about alerts of the case, in order of arrival
    own       what an engine told of itself: on a loaded machine it may find itself late
    calls     every request that was answered
    answer    a rule: what to answer to the next request on a path, and until further notice
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.own: list[Message] = []
        self.calls: list[Call] = []
        self.answer: Callable[[str], Answer] = lambda path: OK
        self._port = 0
        self._news = asyncio.Condition()
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def always(self, answer: Answer = OK) -> None:
        """Answers every request so from now on."""
        self.answer = lambda path: answer

    async def arrived(self, enough: Callable[[], bool], within: float) -> bool:
        """Waits until a message makes `enough` true; False when the time is over."""
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(enough)
        except TimeoutError:
            return enough()
        return True

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        answer = self.answer(request.path)
        if answer.after_s:
            try:
                async with asyncio.timeout(answer.after_s if answer.after_s != float("inf") else None):
                    await self._closing.wait()
            except TimeoutError:
                pass
        now = time.monotonic()
        self.calls.append(Call(now, request.path, answer.status))
        if 200 <= answer.status < 300:
            delivery = request.headers.get("X-Hbalert-Delivery", "")
            message = Message(now, request.path, json.loads(body), delivery)
            (self.own if message.of_itself else self.messages).append(message)
        async with self._news:
            self._news.notify_all()
        return web.Response(status=answer.status, headers=dict(answer.headers))

    async def leave(self) -> None:
        """Nobody listens any more: whoever comes is refused a connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def listen(self) -> None:
        """Listens, on the same port as before."""
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        await self.leave()
