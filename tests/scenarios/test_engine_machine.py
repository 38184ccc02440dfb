"""Whatever happens to the whole engine in whatever order: everybody hears what is true, and once.

A hypothesis state machine over samples, posts, time, a clock that is set, silences, reloads, gateways
that fail, the outbox, and processes that die at any fault point. It plays the whole engine on a SQLite
file; `world.py` is the model that says what must have been told. `test_machine.py` plays the units alone.

The same 10,000 steps each time, in about a minute; `make chaos` plays others, and more (`python -m
tests.scenarios.test_engine_machine`).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from hbalert.config.channels import NotifierSettings
from hbalert.config.types import AlertSettings, Config
from hbalert.core.alert import report
from hbalert.core.delivery import DeliveryState
from hbalert.core.inhibit import InhibitRule
from hbalert.core.rule import Rule, RuleAlertState, RuleGroup
from hbalert.core.silence import RESOLVED, UNTIL, Silence, SilenceState, state
from hbalert.memory import Draft
from hbalert.ports import Channel, HistoryQuery, Snapshot
from hbalert.units import outbox
from tests.chaos.disk import Disk
from tests.chaos.house import House, idle
from tests.chaos.points import Fuse, Point
from tests.chaos.scores import ROOT as QUICK
from tests.chaos.scores import child, config, notifier
from tests.chaos.verdict import agree, differ
from tests.core.say import labels, m, s
from tests.fakes.clock import START, FakeClock
from tests.scenarios.world import GRACE, HOLD, POSTED, RULED, Gateway, Quiet, Source, World

STEPS, EXAMPLES = 50, 220
LEAST_STEPS = 10_000
CALM_SECONDS = 480
"""Longer than the longest pause between two attempts, and than any grace."""

ROOT = replace(QUICK, group_wait=s(10), group_interval=s(60), repeat_intervals=(timedelta(hours=2),))
TEAM = ("phone", "mail", "log", "pager")
PHONE, MAIL, LOG = notifier("phone"), notifier("mail"), notifier("log", send_resolved=False)
PAGER = notifier("pager", fallback=("sms",), give_up_after=timedelta(hours=1))
SMS = notifier("sms")
LAG = Rule("r/Lag/0", "Lag", "lag", "main", hold=s(HOLD))
KEEP = Rule("r/Keep/0", "Keep", "keep", "main", keep_firing_for=s(60))
HYST = Rule("r/Hyst/0", "Hyst", "hyst", "main", clear="calm")
BLIND = Rule("r/Blind/0", "Blind", "orders > 5", "main", no_data="keep")
MANY = Rule("r/Many/0", "Many", "many", "main", limit=1)
RULES = (LAG, KEEP, HYST, BLIND, MANY)


def made(*notifiers: Any, rules: tuple[Rule, ...] = RULES, **more: Any) -> Config:
    everything: dict[str, Any] = {"team": TEAM, "route": ROOT, **more}
    known = notifiers or (PHONE, MAIL, LOG, PAGER, SMS)
    everything["team"] = [name for name in everything["team"] if name in {each.name for each in known}]
    return config(
        *known,
        groups=(RuleGroup("r", s(20), rules),),
        inhibit_rules=(InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),), ("bot",)),),
        **everything,
    ).model_copy(update={"alerts": AlertSettings(resolve_timeout=timedelta(seconds=GRACE))})


CONFIGS = [
    made(),
    made(route=replace(ROOT, group_by=("...",))),
    made(
        route=replace(
            ROOT, routes=(replace(child("bot=a", "phone"), group_by=("bot",), group_interval=s(60)),)
        )
    ),
    made(PHONE, MAIL, LOG, notifier("pager", enabled=False), SMS),
    made(PHONE, MAIL, LOG, SMS),
    made(rules=(replace(LAG, hold=s(60)), KEEP, BLIND)),
]
ONE_BOT = 2
"""Place of the configuration that tells one bot's alerts to the phone only."""
HOWS = ["", "busy", "not now", "half", "never"]
STEPS_OF_THE_CLOCK = [-3600.0, -90.0, 45.0, 3600.0]


