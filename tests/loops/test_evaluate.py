"""Evaluate: from the answer of a source to an alert, on a real store and a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hbalert.config.types import Config, EvaluationSettings, SourceSettings
from hbalert.core.alert import report
from hbalert.core.flap import Flapping
from hbalert.core.labels import Labels
from hbalert.core.rule import Occasion, Rule, RuleAlertState, RuleGroup, Sample
from hbalert.core.slots import next_slot, offset
from hbalert.engine import Engine
from hbalert.errors import BadQuery, Incomplete, StoreFull, Unavailable
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.evaluate import Evaluator
from hbalert.metrics import Metrics
from hbalert.ports import PARTIAL, Answer, Changes, HistoryQuery
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from hbalert.templating import expander
from tests.core.say import labels, s
from tests.fakes.clock import FakeClock, settle
from tests.loops.test_deliver import config_of


class Says:
    """A source that answers what its test says; the real one has tests of its own.

    up       series that every expression without an answer of its own gives
    answers  expression -> its own series, or what is wrong with it
    held     while set, answers wait for it
    """

    name = "main"

    def __init__(self, *up: str) -> None:
        self.up = list(up)
        self.value = 7.0
        self.answers: dict[str, Sequence[str] | Exception] = {}
        self.warnings: tuple[str, ...] = ()
        self.error: Exception | None = None
        self.held: asyncio.Event | None = None
        self.asked: list[tuple[datetime, list[str]]] = []

    async def query(self, expr: str, at: datetime) -> Answer:
        raise NotImplementedError

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        self.asked.append((at, list(exprs)))
        if self.held is not None:
            await self.held.wait()
        return [self.error or self._answer(expr) for expr in exprs]

    def _answer(self, expr: str) -> Answer | Exception:
        found = self.answers.get(expr, self.up)
        if isinstance(found, Exception):
            return found
        return Answer(tuple(Sample(labels(text), self.value) for text in found), self.warnings)

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
AT_ONCE = replace(RULE, hold=s(0))
OTHER = replace(AT_ONCE, id="orders/Other/0", alert="Other", expr="y > 1")

SLOW = '{alertname="Slow", bot="a", severity="warning"}'
OTHER_FIRES = SLOW.replace("Slow", "Other")


def with_rules(tmp_path: Path, *rules: Rule, groups: Sequence[RuleGroup] = (), **more: object) -> Config:
    """Rules in one group of ten seconds, or groups; sources main and second."""
    config = config_of(tmp_path, "phone")
    source = SourceSettings(url="http://me:s3cret@127.0.0.1:9/p/", down_after=timedelta(seconds=60))
    ours = groups or ((RuleGroup("orders", s(10), rules),) if rules else ())
    sources = {"main": source, "second": source}
    return config.model_copy(update={"groups": tuple(ours), "sources": sources, **more})


class FullStore(SqliteStore):
    """`full`: the disk has no room just now."""

    full = False

    async def commit(self, changes: Sequence[Changes]) -> None:
        if self.full:
            raise StoreFull("no room on the disk")
        await super().commit(changes)


class Play:
    """A started engine with its evaluator; `seconds(n)` is n ticks."""

    def __init__(self, engine: Engine, evaluator: Evaluator, clock: FakeClock, metrics: Metrics) -> None:
        self.engine, self.evaluator, self.clock, self.metrics = engine, evaluator, clock, metrics
        self.sources: Mapping[str, Says] = {}

    async def tick(self) -> None:
        """One tick, and what it began as far as it goes."""
        await self.evaluator.tick(self.clock.now())
        for _ in range(20):
            await settle()
            await self.engine.desk.drain()

    async def seconds(self, number: int) -> None:
        """Lets so many seconds pass, with a tick in each, and what it began finish."""
        for _ in range(number):
            await self.evaluator.run_once(self.clock.now())
            await self.engine.desk.drain()
            await self.clock.advance(1)

    async def reload(self, config: Config, sources: Mapping[str, Says] | None = None) -> None:
        self.sources = sources or self.sources
        await self.engine.reload(config)
        await self.evaluator.reload(self.sources, expander(config.evaluation.external_labels, ""))

    def firing(self) -> list[str]:
        now = self.clock.now()
        return sorted(str(a.labels) for a in self.engine.memory.alerts.values() if not a.resolved(now))

    async def notes(self, of: str = SLOW) -> list[tuple[str, str]]:
        (key,) = {key for key, a in self.engine.memory.alerts.items() if str(a.labels) == of}
        return [(note.kind, note.text) for note in await self.engine.store.notes(alert_key=key)]

    def counted(self, name: str, **wanted: str) -> float:
        """The sum of a counter's samples that have these labels."""
        found = [
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and wanted.items() <= sample.labels.items()
        ]
        return sum(found)


