"""The door: what every request passes before and after its handler.

Knows methods, overload, how an error becomes an answer, and how long everything took. Must not
know what any path is for, nor who may come in (`guard.py`). A handler gets a request and returns a
response, or raises `Refusal` with a text for the client; nothing else it raises reaches the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hbalert.api.audit import Audit
from hbalert.api.auth import ANY, OPEN
from hbalert.api.body import JSON, check_json, content_length, read_json, too_large
from hbalert.api.refusal import Refusal, Unwelcome
from hbalert.config.types import Limits
from hbalert.engine import Engine
from hbalert.errors import StoreError, StoreFull
from hbalert.metrics import Metrics

log = structlog.get_logger("hbalert.api")

Handler = Callable[[Request], Awaitable[Response]]

READS = frozenset({"GET", "HEAD"})

UNKNOWN_BYTES = 1 << 20
"""What a body of unannounced size counts as in the load."""


Admit = Callable[[Scope, str], str]
"""Lets a request in that needs this role; the name of its token. Raises Refusal."""


class Load:
    """What is being worked on at this moment, over all paths."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.requests = 0
        self.bytes = 0
        self.waiting_reads = 0
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Waits until no other request that only reads begins in this round of the event loop.

        To list all alerts takes the loop for a while. Read by read, with a round in between, whoever
        posts waits for one of them at most, however many there are. Raises Refusal (503).
        """
        if self.waiting_reads >= self.limits.waiting_reads:
            raise Refusal(503, "too many requests wait to read; send it again", {"Retry-After": "1"})
        self.waiting_reads += 1
        try:
            async with self._turn:
                await asyncio.sleep(0)
        finally:
            self.waiting_reads -= 1

    def admit(self, size: int) -> None:
        """Takes one more request in. Raises Refusal (503: senders come back) when there is too much."""
        if self.requests >= self.limits.busy_requests or self.bytes + size > self.limits.busy_bytes:
            raise Refusal(503, "too many requests at once; send it again", {"Retry-After": "1"})
        self.requests += 1
        self.bytes += size

    def release(self, size: int) -> None:
        self.requests -= 1
        self.bytes -= size


@dataclass(frozen=True, slots=True)
class Action:
    """One method of one path: what role it needs and what it does."""

    role: str
    handler: Handler


class Prompt:
    """A handler that wants nothing of a request but its body, which is JSON, and may answer at once.

    answer  gives the response to a body, or waits for what it depends on
    """

    def __init__(self, answer: Callable[[bytes], Response | Awaitable[Response]], limits: Limits) -> None:
        self.answer = answer
        self._limits = limits

    async def __call__(self, request: Request) -> Response:
        answer = self.answer(await read_json(request, self._limits))
        return answer if isinstance(answer, Response) else await answer


class Ready(Response):
    """200 with an empty body, made once, with the very bytes that a connection carries."""

    def __init__(self) -> None:
        super().__init__(b"")
        heads = [(b"content-length", b"0"), (b"cache-control", b"no-store")]
        self._start = {"type": "http.response.start", "status": 200, "headers": heads}
        lines = (b"HTTP/1.1 200 OK", *(b": ".join(head) for head in heads), b"", b"")
        self.sent = b"\r\n".join(lines)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(self._start)
        await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that has passed the door already: since when (monotonic), and what is answered."""

    since: float
    answer: Response | Awaitable[Response]


