"""What is due when: keys with a time, the earliest first.

Knows the order. Must not know what a key stands for. Next: `memory.py`, which keeps one for the groups.
"""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K")


class Agenda(Generic[K]):
    """Keys with a due time, the earliest first."""

    def __init__(self) -> None:
        self._at: dict[K, datetime] = {}
        self._heap: list[tuple[datetime, int, K]] = []
        self._count = 0

    def set(self, key: K, at: datetime) -> None:
        if self._at.get(key) == at:
            return
        self._at[key] = at
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, key))

    def remove(self, key: K) -> None:
        self._at.pop(key, None)

    def due(self, now: datetime) -> list[K]:
        """Takes out the keys that are due, in the order in which they were due."""
        found: list[K] = []
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                found.append(key)
        return found

    def next(self) -> datetime | None:
        """When the next one is due."""
        while self._heap:
            at, _, key = self._heap[0]
            if self._at.get(key) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def __len__(self) -> int:
        return len(self._at)
