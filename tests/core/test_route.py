"""Routes: who gets an alert, and the names of groups."""

from collections.abc import Sequence
from typing import Any

import pytest

from hbalert.core.route import Route, child_key, group_id, group_key, group_labels, match, trace, walk
from tests.core.say import labels, m


def route(receiver: str, *matchers: str, routes: Sequence[Route] = (), **more: Any) -> Route:
    return Route(receiver, "{}", receiver, tuple(m(text) for text in matchers), routes=tuple(routes), **more)


TREE = route(
    "root",
    routes=[
        route("crit", "severity=critical", routes=[route("crit-db", "team=db")]),
        route("audit", "severity=~.+", continue_=True),
        route("warn", "severity=warning"),
        route("late", "severity=warning"),
    ],
)


@pytest.mark.parametrize(
    ("text", "receivers"),
    [
        pytest.param("x=1", ["root"], id="nothing matches: the root"),
        pytest.param("severity=critical", ["crit"], id="the first child that matches ends the search"),
        pytest.param("severity=critical team=db", ["crit-db"], id="a grandchild beats its parent"),
        pytest.param("severity=warning", ["audit", "warn"], id="continue also tries the siblings"),
        pytest.param("severity=info", ["audit"], id="continue with no further match"),
    ],
)
def test_which_routes_an_alert_takes(text: str, receivers: list[str]) -> None:
    assert [found.receiver for found in match(TREE, labels(text))] == receivers


@pytest.mark.parametrize("text", ["x=1", "severity=critical team=db", "severity=warning", "severity=info"])
def test_a_trace_takes_the_same_routes(text: str) -> None:
    taken = [step.route for step in trace(TREE, labels(text)) if step.taken]
    assert taken == match(TREE, labels(text))


def test_a_trace_names_the_first_condition_that_does_not_hold() -> None:
    steps = trace(TREE, labels("severity=warning"))
    assert [(step.depth, step.route.receiver, str(step.failed or "")) for step in steps] == [
        (0, "root", ""),
        (1, "crit", 'severity="critical"'),
        (1, "audit", ""),
        (1, "warn", ""),
    ]


def test_walk_names_parents_first() -> None:
    assert [each.receiver for each in walk(TREE)] == ["root", "crit", "crit-db", "audit", "warn", "late"]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        pytest.param((), "", id="no label: one group"),
        pytest.param(("a", "z"), "a=1", id="a label that is not there is left out"),
        pytest.param(("...",), "a=1 b=2", id="everything"),
    ],
)
def test_group_labels(group_by: tuple[str, ...], expected: str) -> None:
    assert group_labels(route("x", group_by=group_by), labels("a=1 b=2")) == labels(expected)


def test_group_key_and_id() -> None:
    child = Route('{}/{b=~"x.*",a="1"}/0', child_key("{}", (m("b=~x.*"), m("a=1"))), "r")
    assert group_key(child, labels("n=v")) == '{}/{a="1",b=~"x.*"}:{n="v"}'
    assert group_id(child, labels("n=v")).startswith(child.id)
