"""What every SMS gateway answers for a number, and the line it is called on.

Knows outcomes per number and one HTTP call. Must not know any gateway's wire format. Next: one
module per gateway; `__init__.py` puts the outcomes of all numbers together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from hbalert.channels.answers import excerpt, page_words, retry_after
from hbalert.channels.sms.numbers import spellings
from hbalert.config.phone import mask_phone
from hbalert.outbound import Reply, Unreachable, open_client, request
from hbalert.ports import Message

AT_ONCE = 8
"""Numbers that are called at the same time, where a call takes one number."""


class Fate(Enum):
    """What became of a number.

    accepted  the gateway took the message
    retry     perhaps the next time: no answer, a fault over there, an answer nobody knows
    later     a limit; the wait is known
    refused   never, for this number or this text
    broken    never, for any number: a wrong secret, no money, an unknown template
    """

    ACCEPTED = "accepted"
    RETRY = "retry"
    LATER = "later"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome for one number.

    answer   the gateway's own words and the remedy, fit to be shown
    reason   as in errors.ChannelError
    whole    the limit holds for all numbers, not only for this one
    content  the text was refused: another template may pass
    """

    fate: Fate
    answer: str
    reason: str = "other"
    provider_id: str = ""
    retry_after: timedelta | None = None
    whole: bool = False
    content: bool = False

    def with_remark(self, remark: str) -> Result:
        return replace(self, answer=f"{self.answer}; {remark}")


class Gateway(Protocol):
    """One way to send text messages.

    batch      numbers handed over in one `send`
    max_bytes  longest text it can use, in UTF-8 bytes
    """

    batch: int
    max_bytes: int

    async def send(
        self, numbers: Sequence[str], message: Message, *, delivery_id: str, now: datetime
    ) -> Mapping[str, Result]:
        """The outcome of every number. Raises nothing of the network's."""
        ...

    async def close(self) -> None: ...


class BadUrl(ValueError):
    """The gateway's `url` cannot be called."""


def endpoint(url: str) -> SplitResult:
    """The parts of a gateway's `url`. Raises BadUrl."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadUrl(str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadUrl("it is not an http or https URL")
    return parts


class Line:
    """The connection to a gateway: one client, one time-out, and what its answers must not show."""

    def __init__(self, who: str, timeout: timedelta, secrets: Sequence[str]) -> None:
        self.who = who
        self._timeout = timeout
        self._hide = dict.fromkeys(secrets, "***")
        self._client = open_client(connections=AT_ONCE)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        """One call. Raises Unreachable."""
        try:
            return await request(
                self._client,
                method,
                url,
                timeout=self._timeout,
                headers=headers,
                content=content,
                auth=auth,
                max_bytes=1 << 17,
            )
        except ValueError:  # a host or a header that cannot be put on the wire
            raise BadUrl("the host or a header has characters that cannot be sent") from None

    def words(self, text: object, numbers: Sequence[str]) -> str:
        """The gateway's words without secrets, tags and full numbers."""
        named = {number: mask_phone(number) for number in numbers}
        hide = self._hide | {form: name for number, name in named.items() for form in spellings(number)}
        return excerpt(page_words(str(text)), hide=hide)

    def unanswered(self, error: Unreachable, numbers: Sequence[str]) -> Result:
        """No answer: tried again, although the message may have got there. Twice is better than never."""
        reason = "timeout" if error.reason == "timeout" else "network"
        return Result(Fate.RETRY, f"{self.who}: {self.words(error, numbers)}", reason=reason)

    def misdirected(self, error: BadUrl) -> Result:
        """The configuration names no place to call."""
        return Result(Fate.BROKEN, f"{self.who}: check the gateway's `url`: {error}", reason="client")

    def unreadable(self, reply: Reply, numbers: Sequence[str], now: datetime) -> Result:
        """An answer that is none of the gateway's own: the HTTP status is all there is."""
        said = f"{self.who}: HTTP {reply.status}: {self.words(reply.text, numbers) or 'empty answer'}"
        wait = retry_after(reply.headers, now)
        if reply.status == 429:
            wait = wait or timedelta(minutes=1)
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if reply.status in (401, 403, 407):
            return Result(Fate.BROKEN, said, reason="auth")
        if reply.status in (404, 405, 410):
            return Result(Fate.BROKEN, f"{said}; check the gateway's `url`", reason="client")
        reason = "timeout" if reply.status in (408, 504) else "server"
        return Result(Fate.RETRY, said, reason=reason, retry_after=wait)

    async def close(self) -> None:
        await self._client.aclose()


async def each(
    numbers: Sequence[str], line: Line, call: Callable[[str], Awaitable[Result]]
) -> Mapping[str, Result]:
    """The outcomes of one call per number, made at the same time."""

    async def one(number: str) -> Result:
        try:
            return await call(number)
        except Unreachable as error:
            return line.unanswered(error, numbers)
        except BadUrl as error:
            return line.misdirected(error)

    return dict(zip(numbers, await asyncio.gather(*map(one, numbers)), strict=True))