class Machine(RuleBasedStateMachine):
    """One hbalert over many lives, and the world around it."""

    executed = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hbalert-machine-", dir=_fast_disk()))
        self.images = count(1)
        self.names = count(1)
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock(START, idle)
        self.world = World(self.clock.monotonic)
        self.config = 0
        self.dead_at: Path | None = None
        self.down = 1.0
        self.seen: set[str] = set()
        self.context = ExitStack()
        self.before = structlog.get_config()
        structlog.configure(processors=[self._listen])
        self._play(self._born(self.folder / "hbalert.db"))

    def _listen(self, logger: Any, level: str, line: Any) -> Any:
        """An error in the log is wrong here, but for those that a dead process leaves."""
        if level in ("error", "exception", "critical") and self.dead_at is None:
            self.world.wrong.append(f"logged: {line}")
        raise structlog.DropEvent

    # --- lives ---

    def _play(self, what: Awaitable[None]) -> None:
        """One step, and the next life when this one ended in it."""
        Machine.executed += 1

        async def played() -> None:
            await what
            await idle()
            if self.dead_at is not None:
                await self._rise()

        self.loop.run_until_complete(played())
        self._holds()

    async def _born(self, database: Path) -> None:
        """A process begins from the files that there are."""
        self.dead_at = None
        self.disk = Disk(database, Fuse(None, self._dies))
        self.context = ExitStack()
        self.context.enter_context(self.disk.watched())
        self.house = House(self.disk, self.clock, self._channel, {"main": Source(self.world)})
        self.house.look_over = self._look_over  # type: ignore[method-assign]
        self.world.upset_at = self.clock.monotonic()
        await self.house.start(CONFIGS[self.config])
        self._follow()

    def _follow(self) -> None:
        house, changed = self.house, self.house.engine.changed

        def followed(draft: Draft) -> None:
            changed(draft)
            for delivery in draft.deliveries.changed().values():
                if delivery is not None and delivery.id not in self.seen and self.dead_at is None:
                    self.seen.add(delivery.id)
                    self.world.enqueued(delivery)

        house.engine.changed = followed

    async def _look_over(self, snapshot: Snapshot) -> None:
        history = [line.delivery for line in await self.house.store.history(HistoryQuery(limit=0))]
        self.world.wrong += [*self.house.store.repairs, *agree(snapshot, history, {"log": False})]
        for row in snapshot.deliveries:
            if row.state is DeliveryState.SENDING:
                self.world.unsettled(row.id)
            self.seen.add(row.id)

    def _dies(self, point: Point) -> None:
        """What there is now is all that the next life finds; whatever this one still does is nothing."""
        self.dead_at = self.disk.image(self.folder / f"image-{next(self.images)}")
        self.world.died()

    async def _rise(self) -> None:
        assert self.dead_at is not None
        mine = asyncio.current_task()
        await self.house.end(task for task in asyncio.all_tasks() if task is not mine)
        await self.house.store.close()
        self.context.close()
        await self.clock.advance(self.down)
        await self._born(self.dead_at)

    def _channel(self, settings: NotifierSettings) -> Channel:
        disk = self.disk
        return Gateway(
            self.world,
            settings.name,
            settings.send_resolved,
            disk.fuse.passes,
            lambda: self.disk is not disk or self.dead_at is not None,
        )

    async def _asked(self, request: Callable[[], Awaitable[Any]]) -> None:
        """A client asks until it is answered."""
        while True:
            await request()
            if self.dead_at is None:
                return
            await self._rise()

    # --- time ---

    @rule(seconds=st.sampled_from([1, 3, 10, 40, 130]))
    def time_passes(self, seconds: int) -> None:
        self._play(self._pass(seconds, 1 if seconds < 10 else 10))

    @rule(seconds=st.sampled_from([700, 3000]))
    def hardly_anything_happens_for_long(self, seconds: int) -> None:
        self._play(self._pass(seconds, seconds / 10))

    async def _pass(self, seconds: float, each: float) -> None:
        for _ in range(int(seconds / each)):
            await self.house.tick()
            if self.dead_at is not None:
                await self._rise()
            await self.clock.advance(each)

    @rule(by=st.sampled_from(STEPS_OF_THE_CLOCK))
    def the_clock_is_set(self, by: float) -> None:
        self.clock.step(by)
        self.world.stepped(by)
        self._play(self._pass(1, 1))

    # --- alerts ---

    @rule(
        who=st.sampled_from(POSTED),
        origin=st.sampled_from(["api", "webhook:g"]),
        lives=st.sampled_from([60.0, 5000.0, 90000.0]),
    )
    def somebody_posts(self, who: str, origin: str, lives: float) -> None:
        self.world.ever.add(who)

        async def post() -> None:
            now = self.clock.now()
            alert = report(labels(who), origin=origin, starts_at=now, ends_at=now + s(lives), now=now)
            await self.house.engine.accept([alert])

        self._play(self._asked(post))
        self.world.posted(who, origin, lives)

    @rule(who=st.sampled_from(POSTED), origin=st.sampled_from(["api", "webhook:g"]))
    def somebody_says_it_has_ended(self, who: str, origin: str) -> None:
        async def post() -> None:
            now = self.clock.now()
            known = self.house.engine.memory.alerts.get(labels(who).key)
            starts = [claim.starts_at for claim in known.claims if claim.origin == origin] if known else []
            start = min([*starts, now - s(1)])
            await self.house.engine.accept(
                [report(labels(who), origin=origin, starts_at=start, ends_at=now, now=now)]
            )

        self._play(self._asked(post))
        self.world.ended(who, origin)

    @rule(
        which=st.sampled_from([(expr, who) for expr, alerts in RULED.items() for who in alerts]),
        on=st.booleans(),
    )
    def a_series_turns(self, which: tuple[str, str], on: bool) -> None:
        self.world.turn(*which, on)
        self._play(self._pass(1, 1))

    @rule(what=st.sampled_from(["source", "data", "calm"]), on=st.booleans())
    def the_source_changes(self, what: str, on: bool) -> None:
        match what:
            case "source":
                self.world.source_up = on
            case "data":
                self.world.has_data = on
                self.world.release("alertname=Blind bot=a")
            case _:
                self.world.calm_over = on
                self.world.release("alertname=Hyst bot=b")
        self._play(self._pass(1, 1))

    # --- people ---

    @rule(
        needle=st.sampled_from(["bot=a", "alertname=Down", "alertname=Lag"]),
        lasts=st.sampled_from([40.0, 1000.0, 90000.0]),
        until_resolved=st.booleans(),
    )
    def somebody_silences(self, needle: str, lasts: float, until_resolved: bool) -> None:
        name = f"silence {next(self.names)}"

        async def ask() -> None:
            now = self.clock.now()
            until = {UNTIL: RESOLVED} if until_resolved else {}
            silence = Silence("", (m(needle),), now, now + s(lasts), "lin", name, now, until)
            await self.house.engine.put_silence(silence)

        self._play(self._asked(ask))
        now = self.clock.monotonic()
        self.world.silences[name] = Quiet(needle, now, now + lasts, sure=not until_resolved)

    @precondition(lambda self: self.world.silences)
    @rule(which=st.integers(0, 9))
    def somebody_ends_a_silence(self, which: int) -> None:
        names = list(self.world.silences)
        self._play(self._end_silence(names[which % len(names)]))

    async def _end_silence(self, name: str) -> None:
        async def ask() -> None:
            now = self.clock.now()
            for silence in list(self.house.engine.memory.silences.values()):
                if silence.comment == name and state(silence, now) is not SilenceState.EXPIRED:
                    await self.house.engine.expire_silence(silence.id)

        quiet = self.world.silences[name]
        quiet.sure = False
        await self._asked(ask)
        quiet.ends = min(quiet.ends, self.clock.monotonic())

    @rule(to=st.sampled_from(range(len(CONFIGS))))
    def the_configuration_is_edited(self, to: int) -> None:
        self._play(self._reload(to))

    async def _reload(self, to: int) -> None:
        before, after = CONFIGS[self.config], CONFIGS[to]
        for name in TEAM:
            if _is_on(name, after) and not _is_on(name, before):
                self.world.came_back(name)
        self.config = to
        exprs = {rule.expr for group in after.groups for rule in group.rules}
        self.world.rules = frozenset(exprs)
        for expr in RULED.keys() - exprs:
            self.world.latched.update(dict.fromkeys(RULED[expr], False))
        await self.house.reload(after)

    # --- gateways and the outbox ---

    @rule(name=st.sampled_from([*TEAM, "sms"]), how=st.sampled_from(HOWS))
    def a_gateway_changes(self, name: str, how: str) -> None:
        self.world.how[name] = how
        self._play(self._pass(2, 1))

    @rule(name=st.sampled_from(TEAM))
    def somebody_retries_what_is_dead(self, name: str) -> None:
        self._play(self._retry(name))

    async def _retry(self, name: str) -> None:
        for line in await self.house.store.history(HistoryQuery(notifier=name, state="dead", limit=2)):
            self.world.asked_again.add(line.delivery.id)
            await self.house.engine.retry_delivery(line.delivery.id)

    @rule()
    def somebody_drops_what_waits(self) -> None:
        self._play(self._drop())

    async def _drop(self) -> None:
        for delivery in list(self.house.engine.memory.deliveries.values())[:1]:
            await self.house.engine.drop_delivery(delivery.id)

    # --- deaths ---

    @rule(points=st.integers(1, 150), down=st.sampled_from([1.0, 1.0, 400.0]))
    def it_will_die(self, points: int, down: float) -> None:
        """At one of the next fault points, whatever is done then."""
        self.down = down
        self.disk.fuse.at = len(self.disk.fuse.passed) + points

    # --- what must hold ---

    @rule()
    def it_is_calm_for_a_while(self) -> None:
        self._play(self._calm())
        self._everybody_knows_what_is_true()

    async def _calm(self) -> None:
        self.disk.fuse.at = None
        self.world.how.clear()
        self.world.source_up = True
        await self._pass(CALM_SECONDS, 20)
        history = await self.house.store.history(HistoryQuery(limit=0))
        self.given_up = _given_up([line.delivery for line in history])
        self.world.wrong += differ(self.house.engine.memory, await self.house.store.load(), self.clock.now())

    def _everybody_knows_what_is_true(self) -> None:
        world, running = self.world, CONFIGS[self.config]
        for who in (*POSTED, *(who for alerts in RULED.values() for who in alerts)):
            fires, muted = world.fires(who), world.muted(who)
            receiver = "phone" if self.config == ONE_BOT and "bot=a" in who else "team"
            for name, recipient in _listeners(running):
                if (name, who) in self.given_up:
                    continue
                believes = world.believes.setdefault(name + recipient, set())
                if fires is False:
                    # The pager may have been disabled in the moment in which it was to be told.
                    if running.notifiers[name].send_resolved and name != "pager":
                        assert who not in believes, self._explained(f"{name} heard no end of {who}", who)
                    believes.discard(who)
                elif fires and muted is False and name in running.receivers[receiver]:
                    knows = believes | world.missed.get(name, set())
                    assert who in knows, self._explained(f"{name} was not told that {who} fires", who)
        world.settled()

    def _explained(self, what: str, who: str) -> str:
        """With the alert's own timeline: whoever looks for a mistake begins there."""
        key = labels(who).key
        notes = self.loop.run_until_complete(self.house.store.notes(alert_key=key, limit=40))
        lines = [
            f"{note.at:%H:%M:%S} {note.kind} {note.notifier} {note.text} {note.delivery_id[:4]}"
            for note in notes
        ]
        return "\n".join([what, *lines, f"now {self.clock.now():%H:%M:%S}"])

    def _holds(self) -> None:
        """At any moment: what was seen is right, a limit holds, one message of a group is under way at most
        and one waits."""
        memory = self.house.engine.memory
        many = memory.alerts_of_rule(MANY.id)
        assert sum(row.state is RuleAlertState.FIRING for row in many) <= 1
        live = Counter((row.group_id, row.notifier) for row in memory.deliveries.values())
        assert all(number <= 2 for number in live.values()), live
        assert not self.world.wrong, "\n".join(self.world.wrong)

    def teardown(self) -> None:
        """When all has ended everybody knows, and nothing is left behind."""
        try:
            if not self.world.wrong:
                self._play(self._everything_ends())
                self._everybody_knows_what_is_true()
        finally:
            self._clean_up()

    async def _everything_ends(self) -> None:
        self.disk.fuse.at = None
        await self._reload(0)
        for name in list(self.world.silences):
            await self._end_silence(name)
        await self._calm()

    def _clean_up(self) -> None:
        self.loop.run_until_complete(self._shut())
        self.loop.close()
        structlog.configure(**self.before)
        shutil.rmtree(self.folder)

    async def _shut(self) -> None:
        mine = asyncio.current_task()
        await self.house.end(task for task in asyncio.all_tasks() if task is not mine)
        await self.house.store.close()
        self.context.close()


