"""The door: what every request passes before and after its handler.

Knows methods, sizes, overload, how an error becomes an answer, and how long everything took. Must not
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
from starlette.types import Message, Receive, Scope, Send

from hbalert.api.audit import Audit
from hbalert.api.auth import ANY, OPEN
from hbalert.config.types import Limits
from hbalert.engine import Engine
from hbalert.errors import StoreError, StoreFull
from hbalert.metrics import Metrics

log = structlog.get_logger("hbalert.api")

Handler = Callable[[Request], Awaitable[Response]]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
READS = frozenset({"GET", "HEAD"})

UNKNOWN_BYTES = 1 << 20
"""What a body of unannounced size counts as in the load."""


TOO_MANY = {"Retry-After": "60"}
"""Beside 503, where a sender may come back with alerts for which there is no room now."""


class Refusal(Exception):
    """The request is not carried out; `text` is for the client: what is wrong and what would be right.

    code  for what Alertmanager's framework refuses before its API sees the request: the code that the
          framework gives it. Such an answer is an object there, every other one a string.
    """

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str] | None = None, *, code: int | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = dict(headers or {})
        self.code = code


class Unwelcome(Refusal):
    """It has no token that allows it. Written in one form for all paths below a root, also unknown ones."""


Admit = Callable[[Request, str], str]
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


class Resource:
    """One path, as an ASGI application.

    style  how an error is written: "am" (a JSON string, Alertmanager's API), "prom" (Prometheus' JSON),
           "hb" (our JSON), "text"
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
        self._engine = engine
        self._metrics = metrics
        self._load = load
        self._admit = admit
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        monotonic = self._engine.clock.monotonic
        begun = monotonic()
        method: str = scope["method"]
        code = 500
        try:
            response = await self._answer(scope, receive)
            code = response.status_code
            await response(scope, receive, send)
        except asyncio.CancelledError:
            code = 499  # the server stops, or the client has gone
            raise
        finally:
            action = self.actions.get(method)
            self._metrics.requested(self.path, method if action else "other", code, monotonic() - begun)
            if action is not None and "by" in scope and method not in READS:
                self._audit.changed(scope, action.role, code)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            action = self.actions.get(scope["method"])
            scope["heads"] = dict(scope["headers"])  # looked up several times: a dict pays at once
            request = Request(scope, receive)
            scope["by"] = self._admit(request, ANY if action is None else action.role)
            if action is None:
                raise self._nothing(scope)
            if scope["method"] in READS:
                if action.role != OPEN:
                    await self._load.turn()
                return await action.handler(request)
            return await self._change(request, action)
        except Refusal as refusal:
            # Whoever has no token must not see from the form whether there is something under a path.
            is_of_root = isinstance(refusal, Unwelcome) or not self.actions
            style = style_of(scope["path"]) if is_of_root else self.style
            return self._refuse(refusal.status, refusal.text, refusal.headers, refusal.code, style)
        except StoreFull as error:
            return self._refuse(503, f"the store has no room: {error}", {"Retry-After": "30"})
        except StoreError as error:
            return self._refuse(503, f"the store did not take it: {error}", {"Retry-After": "5"})
        except Exception:
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


def header(request: Request, name: bytes) -> str:
    """A header by its lower-case name; "" when it is not there."""
    value: bytes = request.scope["heads"].get(name, b"")
    return value.decode("latin-1")


def content_length(request: Request) -> int | None:
    """The announced size of the body; None when it is not announced (chunked)."""
    text: bytes = request.scope["heads"].get(b"content-length", b"")
    return int(text) if text.isdigit() else None


def too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than the limit of {limits.body_bytes} bytes; send it in parts")


async def read_body(receive: Receive, limits: Limits) -> bytes:
    """The whole body. Raises Refusal when it is too large or comes too slowly."""
    message = await receive()
    if not message.get("more_body", False):
        return _part(message, 0, limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            while True:
                part = _part(message, size, limits)
                parts.append(part)
                size += len(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
                message = await receive()
    except TimeoutError:
        raise Refusal(408, f"the body was not complete after {limits.body_seconds:g} s") from None


def _part(message: Message, before: int, limits: Limits) -> bytes:
    if message["type"] == "http.disconnect":
        raise Refusal(400, "the client went away before the body was complete")
    part: bytes = message.get("body", b"")
    if before + len(part) > limits.body_bytes:
        raise too_large(limits)
    return part


async def read_form(request: Request, limits: Limits) -> bytes:
    """The body of a request that has to be a form. Raises Refusal (415, 413)."""
    kind = header(request, b"content-type").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refusal(415, f"the body has to be a form: send the header Content-Type: {FORM}", code=415)
    return await read_body(request.receive, limits)


async def read_json(request: Request, limits: Limits) -> bytes:
    """The body of a request that has to be JSON. Raises Refusal (415) when it says that it is not.

    A body without a type is taken as JSON. A form or plain text is not: that is what a page of
    somebody else can send from a browser without asking.
    """
    kind = header(request, b"content-type").partition(";")[0].strip().lower()
    if kind and kind != JSON and not kind.endswith("+json"):
        raise Refusal(
            415, f"the body has to be JSON: send the header Content-Type: {JSON}, not {kind[:100]}", code=415
        )
    coding = header(request, b"content-encoding").lower()
    if coding not in ("", "identity"):
        raise Refusal(
            415, f"Content-Encoding {coding[:40]!r} is not understood; send the body as it is", code=415
        )
    return await read_body(request.receive, limits)


def json_response(value: object, status: int = 200) -> Response:
    """`value` encoded in one pass; not to be stored by anybody on the way."""
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Response(body, status, {"Cache-Control": "no-store"}, JSON)
