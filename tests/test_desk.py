"""The desk: decided in turn, committed together, answered when durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hbalert.core.labels import Labels
from hbalert.desk import Desk
from hbalert.errors import StoreError, StoreFull
from hbalert.memory import Draft, Memory
from hbalert.ports import Changes, Snapshot
from tests.core.say import fires
from tests.fakes.clock import START, FakeClock, settle


class Gate:
    """A store that commits when it is told to, or refuses. It stands for the seam, not for SQLite."""

    def __init__(self) -> None:
        self.commits: list[Changes] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuse: StoreError | None = None
        self.poison: Labels | None = None

    async def commit(self, changes: Sequence[Changes]) -> None:
        await self.open.wait()
        if self.refuse:
            raise self.refuse
        if self.poison and any(self.poison.key in each.alerts for each in changes):
            raise StoreError("this row cannot be stored")
        self.commits += changes


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def desk(gate: Gate) -> Desk:
    return Desk(Memory(Snapshot(), START), gate, FakeClock())  # type: ignore[arg-type]


def put(who: str):  # type: ignore[no-untyped-def]
    def unit(draft: Draft) -> int:
        draft.put_alert(fires(who))
        return sum(1 for _ in draft.alerts.items())

    return unit


async def test_memory_changes_only_after_the_commit(desk: Desk, gate: Gate) -> None:
    gate.open.clear()
    working = asyncio.create_task(desk.work(put("a=1")))
    await settle()
    assert len(desk.memory.alerts) == 0
    assert not working.done()
    gate.open.set()
    assert await working == 1
    assert len(desk.memory.alerts) == 1


async def test_units_that_come_during_a_commit_share_the_next_one_and_see_each_other(
    desk: Desk, gate: Gate
) -> None:
    gate.open.clear()
    first = asyncio.create_task(desk.work(put("a=1")))
    await settle()
    others = [asyncio.create_task(desk.work(put(f"a={n}"))) for n in range(2, 10)]
    await settle()
    gate.open.set()
    assert [await task for task in [first, *others]] == list(range(1, 10))
    assert len(gate.commits) == 2


async def test_a_unit_that_fails_leaves_nothing_and_harms_nobody(desk: Desk, gate: Gate) -> None:
    def broken(draft: Draft) -> None:
        draft.put_alert(fires("a=broken"))
        raise ValueError("no")

    results = await asyncio.gather(
        desk.work(put("a=1")), desk.work(broken), desk.work(put("a=2")), return_exceptions=True
    )
    assert results[0] == 1
    assert isinstance(results[1], ValueError)
    assert results[2] == 2
    assert len(desk.memory.alerts) == 2


async def test_a_full_disk_refuses_everybody_and_memory_is_as_it_was(desk: Desk, gate: Gate) -> None:
    gate.refuse = StoreFull("no room")
    results = await asyncio.gather(desk.work(put("a=1")), desk.work(put("a=2")), return_exceptions=True)
    assert all(isinstance(result, StoreFull) for result in results)
    assert len(desk.memory.alerts) == 0
    gate.refuse = None
    assert await desk.work(put("a=3")) == 1


async def test_a_row_the_store_cannot_take_refuses_only_whose_it_is(desk: Desk, gate: Gate) -> None:
    gate.poison = fires("a=2").labels
    results = await asyncio.gather(*(desk.work(put(f"a={n}")) for n in (1, 2, 3)), return_exceptions=True)
    assert [isinstance(result, StoreError) for result in results] == [False, True, False]
    assert len(desk.memory.alerts) == 2


async def test_a_caller_that_goes_away_does_not_undo_the_commit(desk: Desk, gate: Gate) -> None:
    gate.open.clear()
    working = asyncio.create_task(desk.work(put("a=1")))
    await settle()
    working.cancel()
    await settle()
    gate.open.set()
    await desk.drain()
    assert len(desk.memory.alerts) == 1


async def test_a_unit_that_writes_nothing_costs_no_commit(desk: Desk, gate: Gate) -> None:
    assert await desk.work(lambda draft: "seen") == "seen"
    assert gate.commits == []


async def test_who_waits_for_work_is_told_what_was_committed(desk: Desk) -> None:
    seen: list[int] = []
    desk.changed = lambda draft: seen.append(len(draft.alerts.changed()))
    await desk.work(put("a=1"))
    assert seen == [1]


async def test_a_full_disk_refuses_what_is_new_and_takes_what_is_in_flight(desk: Desk, gate: Gate) -> None:
    """As the store does: a row that is not known is refused while there is no room."""
    await desk.work(put("a=1"))
    full, refused = gate.commit, []

    async def commit(changes: Sequence[Changes]) -> None:
        if any(key not in desk.memory.alerts.changed() for each in changes for key in each.alerts):
            refused.append(changes)
            raise StoreFull("no room")
        await full(changes)

    gate.commit = commit  # type: ignore[method-assign]

    def note(draft: Draft) -> str:
        draft.note("sent", "told")
        return "settled"

    answers = await asyncio.gather(
        desk.work(put("a=1")),
        desk.work(put("a=2")),
        desk.work(note),
        desk.work(put("a=3")),
        return_exceptions=True,
    )
    assert [isinstance(each, StoreFull) for each in answers] == [False, True, False, True]
    assert answers[2] == "settled"
    assert len(refused) == 1
    assert len(desk.memory.alerts) == 1


async def test_a_disk_without_any_room_refuses_everybody_once(desk: Desk, gate: Gate) -> None:
    await desk.work(put("a=1"))
    gate.refuse = StoreFull("no room")
    answers = await asyncio.gather(desk.work(put("a=1")), desk.work(put("a=2")), return_exceptions=True)
    assert [type(each) for each in answers] == [StoreFull, StoreFull]


async def test_a_jump_of_the_clock_is_followed_before_anything_is_decided(gate: Gate) -> None:
    clock, order = FakeClock(), []
    desk = Desk(Memory(Snapshot(), START), gate, clock)  # type: ignore[arg-type]
    desk.follow = lambda draft, jump: order.append(("follow", jump.by.total_seconds()))
    desk.followed = lambda jump: order.append(("followed", 0.0))
    await desk.work(lambda draft: order.append(("unit", (draft.now - START).total_seconds())))
    clock.step(-3600)
    await desk.work(lambda draft: order.append(("unit", (draft.now - START).total_seconds())))
    await desk.work(lambda draft: None)
    assert order == [("unit", 0), ("follow", -3600), ("followed", 0), ("unit", -3600)]


async def test_nothing_is_decided_on_a_clock_that_could_not_be_followed(gate: Gate) -> None:
    clock = FakeClock()
    desk = Desk(Memory(Snapshot(), START), gate, clock)  # type: ignore[arg-type]
    desk.follow = lambda draft, jump: draft.note("clock", f"{jump.by}")
    gate.refuse = StoreFull("no room")
    clock.step(3600)
    for _ in range(2):
        with pytest.raises(StoreFull):
            await desk.work(put("a=1"))
    gate.refuse = None
    await desk.work(put("a=1"))
    assert [note.text for each in gate.commits for note in each.notes] == ["1:00:00"]


async def test_a_mistake_in_following_a_jump_stops_nobody(gate: Gate) -> None:
    clock = FakeClock()
    desk = Desk(Memory(Snapshot(), START), gate, clock)  # type: ignore[arg-type]
    desk.follow = lambda draft, jump: [][0]
    clock.step(3600)
    assert await desk.work(put("a=1")) == 1


async def test_a_jump_is_not_followed_twice_when_something_fails_after_it(gate: Gate) -> None:
    clock, followed = FakeClock(), []
    desk = Desk(Memory(Snapshot(), START), gate, clock)  # type: ignore[arg-type]
    desk.follow = lambda draft, jump: followed.append(jump.by.total_seconds())
    desk.followed = lambda jump: [][0]
    clock.step(3600)
    with pytest.raises(IndexError):
        await desk.work(put("a=1"))
    assert await desk.work(put("a=1")) == 1
    assert followed == [3600]


async def test_a_full_disk_takes_what_tells_that_it_is_full(desk: Desk, gate: Gate) -> None:
    vital = fires("alertname=Full").labels.key

    async def commit(changes: Sequence[Changes]) -> None:
        if any(each.alerts.keys() - each.vital for each in changes):
            raise StoreFull("no room")
        gate.commits += changes

    def own(draft: Draft) -> None:
        draft.put_alert(fires("alertname=Full"))
        draft.vital.add(vital)

    gate.commit = commit  # type: ignore[method-assign]
    took = await asyncio.gather(desk.work(put("a=1")), desk.work(own), return_exceptions=True)
    assert [type(each) for each in took] == [StoreFull, type(None)]
    assert list(desk.memory.alerts.items()) == [(vital, fires("alertname=Full"))]
