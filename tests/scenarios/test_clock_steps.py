"""The wall clock is set back, forward, or stands still with the machine: nobody notices by what is told.

A whole engine on a real store and a clock that the test moves; each scenario is played once without and
once with a step, and what is told must be the same, at the same distance in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hbalert.api.ingest import LabelTexts, read_alerts
from hbalert.config.types import Config, Limits, SourceSettings
from hbalert.core.alert import API, report
from hbalert.core.delivery import Outcome, Result, RetryPolicy
from hbalert.core.interval import TimeInterval, TimeSpan
from hbalert.core.route import Route
from hbalert.core.rule import Rule, RuleGroup
from hbalert.core.silence import Silence
from hbalert.core.trouble import OURS, SOURCE
from hbalert.engine import Engine
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.evaluate import Evaluator
from hbalert.loops.sweep import Sweeper
from hbalert.metrics import Metrics
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from hbalert.templating import expander
from hbalert.units import outbox, own
from tests.core.say import labels, m, s
from tests.fakes.clock import FakeClock
from tests.loops.test_deliver import config_of
from tests.loops.test_evaluate import Says

HOUR = 3600.0
STEPS = [0.0, -HOUR, HOUR, -86400.0, 86400.0, -2000 * 86400.0]
SENT = Outcome(Result.SENT, "ok", "sent")


class World:
    """One hbalert; `after(seconds)` lets them pass tick by tick, `told` is what the phone heard.

    answers  how the next attempts end (not those of our own alerts); then all are accepted
    """

    def __init__(self, engine: Engine, evaluator: Evaluator, source: Says, clock: FakeClock) -> None:
        self.engine, self.evaluator, self.source, self.clock = engine, evaluator, source, clock
        self.dispatcher = Dispatcher(engine)
        self.sweeper = Sweeper(engine, engine.last_seen or clock.now())
        self.begun = clock.monotonic()
        self.told: list[tuple[float, str]] = []
        self.answers: list[Outcome] = []
        engine.stepped = evaluator.stepped

    async def after(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until:
            await self.clock.advance(min(5.0, until - self.clock.monotonic()))
            await self.tick()

    async def tick(self) -> None:
        """As the daemon's, and what is due is sent."""
        engine, clock = self.engine, self.clock
        await engine.look_at_clock()
        await self.evaluator.run_once(clock.now())
        await self.sweeper.every_second(clock.now())
        await self.sweeper.tell_steps()
        await self.dispatcher.step(clock.now())
        for row in await engine.desk.work(lambda draft: outbox.claim(draft, "phone", None, 99)):
            ours = row.notification.common_labels.get(SOURCE) == OURS
            outcome = self.answers.pop(0) if self.answers and not ours else SENT
            if outcome is SENT:
                for alert in row.notification.alerts:
                    said = f"{alert.labels['alertname']} {alert.status} ({row.notification.reason.value})"
                    self.told.append((clock.monotonic() - self.begun, said))
            await engine.desk.work(
                lambda draft, row=row, outcome=outcome: outbox.settle(  # type: ignore[misc]
                    draft,
                    row.id,
                    outcome,
                    started_at=draft.now,
                    duration_ms=1,
                    policy=RetryPolicy(),
                    jitter=0.5,
                )
            )

    async def post(self, name: str, lives: float | None = 240, *, started: datetime | None = None) -> None:
        now = self.clock.now()
        ends = now + (s(300) if lives is None else s(lives))
        await self.engine.accept(
            [
                report(
                    labels(f"alertname={name}"),
                    origin=API,
                    starts_at=started or now,
                    ends_at=ends,
                    now=now,
                    timed=lives is None,
                )
            ]
        )

    async def silence(self, name: str, seconds: float) -> None:
        now = self.clock.now()
        await self.engine.put_silence(
            Silence("", (m(f"alertname={name}"),), now, now + s(seconds), "lin", "why", now)
        )

    def heard(self) -> list[tuple[float, str]]:
        """Without our own alert about the clock."""
        return [each for each in self.told if own.STEPPED not in each[1]]


ROUTE = Route(
    "{}",
    "{}",
    "team",
    group_by=("alertname",),
    group_wait=s(30),
    group_interval=s(300),
    repeat_intervals=(s(1200),),
)


