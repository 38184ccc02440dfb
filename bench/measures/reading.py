"""20,000 alerts are read, with 1,000 silences in force; and what they take in memory."""

from __future__ import annotations

from bench.measures import measure
from bench.measures.ingest import APART
from bench.process import Used, settled
from bench.record import Cost, Record, Scale, check
from bench.sides import GROUPS, LIST, SILENCES, Side, alert, bodies, duel, is_own, same, silence

FILTER = LIST + '?filter=g%3D"g7"'


@measure("list-refreshed", "list", "list-silenced", "filter", "groups")
async def reading(record: Record, scale: Scale) -> None:
    known, silences = scale.of(20_000), scale.of(1_000)
    async with duel(APART) as (ours, theirs):
        for side in (ours, theirs):
            await side.post(bodies(map(alert, range(known)), 64))
            await side.post(map(silence, range(silences)), SILENCES)

        def listed(side: Side) -> Cost:
            async def cost(turn: int) -> Used:
                return await side.getting() * 1e3

            return cost

        def refreshed(side: Side) -> Cost:
            async def cost(turn: int) -> Used:
                await side.post(bodies((alert(n, version=turn + 1) for n in range(known)), 64))
                return await side.getting() * 1e3

            return cost

        def silenced(side: Side) -> Cost:
            async def cost(turn: int) -> Used:
                await side.post([silence(silences + turn)], SILENCES)
                return await side.getting() * 1e3

            return cost

        def several(side: Side, path: str) -> Cost:
            async def cost(turn: int) -> Used:
                return await side.getting(path, 5) * 1e3

            return cost

        for side in (ours, theirs):
            await side.get(LIST)
        await record.alternately("list-refreshed", scale.pairs, refreshed(ours), refreshed(theirs))
        await record.alternately("list", scale.pairs, listed(ours), listed(theirs))
        await record.alternately("list-silenced", scale.pairs, silenced(ours), silenced(theirs))
        await record.alternately("filter", scale.pairs, several(ours, FILTER), several(theirs, FILTER))
        await record.alternately("groups", scale.pairs, several(ours, GROUPS), several(theirs, GROUPS))
        for path in (LIST, FILTER):
            same(await _states(ours, path), await _states(theirs, path), f"GET {path}")
        same(await _members(ours), await _members(theirs), "members of groups")
        mute = sum(state == "suppressed" for _, state, _, _ in await _states(ours, LIST))
        check(0 < mute < known, f"{mute} of {known} alerts are silenced")


async def _states(side: Side, path: str) -> list[tuple[str, str, int, str]]:
    """Which alerts are shown, what keeps how many of them quiet, and what they say."""
    return [
        (
            one["fingerprint"],
            one["status"]["state"],
            len(one["status"]["silencedBy"]),
            one["annotations"]["description"],
        )
        for one in await side.alerts(path)
    ]


async def _members(side: Side) -> list[tuple[str, str]]:
    return [
        (group["labels"]["g"], one["fingerprint"])
        for group in await side.get(GROUPS)
        for one in group["alerts"]
        if not is_own(one)
    ]


@measure("memory")
async def memory(record: Record, scale: Scale) -> None:
    """What is held once everything was taken in, refreshed and read: each time by new processes."""
    known = scale.of(20_000)
    for _ in range(scale.at_most(3)):
        async with duel(APART) as sides:
            held = []
            for side in sides:
                for version in range(2):
                    await side.post(bodies((alert(n, version=version) for n in range(known)), 64))
                shown = {one["fingerprint"] for one in await side.alerts()}
                check(len(shown) == known, f"{side.name} shows {len(shown)} of {known} alerts")
                await settled(side.peer.pid)
                held.append(side.memory_mib())
            record.pair("memory", held[0], held[1])
