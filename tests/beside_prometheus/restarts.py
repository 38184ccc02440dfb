"""kill -9 again and again while an alert waits out its `for`, and then its `keep_firing_for`, on both.

Knows when each kill comes, and what "in time" means. What hbalert stores of an alert tells when it fired
and ended, so that a busy test cannot make it late; Prometheus is watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.beside_prometheus.cases import Case
from tests.beside_prometheus.engines import Engine
from tests.beside_prometheus.play import BAD, PATIENCE, WELL, World, kill, world_of


@dataclass(frozen=True)
class Length:
    """wait: both `for` and `keep_firing_for`; kills: in each of them, evenly."""

    wait: timedelta
    kills: int
    interval_s: int


SHORT = Length(timedelta(seconds=10), 1, 1)
LONG = Length(timedelta(seconds=24), 3, 2)

CASE = Case(
    "Again",
    "restart",
    "in the midst of `for`, and again in the midst of `keep_firing_for`: both go on, and what follows is no "
    "later than an interval after it is due, or after hbalert is back",
    "load > 1",
    ("fires in time", "ends in time"),
    theirs=("fires late", "ends early"),
)


async def play_restarts(folder: Path, length: Length) -> tuple[list[str], list[str]]:
    """What Prometheus showed, and what hbalert did."""
    wait = f"{length.wait.total_seconds():g}s"
    case = Case(CASE.name, CASE.row, "", CASE.expr, (), hold=wait, keep=wait)
    async with world_of([case], folder, apart=True, interval_s=length.interval_s) as world:
        world.show(BAD)
        begun = await asyncio.gather(
            *(_seen(each, lambda alert: alert is not None) for each in world.engines)
        )
        _, back = await _kills(world, length, min(begun))
        (row,) = await _until(world, lambda row: row["fired_at"] is not None)
        ours = [_when("fires", row, "active_at", "fired_at", back, length)]
        fired = await _seen(world.theirs, lambda alert: alert is not None and alert["state"] == "firing")
        theirs = ["fires " + _judged(fired - begun[0] - length.wait, length)]

        world.show(WELL)
        gone = datetime.now(UTC)
        (row,) = await _until(world, lambda row: row["keep_firing_since"] is not None)
        killed, back = await _kills(world, length, datetime.fromisoformat(row["keep_firing_since"]))
        # What is not there when it is back ended with the process that held it.
        lost = await _seen(world.theirs, lambda alert: alert is None, if_at_once=killed)
        theirs.append("ends " + _judged(lost - gone - length.wait, length))
        (row,) = await _until(world, lambda row: row["resolved_at"] is not None)
        ours.append(_when("ends", row, "keep_firing_since", "resolved_at", back, length))
        return theirs, ours


async def _kills(world: World, length: Length, since: datetime) -> tuple[datetime, datetime]:
    """Kills both so many times within the wait; returns when first, and when they were back at last."""
    first = None
    for number in range(1, length.kills + 1):
        at = since + length.wait * number / (length.kills + 1)
        await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
        first = first or datetime.now(UTC)
        await kill(world)
    now = datetime.now(UTC)
    return first or now, now


async def _seen(
    engine: Engine,
    holds: Callable[[Mapping[str, Any] | None], bool],
    if_at_once: datetime | None = None,
) -> datetime:
    """When the alert of an engine was first seen to be so; `if_at_once`, when the first look saw it."""
    looks = 0
    async with asyncio.timeout(PATIENCE + 30):
        while True:
            group = (await engine.groups()).get(CASE.name)
            if group is not None and group["rules"][0]["health"] == "ok":
                alerts = group["rules"][0]["alerts"]
                looks += 1
                if holds(alerts[0] if alerts else None):
                    return (if_at_once if looks == 1 else None) or datetime.now(UTC)
            await asyncio.sleep(0.1)


async def _until(world: World, holds: Callable[[Mapping[str, Any]], bool]) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE + 30):
        while True:
            rows = await world.ours.rows(f"{CASE.name}/{CASE.name}")
            if rows and all(map(holds, rows)):
                return rows
            await asyncio.sleep(0.1)


def _when(what: str, row: Mapping[str, Any], begins: str, ends: str, back: datetime, length: Length) -> str:
    began, ended = datetime.fromisoformat(row[begins]), datetime.fromisoformat(row[ends])
    due = began + length.wait
    return f"{what} {_judged(ended - (max(due, back) if ended >= due else due), length)}"


def _judged(after: timedelta, length: Length) -> str:
    """after: what is due. Without a restart it comes within one interval; a restart may cost another."""
    if after < timedelta(seconds=-length.interval_s):
        return "early"
    return "in time" if after < timedelta(seconds=2 * length.interval_s) else "late"