@asynccontextmanager
async def play(
    tmp_path: Path, config: Config, source: Says, clock: FakeClock | None = None, **others: Says
) -> AsyncIterator[Play]:
    clock = clock or FakeClock()
    store = await FullStore.open(tmp_path / "db", compile_regex=compile_regex, now=clock.now())
    engine = Engine(config, store, await store.load(), clock)
    await engine.start()
    metrics = Metrics()
    sources = {"main": source, "second": Says(), **others}
    evaluator = Evaluator(engine, sources, expander(config.evaluation.external_labels, ""), metrics)
    await evaluator.start()
    playing = Play(engine, evaluator, clock, metrics)
    playing.sources = sources
    try:
        yield playing
    finally:
        await evaluator.stop()
        await engine.desk.drain()
        await store.close()


# --- from answer to alert ---


async def test_a_rule_fires_after_its_for_and_resolves_when_the_series_is_gone(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(15)
        assert at.firing() == []
        await at.seconds(20)
        assert at.firing() == [SLOW]
        (alert,) = at.engine.memory.alerts.values()
        assert alert.annotations == {"summary": "a is at 7"}
        source.up = []
        await at.seconds(15)
        assert at.firing() == []


async def test_the_timeline_tells_each_step_and_its_reason(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(30)
        source.up = []
        await at.seconds(10)
        began = "2026-03-01T12:00:00Z"
        assert await at.notes() == [
            ("pending", f"rule orders/Slow/0: true since {began}, value 7; fires after 20s"),
            ("evaluated", f"rule orders/Slow/0: true since {began}, value 7"),
            ("firing", "rule orders/Slow/0: fires"),
            ("evaluated", "rule orders/Slow/0: not true any more; the last value was 7"),
            ("resolved", "rule orders/Slow/0: has resolved"),
        ]


async def test_a_pending_alert_that_stops_says_nothing_to_anybody(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(12)
        source.up = []
        await at.seconds(20)
        assert list(at.engine.memory.alerts.values()) == []
        notes = await at.engine.store.notes(alert_key=labels("alertname=Slow bot=a severity=warning").key)
        assert [note.kind for note in notes] == ["pending", "inactive"]


async def test_an_alert_says_where_its_expression_can_be_seen_without_credentials(tmp_path: Path) -> None:
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), Says("bot=a")) as at:
        await at.seconds(1)
        (alert,) = at.engine.memory.alerts.values()
        assert alert.generator_url == "http://127.0.0.1:9/p/graph?g0.expr=x+%3E+1&g0.tab=1"


async def test_a_text_can_say_that_a_part_of_the_answer_is_missing(tmp_path: Path) -> None:
    source = Says("bot=a")
    rule = replace(AT_ONCE, annotations={"summary": "{{ if $isPartial }}at least {{ end }}{{ $value }}"})
    async with play(tmp_path, with_rules(tmp_path, rule), source) as at:
        for source.warnings, said in (((), "7"), ((PARTIAL,), "at least 7"), ((), "7")):
            await at.seconds(10)
            (alert,) = at.engine.memory.alerts.values()
            assert alert.annotations == {"summary": said}


async def test_external_labels_are_added_and_never_overwrite(tmp_path: Path) -> None:
    settings = EvaluationSettings(external_labels={"site": "home", "severity": "none"})
    config = with_rules(tmp_path, AT_ONCE, evaluation=settings)
    async with play(tmp_path, config, Says("bot=a")) as at:
        await at.seconds(1)
        assert at.firing() == ['{alertname="Slow", bot="a", severity="warning", site="home"}']


async def test_another_value_is_seen_at_once_and_not_written(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.seconds(1)
        written = []
        at.engine.changed = lambda committed: written.append(committed.changes())
        source.value = 8
        await at.seconds(10)
        assert written == []
        (row,) = at.engine.memory.rule_alerts.values()
        (alert,) = at.engine.memory.alerts.values()
        assert (row.value, alert.annotations) == (8, {"summary": "a is at 8"})
        (stored,) = (await at.engine.store.load()).rule_alerts
        assert stored.value == 7


async def test_values_that_are_no_numbers_survive_a_restart(tmp_path: Path) -> None:
    config, clock = with_rules(tmp_path, AT_ONCE), FakeClock()
    for value in (float("nan"), float("inf")):
        source = Says("bot=a")
        source.value = value
        async with play(tmp_path, config, source, clock) as at:
            await at.seconds(10)
            source.up = []
            await at.seconds(10)
            source.up = ["bot=a"]
            await at.seconds(10)
        async with play(tmp_path, config, source, clock) as at:
            (row,) = at.engine.memory.rule_alerts.values()
            assert str(row.value) == str(value)
            assert at.firing() == [SLOW]


# --- slots ---


async def test_groups_of_one_slot_are_asked_together_and_for_the_moment_of_the_slot(tmp_path: Path) -> None:
    first = next(n for n in map(str, range(99)) if offset(n, s(60)) == s(15))
    second = next(n for n in map(str, range(99)) if n != first and offset(n, s(60)) == s(15))
    groups = [RuleGroup(first, s(60), (AT_ONCE,)), RuleGroup(second, s(60), (OTHER,))]
    source = Says()
    async with play(tmp_path, with_rules(tmp_path, groups=groups), source) as at:
        start = at.clock.now()
        await at.seconds(1)
        await at.clock.advance(20.5)
        await at.seconds(1)
        assert source.asked == [
            (start, ["x > 1", "y > 1"]),
            (start + s(15), ["x > 1", "y > 1"]),
        ]


async def test_the_rules_of_a_group_are_decided_in_the_order_of_the_file_for_one_moment(
    tmp_path: Path,
) -> None:
    """Whatever the order of their names, and whatever is asked first."""
    names = ("Zebra", "Ant", "Mole")
    rules = [replace(AT_ONCE, id=f"orders/{name}", alert=name, expr=f"{name} > 1") for name in names]
    async with play(tmp_path, with_rules(tmp_path, *rules), Says("bot=a")) as at:
        await at.seconds(1)
        rows = list(at.engine.memory.rule_alerts.values())
        assert [row.labels["alertname"] for row in rows] == list(names)
        assert len({row.active_at for row in rows}) == 1
        notes = await at.engine.store.notes()
        assert [note.text.split(":")[0] for note in notes if note.kind == "evaluated"] == [
            f"rule orders/{name}" for name in names
        ]
        assert len({note.at for note in notes}) == 1


async def test_a_query_offset_moves_what_is_asked_not_when_it_counts(tmp_path: Path) -> None:
    group = RuleGroup("orders", s(10), (AT_ONCE,), query_offset=s(45))
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, groups=[group]), source) as at:
        start = at.clock.now()
        await at.seconds(1)
        assert [moment for moment, _ in source.asked] == [start - s(45)]
        (row,) = at.engine.memory.rule_alerts.values()
        assert row.fired_at == start


