"""From an alert to the webhook: many groups at once, and one alert alone."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.measures import measure
from bench.process import cpu_s, settled
from bench.record import Record, Scale, check, median, percentile
from bench.sides import ROOMY, Side, alert, bodies, duel
from tests.compat.scene import soon
from tests.compat.setup import Setup, fast

WAIT_S = 2.0


@measure("at-once", "at-once-cpu")
async def at_once(record: Record, scale: Scale) -> None:
    """A thousand groups of one alert each, due in the same moment."""
    many = scale.of(1_000)
    setup = Setup(fast(group_by=["run", "g"], group_wait=f"{WAIT_S:.0f}s", group_interval="1h"), ours=ROOMY)
    async with duel(setup) as sides:
        for turn in range(scale.pairs):
            took, cpu = zip(*[await _at_once(side, many, f"turn{turn}") for side in sides], strict=True)
            record.pair("at-once", *took)
            record.pair("at-once-cpu", *cpu)


async def _at_once(side: Side, many: int, run: str) -> tuple[float, float]:
    """Milliseconds from the moment at which they are due to the last message, and CPU us a group."""
    before, pid = len(side.sink.arrived), side.peer.pid
    await settled(pid)
    # An alert that is older than group_wait would be told at once.
    new = bodies((alert(n, run=run, groups=many, starts_at=soon()) for n in range(many)), many)
    cpu, begun = cpu_s(pid), time.monotonic()
    await side.post(new)
    all_came = await side.sink.count(before + many)
    await settled(pid)
    used = (cpu_s(pid) - cpu) / many * 1e6
    told = sorted(one["labels"]["g"] for one in side.sink.alerts(before))
    check(all_came, f"{side.name} told {len(told)} of {many} groups")
    check(told == sorted(f"g{n}" for n in range(many)), f"{side.name} told some groups twice")
    return (side.sink.arrived[-1][0] - begun - WAIT_S) * 1e3, used


@measure("one-p50", "one-p99", "one-p99-aim", "one-fsync")
async def one(record: Record, scale: Scale) -> None:
    """One alert of a group of its own, at a time, told at once."""
    setup = Setup(fast(group_by=["run"], group_wait="0s", group_interval="1h"), ours=ROOMY)
    rounds = scale.of(120)
    async with duel(setup) as (ours, theirs):
        with tempfile.TemporaryDirectory(prefix="hbalert-bench-") as folder:
            sync = _syncs(Path(folder))
            for turn in range(scale.pairs + 1):
                mine: list[float] = []
                other: list[float] = []
                disk: list[float] = []
                for n in range(rounds):
                    mine.append(await _one(ours, f"{turn}.{n}"))
                    other.append(await _one(theirs, f"{turn}.{n}"))
                    disk.append(sync())
                if turn == 0 and not scale.quick:
                    continue  # caches and connections get warm
                p99, base, fsync = (percentile(each, 0.99) for each in (mine, other, disk))
                record.pair("one-p50", percentile(mine, 0.5), percentile(other, 0.5))
                record.pair("one-p99", p99, base + 2 * fsync + 5)
                record.pair("one-p99-aim", p99, base + fsync + 5)
                record.pair("one-fsync", fsync, median(disk))
        for side in (ours, theirs):
            told = [one["labels"]["run"] for one in side.sink.alerts()]
            check(len(told) == len(set(told)), f"{side.name} told an alert twice")
            check(len(told) == rounds * (scale.pairs + 1), f"{side.name} told {len(told)} alerts")


async def _one(side: Side, run: str) -> float:
    """Milliseconds from the post to the message."""
    before = len(side.sink.arrived)
    (body,) = bodies([alert(1, run=run)], 1)
    begun = time.monotonic()
    await side.post([body])
    check(await side.sink.count(before + 1), f"{side.name} did not tell {run}")
    at, message = side.sink.arrived[before]
    check(json.loads(message)["alerts"][0]["labels"]["run"] == run, f"{side.name} told another than {run}")
    return (at - begun) * 1e3


def _syncs(folder: Path) -> Callable[[], float]:
    """Writes a page and waits for the disk, as a small commit does; answers with the milliseconds."""
    file = os.open(folder / "page", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def sync() -> float:
        begun = time.monotonic()
        os.write(file, b"x" * 8192)
        os.fdatasync(file)
        return (time.monotonic() - begun) * 1e3

    return sync
