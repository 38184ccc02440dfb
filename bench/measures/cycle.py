"""All groups are looked at, and there is nothing to tell."""

from __future__ import annotations

from bench.looks import Looks
from bench.measures import measure
from bench.record import Record, Scale, check
from bench.sides import CRITICAL, NAMES, ROOMY, SILENCES, Side, alert, bodies, duel, same, silence
from tests.compat.setup import Setup, Table, fast

GROUPS = 200
RULES = 200
PER_GROUP = 100

Sides = tuple[Side, Side]
Quiet = tuple[str, int, bool]
"""Fingerprint, number of silences, whether it is inhibited."""


def looked_at(interval_s: int, rules: tuple[Table, ...] = ()) -> Setup:
    """Groups by "g", looked at so often, told once."""
    route = fast(group_by=["g"], group_wait="1s", group_interval=f"{interval_s}s", repeat_interval="12h")
    return Setup(route, inhibit_rules=rules, ours=ROOMY)


@measure("cycle-warm", "cycle-cold")
async def cycle(record: Record, scale: Scale) -> None:
    """Each inhibition rule has a dozen sources that fire, each warning is a target of ten rules; they keep
    one alert in 25 quiet, and silences some others."""
    known, silences, interval_s = scale.of(20_000, 5_000), scale.of(1_000), 2 if scale.quick else 10
    rules = tuple(
        {
            "source_matchers": ['severity="critical"', f'bot=~"bot-{n}[0-9]"'],
            "target_matchers": ['severity="warning"', f'alertname="Bench{n % NAMES}"'],
            "equal": ["bot", "g"],
        }
        for n in range(RULES)
    )
    async with duel(looked_at(interval_s, rules)) as sides:
        for side in sides:
            await side.post(map(silence, range(silences)), SILENCES)
        looks = Looks(sides, interval_s)
        # Those that inhibit come first: nobody may tell of the others before they are there.
        await looks.begin(bodies((alert(n) for n in range(0, known, CRITICAL)), 64))
        for side in sides:
            await side.post(bodies(map(alert, range(known)), 64))
        quiet = await _same_quiet(sides)
        await looks.told(sum(not silenced and not inhibited for _, silenced, inhibited in quiet))
        check(any(inhibited for _, _, inhibited in quiet), "nothing is inhibited")
        for turn in range(scale.pairs):
            ours_s, theirs_s = await looks.interval()
            record.pair("cycle-warm", ours_s * 1e3, theirs_s * 1e3)

            async def change(turn: int = turn) -> None:
                for side in sides:
                    await side.post([silence(silences + turn)], SILENCES)

            ours_s, theirs_s = await looks.interval(change)
            record.pair("cycle-cold", ours_s * 1e3, theirs_s * 1e3)
        await _same_quiet(sides)
        same_told(sides)


@measure("growth-look")
async def growth_look(record: Record, scale: Scale) -> None:
    """More and more alerts, a hundred in a group; what an engine takes without any alert is taken off."""
    interval_s = 2 if scale.quick else 6
    async with duel(looked_at(interval_s)) as sides:
        looks = Looks(sides, interval_s)
        await looks.idle()
        known = 0
        for size in scale.sizes((1_000, 5_000, 20_000, 100_000), least=PER_GROUP):
            for side in sides:
                more = (alert(n, per_group=PER_GROUP) for n in range(known, size))
                await side.post(bodies(more, PER_GROUP))
            known = size
            await looks.told(known)
            for _ in range(scale.at_most(3)):
                used = zip(sides, await looks.interval(), looks.idle_s, strict=True)
                for side, cpu_s, idle_s in used:
                    record.point("growth-look", side.name, known, (cpu_s - idle_s) * 1e3)
        same_told(sides)


@measure("growth-silences")
async def growth_silences(record: Record, scale: Scale) -> None:
    """More and more silences over the same alerts; before each look one more is made."""
    known, interval_s = scale.of(5_000, GROUPS), 2 if scale.quick else 6
    async with duel(looked_at(interval_s)) as sides:
        looks = Looks(sides, interval_s)
        await looks.idle()
        await looks.begin(bodies(map(alert, range(GROUPS)), 64))
        for side in sides:
            await side.post(bodies(map(alert, range(known)), 64))
        await looks.told(known)
        made = 0

        async def make(more: int) -> None:
            nonlocal made
            for side in sides:
                await side.post(map(silence, range(made, made + more)), SILENCES)
            made += more

        for size in scale.sizes((10, 100, 1_000, 10_000), least=4):
            await make(size - made)
            for _ in range(scale.at_most(3)):
                used = zip(sides, await looks.interval(lambda: make(1)), looks.idle_s, strict=True)
                for side, cpu_s, idle_s in used:
                    record.point("growth-silences", side.name, size, (cpu_s - idle_s) * 1e3)
        await _same_quiet(sides)


async def _same_quiet(sides: Sides) -> list[Quiet]:
    """What is kept quiet, by both alike."""
    ours, theirs = [await _quiet(side) for side in sides]
    same(ours, theirs, "what is kept quiet")
    return ours


async def _quiet(side: Side) -> list[Quiet]:
    return [
        (one["fingerprint"], len(one["status"]["silencedBy"]), bool(one["status"]["inhibitedBy"]))
        for one in await side.alerts()
    ]


def same_told(sides: Sides) -> None:
    """Both told of the same alerts."""
    ours, theirs = sides
    same(ours.sink.seen(), theirs.sink.seen(), "what was told")
