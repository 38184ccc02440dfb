"""What was measured, and what was wrong.

Knows how pairs become a median and a range. Must not know who is measured. Next: `process.py`.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.budgets import LINES

Cost = Callable[[int], Awaitable[float]]
"""What one turn costs; it is told which one it is."""


class Wrong(AssertionError):
    """An engine does not show what it has to: nothing that was measured with it counts."""


def check(good: bool, what: str) -> None:
    """Raises Wrong, with `what` as its text, unless it is good."""
    if not good:
        raise Wrong(what)


@dataclass(frozen=True)
class Pair:
    """hbalert's figure, and what it is divided by, one directly after the other."""

    ours: float
    base: float

    @property
    def ratio(self) -> float:
        return self.ours / self.base


@dataclass(frozen=True)
class Scale:
    """How much is done. The full scale is what the page is about; the quick one looks at results only.

    pairs   how often each figure is taken, one engine after the other
    shrink  by what every number of alerts, silences, groups and rules is divided
    """

    pairs: int = 5
    shrink: int = 1

    @property
    def quick(self) -> bool:
        return self.shrink > 1

    def of(self, number: int, least: int = 10) -> int:
        return max(least, number // self.shrink)


FULL = Scale()
QUICK = Scale(pairs=1, shrink=40)


@dataclass
class Record:
    """Pairs by the name of their line."""

    pairs: dict[str, list[Pair]] = field(default_factory=dict)

    def pair(self, name: str, ours: float, base: float) -> None:
        """One more pair; the base of what was too small to see is taken as the smallest step of the clock."""
        assert name in LINES, name
        self.pairs.setdefault(name, []).append(Pair(ours, base or 1e-3))

    async def alternately(self, name: str, times: int, ours: Cost, theirs: Cost) -> None:
        """Takes both figures in turn, A B A B."""
        for turn in range(times):
            self.pair(name, await ours(turn), await theirs(turn))


def median(figures: list[float]) -> float:
    return statistics.median(figures)


def percentile(figures: list[float], share: float) -> float:
    """The smallest figure that is not below that share of all of them."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
