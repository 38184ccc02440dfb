"""The outbox: who may be claimed when, and what a start finds."""

from dataclasses import replace
from datetime import datetime

import pytest

from hbalert.core.delivery import Delivery, DeliveryState, Outcome, Pace, Result, RetryPolicy
from hbalert.ports import NotifierState
from hbalert.units import outbox
from tests.core.say import fires, s, t
from tests.units.stage import Stage


def waiting(stage: Stage, number: int) -> None:
    """So many groups, each with one delivery to the phone."""
    stage.reports(*(fires(f"alertname=Down{n} bot=a", 0, 99999) for n in range(number)))
    stage.at(30).flush()


def due(stage: Stage, pace: Pace | None = None) -> datetime | None:
    rows = [row for _, row in stage.memory.deliveries.found("phone")]
    return outbox.next_due(rows, stage.memory.notifiers.get("phone"), pace, stage.now)


def claim(stage: Stage, pace: Pace | None, at_most: int = 99) -> int:
    return len(stage.work(lambda draft: outbox.claim(draft, "phone", pace, at_most))[0])


def test_a_claim_takes_what_is_due_and_no_more_than_asked() -> None:
    stage = Stage()
    waiting(stage, 5)
    assert claim(stage, None, at_most=2) == 2
    assert claim(stage, None) == 3
    assert claim(stage, None) == 0


def test_a_pace_holds_over_claims_and_is_remembered() -> None:
    pace = Pace(2, s(60))
    stage = Stage()
    waiting(stage, 5)
    assert claim(stage, pace) == 2
    assert claim(stage.at(31), pace) == 0
    assert due(stage, pace) == t(90)
    assert claim(stage.at(90), pace) == 2
    state = stage.memory.notifiers.get("phone")
    assert state is not None
    assert state.sends == (t(90), t(90))


def test_a_gateway_that_asks_for_a_pause_gets_one_for_all_that_waits() -> None:
    stage = Stage()
    waiting(stage, 2)
    first, second = stage.claim()
    stage.settle(first, Outcome(Result.NOT_NOW, "limited", "rate limit", retry_after=s(600)))
    stage.settle(second, Outcome(Result.TRANSIENT, "503", "server"))
    assert claim(stage.at(100), None) == 0
    assert due(stage) == t(630)
    assert claim(stage.at(630), None) == 2


def test_nothing_waits_nothing_is_due() -> None:
    assert due(Stage()) is None


def test_a_start_queues_again_what_was_being_sent() -> None:
    stage = Stage()
    waiting(stage, 2)
    claim(stage, None, at_most=1)
    assert stage.at(50).work(outbox.release)[0] == 1
    assert len(stage.queued()) == 2


def test_a_settlement_of_what_is_gone_changes_nothing() -> None:
    stage = Stage()
    answer, changes = stage.work(
        lambda draft: outbox.settle(
            draft,
            "unknown",
            Outcome(Result.SENT, "ok", "sent"),
            started_at=t(0),
            duration_ms=1,
            policy=RetryPolicy(),
            jitter=0,
        )
    )
    assert answer is None
    assert not changes


def test_a_dead_delivery_is_tried_again_on_request() -> None:
    stage = Stage()
    waiting(stage, 1)
    (first,) = stage.claim()
    dead = stage.settle(first, Outcome(Result.PERMANENT, "no", "client"))
    stage.at(100).work(lambda draft: outbox.retry(draft, dead))
    assert stage.send() == ["first notification: a firing"]


def test_a_delivery_given_up_by_request_says_why() -> None:
    stage = Stage()
    waiting(stage, 1)
    rows: list[Delivery] = list(stage.memory.deliveries.values())
    stage.work(lambda draft: outbox.give_up(draft, rows[0], "dropped by request"))
    assert [(row.state, row.last_answer) for row in stage.settled] == [
        (DeliveryState.DEAD, "dropped by request")
    ]


def test_an_attempt_is_written_with_the_settlement() -> None:
    stage = Stage()
    waiting(stage, 1)
    (first,) = stage.claim()
    _, changes = stage.work(
        lambda draft: outbox.settle(
            draft,
            first.id,
            Outcome(Result.SENT, "250 queued", "sent", provider_id="q1"),
            started_at=t(29),
            duration_ms=12.5,
            policy=RetryPolicy(),
            jitter=0,
        )
    )
    (attempt,) = changes.attempts
    assert (attempt.delivery_id, attempt.result, attempt.answer, attempt.provider_id) == (
        first.id,
        "sent",
        "250 queued",
        "q1",
    )


