"""The only reader of time.

Everything else is handed a `Clock`, or a `now` that came from one. Tests hand in a fake.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux: as CLOCK_MONOTONIC, but it goes on while the machine sleeps."""

HELD_UP = 0.1
"""Seconds; readings of two clocks that are further apart than this do not belong together."""


class Clock(Protocol):
    """What hbalert asks of time."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC. May step."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment. Never steps; counts the time in which the machine sleeps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits so long on the monotonic clock; 0 or less yields once."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_BOOTTIME) if _BOOTTIME is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def read_both(clock: Clock) -> tuple[datetime, float]:
    """The wall clock and the monotonic one, at one moment.

    Read again when the process was held up between the two: that would look like a step of the clock.
    """
    for _ in range(9):
        before = clock.monotonic()
        wall, after = clock.now(), clock.monotonic()
        if after - before < HELD_UP:
            break
    return wall, after
