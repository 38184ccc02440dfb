"""Intake: what a report means for what is known."""

from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from hbalert.core.alert import Alert
from hbalert.core.intake import Change, goes_on, take
from tests.core.say import fires, t


@pytest.mark.parametrize(
    ("known", "reported", "now", "change"),
    [
        pytest.param(None, fires("a=1"), 0, Change.APPEARED, id="unknown and firing"),
        pytest.param(None, fires("a=1", 0, 10, at=20), 20, Change.NOTHING, id="the end of what nobody knows"),
        pytest.param(fires("a=1"), fires("a=1", 0, 3700, at=60), 60, Change.REFRESHED, id="a later end"),
        pytest.param(
            fires("a=1"), fires("a=1", 0, 60, at=60), 60, Change.RESOLVED, id="an end that has come"
        ),
        pytest.param(
            fires("a=1", 0, 10), fires("a=1", 20, 90), 20, Change.FIRES_AGAIN, id="after it had ended"
        ),
        pytest.param(
            fires("a=1", 0, 10), fires("a=1", 0, 10, at=20), 20, Change.NOTHING, id="a resolve repeated"
        ),
    ],
)
def test_what_a_report_changes(known: Alert | None, reported: Alert, now: float, change: Change) -> None:
    assert take(known, reported, t(now)).change is change


def claimed(start: float, end: float | None, origin: str, timed: bool, flapping: bool) -> Alert:
    alert = fires("a=1", start, end, origin=origin, timed=timed)
    return replace(alert, claims=(replace(alert.claims[0], flapping=flapping),))


few = st.integers(0, 6)
claims = st.builds(
    claimed, few, st.none() | few, st.sampled_from(["api", "rule:r"]), st.booleans(), st.booleans()
)


@given(st.lists(claims, min_size=1, max_size=2), claims, few)
def test_what_goes_on_is_a_refresh_that_becomes_what_is_known(
    before: list[Alert], reported: Alert, now: int
) -> None:
    """The short answer for the usual report is the one that the long way gives."""
    known = replace(before[0], claims=tuple({one.claims[0].origin: one.claims[0] for one in before}.values()))
    if goes_on(known, reported, t(now)):
        event("goes on")
        assert take(known, reported, t(now)) == (reported, Change.REFRESHED)


@pytest.mark.parametrize(
    ("reported", "now"),
    [
        pytest.param(fires("a=1", 0, 200), 50, id="a later end"),
        pytest.param(fires("a=1", 0, 100, note="other words"), 50, id="other words"),
    ],
)
def test_the_usual_report_goes_on(reported: Alert, now: float) -> None:
    assert goes_on(fires("a=1", 0, 100), reported, t(now))
