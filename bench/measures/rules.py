"""Rules are evaluated: by hbalert, by Prometheus itself, and by vmalert."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from bench.measures import measure
from bench.process import cpu_s
from bench.record import Record, Scale, check
from bench.rulepack import SHAPES, metrics
from bench.sides import same
from bench.watchers import hbalert, prometheus, vmalert
from tests.fakes.prometheus import serving

ROUNDS = 2
"""Rounds in one figure."""


@measure
async def rules_fifth(record: Record, scale: Scale) -> None:
    await _round(record, scale, "rules-fifth", 5)


@measure
async def rules_few(record: Record, scale: Scale) -> None:
    await _round(record, scale, "rules-few", 100)


async def _round(record: Record, scale: Scale, name: str, each: int) -> None:
    """All three at the same time, each over a Prometheus of its own that scrapes the same target.

    What a Prometheus without rules takes for scraping is taken off.
    """
    rules, interval_s = scale.of(2_000, 40), 2 if scale.quick else 15
    bots = rules // len(SHAPES)
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = metrics(bots, each)
        idle = await stack.enter_async_context(prometheus(target.address, interval_s))
        itself = await stack.enter_async_context(prometheus(target.address, interval_s, rules))
        asked = [await stack.enter_async_context(prometheus(target.address, interval_s)) for _ in range(2)]
        ours = await stack.enter_async_context(hbalert(asked[0].url, interval_s, rules))
        theirs = await stack.enter_async_context(vmalert(asked[1].url, interval_s, rules))
        session = await stack.enter_async_context(aiohttp.ClientSession())

        async def firing(url: str) -> list[Any]:
            async with session.get(f"{url}/api/v1/alerts") as answer:
                found = (await answer.json())["data"]["alerts"] or ()
            return sorted(
                tuple(sorted((k, v) for k, v in one["labels"].items() if k != "alertgroup"))
                for one in found
                if one["state"] == "firing"
            )

        urls = {"Prometheus": itself.url, "hbalert": ours.peer.url, "vmalert": theirs.url}
        wanted = len(range(0, bots, each)) * len(SHAPES)
        async with asyncio.timeout(300):
            while not all([len(await firing(url)) == wanted for url in urls.values()]):
                await asyncio.sleep(interval_s / 4)
        pids = [idle.pid, itself.pid, asked[0].pid, ours.peer.pid, asked[1].pid, theirs.pid]
        for _ in range(scale.pairs):
            before = [cpu_s(pid) for pid in pids]
            await asyncio.sleep(ROUNDS * interval_s)
            scrape, own, source, we, source_vm, vm = (
                (cpu_s(pid) - b) / ROUNDS * 1e3 for pid, b in zip(pids, before, strict=True)
            )
            mine = we + source - scrape
            record.pair(name, mine, own - scrape)
            record.pair(f"{name}-vmalert", mine, vm + source_vm - scrape)
            seen = await firing(itself.url)
            check(len(seen) == wanted, f"Prometheus shows {len(seen)} of {wanted} alerts")
            same(await firing(ours.peer.url), seen, "alerts of rules, beside Prometheus")
            same(await firing(theirs.url), seen, "alerts of rules, vmalert beside Prometheus")