async def test_a_source_that_hangs_holds_up_nobody_else_and_its_groups_skip_their_slots(
    tmp_path: Path,
) -> None:
    slow, quick = Says("bot=a"), Says("bot=a")
    slow.held = asyncio.Event()
    elsewhere = replace(OTHER, source="second")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, elsewhere), slow, second=quick) as at:
        for _ in range(25):
            await at.tick()
            await at.clock.advance(1)
        assert at.firing() == [
            '{alertname="HbalertEvaluationMissed", group="orders", severity="warning", source="hbalert"}',
            OTHER_FIRES,
        ]
        assert (len(slow.asked), len(quick.asked)) == (1, 3)
        assert at.counted("hbalert_evaluation_missed_total", source="main") == 2
        assert at.counted("hbalert_evaluation_missed_total", source="second") == 0
        assert at.evaluator.groups["orders"].missed == 2
        slow.held.set()
        slow.held = None
        await at.tick()
        assert SLOW in at.firing()
        await at.seconds(11)
        assert len(slow.asked) == 2, "it goes on in the next slot"


async def test_slots_missed_while_the_machine_slept_are_counted_told_and_not_caught_up(
    tmp_path: Path,
) -> None:
    source = Says()
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(1)
        await at.clock.advance(100)
        await at.seconds(1)
        assert len(source.asked) == 2
        (told,) = at.engine.memory.alerts.values()
        assert told.labels["alertname"] == "HbalertEvaluationMissed"
        assert told.annotations["summary"] == "Evaluations of rule group orders were skipped: 9"
        assert at.firing() != []
        await at.clock.advance(15 * 60)
        assert at.firing() == []


async def test_a_group_whose_answers_take_nearly_its_interval_is_late_until_one_comes_in_time(
    tmp_path: Path,
) -> None:
    source = Says()
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(1)
        assert at.evaluator.late() == []
        for takes in (8, 9):
            while not source.asked or at.evaluator.groups["orders"].next_at != at.clock.now():
                await at.clock.advance(1)
            source.held = asyncio.Event()
            await at.tick()
            await at.clock.advance(takes)
            source.held.set()
            source.held = None
            await at.tick()
        (late,) = at.evaluator.late()
        assert (late.group, late.behind, late.interval) == ("orders", s(9), s(10))
        assert at.clock.now() - late.since == s(19)
        await at.seconds(11)
        assert at.evaluator.late() == []


async def test_a_group_is_late_since_its_slow_source_is_however_quick_its_other_one(tmp_path: Path) -> None:
    slow, quick = Says(), Says()
    config = with_rules(tmp_path, RULE, replace(RULE, id="orders/Other/0", source="second"))
    async with play(tmp_path, config, slow, second=quick) as at:
        await at.seconds(1)
        for _ in range(3):
            while at.evaluator.groups["orders"].next_at != at.clock.now():
                await at.clock.advance(1)
            slow.held = asyncio.Event()
            await at.tick()
            await at.clock.advance(9)
            slow.held.set()
            slow.held = None
            await at.tick()
        (late,) = at.evaluator.late()
        assert (late.group, late.behind) == ("orders", s(9))
        assert at.clock.now() - late.since == s(29)
        await at.seconds(11)
        assert at.evaluator.late() == []


