"""The tables: how each is called, its columns, and whose rows lie in it.

Knows which field of `Changes` goes into which table. Must not know how a value becomes a row (`rows.py`)
nor SQL (`queries/`). Next: `unit.py`, which collects rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hbalert.core.delivery import Delivery
from hbalert.core.matcher import CompileRegex
from hbalert.ports import Attempt, Note
from hbalert.storage import rows
from hbalert.storage.rows import Row
from hbalert.storage.spelling import text

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Table(Generic[K, V]):
    """How the values of one field of `Changes` lie in a table.

    field    of `Changes`, and of `Snapshot` where it is live
    key      columns of the primary key; none for a table that only grows
    columns  the others, in the order of `to_row`
    to_key   the key of `Changes` as a row
    to_row   a value as a row, without the key
    from_row the value of a whole row: key, then columns
    """

    field: str
    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    to_key: Callable[[K], Row]
    to_row: Callable[[V], Row]
    from_row: Callable[[Row], V]

    @property
    def all_columns(self) -> tuple[str, ...]:
        return self.key + self.columns


def _bytes_key(key: bytes) -> Row:
    return (key,)


def _text_key(key: str) -> Row:
    return (text(key),)


def _pair_key(key: tuple[str, str]) -> Row:
    return (text(key[0]), text(key[1]))


def _rule_alert_key(key: tuple[str, bytes]) -> Row:
    return (text(key[0]), key[1])


def _no_key(_: object) -> Row:
    return ()


ATTEMPTS: Table[None, Attempt] = Table(
    "attempts",
    "attempt",
    (),
    ("delivery_id", "notifier", "at", "duration_ms", "result", "reason", "answer", "provider_id"),
    _no_key,
    rows.attempt_row,
    rows.attempt_of,
)
NOTES: Table[None, Note] = Table(
    "notes",
    "note",
    (),
    ("at", "kind", "text", "alert_hash", "alert_key", "group_id", "delivery_id", "notifier"),
    _no_key,
    rows.note_row,
    rows.note_of,
)
DELIVERIES: Table[str, Delivery] = Table(
    "deliveries",
    "delivery",
    ("id",),
    (
        "sequence",
        "group_id",
        "notifier",
        "state",
        "created_at",
        "next_attempt_at",
        "attempts",
        "reached",
        "refused",
        "last_answer",
        "settled_at",
        "notification",
    ),
    _text_key,
    rows.delivery_row,
    rows.delivery_of,
)
_SILENCE_COLUMNS = (
    "matchers",
    "starts_at",
    "ends_at",
    "created_by",
    "comment",
    "updated_at",
    "annotations",
    "kept_until",
    "window_name",
)
_RULE_ALERT_COLUMNS = (
    "state",
    "active_at",
    "value",
    "annotations",
    "fired_at",
    "keep_firing_since",
    "resolved_at",
    "missed",
    "flaps",
)


def keyed_tables(compile_regex: CompileRegex) -> tuple[Table[Any, Any], ...]:
    """The tables whose rows are written by key, in the order in which they are written."""
    return (
        Table(
            "alerts",
            "alert",
            ("key",),
            ("annotations", "generator_url", "claims"),
            _bytes_key,
            rows.alert_row,
            rows.alert_of,
        ),
        Table(
            "rule_alerts",
            "rule_alert",
            ("rule_id", "key"),
            _RULE_ALERT_COLUMNS,
            _rule_alert_key,
            rows.rule_alert_row,
            rows.rule_alert_of,
        ),
        Table(
            "groups",
            "alert_group",
            ("id",),
            ("route_id", "labels", "next_flush_at", "flushed"),
            _text_key,
            rows.group_row,
            rows.group_of,
        ),
        Table(
            "entries",
            "log_entry",
            ("group_id", "notifier"),
            ("firing", "resolved", "flapping", "at", "repeats"),
            _pair_key,
            rows.entry_row,
            rows.entry_of,
        ),
        DELIVERIES,
        Table(
            "silences",
            "silence",
            ("id",),
            _SILENCE_COLUMNS,
            _text_key,
            rows.silence_row,
            lambda row: rows.silence_of(row, compile_regex),
        ),
        Table(
            "windows",
            "maintenance",
            ("name",),
            ("matchers", "recurrence", "comment", "created_by", "made_at"),
            _text_key,
            rows.window_row,
            lambda row: rows.window_of(row, compile_regex),
        ),
        Table(
            "notifiers",
            "notifier",
            ("name",),
            ("sends", "held_until"),
            _text_key,
            rows.notifier_row,
            rows.notifier_of,
        ),
    )


LINES: tuple[Table[Any, Any], ...] = (ATTEMPTS, NOTES)
"""The tables that only grow."""
