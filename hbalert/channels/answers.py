"""What a far side answered, made fit to be shown and acted on.

Knows how to make one line without secrets of any answer, and what the Retry-After and Date headers
say. Must not know any channel's wire format or codes; every channel that speaks HTTP uses it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus

from hbalert.errors import Transient
from hbalert.outbound import Unreachable

LONGEST_WAIT = timedelta(hours=1)

_TAG = re.compile(r"<[^<>]{0,500}>")


def excerpt(text: str, *, hide: Mapping[str, str] | None = None, limit: int = 200) -> str:
    """The text as one short line: no control characters, nothing of what is to be hidden.

    hide  what must not be seen -> what stands in its place; also found where it is percent-encoded

    >>> excerpt("no such token: abc123\\r\\n", hide={"abc123": "***"})
    'no such token: ***'
    """
    if not text:
        return ""
    text = text[:20_000]
    may_be_encoded = "%" in text or "+" in text
    for secret in sorted(hide or {}, key=len, reverse=True):
        if len(secret) > 3:  # what is shorter is no secret, and would garble every text
            for form in _forms(secret) if may_be_encoded else (secret,):
                text = text.replace(form, (hide or {})[secret])
    line = " ".join("".join(" " if _is_unseen(char) else char for char in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char)[0] == "C"


def parse_json(text: str) -> Any:
    """The JSON value that the text is; None when it is none, however it was made."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is; None when it is anything else."""
    value = parse_json(text)
    return value if isinstance(value, dict) else None


def is_html(headers: Mapping[str, str], text: str) -> bool:
    """Whether the answer is a web page: a block page, a proxy's, a log-in form."""
    return "html" in headers.get("content-type", "").lower() or text.lstrip()[:1] == "<"


def page_words(text: str) -> str:
    """The words of a text that may be a web page: what its reader would see, more or less.

    >>> page_words("<html><title>Sorry</title> you are blocked</html>").split()
    ['Sorry', 'you', 'are', 'blocked']
    """
    return _TAG.sub(" ", text[:20_000])


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait that a Retry-After header asks for (seconds or a date), at most an hour."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text[:9]), 86400))
    elif (at := _date(text)) is not None:
        wait = at - now
    else:
        return None
    return min(max(wait, timedelta()), LONGEST_WAIT)


def clock_difference(headers: Mapping[str, str], now: datetime) -> str:
    """What to say about the clocks when a signature was refused for its time."""
    theirs = _date(headers.get("date", ""))
    if theirs is None:
        return f"our clock says {now:%Y-%m-%d %H:%M:%S} UTC"
    seconds = (now - theirs).total_seconds()
    if abs(seconds) < 2:
        return "our clock agrees with theirs"
    return (
        f"our clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} theirs; set it by NTP"
    )


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError, IndexError):  # mail headers are a long tail
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def no_answer(error: Unreachable, who: str, *, hide: Mapping[str, str] | None = None) -> Transient:
    """The outcome of a call that nobody answered."""
    reason = "timeout" if error.reason == "timeout" else "network"
    return Transient(f"{who}: {excerpt(str(error), hide=hide)}", reason=reason)