async def test_nothing_is_said_of_slots_missed_because_a_source_is_silent(tmp_path: Path) -> None:
    """That the source is silent is said already."""
    source = Says()
    source.error = Unavailable("no answer within 10 s")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(11)
        source.held = asyncio.Event()
        for _ in range(30):
            await at.tick()
            await at.clock.advance(1)
        assert at.evaluator.groups["orders"].missed > 0
        assert at.firing() == []


async def test_health_tells_when_a_rule_was_evaluated_and_will_be(tmp_path: Path) -> None:
    source = Says("bot=a", "bot=b")
    source.warnings = ("a store is away",)
    config = with_rules(tmp_path, AT_ONCE)
    async with play(tmp_path, config, source) as at:
        start = at.clock.now()
        assert at.evaluator.health == {}
        await at.seconds(1)
        health = at.evaluator.health[RULE.id]
        assert (health.at, health.samples, health.error, health.health) == (start, 2, "", "ok")
        assert health.warnings == ("a store is away",)
        assert health.next_at == next_slot(config.groups[0], start)
        assert at.evaluator.groups["orders"].at == start
        assert at.counted("hbalert_evaluations_total", source="main", group="orders") == 1
        assert at.counted("hbalert_evaluation_failures_total") == 0


# --- failing ---


async def test_a_failed_query_freezes_state_and_shows(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(40)
        source.error = Unavailable("connection refused")
        await at.seconds(40)
        assert at.firing() == [SLOW], "held, not resolved"
        health = at.evaluator.health[RULE.id]
        assert (health.error, health.health) == ("connection refused", "err")
        assert [view.up for view in at.evaluator.source_views()] == [False]
        assert at.counted("hbalert_evaluation_failures_total", group="orders") == 4


async def test_a_source_that_is_down_for_long_raises_one_alert_and_ends_it(tmp_path: Path) -> None:
    source = Says("bot=a")
    source.error = Unavailable("connection refused")
    two = (RULE, replace(RULE, id="orders/Other/0", alert="Other"))
    async with play(tmp_path, with_rules(tmp_path, *two), source) as at:
        start = at.clock.now()
        await at.seconds(59)
        assert at.firing() == []
        await at.seconds(15)
        assert at.firing() == [
            '{alertname="HbalertSourceUnreachable", data_source="main", '
            'severity="critical", source="hbalert"}'
        ]
        (alert,) = at.engine.memory.alerts.values()
        assert alert.starts_at == start
        assert alert.annotations["description"] == "connection refused"
        source.error = None
        source.up = []
        await at.seconds(20)
        assert at.firing() == []
        (view,) = at.evaluator.source_views()
        assert (view.up, view.error) == (True, "")


async def test_the_alert_of_a_silent_source_ends_when_it_answers_after_a_restart(tmp_path: Path) -> None:
    source, clock, config = Says(), FakeClock(), with_rules(tmp_path, RULE)
    source.error = Unavailable("connection refused")
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(80)
        assert len(at.firing()) == 1
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(5)
        assert len(at.firing()) == 1, "still silent: it goes on, and its start is the old one"
        source.error = None
        await at.seconds(10)
        assert at.firing() == []


async def test_one_wrong_rule_spoils_no_other_and_is_told_after_a_while(tmp_path: Path) -> None:
    source = Says("bot=a")
    source.answers["y > 1"] = BadQuery("many-to-many matching not allowed")
    wrong = replace(OTHER, file="rules/orders.toml", line=12)
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, wrong), source) as at:
        await at.seconds(55)
        assert at.firing() == [SLOW]
        assert at.evaluator.health[OTHER.id].error == "many-to-many matching not allowed"
        assert [view.up for view in at.evaluator.source_views()] == [True]
        await at.seconds(15)
        (failing,) = [a for a in at.engine.memory.alerts.values() if "Failing" in a.labels["alertname"]]
        assert failing.labels == labels(
            "alertname=HbalertRuleFailing source=hbalert severity=warning "
            "rule=orders/Other/0 data_source=main"
        )
        assert "(rules/orders.toml:12)" in failing.annotations["summary"]
        source.answers["y > 1"] = ["bot=a"]
        await at.seconds(10)
        assert at.firing() == [OTHER_FIRES, SLOW]


async def test_an_incomplete_answer_changes_nothing_and_is_told_of_its_rule(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, OTHER), source) as at:
        await at.seconds(1)
        assert at.firing() == [OTHER_FIRES, SLOW]
        source.up, source.answers["y > 1"] = [], Incomplete("a store is away")
        await at.seconds(79)
        assert at.firing()[1:] == [OTHER_FIRES], "held"
        assert ['rule="orders/Other/0"' in each for each in at.firing()] == [True, False]


async def test_when_all_that_a_source_says_is_incomplete_that_is_told_once(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, OTHER), source) as at:
        await at.seconds(1)
        source.error = Incomplete("a store is away")
        await at.seconds(99)
        own, *held = at.firing()
        assert ("HbalertSourceUnreachable" in own, held) == (True, [OTHER_FIRES, SLOW])
        source.error = None
        await at.seconds(10)
        assert at.firing() == [OTHER_FIRES, SLOW]