class Resource:
    """One path, as an ASGI application.

    style   how an error is written: "am" (a JSON string, Alertmanager's API), "prom" (Prometheus' JSON),
            "hb" (our JSON), "text"
    prompt  the handlers that may answer at once, by method
    """

    def __init__(
        self,
        path: str,
        actions: Mapping[str, Action],
        engine: Engine,
        metrics: Metrics,
        load: Load,
        style: str,
        admit: Admit,
        audit: Audit,
    ) -> None:
        self.path = path
        self.style = style
        self.actions = dict(actions)
        if "GET" in actions:
            self.actions["HEAD"] = actions["GET"]
        handlers = ((method, action.handler) for method, action in actions.items())
        self.prompt = {method: handler for method, handler in handlers if isinstance(handler, Prompt)}
        self._engine = engine
        self._metrics = metrics
        self._load = load
        self._admit = admit
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun: Begun | None = scope.get("begun")
        since = self._engine.clock.monotonic() if begun is None else begun.since
        code = 500
        try:
            response = await self._answer(scope, receive)
            code = response.status_code
            await response(scope, receive, send)
        except asyncio.CancelledError:
            code = 499  # the server stops, or the client has gone
            raise
        finally:
            self._ended(scope, code, since)

    def _ended(self, scope: Scope, code: int, since: float) -> None:
        method: str = scope["method"]
        action = self.actions.get(method)
        took = self._engine.clock.monotonic() - since
        self._metrics.requested(self.path, method if action else "other", code, took)
        if action is not None and "by" in scope and method not in READS:
            self._audit.changed(scope, action.role, code)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            begun: Begun | None = scope.get("begun")
            if begun is not None:
                return begun.answer if isinstance(begun.answer, Response) else await begun.answer
            action = self._admitted(scope)
            request = Request(scope, receive)
            if scope["method"] in READS:
                if action.role != OPEN:
                    await self._load.turn()
                return await action.handler(request)
            return await self._change(request, action)
        except Exception as error:
            return self._refused(scope, error)

    def _admitted(self, scope: Scope) -> Action:
        """What is asked for, once the request has been let in. Raises Refusal."""
        action = self.actions.get(scope["method"])
        scope["heads"] = dict(scope["headers"])  # looked up several times: a dict pays at once
        scope["by"] = self._admit(scope, ANY if action is None else action.role)
        if action is None:
            raise self._nothing(scope)
        return action

    def at_once(self, scope: Scope, body: bytes) -> bytes:
        """Answers a request whose body has come together with its head, if nothing has to be waited for.

        For the methods in `prompt`. Returns all that is sent. Empty: the answer goes the usual way; what is
        begun, and must not be begun again, is in the scope then, for `__call__`.
        """
        since = self._engine.clock.monotonic()
        answer: Response | Awaitable[Response]
        try:
            answer = self._begin(scope, body)
        except Exception as error:
            answer = self._refused(scope, error)
        if isinstance(answer, Ready):
            self._ended(scope, 200, since)
            return answer.sent
        scope["begun"] = Begun(since, answer)
        return b""

    def _begin(self, scope: Scope, body: bytes) -> Response | Awaitable[Response]:
        self._admitted(scope)
        admitted = len(body)
        if admitted > self._load.limits.body_bytes:
            raise too_large(self._load.limits)
        self._load.admit(admitted)
        try:
            check_json(scope)
            answer = self.prompt[scope["method"]].answer(body)
        except BaseException:
            self._load.release(admitted)
            raise
        if isinstance(answer, Response):
            self._load.release(admitted)
            return answer
        return self._released(answer, admitted)

    async def _released(self, answer: Awaitable[Response], admitted: int) -> Response:
        try:
            return await answer
        finally:
            self._load.release(admitted)

    def _refused(self, scope: Scope, error: Exception) -> Response:
        """What is answered to a request that failed with `error`, which is being handled."""
        if isinstance(error, Refusal):
            # Whoever has no token must not see from the form whether there is something under a path.
            is_of_root = isinstance(error, Unwelcome) or not self.actions
            style = style_of(scope["path"]) if is_of_root else self.style
            return self._refuse(error.status, error.text, error.headers, error.code, style)
        if isinstance(error, StoreFull):
            return self._refuse(503, f"the store has no room: {error}", {"Retry-After": "30"})
        if isinstance(error, StoreError):
            return self._refuse(503, f"the store did not take it: {error}", {"Retry-After": "5"})
        log.exception("request_failed", path=self.path, method=scope["method"])
        return self._refuse(500, "this is a mistake of hbalert; its log tells more", {})

    def _nothing(self, scope: Scope) -> Refusal:
        """What is said where there is no such path, or no such method of it."""
        if self.actions:
            allowed = ", ".join(sorted(self.actions))
            text = f"{scope['method']} is not for this path; use {allowed}"
            return Refusal(405, text, {"Allow": allowed}, code=405)
        path = scope["path"][:200]
        return Refusal(404, f"path {path} was not found: there is nothing under it", code=404)

    async def _change(self, request: Request, action: Action) -> Response:
        """Counts what is posted against the load while its body is in memory."""
        size = content_length(request)
        if size is not None and size > self._load.limits.body_bytes:
            raise too_large(self._load.limits)
        admitted = UNKNOWN_BYTES if size is None else size
        self._load.admit(admitted)
        try:
            return await action.handler(request)
        finally:
            self._load.release(admitted)

    def _refuse(
        self, status: int, text: str, headers: Mapping[str, str], code: int | None = None, style: str = ""
    ) -> Response:
        headers = {**headers, "Cache-Control": "no-store"}
        if status == 408:  # of what is too large the rest is read and dropped, so that the answer arrives
            headers["Connection"] = "close"
        style = style or self.style
        if style == "text":
            return Response(text + "\n", status, headers, "text/plain")
        body: object = {"schema": 1, "error": text}
        if style == "am":
            body = text if code is None else {"code": code, "message": text}
        elif style == "prom":
            body = {"status": "error", "errorType": _PROMETHEUS.get(status, "bad_data"), "error": text}
        return Response(msgspec.json.encode(body), status, headers, JSON)


_PROMETHEUS = {
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    422: "execution",
    500: "internal",
    502: "unavailable",
    503: "unavailable",
    504: "timeout",
}
"""Status -> errorType of Prometheus' API; any other is the client's: "bad_data"."""


def style_of(path: str) -> str:
    """How an error is written below a root, whether or not the path exists."""
    for root, style in (("/api/hb/", "hb"), ("/api/v1/", "prom"), ("/api/", "am")):
        if path.startswith(root):
            return style
    return "text"


def json_response(value: object, status: int = 200) -> Response:
    """`value` encoded in one pass; not to be stored by anybody on the way."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status, {"Cache-Control": "no-store"}, JSON)
