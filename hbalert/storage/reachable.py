"""The rows of a damaged table that can still be reached by asking for them.

Knows how SQLite answers on a file that is not whole, and how to go around a bad place. Must not know what
a row means or what becomes of it. What nothing leads to any more is in `pages.py`. Next: `rescue.py`.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from hbalert.storage.queries import sqlite as q

MOST_PROBES = 50_000
"""How often a damaged table is asked for rows between two bad places: about a second."""

_HIGHEST = 2**63 - 1

Rows = list[Sequence[Any]]


class Reachable:
    """The rows of one table. `whole`: no bad place has been met so far."""

    def __init__(self, old: sqlite3.Connection, name: str, columns: Sequence[str]) -> None:
        self.whole = True
        self._old = old
        self._name = name
        self._columns = columns
        self._seen: set[int] = set()

    def rows(self) -> Iterator[Sequence[Any]]:
        """Every row that can be reached, number first, each once.

        Walks upwards until a bad place, then downwards from the end until a bad place; what lies between
        is halved again and again, each half walked both ways from its middle.
        """
        upwards, self.whole = self._walk(-1, _HIGHEST, down=False)
        yield from upwards
        if self.whole:
            return
        downwards, _ = self._walk(max(self._seen, default=-1), _HIGHEST, down=True)
        last_good = max((row[0] for row in upwards), default=-1)
        yield from downwards
        first_good = min((row[0] for row in downwards), default=self._end(last_good))
        yield from self._between(last_good, first_good)

    def _between(self, last_good: int, first_good: int) -> Iterator[Sequence[Any]]:
        gaps = deque([(last_good, first_good)])
        probes = 0
        while gaps and probes < MOST_PROBES:
            low, high = gaps.popleft()
            if high - low < 2:
                continue
            probes += 3
            middle = (low + high) // 2
            # By itself first: a row beside a bad place is seen only by who does not look further.
            alone, _ = self._ask(q.between_alone(self._name, self._columns), middle - 1, middle + 1)
            yield from alone
            above, whole_above = self._walk(middle - 1, high, down=False)
            yield from above
            below, whole_below = self._walk(low, middle, down=True)
            yield from below
            if not whole_above:
                gaps.append((max((row[0] for row in above), default=middle), high))
            if not whole_below:
                gaps.append((low, min((row[0] for row in below), default=middle)))

    def _walk(self, low: int, high: int, *, down: bool) -> tuple[Rows, bool]:
        return self._ask(q.between(self._name, self._columns, down=down), low, high)

    def _ask(self, query: str, low: int, high: int) -> tuple[Rows, bool]:
        """The rows up to a bad place, less the last: Python looks ahead before it hands a row out."""
        rows: Rows = []
        try:
            for row in self._old.execute(query, (low, high)):
                # A pointer that was hit may lead anywhere, even back.
                if low < row[0] < high and row[0] not in self._seen:
                    self._seen.add(row[0])
                    rows.append(row)
        except (sqlite3.Error, UnicodeError):
            return rows, False
        return rows, True

    def _end(self, last_good: int) -> int:
        """A number that no row is likely to reach, when the end of the table cannot be read."""
        try:
            (highest,) = self._old.execute(q.highest_number(self._name)).fetchone()
        except (sqlite3.Error, UnicodeError):
            highest = None
        return int(highest) + 1 if highest is not None else 2 * max(last_good, 0) + 4096
