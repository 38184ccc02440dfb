"""Prometheus, or anything that speaks its query API, over HTTP.

Knows addresses, credentials, time-outs and how many queries may run at once. Must not know rules or
states. What is sent and what comes back: `wire.py`; many expressions in one query: `batch.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from hbalert.config.types import SourceSettings
from hbalert.errors import SourceError, TooMuch, Unavailable
from hbalert.outbound import Reply, Unreachable, open_client, request
from hbalert.ports import Answer, Passed
from hbalert.sources.batch import Batcher, NotConnected, answer
from hbalert.sources.wire import Vector, body, check_words, form, is_of_the_way, read

if TYPE_CHECKING:
    from hbalert.outbound.client import Client

MAX_ANSWER_BYTES = 32 * 1024 * 1024


class PrometheusSource:
    """One configured source. Nothing is opened before the first query; `close` it in the end.

    address  where it is, fit to show: without credentials, query and fragment
    queries  how many were asked since the start
    """

    def __init__(self, name: str, settings: SourceSettings) -> None:
        self.name = name
        self.settings = settings
        self.queries = 0
        self.address, self._at = _addresses(settings.url)
        self._query_url = self._at("/api/v1/query")
        self._client: Client | None = None
        self._closed = False
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._strict = settings.partial == "error"
        self._batcher = Batcher(
            self._ask,
            concurrency=settings.concurrency,
            batch=settings.batch,
            thresholds=settings.merge_thresholds,
            labels=settings.merge_labels,
            strict=self._strict,
        )
        self._timeout_ms = max(1, settings.timeout // timedelta(milliseconds=1))
        self._headers = {
            "Accept": "application/json",
            # Compressing costs the server more than a local network gains.
            "Accept-Encoding": "identity",
            "Content-Type": "application/x-www-form-urlencoded",
            **settings.headers,
        }
        if settings.bearer_token is not None:
            self._headers["Authorization"] = f"Bearer {settings.bearer_token.reveal()}"
        basic = settings.basic_auth
        self._auth = (basic.username, basic.password.reveal()) if basic is not None else None

    def __repr__(self) -> str:
        return f"PrometheusSource({self.name!r}, {self.address})"

    async def query(self, expr: str, at: datetime) -> Answer:
        """The answer at `at` (to the millisecond). Raises Unavailable, BadQuery, TooMuch or Incomplete.

        The time-out of the settings is for the whole call, once it has its turn among those that may
        run at the same time.
        """
        return answer(await self._ask(form(expr), at), strict=self._strict)

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        """The answers, in the order asked; a SourceError stands in place of an answer."""
        return await self._batcher.query_many(exprs, at)

    async def pass_on(self, path: str, content: bytes) -> Passed:
        """What the source answers under another path of its API, as it is.

        path     "/api/v1/query", "/api/v1/status/buildinfo", ...
        content  a form to post; empty: the path is read with GET
        Only an answer in the words of the API is passed on: a login page, a redirect or a word about
        our credentials tells nothing to whoever asked. Raises Unavailable or TooMuch.
        """
        try:
            async with self._slots:
                reply = await self._send("POST" if content else "GET", self._at(path), content)
            if reply.truncated:
                raise TooMuch(f"its answer has more than {MAX_ANSWER_BYTES >> 20} MiB; aggregate more")
            check_words(reply.status, reply.body)
            return Passed(reply.status, reply.body)
        except SourceError as error:
            raise type(error)(f"source {self.name} ({self.address}): {error}") from None

    async def close(self) -> None:
        """Ends the connections; queries that run or come later are Unavailable."""
        self._closed = True
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, query: bytes, at: datetime) -> Vector:
        """One query, form-encoded. Errors say which source they are about.

        An error outlives its query, as an answer of the round. So it is made where no frame behind it, and
        no other error, holds what was received: with many rules that would be many times 32 MiB.
        """
        self.queries += 1
        try:
            return await self._exchange(query, at)
        except SourceError as error:
            said = type(error)(f"source {self.name} ({self.address}): {error}")
        raise said

    async def _exchange(self, query: bytes, at: datetime) -> Vector:
        async with self._slots:
            reply = await self._send("POST", self._query_url, body(query, at, self._timeout_ms))
        if reply.truncated:
            raise TooMuch(f"its answer has more than {MAX_ANSWER_BYTES >> 20} MiB; aggregate more")
        return read(reply.status, reply.body)

    async def _send(self, method: str, url: str, content: bytes) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                # A second try, at once, where it costs the server nothing and most often helps: after a
                # connection that broke (a kept one that the server has just closed looks like this too),
                # and after a proxy that had nobody to hand the query to.
                try:
                    reply = await self._try(method, url, content)
                    if not is_of_the_way(reply.status, reply.body):
                        return reply
                except Unreachable as error:
                    if error.reason != "network" or not error.sent:
                        raise
                return await self._try(method, url, content)
        except TimeoutError:
            raise Unavailable(f"no answer within {self._timeout_ms / 1000:g} s") from None
        except Unreachable as error:
            raise (Unavailable if error.sent else NotConnected)(str(error)) from None

    async def _try(self, method: str, url: str, content: bytes) -> Reply:
        if self._closed:
            raise NotConnected("it was closed: the configuration has changed")
        try:
            return await request(
                self._open(),
                method,
                url,
                timeout=self.settings.timeout,
                headers=self._headers,
                content=content or None,
                auth=self._auth,
                max_bytes=MAX_ANSWER_BYTES,
            )
        except RuntimeError:
            if not self._closed:
                raise
            raise NotConnected("it was closed: the configuration has changed") from None

    def _open(self) -> Client:
        if self._client is None:
            settings = self.settings
            try:
                self._client = open_client(
                    ca_file=settings.ca_file,
                    client_cert=settings.client_cert,
                    client_key=settings.client_key,
                    connections=settings.concurrency,
                )
            except OSError as error:
                raise NotConnected(f"its certificate files cannot be used: {error}") from None
        return self._client


def _addresses(url: str) -> tuple[str, Callable[[str], str]]:
    """(fit to show, where a path of the API is). Credentials stay in the second only."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read", lambda below: url
    path = parts.path.rstrip("/")
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))
    return shown, lambda below: urlunsplit((parts.scheme, parts.netloc, path + below, parts.query, ""))
