"""Every statement the SQLite store runs, by name.

Knows SQL as SQLite >= 3.24 speaks it. Must not know when a statement is run (`sqlite.py`). Statements
over a table of `tables.py` are made from its columns, so that a column is named in one place only.

Rows go in by executemany: 64 inserts among 20,000 random keys took 0.9 ms of CPU, one INSERT with 64
value lists 1.2 ms, json_each 2.0 ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hbalert.storage.tables import ATTEMPTS, DELIVERIES, NOTES, Table

PAGE_BYTES = 4096
PAGE_SIZE = f"PRAGMA page_size = {PAGE_BYTES}"  # only a new database listens
PRAGMAS = (
    PAGE_SIZE,
    # A database shared with another program (a backup, sqlite3 by hand) is waited for, not refused.
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    # Rows of different tables come and go on their own: a log entry outlives its group.
    "PRAGMA foreign_keys = OFF",
    # Some builds overwrite what is deleted; that doubles the writes of a retention run.
    "PRAGMA secure_delete = OFF",
    # Checkpoints are the reader thread's (`sqlite.py`). This is the net under them, in pages.
    "PRAGMA wal_autocheckpoint = 8000",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA cache_size = -8000",
)
READER_PRAGMAS = ("PRAGMA busy_timeout = 5000", "PRAGMA query_only = ON")

SYNC_FULL = "PRAGMA synchronous = FULL"
SYNC_NORMAL = "PRAGMA synchronous = NORMAL"
CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"

BEGIN = "BEGIN IMMEDIATE"
BEGIN_READ = "BEGIN"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
SAVEPOINT = "SAVEPOINT unit"
RELEASE = "RELEASE unit"
ROLLBACK_TO = "ROLLBACK TO unit"

WHOLE_CHECK = "PRAGMA integrity_check(1)"
QUICK_CHECK = "PRAGMA quick_check(1)"
APPLICATION_ID = 0x68624C74  # "hbLt", in the file's header: whose database it is
GET_APPLICATION_ID = "PRAGMA application_id"
SET_APPLICATION_ID = f"PRAGMA application_id = {APPLICATION_ID}"
SCHEMA = "SELECT type, name, sql FROM sqlite_master"
TABLE_NAMES = "SELECT name FROM sqlite_master WHERE type = 'table'"

CREATE_MIGRATION = (
    "CREATE TABLE IF NOT EXISTS migration "
    "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)"
)
MIGRATIONS = "SELECT number, name, checksum FROM migration ORDER BY number"
ADD_MIGRATION = "INSERT INTO migration (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)"

FACTS = "SELECT name, value FROM fact"
PUT_FACT = (
    "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
KEEP_LAST_SEQUENCE = (
    "INSERT INTO fact (name, value) "
    "SELECT 'last_sequence', coalesce(max(sequence), 0) FROM delivery WHERE true "
    "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
)
LAST_SEQUENCE = (
    "SELECT max(coalesce((SELECT max(sequence) FROM delivery), 0), "
    "coalesce((SELECT value FROM fact WHERE name = 'last_sequence'), 0))"
)

ALERT_EXISTS = "SELECT 1 FROM alert WHERE key = ?"
SILENCE_EXISTS = "SELECT 1 FROM silence WHERE id = ?"
SET_ASIDE = "INSERT INTO unreadable (origin, content) VALUES (?, ?)"

LIVE = "state IN ('queued', 'sending')"
# A delivery's time is when it was settled; while it is live, when it was made. Has an index.
DELIVERY_TIME = "coalesce(settled_at, created_at)"

_LINES_CHUNK = 500
OLD_DELIVERIES = (
    f"SELECT number, id FROM delivery WHERE {DELIVERY_TIME} < ? AND NOT {LIVE} "  # noqa: S608 - constants only
    f"ORDER BY {DELIVERY_TIME} LIMIT 200"
)
DROP_DELIVERY = "DELETE FROM delivery WHERE number = ?"
DROP_ATTEMPTS_OF = "DELETE FROM attempt WHERE delivery_id = ?"
DROP_OLD_SILENCES = "DELETE FROM silence WHERE max(ends_at, coalesce(kept_until, ends_at)) < ?"
# Lines lie in the order in which they were written, so the old ones are the first. An attempt of a
# delivery that is still there goes with it, not by its own age.
OLD_NOTES = (
    "SELECT number, at < :before FROM note WHERE number > :after "  # noqa: S608 - constants only
    f"ORDER BY number LIMIT {_LINES_CHUNK}"
)
DROP_NOTE = "DELETE FROM note WHERE number = ?"
OLD_ATTEMPTS = (
    "SELECT number, at < :before, "  # noqa: S608 - constants only
    "NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.id = attempt.delivery_id) "
    f"FROM attempt WHERE number > :after ORDER BY number LIMIT {_LINES_CHUNK}"
)
DROP_ATTEMPT = "DELETE FROM attempt WHERE number = ?"


def put(table: Table[Any, Any]) -> str:
    """Writes a whole row by its key, new or known."""
    changes = ", ".join(f"{column} = excluded.{column}" for column in table.columns)
    return f"{append(table)} ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}"


def append(table: Table[Any, Any]) -> str:
    """Adds a whole row."""
    return insert(table.name, table.all_columns)


def insert(name: str, columns: Iterable[str]) -> str:
    """Adds a row of some columns."""
    listed = tuple(columns)
    marks = ", ".join("?" * len(listed))
    return f"INSERT INTO {name} ({', '.join(listed)}) VALUES ({marks})"  # noqa: S608 - our own names


def drop(table: Table[Any, Any]) -> str:
    """Removes a row by its key."""
    condition = " AND ".join(f"{column} = ?" for column in table.key)
    return f"DELETE FROM {table.name} WHERE {condition}"  # noqa: S608 - our own names


def live(table: Table[Any, Any], *, numbered: bool = False) -> str:
    """All live rows: key and columns, in the order in which they came.

    numbered  the row's number stands before them
    """
    columns = (("number",) if numbered else ()) + table.all_columns
    condition, order = (f" WHERE {LIVE}", "sequence") if table is DELIVERIES else ("", "number")
    return f"SELECT {', '.join(columns)} FROM {table.name}{condition} ORDER BY {order}"  # noqa: S608 - our own names


def drop_number(table: Table[Any, Any]) -> str:
    """Removes a row by its number."""
    return f"DELETE FROM {table.name} WHERE number = ?"  # noqa: S608 - our own names


def history(*, since: bool, until: bool, notifier: bool, state: bool, beginning: bool) -> str:
    """Deliveries, newest first. Parameters: those asked for, by name, and `limit` (-1: all).

    since      what still waits goes on, however old it is
    beginning  of the id: from `first` up to, not including, `last`
    """
    conditions = [
        condition
        for asked, condition in (
            (since, f"({DELIVERY_TIME} >= :since OR {LIVE})"),
            (until, f"{DELIVERY_TIME} < :until"),
            (notifier, "notifier = :notifier"),
            (state, "state = :state"),
            (beginning, "id >= :first AND id < :last"),
        )
        if asked
    ]
    where = " AND ".join(conditions) or "true"
    return (
        f"SELECT {', '.join(DELIVERIES.all_columns)} FROM delivery WHERE {where} "  # noqa: S608 - our own names
        f"ORDER BY {DELIVERY_TIME} DESC, sequence DESC LIMIT :limit"
    )


ATTEMPTS_OF = (
    f"SELECT {', '.join(ATTEMPTS.all_columns)} FROM attempt "  # noqa: S608 - constants only
    "WHERE delivery_id = ? ORDER BY number"
)


SENT_SINCE = (
    "SELECT coalesce(sum(CASE WHEN json_valid(reached) "  # noqa: S608 - constants only
    "THEN max(1, json_array_length(reached)) ELSE 1 END), 0) "
    f"FROM delivery WHERE {DELIVERY_TIME} >= ? AND notifier = ? AND state = 'sent'"
)
"""Messages that a notifier has sent since then: one for each recipient, one where there are none."""


def notes(*, alert: bool, group: bool) -> str:
    """Timeline lines, newest first. Parameters: hash and key, or group, by name, and `limit` (-1: all)."""
    conditions = ["alert_hash = :hash AND alert_key = :key"] if alert else []
    conditions += ["group_id = :group"] if group else []
    where = " AND ".join(conditions) or "true"
    return (
        f"SELECT {', '.join(NOTES.all_columns)} FROM note WHERE {where} "  # noqa: S608 - our own names
        "ORDER BY number DESC LIMIT :limit"
    )


# --- rescue ------------------------------------------------------------------------------------

IGNORE_SCHEMA_ERRORS = "PRAGMA writable_schema = ON"


def columns_of(name: str) -> str:
    """The columns a table has in a database of unknown age; the second value is the name."""
    return f"PRAGMA table_info({name})"


def highest_number(name: str) -> str:
    return f"SELECT max(number) FROM {name}"  # noqa: S608 - our own names


def between(name: str, columns: Iterable[str], *, down: bool = False) -> str:
    """Rows with a number strictly between two, number first, upwards or down."""
    listed = ", ".join(("number", *columns))
    order = "DESC" if down else "ASC"
    return (
        f"SELECT {listed} FROM {name} WHERE number > ? AND number < ? "  # noqa: S608 - our own names
        f"ORDER BY number {order}"
    )


def between_alone(name: str, columns: Iterable[str]) -> str:
    """The one row between two numbers that differ by two; looks at nothing beside it."""
    listed = ", ".join(("number", *columns))
    return f"SELECT {listed} FROM {name} WHERE number = ? + 1 AND number < ?"  # noqa: S608 - our own names


def take_over(name: str, columns: Iterable[str]) -> str:
    """Adds a rescued row with its number; of two with one key the later stays."""
    return insert(name, ("number", *columns)).replace("INSERT", "INSERT OR REPLACE", 1)


def add_if_new(name: str, columns: Iterable[str]) -> str:
    """Adds a rescued row with its number unless its number or its key is there already."""
    return insert(name, ("number", *columns)).replace("INSERT", "INSERT OR IGNORE", 1)
