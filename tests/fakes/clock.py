"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

TURNS = 200
"""Turns of the event loop that sleepers get to finish what they were woken for."""


class FakeClock:
    """`advance` wakes sleepers in the order in which they are due and lets each finish.

    rest  lets run what can run; `settle` unless there is something more exact
    """

    def __init__(self, start: datetime = START, rest: Callable[[], Awaitable[None]] | None = None) -> None:
        self._now = start
        self._rest = rest or settle
        self._seconds = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._seconds + seconds, self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Lets so much time pass; whoever sleeps less than that is woken at its moment."""
        target = self._seconds + seconds
        await self._rest()
        while self._sleepers and self._sleepers[0][0] <= target:
            at, _, woken = heapq.heappop(self._sleepers)
            self._move(at)
            if not woken.done():
                woken.set_result(None)
                await self._rest()
        self._move(target)
        await self._rest()

    def step(self, seconds: float) -> None:
        """The wall clock jumps; the monotonic clock does not."""
        self._now += timedelta(seconds=seconds)

    def _move(self, seconds: float) -> None:
        self._now += timedelta(seconds=max(0.0, seconds - self._seconds))
        self._seconds = max(seconds, self._seconds)


async def settle() -> None:
    """Gives everything that can run its turns."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