@asynccontextmanager
async def world(folder: Path, *rules: Rule, **more: object) -> AsyncIterator[World]:
    clock = FakeClock()
    made = await opened(folder, clock, *rules, **more)
    try:
        yield made
    finally:
        await made.engine.store.close()


async def opened(folder: Path, clock: FakeClock, *rules: Rule, **more: object) -> World:
    config: Config = config_of(folder, "phone").model_copy(
        update={
            "route": ROUTE,
            "sources": {"main": SourceSettings(url="http://127.0.0.1:9")},
            "groups": (RuleGroup("orders", s(30), rules),) if rules else (),
            **more,
        }
    )
    folder.mkdir(exist_ok=True)
    store = await SqliteStore.open(folder / "db", compile_regex=compile_regex, now=clock.now())
    engine = Engine(config, store, await store.load(), clock)
    await engine.start()
    source = Says()
    evaluator = Evaluator(engine, {"main": source}, expander({}, ""), Metrics())
    await evaluator.start()
    return World(engine, evaluator, source, clock)


def step_of(seconds: float) -> str:
    return (
        "no step"
        if not seconds
        else f"{'forward' if seconds > 0 else 'back'} {timedelta(seconds=abs(seconds))}"
    )


stepped = pytest.mark.parametrize("step", STEPS, ids=step_of)


@stepped
async def test_a_posted_alert_that_goes_on_is_told_on_time_repeated_on_time_and_ended_on_time(
    tmp_path: Path, step: float
) -> None:
    """Its sender repeats it each minute, on a clock that is set with ours, and then resolves it."""
    async with world(tmp_path) as at:
        await at.post("Down")
        await at.after(10)
        at.clock.step(step)
        for _ in range(30):
            await at.after(60)
            await at.post("Down")
        await at.post("Down", 0)
        await at.after(300)
        assert at.heard() == [
            (30, "Down firing (first notification)"),
            (1530, "Down firing (repeat interval elapsed)"),
            (1830, "Down resolved (all alerts resolved)"),
        ]


@pytest.mark.parametrize("step", [-HOUR, 0.0, HOUR], ids=step_of)
@pytest.mark.parametrize("lives", [240.0, None], ids=["its sender names an end", "our resolve timeout"])
async def test_an_alert_that_nobody_repeats_ends_neither_at_once_nor_an_hour_late(
    tmp_path: Path, step: float, lives: float | None
) -> None:
    async with world(tmp_path) as at:
        await at.post("Down", lives)
        await at.after(60)
        at.clock.step(step)
        await at.after(20)
        assert at.heard() == [(30, "Down firing (first notification)")]
        await at.after(900)
        (_, (when, said)) = at.heard()
        assert said == "Down resolved (all alerts resolved)"
        assert 240 <= when <= 80 + 300 + 300, "one resolve timeout of grace, and a look at the group"


@stepped
async def test_a_rule_fires_after_its_for_and_its_slots_go_on(tmp_path: Path, step: float) -> None:
    rule = Rule("orders/Slow/0", "Slow", "x > 1", "main", hold=s(300))
    async with world(tmp_path, rule) as at:
        await at.after(60)
        at.source.up = ["bot=a"]
        await at.after(60)
        asked = len(at.source.asked)
        at.clock.step(step)
        await at.after(120)
        assert 4 <= len(at.source.asked) - asked <= 5, "one evaluation for each 30 s, no more and no less"
        assert at.heard() == []
        await at.after(200)
        ((when, said),) = at.heard()
        assert said == "Slow firing (first notification)"
        assert 390 <= when <= 430
        at.source.up = []
        await at.after(400)
        assert [said for _, said in at.heard()][1:] == ["Slow resolved (all alerts resolved)"]
        assert not [said for _, said in at.told if own.MISSED in said], "nothing was missed"


async def test_an_answer_to_a_question_asked_before_the_step_is_not_used(tmp_path: Path) -> None:
    rule = Rule("orders/Slow/0", "Slow", "x > 1", "main", hold=s(1800))
    async with world(tmp_path, rule) as at:
        at.source.up = ["bot=a"]
        await at.after(60)
        at.source.held = asyncio.Event()
        await at.clock.advance(30)
        await at.evaluator.tick(at.clock.now())
        at.clock.step(-HOUR)
        await at.engine.look_at_clock()
        at.source.held.set()
        at.source.held = None
        await at.after(120)
        (row,) = at.engine.memory.rule_alerts.values()
        assert row.state.value == "pending"
        assert s(100) < at.clock.now() - row.active_at < s(300)


