"""The connection that reads history, so that a long answer never holds up a commit.

Knows how a question becomes a query. Must not know asyncio: `sqlite.py` runs all of this on a thread
of its own. The same thread writes the log into the database (a checkpoint): beside commits, not after
one of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from hbalert.ports import Attempt, HistoryLine, HistoryQuery, Note
from hbalert.storage.failure import store_error
from hbalert.storage.queries import sqlite as q
from hbalert.storage.rows import Row
from hbalert.storage.spelling import key_hash, micros
from hbalert.storage.tables import ATTEMPTS, DELIVERIES, NOTES, Table

V = TypeVar("V")

_LAST = "\U0010ffff"


class Reader:
    """A connection that sees what is committed.

    skipped  called with a sentence for a row that cannot be understood and was left out
    """

    def __init__(self, database: Path, skipped: Callable[[str], None]) -> None:
        """Opens the database, which exists and is sound. Raises StoreError."""
        self._database = database
        self._skipped = skipped
        try:
            self._connection = sqlite3.connect(database, isolation_level=None)
            # One letter that was hit must not cost the rest of an answer.
            self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            for pragma in q.READER_PRAGMAS:
                self._connection.execute(pragma).fetchall()
        except sqlite3.Error as error:
            raise store_error(error, database) from error

    def close(self) -> None:
        self._connection.close()

    def checkpoint(self) -> None:
        """Writes as much of the log into the database as nobody needs any more."""
        self._connection.execute(q.CHECKPOINT).fetchall()

    def history(self, query: HistoryQuery) -> list[HistoryLine]:
        """Deliveries with their attempts, newest first. Raises StoreError."""
        parameters = {
            "since": micros(query.since) if query.since else None,
            "until": micros(query.until) if query.until else None,
            "notifier": query.notifier,
            "state": query.state,
            "first": query.delivery_id,
            "last": query.delivery_id + _LAST,
            "limit": query.limit or -1,
        }
        statement = q.history(
            since=query.since is not None,
            until=query.until is not None,
            notifier=bool(query.notifier),
            state=bool(query.state),
            beginning=bool(query.delivery_id),
        )
        try:
            self._connection.execute(q.BEGIN_READ)
            try:
                deliveries = self._connection.execute(statement, parameters).fetchall()
                lines = []
                for delivery in self._readable(DELIVERIES, deliveries):
                    rows = self._connection.execute(q.ATTEMPTS_OF, (delivery.id,)).fetchall()
                    attempts: tuple[Attempt, ...] = tuple(self._readable(ATTEMPTS, rows))
                    lines.append(HistoryLine(delivery, attempts))
                return lines
            finally:
                self._connection.execute(q.ROLLBACK)
        except sqlite3.Error as error:
            raise store_error(error, self._database) from error

    def sent_since(self, notifier: str, since: datetime) -> int:
        """Messages that a notifier has sent since then. Raises StoreError."""
        try:
            return int(self._connection.execute(q.SENT_SINCE, (micros(since), notifier)).fetchone()[0])
        except sqlite3.Error as error:
            raise store_error(error, self._database) from error

    def notes(self, alert_key: bytes, group_id: str, limit: int) -> list[Note]:
        """The latest timeline lines, oldest first. Raises StoreError."""
        parameters = {
            "hash": key_hash(alert_key),
            "key": alert_key,
            "group": group_id,
            "limit": limit or -1,
        }
        statement = q.notes(alert=bool(alert_key), group=bool(group_id))
        try:
            rows = self._connection.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            raise store_error(error, self._database) from error
        notes: list[Note] = self._readable(NOTES, reversed(rows))
        return sorted(notes, key=lambda note: note.at)

    def _readable(self, table: Table[Any, V], rows: Iterable[Row]) -> list[V]:
        values = []
        for row in rows:
            try:
                values.append(table.from_row(row))
            except Exception:  # any row may be unreadable in any way; the others are still worth showing
                self._skipped(f"A row of {table.field} could not be understood and is left out of answers.")
        return values
