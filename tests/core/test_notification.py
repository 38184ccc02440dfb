"""Notifications: the dedup table, row by row, and what a notification says of itself."""

from collections.abc import Set as AbstractSet

import pytest

from hbalert.core.labels import Labels
from hbalert.core.notification import (
    Decision,
    LogEntry,
    Notification,
    NotifiedAlert,
    Reason,
    decide,
    message_order,
)
from tests.core.say import labels, s, t

A, B, C = b"A", b"B", b"C"


def entry(
    firing: AbstractSet[bytes], resolved: AbstractSet[bytes] = frozenset(), at: float = 0, repeats: int = 0
) -> LogEntry:
    return LogEntry("g", "n", frozenset(firing), frozenset(resolved), t(at), repeats)


HOUR = 3600


@pytest.mark.parametrize(
    ("known", "firing", "resolved", "now", "send_resolved", "expected"),
    [
        pytest.param(None, {A}, set(), 0, True, Reason.FIRST, id="no entry, something fires"),
        pytest.param(None, set(), {A}, 0, True, None, id="no entry, nothing fires"),
        pytest.param(
            entry(set(), {A}), {A}, set(), 0, True, Reason.FIRST, id="all had ended, one fires again"
        ),
        pytest.param(entry({A}), {A, B}, set(), 0, True, Reason.NEW_ALERTS, id="one more fires"),
        pytest.param(entry({A}), {B}, {A}, 0, True, Reason.NEW_ALERTS, id="one ends while another begins"),
        pytest.param(entry({A}), set(), {A}, 0, True, Reason.ALL_RESOLVED, id="the last one ends"),
        pytest.param(entry({A}), set(), {A}, 0, False, None, id="the last one ends, ends not wanted"),
        pytest.param(entry(set(), {A}), set(), {A}, 0, True, None, id="nothing fires, nothing did"),
        pytest.param(entry({A, B}), {A}, {B}, 0, True, Reason.SOME_RESOLVED, id="one of two ends"),
        pytest.param(entry({A, B}), {A}, {B}, 0, False, None, id="one of two ends, ends not wanted"),
        pytest.param(entry({A}, {B}), {A}, {B}, 0, True, None, id="that end was told already"),
        pytest.param(entry({A}), {A}, set(), HOUR, True, None, id="the same, exactly at the repeat interval"),
        pytest.param(entry({A}), {A}, set(), HOUR + 1, True, Reason.REPEAT, id="the same, after it"),
        pytest.param(
            entry({A}, repeats=1), {A}, set(), HOUR + 1, True, None, id="the second interval is longer"
        ),
        pytest.param(entry({A}, repeats=1), {A}, set(), 4 * HOUR + 1, True, Reason.REPEAT, id="and passes"),
        pytest.param(
            entry({A}, repeats=9), {A}, set(), 4 * HOUR + 1, True, Reason.REPEAT, id="the last one holds on"
        ),
    ],
)
def test_whether_there_is_news(
    known: LogEntry | None,
    firing: set[bytes],
    resolved: set[bytes],
    now: float,
    send_resolved: bool,
    expected: Reason | None,
) -> None:
    decision = decide(
        known,
        frozenset(firing),
        frozenset(resolved),
        t(now),
        send_resolved=send_resolved,
        repeat_intervals=(s(HOUR), s(4 * HOUR)),
    )
    assert decision.reason is expected


@pytest.mark.parametrize(
    ("known", "firing", "resolved", "expected"),
    [
        pytest.param(entry({A}), {A}, set(), Reason.FLAPPING, id="it was told: its pace is news"),
        pytest.param(entry({A, B}), {A}, {B}, Reason.SOME_RESOLVED, id="an end is told with it"),
        pytest.param(entry({A}), {A, B}, set(), Reason.NEW_ALERTS, id="a new alert is told with it"),
        pytest.param(None, {A}, set(), Reason.FIRST, id="it was not told: that it fires is the news"),
        pytest.param(entry({A}), set(), {A}, Reason.ALL_RESOLVED, id="it is over"),
    ],
)
def test_that_an_alert_flaps_is_news_once(
    known: LogEntry | None, firing: set[bytes], resolved: set[bytes], expected: Reason
) -> None:
    decision = decide(
        known,
        frozenset(firing),
        frozenset(resolved),
        t(1),
        send_resolved=True,
        repeat_intervals=(s(HOUR),),
        flaps=Reason.FLAPPING,
    )
    assert decision == Decision(expected)


def test_an_end_that_is_not_wanted_is_still_remembered() -> None:
    decision = decide(
        entry({A}), frozenset(), frozenset({A}), t(0), send_resolved=False, repeat_intervals=(s(HOUR),)
    )
    assert decision == Decision(None, record=True)


def shown(text: str, ended: bool = False, **annotations: str) -> NotifiedAlert:
    return NotifiedAlert(labels(text), annotations, t(0), t(60) if ended else None)


def notification(*alerts: NotifiedAlert) -> Notification:
    return Notification("r", "g", "{}:{}", Labels(), alerts, Reason.FIRST, t(0), t(0))


def test_a_notification_fires_as_long_as_one_alert_does() -> None:
    mixed = notification(shown("a=1"), shown("a=2", ended=True))
    assert (mixed.status, len(mixed.firing), len(mixed.resolved)) == ("firing", 1, 1)
    assert notification(shown("a=2", ended=True)).status == "resolved"
    assert [alert.status for alert in mixed.alerts] == ["firing", "resolved"]


def test_common_labels_and_annotations_are_those_that_all_share() -> None:
    both = notification(shown("a=1 b=2", x="1", y="2"), shown("a=1 b=3", x="1"))
    assert both.common_labels == labels("a=1")
    assert both.common_annotations == {"x": "1"}


def test_messages_list_alerts_by_job_then_instance_and_those_without_last() -> None:
    wanted = ["job=a instance=1", "job=a instance=2", "job=a", "job=b", "instance=1", "z=1"]
    assert sorted(map(labels, reversed(wanted)), key=message_order) == [labels(text) for text in wanted]
