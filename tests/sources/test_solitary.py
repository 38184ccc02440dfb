"""What is asked alone for a while, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hbalert.sources.solitary import Solitary

BASE = datetime(2026, 1, 1, tzinfo=UTC)


def t(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


def test_alone_for_ten_minutes_then_twice_as_long_and_never_more_than_six_hours() -> None:
    solitary = Solitary()
    now, periods = 0.0, []
    for _ in range(8):
        solitary.add("a", t(now))
        period = next(s for s in range(60, 10**6, 60) if not solitary.holds("a", t(now + s)))
        periods.append(period / 60)
        now += period
    assert periods == [10, 20, 40, 80, 160, 320, 360, 360]


def test_a_clock_that_was_set_back_ends_it_early() -> None:
    solitary = Solitary()
    solitary.add("a", t(0))
    assert solitary.holds("a", t(1))
    assert not solitary.holds("a", t(-3600))


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    solitary = Solitary()
    solitary.add("a", t(0))
    solitary.add("b", t(7 * 3600))
    assert list(solitary._until) == ["b"]


def test_all_that_is_alone_now_can_be_told() -> None:
    solitary = Solitary()
    solitary.add("a", t(0))
    solitary.add("b", t(300))
    assert solitary.held(t(301)) == {"a", "b"}
    assert solitary.held(t(600)) == {"b"}
    solitary.remove("b")
    assert solitary.held(t(600)) == frozenset()
