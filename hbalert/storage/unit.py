"""Units of work: what one caller wants stored, as rows, all or nothing.

Knows how several units become one. Must not know SQL nor what a row means. Next: `sqlite.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hbalert.ports import Changes
from hbalert.storage.rows import Row
from hbalert.storage.spelling import micros
from hbalert.storage.tables import LINES, Table


@dataclass(slots=True)
class Unit:
    """What one caller wants stored, as rows.

    rows   table name -> key -> whole row, or None to remove it
    lines  table name -> rows to append
    facts  name -> number
    vital  keys of alerts that may be new on a full disk as well
    """

    rows: dict[str, dict[Row, Row | None]] = field(default_factory=dict)
    lines: dict[str, list[Row]] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    vital: set[bytes] = field(default_factory=set)

    def add(self, later: Unit) -> None:
        """Takes over what `later` wants stored after this; of two rows with one key the later stays."""
        for name, rows in later.rows.items():
            self.rows.setdefault(name, {}).update(rows)
        for name, lines in later.lines.items():
            self.lines.setdefault(name, []).extend(lines)
        self.facts.update(later.facts)

    @property
    def is_durable(self) -> bool:
        """Whether it is worth an fsync: facts alone are not."""
        return bool(self.rows or self.lines)

    def __len__(self) -> int:
        """How many rows it touches."""
        tables = (*self.rows.values(), *self.lines.values(), self.facts)
        return sum(map(len, tables))


def to_unit(changes: Sequence[Changes], tables: Iterable[Table[Any, Any]]) -> Unit:
    """The rows of one caller's changes, in order. Raises TypeError for a value that has no row."""
    unit = Unit()
    for table in tables:
        rows: dict[Row, Row | None] = {}
        for change in changes:
            for key, value in getattr(change, table.field).items():
                key_row = table.to_key(key)
                rows[key_row] = None if value is None else (*key_row, *table.to_row(value))
        if rows:
            unit.rows[table.name] = rows
    for table in LINES:
        lines = [table.to_row(line) for change in changes for line in getattr(change, table.field)]
        if lines:
            unit.lines[table.name] = lines
    unit.vital.update(*(change.vital for change in changes))
    seen = [change.seen_at for change in changes if change.seen_at is not None]
    if seen:
        unit.facts["last_seen"] = micros(seen[-1])
    return unit
