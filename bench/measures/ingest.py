"""Alerts come in: as new ones, and again and again."""

from __future__ import annotations

from bench.measures import measure
from bench.process import Used
from bench.record import Cost, Record, Scale, check
from bench.sides import ROOMY, Side, alert, bodies, duel, same
from tests.compat.setup import Setup, fast

APART = Setup(fast(group_by=["g"], group_wait="1h", group_interval="1h"), ours=ROOMY)
"""Nobody looks at a group meanwhile: only intake is measured."""


@measure("refresh-64", "refresh-1", "new-64")
async def ingest(record: Record, scale: Scale) -> None:
    known, ones, new = scale.of(20_000), scale.of(5_000), scale.of(6_400)
    async with duel(APART) as (ours, theirs):
        for side in (ours, theirs):
            await side.post(bodies(map(alert, range(known)), 64))

        def refresh(side: Side, count: int, per_post: int, first_version: int) -> Cost:
            async def cost(turn: int) -> Used:
                some = (alert(n, version=first_version + turn) for n in range(count))
                return await side.posting(bodies(some, per_post)) * (1e6 / count)

            return cost

        def bring(side: Side) -> Cost:
            async def cost(turn: int) -> Used:
                some = (alert(n, run=f"new{turn}") for n in range(new))
                return await side.posting(bodies(some, 64)) * (1e6 / new)

            return cost

        for name, count, per_post, first in (("refresh-64", known, 64, 100), ("refresh-1", ones, 1, 200)):
            a, b = (refresh(side, count, per_post, first) for side in (ours, theirs))
            await record.alternately(name, scale.pairs, a, b)
        await record.alternately("new-64", scale.pairs, bring(ours), bring(theirs))
        same(await _shown(ours), await _shown(theirs), "alerts after refreshes")
        shown = len(await ours.alerts())
        check(shown == known + new * scale.pairs, f"hbalert shows {shown} alerts")


async def _shown(side: Side) -> list[object]:
    return [
        (one["fingerprint"], sorted(one["annotations"].items()), one["startsAt"])
        for one in await side.alerts()
    ]
