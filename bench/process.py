"""What a process has used, as the kernel says it.

Knows /proc. Must not know which process it is. Next: `sides.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")

QUIET_S = 0.15
"""So long a process does nothing to speak of before its work counts as done."""


def cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, all threads, in user and kernel mode; steps of 10 ms."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS


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
        if sum(map(cpu_s, pids)) - before <= 2 / _TICKS:
            return


async def cpu_of(pid: int, work: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds that a process takes for what `work` asks of it."""
    await settled(pid)
    before = cpu_s(pid)
    await work()
    await settled(pid)
    return cpu_s(pid) - before