async def test_a_rule_that_failed_before_a_silence_is_not_taken_for_well_after_it(tmp_path: Path) -> None:
    source = Says()
    source.answers["x > 1"] = BadQuery("no")
    source.answers["y > 1"] = []
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, OTHER), source) as at:
        await at.seconds(70)
        assert len(at.firing()) == 1
        source.error = Unavailable("connection refused")
        await at.seconds(20)
        assert len(at.firing()) == 1
        assert at.evaluator.health[RULE.id].failing_since is not None


async def test_two_series_that_would_be_one_alert_fail_the_rule(tmp_path: Path) -> None:
    source = Says("bot=a __name__=x", "bot=a __name__=y")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.seconds(1)
        assert at.firing() == []
        assert "two series of the answer" in at.evaluator.health[RULE.id].error


async def test_more_alerts_than_the_limit_are_told_at_once(tmp_path: Path) -> None:
    source = Says("bot=a", "bot=b", "bot=c")
    group = RuleGroup("orders", s(10), (AT_ONCE,), limit=1)
    async with play(tmp_path, with_rules(tmp_path, groups=[group]), source) as at:
        await at.seconds(1)
        assert len(at.firing()) == 2
        assert at.firing()[1] == SLOW
        (about,) = [a for a in at.engine.memory.alerts.values() if "Failing" in a.labels["alertname"]]
        assert about.annotations["description"] == "2 alerts were kept out by limit = 1"
        assert at.evaluator.health[RULE.id].overflow == 2
        source.up = ["bot=a"]
        await at.seconds(10)
        assert at.firing() == [SLOW]


async def test_a_rule_that_breaks_the_program_breaks_only_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(text: str, series: Labels, value: float, when: Occasion) -> str:
        if "break" in text:
            raise RuntimeError("a bug")
        return text

    bad = replace(OTHER, annotations={"summary": "break"})
    async with play(tmp_path, with_rules(tmp_path, bad, AT_ONCE), Says("bot=a")) as at:
        await at.evaluator.reload(at.sources, broken)
        await at.seconds(1)
        assert at.firing() == [SLOW]
        assert at.evaluator.health[OTHER.id].error == "unexpected: RuntimeError"


async def test_a_source_that_breaks_its_promise_fails_the_round_and_the_next_one_runs(tmp_path: Path) -> None:
    class Broken(Says):
        async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
            if not self.asked:
                self.asked.append((at, []))
                raise RuntimeError("a bug")
            return await super().query_many(exprs, at)

    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), Broken("bot=a")) as at:
        await at.seconds(1)
        assert at.evaluator.health[RULE.id].error == "unexpected: RuntimeError"
        await at.seconds(10)
        assert at.firing() == [SLOW]


async def test_what_the_store_did_not_take_is_decided_again_in_the_next_slot(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        store = at.engine.store
        assert isinstance(store, FullStore)
        store.full = True
        await at.seconds(1)
        await at.clock.advance(60)
        await at.tick()
        assert at.firing() == []
        assert "not stored: no room" in at.evaluator.health[RULE.id].error
        store.full = False
        await at.seconds(10)
        assert SLOW in at.firing()


# --- clear and no_data ---


async def test_clear_is_asked_only_while_something_fires_and_must_hold_to_end_it(tmp_path: Path) -> None:
    source = Says()
    source.answers = {"x > 1": ["bot=a"], "x < 0.5": []}
    rule = replace(AT_ONCE, clear="x < 0.5")
    async with play(tmp_path, with_rules(tmp_path, rule), source) as at:
        await at.seconds(1)
        assert source.asked[-1][1] == ["x > 1"]
        source.answers["x > 1"] = []
        await at.seconds(10)
        assert source.asked[-1][1] == ["x > 1", "x < 0.5"]
        assert at.firing() == [SLOW]
        source.answers["x < 0.5"] = BadQuery("no")
        await at.seconds(10)
        assert at.firing() == [SLOW]
        assert at.evaluator.health[RULE.id].error == "no"
        source.answers["x < 0.5"] = ["bot=a"]
        await at.seconds(10)
        assert at.firing() == []


async def test_no_data_tells_an_empty_answer_from_missing_data(tmp_path: Path) -> None:
    source = Says()
    data = "count((\nx\n))"
    source.answers = {"x > 1": [], data: ["n=5"]}
    rule = replace(AT_ONCE, no_data="alert")
    async with play(tmp_path, with_rules(tmp_path, rule), source) as at:
        await at.seconds(11)
        assert at.firing() == []
        source.answers[data] = []
        await at.seconds(10)
        assert at.firing() == ['{alertname="Slow", hbalert_no_data="true", severity="warning"}']
        source.answers[data] = ["n=5"]
        await at.seconds(10)
        assert at.firing() == []


# --- missing data, and alerts that come and go ---


async def test_an_alert_whose_machine_is_gone_is_held_and_one_that_is_well_ends(tmp_path: Path) -> None:
    """Both series leave the answer to `x > 1`; only that of b is still there."""
    source = Says()
    series = "(\nx\n)"
    source.answers = {"x > 1": ["bot=a", "bot=b"], series: ["bot=a", "bot=b"]}
    rule = replace(AT_ONCE, missing_evaluations=2)
    async with play(tmp_path, with_rules(tmp_path, rule), source) as at:
        await at.seconds(1)
        assert source.asked[-1][1] == ["x > 1"], "nothing fires yet, so nobody asks who is missing"
        source.answers = {"x > 1": [], series: ["bot=b"]}
        await at.seconds(10)
        assert source.asked[-1][1] == ["x > 1", series]
        assert at.firing() == [SLOW]
        await at.seconds(10)
        assert at.firing() == [SLOW]
        await at.seconds(10)
        assert at.firing() == []


async def test_when_nobody_can_say_what_is_missing_the_alert_is_held_and_the_rule_says_so(
    tmp_path: Path,
) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, replace(AT_ONCE, missing_evaluations=1)), source) as at:
        await at.seconds(1)
        source.answers = {"x > 1": [], "(\nx\n)": BadQuery("too many series")}
        await at.seconds(10)
        assert at.firing() == [SLOW]
        health = at.evaluator.health[RULE.id]
        assert health.error == ""
        assert health.warnings == ("which of its series are there could not be asked: too many series",)
        await at.seconds(10)
        assert at.firing() == []


