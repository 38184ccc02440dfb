"""SQLite's errors, said so that somebody can act."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hbalert.errors import StoreError, StoreFull
from hbalert.storage.failure import is_damage, store_error


def error_with(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("words of SQLite")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        (sqlite3.SQLITE_FULL, StoreFull, "make room on the disk"),
        (sqlite3.SQLITE_IOERR_WRITE, StoreFull, "make room on the disk"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, StoreFull, "see that it can be written"),
        (sqlite3.SQLITE_CORRUPT_INDEX, StoreError, "is damaged"),
        (sqlite3.SQLITE_NOTADB, StoreError, "restart hbalert"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StoreError, "held by another program"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, StoreError, "check storage.url"),
        (sqlite3.SQLITE_CONSTRAINT_NOTNULL, StoreError, "did not take a change"),
    ],
)
def test_a_code_becomes_a_sentence(code: int, kind: type[StoreError], says: str) -> None:
    error = store_error(error_with(code), Path("hbalert.db"))
    assert type(error) is kind
    assert str(error).startswith("hbalert.db ")
    assert says in str(error)
    assert "words of SQLite" in str(error)


def test_an_error_that_is_not_sqlites_is_a_store_error() -> None:
    error = store_error(OverflowError("too large"), Path("hbalert.db"))
    assert str(error) == "hbalert.db did not take a change: OverflowError: too large"


def test_a_store_error_stays_itself() -> None:
    error = StoreFull("x")
    assert store_error(error, Path("hbalert.db")) is error


def test_only_a_file_that_is_no_database_is_damaged() -> None:
    assert is_damage(error_with(sqlite3.SQLITE_CORRUPT_VTAB))
    assert not is_damage(error_with(sqlite3.SQLITE_FULL))
    assert not is_damage(ValueError())
