"""Sweep: silences that last until resolved, and maintenance windows, over time, restarts and reloads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import Span
from hbalert.core.maintenance import Recurrence, Window
from hbalert.core.silence import Silence, SilenceState, state
from hbalert.engine import Engine
from hbalert.errors import StoreError, StoreFull
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.sweep import LEAST_HISTORY, Sweeper
from hbalert.ports import Changes
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from tests.core.say import fires, m, s
from tests.fakes.clock import START, FakeClock
from tests.loops.test_deliver import config_of


class House:
    """An engine on a real store with its sweeper; `crash` leaves the store as a kill would."""

    def __init__(self, folder: Path, clock: FakeClock, *windows: Window) -> None:
        self.folder, self.clock = folder, clock
        self.windows = windows

    async def open(self) -> House:
        self.store = await SqliteStore.open(
            self.folder / "db", compile_regex=compile_regex, now=self.clock.now(), ballast_bytes=0
        )
        config = config_of(self.folder, "phone").model_copy(update={"maintenance": self.windows})
        self.engine = Engine(config, self.store, await self.store.load(), self.clock)
        await self.engine.start()
        self.sweeper = Sweeper(self.engine, self.engine.last_seen or self.clock.now())
        return self

    async def crash(self) -> House:
        """What is not committed is lost; the next process starts."""
        await self.store.close()
        return await self.open()

    async def pass_(self, seconds: float) -> None:
        """What the daemon does each second, after so many of them."""
        await self.clock.advance(seconds)
        await self.engine.look_at_clock()
        await self.sweeper.every_second(self.clock.now())

    async def go_to(self, moment: str) -> None:
        await self.pass_((datetime.fromisoformat(moment) - self.clock.now()).total_seconds())

    async def reload(self, *windows: Window) -> None:
        self.windows = windows
        await self.engine.reload(self.engine.config.model_copy(update={"maintenance": windows}))

    def states(self) -> list[str]:
        now = self.clock.now()
        rows = sorted(self.engine.memory.silences.values(), key=lambda row: (row.starts_at, row.ends_at))
        return [state(row, now).value for row in rows]

    def live(self) -> list[str]:
        """Starts and ends of what is active or pending, in UTC."""
        rows = [
            row
            for row in self.engine.memory.silences.values()
            if state(row, self.clock.now()) is not SilenceState.EXPIRED
        ]
        return [
            f"{row.starts_at:%a %H:%M}-{row.ends_at:%H:%M}" for row in sorted(rows, key=lambda r: r.starts_at)
        ]


async def lasting(house: House, seconds: float = 36_000) -> str:
    now = house.clock.now()
    silence = Silence(
        "", (m("n=1"),), now, now + s(seconds), "lin", "why", now, annotations={"until": "resolved"}
    )
    return await house.engine.put_silence(silence)


# --- until resolved ----------------------------------------------------------------------------


async def test_an_alert_that_ends_by_the_clock_ends_the_silence_in_that_second(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, 10), fires("alertname=Down n=2", 0, 900)])
    await lasting(house)
    await house.pass_(9)
    assert house.states() == ["active"]
    await house.pass_(1)
    assert house.states() == ["expired"]
    (row,) = (await house.store.load()).silences
    assert row.ends_at == START + s(10)
    await house.store.close()


async def test_the_end_of_a_silence_until_resolved_survives_a_crash(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await lasting(house)
    await house.clock.advance(10)
    await house.engine.accept([fires("alertname=Down n=1", 0, 10, at=10)])
    await house.crash()
    assert house.states() == ["expired"]
    await house.store.close()


async def test_it_still_lasts_until_resolved_after_a_crash(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await lasting(house)
    await house.crash()
    await house.pass_(1)
    assert house.states() == ["active"]
    await house.engine.accept([fires("alertname=Down n=1", 0, 1, at=1)])
    assert house.states() == ["expired"]
    await house.store.close()


async def test_an_end_that_came_between_the_last_look_and_a_crash_is_noticed(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, 10)])
    await lasting(house)
    await house.clock.advance(11)
    await house.store.touch(house.clock.now())  # seen alive after the end: no grace
    await house.crash()
    await Dispatcher(house.engine).step(house.clock.now())
    assert house.states() == ["expired"]
    await house.store.close()


async def test_an_end_that_came_while_nobody_was_there_waits_for_its_grace(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, 10)])
    await lasting(house)
    await house.store.touch(house.clock.now())
    await house.clock.advance(60)
    await house.crash()
    await house.pass_(1)
    assert house.states() == ["active"]
    for _ in range(20):
        await house.pass_(house.engine.config.alerts.resolve_timeout.total_seconds() / 20)
    assert house.states() == ["expired"]
    await house.store.close()


# --- maintenance windows -----------------------------------------------------------------------

# START is Sunday, 2026-03-01 12:00 UTC.
NOON = Window("noon", (m("n=1"),), Recurrence(cron="0 12 * * *", duration=timedelta(hours=1)), "why", "lin")
EVENING = replace(NOON, name="evening", recurrence=Recurrence(start=18 * 60, end=19 * 60))
SUNDAY = Window(
    "sunday", (m("n=1"),), Recurrence("Europe/Berlin", "30 2 * * sun", timedelta(hours=2)), "weekly", "lin"
)


async def test_the_running_occurrence_and_the_next_are_silences(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON, EVENING).open()
    assert house.live() == ["Sun 12:00-13:00", "Sun 18:00-19:00", "Mon 12:00-13:00"]
    (alert,) = [fires("alertname=Down n=1")]
    assert house.engine.quiet.of(alert.labels, house.engine.memory, house.clock.now()) != ()
    await house.store.close()


async def test_a_start_in_the_middle_of_a_window_is_quiet_before_anything_is_flushed(tmp_path: Path) -> None:
    clock = FakeClock()
    house = await House(tmp_path, clock).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await house.store.close()
    await clock.advance(20 * 60)
    house = await House(tmp_path, clock, NOON).open()
    await Dispatcher(house.engine).step(clock.now())
    assert list(house.engine.memory.deliveries.values()) == []
    assert house.live() == ["Sun 12:00-13:00", "Mon 12:00-13:00"]
    await house.store.close()


async def test_the_next_is_made_when_one_begins_and_what_was_missed_is_not_caught_up(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    await house.go_to("2026-03-02T11:59:59+00:00")
    assert house.live() == ["Mon 12:00-13:00"]
    await house.go_to("2026-03-02T12:00:00+00:00")
    assert house.live() == ["Mon 12:00-13:00", "Tue 12:00-13:00"]
    await house.go_to("2026-03-05T15:00:00+00:00")
    assert house.live() == ["Fri 12:00-13:00"]
    assert len(house.states()) == 4, "Wednesday and Thursday never were"
    await house.store.close()


async def test_what_is_over_is_heard_in_the_second_in_which_the_window_ends(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await Dispatcher(house.engine).step(house.clock.now())
    await house.pass_(3600)
    await Dispatcher(house.engine).step(house.clock.now())
    assert len(list(house.engine.memory.deliveries.values())) == 1
    await house.store.close()


async def test_a_restart_makes_nothing_twice(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    before = sorted(row.id for row in house.engine.memory.silences.values())
    await house.crash()
    await house.pass_(60)
    assert sorted(row.id for row in house.engine.memory.silences.values()) == before
    await house.store.close()


async def test_an_occurrence_that_was_ended_by_hand_is_not_made_again(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    running, tomorrow = sorted(house.engine.memory.silences.values(), key=lambda row: row.starts_at)
    for row in (running, tomorrow):
        assert await house.engine.expire_silence(row.id)
    await house.pass_(60)
    assert house.live() == []
    await house.crash()
    await house.pass_(60)
    assert house.live() == []
    await house.go_to("2026-03-02T12:00:00+00:00")
    assert house.live() == ["Tue 12:00-13:00"], "Monday's was ended ahead, Tuesday's was not"
    await house.store.close()


async def test_it_is_not_made_again_even_when_the_end_by_hand_is_older_than_the_retention(
    tmp_path: Path,
) -> None:
    yearly = replace(NOON, recurrence=Recurrence(cron="0 12 1 7 *", duration=timedelta(hours=1)))
    house = await House(tmp_path, FakeClock(), yearly).open()
    (row,) = house.engine.memory.silences.values()
    await house.engine.expire_silence(row.id)
    for month in (4, 5, 6):
        await house.go_to(f"2026-{month:02}-15T00:00:00+00:00")
        await house.sweeper.prune(house.clock.now())
        await house.crash()
    await house.go_to("2026-07-01T12:00:01+00:00")
    assert house.live() == ["Thu 12:00-13:00"], "next year's only"
    await house.store.close()


async def test_a_removed_window_is_heard_at_once(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON, EVENING).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await Dispatcher(house.engine).step(house.clock.now())
    await house.clock.advance(60)
    await house.reload(EVENING)
    assert house.live() == ["Sun 18:00-19:00"]
    await Dispatcher(house.engine).step(house.clock.now())
    assert len(list(house.engine.memory.deliveries.values())) == 1
    await house.store.close()


async def test_a_changed_window_takes_the_place_of_the_old_one_without_a_gap(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    await house.engine.accept([fires("alertname=Down n=1", 0, None)])
    await Dispatcher(house.engine).step(house.clock.now())
    await house.clock.advance(60)
    await house.reload(replace(NOON, recurrence=Recurrence(cron="0 12 * * *", duration=timedelta(hours=3))))
    assert house.live() == ["Sun 12:00-15:00", "Mon 12:00-15:00"]
    await Dispatcher(house.engine).step(house.clock.now())
    assert list(house.engine.memory.deliveries.values()) == []
    await house.store.close()


async def test_a_window_that_comes_back_is_quiet_again_now_and_next_time(tmp_path: Path) -> None:
    """A reload that drops it by mistake, and the next one that puts it right."""
    house = await House(tmp_path, FakeClock(), NOON).open()
    await house.clock.advance(60)
    await house.reload()
    assert house.live() == []
    await house.clock.advance(60)
    await house.reload(NOON)
    assert house.live() == ["Sun 12:00-13:00", "Mon 12:00-13:00"]
    await house.crash()
    assert house.live() == ["Sun 12:00-13:00", "Mon 12:00-13:00"]
    await house.store.close()


async def test_one_that_was_ended_by_hand_stays_ended_when_its_window_comes_back(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    running = min(house.engine.memory.silences.values(), key=lambda row: row.starts_at)
    await house.engine.expire_silence(running.id)
    await house.reload()
    await house.reload(NOON)
    assert house.live() == ["Mon 12:00-13:00"]
    await house.store.close()


async def test_a_full_disk_that_takes_no_occurrence_does_not_keep_an_end_from_being_heard(
    tmp_path: Path,
) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    now = house.clock.now()
    other = Silence("", (m("n=2"),), now, now + s(86_400), "lin", "why", now)
    await house.engine.accept([fires("alertname=Down n=2", 0, None)])
    await house.engine.put_silence(other)
    await Dispatcher(house.engine).step(house.clock.now())
    house.store._writer.ballast._size, house.store._writer.ballast.spent = 1 << 60, True
    with pytest.raises(StoreFull):
        await house.pass_(86_400)
    assert [note.kind for note in await house.store.notes() if "silence" in note.kind] == [
        "silenced",
        "silenced",
        "unsilenced",
    ]
    await house.store.close()


async def test_a_reload_beside_a_unit_that_the_store_refuses_is_heard_at_once_too(tmp_path: Path) -> None:
    """The store refuses the first commit; what is decided again must not be compared with itself."""
    house = await House(tmp_path, FakeClock()).open()
    rule = InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),))
    quiet = house.engine.config.model_copy(update={"inhibit_rules": (rule,)})
    await house.engine.reload(quiet)
    await house.engine.accept([fires("alertname=Down n=1", 0, None), fires("alertname=Slow n=2", 0, None)])
    await Dispatcher(house.engine).step(house.clock.now())
    commit = house.store.commit
    refused: list[Sequence[Changes]] = []

    async def once(changes: Sequence[Changes]) -> None:
        if not refused:
            refused.append(changes)
            raise StoreError("a row that cannot be stored")
        await commit(changes)

    house.store.commit = once  # type: ignore[method-assign]
    loud = quiet.model_copy(update={"inhibit_rules": ()})
    await asyncio.gather(house.engine.accept([fires("alertname=Else", 1, None)]), house.engine.reload(loud))
    assert len(refused) == 1
    await Dispatcher(house.engine).step(house.clock.now())
    said = [row.notification.alerts for row in house.engine.memory.deliveries.values()]
    assert "Slow" in {alert.labels["alertname"] for alerts in said for alert in alerts}
    await house.store.close()


async def test_what_was_changed_by_hand_is_left_alone(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    running, _ = sorted(house.engine.memory.silences.values(), key=lambda row: row.starts_at)
    longer = replace(running, ends_at=running.ends_at + timedelta(hours=2), window="", kept_until=None)
    assert await house.engine.put_silence(longer, running.id) == running.id
    await house.reload()
    await house.pass_(60)
    assert house.live() == ["Sun 12:00-15:00"]
    await house.store.close()


async def test_windows_made_at_run_time_survive_a_crash_and_end_when_removed(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock()).open()
    await house.engine.add_window(replace(NOON, made_at=house.clock.now()))
    await house.crash()
    assert house.live() == ["Sun 12:00-13:00", "Mon 12:00-13:00"]
    assert list(house.engine.windows()) == ["noon"]
    assert await house.engine.remove_window("noon")
    assert not await house.engine.remove_window("noon")
    await house.crash()
    assert (house.live(), house.engine.windows()) == ([], {})
    await house.store.close()


async def test_a_window_over_the_change_to_summer_time(tmp_path: Path) -> None:
    """02:30 does not exist in Berlin on 2026-03-29: it begins at 03:00 summer time, which is 01:00 UTC."""
    clock = FakeClock(datetime(2026, 3, 28, 12, tzinfo=UTC))
    house = await House(tmp_path, clock, SUNDAY).open()
    assert house.live() == ["Sun 01:00-03:00"]
    await house.go_to("2026-03-29T00:59:59+00:00")
    assert house.states() == ["pending"]
    await house.go_to("2026-03-29T01:00:00+00:00")
    assert house.live() == ["Sun 01:00-03:00", "Sun 00:30-02:30"]
    assert house.states() == ["active", "pending"]
    await house.store.close()


async def test_a_window_over_the_change_to_winter_time_comes_once(tmp_path: Path) -> None:
    """02:30 comes twice in Berlin on 2026-10-25: at 00:30 and at 01:30 UTC."""
    clock = FakeClock(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    night = Window("night", (m("n=1"),), Recurrence("Europe/Berlin", start=150, end=180), "", "")
    house = await House(tmp_path, clock, SUNDAY, night).open()
    assert sorted(house.live())[1:3] == ["Sun 00:30-02:00", "Sun 00:30-02:30"]
    await house.go_to("2026-10-25T01:30:00+00:00")
    expected = ["Mon 01:30-02:00", "Sun 00:30-02:00", "Sun 00:30-02:30", "Sun 01:30-03:30"]
    assert sorted(house.live()) == expected
    await house.store.close()


async def test_working_days_are_those_of_the_place(tmp_path: Path) -> None:
    """Monday 06:00 in Shanghai is Sunday 22:00 UTC."""
    monday = Recurrence("Asia/Shanghai", weekdays=(Span(1, 1),), start=6 * 60, end=7 * 60)
    house = await House(tmp_path, FakeClock(), Window("open", (m("n=1"),), monday)).open()
    assert house.live() == ["Sun 22:00-23:00"]
    await house.store.close()


async def test_a_clock_that_is_set_back_ends_nothing_and_makes_nothing_twice(tmp_path: Path) -> None:
    """What goes by the calendar goes by what the clock shows now."""
    house = await House(tmp_path, FakeClock(), NOON).open()
    await house.go_to("2026-03-02T12:00:10+00:00")
    before = sorted(house.engine.memory.silences.values(), key=lambda row: row.id)
    house.clock.step(-3600)
    await house.engine.look_at_clock()
    await house.sweeper.every_second(house.clock.now())
    assert house.live() == ["Mon 12:00-13:00", "Tue 12:00-13:00"]
    assert house.states() == ["expired", "pending", "pending"]
    await house.go_to("2026-03-02T12:00:10+00:00")
    assert house.states() == ["expired", "active", "pending"]
    assert sorted(house.engine.memory.silences.values(), key=lambda row: row.id) == before
    await house.store.close()


# --- retention ---------------------------------------------------------------------------------


async def test_ended_silences_are_kept_as_long_as_alertmanager_keeps_them(tmp_path: Path) -> None:
    """However short the retention is: 120 hours."""
    house = await House(tmp_path, FakeClock()).open()
    short = house.engine.config.storage.model_copy(update={"retention": timedelta(minutes=1)})
    house.engine.config = house.engine.config.model_copy(update={"storage": short})
    now = house.clock.now()
    await house.engine.put_silence(Silence("", (m("n=1"),), now, now + s(60), "lin", "why", now))
    await house.clock.advance(60 + LEAST_HISTORY.total_seconds())
    await house.sweeper.prune(house.clock.now())
    assert house.states() == ["expired"]
    await house.clock.advance(1)
    await house.sweeper.prune(house.clock.now())
    assert (house.states(), (await house.store.load()).silences) == ([], ())
    await house.store.close()


async def test_occurrences_of_windows_are_kept_no_longer_than_that(tmp_path: Path) -> None:
    house = await House(tmp_path, FakeClock(), NOON).open()
    house.windows = ()
    await house.engine.reload(house.engine.config.model_copy(update={"maintenance": ()}))
    await house.clock.advance(3600 * 24 + 3600 + LEAST_HISTORY.total_seconds() + 1)
    await house.sweeper.prune(house.clock.now())
    assert house.states() == []
    await house.store.close()
