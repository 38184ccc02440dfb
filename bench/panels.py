"""Every curve of docs/growth.svg: what grows, what is measured meanwhile, and how much it may cost.

Knows no way to measure anything, and none to draw. Next: `process.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.budgets import AM, OWN_SHORT

WE = "hbalert"
VM = "vmalert"


@dataclass(frozen=True)
class Bound:
    """Where a budget lies: at a multiple of somebody's curve.

    flat   at that multiple of its first point, all the way
    since  from so many on: the budget says nothing about fewer
    """

    who: str
    times: float = 1.0
    plus: float = 0.0
    flat: bool = False
    since: int = 0

    def figures(self, curve: dict[int, float]) -> dict[int, float]:
        """How many there are -> how much it may cost; `curve` are the medians of `who`."""
        first = curve[min(curve)] if curve else 0.0
        return {
            among: (first if self.flat else figure) * self.times + self.plus
            for among, figure in curve.items()
            if among >= self.since
        }


@dataclass(frozen=True)
class Panel:
    """One picture.

    among  what grows, along the axis
    who    whose curves there are, hbalert's first
    """

    name: str
    title: str
    among: str
    unit: str
    who: tuple[str, ...]
    budget: Bound
    budget_says: str


_PANELS = (
    Panel(
        "growth-refresh",
        "A refresh of an alert, posts of 64",
        "active alerts",
        "us CPU an alert",
        (WE, AM),
        Bound(WE, 1.5, flat=True),
        "budget: 1.5 x hbalert among 1,000",
    ),
    Panel(
        "growth-new",
        "A new alert, posts of 64, from none up to so many",
        "active alerts",
        "us CPU an alert",
        (WE, AM),
        Bound(AM, 2),
        f"budget: 2 x {AM}",
    ),
    Panel(
        "growth-look",
        "A look at all groups, nothing to tell",
        "active alerts",
        "ms CPU",
        (WE, AM),
        Bound(AM),
        f"budget: {AM}",
    ),
    Panel(
        "growth-silences",
        "The same after a change of a silence, 5,000 alerts",
        "silences in force",
        "ms CPU",
        (WE, AM),
        Bound(AM, 0.1, since=1_000),
        f"budget: 0.1 x {AM} from 1,000 on",
    ),
    Panel(
        "growth-rules",
        "A round of rules, a hundredth fires",
        "rules",
        "us CPU a rule",
        (WE, OWN_SHORT, VM),
        Bound(OWN_SHORT, 1.8),
        f"budget: 1.8 x {OWN_SHORT}",
    ),
    Panel(
        "growth-memory",
        "Memory, alerts refreshed five times",
        "active alerts",
        "MiB",
        (WE, AM),
        Bound(AM, plus=30, since=20_000),
        f"budget: {AM} + 30 MiB at 20,000",
    ),
)

PANELS = {panel.name: panel for panel in _PANELS}
