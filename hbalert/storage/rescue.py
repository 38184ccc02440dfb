"""A damaged database, row by row into a new one.

Knows in which order things are tried: the list of tables is mended, each table read around its bad places
(`reachable.py`), then pages that nothing leads to (`pages.py`). Must not know what is kept where, nor what a
row means: whether a rescued one can be understood is seen when it is loaded. Next: `repair.py`.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hbalert.storage.damage import schema_after
from hbalert.storage.files import beside
from hbalert.storage.migrate import TABLES, known_migrations
from hbalert.storage.pages import Column, has_shape, lost_rows
from hbalert.storage.queries import sqlite as q
from hbalert.storage.reachable import Reachable

_INTERIOR_PAGE = 5
_KINDS = {"TEXT": str, "BLOB": bytes, "INTEGER": int, "REAL": float}


@dataclass(slots=True)
class _Rescued:
    """What came of one table: rows taken over, rows that fitted nowhere, and whether some are lost."""

    rows: int = 0
    unfit: int = 0
    holes: bool = False


def take_over(source: Path, fresh: Path, *, may_patch: bool) -> list[str]:
    """Copies what can be read from `source` into `fresh`; says what is lost."""
    mended = may_patch and _mend_schema(fresh, source)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        new.execute(q.BEGIN)
        with closing(_open_damaged(source)) as old:
            # A list of tables that was mended is sure of those of the first schema only: in a database
            # that was migrated, later ones lie elsewhere than in a new one.
            sure = _first_tables() if mended else set(TABLES)
            found = {name: _take_over_table(old, new, name, sure=name in sure) for name in TABLES}
        # Closed, SQLite has written its log into the file, and all pages are in one place.
        log = beside(source, "-wal")
        if not mended and not (log.exists() and log.stat().st_size):
            for name, rescued in found.items():
                if rescued.holes:
                    _take_over_lost(source, new, name, rescued)
        new.execute(q.COMMIT)
    said = []
    for name, rescued in found.items():
        if rescued.holes:
            said.append(f"Of the {TABLES[name]}, {rescued.rows} could be read; others may be lost.")
        if rescued.unfit:
            said.append(f"{rescued.unfit} rows of the {TABLES[name]} were set aside: they fit nowhere.")
    total = sum(rescued.rows for rescued in found.values())
    if said:
        return [f"{total} rows were taken over into a new database.", *said]
    return [f"All rows that it named, {total}, were taken over into a new database."]


def _first_tables() -> set[str]:
    return {name for kind, name, _ in schema_after(1) if kind == "table"}


def _open_damaged(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    # Bytes that are no text any more must reach us all the same: see _insert.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    connection.execute(q.IGNORE_SCHEMA_ERRORS)
    return connection


def _has_schema(path: Path) -> bool:
    """Whether the list of tables can be read and is one that a hbalert made."""
    try:
        with closing(_open_damaged(path)) as connection:
            present = set(connection.execute(q.SCHEMA))
    except (sqlite3.Error, UnicodeError):
        return False
    return any(schema_after(count) <= present for count in range(1, len(known_migrations()) + 1))


def _mend_schema(fresh: Path, damaged: Path) -> bool:
    """Gives a file whose list of tables cannot be read that of a new database. Whether it had to.

    The tables of the first schema lie at the same places in every database of ours. First only the
    first page, with the header; then also the pages that its list goes on in.
    """
    first, *others = _schema_pages(fresh)
    # An empty file must not be opened before: SQLite would remove its log.
    if damaged.stat().st_size > 0 and _has_schema(damaged):
        return False
    _transplant(damaged, [first])
    if not _has_schema(damaged):
        _transplant(damaged, [first, *others])
    return True


def _schema_pages(fresh: Path) -> list[tuple[int, bytes]]:
    """The pages, with their offsets, that hold the list of tables of a new database; the first first.

    The first page is made fit for another file: it says that the file is as long as it is, and that no
    page is free (nothing is written there). A log beside it is read whatever it says.
    Source: sqlite.org/fileformat2.html, 1.3 and 1.6.
    """
    whole = fresh.read_bytes()
    first = bytearray(whole[: q.PAGE_BYTES])
    first[92:96] = b"\0\0\0\0"  # "version valid for": makes SQLite measure the file instead
    first[32:40] = b"\0" * 8
    pages = [(0, bytes(first))]
    if first[100] == _INTERIOR_PAGE:
        (cells,) = struct.unpack_from(">H", first, 103)
        children = [112 - 4, *struct.unpack_from(f">{cells}H", first, 112)]  # the last child stands first
        for place in children:
            (number,) = struct.unpack_from(">I", first, place)
            start = (number - 1) * q.PAGE_BYTES
            pages.append((start, whole[start : start + q.PAGE_BYTES]))
    return pages


def _transplant(damaged: Path, pages: Sequence[tuple[int, bytes]]) -> None:
    with open(damaged, "r+b") as file:
        for start, page in pages:
            file.seek(start)
            file.write(page)


def _take_over_table(old: sqlite3.Connection, new: sqlite3.Connection, name: str, *, sure: bool) -> _Rescued:
    """Copies the rows of one table.

    sure  it is known where the table lies; otherwise what is found there may be another's
    """
    rescued = _Rescued(holes=not sure)
    shape = _shape(new, name)
    try:
        there = {str(column[1]) for column in old.execute(q.columns_of(name))}
    except (sqlite3.Error, UnicodeError):
        there = set()
    ours = [column[1] for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    columns = [column for column in ours if column in there]
    if not columns:
        rescued.holes = True
        return rescued
    statement = q.take_over(name, columns)
    reachable = Reachable(old, name, columns)
    for row in reachable.rows():
        if not sure and not has_shape(row[1:], shape):
            continue
        if _insert(new, statement, name, row):
            rescued.rows += 1
        else:
            rescued.unfit += 1
    rescued.holes |= not reachable.whole
    return rescued


def _shape(new: sqlite3.Connection, name: str) -> list[Column]:
    described = [column for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    return [(_KINDS[column[2]], not column[3]) for column in described]


def _take_over_lost(source: Path, new: sqlite3.Connection, name: str, rescued: _Rescued) -> None:
    """Adds the rows of a table that its own pages do not lead to any more."""
    columns = [column[1] for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    statement = q.add_if_new(name, columns)
    try:
        for row in lost_rows(source, _shape(new, name)):
            rescued.rows += max(new.execute(statement, row).rowcount, 0)
    except (OSError, ValueError, sqlite3.Error):
        pass  # what has been found stays; there is nothing else to try


def _insert(new: sqlite3.Connection, statement: str, name: str, row: Sequence[Any]) -> bool:
    """Stores a rescued row; one that breaks a rule of its table is set aside instead."""
    try:
        new.execute(statement, row)
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, UnicodeError, OverflowError):
        new.execute(q.SET_ASIDE, (name, ascii(tuple(row))))
        return False
    return True
