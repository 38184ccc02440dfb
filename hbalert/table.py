"""Rows by key, and a table of changes that lies over another one until they are committed.

Knows how rows are found, what differs from the table below, and whether anything has changed. Must not
know what a row is. Next: `memory.py`, which has one for each kind of row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Generic, TypeVar, cast

K = TypeVar("K")
V = TypeVar("V")

_changes = count(1)


class Table(Generic[K, V]):
    """Rows by key. `index(key, row)` names the buckets under which a row is found as well.

    A table may lie over another: then it holds only what differs, and None marks a removed row.
    The buckets of a row never change while its key lives.
    """

    __slots__ = ("_buckets", "_changed", "_index", "_rows", "_under")

    def __init__(
        self,
        index: Callable[[K, V], tuple[object, ...]] | None = None,
        under: Table[K, V] | None = None,
    ) -> None:
        self._index = index
        self._under = under
        self._rows: dict[K, V | None] = {}
        self._changed = 0
        # Over another one they are made when somebody looks into them: most that write never do.
        self._buckets: dict[object, set[K]] | None = {} if under is None else None

    def over(self) -> Table[K, V]:
        """A new table that lies over this one."""
        return Table(self._index, self)

    def get(self, key: K) -> V | None:
        table: Table[K, V] | None = self
        while table is not None:
            rows = table._rows
            if key in rows:
                return rows[key]
            table = table._under
        return None

    def put(self, key: K, row: V) -> None:
        self._rows[key] = row
        self._changed = next(_changes)
        if self._index is not None and self._buckets is not None:
            for bucket in self._index(key, row):
                self._buckets.setdefault(bucket, set()).add(key)

    def drop(self, key: K) -> None:
        self._changed = next(_changes)
        if self._under is not None:
            self._rows[key] = None
            return
        row = self._rows.pop(key, None)
        if row is None or self._index is None or self._buckets is None:
            return
        for bucket in self._index(key, row):
            keys = self._buckets[bucket]
            keys.discard(key)
            if not keys:
                del self._buckets[bucket]

    def items(self) -> Iterator[tuple[K, V]]:
        """Every row with its key. A table that changes nothing is as fast as the one below."""
        if self._under is None:
            return iter(cast("dict[K, V]", self._rows).items())  # here no row is None
        if not self._rows:
            return self._under.items()
        return self._both(self._under)

    def _both(self, under: Table[K, V]) -> Iterator[tuple[K, V]]:
        for key, row in under.items():
            if key not in self._rows:
                yield key, row
        for key, mine in self._rows.items():
            if mine is not None:
                yield key, mine

    def values(self) -> Iterator[V]:
        return (row for _, row in self.items())

    def found(self, bucket: object) -> list[tuple[K, V]]:
        """The rows of one bucket of the index, in no particular order."""
        if self._under is not None and not self._rows:
            return self._under.found(bucket)
        pairs = [(key, self.get(key)) for key in self._keys(bucket)]
        return [(key, row) for key, row in pairs if row is not None]

    def _keys(self, bucket: object) -> set[K]:
        if self._buckets is None:
            self._buckets = {}
            for key, row in self._rows.items():
                if row is not None and self._index is not None:
                    for each in self._index(key, row):
                        self._buckets.setdefault(each, set()).add(key)
        mine = self._buckets.get(bucket)
        if self._under is None:
            return mine or set()
        below = self._under._keys(bucket)
        return mine | below if mine else below

    def changed(self) -> dict[K, V | None]:
        """What differs from the table below; None marks a removed row."""
        return self._rows

    @property
    def version(self) -> tuple[int, ...]:
        """Equal as long as no row has changed, here or below: what was worked out from them still holds."""
        below = self._under.version if self._under is not None else ()
        return (self._changed, *below) if self._changed else below

    def __len__(self) -> int:
        """How many rows there are, without going through those below."""
        if self._under is None:
            return len(self._rows)
        more = sum((row is not None) - (self._under.get(key) is not None) for key, row in self._rows.items())
        return len(self._under) + more

    def absorb(self, rows: Mapping[K, V | None]) -> None:
        """Takes over rows that a table over this one has changed."""
        if self._index is None:
            self._changed = next(_changes)
            self._rows.update(rows)
            if self._under is None:
                for key in [key for key, row in rows.items() if row is None]:
                    del self._rows[key]
            return
        for key, row in rows.items():
            if row is None:
                self.drop(key)
            else:
                self.put(key, row)
