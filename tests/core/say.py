"""Short words for core values, so that a test reads as a sentence.

`t(90)` is 90 s after a fixed moment; `labels("a=1 b=2")` a label set.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hbalert.core.alert import API, Alert, report
from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, Op, make
from hbalert.regex import compile_regex

BASE = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def t(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def labels(text: str) -> Labels:
    return Labels(dict(pair.split("=", 1) for pair in text.split()))


def m(text: str) -> Matcher:
    """`m("a=~b.*")`: name, operator and value without quotes."""
    for op in (Op.NOT_REGEX, Op.REGEX, Op.NOT_EQUAL, Op.EQUAL):
        name, found, value = text.partition(op.value)
        if found:
            return make(name, op, value, compile_regex)
    raise AssertionError(text)


def fires(
    who: str,
    start: float = 0,
    end: float | None = 3600,
    *,
    at: float | None = None,
    origin: str = API,
    timed: bool = False,
    note: str = "",
) -> Alert:
    """One report: fires from `start` to `end`, said `at` (default: at its start)."""
    return report(
        labels(who),
        origin=origin,
        starts_at=t(start),
        ends_at=None if end is None else t(end),
        now=t(start if at is None else at),
        annotations={"summary": note} if note else {},
        timed=timed,
    )
