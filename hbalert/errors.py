"""Everything that can go wrong, named after who has to act.

    HbalertError
    +-- ConfigError          the operator: all mistakes at once, each with file, line and key
    +-- SourceError          what answers queries
    |   +-- Unavailable      nobody answered, or not in time, or 5xx: nothing is known
    |   +-- BadQuery         it answered that the query is wrong
    |   +-- TooMuch          it answered that the query asks for too much (samples, length)
    |   +-- Incomplete       it answered with warnings, and such an answer is not to count
    +-- StoreError           the database
    |   +-- StoreFull        no room: new alerts are refused so that their sender keeps them
    |   +-- StoreLocked      another hbalert owns it
    +-- ChannelError         one attempt to deliver
        +-- NotNow           come back later; costs no attempt
        +-- Transient        try again
        +-- Permanent        never

A text of any of these is fit to be shown: it says what, where and what to do, and holds no secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbalert.config.findings import Finding


class HbalertError(Exception):
    """Root of the tree."""


class ConfigError(HbalertError):
    """The configuration cannot be used. `findings` holds every mistake, not only the first."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class SourceError(HbalertError):
    """A query had no usable answer."""


class Unavailable(SourceError):
    """Nobody answered in time, or the answer was no answer (5xx, HTML, cut off)."""


class BadQuery(SourceError):
    """The source says that the query is wrong (400, 422)."""


class TooMuch(SourceError):
    """The source refuses the size of the query or of its answer."""


class Incomplete(SourceError):
    """The source answered with warnings, or in part, and the operator does not want such answers to count."""


class StoreError(HbalertError):
    """The store did not take a change; nothing of it was stored."""


class StoreFull(StoreError):
    """There is no room on the disk, or it is read-only."""


class StoreLocked(StoreError):
    """Another process owns the store."""


class ChannelError(HbalertError):
    """One attempt to deliver failed.

    reason     one word for metrics: auth, rate limit, quota, client, server, network, timeout, template,
               other
    delivered  recipients that accepted all the same
    refused    recipients that never will, with the reason
    """

    def __init__(
        self,
        answer: str,
        *,
        reason: str = "other",
        retry_after: timedelta | None = None,
        delivered: Sequence[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(answer)
        self.answer = answer
        self.reason = reason
        self.retry_after = retry_after
        self.delivered = tuple(delivered)
        self.refused = dict(refused or {})


class NotNow(ChannelError):
    """The far side asks for a pause: rate limit, maintenance. Not counted as an attempt.

    `retry_after` holds for the whole notifier, not only for this delivery.
    """


class Transient(ChannelError):
    """Worth another attempt: network, 5xx, "system busy", no answer."""


class Permanent(ChannelError):
    """Will fail again in the same way: refused content, wrong secret, unknown recipient."""
