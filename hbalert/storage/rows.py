"""Core values as rows, and back.

Knows the columns of every table and how a value is spelled in them: times as integer microseconds
UTC, maps and notifications as JSON, sets of alert keys as MessagePack. Must not know SQL (`queries/`)
nor what a value means. Next: `unit.py`, which collects rows.

A row is a tuple of what SQLite can hold. A row that cannot be understood raises an exception of any
type: the caller decides what becomes of it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec

from hbalert.core.alert import Alert, Claim
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.flap import NEVER, Flaps
from hbalert.core.group import Group
from hbalert.core.labels import SEPARATOR, Labels
from hbalert.core.maintenance import Recurrence, Window
from hbalert.core.matcher import CompileRegex, Matcher, Op, make
from hbalert.core.notification import LogEntry, Notification
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.core.silence import Silence
from hbalert.ports import Attempt, Note, NotifierState

Row = tuple[Any, ...]
K = TypeVar("K")
V = TypeVar("V")


# --- single values -----------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact. Raises TypeError for a time without a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The time so many microseconds after 1970. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=micros)


def _micros_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def _moment_or_none(micros: int | None) -> datetime | None:
    return None if micros is None else moment(micros)


def text(value: str) -> str:
    r"""`value` as SQLite can hold it: lone surrogates become visible escapes.

    They come from answers that were not UTF-8 (smtplib and others decode with "surrogateescape"),
    and one such character must not cost the whole unit of work.

    >>> text("a\udc80") == "a" + chr(92) + "udc80"
    True
    """
    if value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode()


def _to_plain(value: Any) -> Any:
    """For msgspec: what it does not know itself (Labels and other mappings)."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _from_plain(kind: type, value: Any) -> Any:
    if kind is Labels:
        return Labels(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_to_plain)
_read_map = msgspec.json.Decoder(dict[str, str]).decode
_read_names = msgspec.json.Decoder(frozenset[str]).decode
_read_numbers = msgspec.json.Decoder(list[int]).decode
_read_claims = msgspec.json.Decoder(tuple[Claim, ...]).decode
_read_flaps = msgspec.json.Decoder(Flaps).decode
_read_matchers = msgspec.json.Decoder(list[dict[str, str]]).decode
_read_notification = msgspec.json.Decoder(Notification, dec_hook=_from_plain).decode
_read_recurrence = msgspec.json.Decoder(Recurrence).decode
_read_keys = msgspec.msgpack.Decoder(frozenset[bytes]).decode
_write_keys = msgspec.msgpack.Encoder().encode


