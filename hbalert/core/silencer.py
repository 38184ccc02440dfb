"""Which silences cover an alert, for many alerts and many silences.

Knows how to ask only the silences that may match. Must not know the life of a silence: it is given
those that are active. The answer is that of `silence.silenced_by`, which is the definition.

Every silence stands under one of its matchers, the pivot: an equality if it has one, because a value
then finds its silences in one step; else a pattern, which is tested once per distinct value. One
thousand silences over twenty thousand alerts cost as many dictionary look-ups as there are label
names among the pivots, not twenty million tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from hbalert.core.matcher import Matcher, Op, matches
from hbalert.core.silence import Silence

REMEMBERED = 10_000
"""Values per label name whose candidates are remembered; then all are forgotten and learnt again."""


class Silencer:
    """The silences that are active at one moment, arranged for looking up.

    active  exactly these; the arrangement holds until one of them ends or another begins
    """

    def __init__(self, active: Iterable[Silence]) -> None:
        self.active = tuple(active)
        self._pivots: dict[str, _Pivot] = {}
        for silence in self.active:
            pivot = min(silence.matchers, key=_selectivity, default=None)
            name = pivot.name if pivot else ""
            self._pivots.setdefault(name, _Pivot()).add(pivot, silence)

    @classmethod
    def at(cls, silences: Iterable[Silence], now: datetime) -> Silencer:
        """Of those among `silences` that are active at `now`."""
        return cls(silence for silence in silences if silence.starts_at <= now < silence.ends_at)

    def holds(self, active: Iterable[Silence]) -> bool:
        """Whether exactly these silences are arranged here; then nothing has to be looked up again."""
        mine = iter(self.active)
        return all(next(mine, None) is silence for silence in active) and next(mine, None) is None

    def silenced_by(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The ids of the active silences that match, sorted."""
        found = [
            silence.id
            for name, pivot in self._pivots.items()
            for silence, others in pivot.candidates(labels.get(name, ""))
            if matches(others, labels)
        ]
        return tuple(sorted(found)) if found else ()


class _Pivot:
    """The silences whose pivot asks for one label name."""

    def __init__(self) -> None:
        self._equal: dict[str, list[tuple[Silence, tuple[Matcher, ...]]]] = {}
        self._tested: list[tuple[Matcher | None, Silence, tuple[Matcher, ...]]] = []
        self._remembered: dict[str, list[tuple[Silence, tuple[Matcher, ...]]]] = {}

    def add(self, pivot: Matcher | None, silence: Silence) -> None:
        others = tuple(matcher for matcher in silence.matchers if matcher is not pivot)
        if pivot is not None and pivot.op is Op.EQUAL:
            self._equal.setdefault(pivot.value, []).append((silence, others))
        else:
            self._tested.append((pivot, silence, others))

    def candidates(self, value: str) -> list[tuple[Silence, tuple[Matcher, ...]]]:
        """The silences whose pivot accepts `value`, with the matchers that are left to ask."""
        if not self._tested:
            return self._equal.get(value, _NOBODY)
        found = self._remembered.get(value)
        if found is None:
            found = [
                *self._equal.get(value, _NOBODY),
                *(
                    (silence, others)
                    for pivot, silence, others in self._tested
                    if not pivot or pivot.test(value)
                ),
            ]
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[value] = found
        return found


_NOBODY: list[tuple[Silence, tuple[Matcher, ...]]] = []


def _selectivity(matcher: Matcher) -> int:
    """Small is a good pivot: an equality leaves few alerts, a negation leaves nearly all."""
    if matcher.op is Op.EQUAL:
        return 1 if matcher.value else 2
    return 3 if matcher.op is Op.REGEX else 4