COMES_AND_GOES = replace(AT_ONCE, flapping=Flapping(3, timedelta(minutes=10)))


async def come_and_go(at: Play, source: Says, times: int) -> None:
    for _ in range(times):
        for source.up in (["bot=a"], []):
            await at.seconds(10)
            await Dispatcher(at.engine).step(at.clock.now())
            await at.engine.desk.drain()


async def told(at: Play) -> list[tuple[str, str]]:
    """(reason, what is said of it) of every notification, the oldest first."""
    lines = await at.engine.store.history(HistoryQuery())
    said = [line.delivery.notification for line in sorted(lines, key=lambda line: line.delivery.sequence)]
    return [(each.reason.value, each.alerts[0].annotations.get("flapping", "")) for each in said]


async def test_an_alert_that_comes_and_goes_is_told_once_as_flapping_and_once_as_over(tmp_path: Path) -> None:
    source, clock = Says("bot=a"), FakeClock()
    config = with_rules(tmp_path, COMES_AND_GOES)
    held = "fired 3 times within 10m; held as firing until nothing has changed for 5m"
    usual = [("first notification", ""), ("all alerts resolved", "")] * 2
    async with play(tmp_path, config, source, clock) as at:
        await come_and_go(at, source, 2)
        assert await told(at) == usual
        await come_and_go(at, source, 6)
        assert await told(at) == [*usual, ("first notification", held)]
        assert at.firing() == [SLOW]
        (alert,) = at.engine.memory.alerts.values()
        chinese = "10m 内触发了 3 次；在 5m 内不再变化之前视为持续告警"
        assert alert.annotations["flapping_zh"] == chinese
    async with play(tmp_path, config, source, clock) as at:
        await come_and_go(at, source, 2)
        assert at.firing() == [SLOW], "held over a restart, too"
        await at.seconds(310)
        await Dispatcher(at.engine).step(at.clock.now())
        assert at.firing() == []
        assert [reason for reason, _ in await told(at)][4:] == ["first notification", "all alerts resolved"]
        key = labels("alertname=Slow bot=a severity=warning").key
        kinds = [note.kind for note in await at.engine.store.notes(alert_key=key)]
        assert kinds.count("flapping") == 1
        assert kinds.count("firing") == 3


async def test_a_flapping_alert_that_was_never_told_as_over_is_told_as_flapping(tmp_path: Path) -> None:
    """It came and went between two looks at its group: that it fires is no news, its pace is."""
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, COMES_AND_GOES), source) as at:
        await at.seconds(10)
        await Dispatcher(at.engine).step(at.clock.now())
        for source.up in ([], ["bot=a"], [], ["bot=a"]):
            await at.seconds(10)
        await Dispatcher(at.engine).step(at.clock.now())
        assert [reason for reason, _ in await told(at)] == ["first notification", "alert is flapping"]
        await at.seconds(310)
        await Dispatcher(at.engine).step(at.clock.now())
        assert at.firing() == [SLOW]
        assert (await told(at))[2:] == [("alert has calmed down", "")]
        assert ("flapping", "rule orders/Slow/0: has calmed down, and fires on") in await at.notes()
        (stored,) = (await at.engine.store.load()).alerts
        assert not stored.flapping


# --- reload and restart ---


async def test_for_goes_on_over_a_restart(tmp_path: Path) -> None:
    source, clock = Says("bot=a"), FakeClock()
    config = with_rules(tmp_path, RULE)
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(12)
        assert at.firing() == []
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(18)
        assert at.firing() == [SLOW], "30 s after it began; from the start anew it would take 32"