def json_text(value: Any) -> str:
    """`value` as JSON; lone surrogates in it become visible escapes, see `text`."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(msgspec.to_builtins(value, enc_hook=_to_plain))).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def labels_of(key: bytes) -> Labels:
    """The labels whose `key` this is. Raises ValueError when it is none.

    >>> labels_of(Labels({"a": "1", "b": "2"}).key)
    Labels({a="1", b="2"})
    """
    *parts, rest = key.split(SEPARATOR)
    if rest or len(parts) % 2:
        raise ValueError("not the key of a label set")
    words = [part.decode() for part in parts]
    labels = Labels(zip(words[::2], words[1::2], strict=True))
    if labels.key != key:
        raise ValueError("not the key of a label set")
    return labels


def key_hash(key: bytes) -> int | None:
    """What finds the notes of an alert; None for no alert. Different keys may share it."""
    return zlib.crc32(key) if key else None


# --- tables ------------------------------------------------------------------------------------


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


def _alert_row(alert: Alert) -> Row:
    return (json_text(alert.annotations), text(alert.generator_url), json_text(alert.claims))


def _alert(row: Row) -> Alert:
    key, annotations, generator_url, claims = row
    if not (read := _read_claims(claims)):
        raise ValueError("an alert without claims")
    return Alert(labels_of(key), _read_map(annotations), read, generator_url)


def _rule_alert_row(alert: RuleAlert) -> Row:
    return (
        alert.state.value,
        micros(alert.active_at),
        None if math.isnan(alert.value) else alert.value,
        json_text(alert.annotations),
        _micros_or_none(alert.fired_at),
        _micros_or_none(alert.keep_firing_since),
        _micros_or_none(alert.resolved_at),
        alert.missed,
        json_text(alert.flaps) if alert.flaps != NEVER else "",
    )


def _rule_alert(row: Row) -> RuleAlert:
    rule_id, key, state, active_at, value, annotations, fired_at, since, resolved_at, missed, flaps = row
    return RuleAlert(
        rule_id,
        labels_of(key),
        RuleAlertState(state),
        moment(active_at),
        math.nan if value is None else float(value),
        _read_map(annotations),
        _moment_or_none(fired_at),
        _moment_or_none(since),
        _moment_or_none(resolved_at),
        int(missed),
        _read_flaps(flaps) if flaps else NEVER,
    )


def _group_row(group: Group) -> Row:
    return (text(group.route_id), json_text(group.labels), micros(group.next_flush_at), int(group.flushed))


def _group(row: Row) -> Group:
    group_id, route_id, labels, next_flush_at, flushed = row
    return Group(group_id, route_id, Labels(_read_map(labels)), moment(next_flush_at), bool(flushed))


def _entry_row(entry: LogEntry) -> Row:
    keys = (entry.firing, entry.resolved, entry.flapping)
    return (*map(_write_keys, keys), micros(entry.at), entry.repeats)


def _entry(row: Row) -> LogEntry:
    group_id, notifier, firing, resolved, flapping, at, repeats = row
    return LogEntry(
        group_id,
        notifier,
        _read_keys(firing),
        _read_keys(resolved),
        moment(at),
        int(repeats),
        _read_keys(flapping),
    )


def _delivery_row(delivery: Delivery) -> Row:
    return (
        delivery.sequence,
        text(delivery.group_id),
        text(delivery.notifier),
        delivery.state.value,
        micros(delivery.created_at),
        micros(delivery.next_attempt_at),
        delivery.attempts,
        json_text(sorted(delivery.reached)),
        json_text(delivery.refused),
        text(delivery.last_answer),
        _micros_or_none(delivery.settled_at),
        json_text(delivery.notification),
    )


def _delivery(row: Row) -> Delivery:
    delivery_id, sequence, group_id, notifier, state, created_at, next_attempt_at, attempts = row[:8]
    reached, refused, last_answer, settled_at, notification = row[8:]
    return Delivery(
        delivery_id,
        int(sequence),
        group_id,
        notifier,
        _read_notification(notification),
        DeliveryState(state),
        moment(created_at),
        moment(next_attempt_at),
        int(attempts),
        _read_names(reached),
        _read_map(refused),
        last_answer,
        _moment_or_none(settled_at),
    )


def _matchers_text(matchers: tuple[Matcher, ...]) -> str:
    return json_text([{"name": m.name, "op": m.op.value, "value": m.value} for m in matchers])


def _matchers(written: str, compile_regex: CompileRegex) -> tuple[Matcher, ...]:
    return tuple(
        make(each["name"], Op(each["op"]), each["value"], compile_regex) for each in _read_matchers(written)
    )


def _silence_row(silence: Silence) -> Row:
    return (
        _matchers_text(silence.matchers),
        micros(silence.starts_at),
        micros(silence.ends_at),
        text(silence.created_by),
        text(silence.comment),
        micros(silence.updated_at),
        json_text(silence.annotations),
        _micros_or_none(silence.kept_until),
        text(silence.window),
    )


def _silence(row: Row, compile_regex: CompileRegex) -> Silence:
    silence_id, matchers, starts_at, ends_at, created_by, comment, updated_at, annotations = row[:8]
    kept_until, window = row[8:]
    return Silence(
        silence_id,
        _matchers(matchers, compile_regex),
        moment(starts_at),
        moment(ends_at),
        created_by,
        comment,
        moment(updated_at),
        _read_map(annotations),
        window,
        _moment_or_none(kept_until),
    )


def _window_row(window: Window) -> Row:
    if window.made_at is None:
        raise TypeError("a window of the configuration is not stored")
    return (
        _matchers_text(window.matchers),
        json_text(window.recurrence),
        text(window.comment),
        text(window.created_by),
        micros(window.made_at),
    )


def _window(row: Row, compile_regex: CompileRegex) -> Window:
    name, matchers, recurrence, comment, created_by, made_at = row
    return Window(
        name,
        _matchers(matchers, compile_regex),
        _read_recurrence(recurrence),
        comment,
        created_by,
        moment(made_at),
    )


def _notifier_row(notifier: NotifierState) -> Row:
    return (json_text([micros(send) for send in notifier.sends]), _micros_or_none(notifier.held_until))


def _notifier(row: Row) -> NotifierState:
    name, sends, held_until = row
    return NotifierState(name, tuple(map(moment, _read_numbers(sends))), _moment_or_none(held_until))


def _attempt_row(attempt: Attempt) -> Row:
    return (
        text(attempt.delivery_id),
        text(attempt.notifier),
        micros(attempt.at),
        attempt.duration_ms,
        text(attempt.result),
        text(attempt.reason),
        text(attempt.answer),
        text(attempt.provider_id),
    )


def _attempt(row: Row) -> Attempt:
    delivery_id, notifier, at, duration_ms, result, reason, answer, provider_id = row
    return Attempt(delivery_id, notifier, moment(at), float(duration_ms), result, reason, answer, provider_id)


def _note_row(note: Note) -> Row:
    return (
        micros(note.at),
        text(note.kind),
        text(note.text),
        key_hash(note.alert_key),
        note.alert_key or None,
        text(note.group_id) or None,
        text(note.delivery_id),
        text(note.notifier),
    )


def _note(row: Row) -> Note:
    at, kind, words, _, alert_key, group_id, delivery_id, notifier = row
    return Note(moment(at), kind, words, alert_key or b"", group_id or "", delivery_id, notifier)


ATTEMPTS: Table[None, Attempt] = Table(
    "attempts",
    "attempt",
    (),
    ("delivery_id", "notifier", "at", "duration_ms", "result", "reason", "answer", "provider_id"),
    _no_key,
    _attempt_row,
    _attempt,
)
NOTES: Table[None, Note] = Table(
    "notes",
    "note",
    (),
    ("at", "kind", "text", "alert_hash", "alert_key", "group_id", "delivery_id", "notifier"),
    _no_key,
    _note_row,
    _note,
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
    _delivery_row,
    _delivery,
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
            _alert_row,
            _alert,
        ),
        Table(
            "rule_alerts",
            "rule_alert",
            ("rule_id", "key"),
            _RULE_ALERT_COLUMNS,
            _rule_alert_key,
            _rule_alert_row,
            _rule_alert,
        ),
        Table(
            "groups",
            "alert_group",
            ("id",),
            ("route_id", "labels", "next_flush_at", "flushed"),
            _text_key,
            _group_row,
            _group,
        ),
        Table(
            "entries",
            "log_entry",
            ("group_id", "notifier"),
            ("firing", "resolved", "flapping", "at", "repeats"),
            _pair_key,
            _entry_row,
            _entry,
        ),
        DELIVERIES,
        Table(
            "silences",
            "silence",
            ("id",),
            _SILENCE_COLUMNS,
            _text_key,
            _silence_row,
            lambda row: _silence(row, compile_regex),
        ),
        Table(
            "windows",
            "maintenance",
            ("name",),
            ("matchers", "recurrence", "comment", "created_by", "made_at"),
            _text_key,
            _window_row,
            lambda row: _window(row, compile_regex),
        ),
        Table(
            "notifiers",
            "notifier",
            ("name",),
            ("sends", "held_until"),
            _text_key,
            _notifier_row,
            _notifier,
        ),
    )


LINES: tuple[Table[Any, Any], ...] = (ATTEMPTS, NOTES)
"""The tables that only grow."""
