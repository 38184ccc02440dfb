"""The way of an alert through the units of work, as a dialogue in time."""

from dataclasses import replace

from hbalert.core.delivery import DeliveryState, Outcome, Result
from hbalert.core.silence import Silence
from hbalert.units import outbox, silences
from tests.core.say import fires, m, s, t
from tests.units.stage import ROOT, Stage

A, B = "alertname=Down bot=a", "alertname=Down bot=b"

TRANSIENT = Outcome(Result.TRANSIENT, "503", "server")
PERMANENT = Outcome(Result.PERMANENT, "bad signature", "auth")


def kinds(stage: Stage) -> list[str]:
    return [note.kind for note in stage.notes]


def quiet(stage: Stage, matcher: str, start: float, end: float, name: str = "s1") -> None:
    silence = Silence("", (m(matcher),), t(start), t(end), "lin", "why", t(start))
    stage.work(lambda draft: silences.put(draft, silence, None, name))


def test_an_alert_is_told_after_group_wait_and_its_end_at_the_next_interval() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    assert stage.at(29).flush() == 0
    assert stage.at(30).flush() == 1
    assert stage.send() == ["first notification: a firing"]
    stage.at(100).reports(fires(A, 0, 100, at=100))
    assert stage.at(329).flush() == 0
    assert stage.at(330).flush() == 1
    assert stage.send() == ["all alerts resolved: a resolved"]
    assert len(stage.memory.alerts) == len(stage.memory.groups) == len(stage.memory.entries) == 0
    assert kinds(stage) == ["firing", "enqueued", "sent", "resolved", "enqueued", "sent"]


def test_two_alerts_of_a_group_are_told_together() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(10).reports(fires(B, 10))
    stage.at(30).flush()
    assert stage.send() == ["first notification: a firing, b firing"]


def test_what_comes_and_goes_within_group_wait_is_not_told_and_the_timeline_says_so() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(10).reports(fires(A, 0, 10, at=10))
    assert stage.at(30).flush() == 0
    assert kinds(stage) == ["firing", "resolved", "dropped"]
    assert len(stage.memory.alerts) == 0


def test_an_alert_that_nobody_refreshes_ends_by_the_clock() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, 200))
    stage.at(30).flush()
    stage.send()
    stage.at(330).flush()
    assert stage.send() == ["all alerts resolved: a resolved"]


def test_a_refresh_is_not_stored_until_half_of_the_stored_time_has_passed() -> None:
    stage = Stage()
    assert stage.reports(fires(A, 0, 300)).alerts
    assert not stage.at(60).reports(fires(A, 0, 360, at=60)), "a refresh costs memory only"
    assert stage.memory.unwritten
    changes = stage.at(150).reports(fires(A, 0, 450, at=150))
    (stored,) = changes.alerts.values()
    assert stored is not None
    assert stored.ends_at == t(450)
    assert not stage.memory.unwritten


def test_a_refresh_and_a_resolve_in_one_unit_store_the_resolve() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    changes = stage.at(10).reports(fires(A, 0, 3700, at=10), fires(A, 0, 10, at=10))
    (stored,) = changes.alerts.values()
    assert stored is not None
    assert stored.ends_at == t(10)


def test_news_takes_the_place_of_what_a_dead_gateway_has_not_taken() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    (first,) = stage.claim()
    stage.settle(first, TRANSIENT)
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.queued() == ["all alerts resolved: a resolved"]
    (late,) = stage.claim()
    assert late.notification.first_decided_at == t(30), "the age of the news is kept"
    assert late.attempts == 1
    assert [row.state for row in stage.settled] == [DeliveryState.SUPERSEDED]


def test_news_that_comes_while_the_older_is_being_sent_waits_behind_it() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    (first,) = stage.claim()
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.claim() == [], "a resolve never overtakes its firing"
    stage.settle(first, Outcome(Result.SENT, "ok", "sent"))
    assert stage.send() == ["all alerts resolved: a resolved"]


