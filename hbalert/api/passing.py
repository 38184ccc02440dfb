"""Queries of others, passed on to the default source: Grafana's test of a data source, a panel's look.

Knows which paths and parameters are passed on, and how a source's silence is answered. Must not know
the source, its address or its credentials: it is a callable, handed in by `daemon.py`.
Source: Prometheus web/api/v1, "Instant queries" and "Build Information".
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response

from hbalert.api.body import JSON, read_form
from hbalert.api.refusal import Refusal
from hbalert.config.types import Limits
from hbalert.errors import SourceError, TooMuch
from hbalert.ports import Passed, PassOn

PARAMETERS = ("query", "time", "timeout", "limit", "lookback_delta", "stats")
"""What is passed on of a query; anything else stays here."""


class Passing:
    """The handlers."""

    def __init__(self, pass_on: PassOn | None, limits: Limits) -> None:
        self._pass_on = pass_on
        self._limits = limits

    async def get_query(self, request: Request) -> Response:
        return await self._query(request.scope["query_string"])

    async def post_query(self, request: Request) -> Response:
        body = await read_form(request, self._limits)
        return await self._query(request.scope["query_string"] + b"&" + body)

    async def get_buildinfo(self, request: Request) -> Response:
        return _answer(await self._ask("/api/v1/status/buildinfo", b""))

    async def _query(self, sent: bytes) -> Response:
        """One instant query; parameters of a form and of the address count alike."""
        if len(sent) > self._limits.query_bytes:
            raise Refusal(413, f"the query is longer than the limit of {self._limits.query_bytes} bytes")
        try:
            pairs = parse_qsl(sent, errors="strict", max_num_fields=100)
            kept = [(name.decode(), value.decode()) for name, value in pairs]
        except ValueError:
            raise Refusal(400, "the parameters are not a form in UTF-8") from None
        kept = [(name, value) for name, value in kept if name in PARAMETERS and value]
        if not any(name == "query" for name, _ in kept):
            raise Refusal(400, 'invalid parameter "query": it is missing or empty')
        return _answer(await self._ask("/api/v1/query", urlencode(kept).encode()))

    async def _ask(self, path: str, form: bytes) -> Passed:
        if self._pass_on is None:
            raise Refusal(503, "there is no source to pass this on to; the configuration names none")
        try:
            return await self._pass_on(path, form)
        except TooMuch as error:
            raise Refusal(422, str(error)) from None
        except SourceError as error:
            raise Refusal(502, str(error)) from None


def _answer(passed: Passed) -> Response:
    return Response(passed.body, passed.status, {"Cache-Control": "no-store"}, JSON)
