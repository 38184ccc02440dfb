"""What SQLite's errors mean to who reads them.

Knows SQLite's result codes. Must not know what was being written. Next: `sqlite.py`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hbalert.errors import StoreError, StoreFull

# Primary result codes: the low byte of the extended one. Source: sqlite.org/rescode.html
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})


def code(error: BaseException) -> int:
    """SQLite's primary result code; 0 when the error is not SQLite's."""
    extended: int = getattr(error, "sqlite_errorcode", 0)
    return extended & 0xFF


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file is no sound database."""
    return code(error) in _DAMAGED


def store_error(error: Exception, database: Path) -> StoreError:
    """The StoreError, or StoreFull, that says what happened to `database` and what to do."""
    if isinstance(error, StoreError):
        return error
    primary = code(error)
    if primary in _NO_ROOM:
        return StoreFull(
            f"{database} cannot be written: {error}; make room on the disk, or see that it can be written"
        )
    if primary in _DAMAGED:
        return StoreError(
            f"{database} is damaged: {error}; restart hbalert: it keeps the file aside and takes over "
            "what can be read"
        )
    if primary in _BUSY:
        return StoreError(f"{database} is held by another program: {error}; end its transaction")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"{database} cannot be opened: {error}; check storage.url and who may write there")
    return StoreError(f"{database} did not take a change: {type(error).__name__}: {error}")