@pytest.mark.parametrize("known", [None, NotifierState("phone", (t(0),), t(5))])
def test_a_pause_that_has_passed_holds_nothing(known: NotifierState | None) -> None:
    stage = Stage()
    waiting(stage, 1)
    if known:
        stage.work(lambda draft: draft.notifiers.put("phone", known))
    assert claim(stage, Pace(2, s(60))) == 1


def test_a_retry_asked_for_twice_is_sent_once() -> None:
    stage = Stage()
    waiting(stage, 1)
    (first,) = stage.claim()
    dead = stage.settle(first, Outcome(Result.PERMANENT, "no", "client"))
    stage.at(100).work(lambda draft: outbox.retry(draft, dead))
    stage.claim()
    stage.work(lambda draft: outbox.retry(draft, dead))
    assert stage.claim() == []


def test_a_shorter_pause_does_not_cut_a_longer_one_short() -> None:
    stage = Stage()
    waiting(stage, 2)
    first, second = stage.claim()
    stage.settle(first, Outcome(Result.NOT_NOW, "limited", "rate limit", retry_after=s(600)))
    stage.at(40).settle(second, Outcome(Result.NOT_NOW, "limited", "rate limit", retry_after=s(1)))
    assert due(stage) == t(630)


def test_a_retry_says_what_has_ended_since() -> None:
    """Its alert may be gone altogether: nobody would ever tell the end of a firing told that late."""
    stage = Stage()
    stage.reports(fires("alertname=Down bot=a", 0), fires("alertname=Down bot=b", 0))
    stage.at(30).flush()
    dead = stage.settle(stage.claim()[0], Outcome(Result.PERMANENT, "no", "client"))
    stage.at(100).reports(fires("alertname=Down bot=a", 0, 100, at=100))
    stage.at(330).flush()
    stage.send()
    stage.at(400).work(lambda draft: outbox.retry(draft, dead))
    assert stage.send() == ["first notification: a resolved, b firing"]


@pytest.mark.parametrize("how", ["failed", "cut off by the end of the process"])
def test_what_ended_while_it_was_being_sent_is_said_by_the_next_attempt(how: str) -> None:
    """To a notifier that wants no ends: no newer news would take its place."""
    stage = Stage(phone=False)
    waiting(stage, 1)
    (sending,) = stage.claim()
    stage.at(100).reports(fires("alertname=Down0 bot=a", 0, 100, at=100))
    stage.at(330).flush()
    if how == "failed":
        stage.settle(sending, Outcome(Result.TRANSIENT, "503", "server"))
    else:
        stage.work(lambda draft: outbox.release(draft))
    assert stage.at(400).send() == ["first notification: a resolved"]


def test_a_retry_goes_along_with_news_that_waits() -> None:
    stage = Stage()
    stage.reports(fires("alertname=Down bot=a", 0))
    stage.at(30).flush()
    dead = stage.settle(stage.claim()[0], Outcome(Result.PERMANENT, "no", "client"))
    stage.at(100).reports(fires("alertname=Down bot=b", 100))
    stage.at(330).flush()
    stage.work(lambda draft: outbox.retry(draft, dead))
    assert stage.send() == ["new alerts added: a firing, b firing"]
    assert stage.settled[-2].state is DeliveryState.SUPERSEDED


def test_an_end_that_no_look_at_the_group_has_seen_is_not_said_by_the_next_attempt() -> None:
    """It may fire again before the look, and nobody would be told that it does."""
    stage = Stage()
    waiting(stage, 1)
    stage.claim()
    stage.at(100).reports(fires("alertname=Down0 bot=a", 0, 100, at=100))
    stage.work(lambda draft: outbox.release(draft))
    stage.at(200).reports(fires("alertname=Down0 bot=a", 200, 99999, at=200))
    stage.at(330).flush()
    assert stage.at(400).send() == ["first notification: a firing"]


def test_that_an_alert_begins_to_flap_while_it_is_being_told_is_told_next() -> None:
    """The far side accepts later, but what it accepts is what was said before."""
    stage = Stage()
    alert = fires("alertname=Down bot=a", 0)
    stage.reports(alert)
    stage.at(30).flush()
    (first,) = stage.claim()
    flaps = replace(alert, claims=(replace(alert.claims[0], flapping=True, updated_at=t(40)),))
    stage.at(40).reports(flaps)
    stage.at(50).settle(first, Outcome(Result.SENT, "ok", "sent"))
    stage.at(330).flush()
    assert stage.send() == ["alert is flapping: a firing"]
    stage.at(630).flush()
    assert stage.send() == [], "once"
