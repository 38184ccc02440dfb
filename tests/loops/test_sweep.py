"""Sweep: ends of silences and refreshes that must be written, on a real store."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hbalert.core.silence import Silence
from hbalert.engine import Engine
from hbalert.errors import StoreFull
from hbalert.loops.sweep import Sweeper
from hbalert.ports import Changes
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from tests.core.say import fires, m, s
from tests.fakes.clock import START, FakeClock
from tests.loops.test_deliver import config_of


async def opened(tmp_path: Path, clock: FakeClock) -> tuple[Engine, SqliteStore]:
    store = await SqliteStore.open(tmp_path / "db", compile_regex=compile_regex, now=clock.now())
    engine = Engine(config_of(tmp_path, "phone"), store, await store.load(), clock)
    await engine.start()
    return engine, store


async def silenced(engine: Engine, seconds: float) -> None:
    now = engine.clock.now()
    silence = Silence("", (m("n=1"),), now, now + s(seconds), "lin", "why", now)
    await engine.put_silence(silence)
    await engine.accept([fires("alertname=Down n=1", 0, 90000)])
    await engine.desk.work(lambda draft: engine.flush_into(draft, engine.memory.flushes.due(draft.now)))


def due_in(engine: Engine) -> timedelta:
    (group,) = engine.memory.groups.values()
    return group.next_flush_at - engine.clock.now()


async def test_a_group_is_due_in_the_second_in_which_a_silence_over_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    engine, store = await opened(tmp_path, clock)
    sweeper = Sweeper(engine, clock.now())
    await silenced(engine, 0.02)
    before = due_in(engine)
    await clock.advance(0.03)
    await sweeper.every_second(clock.now())
    assert due_in(engine) <= timedelta(0) < before
    await store.close()


async def test_a_silence_that_ended_while_nobody_was_there_reopens_its_group(tmp_path: Path) -> None:
    clock = FakeClock()
    engine, store = await opened(tmp_path, clock)
    await silenced(engine, 0.02)
    await store.touch(clock.now())
    await store.close()
    await clock.advance(0.03)
    engine, store = await opened(tmp_path, clock)
    assert engine.last_seen == START
    assert due_in(engine) > timedelta(0)
    await Sweeper(engine, engine.last_seen).every_second(clock.now())
    assert due_in(engine) <= timedelta(0)
    await store.close()


async def test_a_reopening_that_could_not_be_stored_is_tried_again(tmp_path: Path) -> None:
    clock = FakeClock()
    engine, store = await opened(tmp_path, clock)
    sweeper = Sweeper(engine, clock.now())
    await silenced(engine, 0.02)
    await clock.advance(0.03)
    commit, refused = store.commit, []

    async def full(changes: list[Changes]) -> None:
        refused.append(changes)
        raise StoreFull("no room")

    store.commit = full  # type: ignore[assignment, method-assign]
    try:
        await sweeper.every_second(clock.now())
    except StoreFull:
        store.commit = commit  # type: ignore[method-assign]
    await sweeper.every_second(clock.now())
    assert len(refused) == 1
    assert due_in(engine) <= timedelta(0)
    await store.close()


async def test_a_refresh_is_written_before_half_of_the_stored_time_has_passed(tmp_path: Path) -> None:
    clock = FakeClock()
    engine, store = await opened(tmp_path, clock)
    sweeper = Sweeper(engine, clock.now())
    await engine.accept([fires("alertname=Down n=1", 0, 100)])
    await clock.advance(10)
    await engine.accept([fires("alertname=Down n=1", 0, 110, at=10)])
    await sweeper.every_second(clock.now())
    assert [alert.ends_at for alert in (await store.load()).alerts] == [START + s(100)]
    await clock.advance(39)
    await sweeper.every_second(clock.now())
    assert [alert.ends_at for alert in (await store.load()).alerts] == [START + s(110)]
    await store.close()


async def test_another_text_of_an_alert_without_an_end_holds_nothing_up(tmp_path: Path) -> None:
    clock = FakeClock()
    engine, store = await opened(tmp_path, clock)
    sweeper = Sweeper(engine, clock.now())
    await silenced(engine, 0.02)
    (group,) = engine.memory.groups.values()
    for text in ("value 7", "value 8"):
        await engine.accept([fires("alertname=Slow n=2", 0, None, origin="rule:r", note=text)])
    assert engine.memory.unwritten
    await clock.advance(0.03)
    await sweeper.every_second(clock.now())
    looked = engine.memory.groups.get(group.id)
    assert looked is not None
    assert looked.next_flush_at < group.next_flush_at, "the end of the silence was noticed"
    await store.close()
