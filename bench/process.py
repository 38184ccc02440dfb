"""What a process has used, as the kernel says it.

Knows /proc and the CPU clock of a process. Must not know which process it is. Next: `record.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

QUIET_S = 0.15
"""So long a process does nothing to speak of before its work counts as done."""

NOTHING_S = 0.02
"""CPU seconds in that time that are nothing to speak of."""


@dataclass(frozen=True)
class Used:
    """What some work took: CPU of one process, and how long whoever asked for it waited; both in one unit."""

    cpu: float
    wall: float

    def __mul__(self, by: float) -> Used:
        return Used(self.cpu * by, self.wall * by)


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far: all threads, also those that ended, in user and kernel mode.

    The sum of utime and stime in /proc/PID/stat, read from the CPU clock of the process, which shows it
    in nanoseconds and not in steps of 10 ms. Source: clock_getcpuclockid(3), of which Python has no call
    for other processes: the number of that clock is made from the PID.
    """
    return time.clock_gettime(~pid << 3 | 2)


def resident_mib(pid: int) -> float:
    """Memory that it holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


async def settled(*pids: int, within_s: float = 10.0) -> None:
    """Waits until processes have come to rest: what a request set off goes on after its answer."""
    for _ in range(int(within_s / QUIET_S)):
        before = sum(map(cpu_s, pids))
        await asyncio.sleep(QUIET_S)
        if sum(map(cpu_s, pids)) - before <= NOTHING_S:
            return


async def used_for(pid: int, work: Callable[[], Awaitable[object]]) -> Used:
    """Seconds that a process takes for what `work` asks of it; nobody waits for what goes on after it."""
    await settled(pid)
    before, begun = cpu_s(pid), time.monotonic()
    await work()
    wall = time.monotonic() - begun
    await settled(pid)
    return Used(cpu_s(pid) - before, wall)
