"""Moments and durations as Go's `time` shows them: what `toTime` gives, and `.StartsAt` of an alert.

Knows Go's layouts (written with the reference time Mon Jan 2 15:04:05 2006) and the range of a
timestamp. Must not know the present: a moment always comes from a number or from an alert.
Next: `functions.py`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from hbalert.templating.gofmt import number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZERO = datetime(1, 1, 1, tzinfo=UTC)
"""Go's time that is no time: the end of an alert that fires."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_LAYOUT = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z07:00|Z0700|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)"
    r"|01|02|03|04|05|06|002|15|_2|PM|pm|1|2|3|4|5"
)


class Moment:
    """A time of a template, in a zone; in UTC unless somebody asks for another.

    local  what `Local` means: the reader's zone

    The names of its parts are Go's: `Format`, `Unix`, `Year`, `Month`, `Day`, `Hour`, `Minute`,
    `Second`, `Weekday`, `YearDay`, `UTC`, `Local`, `Add`, `Sub`, `IsZero`.
    """

    __slots__ = (
        "Day", "Hour", "Minute", "Month", "Second", "Unix", "Weekday", "Year", "YearDay", "_at", "_local",
    )  # fmt: skip

    def __init__(self, at: datetime, local: tzinfo = UTC) -> None:
        self._at, self._local = at, local
        self.Year, self.Day, self.YearDay = at.year, at.day, at.timetuple().tm_yday
        self.Month, self.Weekday = _MONTHS[at.month - 1], _WEEKDAYS[at.weekday()]
        self.Hour, self.Minute, self.Second = at.hour, at.minute, at.second
        self.Unix = (at - _EPOCH) // timedelta(seconds=1)

    def Format(self, layout: str) -> str:
        """The moment in the given layout."""
        return _LAYOUT.sub(lambda found: self._part(found[0]), layout)

    def within(self, zone: tzinfo) -> Moment:
        """The same moment on the clocks of another zone; as it is where the calendar ends."""
        try:
            return Moment(self._at.astimezone(zone), self._local)
        except (OverflowError, ValueError):
            return self

    @property
    def UTC(self) -> Moment:
        return self.within(UTC)

    @property
    def Local(self) -> Moment:
        return self.within(self._local)

    @property
    def IsZero(self) -> bool:
        return self._at == ZERO

    def Add(self, nanoseconds: float) -> Moment:
        """So much later: a Duration, or nanoseconds as Go counts. Raises ValueError beyond the calendar."""
        seconds = float(nanoseconds) if isinstance(nanoseconds, Duration) else float(nanoseconds) / 1e9
        try:
            return Moment(self._at + timedelta(seconds=seconds), self._local)
        except OverflowError:
            raise ValueError(f"{number(seconds)} s after {self} the calendar has ended") from None

    def Sub(self, other: Moment) -> Duration:
        """How long after another moment it is."""
        return Duration((self._at - other._at).total_seconds())

    def __str__(self) -> str:
        return self.Format("2006-01-02 15:04:05.999999999 -0700 MST")

    def _part(self, name: str) -> str:
        at = self._at
        if name[0] in ".,":
            digits = f"{at.microsecond:06d}000"[: len(name) - 1].ljust(len(name) - 1, "0")
            if name[1] == "9":
                digits = digits.rstrip("0")
            return name[0] + digits if digits else ""
        hour12 = at.hour % 12 or 12
        parts = {
            "2006": f"{at.year:04d}",
            "06": f"{at.year % 100:02d}",
            "January": self.Month,
            "Jan": self.Month[:3],
            "01": f"{at.month:02d}",
            "1": str(at.month),
            "Monday": self.Weekday,
            "Mon": self.Weekday[:3],
            "02": f"{at.day:02d}",
            "_2": f"{at.day:2d}",
            "2": str(at.day),
            "002": f"{self.YearDay:03d}",
            "15": f"{at.hour:02d}",
            "03": f"{hour12:02d}",
            "3": str(hour12),
            "04": f"{at.minute:02d}",
            "4": str(at.minute),
            "05": f"{at.second:02d}",
            "5": str(at.second),
            "PM": "PM" if at.hour >= 12 else "AM",
            "pm": "pm" if at.hour >= 12 else "am",
            "MST": at.tzname() or "UTC",
            "-0700": _offset(at, ""),
            "-07:00": _offset(at, ":"),
            "-07": _offset(at, "")[:3],
            "Z0700": _offset(at, "") if at.utcoffset() else "Z",
            "Z07:00": _offset(at, ":") if at.utcoffset() else "Z",
        }
        return parts[name]


def moment(timestamp: float) -> Moment:
    """The moment `timestamp` seconds after 1970, cut to milliseconds as Prometheus does.

    Raises ValueError where Go's nanoseconds overflow (beyond the years 1677 to 2262).
    """
    nanoseconds = timestamp * 1e9
    if not -(2.0**63) <= nanoseconds <= 2.0**63:
        raise ValueError(
            f"{number(timestamp)} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    whole = abs(int(nanoseconds)) // 1_000_000  # towards zero, as Go divides
    return Moment(_EPOCH + timedelta(milliseconds=whole if nanoseconds >= 0 else -whole))


class Duration(float):
    """Seconds that print as a Go duration. The names of its parts are Go's: `Seconds`, `Minutes`, `Hours`."""

    __slots__ = ()

    @property
    def Seconds(self) -> float:
        return float(self)

    @property
    def Minutes(self) -> float:
        return float(self) / 60

    @property
    def Hours(self) -> float:
        return float(self) / 3600

    def __str__(self) -> str:
        return go_duration(self)


def _offset(at: datetime, colon: str) -> str:
    """The distance from UTC: +0530, or +05:30."""
    minutes = round((at.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{colon}{abs(minutes) % 60:02d}"


def go_duration(seconds: float) -> str:
    """A time.Duration as Go prints it: 1h2m3.5s, 150ms, 0s."""
    nanoseconds = round(seconds * 1e9)
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    for unit, size in (("ns", 1), ("\u00b5s", 1000), ("ms", 1_000_000)):
        if rest < size * 1000:
            return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    out = sign
    if hours:
        out += f"{hours}h"
    if hours or minutes:
        out += f"{minutes}m"
    return f"{out}{_decimal(rest, 1_000_000_000)}s"


def _decimal(amount: int, size: int) -> str:
    whole, fraction = divmod(amount, size)
    digits = str(fraction).rjust(len(str(size)) - 1, "0").rstrip("0") if size > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)
