"""Flapping: an alert that starts and ends too often is held, and told once.

Knows how often is too often and when an alert has calmed down. Must not know why it starts or ends.
Next: `evaluation.py`, which asks this whenever one of its alerts starts to fire or stays away.

An alert flaps from its n-th start within a window. From then on it fires without a pause, whatever
its series does, until the series has been the same, there or not, for half the window. Alerts that
flap start at least once in a third of the window (for n of 4 or more), so that half of it is long
enough to tell that one has calmed down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FEWEST_STARTS = 3
"""Fewer than these are no flapping: whatever comes back once would be."""


@dataclass(frozen=True, slots=True)
class Flapping:
    """How often is too often.

    starts  so many starts within `window`; 0: an alert is never held
    """

    starts: int = 0
    window: timedelta = timedelta(hours=1)

    @property
    def calm_after(self) -> timedelta:
        """So long nothing may change before an alert that flaps has calmed down."""
        return self.window / 2


UNLIMITED = Flapping()


@dataclass(frozen=True, slots=True)
class Flaps:
    """What is remembered of one alert, also while it does not fire.

    starts      when it has started to fire, oldest first; those within the window
    since       since when it is held as flapping; None: it is not
    calm_since  when it was found to have calmed down, as long as it fires on; else None
    """

    starts: tuple[datetime, ...] = ()
    since: datetime | None = None
    calm_since: datetime | None = None


NEVER = Flaps()


def started(flaps: Flaps, now: datetime, limits: Flapping) -> Flaps:
    """The alert starts to fire, or its series is back while it is held."""
    if not limits.starts:
        return NEVER
    # A start after `now` is one of a clock that was set back since.
    starts = (*(at for at in flaps.starts if now - limits.window < at <= now), now)
    if flaps.since is None and len(starts) >= limits.starts:
        return Flaps(starts, now)
    return Flaps(starts[-limits.starts :], flaps.since)


def holds(flaps: Flaps, away_since: datetime | None, now: datetime, limits: Flapping) -> bool:
    """Whether an alert is (still) held as flapping.

    away_since  since when its series has been missing; None: it is there
    """
    if flaps.since is None or not limits.starts:
        return False
    changed_at = away_since or max(flaps.starts, default=flaps.since)
    return now - min(changed_at, now) < limits.calm_after


def calmed(flaps: Flaps, now: datetime) -> Flaps:
    """The alert is held no longer; it may fire on."""
    return replace(flaps, since=None, calm_since=now) if flaps.since is not None else flaps


def remembered(flaps: Flaps, now: datetime, limits: Flapping) -> bool:
    """Whether what is known of an alert that is over still counts."""
    return bool(limits.starts) and any(now - limits.window < at <= now for at in flaps.starts)
