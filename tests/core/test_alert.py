"""Alerts: how two reports of the same labels become one."""

from datetime import datetime

import pytest

from hbalert.core.alert import Alert, Claim, grace, merge
from tests.core.say import fires, s, t


def span(alert: Alert) -> tuple[datetime, datetime | None]:
    return alert.starts_at, alert.ends_at


@pytest.mark.parametrize(
    ("old", "new", "now", "expected"),
    [
        pytest.param(
            fires("a=1", 0, 100), fires("a=1", 50, 150), 50, (0, 150), id="overlap: the earlier start"
        ),
        pytest.param(
            fires("a=1", 0, 100), fires("a=1", 100, 200), 100, (100, 200), id="touching is a new firing"
        ),
        pytest.param(
            fires("a=1", 0, 100), fires("a=1", 300, 400), 300, (300, 400), id="apart: the newer one"
        ),
        pytest.param(
            fires("a=1", 0, 100),
            fires("a=1", 0, 50, at=60),
            60,
            (0, 50),
            id="a stated end in the past resolves",
        ),
        pytest.param(
            fires("a=1", 0, 500),
            fires("a=1", 10, 300, at=10),
            10,
            (0, 500),
            id="a later stated end outlives a refresh",
        ),
        pytest.param(
            fires("a=1", 0, 500, timed=True),
            fires("a=1", 10, 300, at=10),
            10,
            (0, 300),
            id="a later end that we set ourselves does not",
        ),
        pytest.param(
            fires("a=1", 0, 90, at=95),
            fires("a=1", 10, 60, at=100),
            100,
            (0, 90),
            id="both resolved: the later end",
        ),
        pytest.param(
            fires("a=1", 0, None, origin="rule:x"),
            fires("a=1", 0, None, origin="rule:x", at=30),
            30,
            (0, None),
            id="an open end stays open",
        ),
        pytest.param(
            fires("a=1", 0, None, origin="rule:x"),
            fires("a=1", 0, 60, origin="rule:x", at=60),
            60,
            (0, 60),
            id="the origin ends its open claim",
        ),
        pytest.param(
            fires("a=1", 0, 100),
            fires("a=1", 200, None, at=200),
            200,
            (200, None),
            id="from a dated end to an open one",
        ),
    ],
)
def test_two_reports_of_one_origin(
    old: Alert, new: Alert, now: float, expected: tuple[float, float | None]
) -> None:
    merged = merge(old, new, t(now))
    start, end = expected
    assert span(merged) == (t(start), None if end is None else t(end))


def test_the_first_report_is_taken_as_it_is() -> None:
    new = fires("a=1", 0, 100)
    assert merge(None, new, t(0)) is new


def test_annotations_are_those_of_the_latest_report() -> None:
    merged = merge(fires("a=1", 0, 100, note="old"), fires("a=1", 10, 110, note="new"), t(10))
    assert merged.annotations == {"summary": "new"}


def test_an_alert_of_two_origins_fires_while_one_says_so() -> None:
    both = merge(fires("a=1", 0, None, origin="rule:x"), fires("a=1", 10, 100), t(10))
    assert span(both) == (t(0), None)
    rule_ended = merge(both, fires("a=1", 0, 50, origin="rule:x", at=50), t(50))
    assert not rule_ended.resolved(t(50))
    assert span(rule_ended) == (t(10), t(100)), "the ended claim is forgotten, its start with it"
    assert rule_ended.resolved(t(100))


def test_when_all_origins_have_ended_all_claims_stay_to_tell_the_span() -> None:
    both = merge(fires("a=1", 0, 30), fires("a=1", 10, 20, origin="webhook:x"), t(40))
    assert span(both) == (t(0), t(30))
    assert both.updated_at == t(10)


def test_the_moment_of_its_end_counts_as_ended() -> None:
    claim = Claim("api", t(0), t(10), t(0))
    assert [claim.resolved(t(9.9)), claim.resolved(t(10))] == [False, True]


@pytest.mark.parametrize(
    ("alert", "expected_end"),
    [
        pytest.param(fires("a=1", 0, 150), 500, id="ran out while we were down: grace"),
        pytest.param(fires("a=1", 0, 90), 90, id="ran out before we went down: ended"),
        pytest.param(fires("a=1", 0, 150, at=150), 150, id="its origin had stated the end: ended"),
        pytest.param(fires("a=1", 0, 900), 900, id="still ahead: untouched"),
        pytest.param(fires("a=1", 0, None, origin="rule:x"), None, id="no end: untouched"),
    ],
)
def test_grace_after_a_start(alert: Alert, expected_end: float | None) -> None:
    kept = grace(alert, down_since=t(100), now=t(200), resolve_timeout=s(300))
    assert kept.ends_at == (None if expected_end is None else t(expected_end))
