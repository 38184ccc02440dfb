"""Jumps of the clock: what is noticed, and how each stored time moves."""

from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from hbalert.core import jump as core
from hbalert.core.alert import Alert, Claim
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.flap import Flaps
from hbalert.core.group import Group
from hbalert.core.jump import Jump, Reading, at_start, find
from hbalert.core.labels import Labels
from hbalert.core.maintenance import Window
from hbalert.core.notification import LogEntry, Notification, NotifiedAlert, Reason
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.core.silence import Silence
from hbalert.ports import NotifierState
from tests.core.say import fires, labels, m, s, t

HOUR = 3600.0
BACK = Jump(t(9999), t(10000), t(10000 - HOUR))
FORWARD = Jump(t(9999), t(10000), t(10000 + HOUR))
SLEPT = Jump(t(10000 - HOUR), t(10000), t(10000))
FIVE = s(300)


@pytest.mark.parametrize(
    ("elapsed", "wall", "by"),
    [
        pytest.param(1.0, 1.0, None, id="a second is a second"),
        pytest.param(1.0, 2.5, None, id="a slewed clock, a leap second: nothing"),
        pytest.param(1.0, -0.9, None, id="nearly two seconds back: nothing"),
        pytest.param(29.0, 29.0, None, id="a busy machine: nothing"),
        pytest.param(1.0, 3.1, 2.1, id="two seconds forward are a step"),
        pytest.param(1.0, 1 - HOUR, -HOUR, id="an hour back"),
        pytest.param(1.0, 1 + 86400, 86400.0, id="a day forward"),
        pytest.param(HOUR, HOUR, 0.0, id="the machine slept: nothing moves, but nobody was at work"),
        pytest.param(HOUR, 2 * HOUR, HOUR, id="asleep, and set forward meanwhile"),
    ],
)
def test_a_jump_is_a_difference_of_both_clocks_or_a_long_absence(
    elapsed: float, wall: float, by: float | None
) -> None:
    found = find(Reading(t(0), 50.0), Reading(t(wall), 50.0 + elapsed))
    assert (found and found.by) == (None if by is None else s(by))
    if found:
        assert (found.since, found.expected, found.now) == (t(0), t(elapsed), t(wall))


@pytest.mark.parametrize(
    ("last_seen", "by"), [(None, None), (t(0), None), (t(-HOUR), None), (t(1), None), (t(HOUR), s(-HOUR))]
)
def test_over_a_restart_only_a_clock_that_was_set_back_is_noticed(
    last_seen: datetime | None, by: timedelta | None
) -> None:
    found = at_start(last_seen, t(0))
    assert (found and found.by) == by


@pytest.mark.parametrize("jump", [BACK, FORWARD], ids=["back", "forward"])
def test_waits_are_as_long_as_they_were(jump: Jump) -> None:
    group = Group("g", "{}", labels("a=b"), jump.expected + s(20), flushed=True)
    assert core.group(group, jump).next_flush_at == jump.now + s(20)
    entry = LogEntry("g", "phone", frozenset({b"a"}), frozenset(), jump.expected - s(600))
    assert core.entry(entry, jump).at == jump.now - s(600)
    old, new = NotifiedAlert(Labels({"a": "b"}), {}, t(0)), NotifiedAlert(Labels({"a": "c"}), {}, t(0))
    said = Notification(
        "team",
        "g",
        "k",
        Labels(),
        (old, replace(new, decided_at=jump.expected - s(5))),
        Reason.FIRST,
        t(0),
        t(0),
    )
    waiting = Delivery(
        "d", 1, "g", "phone", said, DeliveryState.QUEUED, jump.expected - s(60), jump.expected + s(7)
    )
    after = core.delivery(waiting, jump)
    assert (after.created_at, after.next_attempt_at) == (jump.now - s(60), jump.now + s(7))
    assert [shown.decided_at for shown in after.notification.alerts] == [jump.wait(t(0)), jump.now - s(5)]
    held = Flaps((jump.expected - s(30),), jump.expected - s(20), jump.expected - s(10))
    row = RuleAlert("r", labels("a=b"), RuleAlertState.PENDING, jump.expected - s(30), 1.0, flaps=held)
    assert core.rule_alert(row, jump).active_at == jump.now - s(30)
    moved = Flaps((jump.now - s(30),), jump.now - s(20), jump.now - s(10))
    assert core.rule_alert(row, jump).flaps == moved


def test_rules_stay_on_the_grid_of_whole_seconds() -> None:
    jump = Jump(t(0), t(1.2), t(HOUR + 1.4))
    row = RuleAlert(
        "r", labels("a=b"), RuleAlertState.FIRING, t(-30), 1.0, fired_at=t(-10), keep_firing_since=t(-5)
    )
    after = core.rule_alert(row, jump)
    assert (after.active_at, after.fired_at, after.keep_firing_since) == (
        t(HOUR - 30),
        t(HOUR - 10),
        t(HOUR - 5),
    )


