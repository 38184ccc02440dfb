"""Groups: when the next look is due."""

import pytest

from hbalert.core.group import Group, after_flush, join, rebound
from hbalert.core.route import Route
from tests.core.say import fires, labels, s, t

ROUTE = Route("r", "{}", "x", group_wait=s(30), group_interval=s(300))


def known(due: float, flushed: bool) -> Group:
    return Group("g", "r", labels("a=1"), t(due), flushed)


@pytest.mark.parametrize(
    ("group", "started", "now", "due"),
    [
        pytest.param(None, 100, 100, 130, id="a new group waits for company"),
        pytest.param(None, 0, 100, 100, id="an alert that has fired long enough is looked at now"),
        pytest.param(None, 70, 100, 100, id="exactly long enough is long enough"),
        pytest.param(known(130, False), 100, 110, 130, id="a second alert does not prolong the wait"),
        pytest.param(known(130, False), 0, 110, 110, id="an old alert ends the wait"),
        pytest.param(known(400, True), 0, 110, 400, id="a flushed group keeps its rhythm"),
    ],
)
def test_when_a_group_is_due_after_an_alert_joined(
    group: Group | None, started: float, now: float, due: float
) -> None:
    joined = join(group, "g", ROUTE, fires("a=1", started, None), labels("a=1"), t(now))
    assert joined.next_flush_at == t(due)


def test_after_a_flush_the_next_comes_an_interval_later() -> None:
    assert after_flush(known(130, False), ROUTE, t(131)) == known(431, True)


@pytest.mark.parametrize(
    ("group", "due"),
    [
        pytest.param(known(900, True), 400, id="the interval has become shorter: it holds at once"),
        pytest.param(known(350, True), 350, id="it has become longer: the next look stays where it is"),
        pytest.param(known(350, False), 130, id="group_wait has become shorter"),
        pytest.param(known(110, False), 110, id="group_wait has become longer"),
    ],
)
def test_an_edit_of_the_timers_never_puts_a_look_off(group: Group, due: float) -> None:
    assert rebound(group, ROUTE, t(100)).next_flush_at == t(due)
