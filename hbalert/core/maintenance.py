"""Maintenance windows: quiet that comes again, by the calendar.

Knows when the occurrences of a window begin and end, and that each is an ordinary silence whose id
follows from it. Must not know how a cron expression is read: its starts are handed in, and so are time
zones, because looking one up reads files. Next: `notification.py`.

A time of day is the first moment at which the clocks there show it or more: one that a change of
summer time jumps over is the moment of the jump, one that comes twice is the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from uuid import UUID, uuid5

from hbalert.core.interval import Span
from hbalert.core.matcher import Matcher, text
from hbalert.core.silence import Silence, expire

ANNOTATION = "maintenance"
"""Names the window in the silence that an occurrence is, for clients that know silences only."""

_OCCURRENCES = UUID("5f0f4b1e-6a53-5d0c-9d5e-0b8c1f6a7e42")
_LAST_YEAR = 8999
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When a window comes again: by a cron expression, or weekly.

    location  name of the time zone whose clocks are meant
    cron      five fields; "": weekly
    duration  of each occurrence that `cron` begins
    weekdays  on which it begins, 0 = Sunday; none: every day
    start     minute of the day; end: the same, on the next day unless it is later than `start`
    """

    location: str = "UTC"
    cron: str = ""
    duration: timedelta = timedelta()
    weekdays: tuple[Span, ...] = ()
    start: int = 0
    end: int = 0

    def __str__(self) -> str:
        """`0 2 * * sun for 2:00:00 (UTC)` or `saturday:sunday 22:00-06:00 (UTC)`."""
        if self.cron:
            return f"{self.cron} for {self.duration} ({self.location})"
        days = ",".join(f"{_DAYS[span.first]}:{_DAYS[span.last]}" for span in self.weekdays) or "daily"
        return f"{days} {_clock(self.start)}-{_clock(self.end)} ({self.location})"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@dataclass(frozen=True, slots=True)
class Window:
    """What is silenced again and again.

    made_at  when it was made at run time; None: it stands in the configuration
    """

    name: str
    matchers: tuple[Matcher, ...]
    recurrence: Recurrence
    comment: str = ""
    created_by: str = ""
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time span [starts_at, ends_at) of a window, in UTC."""

    starts_at: datetime
    ends_at: datetime


def timed(starts: Iterable[datetime], duration: timedelta, after: datetime) -> Iterator[Occurrence]:
    """Occurrences of one length that end after `after`: an hour is an hour, whatever clocks do meanwhile.

    starts  in order
    """
    for start in starts:
        begins = start.astimezone(UTC)
        if begins + duration > after:
            yield Occurrence(begins, begins + duration)


def weekly(recurrence: Recurrence, zone: tzinfo, after: datetime) -> Iterator[Occurrence]:
    """Occurrences from one time of day to another that end after `after`, in order.

    zone  the clocks that are meant
    """
    day = after.astimezone(zone).date() - timedelta(days=2)
    while day.year <= _LAST_YEAR:
        if not recurrence.weekdays or any(
            span.holds((day.weekday() + 1) % 7) for span in recurrence.weekdays
        ):
            begins = first_moment(day, recurrence.start, zone)
            last_day = day if recurrence.end > recurrence.start else day + timedelta(days=1)
            ends = first_moment(last_day, recurrence.end, zone)
            if ends > after and ends > begins:
                yield Occurrence(begins, ends)
        day += timedelta(days=1)


def first_moment(day: date, minute: int, zone: tzinfo) -> datetime:
    """The first moment at which clocks in `zone` show that minute of the day or more, in UTC."""
    shown = datetime.combine(day, time()) + timedelta(minutes=minute)
    moment = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(moment, zone) == shown:
        return moment
    # The clocks jump over it: between the two readings of the same figures lies the jump.
    before = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = 0, int((moment - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _shown(before + timedelta(seconds=middle), zone) < shown:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def running_and_next(occurrences: Iterable[Occurrence], now: datetime) -> list[Occurrence]:
    """Those that have begun, and the first that has not.

    occurrences  those that end after `now`, in order
    """
    found = []
    for occurrence in occurrences:
        found.append(occurrence)
        if occurrence.starts_at > now:
            break
    return found


def overlap(occurrences: Iterable[Occurrence]) -> bool:
    """Whether one of them begins before the one before it has ended."""
    last: datetime | None = None
    for occurrence in occurrences:
        if last is not None and occurrence.starts_at < last:
            return True
        last = occurrence.ends_at
    return False


def occurrence_id(window: Window, starts_at: datetime) -> str:
    """The id of the silence that stands for an occurrence, the same whoever works it out.

    A window of another name, other matchers or another calendar has other occurrences; another comment
    does not make it another window.
    """
    parts = (window.name, text(window.matchers), str(window.recurrence), starts_at.isoformat())
    return str(uuid5(_OCCURRENCES, "\n".join(parts)))


def silence_of(window: Window, occurrence: Occurrence, now: datetime) -> Silence:
    """An occurrence as the silence that it is."""
    return Silence(
        id=occurrence_id(window, occurrence.starts_at),
        matchers=window.matchers,
        starts_at=occurrence.starts_at,
        ends_at=occurrence.ends_at,
        created_by=window.created_by,
        comment=window.comment,
        updated_at=now,
        annotations={ANNOTATION: window.name},
        window=window.name,
        kept_until=occurrence.ends_at,
    )


def has_to_be_made(there: Silence | None) -> bool:
    """Whether an occurrence that is running or next has to be made.

    there  the silence with its id: one that was ended by hand or changed stays as it is; one that was
           withdrawn is made again, because its window is back
    """
    return there is None or (bool(there.window) and there.kept_until is None)


def withdraw(silence: Silence, now: datetime) -> Silence:
    """The silence of an occurrence whose window is gone, ended now. Nobody has ended it by hand."""
    return replace(expire(silence, now), kept_until=None)


def is_stale(silence: Silence, windows: Mapping[str, Window]) -> bool:
    """Whether a silence is an occurrence of a window that is not there any more, or not like this."""
    if not silence.window:
        return False
    window = windows.get(silence.window)
    return window is None or occurrence_id(window, silence.starts_at) != silence.id