async def test_a_restart_while_an_alert_fires_changes_nothing(tmp_path: Path) -> None:
    source, clock, config = Says("bot=a"), FakeClock(), with_rules(tmp_path, AT_ONCE)
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(5)
        before = await at.notes()
        rows = list(at.engine.memory.rule_alerts.values())
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(5)
        assert await at.notes() == before
        assert list(at.engine.memory.rule_alerts.values()) == rows


async def test_a_rule_that_is_removed_resolves_its_alerts(tmp_path: Path) -> None:
    source, clock = Says("bot=a"), FakeClock()
    async with play(tmp_path, with_rules(tmp_path, RULE), source, clock) as at:
        await at.seconds(40)
        assert at.firing() == [SLOW]
    async with play(tmp_path, with_rules(tmp_path), source, clock) as at:
        assert at.firing() == []
        assert list(at.engine.memory.rule_alerts.values()) == []
        assert [text for _, text in await at.notes()][-2:] == [
            "the rule orders/Slow/0 is no longer configured",
            "rule orders/Slow/0: has resolved",
        ]


async def test_a_reload_keeps_unchanged_rules_and_ends_what_is_gone(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE, OTHER), source) as at:
        await at.seconds(15)
        assert at.firing() == [OTHER_FIRES]
        await at.reload(with_rules(tmp_path, RULE))
        assert at.firing() == []
        assert set(at.evaluator.health) == {RULE.id}
        await at.seconds(15)
        assert at.firing() == [SLOW], "its `for` went on over the reload"


WARNING = replace(RULE, id="orders/Slow", hold=s(20))
CRITICAL = replace(WARNING, expr="x > 9", labels={"severity": "critical"})


@pytest.mark.parametrize("restarts", [False, True], ids=["by a reload", "by a restart"])
async def test_a_rule_of_the_same_name_put_before_another_takes_nothing_from_it(
    tmp_path: Path, restarts: bool
) -> None:
    """A warning gets a critical sister in front of it: its place changes, its alert goes on."""
    source, clock = Says("bot=a"), FakeClock()
    source.answers["x > 9"] = []
    both = with_rules(tmp_path, CRITICAL, replace(WARNING, id="orders/Slow/2"))
    async with play(tmp_path, with_rules(tmp_path, WARNING), source, clock) as at:
        await at.seconds(30)
        assert at.firing() == [SLOW]
        if not restarts:
            await at.reload(both)
            await at.seconds(30)
    async with play(tmp_path, both, source, clock) as at:
        assert at.firing() == [SLOW]
        await at.seconds(30)
        assert at.firing() == [SLOW]
        (row,) = at.engine.memory.rule_alerts.values()
        assert row.rule_id == "orders/Slow/2"
        (alert,) = at.engine.memory.alerts.values()
        assert [claim.origin for claim in alert.claims] == ["rule:orders/Slow/2"]
        notes = await at.notes()
        assert [kind for kind, _ in notes] == ["pending", "evaluated", "firing", "moved"]
        assert notes[-1][1] == "the rule orders/Slow is now orders/Slow/2"


async def test_keep_firing_for_goes_on_over_a_restart(tmp_path: Path) -> None:
    source, clock = Says("bot=a"), FakeClock()
    config = with_rules(tmp_path, replace(AT_ONCE, keep_firing_for=s(60)))
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(10)
        source.up = []
        await at.seconds(30)
        (row,) = at.engine.memory.rule_alerts.values()
        since = row.keep_firing_since
        assert since is not None
    async with play(tmp_path, config, source, clock) as at:
        await at.seconds(20)
        assert at.firing() == [SLOW]
        await at.seconds(20)
        assert at.firing() == []
        assert clock.now() - since <= s(60 + 10 + 10), "60 s, and at most one interval more"


async def test_for_and_keep_firing_for_are_shifted_by_no_more_than_one_interval_by_restarts(
    tmp_path: Path,
) -> None:
    """Each ten seconds another restart; the outcome is that of a process that never stopped."""
    source, clock = Says("bot=a"), FakeClock()
    config = with_rules(tmp_path, replace(RULE, hold=s(60), keep_firing_for=s(60)))
    begun = clock.now()
    times: dict[str, float] = {}
    for _ in range(30):
        async with play(tmp_path, config, source, clock) as at:
            await at.seconds(7)
            fires, now = bool(at.firing()), (clock.now() - begun).total_seconds()
            if fires and "fires" not in times:
                times["fires"], source.up = now, []
            if "fires" in times and not fires:
                times["ends"] = now
                break
    assert 60 <= times["fires"] <= 60 + 10 + 7
    assert 60 <= times["ends"] - times["fires"] <= 60 + 2 * 10 + 7


async def test_new_texts_reach_an_alert_that_fires_and_change_nothing_else(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, RULE), source) as at:
        await at.seconds(15)
        await at.reload(with_rules(tmp_path, replace(RULE, annotations={"summary": "other words"})))
        await at.seconds(15)
        assert at.firing() == [SLOW], "its `for` went on over the reload"
        before = [kind for kind, _ in await at.notes()]
        await at.reload(with_rules(tmp_path, replace(RULE, annotations={"summary": "new words"})))
        await at.seconds(10)
        (alert,) = at.engine.memory.alerts.values()
        assert alert.annotations == {"summary": "new words"}
        assert [kind for kind, _ in await at.notes()] == before


