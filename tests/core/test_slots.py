"""Slots: on a grid, few, spread, stable; what was missed is counted and never caught up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.rule import RuleGroup
from hbalert.core.slots import PER_INTERVAL, Due, due, evaluation_time, next_slot, offset, slot_at, step

BASE = datetime(2026, 1, 1, tzinfo=UTC)


def t(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def group(name: str = "orders", interval: float = 15) -> RuleGroup:
    return RuleGroup(name, timedelta(seconds=interval), ())


def grid(of: RuleGroup, n: int) -> datetime:
    """The n-th slot of the group after BASE."""
    return next_slot(of, BASE) + n * of.interval


@pytest.mark.parametrize(
    ("interval", "on_grid"),
    [
        pytest.param(15, 15, id="whole seconds stay"),
        pytest.param(1.5, 2, id="a fraction is rounded up"),
        pytest.param(0.2, 1, id="never below one second"),
    ],
)
def test_an_interval_is_a_whole_number_of_seconds(interval: float, on_grid: float) -> None:
    assert step(timedelta(seconds=interval)) == timedelta(seconds=on_grid)


@pytest.mark.parametrize("interval", [1, 2, 3, 4, 15, 60, 3600])
def test_groups_share_at_most_four_slots_per_interval_so_that_batches_fill(interval: int) -> None:
    offsets = {offset(f"group {n}", timedelta(seconds=interval)) for n in range(200)}
    assert len(offsets) == min(PER_INTERVAL, interval)
    assert all(timedelta() <= each < timedelta(seconds=interval) for each in offsets)
    assert all(each.microseconds == 0 for each in offsets)


def test_an_offset_follows_from_name_and_interval_alone() -> None:
    """These figures must never change: a change would move every group's evaluations."""
    minute = timedelta(minutes=1)
    assert [offset(name, minute).seconds for name in ("orders", "disk", "订单")] == [30, 30, 45]


@given(
    name=st.text(max_size=8),
    interval=st.integers(1, 7200),
    seconds=st.floats(-2e8, 4e8),
)
def test_the_latest_slot_lies_within_one_interval_on_the_grid(
    name: str, interval: int, seconds: float
) -> None:
    one, now = group(name, interval), t(seconds)
    slot = slot_at(one, now)
    assert slot <= now < next_slot(one, now)
    assert next_slot(one, now) - slot == one.interval
    assert (
        slot - datetime(1970, 1, 1, tzinfo=UTC) - offset(name, one.interval)
    ) % one.interval == timedelta()
    assert slot_at(one, slot) == slot


def test_a_new_group_is_due_at_once_and_on_the_whole_second() -> None:
    one, other = group(), group("disk", 3600)
    now = t(7.4)
    assert due([one, other], {}, now) == [Due(one, t(7), 0), Due(other, t(7), 0)]


def test_after_its_first_evaluation_a_group_comes_into_its_slots() -> None:
    one = group(interval=60)
    first = grid(one, 0) - timedelta(seconds=20)
    last = {"orders": first}
    assert due([one], last, first) == []
    assert due([one], last, grid(one, 0) - timedelta(seconds=1)) == []
    assert due([one], last, grid(one, 0)) == [Due(one, grid(one, 0), 0)]


@pytest.mark.parametrize(
    ("now", "slot", "missed"),
    [
        pytest.param(0.0, None, None, id="the slot it was evaluated for: not again"),
        pytest.param(14.9, None, None, id="before the next slot: not yet"),
        pytest.param(15.0, 1, 0, id="at the next slot"),
        pytest.param(20.0, 1, 0, id="a late tick evaluates for the slot, not for its own time"),
        pytest.param(30.0, 2, 1, id="one slot was missed"),
        pytest.param(3600.0, 240, 239, id="after an hour's sleep: once, and the rest is counted"),
        pytest.param(-5.0, None, None, id="the clock was set back a little: wait for it"),
        pytest.param(-15.0, None, None, id="the clock was set back by one interval: wait for it"),
        pytest.param(-3600.0, -240, 0, id="the clock was set back by an hour: go on at once"),
    ],
)
def test_a_group_is_due_once_per_slot(now: float, slot: int | None, missed: int | None) -> None:
    one = group()
    base = grid(one, 0)
    expected = [] if slot is None or missed is None else [Due(one, base + slot * one.interval, missed)]
    assert due([one], {"orders": base}, base + timedelta(seconds=now)) == expected


@given(ticks=st.lists(st.integers(1, 100), min_size=1, max_size=50), interval=st.integers(1, 60))
def test_slots_evaluated_and_missed_add_up_to_all_slots(ticks: list[int], interval: int) -> None:
    one = group(interval=interval)
    now = start = grid(one, 0)
    last = {one.name: start}
    counted = 0
    for wait in ticks:
        now += timedelta(seconds=wait)
        for each in due([one], last, now):
            counted += 1 + each.missed
            last[one.name] = each.slot
    assert counted == (now - start) // one.interval


def test_queries_ask_for_the_slot_less_the_offset() -> None:
    assert evaluation_time(t(60), timedelta(seconds=45)) == t(15)
