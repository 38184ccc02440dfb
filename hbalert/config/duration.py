"""Durations as people write them: "90s", "5m", "1h30m", "2d".

Knows Prometheus' duration grammar. Must not know what a duration is for.
"""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"y": 365 * 86400.0, "w": 7 * 86400.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_GRAMMAR = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")


def parse_duration(text: str) -> timedelta:
    """The duration that `text` spells; "0" is zero. Raises ValueError with what is right.

    Source: prometheus/common model.ParseDuration (units once each, largest first).

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if text == "0":
        return timedelta()
    found = _GRAMMAR.fullmatch(text)
    if not text or found is None:
        raise ValueError(f'{text!r} is not a duration; write for example "90s", "5m" or "1h30m"')
    amounts = zip(found.groups(), _UNITS.values(), strict=True)
    try:
        return timedelta(seconds=sum(int(amount) * unit for amount, unit in amounts if amount))
    except OverflowError:
        raise ValueError(f"{text!r} is too long a duration; at most 999999999 days") from None


def format_duration(duration: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back.

    >>> format_duration(timedelta(minutes=90))
    '1h30m'
    """
    rest = round(duration.total_seconds() * 1000)
    if rest == 0:
        return "0s"
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)
