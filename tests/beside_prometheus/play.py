"""A chapter is played: all its cases at once on both engines, phase by phase.

Knows what happens in each phase, and that what is shown is waited for, never slept for. Must not know
how an engine is run (`engines.py`) or what the page says of it (`page.py`, next).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.beside_prometheus.cases import AWAY, EDIT, FLAPS, KILL, TIME, Case
from tests.beside_prometheus.engines import Engine, Ours, Theirs
from tests.fakes.prometheus import programs, serving

PATIENCE = 60.0
"""Seconds until an engine has to show what is expected of it; a quiet machine needs three."""

WELL = 'load{bot="a"} 0\nload{bot="b"} 0\ntwin{bot="a"} 0\ntwin{bot="b"} 0\nhalf{bot="a"} 0\n'
BAD = (
    WELL.replace('{bot="a"} 0', '{bot="a"} 5')
    + 'gone{bot="a"} 1\ncrowd{bot="a"} 5\ncrowd{bot="b"} 0\nsplit{bot="a",n="1"} 1\n'
)
LATER = (
    BAD.replace('half{bot="a"} 5', 'half{bot="a"} 2').replace('crowd{bot="b"} 0', 'crowd{bot="b"} 5')
    + 'split{bot="a",n="2"} 1\n'
)
NOT_GONE = BAD.replace('gone{bot="a"} 1\n', "")


@dataclass
class World:
    """turn: when the rules were edited or the engines killed; None: not yet."""

    cases: Sequence[Case]
    show: Callable[[str | None], None]
    theirs: Theirs
    ours: Ours
    turn: datetime | None = None

    @property
    def engines(self) -> tuple[Engine, Engine]:
        return self.theirs, self.ours


Step = Callable[[World], Awaitable[None]]


def shows(text: str | None) -> Step:
    """The target shows something else; None: it is away."""

    async def step(world: World) -> None:
        world.show(text)

    return step


async def edit(world: World) -> None:
    world.turn = _this_second()
    for engine in world.engines:
        engine.write(case.after_edit() for case in world.cases)
        await engine.reload()


async def kill(world: World) -> None:
    world.turn = _this_second()
    await asyncio.gather(*(engine.kill() for engine in world.engines))
    await asyncio.gather(*(engine.start() for engine in world.engines))


def _this_second() -> datetime:
    """Slots are whole seconds: what begins from now on may bear this time."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Chapter:
    """phases: what is seen of each case -> what happens before. apart: hbalert has a source of its own,
    because the Prometheus that plays is killed."""

    title: str
    cases: Sequence[Case]
    phases: Mapping[str, Sequence[Step]]
    apart: bool = False


CHAPTERS = (
    Chapter(
        "as time goes on",
        TIME,
        {"while it is bad": [shows(BAD)], "later": [shows(LATER)], "over": [shows(WELL)]},
    ),
    Chapter(
        "the data are gone",
        AWAY,
        {"while it is bad": [shows(BAD)], "no data": [shows(None)], "data, and none bad": [shows(WELL)]},
    ),
    Chapter(
        "it comes and goes",
        FLAPS,
        {
            f"{times} {state}": [shows(text)]
            for times in ("once", "twice", "three times")
            for state, text in (("bad", BAD), ("over", WELL))
        },
    ),
    Chapter(
        "a reload",
        EDIT,
        {"before": [shows(BAD)], "after": [shows(NOT_GONE), edit]},
    ),
    Chapter("kill -9", KILL, {"before": [shows(BAD)], "after": [shows(NOT_GONE), kill]}, apart=True),
)


Seen = tuple[list[str], list[str]]
"""What Prometheus showed of a case, and what hbalert did, phase by phase."""


async def play(chapter: Chapter, folder: Path) -> dict[str, Seen]:
    """By case: what was shown."""
    async with world_of(chapter.cases, folder, apart=chapter.apart) as world:
        seen: dict[str, Seen] = {case.name: ([], []) for case in chapter.cases}
        cases: Sequence[Case] = chapter.cases
        for phase, steps in enumerate(chapter.phases.values()):
            for step in steps:
                if step in (edit, kill):
                    await _until_kept(world)
                await step(world)
                if step is edit:
                    cases = [case.after_edit() for case in cases]
            shown = await asyncio.gather(
                _settled(world, world.theirs, cases, phase, theirs=True),
                _settled(world, world.ours, cases, phase, theirs=False),
            )
            for place, texts in enumerate(shown):
                for case in cases:
                    seen[case.name][place].append(texts[case.name])
        return seen


@asynccontextmanager
async def world_of(
    cases: Sequence[Case], folder: Path, *, apart: bool = False, interval_s: int = 1
) -> AsyncIterator[World]:
    """Both engines, started, on a target that shows that all is well."""
    programs()
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = WELL

        def show(text: str | None) -> None:
            target.text = text

        theirs = Theirs(folder / "prometheus", [target.address], interval_s)
        stack.push_async_callback(theirs.close)
        theirs.write(cases)
        await theirs.start()
        source = theirs
        if apart:
            source = Theirs(folder / "source", [target.address])
            stack.push_async_callback(source.close)
            await source.start()
        ours = Ours(folder / "hbalert", source.url, interval_s)
        stack.push_async_callback(ours.close)
        ours.write(cases)
        await ours.start()
        yield World(cases, show, theirs, ours)


async def _until_kept(world: World) -> None:
    """Until `keep_firing_for` has begun to keep what vanished: before that, its edit proves nothing."""
    kept = [case.name for case in world.cases if case.keep != "0s" and case.expr == "gone == 1"]
    async with asyncio.timeout(PATIENCE):
        for name in kept:
            while not [row for row in await world.ours.rows(f"{name}/{name}") if row["keep_firing_since"]]:
                await asyncio.sleep(0.1)
    if kept:
        # What Prometheus keeps, it does not tell (2.42): two evaluations later it has seen the same.
        before = (await world.theirs.groups())[kept[0]]["lastEvaluation"]
        seen = {before}
        async with asyncio.timeout(PATIENCE):
            while len(seen) < 4:
                seen.add((await world.theirs.groups())[kept[0]]["lastEvaluation"])
                await asyncio.sleep(0.1)


async def _settled(
    world: World, engine: Engine, cases: Sequence[Case], phase: int, *, theirs: bool
) -> dict[str, str]:
    """What an engine shows once it shows what is expected, or when nobody can wait any longer."""
    until = time.monotonic() + PATIENCE
    while True:
        groups = await engine.groups()
        texts = {case.name: await _text(world, engine, case, groups.get(case.name)) for case in cases}
        right = all(texts[case.name] == case.expected(theirs=theirs)[phase] for case in cases)
        if right or time.monotonic() > until:
            return texts
        await asyncio.sleep(0.2)


async def _text(world: World, engine: Engine, case: Case, group: Mapping[str, Any] | None) -> str:
    if group is None:
        return "-"
    if case.of_group is not None:
        return case.of_group(group)
    if case.of_series:
        return ", ".join(await engine.states(case.name)) or "-"
    (rule,) = group["rules"]
    shown = ", ".join(sorted(case.show(alert, world.turn) for alert in rule["alerts"])) or "-"
    if rule["health"] == "err":
        return "error" if shown == "-" else f"error, keeps {shown}"
    return shown
