"""What is wrong with a database file, in one sentence.

Knows the header of a SQLite file, SQLite's own checks and the list of tables as our migrations make it.
Must not know what becomes of a damaged one. Next: `repair.py`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hbalert.storage.failure import code, is_damage
from hbalert.storage.files import beside
from hbalert.storage.migrate import apply_all, is_ours, known_migrations
from hbalert.storage.queries import sqlite as q

WHOLE_CHECK_BYTES = 128 * 1024 * 1024
"""Up to this size indexes are compared with their tables too: 220 MB took 0.7 s, without it 0.45 s."""

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST = 512
_WAL_VERSIONS = b"\x02\x02"


def was_emptied(database: Path) -> bool:
    """Whether the file is empty although its log is not: SQLite would throw the log away."""
    try:
        return database.stat().st_size == 0 and beside(database, "-wal").stat().st_size > 0
    except OSError:
        return False


def damage(connection: sqlite3.Connection, database: Path) -> str:
    """What is wrong with the database; empty when it is sound.

    Raises sqlite3.Error or OSError when the file cannot be read at all.
    """
    return _header_damage(database) or _content_damage(connection, database) or _schema_damage(connection)


def _header(database: Path) -> bytes:
    """The header of a database that is surely ours; empty otherwise."""
    with open(database, "rb") as file:
        header = file.read(100)
    return header if header[68:72] == q.APPLICATION_ID.to_bytes(4, "big") else b""


def _header_damage(database: Path) -> str:
    """What is wrong with the fixed fields of the header.

    SQLite takes some wrong values there for a file of a later format, which it may not write.
    Source: sqlite.org/fileformat2.html, 1.3.
    """
    if 0 < database.stat().st_size < _SMALLEST:
        return "it is too short"  # SQLite takes it for a new one
    header = _header(database)
    if not header:
        return ""
    versions = header[18:20] in (b"\x01\x01", _WAL_VERSIONS)
    fixed = header[16:18] + header[20:24] == q.PAGE_BYTES.to_bytes(2, "big") + b"\x00\x40\x20\x20"
    formats = header[44:48] == b"\0\0\0\4" and header[56:60] == b"\0\0\0\1"
    return "" if versions and fixed and formats else "its header is wrong"


def _content_damage(connection: sqlite3.Connection, database: Path) -> str:
    """What is wrong with the database, in SQLite's words; empty when it is sound."""
    try:
        whole = database.stat().st_size <= WHOLE_CHECK_BYTES
        (found,) = connection.execute(q.WHOLE_CHECK if whole else q.QUICK_CHECK).fetchone()
    except (sqlite3.Error, UnicodeError) as error:
        # A letter that was hit in the list of tables is an error like in any statement, but only in
        # a database of ours: others may use functions that we do not have.
        if is_damage(error) or (code(error) in (0, sqlite3.SQLITE_ERROR) and _header(database)):
            return " ".join(str(error).split())
        raise
    return "" if found == "ok" else " ".join(str(found).split())


def _schema_damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the list of tables of a sound database of ours; empty when it is as it was made.

    A letter that was hit there may leave a list that SQLite can read, with a column that nobody knows.
    """
    if not is_ours(connection):
        return ""
    try:
        recorded = [(number, checksum) for number, _, checksum in connection.execute(q.MIGRATIONS)]
        present = set(connection.execute(q.SCHEMA))
    except (sqlite3.Error, UnicodeError) as error:
        return str(error)
    known = [(migration.number, migration.checksum) for migration in known_migrations()]
    if recorded[: len(known)] == known and len(recorded) > len(known):
        return ""  # a newer hbalert's: migrate says so
    if not recorded or recorded != known[: len(recorded)]:
        return "its list of schemas is wrong"
    # More than that is not ours, but does no harm: a view that somebody made for a report.
    return "" if schema_after(len(recorded)) <= present else "its list of tables is wrong"


def schema_after(migrations: int) -> set[tuple[str, str, str]]:
    """The list of tables as so many migrations make it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        apply_all(made, known_migrations()[:migrations], _ANY_TIME)
        return set(made.execute(q.SCHEMA))
