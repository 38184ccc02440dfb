"""Rows straight from pages: what SQLite wrote is what is read, and nothing that was deleted."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbalert.storage.pages import Column, lost_rows
from hbalert.storage.queries.sqlite import PAGE_BYTES

SHAPE: list[Column] = [(str, False), (bytes, True), (int, True), (float, True)]


def make(database: Path, rows: Sequence[tuple[Any, ...]]) -> None:
    database.unlink(missing_ok=True)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute(
            "CREATE TABLE a (number INTEGER PRIMARY KEY, t TEXT NOT NULL, b BLOB, i INTEGER, r REAL)"
        )
        connection.execute("CREATE TABLE other (number INTEGER PRIMARY KEY, t TEXT NOT NULL)")
        connection.execute("INSERT INTO other (t) VALUES ('of another shape')")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO a VALUES (?, ?, ?, ?, ?)", rows)
        connection.execute("COMMIT")


def read(database: Path) -> list[tuple[Any, ...]]:
    return sorted(lost_rows(database, SHAPE))


values = st.tuples(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.none() | st.binary(max_size=30),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(-(2**63), 2**63 - 1), values, max_size=20))
def test_every_value_comes_back(tmp_path_factory: pytest.TempPathFactory, rows: dict[int, Any]) -> None:
    database = tmp_path_factory.getbasetemp() / "pages.db"
    wanted = sorted((number, *row) for number, row in rows.items())
    make(database, wanted)
    assert read(database) == wanted


@pytest.mark.parametrize("size", [0, 4050, 4051, 4052, 4053, 4060, 4061, 4096, 8100, 8200, 100_000])
def test_a_row_of_any_length_comes_back(database: Path, size: int) -> None:
    """Around the lengths at which a row goes on on another page."""
    for length in range(max(0, size - 3), size + 4):
        rows = [(1, "x" * length, b"y", 1, 0.5), (2, "short", None, None, None)]
        make(database, rows)
        assert read(database) == rows


def test_rows_of_many_pages_come_back(database: Path) -> None:
    draw = random.Random(1)
    rows = [
        (number, f"row {number}", draw.randbytes(number % 300), number, number / 3) for number in range(5000)
    ]
    make(database, rows)
    assert read(database) == rows


def test_what_was_deleted_stays_deleted(database: Path) -> None:
    """Its pages are free, and their content is still there."""
    rows = [(number, f"row {number}", b"z" * 100, None, None) for number in range(3000)]
    make(database, rows)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM a WHERE number BETWEEN 500 AND 2899")
    assert b"row 1234" in database.read_bytes()
    assert read(database) == rows[:500] + rows[2900:]


def test_without_a_list_of_free_pages_nothing_is_read(database: Path) -> None:
    rows = [(number, f"row {number}", None, None, None) for number in range(3000)]
    make(database, rows)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM a WHERE number > 100")
    with open(database, "r+b") as file:
        file.seek(36)
        file.write(b"\0\0\0\1")
    assert read(database) == []


def test_noise_is_read_without_harm(database: Path) -> None:
    """Page after page of rows with every bit in doubt: whatever comes out, nothing breaks or hangs."""
    rows = [(number, f"row {number}" * (number % 700), b"z", 1, 1.5) for number in range(300)]
    make(database, rows)
    whole = database.read_bytes()
    draw = random.Random(2)
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(2000):
            damaged[draw.randrange(PAGE_BYTES, len(whole))] ^= 1 << draw.randrange(8)
        database.write_bytes(damaged)
        assert len(read(database)) < 2 * len(rows)
