"""Rules are evaluated: by hbalert, by Prometheus itself, and by vmalert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.budgets import OWN_SHORT
from bench.measures import measure
from bench.pack import Series, read
from bench.panels import VM, WE
from bench.process import cpu_s
from bench.record import Record, Scale, check
from bench.rulepack import SHAPES, metrics
from bench.sides import same
from bench.watchers import Rules, hbalert, prometheus, vmalert
from tests.fakes.prometheus import serving

FIFTH, FEW = 5, 100
"""Each so manieth bot is in trouble."""


@measure("rules-fifth", "rules-fifth-vmalert")
async def rules_fifth(record: Record, scale: Scale) -> None:
    await _lines(record, scale, "rules-fifth", rules=2_000, each=FIFTH, interval_s=10)


@measure("rules-pack", "rules-pack-vmalert")
async def rules_pack(record: Record, scale: Scale) -> None:
    pack = read()
    async with contest_over(Series(pack).text, pack, None, 2 if scale.quick else 10) as those:
        for _ in range(scale.at_most(5)):
            used = await those.round()
            record.pair("rules-pack", used[WE] * 1e3, used[OWN_SHORT] * 1e3)
            record.pair("rules-pack-vmalert", used[WE] * 1e3, used[VM] * 1e3)


@measure("rules-few", "rules-few-vmalert", "growth-rules")
async def rules_few(record: Record, scale: Scale) -> None:
    await _lines(record, scale, "rules-few", rules=2_000, each=FEW, interval_s=10)


@measure("rules-many", "rules-many-vmalert", "growth-rules")
async def rules_many(record: Record, scale: Scale) -> None:
    await _lines(record, scale, "rules-many", rules=10_000, each=FEW, interval_s=24, pairs=3)


@measure("growth-rules")
async def growth_rules(record: Record, scale: Scale) -> None:
    """The ends of the curve; vmalert could not keep up with 20,000 rules."""
    ends = ((500, 5, True), (20_000, 15, False))
    for rules, interval_s, with_vmalert in ends[1:] if scale.quick else ends:
        many = scale.of(rules, least=40)
        async with contest(many, FEW, 2 if scale.quick else interval_s, with_vmalert=with_vmalert) as those:
            for _ in range(scale.at_most(3)):
                _points(record, many, await those.round())


async def _lines(
    record: Record,
    scale: Scale,
    name: str,
    *,
    rules: int,
    each: int,
    interval_s: int,
    pairs: int = 5,
) -> None:
    """Fills two lines, and a place on the curve."""
    many = scale.of(rules, least=40)
    async with contest(many, each, 2 if scale.quick else interval_s) as those:
        for _ in range(scale.at_most(pairs)):
            used = await those.round()
            record.pair(name, used[WE] * 1e3, used[OWN_SHORT] * 1e3)
            record.pair(f"{name}-vmalert", used[WE] * 1e3, used[VM] * 1e3)
            if each == FEW:
                _points(record, many, used)


def _points(record: Record, rules: int, used: dict[str, float]) -> None:
    for who, took_s in used.items():
        record.point("growth-rules", who, rules, took_s / rules * 1e6)


@dataclass(frozen=True)
class Contest:
    """Those who evaluate the same rules at the same time, each over a Prometheus of its own.

    pids    who -> the processes that work for it
    idle    a Prometheus that scrapes the same and does nothing else
    urls    who -> where it shows its alerts
    wanted  how many alerts have to fire; None: as many as Prometheus says, those that wait included
    """

    pids: dict[str, tuple[int, ...]]
    idle: int
    urls: dict[str, str]
    wanted: int | None
    interval_s: int
    session: aiohttp.ClientSession

    async def round(self) -> dict[str, float]:
        """CPU seconds of a round, by who; what a Prometheus takes for scraping is taken off.

        Raises Wrong when they do not show the same alerts after it.
        """
        before = self._used()
        await asyncio.sleep(self.interval_s)
        spent = {who: now - before[who] for who, now in self._used().items()}
        seen = await self._firing(OWN_SHORT)
        check(self.wanted in (None, len(seen)), f"Prometheus shows {len(seen)} of {self.wanted} alerts")
        for who in self.pids:
            same(await self._firing(who), seen, f"alerts of rules, {who} beside Prometheus")
        return {who: spent[who] - spent[""] for who in self.pids}

    async def begun(self) -> None:
        """Waits until all of them show every alert."""
        async with asyncio.timeout(180):
            while not await self._agree():
                await asyncio.sleep(self.interval_s / 4)

    async def _agree(self) -> bool:
        seen = [await self._firing(who) for who in self.pids]
        return all(seen) and all(each == seen[0] for each in seen) and self.wanted in (None, len(seen[0]))

    def _used(self) -> dict[str, float]:
        return {who: sum(map(cpu_s, pids)) for who, pids in {**self.pids, "": (self.idle,)}.items()}

    async def _firing(self, who: str) -> list[Any]:
        async with self.session.get(f"{self.urls[who]}/api/v1/alerts") as answer:
            found = (await answer.json())["data"]["alerts"] or ()
        return sorted(
            tuple(sorted((k, v) for k, v in one["labels"].items() if k != "alertgroup"))
            for one in found
            if one["state"] == "firing" or self.wanted is None
        )


@asynccontextmanager
async def contest(
    rules: int, each: int, interval_s: int, *, with_vmalert: bool = True
) -> AsyncIterator[Contest]:
    """All of them, over one target in which each so manieth bot is in trouble; every alert fires."""
    bots = rules // len(SHAPES)
    wanted, text = len(range(0, bots, each)) * len(SHAPES), metrics(bots, each)
    async with contest_over(text, rules, wanted, interval_s, with_vmalert=with_vmalert) as those:
        yield those


@asynccontextmanager
async def contest_over(
    text: str, rules: Rules, wanted: int | None, interval_s: int, *, with_vmalert: bool = True
) -> AsyncIterator[Contest]:
    """All of them, with the same rules over one target."""
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = text

        async def own(rules: Rules = 0) -> Any:
            return await stack.enter_async_context(prometheus(target.address, interval_s, rules))

        idle, itself, asked = await own(), await own(rules), await own()
        ours = await stack.enter_async_context(hbalert(asked.url, interval_s, rules))
        pids = {WE: (asked.pid, ours.peer.pid), OWN_SHORT: (itself.pid,)}
        urls = {WE: ours.peer.url, OWN_SHORT: itself.url}
        if with_vmalert:
            source = await own()
            theirs = await stack.enter_async_context(vmalert(source.url, interval_s, rules))
            pids[VM], urls[VM] = (source.pid, theirs.pid), theirs.url
        session = await stack.enter_async_context(aiohttp.ClientSession())
        those = Contest(pids, idle.pid, urls, wanted, interval_s, session)
        await those.begun()
        yield those
