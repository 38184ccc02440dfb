"""What a request brings: its headers, and its body within bounds.

Knows sizes, types and how long a body may take. Must not know what is in it, nor who may send it.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from hbalert.api.refusal import Refusal
from hbalert.config.types import Limits

JSON = "application/json"
_JSON = JSON.encode()
FORM = "application/x-www-form-urlencoded"


def header(scope: Scope, name: bytes) -> str:
    """A header by its lower-case name; "" when it is not there."""
    value: bytes = scope["heads"].get(name, b"")
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
    kind = header(request.scope, b"content-type").partition(";")[0].strip().lower()
    if kind != FORM:
        raise Refusal(415, f"the body has to be a form: send the header Content-Type: {FORM}", code=415)
    return await read_body(request.receive, limits)


async def read_json(request: Request, limits: Limits) -> bytes:
    """The body of a request that has to be JSON. Raises Refusal."""
    check_json(request.scope)
    return await read_body(request.receive, limits)


def check_json(scope: Scope) -> None:
    """Raises Refusal (415) when a request says that its body is no JSON.

    A body without a type is taken as JSON. A form or plain text is not: that is what a page of
    somebody else can send from a browser without asking.
    """
    heads = scope["heads"]
    if heads.get(b"content-type", _JSON) == _JSON and b"content-encoding" not in heads:
        return  # nearly always
    kind = header(scope, b"content-type").partition(";")[0].strip().lower()
    if kind and kind != JSON and not kind.endswith("+json"):
        raise Refusal(
            415, f"the body has to be JSON: send the header Content-Type: {JSON}, not {kind[:100]}", code=415
        )
    coding = header(scope, b"content-encoding").lower()
    if coding not in ("", "identity"):
        raise Refusal(
            415, f"Content-Encoding {coding[:40]!r} is not understood; send the body as it is", code=415
        )
