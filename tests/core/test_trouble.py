"""From when on waiting is a trouble, an evaluation is late, and little is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hbalert.core.trouble import (
    DISK_LOW,
    EVALUATION_LATE,
    GIB,
    NOTIFIER_FAILING,
    QUEUE_OLD,
    QUOTA_LOW,
    Lateness,
    Room,
    Spent,
    Waiting,
    is_late,
    period_began,
    troubles,
)
from tests.core.say import t

NINE = {"notifier": "sms", "number": "9", "answer": "503"}


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        pytest.param(Waiting("sms", 1, t(0), 1, "503"), [], id="a failure of a moment ago is none"),
        pytest.param(Waiting("sms", 9, t(-290), 9, "503"), [], id="nor are nine of them"),
        pytest.param(
            Waiting("sms", 9, t(-300), 1, "503"),
            [(NOTIFIER_FAILING, "critical", NINE)],
            id="five minutes without success are one",
        ),
        pytest.param(Waiting("sms", 9, t(-899), 0, "503"), [], id="to wait for one's turn is none"),
        pytest.param(
            Waiting("sms", 9, t(-900), 0, "503"),
            [(QUEUE_OLD, "warning", NINE)],
            id="to wait a quarter of an hour for it is one",
        ),
    ],
)
def test_what_waits(waiting: Waiting, expected: list[tuple[str, str, dict[str, str]]]) -> None:
    found = list(troubles([waiting], None, t(0)))
    assert [(each.name, each.severity) for each in found] == [
        (name, severity) for name, severity, _ in expected
    ]
    for each, (_, _, facts) in zip(found, expected, strict=True):
        assert each.labels == {"notifier": "sms"}
        since = waiting.oldest_at.isoformat().replace("+00:00", "Z")
        assert each.facts == {**facts, "since": since}


def test_a_group_is_late_when_it_has_been_so_for_a_while() -> None:
    interval, behind = timedelta(seconds=10), timedelta(seconds=8)
    assert is_late(behind, interval)
    assert not is_late(timedelta(seconds=7.5), interval)
    assert list(troubles([], None, t(119), late=[Lateness("orders", interval, t(0), behind)])) == []
    (trouble,) = troubles([], None, t(120), late=[Lateness("orders", interval, t(0), behind)])
    assert (trouble.name, trouble.severity, trouble.labels) == (
        EVALUATION_LATE,
        "warning",
        {"group": "orders"},
    )
    assert (trouble.facts["behind"], trouble.facts["interval"]) == ("8.0s", "10s")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(39, [], id="less than four fifths are far from the end"),
        pytest.param(40, [("warning", "day")], id="four fifths are near it"),
        pytest.param(50, [("critical", "day over")], id="all of it is the end"),
    ],
)
def test_what_is_left_of_a_quota(number: int, expected: list[tuple[str, str]]) -> None:
    found = list(troubles([], None, t(0), spent=[Spent("sms", "day", number, 50)]))
    assert [(each.severity, each.kind) for each in found] == expected
    assert {each.name for each in found} <= {QUOTA_LOW}
    assert [each.labels for each in found] == [{"notifier": "sms", "period": "day"}] * len(found)


@pytest.mark.parametrize(
    ("period", "zone", "expected"),
    [
        pytest.param("day", "UTC", datetime(2026, 2, 28, tzinfo=UTC), id="a day in UTC"),
        pytest.param("day", "Asia/Shanghai", datetime(2026, 2, 28, 16, tzinfo=UTC), id="a day in China"),
        pytest.param("month", "UTC", datetime(2026, 2, 1, tzinfo=UTC), id="a month in UTC"),
        pytest.param("month", "Asia/Shanghai", datetime(2026, 2, 28, 16, tzinfo=UTC), id="already the next"),
    ],
)
def test_a_day_and_a_month_begin_where_the_notifier_is(period: str, zone: str, expected: datetime) -> None:
    now = datetime(2026, 2, 28, 20, 15, 5, 6, tzinfo=UTC)
    assert period_began(period, now, ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("room", "severities"),
    [
        pytest.param(Room(6 * GIB, 100 * GIB), [], id="a twentieth of a large disk is enough"),
        pytest.param(Room(2 * GIB, 100 * GIB), [], id="so is more than a gibibyte of it"),
        pytest.param(Room(GIB - 1, 100 * GIB), ["warning"], id="less is little"),
        pytest.param(Room(GIB // 2, 2 * GIB), [], id="a quarter of a small disk is enough"),
        pytest.param(Room(GIB // 20, 2 * GIB), ["warning"], id="a fortieth is not"),
        pytest.param(Room(9 * GIB, 10 * GIB, full=True), ["critical"], id="full is what cannot be written"),
    ],
)
def test_what_is_left_on_the_disk(room: Room, severities: list[str]) -> None:
    found = list(troubles([], room, t(0)))
    assert [(each.name, each.severity) for each in found] == [(DISK_LOW, each) for each in severities]
