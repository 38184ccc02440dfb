"""Evaluate: from the answer of a source to an alert, on a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hbalert.config.types import Config, SourceSettings
from hbalert.core.rule import Rule, RuleGroup, Sample
from hbalert.engine import Engine
from hbalert.errors import Unavailable
from hbalert.loops.evaluate import Evaluator
from hbalert.metrics import Metrics
from hbalert.ports import Answer
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from hbalert.templating import expander
from tests.core.say import labels, s
from tests.fakes.clock import FakeClock, settle
from tests.loops.test_deliver import config_of


class Says:
    """A source that answers what its test says; the real one has tests of its own."""

    name = "main"

    def __init__(self) -> None:
        self.up: list[str] = []
        self.error: Exception | None = None
        self.asked: list[datetime] = []

    async def query(self, expr: str, at: datetime) -> Answer:
        raise NotImplementedError

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        self.asked.append(at)
        if self.error:
            return [self.error for _ in exprs]
        samples = tuple(Sample(labels(text), 7.0) for text in self.up)
        return [Answer(samples) for _ in exprs]

    async def close(self) -> None: ...


RULE = Rule(
    "orders/Slow/0",
    "Slow",
    "x > 1",
    "main",
    hold=s(20),
    labels={"severity": "warning"},
    annotations={"summary": "{{ $labels.bot }} is at {{ $value }}"},
)


def with_rules(tmp_path: Path, *rules: Rule) -> Config:
    config = config_of(tmp_path, "phone")
    groups = (RuleGroup("orders", s(10), rules),) if rules else ()
    source = SourceSettings(url="http://127.0.0.1:9", down_after=timedelta(seconds=60))
    return config.model_copy(update={"groups": groups, "sources": {"main": source}})


class Play:
    def __init__(self, engine: Engine, evaluator: Evaluator, clock: FakeClock) -> None:
        self.engine, self.evaluator, self.clock = engine, evaluator, clock

    async def seconds(self, number: int) -> None:
        """Lets so many seconds pass, with a tick in each, and what it began finish."""
        for _ in range(number):
            await self.evaluator.tick(self.clock.now())
            while self.evaluator._tasks:
                await settle()
            await self.engine.desk.drain()
            await self.clock.advance(1)

    def firing(self) -> list[str]:
        now = self.clock.now()
        return sorted(str(a.labels) for a in self.engine.memory.alerts.values() if not a.resolved(now))


@asynccontextmanager
async def play(tmp_path: Path, config: Config, source: Says, clock: FakeClock) -> AsyncIterator[Play]:
    store = await SqliteStore.open(tmp_path / "db", compile_regex=compile_regex, now=clock.now())
    engine = Engine(config, store, await store.load(), clock)
    await engine.start()
    evaluator = Evaluator(engine, {"main": source}, expander({}, ""), Metrics())
    await evaluator.start()
    try:
        yield Play(engine, evaluator, clock)
    finally:
        await evaluator.stop()
        await engine.desk.drain()
        await store.close()


SLOW = '{alertname="Slow", bot="a", severity="warning"}'


async def test_a_rule_fires_after_its_for_and_resolves_when_the_series_is_gone(tmp_path: Path) -> None:
    source, clock = Says(), FakeClock()
    async with play(tmp_path, with_rules(tmp_path, RULE), source, clock) as at:
        source.up = ["bot=a"]
        await at.seconds(15)
        assert at.firing() == []
        await at.seconds(20)
        assert at.firing() == [SLOW]
        (alert,) = at.engine.memory.alerts.values()
        assert alert.annotations == {"summary": "a is at 7"}
        source.up = []
        await at.seconds(15)
        assert at.firing() == []


async def test_a_failed_query_freezes_state_and_shows(tmp_path: Path) -> None:
    source, clock = Says(), FakeClock()
    async with play(tmp_path, with_rules(tmp_path, RULE), source, clock) as at:
        source.up = ["bot=a"]
        await at.seconds(40)
        source.error = Unavailable("connection refused")
        await at.seconds(40)
        assert at.firing() == [SLOW], "held, not resolved"
        assert at.evaluator.health[RULE.id].error == "connection refused"
        assert [view.up for view in at.evaluator.source_views()] == [False]


async def test_a_source_that_is_down_for_long_raises_one_alert_and_ends_it(tmp_path: Path) -> None:
    source, clock = Says(), FakeClock()
    source.error = Unavailable("connection refused")
    two = (RULE, replace(RULE, id="orders/Other/0", alert="Other"))
    async with play(tmp_path, with_rules(tmp_path, *two), source, clock) as at:
        await at.seconds(90)
        (firing,) = at.firing()
        assert "HbalertSourceUnreachable" in firing
        source.error = None
        await at.seconds(20)
        assert at.firing() == []


async def test_for_goes_on_over_a_restart(tmp_path: Path) -> None:
    source, clock = Says(), FakeClock()
    source.up = ["bot=a"]
    config = with_rules(tmp_path, RULE)
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(12)
        assert at.firing() == []
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(18)
        assert at.firing() == [SLOW], "30 s after it began; from the start anew it would take 32"


async def test_a_rule_that_is_removed_resolves_its_alerts(tmp_path: Path) -> None:
    source, clock = Says(), FakeClock()
    source.up = ["bot=a"]
    async with play(tmp_path, with_rules(tmp_path, RULE), source, clock) as at:
        await at.seconds(40)
        assert at.firing() == [SLOW]
    async with play(tmp_path, with_rules(tmp_path), source, clock) as at:
        assert at.firing() == []
        notes = await at.engine.store.notes(alert_key=labels("alertname=Slow bot=a severity=warning").key)
        assert "no longer configured" in notes[-2].text + notes[-1].text
