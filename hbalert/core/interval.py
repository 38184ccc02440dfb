"""Time intervals: whether a moment lies in a described part of the calendar.

Knows times of day, weekdays, days of a month, months, years and time zones. Must not know what is
quiet or loud because of it. Time zones are handed in as `tzinfo`: looking one up reads files.
Source: Alertmanager's timeinterval package (docs/routing.md lists the fields).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """An inclusive range of whole numbers: weekdays (0 = Sunday), months, years, days of a month."""

    first: int
    last: int

    def holds(self, value: int) -> bool:
        return self.first <= value <= self.last


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """Minutes of a day, [start, end): the end does not belong to it; 1440 is midnight at its end."""

    start: int
    end: int

    def holds(self, minute: int) -> bool:
        return self.start <= minute < self.end


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """A description of moments: every field that is given must match, by any of its ranges.

    days_of_month  1..31, or -1..-31 counted from the month's end
    """

    times: tuple[TimeSpan, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days_of_month: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    location: tzinfo = UTC

    def contains(self, moment: datetime) -> bool:
        """Whether the moment, seen on the clock of `location`, is described."""
        local = moment.astimezone(self.location)
        return (
            _any(self.times, local.hour * 60 + local.minute)
            and _any(self.weekdays, (local.weekday() + 1) % 7)
            and _any(self.months, local.month)
            and _any(self.years, local.year)
            and (not self.days_of_month or any(_day(span, local) for span in self.days_of_month))
        )


def _any(spans: tuple[Span, ...] | tuple[TimeSpan, ...], value: int) -> bool:
    return not spans or any(span.holds(value) for span in spans)


def _day(span: Span, local: datetime) -> bool:
    """Negative days count from the end; what lies beyond the month's end is cut off at its last day."""
    length = calendar.monthrange(local.year, local.month)[1]
    first = length + span.first + 1 if span.first < 0 else span.first
    last = length + span.last + 1 if span.last < 0 else span.last
    if first > length:
        return False
    return max(first, 1) <= local.day <= min(last, length)


def contains(intervals: Iterable[TimeInterval], moment: datetime) -> bool:
    """Whether one of them holds the moment: a named time interval is a list."""
    return any(interval.contains(moment) for interval in intervals)


def next_change(
    intervals: Iterable[TimeInterval], after: datetime, *, within: timedelta = timedelta(days=8)
) -> datetime | None:
    """The first whole minute after `after` at which `contains` has another answer.

    Clocks change (DST, months, years), so that the answer is looked for, not computed: a quarter of an
    hour at a time, then by minutes. None when nothing changes within that time.
    """
    known = list(intervals)
    start = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    here = contains(known, after)
    edges = {span.start % 15 for each in known for span in each.times} | {
        span.end % 15 for each in known for span in each.times
    }
    step = timedelta(minutes=15 if edges <= {0} else 1)
    moment = start if step < timedelta(minutes=15) else _next_quarter(after)
    while moment <= after + within:
        if contains(known, moment) != here:
            return moment
        moment += step
    return None


def _next_quarter(moment: datetime) -> datetime:
    """All zones in use today differ from UTC by whole quarters of an hour."""
    minute = moment.minute - moment.minute % 15
    return moment.replace(minute=minute, second=0, microsecond=0) + timedelta(minutes=15)
