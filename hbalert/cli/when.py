"""Times as people write them on the command line.

Knows durations, times of day, dates and RFC 3339. Must not know what a time is for.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

from hbalert.config.duration import parse_duration

_TIME_OF_DAY = re.compile(r"(?:(today|tomorrow)\s+)?(\d{1,2}):(\d{2})")

HELP = '"2h" (with --since: ago), "18:30", "tomorrow 09:00", "2026-03-01 18:30" (local time), or RFC 3339'


def length(text: str) -> timedelta:
    """A duration longer than none: "2h", "1d12h". Raises UsageError."""
    try:
        found = parse_duration(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if found <= timedelta():
        raise click.UsageError(f"{text!r}: the duration has to be longer than none")
    return found


def past(text: str, now: datetime) -> datetime:
    """A time before now: "2h" is two hours ago, "18:30" the last one. Raises UsageError."""
    return _read(text, now, ahead=False)


def future(text: str, now: datetime) -> datetime:
    """A time after now: "18:30" is the next one. Raises UsageError."""
    return _read(text, now, ahead=True)


def _read(text: str, now: datetime, *, ahead: bool) -> datetime:
    bare = text.strip().removeprefix("now-" if not ahead else "now+")
    try:
        try:
            return now + parse_duration(bare) if ahead else now - parse_duration(bare)
        except ValueError:
            pass
        if found := _TIME_OF_DAY.fullmatch(bare):
            return _time_of_day(found, now.astimezone(), ahead=ahead)
        written = datetime.fromisoformat(bare)
        return (written if written.tzinfo else _here(written)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        raise click.UsageError(f"{text!r} is not a time; write {HELP}") from None


def _time_of_day(found: re.Match[str], here: datetime, *, ahead: bool) -> datetime:
    """The next (or last) moment at which clocks here show this time."""
    day, hour, minute = found.groups()
    # Without a zone in between, so that a change of summer time does not move the hour.
    naive = here.replace(tzinfo=None)
    at = naive.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    if day == "tomorrow" or (day is None and ahead and at <= naive):
        at += timedelta(days=1)
    elif day is None and not ahead and at > naive:
        at -= timedelta(days=1)
    return _here(at)


def _here(shown: datetime) -> datetime:
    """The moment at which clocks here show this time. What they jump over is as much later (02:30 is 03:30),
    of what they show twice it is the first.
    """
    at = shown.astimezone()
    return at if at.replace(tzinfo=None) == shown else shown.replace(fold=1).astimezone()