def test_a_failed_send_gives_way_to_newer_news_behind_it_and_hands_on_its_ends() -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires(B, 0))
    stage.at(30).flush()
    stage.send()
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    (end_of_a,) = stage.claim()
    stage.at(400).reports(fires("alertname=Down bot=c", 400))
    stage.at(630).flush()
    after = stage.settle(end_of_a, TRANSIENT)
    assert after.state is DeliveryState.SUPERSEDED
    assert stage.at(700).send() == ["new alerts added: a resolved, b firing, c firing"]


def test_two_groups_do_not_wait_for_each_other() -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires("alertname=Slow bot=a", 0))
    stage.at(30).flush()
    assert len(stage.claim()) == 2


def test_a_refused_message_is_dead_and_the_next_news_is_tried() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    (first,) = stage.claim()
    assert stage.settle(first, PERMANENT).state is DeliveryState.DEAD
    assert stage.at(330).flush() == 0, "the same is not tried again"
    stage.reports(fires(B, 330))
    assert stage.at(630).flush() == 1
    assert kinds(stage).count("dead") == 1


def test_the_fallback_takes_over_and_hears_of_the_end() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = replace(ROOT, receiver="phone")
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    (first,) = stage.claim("phone")
    stage.settle(first, PERMANENT, fallback=["mail"], new_ids=["f1"])
    assert stage.send("mail") == ["fallback for a notifier that failed: a firing"]
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.send("mail") == ["all alerts resolved: a resolved"]


def test_a_silenced_alert_is_heard_in_the_moment_its_silence_ends() -> None:
    stage = Stage()
    quiet(stage, "bot=a", 0, 100)
    stage.reports(fires(A, 0))
    assert stage.at(30).flush() == 0
    assert kinds(stage) == ["firing", "silenced"]
    stage.at(100)
    stage.work(lambda draft: silences.reopen(draft, list(draft.silences.values())))
    assert stage.flush() == 1
    assert stage.send() == ["first notification: a firing"]


def test_ending_a_silence_by_hand_reopens_the_group() -> None:
    stage = Stage()
    quiet(stage, "bot=a", 0, 1000)
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    assert stage.at(50).work(lambda draft: silences.end(draft, "s1"))[0]
    assert stage.flush() == 1
    assert not stage.work(lambda draft: silences.end(draft, "unknown"))[0]


def test_an_alert_that_resolves_while_silenced_is_told_to_who_was_told() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    stage.send()
    stage.at(40)
    quiet(stage, "bot=a", 40, 9999)
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.send() == ["all alerts resolved: a resolved"]
    stage.at(400).reports(fires(A, 400, 9000))
    assert stage.at(430).flush() == 0, "it fires again, but is silenced"


def test_late_news_is_true_news_for_who_wants_no_ends() -> None:
    stage = Stage(phone=False)
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    (first,) = stage.claim()
    stage.settle(first, TRANSIENT)
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.queued() == ["first notification: a resolved"]


def test_repeats_count_from_acceptance() -> None:
    stage = Stage(replace(ROOT, repeat_intervals=(s(600),)))
    stage.reports(fires(A, 0, 99999))
    stage.at(30).flush()
    (first,) = stage.claim()
    stage.settle(first, TRANSIENT)
    stage.at(200).send()
    assert stage.at(330).flush() == 0
    assert stage.at(630).flush() == 0, "600 s after the decision, 430 s after it was accepted"
    assert stage.at(930).flush() == 1
    assert stage.queued() == ["repeat interval elapsed: a firing"]


def test_a_fallback_that_knows_of_the_alert_hears_of_its_end_once() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = replace(ROOT, receiver="phone")
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    stage.settle(stage.claim("phone")[0], PERMANENT, fallback=["mail"], new_ids=["f1"])
    stage.send("mail")
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(330).flush()
    assert stage.send("mail") == ["all alerts resolved: a resolved"]
    stage.settle(stage.claim("phone")[0], PERMANENT, fallback=["mail"], new_ids=["f2"])
    assert stage.send("mail") == []


