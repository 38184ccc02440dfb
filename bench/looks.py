"""Looks at groups: what an engine takes in one group interval in which there is nothing to tell.

Knows when the groups of all engines are looked at. Must not know what is in them.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

from bench.process import cpu_s, settled
from bench.record import check
from bench.sides import Side

REST = 0.6
"""The part of an interval after which every look of it is over: there an interval begins for us."""

LATE = 0.25
"""So much later it may begin: the next look is still far away."""


class Looks:
    """Some engines with one group interval, which is so long that they are done with a look before the next.

    idle_s  CPU seconds of each in an interval before there was any alert, once `idle` has watched them
    """

    def __init__(self, sides: Sequence[Side], interval_s: float) -> None:
        self._sides = sides
        self._interval_s = interval_s
        self._phase_s: float | None = None
        self.idle_s = [0.0 for _ in sides]

    async def idle(self) -> None:
        """Watches what they take with nothing to look at."""
        await settled(*self._pids())
        before = self._cpu()
        await asyncio.sleep(self._interval_s / 2)
        self.idle_s = [(now - then) * 2 for now, then in zip(self._cpu(), before, strict=True)]

    async def begin(self, bodies: Sequence[bytes]) -> None:
        """Posts what makes all groups, to all engines at once: from now on they are looked at together."""
        for body in bodies:
            await asyncio.gather(*(side.post([body]) for side in self._sides))
        for side in self._sides:
            check(await side.sink.count(1), f"{side.name} told nothing")
        self._phase_s = max(side.sink.arrived[0][0] for side in self._sides)

    async def told(self, many: int, within_s: float = 90) -> None:
        """Waits until every engine has told of so many alerts, and noticed that there are no more."""
        for side in self._sides:
            enough = await side.sink.until(lambda side=side: len(side.sink.seen()) >= many, within_s)  # type: ignore[misc]
            check(enough, f"{side.name} told of {len(side.sink.seen())} of {many} alerts")
        await asyncio.sleep(self._interval_s)  # an engine notices it at its next look

    async def interval(self, meanwhile: Callable[[], Awaitable[object]] | None = None) -> list[float]:
        """CPU seconds of each engine in an interval, in which it looks at each group once.

        From one rest to the next; of groups that are looked at all the time, from now on.

        meanwhile  done at its beginning; it counts
        Raises Wrong when one of them told something: then it was no look without news.
        """
        begins_s = self._begins_s()
        await asyncio.sleep(begins_s - time.monotonic())
        before, told = self._cpu(), [len(side.sink.arrived) for side in self._sides]
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(begins_s + self._interval_s - time.monotonic())
        if self._phase_s is not None:
            await settled(*self._pids(), within_s=LATE * self._interval_s)
        used = [now - then for now, then in zip(self._cpu(), before, strict=True)]
        for side, count in zip(self._sides, told, strict=True):
            more = [body[:300] for _, body in side.sink.arrived[count:]]
            check(not more, f"{side.name} told something again: {more[:2]}")
        return used

    def _begins_s(self) -> float:
        """When the next interval begins."""
        now_s = time.monotonic()
        if self._phase_s is None:
            return now_s
        since_rest = (now_s - self._phase_s) / self._interval_s - REST
        nth = math.floor(since_rest) if since_rest % 1 <= LATE else math.ceil(since_rest)
        return self._phase_s + (nth + REST) * self._interval_s

    def _pids(self) -> list[int]:
        return [side.peer.pid for side in self._sides]

    def _cpu(self) -> list[float]:
        return [cpu_s(pid) for pid in self._pids()]
