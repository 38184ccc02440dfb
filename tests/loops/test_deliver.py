"""Deliver: from the outbox to a channel and back, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hbalert.clock import SystemClock
from hbalert.config.channels import NotifierSettings
from hbalert.config.channels.log import LogSettings
from hbalert.config.types import AlertSettings, Config, EvaluationSettings, ServerSettings, StorageSettings
from hbalert.core.alert import report
from hbalert.core.delivery import Delivery, DeliveryState, Pace
from hbalert.core.route import Route
from hbalert.engine import Engine
from hbalert.errors import NotNow, Permanent, Transient
from hbalert.loops.deliver import Deliverer
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.run import run
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Channel, HistoryLine, HistoryQuery, Message, Receipt
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from hbalert.units import outbox
from tests.core.say import labels

QUICK = timedelta(milliseconds=50)


class Phone:
    """A channel that says what its test tells it to say; it stands for a far side, not for a protocol."""

    style, max_bytes, concurrency = "text", 0, 2
    pace: Pace | None = None

    def __init__(self, *answers: Receipt | Exception) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[str, str]] = []
        self.rang = asyncio.Event()
        self.hang = False
        self.closed = False

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        if self.hang:
            await asyncio.Event().wait()
        answer = self.answers.pop(0) if self.answers else Receipt("ok")
        self.heard.append((message.notification.status, delivery_id))
        self.rang.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.closed = True


class Counting(Phone):
    """Notes how many commits there were when it was called."""

    store: SqliteStore
    commits = 0

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        self.commits = self.store.transactions
        return await super().send(message, delivery_id=delivery_id, now=now, skip=skip)


def speak(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: datetime) -> Message:
    return Message("subject", "text", delivery.notification)


def config_of(tmp_path: Path, *names: str, **more: Any) -> Config:
    route = Route("{}", "{}", "team", group_by=("n",), group_wait=timedelta(), group_interval=QUICK)
    return Config(
        root=tmp_path,
        server=ServerSettings(),
        storage=StorageSettings(),
        sources={},
        evaluation=EvaluationSettings(),
        alerts=AlertSettings(),
        notifiers={name: LogSettings(type="log", name=name, **more) for name in names},
        receivers={"team": names, **{name: (name,) for name in names}},
        route=route,
        groups=(),
    )


class House:
    """An engine on a real store with its dispatch and deliver loops."""

    def __init__(self, engine: Engine, store: SqliteStore, deliverer: Deliverer) -> None:
        self.engine, self.store, self.deliverer = engine, store, deliverer

    async def fires(self, name: str, lives: float = 3600) -> None:
        now = self.engine.clock.now()
        ends = now + timedelta(seconds=lives)
        who = labels(f"alertname=Down n={name}")
        known = self.engine.memory.alerts.get(who.key)
        start = known.starts_at if known else now
        await self.engine.accept([report(who, origin="api", starts_at=start, ends_at=ends, now=now)])

    async def until(self, holds: Callable[[list[HistoryLine]], bool]) -> list[HistoryLine]:
        async with asyncio.timeout(10):
            while True:
                lines = [line for line in await self.store.history(HistoryQuery()) if not about_us(line)]
                if holds(lines):
                    return lines
                await asyncio.sleep(0.01)


@asynccontextmanager
async def house(tmp_path: Path, config: Config, phones: dict[str, Phone]) -> AsyncIterator[House]:
    clock = SystemClock()
    store = await SqliteStore.open(tmp_path / "db", compile_regex=compile_regex, now=clock.now())
    engine = Engine(config, store, await store.load(), clock)
    await engine.start()
    deliverer = Deliverer(engine, lambda settings: phones[settings.name], speak, Metrics())
    wake = asyncio.Event()

    def changed(draft: Draft) -> None:
        wake.set()
        deliverer.wake()

    engine.changed = changed
    deliverer.use(config.notifiers)
    dispatching = asyncio.create_task(run("dispatch", Dispatcher(engine, deliverer).step, wake, clock))
    try:
        yield House(engine, store, deliverer)
    finally:
        dispatching.cancel()
        await deliverer.stop(1)
        await engine.desk.drain()
        await store.close()


def about_us(line: HistoryLine) -> bool:
    """Whether it tells of a delivery that was given up."""
    return line.delivery.notification.alerts[0].labels["alertname"] == "HbalertDeliveryDead"


def states(lines: list[HistoryLine]) -> list[str]:
    return [line.delivery.state.value for line in lines]


async def test_an_alert_reaches_the_phone_and_so_does_its_end(tmp_path: Path) -> None:
    phone = Phone()
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        await at.until(lambda lines: states(lines) == ["sent"])
        await at.fires("1", lives=0)
        await at.until(lambda lines: states(lines) == ["sent", "sent"])
    assert [status for status, _ in phone.heard] == ["firing", "resolved"]
    assert phone.closed


async def test_what_a_free_notifier_has_to_hear_is_claimed_with_the_look_that_says_so(tmp_path: Path) -> None:
    phone = Counting()
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        phone.store, before = at.store, at.store.transactions
        await at.fires("1")
        await at.until(lambda lines: states(lines) == ["sent"])
    assert phone.commits - before == 2, "one for the alert, one for the look at its group"


async def test_what_was_claimed_for_a_notifier_that_has_gone_meanwhile_waits(tmp_path: Path) -> None:
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": Phone()}) as at:
        at.deliverer.use({})
        await at.fires("1")
        await at.until(lambda lines: states(lines) == ["queued"])
        claimed = await at.engine.desk.work(lambda draft: outbox.claim(draft, "phone", None, 5))
        assert [row.state for row in at.engine.memory.deliveries.values()] == [DeliveryState.SENDING]
        await at.deliverer.send(claimed)
        assert [row.state for row in at.engine.memory.deliveries.values()] == [DeliveryState.QUEUED]


async def test_a_transient_failure_is_tried_again_with_the_same_id(tmp_path: Path) -> None:
    phone = Phone(Transient("503 busy", reason="server"))
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        (line,) = await at.until(lambda lines: states(lines) == ["sent"])
    assert [attempt.result for attempt in line.attempts] == ["transient", "sent"]
    assert len({identity for _, identity in phone.heard}) == 1


async def test_a_refusal_is_dead_visible_and_harms_no_other_notifier(tmp_path: Path) -> None:
    refuses, works = Phone(Permanent("bad signature", reason="auth")), Phone()
    phones = {"refuses": refuses, "works": works}
    async with house(tmp_path, config_of(tmp_path, *phones), phones) as at:
        await at.fires("1")
        lines = await at.until(lambda lines: sorted(states(lines)) == ["dead", "sent"])
    (dead,) = [line for line in lines if line.delivery.notifier == "refuses"]
    assert dead.delivery.last_answer == "bad signature"
    assert dead.attempts[0].reason == "auth"


async def test_that_a_delivery_was_given_up_is_told_to_whom_it_can_be(tmp_path: Path) -> None:
    phones = {"refuses": Phone(Permanent("bad signature", reason="auth")), "works": Phone()}
    config = config_of(tmp_path, *phones)
    config = config.model_copy(update={"route": replace(config.route, receiver="refuses")})
    async with house(tmp_path, config, phones) as at:
        await at.fires("1")
        async with asyncio.timeout(10):
            while not any(map(about_us, lines := await at.store.history(HistoryQuery(notifier="works")))):
                await asyncio.sleep(0.01)
    (alert,) = lines[0].delivery.notification.alerts
    assert alert.annotations["summary"] == "refuses was not told: first notification of 1 alert"
    assert alert.annotations["description"].startswith("bad signature; ")


async def test_a_hanging_notifier_holds_up_only_itself(tmp_path: Path) -> None:
    hangs, works = Phone(), Phone()
    hangs.hang = True
    phones = {"hangs": hangs, "works": works}
    async with house(tmp_path, config_of(tmp_path, *phones), phones) as at:
        for number in range(5):
            await at.fires(str(number))
        await at.until(lambda lines: states(lines).count("sent") == 5)
    assert hangs.heard == []


async def test_what_was_being_sent_at_the_end_is_sent_after_the_next_start(tmp_path: Path) -> None:
    phone = Phone()
    phone.hang = True
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        await at.until(lambda lines: states(lines) == ["sending"])
    again = Phone()
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": again}) as at:
        await at.until(lambda lines: states(lines) == ["sent"])
    assert [status for status, _ in again.heard] == ["firing"]


async def test_a_gateway_that_says_not_now_is_left_alone(tmp_path: Path) -> None:
    phone = Phone(NotNow("limited", reason="rate limit", retry_after=timedelta(hours=1)))
    phone.concurrency = 1
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        await at.until(lambda lines: bool(lines) and len(lines[0].attempts) == 1)
        await at.fires("2")
        lines = await at.until(lambda lines: len(lines) == 2)
    assert states(lines) == ["queued", "queued"]
    assert len(phone.heard) == 1


async def test_some_recipients_later_means_another_attempt_for_them(tmp_path: Path) -> None:
    phone = Phone(Receipt("partly", delivered=("a",), deferred={"b": "451 later"}))
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        (line,) = await at.until(lambda lines: states(lines) == ["sent"])
    assert line.delivery.reached == {"a"}


async def test_an_error_nobody_expected_is_transient(tmp_path: Path) -> None:
    phone = Phone(RuntimeError("bug"))
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await at.fires("1")
        (line,) = await at.until(lambda lines: states(lines) == ["sent"])
    assert line.attempts[0].answer == "unexpected: RuntimeError"


async def test_the_fallback_takes_over(tmp_path: Path) -> None:
    phones = {"first": Phone(Permanent("no", reason="client")), "second": Phone()}
    config = config_of(tmp_path, *phones)
    first = config.notifiers["first"].model_copy(update={"fallback": ("second",)})
    config = config.model_copy(
        update={
            "notifiers": {**config.notifiers, "first": first},
            "route": replace(config.route, receiver="first"),
        }
    )
    async with house(tmp_path, config, phones) as at:
        await at.fires("1")
        await at.until(lambda lines: sorted(states(lines)) == ["dead", "sent"])
    assert [status for status, _ in phones["second"].heard][:1] == ["firing"]


@pytest.mark.parametrize("keep", [True, False], ids=["unchanged settings", "changed settings"])
async def test_a_reload_exchanges_only_what_changed(tmp_path: Path, keep: bool) -> None:
    phone = Phone()
    config = config_of(tmp_path, "phone")
    async with house(tmp_path, config, {"phone": phone}) as at:
        settings = config.notifiers["phone"]
        changed = settings if keep else settings.model_copy(update={"language": "zh"})
        at.deliverer.use({"phone": changed})
        await at.fires("1")
        await at.until(lambda lines: states(lines) == ["sent"])
        assert phone.closed is not keep


async def test_what_a_replaced_worker_did_not_begin_is_sent_by_the_next(tmp_path: Path) -> None:
    slow, quick = Phone(), Phone()
    slow.hang = True
    phones = {"only": slow}
    config = config_of(tmp_path, "only")
    async with house(tmp_path, config, phones) as home:
        for name in "abcd":
            await home.fires(name)
        while sum(row.state is DeliveryState.SENDING for row in home.engine.memory.deliveries.values()) < 4:
            await asyncio.sleep(0.01)
        worker = home.deliverer._workers.pop("only")
        phones["only"] = quick
        home.deliverer.use(config.notifiers)
        await worker.stop(0.1, retires=True)
        await home.until(lambda lines: states(lines).count("sent") == 4)
    assert len(quick.heard) == 4


async def test_a_worker_that_is_stopped_while_it_claims_leaves_nothing_behind(tmp_path: Path) -> None:
    phone = Phone()
    phones = {"only": phone}
    config = config_of(tmp_path, "only")
    async with house(tmp_path, config, phones) as home:
        worker = home.deliverer._workers["only"]
        work = home.engine.desk.work
        claiming = asyncio.Event()

        async def slowly(unit: Callable[[Draft], Any]) -> Any:
            answer = await work(unit)
            if isinstance(answer, list) and answer:
                claiming.set()
                await asyncio.sleep(0.05)
            return answer

        home.engine.desk.work = slowly  # type: ignore[method-assign]
        await home.fires("a")
        await claiming.wait()
        del home.deliverer._workers["only"]
        await worker.stop(1, retires=True)
        home.deliverer.use(config.notifiers)
        await home.until(lambda lines: states(lines) == ["sent"])


async def test_a_notifier_of_the_same_receiver_is_no_fallback_as_well(tmp_path: Path) -> None:
    config = config_of(tmp_path, "first", "second")
    first = config.notifiers["first"].model_copy(update={"fallback": ("second",)})
    config = config.model_copy(update={"notifiers": {**config.notifiers, "first": first}})
    phones = {"first": Phone(Permanent("no", reason="client")), "second": Phone()}
    async with house(tmp_path, config, phones) as home:
        await home.fires("a")
        await home.until(lambda lines: sorted(states(lines)) == ["dead", "sent"])
        lines = await home.store.history(HistoryQuery(notifier="second"))
    assert len([line for line in lines if not about_us(line)]) == 1


async def test_a_look_at_a_group_that_fails_is_taken_again(tmp_path: Path) -> None:
    config = config_of(tmp_path, "only")
    async with house(tmp_path, config, {"only": Phone()}) as home:
        good = home.engine.destinations
        home.engine.destinations = replace(good, routes={})
        await home.fires("a")
        await asyncio.sleep(0.1)
        home.engine.destinations = good
        await home.until(lambda lines: states(lines) == ["sent"])


async def test_a_reload_of_the_routes_while_a_group_is_looked_at_forgets_no_group(tmp_path: Path) -> None:
    config = config_of(tmp_path, "only")
    async with house(tmp_path, config, {"only": Phone()}) as home:
        other = config.model_copy(update={"route": replace(config.route, id="{x}", key="{x}")})
        failed: list[str] = []

        def look(draft: Draft) -> None:
            for _, group in list(draft.groups.items()):
                if group.route_id not in home.engine.destinations.routes:
                    failed.append(group.id)

        await home.fires("a")
        # Decided in one batch: what waits already, then the reload.
        looking = asyncio.ensure_future(home.engine.desk.work(look))
        await asyncio.sleep(0)
        await home.engine.reload(other)
        await looking
    assert failed == []


async def test_what_was_claimed_together_waits_too_when_the_first_hears_that_it_is_not_the_time(
    tmp_path: Path,
) -> None:
    phone = Phone(NotNow("limited", reason="rate limit", retry_after=timedelta(hours=1)))
    phone.concurrency = 1
    async with house(tmp_path, config_of(tmp_path, "phone"), {"phone": phone}) as at:
        await asyncio.gather(*(at.fires(str(n)) for n in range(6)))
        await at.until(lambda lines: bool(lines) and sum(len(line.attempts) for line in lines) >= 1)
        lines = await at.until(lambda lines: states(lines) == ["queued"] * 6)
    assert len(phone.heard) == 1
    assert [line.delivery.attempts for line in lines] == [0] * 6