def test_a_fallback_hears_of_the_end_of_every_alert_it_was_told_of() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = replace(ROOT, receiver="phone")
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    stage.settle(stage.claim("phone")[0], PERMANENT, fallback=["mail"], new_ids=["f1"])
    stage.send("mail")
    stage.at(100).reports(fires(B, 100))
    stage.at(330).flush()
    stage.settle(stage.claim("phone")[0], PERMANENT, fallback=["mail"], new_ids=["f2"])
    stage.send("mail")
    stage.at(400).reports(fires(B, 100, 400, at=400))
    stage.at(630).flush()
    assert "b resolved" in " ".join(stage.send("mail"))


def failing_since_monday(stage: Stage, until: float, step: float = 3600) -> None:
    """The gateway fails, hour after hour."""
    while (stage.now - t(0)).total_seconds() < until:
        stage.at((stage.now - t(0)).total_seconds() + step)
        stage.flush()
        for row in stage.claim():
            stage.settle(row, TRANSIENT, fallback=["mail"], new_ids=stage.ids(2))


DAY = 86400.0
PHONE_ONLY = replace(ROOT, receiver="phone", repeat_intervals=(s(60 * DAY),))


def test_a_fresh_alert_is_not_given_up_with_the_old_ones_it_was_told_with() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = PHONE_ONLY
    stage.reports(fires(A, 0, 30 * DAY))
    failing_since_monday(stage, 2.9 * DAY)
    stage.reports(fires(B, 2.9 * DAY, 30 * DAY))
    failing_since_monday(stage, 3.2 * DAY)
    (dead,) = [row for row in stage.settled if row.state is DeliveryState.DEAD]
    assert [alert.labels["bot"] for alert in dead.notification.alerts] == ["a"]
    assert stage.queued() == ["new alerts added: b firing"]
    assert stage.send("mail") == ["fallback for a notifier that failed: a firing"]
    assert stage.at(3.3 * DAY).send("phone") == ["new alerts added: b firing"]


def test_a_pile_that_always_gets_new_news_ends_all_the_same() -> None:
    """An alert a day for ten days, to a gateway that is dead: the fallback hears of each after three."""
    stage = Stage(phone=True, mail=True)
    stage.root = PHONE_ONLY
    heard = []
    for day in range(10):
        stage.at(day * DAY).reports(fires(f"alertname=Down bot=day{day}", day * DAY, 99 * DAY))
        failing_since_monday(stage, (day + 1) * DAY - 3600)
        heard += [(day, said) for said in stage.send("mail")]
    assert [day for day, said in heard] == [3, 4, 5, 6, 7, 8, 9]
    assert all(f"day{day - 3} firing" in said for day, said in heard)
    (row,) = [row for _, row in stage.memory.deliveries.found("phone")]
    assert min(map(row.notification.decided, row.notification.alerts)) > stage.now - s(3 * DAY)


def test_a_fallback_hears_of_the_ends_of_what_it_was_told_and_of_no_others() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = PHONE_ONLY
    stage.reports(fires(A, 0, 30 * DAY))
    failing_since_monday(stage, 2.9 * DAY)
    stage.reports(fires(B, 2.9 * DAY, 30 * DAY))
    failing_since_monday(stage, 3.2 * DAY)
    stage.send("mail")
    stage.reports(fires(B, 2.9 * DAY, 3.2 * DAY, at=3.2 * DAY))
    stage.at(3.2 * DAY + 300).flush()
    assert stage.send("mail") == []


def test_a_retry_by_request_and_a_fallback_have_patience_anew() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = PHONE_ONLY
    stage.reports(fires(A, 0, 30 * DAY))
    failing_since_monday(stage, 3.2 * DAY)
    (dead,) = [row for row in stage.settled if row.state is DeliveryState.DEAD]
    stage.work(lambda draft: outbox.retry(draft, dead))
    for notifier in ("phone", "mail"):
        (row,) = stage.claim(notifier)
        assert stage.settle(row, TRANSIENT).state is DeliveryState.QUEUED
