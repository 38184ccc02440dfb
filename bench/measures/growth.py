"""What a refresh costs when there are many alerts."""

from __future__ import annotations

from bench.measures import measure
from bench.measures.ingest import APART
from bench.record import Record, Scale, check
from bench.sides import Side, Theirs, alert, bodies, running
from tests.compat.peers import Hbalert, Peer


@measure
async def growth(record: Record, scale: Scale) -> None:
    """Two processes of one engine, one with few and one with many alerts, in turn; then the peer's."""
    few, many = scale.of(1_000), scale.of(100_000)
    some = min(many, 20_000)
    engines: list[tuple[str, type[Peer]]] = [("growth", Hbalert), ("growth-peer", Theirs)]
    for name, kind in engines:
        async with running(kind, APART) as small, running(kind, APART) as large:
            await small.post(bodies(map(alert, range(few)), 64))
            await large.post(bodies(map(alert, range(many)), 64))

            async def cost(side: Side, known: int, turn: int) -> float:
                numbers = [(n + turn * some) % known for n in range(some)]
                posted = bodies((alert(n, version=turn + 1) for n in numbers), 64)
                return await side.cpu_of_posts(posted) / some * 1e6

            for turn in range(scale.pairs):
                in_few = await cost(small, few, turn)
                record.pair(name, await cost(large, many, turn), in_few)
            for side, known in ((small, few), (large, many)):
                shown = len(await side.get("/api/v2/alerts"))
                check(shown == known, f"{side.name} shows {shown} of {known} alerts")
