"""Ranges of a calendar as Alertmanager spells them: "monday:friday", "-3:-1", "may:8", "09:00".

Knows that grammar. Must not know what an interval is used for. Source: Alertmanager, timeinterval.
"""

from __future__ import annotations

import re
from typing import Any

from hbalert.config.nearest import did_you_mean
from hbalert.core.interval import Span, TimeSpan

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")


def weekdays(value: Any) -> Span:
    """Days of the week by name; 0 is Sunday. Raises ValueError with what is right.

    >>> weekdays("monday:friday")
    Span(first=1, last=5)
    """
    return _span(value, lambda text: _name(text, WEEKDAYS, "weekday"), 'write for example "monday:friday"')


def months(value: Any) -> Span:
    """Months by name or number. Raises ValueError with what is right."""

    def month(text: str) -> int:
        return _number(text, 1, 12) if text.isdigit() else _name(text, MONTHS, "month") + 1

    return _span(value, month, 'write for example "june:august"')


def days_of_month(value: Any) -> Span:
    """Days from the month's beginning (1) or from its end (-1). Raises ValueError with what is right."""
    span = _span(
        value, lambda text: _number(text, -31, 31), 'write for example "1:5" or "-3:-1"', ordered=False
    )
    if 0 in (span.first, span.last):
        raise ValueError("there is no day 0; days count from 1, or from -1 at the month's end")
    if span.first < 0 < span.last:
        raise ValueError(f"{value!r} begins at the month's end; then its end must be negative, too")
    first, last = (day + 32 if day < 0 else day for day in (span.first, span.last))
    if first > last:
        raise ValueError(f"{value!r} ends before it begins; write two ranges")
    return span


def years(value: Any) -> Span:
    """Years. Raises ValueError with what is right."""
    return _span(value, lambda text: _number(text, 1970, 9999), 'write for example "2026:2027"')


def times(start: str, end: str) -> TimeSpan:
    """Times of a day, from `start` until before `end`. Raises ValueError with what is right."""
    first, last = minute(start), minute(end)
    if first >= last:
        raise ValueError(
            f'"{end}" is not after "{start}"; past midnight it takes two ranges, until 24:00 and from 00:00'
        )
    return TimeSpan(first, last)


def minute(text: str) -> int:
    """The minute of the day; 24:00 is 1440. Raises ValueError with what is right."""
    if not _CLOCK.fullmatch(text):
        raise ValueError(f'{text!r} is not a time of day; write for example "09:30" or "24:00"')
    return int(text[:2]) * 60 + int(text[3:])


def _span(value: Any, read: Any, example: str, *, ordered: bool = True) -> Span:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError(f"this is not a range; {example}")
    first, colon, last = (part.strip() for part in text.partition(":"))
    span = Span(read(first), read(last if colon else first))
    if ordered and span.first > span.last:
        raise ValueError(f"{text!r} ends before it begins; write two ranges")
    return span


def _name(text: str, names: tuple[str, ...], what: str) -> int:
    if text.lower() not in names:
        raise ValueError(f"{text!r} is not a {what}; {did_you_mean(text.lower(), names)}")
    return names.index(text.lower())


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is not a number from {least} to {most}")
    return int(text)
