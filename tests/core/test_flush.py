"""Flush: what a due group has to say to each of its listeners."""

from collections.abc import Iterable

import pytest

from hbalert.core.alert import Alert, report
from hbalert.core.flush import Flush, Listener, Verdict, flush, replacing
from hbalert.core.labels import Labels
from hbalert.core.notification import LogEntry, Notification, NotifiedAlert, Reason
from tests.core.say import fires, labels, s, t

A, B = fires("bot=a"), fires("bot=b")
A_ENDED, B_ENDED = fires("bot=a", 0, 60), fires("bot=b", 0, 60)
KEY_A, KEY_B = A.labels.key, B.labels.key
PHONE = Listener("phone")
NOW = 100


def look(
    members: Iterable[Alert],
    *listeners: Listener,
    muted: Iterable[bytes] = (),
    entries: Iterable[LogEntry] = (),
    now: float = NOW,
) -> Flush:
    return flush(
        "g",
        list(members),
        frozenset(muted),
        listeners or (PHONE,),
        {entry.notifier: entry for entry in entries},
        t(now),
        repeat_intervals=(s(3600),),
    )


def told(
    *firing: bytes,
    resolved: Iterable[bytes] = (),
    flapping: Iterable[bytes] = (),
    who: str = "phone",
    at: float = 0,
    repeats: int = 0,
) -> LogEntry:
    return LogEntry("g", who, frozenset(firing), frozenset(resolved), t(at), repeats, frozenset(flapping))


def says(verdict: Verdict) -> tuple[Reason | None, list[str]]:
    return verdict.decision.reason, [f"{alert.labels['bot']} {alert.status}" for alert in verdict.alerts]


def only(outcome: Flush) -> Verdict:
    (verdict,) = outcome.verdicts
    return verdict


def test_what_fires_is_told_first() -> None:
    verdict = only(look([B, A]))
    assert says(verdict) == (Reason.FIRST, ["a firing", "b firing"])
    assert verdict.entry == told(KEY_A, KEY_B, at=NOW)
    assert not verdict.forget


FLAPS = report(A.labels, origin="rule:r", starts_at=t(0), ends_at=None, now=t(50), flapping=True)


@pytest.mark.parametrize(
    ("alert", "told_flapping", "muted", "expected"),
    [
        pytest.param(FLAPS, False, (), Reason.FLAPPING, id="told before it began to flap"),
        pytest.param(FLAPS, True, (), None, id="told with it"),
        pytest.param(A, True, (), Reason.CALM, id="told before it calmed down"),
        pytest.param(A, False, (), None, id="an alert that never did, or told since it calmed down"),
        pytest.param(FLAPS, False, (KEY_A,), None, id="silenced"),
    ],
)
def test_that_an_alert_begins_or_ceases_to_flap_is_told_once(
    alert: Alert, told_flapping: bool, muted: tuple[bytes, ...], expected: Reason | None
) -> None:
    """Whenever the far side accepted what was said before: what it said is what counts."""
    known = told(KEY_A, flapping=[KEY_A] if told_flapping else (), at=NOW)
    verdict = only(look([alert], muted=muted, entries=[known]))
    assert verdict.decision.reason is expected
    if expected is not None:
        assert verdict.entry == told(KEY_A, flapping=[KEY_A] if alert.flapping else (), at=NOW)


def test_that_a_silenced_alert_was_told_as_flapping_is_not_forgotten_over_other_news() -> None:
    known = told(KEY_A, flapping=[KEY_A])
    verdict = only(look([FLAPS, B], muted=[KEY_A], entries=[known]))
    assert verdict.entry == told(KEY_A, KEY_B, flapping=[KEY_A], at=NOW)


def test_who_is_no_longer_in_the_receiver_does_not_hear_of_flapping() -> None:
    verdict = only(look([FLAPS], Listener("old", in_receiver=False), entries=[told(KEY_A, who="old")]))
    assert says(verdict) == (None, [])


def test_a_silenced_alert_is_not_told_and_not_remembered_as_told() -> None:
    verdict = only(look([A, B], muted=[KEY_B]))
    assert says(verdict) == (Reason.FIRST, ["a firing"])
    assert verdict.entry is not None
    assert verdict.entry.firing == {KEY_A}


def test_when_everything_is_silenced_nobody_is_told() -> None:
    assert says(only(look([A], muted=[KEY_A]))) == (None, [])


def test_a_told_alert_that_is_silenced_now_does_not_count_as_resolved() -> None:
    verdict = only(look([A], muted=[KEY_A], entries=[told(KEY_A)]))
    assert says(verdict) == (None, [])
    assert verdict.entry is None, "the entry stays: the phone still believes that it fires"


def test_a_told_alert_that_resolves_while_silenced_is_told_at_once() -> None:
    verdict = only(look([A_ENDED], muted=[KEY_A], entries=[told(KEY_A)]))
    assert says(verdict) == (Reason.ALL_RESOLVED, ["a resolved"])
    assert verdict.forget


def test_one_resolves_while_the_other_is_silenced() -> None:
    verdict = only(look([A_ENDED, B], muted=[KEY_B], entries=[told(KEY_A, KEY_B)]))
    assert says(verdict) == (Reason.SOME_RESOLVED, ["a resolved"])
    assert verdict.entry is not None
    assert verdict.entry.firing == {KEY_B}, "b was told and still fires"


def test_unsilenced_and_still_firing_is_not_told_again_before_the_repeat_interval() -> None:
    assert says(only(look([A], entries=[told(KEY_A)]))) == (None, [])


