"""Which of many lists of matchers hold for an alert, without asking each of them.

Knows how to ask only those that may hold. Must not know whose they are: silences (`silencer.py`) and
both sides of inhibition rules (`inhibit.py`) are found through it.

Every list stands under one of its matchers, the pivot: an equality if it has one, because a value then
finds its lists in one step, and of several the one that fewest others share; else a pattern, which is
tested once per distinct value. One thousand silences over twenty thousand alerts cost as many
dictionary look-ups as there are label names among the pivots, not twenty million tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from hbalert.core.matcher import Matcher, Op, matches

T = TypeVar("T")

CompileMany = Callable[[Sequence[str]], Callable[[str], Sequence[int]]]
"""Takes patterns, returns what gives the positions of all that match a whole value."""

REMEMBERED = 50_000
"""Values per label name whose candidates are remembered; then all are forgotten and learnt again."""

CROWD = 8
"""More lists than this under one equality are better told apart by a pattern."""


class Sieve(Generic[T]):
    """Lists of matchers, arranged for looking up.

    lists         whose each is, and its matchers; one without any holds for everything
    compile_many  asks many patterns in one pass; without it each is asked by itself
    """

    def __init__(
        self, lists: Iterable[tuple[T, Sequence[Matcher]]], compile_many: CompileMany | None = None
    ) -> None:
        entries = [(owner, tuple(matchers)) for owner, matchers in lists]
        shared = Counter(
            (matcher.name, matcher.value)
            for _, matchers in entries
            for matcher in matchers
            if matcher.op is Op.EQUAL
        )

        def selectivity(matcher: Matcher) -> tuple[int, int]:
            """Small is a good pivot: an equality leaves few alerts, a negation leaves nearly all."""
            if matcher.op is Op.EQUAL and matcher.value:
                others = shared[matcher.name, matcher.value]
                return (1 if others <= CROWD else 3), others
            if matcher.op is Op.REGEX:
                return (2 if compile_many else 5), 0
            return (4 if matcher.op is Op.EQUAL else 6), 0

        self._pivots: dict[str, _Pivot[T]] = {}
        for owner, matchers in entries:
            pivot = min(matchers, key=selectivity, default=None)
            name = pivot.name if pivot else ""
            others = tuple(matcher for matcher in matchers if matcher is not pivot)
            self._pivots.setdefault(name, _Pivot(compile_many)).add(pivot, (owner, others))

    def found(self, labels: Mapping[str, str]) -> list[T]:
        """The owners of the lists that hold, in no particular order."""
        found, get = [], labels.get
        for name, pivot in self._pivots.items():
            for owner, others in pivot.candidates(get(name, "")):
                if matches(others, labels):
                    found.append(owner)
        return found


class _Pivot(Generic[T]):
    """The lists whose pivot asks for one label name, each with the matchers that are left to ask."""

    def __init__(self, compile_many: CompileMany | None) -> None:
        self._compile_many = compile_many
        self._equal: dict[str, list[tuple[T, tuple[Matcher, ...]]]] = {}
        self._patterns: list[tuple[str, tuple[T, tuple[Matcher, ...]]]] = []
        self._tested: list[tuple[Callable[[str], bool], tuple[T, tuple[Matcher, ...]]]] = []
        self._matching: Callable[[str], Sequence[int]] | None = None
        self._remembered: dict[str, Sequence[tuple[T, tuple[Matcher, ...]]]] = {}

    def add(self, pivot: Matcher | None, entry: tuple[T, tuple[Matcher, ...]]) -> None:
        if pivot is None:
            self._tested.append((lambda value: True, entry))
        elif pivot.op is Op.EQUAL:
            self._equal.setdefault(pivot.value, []).append(entry)
        elif pivot.op is Op.REGEX and self._compile_many is not None:
            self._patterns.append((pivot.value, entry))
        else:
            self._tested.append((pivot.test, entry))

    def candidates(self, value: str) -> Sequence[tuple[T, tuple[Matcher, ...]]]:
        """The lists whose pivot accepts `value`."""
        if not self._tested and not self._patterns:
            return self._equal.get(value, ())
        found = self._remembered.get(value)
        if found is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            found = self._remembered[value] = self._ask(value)
        return found

    def _ask(self, value: str) -> Sequence[tuple[T, tuple[Matcher, ...]]]:
        found = [*self._equal.get(value, ()), *(entry for test, entry in self._tested if test(value))]
        if self._patterns and self._compile_many is not None:
            if self._matching is None:
                self._matching = self._compile_many([pattern for pattern, _ in self._patterns])
            found += [self._patterns[index][1] for index in self._matching(value)]
        return found or ()
