"""What an alert costs, new and refreshed, when there are many of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

from bench.measures import measure
from bench.measures.ingest import APART
from bench.process import Used, settled
from bench.record import Record, Scale, check
from bench.sides import Side, Theirs, alert, bodies, running, same
from tests.compat.peers import Hbalert, Peer

SIZES = (1_000, 5_000, 20_000, 100_000)
REFRESHES = 10_000
"""In one figure: as many whatever there is, so that small numbers are as exact as large ones."""

ENGINES: tuple[tuple[str, type[Peer]], ...] = (("growth", Hbalert), ("growth-peer", Theirs))


@measure("growth", "growth-peer", "growth-new", "growth-refresh", "growth-memory")
async def growth_alerts(record: Record, scale: Scale) -> None:
    """Processes of one engine, each with another number of alerts, in turn; then the peer's."""
    sizes = scale.sizes(SIZES, least=10 * 64)  # no alert is under way twice at a time
    shown = [await _engine(record, scale, sizes, line, kind) for line, kind in ENGINES]
    for size, ours, theirs in zip(sizes, *shown, strict=True):
        same(ours, theirs, f"{size} alerts after refreshes")


async def _engine(
    record: Record, scale: Scale, sizes: list[int], line: str, kind: type[Peer]
) -> list[list[str]]:
    """What one engine shows in the end, by the number of its alerts."""
    some = min(sizes[-1], REFRESHES)
    async with AsyncExitStack() as stack:
        sides = {size: await stack.enter_async_context(running(kind, APART)) for size in sizes}
        for size, side in sides.items():
            filled = await side.posting(bodies(map(alert, range(size)), 64))
            record.point("growth-new", side.name, size, filled.cpu / size * 1e6)

        async def refresh(side: Side, known: int, turn: int) -> Used:
            numbers = range(turn * some, (turn + 1) * some)
            posted = bodies((alert(n % known, version=n // known + 1) for n in numbers), 64)
            return await side.posting(posted) * (1e6 / some)

        for turn in range(scale.pairs):
            used = {size: await refresh(side, size, turn) for size, side in sides.items()}
            few, many = used[sizes[0]], used[sizes[-1]]
            record.pair(line, many.cpu, few.cpu, (many.wall, few.wall))
            for size, side in sides.items():
                record.point("growth-refresh", side.name, size, used[size].cpu)
        shown = []
        for size, side in sides.items():
            await settled(side.peer.pid)
            record.point("growth-memory", side.name, size, side.memory_mib())
            found = sorted(
                f"{one['fingerprint']} {sorted(one['annotations'].items())}" for one in await side.alerts()
            )
            check(len(found) == size, f"{side.name} shows {len(found)} of {size} alerts")
            check(all(a != b for a, b in pairwise(found)), f"{side.name} shows an alert twice")
            shown.append(found)
        return shown


def _words(one: Any) -> str:
    return f"{one['fingerprint']} {sorted(one['annotations'].items())}"
