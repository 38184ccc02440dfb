"""What it costs to ask: the same rules in each of the ways that a source knows, at one Prometheus.

Client and Prometheus together; the daemon around is not in it (`rules.py`, `pack.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime

from bench.measures import measure
from bench.pack import Series, read
from bench.process import cpu_s
from bench.record import Record, Scale, check
from bench.rulepack import SHAPES, metrics
from bench.watchers import prometheus
from hbalert.clock import SystemClock
from hbalert.config.types import SourceSettings
from hbalert.programs.prometheus import Prometheus
from hbalert.sources.prometheus import PrometheusSource
from tests.equality.play import comparable
from tests.fakes.prometheus import serving

ROUNDS = 4
"""Rounds in one figure."""

WAYS: dict[str, dict[str, bool]] = {
    "alone": {"batch": False},
    "batches": {"merge_thresholds": False, "merge_labels": False},
    "thresholds": {"merge_labels": False},
    "labels": {"merge_thresholds": False},
    "both": {},
}


@measure("ask-bots-alone", "ask-bots-labels")
async def ask_bots(record: Record, scale: Scale) -> None:
    bots = scale.of(500)
    exprs = [shape.replace("%s", f"b{n}") for n in range(bots) for shape in SHAPES.values()]
    text = metrics(bots, 5)
    await _ask(record, scale, "ask-bots", exprs, text, ("alone", "labels"))


@measure("ask-pack-alone", "ask-pack-thresholds", "ask-pack-labels", "ask-pack-both")
async def ask_pack(record: Record, scale: Scale) -> None:
    pack = read()
    ways = ("alone", "thresholds", "labels", "both")
    await _ask(record, scale, "ask-pack", pack.exprs, Series(pack).text, ways)


async def _ask(
    record: Record,
    scale: Scale,
    name: str,
    exprs: Sequence[str],
    text: str,
    ways: Sequence[str],
) -> None:
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving())
        target.text = text
        server = await stack.enter_async_context(prometheus(target.address, 1))
        sources = {way: PrometheusSource(way, SourceSettings(url=server.url, **WAYS[way])) for way in WAYS}
        for one in sources.values():
            stack.push_async_callback(one.close)
        clock = SystemClock()
        at = clock.now()
        while not (await sources["alone"].query("sum_over_time(up[1m]) >= 5", at)).samples:
            await clock.sleep(0.2)
            at = clock.now()
        target.text = None  # from now on it is the past that is asked, and no scrape is measured
        answers = {}
        for way in ("batches", *ways):
            found = await sources[way].query_many(exprs, at)  # the first round plans
            answers[way] = [comparable(each) for each in found]
            share = sum(isinstance(each, list) and bool(each) for each in answers[way]) / len(exprs)
            check(share > 0.1, f"{name}: {share:.0%} of the rules have an answer")
            check(answers[way] == answers["batches"], f"{name}: {way} answers otherwise than batches")
        for _ in range(scale.at_most(3)):
            for way in ways:
                base = await _cost(sources["batches"], server, exprs, at, scale)
                record.pair(f"{name}-{way}", await _cost(sources[way], server, exprs, at, scale), base)


async def _cost(
    one: PrometheusSource, server: Prometheus, exprs: Sequence[str], at: datetime, scale: Scale
) -> float:
    """Milliseconds of CPU of a round, ours and Prometheus'."""
    rounds = 1 if scale.quick else ROUNDS
    ours, theirs = time.process_time(), cpu_s(server.pid)
    for _ in range(rounds):
        await one.query_many(exprs, at)
    return (time.process_time() - ours + cpu_s(server.pid) - theirs) / rounds * 1e3
