"""All groups are looked at, and there is nothing to tell."""

from __future__ import annotations

import asyncio

from bench.measures import measure
from bench.process import cpu_s, settled
from bench.record import Record, Scale, check
from bench.sides import NAMES, ROOMY, Side, alert, bodies, duel, same, silence
from tests.compat.setup import Setup, fast

RULES = 200


@measure
async def cycle(record: Record, scale: Scale) -> None:
    """One group interval after the other; both engines run at the same time, and are looked at together.

    The inhibition rules find nothing for most: each has a source that fires, which keeps a few quiet.
    """
    known, silences, interval_s = scale.of(20_000), scale.of(1_000), 3 if scale.quick else 12
    rules = tuple(
        {
            "source_matchers": ['severity="critical"', f'bot="bot-{5 * n}"'],
            "target_matchers": ['severity="warning"', f'alertname="Bench{n % NAMES}"'],
            "equal": ["bot", "g"],
        }
        for n in range(RULES)
    )
    setup = Setup(
        fast(group_by=["g"], group_wait="1s", group_interval=f"{interval_s}s", repeat_interval="12h"),
        inhibit_rules=rules,
        ours=ROOMY,
    )
    async with duel(setup) as sides:
        for side in sides:
            await side.post(map(silence, range(silences)), "/api/v2/silences")
            await side.post(bodies(map(alert, range(known)), 64))
        await asyncio.sleep(2 * interval_s)  # the first messages, and those with what came after them

        pids = [side.peer.pid for side in sides]

        async def interval() -> list[float]:
            """From one moment at which both are at rest to another, so that no look is counted in part."""
            before = [cpu_s(pid) for pid in pids]
            await asyncio.sleep(interval_s)
            await settled(*pids)
            return [(cpu_s(side.peer.pid) - b) * 1e3 for side, b in zip(sides, before, strict=True)]

        for turn in range(scale.pairs):
            await settled(*pids)
            told = [len(side.sink.arrived) for side in sides]
            record.pair("cycle-warm", *await interval())
            for side, before in zip(sides, told, strict=True):
                more = [body[:300] for _, body in side.sink.arrived[before:]]
                check(not more, f"{side.name} told something again: {more[:2]}")
            for side in sides:
                await side.post([silence(silences + turn)], "/api/v2/silences")
            record.pair("cycle-cold", *await interval())
        same(await _quiet(sides[0]), await _quiet(sides[1]), "what is kept quiet")
        same(_told(sides[0]), _told(sides[1]), "what was told")


async def _quiet(side: Side) -> list[object]:
    shown = await side.get("/api/v2/alerts")
    return [
        (one["fingerprint"], len(one["status"]["silencedBy"]), bool(one["status"]["inhibitedBy"]))
        for one in shown
    ]


def _told(side: Side) -> set[str]:
    return {one["fingerprint"] for one in side.sink.alerts()}
