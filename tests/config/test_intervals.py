"""Calendar ranges as Alertmanager spells them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from hbalert.config import intervals
from hbalert.core.interval import Span, TimeSpan


@pytest.mark.parametrize(
    ("read", "text", "span"),
    [
        (intervals.weekdays, "sunday", Span(0, 0)),
        (intervals.weekdays, "Monday:FRIDAY", Span(1, 5)),
        (intervals.months, "january:march", Span(1, 3)),
        (intervals.months, "5:August", Span(5, 8)),
        (intervals.months, 12, Span(12, 12)),
        (intervals.days_of_month, "1:5", Span(1, 5)),
        (intervals.days_of_month, "-3:-1", Span(-3, -1)),
        (intervals.days_of_month, "1:-1", Span(1, -1)),
        (intervals.days_of_month, 31, Span(31, 31)),
        (intervals.years, "2026:2027", Span(2026, 2027)),
        (intervals.years, 2026, Span(2026, 2026)),
    ],
)
def test_a_range_is_read(read: Callable[[Any], Span], text: Any, span: Span) -> None:
    assert read(text) == span


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (intervals.weekdays, "mon", "not a weekday"),
        (intervals.weekdays, "friday:monday", "ends before it begins"),
        (intervals.weekdays, 1, "not a weekday"),
        (intervals.weekdays, True, "not a range"),
        (intervals.weekdays, [], "not a range"),
        (intervals.months, "13", "from 1 to 12"),
        (intervals.months, "june:may", "ends before it begins"),
        (intervals.days_of_month, "0", "no day 0"),
        (intervals.days_of_month, "32", "from -31 to 31"),
        (intervals.days_of_month, "-3:2", "must be negative"),
        (intervals.days_of_month, "5:1", "ends before it begins"),
        (intervals.days_of_month, "-1:-3", "ends before it begins"),
        (intervals.days_of_month, "٣", "not a number"),
        (intervals.years, "26", "from 1970"),
        (intervals.years, "2026:", "not a number"),
    ],
)
def test_what_is_no_range_is_refused_with_the_reason(
    read: Callable[[Any], Span], text: Any, says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        read(text)


def test_times_of_a_day_end_after_they_begin() -> None:
    assert intervals.times("00:00", "24:00") == TimeSpan(0, 1440)
    assert intervals.times("09:30", "09:31") == TimeSpan(570, 571)
    for start, end in (("09:00", "09:00"), ("22:00", "06:00"), ("24:00", "24:00")):
        with pytest.raises(ValueError, match="two ranges"):
            intervals.times(start, end)
    for wrong in ("9:00", "24:01", "12:60", "noon", ""):
        with pytest.raises(ValueError, match="not a time of day"):
            intervals.times(wrong, "24:00")