async def test_what_has_resolved_is_kept_until_everybody_was_told(tmp_path: Path) -> None:
    """Not for fifteen minutes, as Prometheus keeps it: until its group has been looked at."""
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.seconds(1)
        await Dispatcher(at.engine).step(at.clock.now())
        source.up = []
        await at.seconds(10)
        await at.clock.advance(3600)
        assert [str(alert.labels) for alert in at.engine.memory.alerts.values()] == [SLOW]
        await Dispatcher(at.engine).step(at.clock.now())
        assert [reason for reason, _ in await told(at)] == ["first notification", "all alerts resolved"]
        assert list(at.engine.memory.alerts.values()) == []


async def test_a_longer_for_ends_the_alert_outside_until_it_has_held_again(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.seconds(5)
        await at.reload(with_rules(tmp_path, RULE))
        await at.seconds(10)
        assert at.firing() == []
        (row,) = at.engine.memory.rule_alerts.values()
        assert row.state is RuleAlertState.PENDING
        assert ("pending", "rule orders/Slow/0: `for` is longer now (20s)") in [
            (kind, text.split(": true")[0]) for kind, text in await at.notes()
        ]
        await at.seconds(20)
        assert at.firing() == [SLOW]


async def test_other_external_labels_move_an_alert_at_the_reload(tmp_path: Path) -> None:
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), Says("bot=a")) as at:
        await at.seconds(5)
        home = EvaluationSettings(external_labels={"site": "home"})
        await at.reload(with_rules(tmp_path, AT_ONCE, evaluation=home))
        assert at.firing() == ['{alertname="Slow", bot="a", severity="warning", site="home"}']


@pytest.mark.parametrize(
    ("after", "fires"),
    [
        pytest.param((), [], id="the rule is gone"),
        pytest.param((replace(AT_ONCE, expr="z > 1"),), [], id="the rule has changed"),
        pytest.param((AT_ONCE, OTHER), [SLOW], id="the rule is the same"),
    ],
)
async def test_an_answer_that_comes_after_a_reload_counts_only_for_what_is_the_same(
    tmp_path: Path, after: tuple[Rule, ...], fires: list[str]
) -> None:
    source = Says("bot=a")
    source.held = asyncio.Event()
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.tick()
        await at.reload(with_rules(tmp_path, *after))
        source.held.set()
        await asyncio.gather(*at.evaluator._tasks)
        assert at.firing() == fires
        assert set(at.evaluator.health) == ({RULE.id} if fires else set())


async def test_an_answer_of_a_source_that_was_replaced_is_not_used(tmp_path: Path) -> None:
    old, new = Says("bot=a"), Says()
    old.held = asyncio.Event()
    config = with_rules(tmp_path, AT_ONCE)
    async with play(tmp_path, config, old) as at:
        await at.tick()
        await at.reload(config, {"main": new, "second": Says()})
        old.error = Unavailable("it was closed")
        old.held.set()
        await asyncio.gather(*at.evaluator._tasks)
        assert at.evaluator.source_views() == []
        await at.seconds(10)
        assert [view.up for view in at.evaluator.source_views()] == [True]


async def test_alerts_about_rules_and_sources_that_are_gone_end(tmp_path: Path) -> None:
    source, second = Says(), Says()
    source.answers["x > 1"] = BadQuery("no")
    second.error = Unavailable("connection refused")
    elsewhere = replace(OTHER, source="second")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE, elsewhere), source, second=second) as at:
        await at.seconds(80)
        assert len(at.firing()) == 2
        await at.reload(with_rules(tmp_path, replace(AT_ONCE, id="orders/New/0")))
        assert at.firing() == []


async def test_a_new_group_is_evaluated_at_the_next_tick_after_a_reload(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path), source) as at:
        await at.seconds(3)
        assert source.asked == []
        await at.reload(with_rules(tmp_path, AT_ONCE))
        await at.seconds(1)
        assert at.firing() == [SLOW]


async def test_stopping_ends_what_hangs(tmp_path: Path) -> None:
    source = Says()
    source.held = asyncio.Event()
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.tick()
        (task,) = at.evaluator._tasks
        await at.evaluator.stop()
        assert task.cancelled()


async def test_an_alert_that_others_report_too_fires_until_both_have_ended(tmp_path: Path) -> None:
    source = Says("bot=a")
    async with play(tmp_path, with_rules(tmp_path, AT_ONCE), source) as at:
        await at.seconds(1)
        now = at.clock.now()
        who = labels("alertname=Slow bot=a severity=warning")
        await at.engine.accept([report(who, origin="api", starts_at=now, ends_at=now + s(30), now=now)])
        source.up = []
        await at.seconds(20)
        assert at.firing() == [SLOW]
        await at.seconds(20)
        assert at.firing() == []
