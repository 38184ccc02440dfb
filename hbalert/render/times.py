"""Moments and durations as people read them on a phone at night.

Knows time zones and the words for units. Must not know the present: `now` is given.
Next: `clean.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from hbalert.render.words import Words

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone of that name; UTC where there is none: a message is worth more than its zone."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return UTC


def local(moment: datetime, where: tzinfo) -> datetime:
    """The moment in a zone; as it is where the calendar ends."""
    try:
        return moment.astimezone(where)
    except (OverflowError, ValueError):
        return moment


def spell_moment(moment: datetime, where: tzinfo) -> str:
    """2026-01-02 03:04:05 CST (UTC+8): an abbreviation alone means several zones."""
    at = local(moment, where)
    name, offset = at.tzname() or "", _offset(at)
    if name[:1].isalpha() and not name.startswith("UTC"):
        offset = f"{name} ({offset})"
    return f"{at:%Y-%m-%d %H:%M:%S} {offset}"


def spell_short(moment: datetime, where: tzinfo, now: datetime) -> str:
    """03:04 today, else 01-02 03:04."""
    at, today = local(moment, where), local(now, where)
    return f"{at:%H:%M}" if at.date() == today.date() else f"{at:%m-%d %H:%M}"


def _offset(at: datetime) -> str:
    """UTC+8, UTC+5:30, UTC."""
    seconds = round((at.utcoffset() or timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    if seconds == 0:
        return "UTC"
    return f"UTC{'-' if seconds < 0 else '+'}{hours}" + (f":{minutes:02d}" if minutes else "")


def spell_duration(duration: timedelta, words: Words) -> str:
    """12 min, 3 h 5 min, 2 d 4 h: the two largest units that matter; never negative."""
    rest = max(0, int(duration.total_seconds()))
    if rest >= 600:
        rest -= rest % 60  # nobody counts seconds after ten minutes
    parts: list[str] = []
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(getattr(words, name).format(count=count))
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts) or words.second.format(count=0)
