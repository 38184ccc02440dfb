"""Cron expressions on clocks that change, and calendars that cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from hbalert.core.maintenance import Recurrence
from hbalert.recurrence import check, occurrences

HOUR = timedelta(hours=1)


def spans(recurrence: Recurrence, after: str, count: int) -> list[str]:
    found = islice(occurrences(recurrence, datetime.fromisoformat(after)), count)
    return [f"{each.starts_at:%m-%d %H:%M}-{each.ends_at:%H:%M}" for each in found]


@pytest.mark.parametrize(
    ("recurrence", "after", "expected"),
    [
        pytest.param(
            Recurrence("Europe/Berlin", "30 2 * * *", HOUR),
            "2026-03-28T12:00+00:00",
            ["03-29 01:00-02:00", "03-30 00:30-01:30"],
            id="jumped over: at once after the jump, and an hour long",
        ),
        pytest.param(
            Recurrence("Europe/Berlin", "30 2 * * *", HOUR),
            "2026-10-24T12:00+00:00",
            ["10-25 00:30-01:30", "10-26 01:30-02:30"],
            id="comes twice: the first counts",
        ),
        pytest.param(
            Recurrence("Europe/Berlin", "0 1 * * *", 3 * HOUR),
            "2026-03-29T00:30+00:00",
            ["03-29 00:00-03:00", "03-29 23:00-02:00"],
            id="over the change: three hours are three hours; the running one comes first",
        ),
        pytest.param(
            Recurrence("UTC", "0 12 * * *", HOUR),
            "2026-03-01T13:00+00:00",
            ["03-02 12:00-13:00"],
            id="one that ends at that very moment is over",
        ),
        pytest.param(
            Recurrence("Asia/Shanghai", start=0, end=60),
            "2026-03-01T12:00+00:00",
            ["03-01 16:00-17:00"],
            id="weekly, on the clocks of the place",
        ),
    ],
)
def test_occurrences(recurrence: Recurrence, after: str, expected: list[str]) -> None:
    assert spans(recurrence, after, len(expected)) == expected


NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("recurrence", "says"),
    [
        pytest.param(Recurrence(cron="0 0 31 2,4 *", duration=HOUR), "bad day-of-month", id="never"),
        pytest.param(Recurrence(cron="* * * * *", duration=HOUR), "before it has ended", id="each minute"),
        pytest.param(Recurrence(cron="0 0 1,31 * *", duration=48 * HOUR), "before it has", id="some months"),
        pytest.param(Recurrence(cron="0 0 2 * * *", duration=HOUR), "five fields", id="with seconds"),
        pytest.param(Recurrence(cron="@daily", duration=HOUR), "five fields", id="a nickname"),
        pytest.param(Recurrence(cron="0 2 * * someday", duration=HOUR), "no cron expression", id="a day"),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused(recurrence: Recurrence, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(recurrence, NOW)


def test_good_ones_are_not() -> None:
    check(Recurrence(cron="*/30 * * * *", duration=30 * timedelta(minutes=1)), NOW)
    check(Recurrence("Europe/Berlin", start=22 * 60, end=21 * 60), NOW)
