"""Migrations: from the schema a database has to the schema this hbalert knows.

Knows numbered SQL files, their checksums and the backup before a change. Must not know what is in the
tables. Next: `repair.py`.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from hbalert.errors import StoreError
from hbalert.storage.files import beside
from hbalert.storage.queries import sqlite as q
from hbalert.storage.spelling import micros

TABLES = {
    "fact": "facts about the store",
    "alert": "alerts",
    "rule_alert": "alerts of rules",
    "alert_group": "groups",
    "log_entry": "entries of the notification log",
    "delivery": "deliveries",
    "silence": "silences",
    "maintenance": "maintenance windows",
    "notifier": "notifiers",
    "attempt": "attempts",
    "note": "timeline lines",
    "unreadable": "rows set aside",
}
"""Every table of the newest schema -> what its rows are called."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step; `name` is the file's, without number and ending."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of the text, whatever its line endings."""
        return hashlib.sha256("\n".join(self.sql.splitlines()).encode()).hexdigest()


def known_migrations() -> tuple[Migration, ...]:
    """Those of `schema/`, in order."""
    found = []
    for file in files("hbalert.storage.schema").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


def migrate(
    connection: sqlite3.Connection,
    database: Path,
    now: datetime,
    migrations: Sequence[Migration] | None = None,
) -> Path | None:
    """Brings the database to the newest schema; each step is all or nothing.

    migrations  those of `schema/` unless a test brings its own
    Returns the backup that was made before, `<name>.before-NNNN`, when there was something to save.
    Raises StoreError when the schema is newer than this hbalert, was changed after its release, or
    belongs to another program; then the database is as it was. sqlite3.Error when a step fails.
    """
    migrations = known_migrations() if migrations is None else migrations
    applied = _applied(connection, database)
    known = {migration.number: migration for migration in migrations}
    for number, checksum in applied.items():
        if number not in known:
            newest = max(known, default=0)
            raise StoreError(
                f"{database} has schema {number}, this hbalert knows schema {newest}: a newer hbalert "
                "wrote it; install that one again, or put its backup "
                f"{_backup_path(database, newest + 1).name} in its place"
            )
        if known[number].checksum != checksum:
            raise StoreError(
                f"{database}: schema {number} is not the one this hbalert was released with; "
                "install the hbalert that made this database"
            )
    missing = [migration for migration in migrations if migration.number not in applied]
    backup = _back_up(connection, database, missing[0].number) if missing and applied else None
    apply_all(connection, missing, now)
    return backup


def is_ours(connection: sqlite3.Connection) -> bool:
    """Whether hbalert made this database: it says so, or has all the tables. A new one is nobody's."""
    (application,) = connection.execute(q.GET_APPLICATION_ID).fetchone()
    return application == q.APPLICATION_ID or _names(connection).issuperset(TABLES)


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute(q.TABLE_NAMES)}


def _applied(connection: sqlite3.Connection, database: Path) -> dict[int, str]:
    names = _names(connection)
    if names and not is_ours(connection):
        raise StoreError(f"{database} is the database of another program; give hbalert its own storage.url")
    if "migration" not in names:
        return {}
    return {number: checksum for number, _, checksum in connection.execute(q.MIGRATIONS)}


def apply_all(connection: sqlite3.Connection, migrations: Sequence[Migration], now: datetime) -> None:
    """Makes the steps, one after the other. Raises sqlite3.Error; then the step that failed left nothing."""
    for migration in migrations:
        _apply(connection, migration, now)


def _apply(connection: sqlite3.Connection, migration: Migration, now: datetime) -> None:
    connection.execute(q.BEGIN)
    try:
        connection.execute(q.CREATE_MIGRATION)
        connection.execute(q.SET_APPLICATION_ID)
        for statement in _statements(migration.sql):
            connection.execute(statement)
        row = (migration.number, migration.name, migration.checksum, micros(now))
        connection.execute(q.ADD_MIGRATION, row)
        connection.execute(q.COMMIT)
    except BaseException:
        if connection.in_transaction:
            connection.execute(q.ROLLBACK)
        raise


def _statements(sql: str) -> Iterator[str]:
    """The statements of a file, one by one: executescript would commit between them."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def _backup_path(database: Path, number: int) -> Path:
    return beside(database, f".before-{number:04d}")


def _back_up(connection: sqlite3.Connection, database: Path, number: int) -> Path:
    """A whole copy of the database, complete before it bears its name."""
    path = _backup_path(database, number)
    draft = beside(path, ".new")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT, 0o600))
    copy = sqlite3.connect(draft)
    try:
        connection.backup(copy)
    except BaseException:
        copy.close()
        draft.unlink(missing_ok=True)
        raise
    copy.close()
    os.replace(draft, path)
    return path
