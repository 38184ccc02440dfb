"""Solitary: what is asked alone for a while, because a query of many with it failed.

Knows periods. Must not know what failed, or how anything is asked. Next: `batch.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

ALONE_AT_FIRST = timedelta(minutes=10)
ALONE_AT_MOST = timedelta(hours=6)


class Solitary:
    """Expressions that are asked alone.

    What is wrong often lies in the data of the moment (two series where one was expected), so each
    gets another chance, later each time.
    """

    def __init__(self) -> None:
        self._until: dict[str, tuple[datetime, timedelta]] = {}

    def holds(self, expr: str, at: datetime) -> bool:
        """Whether `expr` is to be asked alone at `at`; a clock that was set back ends it early."""
        until, period = self._until.get(expr, (at, ALONE_AT_FIRST))
        return timedelta() < until - at <= period

    def held(self, at: datetime) -> frozenset[str]:
        """All that is to be asked alone at `at`."""
        return frozenset(expr for expr in self._until if self.holds(expr, at))

    def add(self, expr: str, at: datetime) -> None:
        """From `at`: for ten minutes, and twice as long each time it fails again."""
        _, before = self._until.get(expr, (at, ALONE_AT_FIRST / 2))
        period = min(before * 2, ALONE_AT_MOST)
        self._until[expr] = (at + period, period)
        for other, (until, _) in list(self._until.items()):
            if at - until > ALONE_AT_MOST:  # nobody asks for it any more
                del self._until[other]

    def remove(self, expr: str) -> None:
        self._until.pop(expr, None)
