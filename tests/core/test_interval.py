"""Time intervals: what the calendar says in one place."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hbalert.core.interval import Span, TimeInterval, TimeSpan, contains, next_change

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = TimeSpan(22 * 60, 24 * 60)


@pytest.mark.parametrize(
    ("interval", "moment", "expected"),
    [
        pytest.param(TimeInterval(), "2026-03-01T00:00", True, id="nothing given: always"),
        pytest.param(TimeInterval((NIGHT,)), "2026-03-01T22:00", True, id="the start belongs to it"),
        pytest.param(TimeInterval((NIGHT,)), "2026-03-01T23:59", True, id="24:00 reaches midnight"),
        pytest.param(TimeInterval((NIGHT,)), "2026-03-02T00:00", False, id="but not beyond"),
        pytest.param(TimeInterval((TimeSpan(540, 1020),)), "2026-03-01T17:00", False, id="the end does not"),
        pytest.param(TimeInterval((NIGHT,), location=SHANGHAI), "2026-03-01T14:30", True, id="its own clock"),
        pytest.param(TimeInterval(weekdays=(Span(0, 0),)), "2026-03-01T12:00", True, id="Sunday is 0"),
        pytest.param(TimeInterval(weekdays=(Span(1, 5),)), "2026-03-01T12:00", False, id="not a working day"),
        pytest.param(TimeInterval(weekdays=(Span(6, 6),)), "2026-03-07T12:00", True, id="Saturday is 6"),
        pytest.param(
            TimeInterval(weekdays=(Span(1, 1),), location=SHANGHAI),
            "2026-03-01T18:00",
            True,
            id="already Monday there",
        ),
        pytest.param(TimeInterval(days_of_month=(Span(1, 5),)), "2026-03-05T12:00", True, id="a day"),
        pytest.param(
            TimeInterval(days_of_month=(Span(-1, -1),)), "2026-02-28T12:00", True, id="the last day"
        ),
        pytest.param(TimeInterval(days_of_month=(Span(-3, -1),)), "2024-02-27T12:00", True, id="leap year"),
        pytest.param(
            TimeInterval(days_of_month=(Span(1, 31),)), "2026-02-28T12:00", True, id="cut at the end"
        ),
        pytest.param(TimeInterval(days_of_month=(Span(31, 31),)), "2026-02-28T12:00", False, id="no 31st"),
        pytest.param(
            TimeInterval(days_of_month=(Span(-31, -30),)), "2026-02-01T12:00", False, id="before the 1st"
        ),
        pytest.param(TimeInterval(months=(Span(3, 5),)), "2026-05-31T12:00", True, id="a month"),
        pytest.param(TimeInterval(months=(Span(3, 5),)), "2026-06-01T12:00", False, id="the month after"),
        pytest.param(TimeInterval(years=(Span(2025, 2026),)), "2027-01-01T00:00", False, id="a year"),
        pytest.param(
            TimeInterval((TimeSpan(150, 210),), location=BERLIN),
            "2026-03-29T01:15",
            True,
            id="03:15 on the day the clocks go forward",
        ),
        pytest.param(
            TimeInterval((NIGHT,), weekdays=(Span(1, 5),)),
            "2026-03-01T23:00",
            False,
            id="every field has to match",
        ),
    ],
)
def test_whether_a_moment_is_described(interval: TimeInterval, moment: str, expected: bool) -> None:
    assert interval.contains(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is expected


def test_a_named_interval_is_a_list() -> None:
    parts = [TimeInterval((NIGHT,)), TimeInterval((TimeSpan(0, 360),))]
    assert contains(parts, datetime(2026, 3, 1, 3, 0, tzinfo=UTC))
    assert not contains(parts, datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    assert not contains([], datetime(2026, 3, 1, 12, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("interval", "after", "expected"),
    [
        pytest.param(TimeInterval((NIGHT,)), "2026-03-01T12:00:30", "2026-03-01T22:00", id="its start"),
        pytest.param(TimeInterval((NIGHT,)), "2026-03-01T22:00:00", "2026-03-02T00:00", id="its end"),
        pytest.param(
            TimeInterval((TimeSpan(605, 611),)), "2026-03-01T10:06:10", "2026-03-01T10:11", id="to the minute"
        ),
        pytest.param(TimeInterval(), "2026-03-01T12:00", None, id="always: never"),
        pytest.param(
            TimeInterval((TimeSpan(180, 240),), location=BERLIN),
            "2026-03-29T00:30",
            "2026-03-29T01:00",
            id="an hour earlier in UTC after the clocks went forward",
        ),
    ],
)
def test_when_the_answer_changes(interval: TimeInterval, after: str, expected: str | None) -> None:
    found = next_change([interval], datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == (datetime.fromisoformat(expected).replace(tzinfo=UTC) if expected else None)


def test_what_changes_too_late_is_not_looked_for() -> None:
    interval = TimeInterval(years=(Span(2030, 2030),))
    assert next_change([interval], datetime(2026, 1, 1, tzinfo=UTC), within=timedelta(days=2)) is None