def test_it_comes_again_after_the_repeat_interval_and_the_repeats_are_counted() -> None:
    verdict = only(look([fires("bot=a", 0, 9999)], entries=[told(KEY_A, repeats=2)], now=3601))
    assert says(verdict) == (Reason.REPEAT, ["a firing"])
    assert verdict.entry is not None
    assert verdict.entry.repeats == 3


def test_a_new_alert_begins_the_count_of_repeats_again() -> None:
    verdict = only(look([A, B], entries=[told(KEY_A, repeats=2)]))
    assert says(verdict) == (Reason.NEW_ALERTS, ["a firing", "b firing"])
    assert verdict.entry is not None
    assert verdict.entry.repeats == 0


def test_nothing_is_repeated_when_all_that_was_told_is_silenced() -> None:
    long = fires("bot=a", 0, 9999)
    assert says(only(look([long], muted=[KEY_A], entries=[told(KEY_A)], now=3601))) == (None, [])


def test_what_came_and_went_untold_is_named_and_nobody_is_told() -> None:
    outcome = look([A_ENDED])
    assert says(only(outcome)) == (None, [])
    assert outcome.leaving == {KEY_A}
    assert outcome.untold == {KEY_A}


def test_a_resolved_alert_leaves_the_group_once_decided() -> None:
    outcome = look([A_ENDED, B], entries=[told(KEY_A, KEY_B)])
    assert outcome.leaving == {KEY_A}
    assert outcome.untold == frozenset()


def test_a_notifier_that_wants_no_ends_forgets_them() -> None:
    quiet = Listener("phone", send_resolved=False)
    verdict = only(look([A_ENDED], quiet, entries=[told(KEY_A)]))
    assert says(verdict) == (None, [])
    assert verdict.decision.record
    assert verdict.forget


def test_a_notifier_that_wants_no_ends_hears_at_once_of_an_alert_that_fires_again() -> None:
    quiet = Listener("phone", send_resolved=False)
    verdict = only(look([A_ENDED, B], quiet, entries=[told(KEY_A, KEY_B)]))
    assert says(verdict) == (None, [])
    assert verdict.entry is not None
    assert verdict.entry.firing == {KEY_B}


def test_a_notifier_that_wants_no_ends_is_shown_only_what_fires() -> None:
    quiet = Listener("phone", send_resolved=False)
    verdict = only(look([A_ENDED, B], quiet, entries=[told(KEY_A)]))
    assert says(verdict) == (Reason.NEW_ALERTS, ["b firing"])


def test_each_notifier_has_a_decision_of_its_own() -> None:
    outcome = look([A, B], PHONE, Listener("mail"), entries=[told(KEY_A, KEY_B)])
    assert [says(verdict)[0] for verdict in outcome.verdicts] == [None, Reason.FIRST]


def test_who_is_not_in_the_receiver_any_more_hears_of_the_end_but_of_nothing_new() -> None:
    former = Listener("phone", in_receiver=False)
    assert says(only(look([A, B], former, entries=[told(KEY_A)]))) == (None, [])
    assert says(only(look([A_ENDED, B], former, entries=[told(KEY_A)]))) == (
        Reason.ALL_RESOLVED,
        ["a resolved"],
    )


def test_who_is_not_in_the_receiver_any_more_is_not_reminded() -> None:
    former = Listener("phone", in_receiver=False)
    long = fires("bot=a", 0, 9999)
    assert says(only(look([long], former, entries=[told(KEY_A)], now=3601))) == (None, [])


def test_an_alert_that_has_left_for_another_group_does_not_count_as_resolved() -> None:
    verdict = only(look([B], entries=[told(KEY_A, KEY_B)]))
    assert says(verdict) == (None, [])


def test_news_takes_the_place_of_what_has_not_got_out_and_keeps_its_age_and_its_ends() -> None:
    def said(reason: Reason, at: float, *alerts: NotifiedAlert) -> Notification:
        return Notification("r", "g", "k", Labels(), alerts, reason, t(at), t(at))

    def shown(text: str, ended: bool = False) -> NotifiedAlert:
        return NotifiedAlert(labels(text), {}, t(0), t(60) if ended else None)

    unsent = said(
        Reason.SOME_RESOLVED, 10, shown("bot=a", ended=True), shown("bot=b"), shown("bot=c", ended=True)
    )
    new = said(Reason.NEW_ALERTS, 300, shown("bot=b"), shown("bot=c"))
    merged = replacing(unsent, new)
    assert [f"{a.labels['bot']} {a.status}" for a in merged.alerts] == ["a resolved", "b firing", "c firing"]
    assert (merged.reason, merged.decided_at, merged.first_decided_at) == (Reason.NEW_ALERTS, t(300), t(10))
    assert [merged.decided(alert) for alert in merged.alerts] == [t(10), t(10), t(300)], "c fires again"
    later = replacing(merged, said(Reason.NEW_ALERTS, 500, shown("bot=c"), shown("bot=d")))
    assert [later.decided(alert) for alert in later.alerts] == [t(10), t(10), t(300), t(500)]


@pytest.mark.parametrize("repeats", [0, 3])
def test_an_end_does_not_touch_the_count_of_repeats(repeats: int) -> None:
    verdict = only(look([A_ENDED, B], entries=[told(KEY_A, KEY_B, repeats=repeats)]))
    assert verdict.entry is not None
    assert verdict.entry.repeats == repeats
