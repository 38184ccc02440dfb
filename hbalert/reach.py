"""What a silence reaches: the alerts that fire and are covered, their groups, and whether that is too much.

Knows how to count and what is worth a warning. Must not know HTTP, nor who asks. The same answer serves
whoever is about to make a silence, and whoever looks at one; the coming occurrences of maintenance
windows are worked out here as well.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from hbalert.book import Book
from hbalert.core.maintenance import Occurrence, Window, occurrence_id
from hbalert.core.route import Route, group_key, group_labels, match
from hbalert.core.silence import Silence, SilenceState, is_broad, is_long, state
from hbalert.core.silencer import Silencer
from hbalert.engine import Engine
from hbalert.recurrence import occurrences
from hbalert.regex import compile_many
from hbalert.views import AlertView

MANY = 10
"""When so many alerts fire and a silence covers all of them, that is worth a word."""


@dataclass(frozen=True, slots=True)
class ReachedGroup:
    """A group with alerts that are covered: its key as Alertmanager writes it, its receiver, how many."""

    key: str
    receiver: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Reach:
    """What a silence covers at one moment.

    alerts    that fire and are covered, by fingerprint
    of        how many fire at all
    groups    those of the alerts, the fullest first
    broad     it matches nearly every alert, whatever fires now: to be made only when that is meant
    warnings  sentences for whoever is about to make it
    """

    alerts: tuple[AlertView, ...]
    of: int
    groups: tuple[ReachedGroup, ...]
    broad: bool
    warnings: tuple[str, ...]


def reach(engine: Engine, book: Book, silence: Silence, now: datetime) -> Reach:
    """What a silence, made or not, covers now."""
    firing = book.alerts(now)
    covered = tuple(view for view in firing if silence.covers(view.labels))
    broad = is_broad(silence.matchers)
    return Reach(
        covered,
        len(firing),
        _groups(engine.config.route, covered),
        broad,
        tuple(_warnings(silence, len(covered), len(firing), broad)),
    )


def _groups(root: Route, covered: tuple[AlertView, ...]) -> tuple[ReachedGroup, ...]:
    found = Counter(
        (group_key(route, group_labels(route, view.labels)), route.receiver)
        for view in covered
        for route in match(root, view.labels)
    )
    groups = [ReachedGroup(key, receiver, alerts) for (key, receiver), alerts in found.items()]
    return tuple(sorted(groups, key=lambda group: (-group.alerts, group.key, group.receiver)))


def _warnings(silence: Silence, covered: int, firing: int, broad: bool) -> Iterator[str]:
    if broad:
        yield "it matches nearly every alert, also those that do not fire yet"
    elif covered == firing >= MANY:
        yield f"it matches all {firing} alerts that fire now"
    if is_long(silence):
        yield f"it lasts {(silence.ends_at - silence.starts_at).days} days"
    if silence.until_resolved and not covered:
        yield "nothing that it matches fires now: it waits for the first that does, and ends with the last"


@dataclass(frozen=True, slots=True)
class Coming:
    """An occurrence of a maintenance window.

    state    of its silence; "none" until it is made; "ended" when it was ended by hand or changed
    matches  how many alerts that fire now it would cover
    """

    window: Window
    occurrence: Occurrence
    silence_id: str
    state: str
    matches: int


def counts(book: Book, silences: Iterable[Silence], now: datetime) -> Counter[str]:
    """How many alerts that fire each silence covers, by id; all are asked in one pass."""
    silenced_by = Silencer(silences, compile_many).silenced_by
    return Counter(silence_id for view in book.alerts(now) for silence_id in silenced_by(view.labels))


def window_counts(book: Book, windows: Iterable[Window], now: datetime) -> Counter[str]:
    """The same of maintenance windows, by name, as if they were silences now."""
    return counts(book, [Silence(each.name, each.matchers, now, now, "", "", now) for each in windows], now)


def coming(
    engine: Engine, windows: Mapping[str, Window], now: datetime, limit: int, covered: Mapping[str, int]
) -> list[Coming]:
    """The next occurrences of these windows, running ones included, the earliest first.

    covered  by name of window: `window_counts`
    """

    def of(window: Window) -> Iterator[tuple[datetime, str, Occurrence]]:
        return ((each.starts_at, window.name, each) for each in occurrences(window.recurrence, now))

    found = []
    merged = heapq.merge(*map(of, windows.values()), key=lambda each: each[:2])
    for _, name, occurrence in islice(merged, limit):
        identity = occurrence_id(windows[name], occurrence.starts_at)
        there = engine.memory.silences.get(identity)
        now_is = "none" if there is None else state(there, now).value
        if there is not None and now_is == SilenceState.EXPIRED.value:
            now_is = "ended"
        found.append(Coming(windows[name], occurrence, identity, now_is, covered.get(name, 0)))
    return found
