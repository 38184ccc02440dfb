"""Deliveries: what follows from how an attempt ended."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.delivery import (
    Delivery,
    DeliveryState,
    Outcome,
    Pace,
    Result,
    RetryPolicy,
    backoff,
    earliest,
    next_step,
    part,
)
from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from tests.core.say import labels, s, t

SAID = Notification(
    "r", "g", "k", Labels(), (NotifiedAlert(labels("a=1"), {}, t(0)),), Reason.FIRST, t(0), t(0)
)
ROW = Delivery("id", 1, "g", "n", SAID, DeliveryState.SENDING, t(0), t(0))
POLICY = RetryPolicy(base=s(10), cap=s(300), give_up_after=s(3600))


def after(outcome: Outcome, now: float = 5, row: Delivery = ROW) -> Delivery:
    return next_step(row, outcome, t(now), POLICY, jitter=0.5)


def test_accepted_is_sent() -> None:
    done = after(Outcome(Result.SENT, "250 ok", "sent", delivered=("x",)))
    assert (done.state, done.settled_at, done.last_answer) == (DeliveryState.SENT, t(5), "250 ok")
    assert done.reached == {"x"}
    assert not done.is_live


def test_accepted_by_some_is_tried_again_for_the_others_only() -> None:
    again = after(
        Outcome(
            Result.SENT, "one waits", "sent", delivered=("x",), deferred={"y": "451"}, refused={"z": "550"}
        )
    )
    assert (again.state, again.reached) == (DeliveryState.QUEUED, frozenset({"x"}))
    assert again.refused == {"z": "550"}
    assert again.is_live


def test_refused_for_good_is_dead() -> None:
    dead = after(Outcome(Result.PERMANENT, "bad signature", "auth"))
    assert (dead.state, dead.attempts, dead.settled_at) == (DeliveryState.DEAD, 1, t(5))


def test_refused_by_those_who_were_left_is_sent_to_the_others() -> None:
    row = replace(ROW, reached=frozenset({"x"}))
    done = after(Outcome(Result.PERMANENT, "550", "client", refused={"y": "550"}), row=row)
    assert (done.state, done.refused) == (DeliveryState.SENT, {"y": "550"})


def test_not_now_costs_no_attempt_and_waits_as_long_as_asked() -> None:
    later = after(Outcome(Result.NOT_NOW, "slow down", "rate limit", retry_after=s(77)))
    assert (later.state, later.attempts, later.next_attempt_at) == (DeliveryState.QUEUED, 0, t(82))


def test_not_now_without_a_time_waits_a_little() -> None:
    assert after(Outcome(Result.NOT_NOW, "slow down", "rate limit")).next_attempt_at == t(15)


@pytest.mark.parametrize(
    ("attempts", "asked", "wait"),
    [
        pytest.param(0, None, 10, id="first failure: the base"),
        pytest.param(2, None, 40, id="doubles"),
        pytest.param(99, None, 300, id="up to the cap"),
        pytest.param(0, 60, 60, id="the far side asked for longer"),
        pytest.param(2, 5, 40, id="the far side asked for less"),
    ],
)
def test_a_transient_failure_is_tried_again(attempts: int, asked: float | None, wait: float) -> None:
    outcome = Outcome(Result.TRANSIENT, "503", "server", retry_after=None if asked is None else s(asked))
    again = after(outcome, row=replace(ROW, attempts=attempts))
    assert (again.state, again.attempts, again.next_attempt_at) == (
        DeliveryState.QUEUED,
        attempts + 1,
        t(5 + wait),
    )


@pytest.mark.parametrize(("result", "attempts"), [(Result.TRANSIENT, 1), (Result.NOT_NOW, 0)])
def test_a_delivery_that_is_too_old_is_given_up(result: Result, attempts: int) -> None:
    dead = after(Outcome(result, "503", "server"), now=3600)
    assert (dead.state, dead.attempts) == (DeliveryState.DEAD, attempts)


def test_an_attempt_below_one_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="attempt must be 1 or more"):
        backoff(0, base=s(1), cap=s(2), jitter=0)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_positive_and_near_the_cap_at_most(attempt: int, jitter: float) -> None:
    wait = backoff(attempt, base=s(1), cap=s(300), jitter=jitter)
    assert timedelta(0) < wait <= s(330)


@pytest.mark.parametrize(
    ("pace", "sends", "expected"),
    [
        pytest.param(None, [0, 1, 2], 10, id="no limit"),
        pytest.param(Pace(3, s(60)), [0, 1], 10, id="room left"),
        pytest.param(Pace(3, s(60)), [0, 1, 2], 60, id="full: when the oldest leaves the window"),
        pytest.param(Pace(2, s(60)), [0, 1, 2], 61, id="only the last ones count"),
        pytest.param(Pace(2, s(5)), [0, 1], 10, id="the window has passed"),
    ],
)
def test_when_the_pace_allows_the_next_send(pace: Pace | None, sends: list[float], expected: float) -> None:
    assert earliest(pace, [t(at) for at in sends], t(10)) == t(expected)


def test_what_is_too_old_parts_from_what_is_not() -> None:
    old, young, younger = (NotifiedAlert(labels(f"a={n}"), {}, t(0)) for n in range(3))
    young, younger = replace(young, decided_at=t(600)), replace(younger, decided_at=t(900))
    said = replace(SAID, alerts=(younger, old, young))
    row = replace(ROW, notification=said, attempts=7)
    assert part(row, t(3599), POLICY) == (row, None)
    stays, goes = part(row, t(3600), POLICY)
    assert (stays.id, stays.created_at, stays.attempts) == ("id", t(600), 7)
    assert (stays.notification.alerts, stays.notification.first_decided_at) == ((younger, young), t(600))
    assert goes is not None
    assert (goes.state, goes.settled_at, goes.notification.alerts) == (DeliveryState.DEAD, t(3600), (old,))
    assert part(row, t(9999), POLICY) == (row, None), "all of it is too old: that is the whole delivery's end"


def test_a_delivery_is_given_up_when_its_youngest_news_is_too_old() -> None:
    old, young = (NotifiedAlert(labels(f"a={n}"), {}, t(0)) for n in range(2))
    row = replace(ROW, notification=replace(SAID, alerts=(old, replace(young, decided_at=t(600)))))
    failed = Outcome(Result.TRANSIENT, "503", "server")
    assert after(failed, 4199, row).state is DeliveryState.QUEUED
    assert after(failed, 4200, row).state is DeliveryState.DEAD
