"""What a mail server's reply means for us.

Knows SMTP's reply codes, the enhanced ones (RFC 3463), and in which words servers speak of greylists
and rates. Must not know connections. The enhanced code wins where both are there: it is the more
exact one, and some servers answer 450 with 5.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from hbalert.channels.answers import excerpt

GREYLISTED = timedelta(minutes=5)
"""How long a greylist makes strangers wait; most take 5 minutes."""

LIMITED = timedelta(minutes=1)

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
_GREYLIST = re.compile(r"gr[ae]y-?\s?list", re.IGNORECASE)
_RATE = re.compile(r"\brate\b|too (many|much|fast)|throttl|limit|exceed|quota", re.IGNORECASE)
_QUEUE_IDS = (
    re.compile(r"queued as <?([\w.@+-]+)", re.IGNORECASE),
    re.compile(r"\bid=([\w.@+-]+)"),
    re.compile(r"\b(\w+) message accepted", re.IGNORECASE),
)


class Stage(Enum):
    """Where in the session a reply came; the value is what the server answered to."""

    GREETING = "our call"
    HELLO = "EHLO"
    STARTTLS = "STARTTLS"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "the recipient"
    DATA = "the mail"


class Verdict(Enum):
    """accepted  go on
    refused   never: this recipient, this mail, or this session, as the stage has it
    deferred  another time
    limited   another time, and nothing else until then
    login     the server wants to know us, or does not believe us: never, and do not try often
    too_big   never at this size
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    LIMITED = "limited"
    LOGIN = "login"
    TOO_BIG = "too big"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply; `text` may have several lines."""

    code: int
    text: str

    def __str__(self) -> str:
        return excerpt(f"{self.code} {self.text}" if self.code > 0 else self.text)

    @property
    def enhanced(self) -> tuple[int, int, int] | None:
        """The enhanced code, such as (5, 1, 1); None when there is none."""
        found = _ENHANCED.match(self.text)
        return (int(found[1]), int(found[2]), int(found[3])) if found else None

    @property
    def closing(self) -> bool:
        """Whether the server ends the session with it."""
        return self.code == 421

    @property
    def queue_id(self) -> str:
        """The server's name for the mail it took; "" when it gave none."""
        found = next(filter(None, (pattern.search(self.text) for pattern in _QUEUE_IDS)), None)
        return found[1].rstrip(".") if found else ""

    @property
    def wait(self) -> timedelta | None:
        """How long to stay away before the next attempt, where the text lets us know."""
        return GREYLISTED if _GREYLIST.search(self.text) else None


def judge(reply: Reply, stage: Stage) -> Verdict:
    """What to do about a reply.

    Source: RFC 5321 4.2, RFC 4954 6, RFC 3463; the words of Postfix, Exim, Gmail and Exchange.
    """
    status, subject, detail = reply.enhanced or (reply.code // 100, -1, -1)
    if reply.code < 400:
        return Verdict.ACCEPTED if reply.code >= 200 else Verdict.DEFERRED
    if status == 4 or status == 2:
        limited = subject == 7 and _RATE.search(reply.text) and not _GREYLIST.search(reply.text)
        return Verdict.LIMITED if limited else Verdict.DEFERRED
    if (subject, detail) == (2, 2) or (reply.code == 552 and stage is Stage.RECIPIENT):
        return Verdict.DEFERRED  # a full mailbox: its owner may make room
    if reply.code in (530, 534, 535, 538) or (subject, detail) in ((7, 8), (7, 9)) or stage is Stage.LOGIN:
        return Verdict.LOGIN
    mail = stage is Stage.DATA or stage is Stage.SENDER
    if mail and (reply.code in (523, 552) or (subject, detail) in ((3, 4), (2, 3))):
        return Verdict.TOO_BIG
    return Verdict.REFUSED


def common_wait(replies: Iterable[Reply]) -> timedelta | None:
    """The wait all of them ask for; None when one asks for none."""
    waits = [reply.wait for reply in replies]
    known = [wait for wait in waits if wait is not None]
    return min(known) if known and len(known) == len(waits) else None