@pytest.mark.parametrize(
    ("jump", "start", "end", "expected"),
    [
        pytest.param(BACK, 0, 10240, (0, 6640), id="back: it ends as soon as it would have"),
        pytest.param(BACK, 9000, 10240, (5400, 6640), id="back: what began later than now moves whole"),
        pytest.param(BACK, 0, None, (0, None), id="back: no end is no end"),
        pytest.param(BACK, 0, 9900, (0, 6400), id="back: what has ended has ended"),
        pytest.param(BACK, 9000, 9900, (5400, 6300), id="back: and so has what began just before"),
        pytest.param(BACK, 0, 5000, (0, 5000), id="back: the far past is as it was"),
        pytest.param(FORWARD, 0, 10240, (0, 13900), id="forward: an end nobody could put off gets grace"),
        pytest.param(FORWARD, 0, 99999, (0, 99999), id="forward: a later end is what its sender said"),
        pytest.param(FORWARD, 0, 9900, (0, 9900), id="forward: what has ended has ended"),
        pytest.param(SLEPT, 0, 9000, (0, 10300), id="slept: as forward"),
        pytest.param(SLEPT, 0, 6000, (0, 6000), id="slept: what had ended before has ended"),
        pytest.param(SLEPT, 0, 10240, (0, 10240), id="slept: what ends later is as it was"),
    ],
)  # fmt: skip
def test_ends_of_alerts(
    jump: Jump, start: float, end: float | None, expected: tuple[float, float | None]
) -> None:
    said_at = start if end is None else min(end - 240, 9990)
    after = core.alert(fires("a=b", start, end, at=said_at), jump, FIVE)
    ends = None if expected[1] is None else t(expected[1])
    assert (after.starts_at, after.ends_at) == (t(expected[0]), ends)
    assert after.resolved(jump.now) == fires("a=b", start, end).resolved(jump.since)


def test_an_occurrence_of_a_maintenance_window_goes_by_the_calendar_unless_it_is_over() -> None:
    running = Silence("s", (m("a=b"),), t(9000), t(10600), "lin", "why", t(9000), window="weekly")
    assert core.silence(running, BACK) == running
    over = core.silence(replace(running, ends_at=t(9900)), BACK)
    assert (over.starts_at, over.ends_at) == (t(5400), t(6300))


@pytest.mark.parametrize(
    ("jump", "start", "end", "expected"),
    [
        pytest.param(BACK, 9000, 10600, (5400, 7000), id="back: in force, for as long as it had left"),
        pytest.param(BACK, 9000, 9900, (5400, 6300), id="back: what is over does not come back"),
        pytest.param(BACK, 10600, 20000, (10600, 20000), id="back: what is to come comes by the calendar"),
        pytest.param(FORWARD, 9000, 10600, (9000, 10600), id="forward: by the calendar"),
    ],
)
def test_silences(jump: Jump, start: float, end: float, expected: tuple[float, float]) -> None:
    silence = Silence("s", (m("a=b"),), t(start), t(end), "lin", "why", t(start))
    after = core.silence(silence, jump)
    assert (after.starts_at, after.ends_at) == (t(expected[0]), t(expected[1]))


STORED = (
    *(Alert, Claim, RuleAlert, Flaps, Group, LogEntry, Delivery, Notification, NotifiedAlert),
    *(Silence, NotifierState, Window),
)

MOVES = {
    "Claim.starts_at": "date",
    "Claim.ends_at": "date",
    "Claim.updated_at": "date",
    "RuleAlert.active_at": "wait",
    "RuleAlert.fired_at": "wait",
    "RuleAlert.keep_firing_since": "wait",
    "RuleAlert.resolved_at": "wait",
    "Flaps.starts": "wait",
    "Flaps.since": "wait",
    "Flaps.calm_since": "wait",
    "Group.next_flush_at": "wait",
    "LogEntry.at": "wait",
    "Delivery.created_at": "wait",
    "Delivery.next_attempt_at": "wait",
    "Delivery.settled_at": "as it is: it is history",
    "Notification.decided_at": "as it is: people read it",
    "Notification.first_decided_at": "as it is: people read it",
    "NotifiedAlert.starts_at": "as it is: people read it",
    "NotifiedAlert.ends_at": "as it is: people read it",
    "NotifiedAlert.decided_at": "wait",
    "Silence.starts_at": "date",
    "Silence.ends_at": "date",
    "Silence.updated_at": "date",
    "Silence.kept_until": "as it is: the calendar's, of a maintenance window",
    "NotifierState.sends": "wait",
    "NotifierState.held_until": "wait",
    "Window.made_at": "as it is: people read it",
}
"""What a step of the clock does to each time that is stored. Whoever stores another one decides it here."""


def test_it_is_decided_of_every_stored_time_what_a_step_does_to_it() -> None:
    times = {
        f"{kind.__name__}.{each.name}"
        for kind in STORED
        for each in fields(kind)
        if "datetime" in str(each.type)
    }
    assert times == MOVES.keys()
