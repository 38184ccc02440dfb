"""The only reader of time.

Everything else is handed a `Clock`, or a `now` that came from one. Tests hand in a fake.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What hbalert asks of time."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC. May step."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment. Never steps."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Waits so long on the monotonic clock; 0 or less yields once."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
