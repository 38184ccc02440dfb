"""Which silences cover an alert, for many alerts and many silences.

Knows how to ask only the silences that may match. Must not know the life of a silence: it is given
those that are active. The answer is that of `silence.silenced_by`, which is the definition.

Every silence stands under one of its matchers, the pivot: an equality if it has one, because a value
then finds its silences in one step; else a pattern, which is tested once per distinct value. One
thousand silences over twenty thousand alerts cost as many dictionary look-ups as there are label
names among the pivots, not twenty million tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from hbalert.core.matcher import Matcher, Op, matches
from hbalert.core.silence import SUBJECT, Silence

CompileMany = Callable[[Sequence[str]], Callable[[str], Sequence[int]]]
"""Takes patterns, returns what gives the positions of all that match a whole value."""

Entry = tuple[Silence, tuple[Matcher, ...]]
"""A silence, and those of its matchers that the pivot has not answered yet."""

REMEMBERED = 50_000
"""Values per label name whose candidates are remembered; then all are forgotten and learnt again."""


class Silencer:
    """The silences that are active at one moment, arranged for looking up.

    active        exactly these; the arrangement holds until one of them ends or another begins
    compile_many  asks many patterns in one pass; without it each is asked by itself
    """

    def __init__(self, active: Iterable[Silence], compile_many: CompileMany | None = None) -> None:
        self.active = tuple(active)
        self._pivots: dict[str, _Pivot] = {}
        for silence in self.active:
            pivot = min(silence.matchers, key=_selectivity, default=None)
            name = pivot.name if pivot else ""
            self._pivots.setdefault(name, _Pivot(compile_many)).add(pivot, silence)

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
            if matches(others, labels) and labels.get(SUBJECT) != silence.id
        ]
        return tuple(sorted(found)) if found else ()


class _Pivot:
    """The silences whose pivot asks for one label name."""

    def __init__(self, compile_many: CompileMany | None) -> None:
        self._compile_many = compile_many
        self._equal: dict[str, list[Entry]] = {}
        self._patterns: list[tuple[str, Entry]] = []
        self._tested: list[tuple[Callable[[str], bool], Entry]] = []
        self._matching: Callable[[str], Sequence[int]] | None = None
        self._remembered: dict[str, list[Entry]] = {}

    def add(self, pivot: Matcher | None, silence: Silence) -> None:
        entry = (silence, tuple(matcher for matcher in silence.matchers if matcher is not pivot))
        if pivot is None:
            self._tested.append((lambda value: True, entry))
        elif pivot.op is Op.EQUAL:
            self._equal.setdefault(pivot.value, []).append(entry)
        elif pivot.op is Op.REGEX and self._compile_many is not None:
            self._patterns.append((pivot.value, entry))
        else:
            self._tested.append((pivot.test, entry))

    def candidates(self, value: str) -> list[Entry]:
        """The silences whose pivot accepts `value`, with the matchers that are left to ask."""
        if not self._tested and not self._patterns:
            return self._equal.get(value, _NOBODY)
        found = self._remembered.get(value)
        if found is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            found = self._remembered[value] = self._ask(value) or _NOBODY
        return found

    def _ask(self, value: str) -> list[Entry]:
        found = [*self._equal.get(value, _NOBODY), *(entry for test, entry in self._tested if test(value))]
        if self._patterns and self._compile_many is not None:
            if self._matching is None:
                self._matching = self._compile_many([pattern for pattern, _ in self._patterns])
            found += [self._patterns[index][1] for index in self._matching(value)]
        return found


_NOBODY: list[Entry] = []


def _selectivity(matcher: Matcher) -> int:
    """Small is a good pivot: an equality leaves few alerts, a negation leaves nearly all."""
    if matcher.op is Op.EQUAL:
        return 1 if matcher.value else 2
    return 3 if matcher.op is Op.REGEX else 4