def _listeners(running: Config) -> list[tuple[str, str]]:
    """Every enabled notifier, with each of its recipients."""
    enabled = [name for name in running.notifiers if _is_on(name, running)]
    return [(name, each) for name in enabled for each in (("x", "y") if name == "mail" else ("",))]


def _is_on(name: str, running: Config) -> bool:
    return name in running.notifiers and running.notifiers[name].enabled


def _given_up(history: list[Any]) -> set[tuple[str, str]]:
    """(notifier, alert) whose latest delivery is dead: the timeline says why."""
    from tests.scenarios.world import name_of

    last: dict[tuple[str, str], DeliveryState] = {}
    for row in sorted(history, key=lambda row: int(row.sequence)):
        if row.state is DeliveryState.SUPERSEDED:
            continue
        for shown in row.notification.alerts:
            who = name_of(shown.labels)
            if who is not None:
                last[row.notifier, who] = row.state
    return {pair for pair, state in last.items() if state is DeliveryState.DEAD}


def _fast_disk() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def play(examples: int, **more: Any) -> int:
    """Plays so many times; the number of steps, shrinking not counted, since nothing was to be shrunk."""
    Machine.executed = 0
    bounded = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(Machine, settings=bounded)
    return Machine.executed


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_happens_everybody_hears_what_is_true_and_once() -> None:
    steps = play(EXAMPLES, derandomize=True)
    print(f"{steps} steps")
    assert steps >= LEAST_STEPS


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_start_that_strands_what_was_being_sent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine can fail: this is what it would say."""
    monkeypatch.setattr(outbox, "release", lambda draft, ids=None: 0)
    with pytest.raises(AssertionError, match=r"was not told|heard no end"):
        play(EXAMPLES, derandomize=True, phases=[Phase.generate], print_blob=False)


def main() -> None:
    """Plays other steps each time; ends with the story of what went wrong when something does."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("--examples", type=int, default=4 * EXAMPLES)
    arguments.add_argument("--seed", type=int, default=None)
    chosen = arguments.parse_args()
    number = chosen.seed if chosen.seed is not None else random.randrange(1 << 30)
    print(f"seed {number}", flush=True)
    seed(number)(Machine)
    print(f"{play(chosen.examples)} steps, and everybody heard what is true")


if __name__ == "__main__":
    main()
