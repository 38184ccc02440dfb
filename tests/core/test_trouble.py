"""From when on waiting is a trouble, and little room is one."""

from __future__ import annotations

import pytest

from hbalert.core.trouble import (
    DISK_LOW,
    GIB,
    NOTIFIER_FAILING,
    QUEUE_OLD,
    Room,
    Waiting,
    troubles,
)
from tests.core.say import t


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        pytest.param(Waiting("sms", 1, t(0), 1, "503"), [], id="a failure of a moment ago is none"),
        pytest.param(Waiting("sms", 9, t(-290), 9, "503"), [], id="nor are nine of them"),
        pytest.param(
            Waiting("sms", 2, t(-300), 1, "503"),
            [
                (
                    NOTIFIER_FAILING,
                    "critical",
                    "sms does not get through: 2 notifications wait",
                    "503",
                )
            ],
            id="five minutes without success are one",
        ),
        pytest.param(
            Waiting("sms", 1, t(-300), 1, ""),
            [(NOTIFIER_FAILING, "critical", "sms does not get through: 1 notification waits", "no answer")],
            id="also without an answer",
        ),
        pytest.param(Waiting("sms", 1, t(-899), 0, ""), [], id="to wait for one's turn is none"),
        pytest.param(
            Waiting("sms", 1, t(-900), 0, ""),
            [(QUEUE_OLD, "warning", "sms is late: 1 notification waits", "its rate limit")],
            id="to wait a quarter of an hour for it is one",
        ),
    ],
)
def test_what_waits(waiting: Waiting, expected: list[tuple[str, str, str, str]]) -> None:
    found = list(troubles([waiting], None, t(0)))
    assert [(each.name, each.severity, each.labels) for each in found] == [
        (name, severity, {"notifier": "sms"}) for name, severity, _, _ in expected
    ]
    for each, (_, _, summary, description) in zip(found, expected, strict=True):
        assert each.summary.startswith(summary)
        assert each.description.startswith(description)


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
