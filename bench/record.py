"""What was measured, and what was wrong.

Knows how pairs become a median and a range. Must not know who is measured. Next: `sides.py`.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bench.budgets import LINES
from bench.panels import PANELS
from bench.process import Used

Cost = Callable[[int], Awaitable[Used]]
"""What one turn costs; it is told which one it is."""


class Wrong(AssertionError):
    """An engine does not show what it has to: nothing that was measured with it counts."""


def check(good: bool, what: str) -> None:
    """Raises Wrong, with `what` as its text, unless it is good."""
    if not good:
        raise Wrong(what)


@dataclass(frozen=True)
class Pair:
    """hbalert's figure, and what it is divided by, one directly after the other.

    walls  how long one waited for the same; None where nobody waits, or where that is the figure itself
    """

    ours: float
    base: float
    walls: tuple[float, float] | None = None

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

    def sizes(self, numbers: Sequence[int], least: int = 10) -> list[int]:
        """How many there are at each point of a curve; of a quick one only the ends are looked at."""
        chosen = (numbers[0], numbers[-1]) if self.quick else numbers
        return sorted({self.of(number, least) for number in chosen})

    def at_most(self, pairs: int) -> int:
        """How often a figure is taken that takes long."""
        return min(pairs, self.pairs)


FULL = Scale()
QUICK = Scale(pairs=1, shrink=40)

Curve = dict[str, dict[int, list[float]]]
"""Who -> how many there were -> what each turn took."""


@dataclass
class Record:
    """Pairs by the name of their line, curves by the name of their panel."""

    pairs: dict[str, list[Pair]] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)

    def pair(self, name: str, ours: float, base: float, walls: tuple[float, float] | None = None) -> None:
        """One more pair; the base of what was too small to see is taken as a thousandth."""
        assert name in LINES, name
        self.pairs.setdefault(name, []).append(Pair(ours, max(base, 1e-3), walls))

    def point(self, panel: str, who: str, among: int, figure: float) -> None:
        """One more figure of a curve: what it took among so many; never less than a thousandth."""
        assert who in PANELS[panel].who, (panel, who)
        self.curves.setdefault(panel, {}).setdefault(who, {}).setdefault(among, []).append(max(figure, 1e-3))

    async def alternately(self, name: str, times: int, ours: Cost, theirs: Cost) -> None:
        """Takes both figures in turn, A B A B."""
        for turn in range(times):
            mine, other = await ours(turn), await theirs(turn)
            self.pair(name, mine.cpu, other.cpu, (mine.wall, other.wall))


def median(figures: Sequence[float]) -> float:
    return statistics.median(figures)


def percentile(figures: Sequence[float], share: float) -> float:
    """The smallest figure that is not below that share of all of them."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
