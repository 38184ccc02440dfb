"""Intake: what a report means for what is known."""

import pytest

from hbalert.core.alert import Alert
from hbalert.core.intake import Change, take
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
