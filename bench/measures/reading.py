"""20,000 alerts are read, with 1,000 silences in force; and what they take in memory."""

from __future__ import annotations

from bench.measures import measure
from bench.measures.ingest import APART
from bench.process import cpu_of, settled
from bench.record import Cost, Record, Scale, check
from bench.sides import Side, alert, bodies, duel, same, silence

LIST = "/api/v2/alerts"
FILTER = LIST + '?filter=g%3D"g7"'
GROUPS = LIST + "/groups"


@measure
async def reading(record: Record, scale: Scale) -> None:
    known, silences = scale.of(20_000), scale.of(1_000)
    async with duel(APART) as (ours, theirs):
        for side in (ours, theirs):
            await side.post(bodies(map(alert, range(known)), 64))
            await side.post(map(silence, range(silences)), "/api/v2/silences")

        def listed(side: Side) -> Cost:
            async def cost(turn: int) -> float:
                return await side.cpu_of_gets(LIST) * 1e3

            return cost

        def refreshed(side: Side) -> Cost:
            async def cost(turn: int) -> float:
                await side.post(bodies((alert(n, version=turn + 1) for n in range(known)), 64))
                return await side.cpu_of_gets(LIST) * 1e3

            return cost

        def silenced(side: Side) -> Cost:
            async def cost(turn: int) -> float:
                await side.post([silence(silences + turn)], "/api/v2/silences")
                return await side.cpu_of_gets(LIST) * 1e3

            return cost

        def several(side: Side, path: str) -> Cost:
            async def cost(turn: int) -> float:
                return await side.cpu_of_gets(path, 5) * 1e3

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
        for one in await side.get(path)
    ]


async def _members(side: Side) -> list[tuple[str, str]]:
    groups = await side.get(GROUPS)
    return [(group["labels"]["g"], one["fingerprint"]) for group in groups for one in group["alerts"]]


@measure
async def memory(record: Record, scale: Scale) -> None:
    """What is held once everything was taken in, refreshed and read: each time by new processes."""
    known = scale.of(20_000)
    for _ in range(min(3, scale.pairs)):
        async with duel(APART) as sides:
            held = []
            for side in sides:
                for version in range(2):
                    await side.post(bodies((alert(n, version=version) for n in range(known)), 64))
                await cpu_of(side.peer.pid, lambda side=side: side.get(LIST))  # type: ignore[misc]
                await settled(side.peer.pid)
                held.append(side.memory_mib())
            record.pair("memory", *held)