@pytest.mark.parametrize("step", [-HOUR, 0.0], ids=step_of)
async def test_a_silence_in_force_ends_as_soon_as_it_would_have_and_one_that_is_over_does_not_come_back(
    tmp_path: Path, step: float
) -> None:
    async with world(tmp_path) as at:
        await at.silence("Short", 30)
        await at.silence("Long", 600)
        await at.after(60)
        at.clock.step(step)
        for name in ("Short", "Long"):
            await at.post(name, 90000)
        await at.after(900)
        assert at.heard() == [
            (90, "Short firing (first notification)"),
            (600, "Long firing (first notification)"),
        ]


async def test_a_silence_ends_by_the_calendar_when_the_clock_goes_forward(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        await at.silence("Down", 600)
        await at.post("Down", 90000)
        await at.after(60)
        at.clock.step(HOUR)
        await at.after(5)
        assert at.heard() == [(65, "Down firing (first notification)")]


async def test_a_clock_that_comes_back_brings_silences_back(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        await at.silence("Down", 600)
        (written,) = at.engine.memory.silences.values()
        for step in (-HOUR, -HOUR, 2 * HOUR):
            await at.after(5)
            at.clock.step(step)
        await at.after(5)
        assert list(at.engine.memory.silences.values()) == [written]


async def test_a_small_step_forward_is_not_the_way_back(tmp_path: Path) -> None:
    """What NTP corrects later must not make a silence last an hour longer than was asked for."""
    async with world(tmp_path) as at:
        await at.silence("Down", 600)
        await at.post("Down", 90000)
        await at.after(5)
        at.clock.step(-HOUR)
        await at.after(5)
        (left,) = at.engine.memory.silences.values()
        at.clock.step(3)
        await at.after(5)
        assert list(at.engine.memory.silences.values()) == [left]
        at.clock.step(HOUR - 3)
        await at.after(5)
        (back,) = at.engine.memory.silences.values()
        assert back.ends_at == left.ends_at + timedelta(seconds=HOUR)


@stepped
async def test_a_failed_attempt_is_tried_again_when_it_would_have_been_and_a_pause_is_kept(
    tmp_path: Path, step: float
) -> None:
    async with world(tmp_path) as at:
        at.answers = [
            Outcome(Result.TRANSIENT, "503", "server", retry_after=s(60)),
            Outcome(Result.NOT_NOW, "429", "rate limit", retry_after=s(120)),
        ]
        await at.post("Down", 90000)
        await at.after(40)
        at.clock.step(step)
        await at.after(60)
        at.clock.step(-step)
        await at.after(200)
        assert at.heard() == [(210, "Down firing (first notification)")]


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=step_of)
async def test_a_time_interval_goes_by_the_calendar_and_is_looked_at_at_once(
    tmp_path: Path, step: float
) -> None:
    """The clock shows 12:00 at the start."""
    noon = (TimeInterval(times=(TimeSpan(12 * 60, 12 * 60 + 30),)),)
    route = replace(ROUTE, mute_time_intervals=("noon",))
    async with world(tmp_path, route=route, time_intervals={"noon": noon}) as at:
        await at.post("Down", 90000)
        await at.after(60)
        assert at.heard() == []
        at.clock.step(step)
        await at.after(5)
        assert at.heard() == [(65, "Down firing (first notification)")]


async def test_a_machine_that_slept_gives_senders_a_resolve_timeout_and_tells_nothing_false(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as at:
        await at.post("Down")
        await at.after(60)
        await at.clock.advance(8 * HOUR)
        await at.tick()
        await at.post("Down")
        await at.after(900)
        assert [said for _, said in at.told] == [
            "Down firing (first notification)",
            "Down firing (repeat interval elapsed)",
            "Down resolved (all alerts resolved)",
        ], "time has really passed: a repeat is due, and it is no step of the clock"


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=step_of)
async def test_a_step_is_told_by_how_much_and_when(tmp_path: Path, step: float) -> None:
    async with world(tmp_path) as at:
        await at.after(10)
        at.clock.step(step)
        await at.after(60)
        (alert,) = at.engine.memory.alerts.values()
        way = "forward" if step > 0 else "back"
        assert dict(alert.labels.as_dict()) == {
            "alertname": own.STEPPED,
            "severity": "warning",
            "source": "hbalert",
            "way": way,
        }
        now = "13:00:15" if step > 0 else "11:00:15"
        assert alert.annotations["summary"] == (
            f"The clock was set {way} by 1:00:00: from 2026-03-01T12:00:15Z to 2026-03-01T{now}Z"
        )
        await at.after(1500)
        assert [said.split(" (")[0] for _, said in at.told] == [
            f"{own.STEPPED} firing",
            f"{own.STEPPED} resolved",
        ]


@pytest.mark.parametrize("back", [HOUR, 2000 * 86400.0], ids=["an hour", "a machine without a battery"])
async def test_a_clock_that_was_set_back_while_nobody_was_there_freezes_nothing(
    tmp_path: Path, back: float
) -> None:
    clock = FakeClock()
    at = await opened(tmp_path, clock)
    await at.post("Down", 90000)
    await at.silence("Quiet", 600)
    await at.after(40)
    await at.engine.store.touch(clock.now())
    await at.engine.store.close()
    clock.step(-back)
    at = await opened(tmp_path, clock)
    at.begun = 1000
    await at.after(1600)
    assert [each for each in at.heard() if each[0] < 1600] == [
        (1530, "Down firing (repeat interval elapsed)")
    ]
    assert len([said for _, said in at.told if own.STEPPED in said]) == 2, "it fires, it resolves"
    await at.engine.store.close()


@pytest.mark.parametrize("when", ["while it ran", "while nobody was there"])
async def test_a_clock_that_was_set_back_is_followed_once_though_the_process_dies_at_once(
    tmp_path: Path, when: str
) -> None:
    clock = FakeClock()
    at = await opened(tmp_path, clock)
    await at.post("Down", 2 * HOUR)
    await at.engine.store.touch(clock.now())
    if when == "while nobody was there":
        await at.engine.store.close()
    clock.step(-HOUR)
    if when == "while it ran":
        await at.engine.look_at_clock()
        await at.engine.store.close()
    for _ in range(3):  # nobody has left another sign of life when the next one starts
        at = await opened(tmp_path, clock)
        (alert,) = at.engine.memory.alerts.values()
        assert alert.ends_at == clock.now() + s(2 * HOUR)
        await at.engine.store.close()


def posting(start: float, end: float) -> Callable[[datetime, datetime], list[str]]:
    def post(now: datetime, latest: datetime) -> list[str]:
        body = (
            f'[{{"labels": {{"a": "b"}}, "startsAt": "{(now + s(start)).isoformat()}", '
            f'"endsAt": "{(now + s(end)).isoformat()}"}}]'
        )
        limits = Limits()
        return read_alerts(body.encode(), now, s(300), LabelTexts(limits), limits, latest).problems

    return post


async def test_a_start_that_its_sender_wrote_with_the_old_clock_is_no_mistake(tmp_path: Path) -> None:
    """Prometheus goes on sending the start it knows, beside ends by the new clock."""
    async with world(tmp_path) as at:
        await at.after(10)
        now, before = at.clock.now(), at.engine.latest
        assert posting(1800, 240)(now, before), "later than anything this clock ever showed"
        assert posting(-1800, -3000)(now, before)
        at.clock.step(-HOUR)
        await at.after(5)
        now, before = at.clock.now(), at.engine.latest
        assert not posting(1800, 240)(now, before)
        assert not posting(1800, 0)(now, before)
        assert posting(2 * HOUR, 240)(now, before)
        assert posting(-1800, -3000)(now, before)


@pytest.mark.parametrize(("step", "kept"), [(400 * 86400.0, True), (0.0, False)], ids=["forward", "no step"])
async def test_history_is_not_removed_for_an_age_that_a_clock_just_set_forward_gives_it(
    tmp_path: Path, step: float, kept: bool
) -> None:
    async with world(tmp_path) as at:
        await at.silence("Down", 30)
        await at.after(60)
        at.clock.step(step)
        await at.after(5)
        now = at.clock.now() if step else at.clock.now() + timedelta(days=400)
        await at.sweeper.prune(now)
        assert bool(list(at.engine.memory.silences.values())) is kept
        await at.clock.advance(86400)
        await at.sweeper.prune(now)
        assert not list(at.engine.memory.silences.values())
