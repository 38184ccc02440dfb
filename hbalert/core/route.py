"""Routes: which receiver an alert goes to, and with whom it is told together.

Knows the tree of matchers and what a group is named. Must not know why an alert fires or whether it
is muted. Next: `group.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, matches, text

EVERYTHING = "..."
"""In `group_by`: each distinct label set is a group of its own."""


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the routing tree, with every inherited value filled in.

    key               matchers of the ancestors and its own, joined by "/": `{}/{team="a"}`
    id                the key with the child's position after each level: unique in the tree
    group_by          label names, or ("...",)
    repeat_intervals  how long until the same is said again, the first time, the second, ...;
                      the last one holds from then on; never empty
    """

    id: str
    key: str
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ()
    group_wait: timedelta = timedelta(seconds=30)
    group_interval: timedelta = timedelta(minutes=5)
    repeat_intervals: tuple[timedelta, ...] = (timedelta(hours=4),)
    continue_: bool = False
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    line: int = field(default=0, compare=False)


def child_key(parent_key: str, matchers: tuple[Matcher, ...]) -> str:
    """The key of a child: its parent's, a slash, its own matchers."""
    return f"{parent_key}/{text(matchers)}"


def match(root: Route, labels: Mapping[str, str]) -> list[Route]:
    """The routes that an alert with these labels takes; at least the root.

    Depth first: a child that matches beats its parent; the first child that matches ends the search
    among its siblings unless it says `continue`.
    """
    if not matches(root.matchers, labels):
        return []
    found: list[Route] = []
    for child in root.routes:
        below = match(child, labels)
        found.extend(below)
        if below and not child.continue_:
            break
    return found or [root]


@dataclass(frozen=True, slots=True)
class Step:
    """One route that was asked whether it takes an alert.

    depth   0 for the root
    failed  the first of its matchers that does not hold; None: it matches
    taken   the alert goes this way: the route matches and none below it does
    """

    route: Route
    depth: int
    failed: Matcher | None
    taken: bool


def trace(root: Route, labels: Mapping[str, str]) -> list[Step]:
    """Every route that `match` asks, in its order, with the answer. Slower; for people."""
    steps: list[Step] = []

    def ask(route: Route, depth: int) -> bool:
        failed = next((each for each in route.matchers if not each.matches(labels)), None)
        place = len(steps)
        steps.append(Step(route, depth, failed, taken=False))
        if failed is not None:
            return False
        below = False
        for child in route.routes:
            found = ask(child, depth + 1)
            below = below or found
            if found and not child.continue_:
                break
        steps[place] = Step(route, depth, None, taken=not below)
        return True

    ask(root, 0)
    return steps


def walk(root: Route) -> Iterator[Route]:
    """Every route of the tree, parents first."""
    yield root
    for child in root.routes:
        yield from walk(child)


def group_labels(route: Route, labels: Labels) -> Labels:
    """The labels that an alert shares with everyone in its group."""
    if EVERYTHING in route.group_by:
        return labels
    return _shared(route.group_by, tuple([labels.get(name, "") for name in route.group_by]))


@lru_cache(maxsize=8192)
def _shared(names: tuple[str, ...], values: tuple[str, ...]) -> Labels:
    return Labels(zip(names, values, strict=True))


def group_key(route: Route, labels: Labels) -> str:
    """Alertmanager's name of a group, as webhooks show it: `{}/{team="a"}:{alertname="X"}`.

    Not unique (two routes may have equal matchers): the identity is `group_id`.
    """
    return f"{route.key}:{labels}"


def group_id(route: Route, labels: Labels) -> str:
    """The identity of a group: the route's id and the group labels; unique by construction."""
    return _identity(route.id, labels)


@lru_cache(maxsize=8192)
def _identity(route_id: str, labels: Labels) -> str:
    return f"{route_id}:{labels}"
