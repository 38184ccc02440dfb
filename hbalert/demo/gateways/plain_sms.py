"""An SMS gateway as small companies and modems have it: one call, one key, one code.

Knows how to keep whatever it is called with, and to answer as told. Its code is its own; it must not
import `hbalert.channels`. See `server.py` for the faults all gateways share.
"""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.server import LoopbackGateway


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """A call that was let through, as it came; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class PlainSmsGateway(LoopbackGateway[PlainRequest]):
    """Wants `key` somewhere: in the query, in a header or in the body."""

    def __init__(self, *, key: str = "", clock: Clock | None = None, port: int = 0) -> None:
        super().__init__(clock, port=port)
        self._key = key
        self._answers: deque[tuple[int, Any]] = deque()

    @property
    def url(self) -> str:
        return f"{self.base_url}/send"

    def say(self, answer: Any, status: int = 200) -> None:
        """What to answer to the next call: a text as it is, anything else as JSON."""
        self._answers.append((status, answer))

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        words = " ".join((request.raw_path, *request.headers.values(), body.decode("utf-8", "replace")))
        if self._key and not any(
            hmac.compare_digest(word.encode(), self._key.encode())
            for word in words.replace("=", " ").replace("&", " ").replace('"', " ").split()
        ):
            return self.json({"code": 401, "message": "wrong key"}, status=401)
        identity = f"m{len(self.received) + 1}"
        self.take(
            PlainRequest(
                request.method,
                request.path,
                dict(request.query),
                {name.lower(): text for name, text in request.headers.items()},
                body,
            )
        )
        if not self._answers:
            return self.json({"code": 0, "message": "accepted", "data": {"id": identity}})
        status, answer = self._answers.popleft()
        if isinstance(answer, str):
            return web.Response(status=status, text=answer)
        return self.json(answer, status=status)
