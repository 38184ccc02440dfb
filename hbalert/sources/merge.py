"""Merge: fewer questions for the same answers.

Knows how rules that differ in a bound (`bounds.py`) or in a label's value (`holes.py`) become one leaf of a
query, how its answer is taken apart, and how it is halved when it fails. Must not know queries, sources
or time. Next: `batch.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hbalert.core.rule import Sample
from hbalert.sources.bounds import Bound, bound
from hbalert.sources.holes import Hole, holes

Ladder = tuple[tuple[str, Bound | None], ...]
"""Expressions with their conditions, the weakest first: the answer to the first holds those to the others."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One expression that is asked, and those that its answer answers.

    parts  (value of the hole's label, expressions about that value)
    hole   what was filled with all of the values; None: `text` is the first expression itself
    """

    text: str
    parts: tuple[tuple[str, Ladder], ...]
    hole: Hole | None = None

    @property
    def is_single(self) -> bool:
        """Whether it answers one expression."""
        return len(self.parts) == 1 and len(self.parts[0][1]) == 1

    @property
    def exprs(self) -> Iterator[str]:
        return (expr for _, ladder in self.parts for expr, _ in ladder)

    def apart(self, samples: Sequence[Sample]) -> Iterator[tuple[str, tuple[Sample, ...]]]:
        """(expression, its answer) from the answer to the leaf."""
        label = self.hole.label if self.hole else ""
        of: dict[str, list[Sample]] = {}
        for sample in samples:
            of.setdefault(sample.labels.get(label, "") if label else "", []).append(sample)
        for value, ladder in self.parts:
            mine = of.get(value, ())
            for place, (expr, condition) in enumerate(ladder):
                if place and condition is not None:
                    yield expr, tuple(each for each in mine if condition.holds(each.value))
                else:
                    yield expr, tuple(mine)

    def halves(self) -> tuple[Leaf, ...]:
        """Two leaves with half of the values or conditions each; none when it answers one expression."""
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return _filled(self.hole, self.parts[:middle]), _filled(self.hole, self.parts[middle:])
        ((_, ladder),) = self.parts
        if len(ladder) > 1:
            middle = len(ladder) // 2
            return _climbed(ladder[:middle]), _climbed(ladder[middle:])
        return ()


def single(expr: str) -> Leaf:
    """A leaf that answers one expression: itself."""
    return _climbed(((expr, None),))


def _climbed(ladder: Ladder) -> Leaf:
    return Leaf(ladder[0][0], (("", ladder),))


def _filled(hole: Hole | None, parts: tuple[tuple[str, Ladder], ...]) -> Leaf:
    if hole is None or len(parts) == 1:
        return _climbed(parts[0][1])
    return Leaf(hole.text(value for value, _ in parts), parts, hole)


def merged(
    exprs: Iterable[str], *, thresholds: bool, labels: bool, most: int, max_bytes: int, never: Collection[str]
) -> list[Leaf]:
    """The leaves that answer `exprs`, in the order of their first expressions.

    thresholds, labels   whether rules that differ in a bound, in a label's value, become one
    most, max_bytes      values of a label in one leaf, and its length
    never                texts of leaves that are not to be asked: their expressions are asked each for itself
    """
    ladders = list(_ladders(exprs)) if thresholds else [((expr, None),) for expr in exprs]
    if not labels:
        return [_climbed(ladder) for ladder in ladders]
    alike: dict[str, list[tuple[int, Hole]]] = {}
    for place, ladder in enumerate(ladders):
        for hole in holes(ladder[0][0]):
            alike.setdefault(hole.key, []).append((place, hole))
    leaves: dict[int, Leaf] = {}
    free = set(range(len(ladders)))
    # The largest families first: a rule of one bot at one exchange is asked with those of the other bots.
    for family in sorted(alike.values(), key=len, reverse=True):
        left = [(place, hole) for place, hole in family if place in free]
        for some in _chunks(left, most, max_bytes):
            parts = tuple((hole.value, ladders[place]) for place, hole in some)
            leaf = _filled(some[0][1], parts)
            if len(some) > 1 and leaf.text not in never:
                leaves[some[0][0]] = leaf
                free.difference_update(place for place, _ in some)
    for place in free:
        leaves[place] = _climbed(ladders[place])
    return [leaves[place] for place in sorted(leaves)]


def _ladders(exprs: Iterable[str]) -> Iterator[Ladder]:
    kinds: dict[object, list[tuple[str, Bound | None]]] = {}
    for expr in exprs:
        condition = bound(expr)
        kinds.setdefault(condition.kind if condition else expr, []).append((expr, condition))
    for some in kinds.values():
        yield tuple(sorted(some, key=_strength)) if len(some) > 1 else tuple(some)


def _strength(rung: tuple[str, Bound | None]) -> tuple[float, bool]:
    return rung[1].strength if rung[1] else (0, False)


def _chunks(
    family: Sequence[tuple[int, Hole]], most: int, max_bytes: int
) -> Iterator[Sequence[tuple[int, Hole]]]:
    start, room = 0, 0
    for place, (_, hole) in enumerate(family):
        weight = hole.weight(hole.value)
        if place == start:
            room = max_bytes - sum(len(piece.encode()) + 4 for piece in hole.pieces)
        elif place - start == most or weight > room:
            yield family[start:place]
            start, room = place, max_bytes - sum(len(piece.encode()) + 4 for piece in hole.pieces)
        room -= weight
    if family:
        yield family[start:]
