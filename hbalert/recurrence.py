"""When maintenance windows come again: cron expressions and time zones, looked up.

Knows how cronsim and zoneinfo are asked. Must not know what happens in a window
(`core/maintenance.py`). A leaf, as `regex.py` is: the core is handed what this makes.

Cron follows Debian's: a time of day that a change of summer time jumps over is at once after the jump,
one that comes twice is only the first of the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from hbalert.core.maintenance import Occurrence, Recurrence, overlap, timed, weekly

LOOKED_AT = 400
"""So many occurrences are compared to see whether they overlap: more than a year of daily ones."""


def occurrences(recurrence: Recurrence, after: datetime) -> Iterator[Occurrence]:
    """The occurrences that end after `after`, in order, without end unless there are no more.

    Raises ValueError when the cron expression or the zone is none.
    """
    zone = ZoneInfo(recurrence.location)
    if not recurrence.cron:
        return weekly(recurrence, zone, after)
    starts = _cron(recurrence.cron, (after - recurrence.duration).astimezone(zone))
    return timed(starts, recurrence.duration, after)


def _cron(expression: str, after: datetime) -> CronSim:
    """The starts after a moment. Raises ValueError, fit to show."""
    if len(expression.split()) != 5:
        raise ValueError(
            f'{expression!r} has not five fields; write minute, hour, day, month, weekday: "0 2 * * sun"'
        )
    try:
        return CronSim(expression, after)
    except CronSimError as error:
        wrong = str(error).lower()
        raise ValueError(
            f'{expression!r} is no cron expression: {wrong}; write for example "0 2 * * sun"'
        ) from None


def check(recurrence: Recurrence, after: datetime) -> None:
    """Raises ValueError, fit to show, for a calendar that cannot be meant: it is none, names a day that
    does not exist, or is on top of itself.

    after  a moment to look from
    """
    if overlap(islice(occurrences(recurrence, after), LOOKED_AT)):
        raise ValueError("it begins again before it has ended; make it shorter or rarer")
