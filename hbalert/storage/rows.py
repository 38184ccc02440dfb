"""Core values as rows, and back: for each kind one function there and one back.

Knows the order of the columns and how each is spelt (`spelling.py`). Must not know how tables and columns
are called (`tables.py`, next), SQL (`queries/`), nor what a value means.

A row is a tuple of what SQLite can hold; on the way there without its key, on the way back whole. A row
that cannot be understood raises an exception of any type: the caller decides what becomes of it.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from hbalert.core.alert import Alert, Claim
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.flap import NEVER, Flaps
from hbalert.core.group import Group
from hbalert.core.labels import Labels
from hbalert.core.maintenance import Recurrence, Window
from hbalert.core.matcher import CompileRegex, Matcher, Op, make
from hbalert.core.notification import LogEntry, Notification
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.core.silence import Silence
from hbalert.ports import Attempt, Note, NotifierState
from hbalert.storage.spelling import (
    from_plain,
    json_text,
    key_hash,
    labels_of,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    read_keys,
    read_map,
    read_names,
    read_numbers,
    text,
    write_keys,
)

Row = tuple[Any, ...]

_read_claims = msgspec.json.Decoder(tuple[Claim, ...]).decode
_read_flaps = msgspec.json.Decoder(Flaps).decode
_read_matchers = msgspec.json.Decoder(list[dict[str, str]]).decode
_read_notification = msgspec.json.Decoder(Notification, dec_hook=from_plain).decode
_read_recurrence = msgspec.json.Decoder(Recurrence).decode


def alert_row(alert: Alert) -> Row:
    return (json_text(alert.annotations), text(alert.generator_url), json_text(alert.claims))


def alert_of(row: Row) -> Alert:
    key, annotations, generator_url, claims = row
    if not (read := _read_claims(claims)):
        raise ValueError("an alert without claims")
    return Alert(labels_of(key), read_map(annotations), read, generator_url)


def rule_alert_row(alert: RuleAlert) -> Row:
    return (
        alert.state.value,
        micros(alert.active_at),
        None if math.isnan(alert.value) else alert.value,
        json_text(alert.annotations),
        micros_or_none(alert.fired_at),
        micros_or_none(alert.keep_firing_since),
        micros_or_none(alert.resolved_at),
        alert.missed,
        json_text(alert.flaps) if alert.flaps != NEVER else "",
    )


def rule_alert_of(row: Row) -> RuleAlert:
    rule_id, key, state, active_at, value, annotations, fired_at, since, resolved_at, missed, flaps = row
    return RuleAlert(
        rule_id,
        labels_of(key),
        RuleAlertState(state),
        moment(active_at),
        math.nan if value is None else float(value),
        read_map(annotations),
        moment_or_none(fired_at),
        moment_or_none(since),
        moment_or_none(resolved_at),
        int(missed),
        _read_flaps(flaps) if flaps else NEVER,
    )


def group_row(group: Group) -> Row:
    return (text(group.route_id), json_text(group.labels), micros(group.next_flush_at), int(group.flushed))


def group_of(row: Row) -> Group:
    group_id, route_id, labels, next_flush_at, flushed = row
    return Group(group_id, route_id, Labels(read_map(labels)), moment(next_flush_at), bool(flushed))


def entry_row(entry: LogEntry) -> Row:
    keys = (entry.firing, entry.resolved, entry.flapping)
    return (*map(write_keys, keys), micros(entry.at), entry.repeats)


def entry_of(row: Row) -> LogEntry:
    group_id, notifier, firing, resolved, flapping, at, repeats = row
    return LogEntry(
        group_id,
        notifier,
        read_keys(firing),
        read_keys(resolved),
        moment(at),
        int(repeats),
        read_keys(flapping),
    )


def delivery_row(delivery: Delivery) -> Row:
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
        micros_or_none(delivery.settled_at),
        json_text(delivery.notification),
    )


def delivery_of(row: Row) -> Delivery:
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
        read_names(reached),
        read_map(refused),
        last_answer,
        moment_or_none(settled_at),
    )


def _matchers_text(matchers: tuple[Matcher, ...]) -> str:
    return json_text([{"name": m.name, "op": m.op.value, "value": m.value} for m in matchers])


def _matchers(written: str, compile_regex: CompileRegex) -> tuple[Matcher, ...]:
    return tuple(
        make(each["name"], Op(each["op"]), each["value"], compile_regex) for each in _read_matchers(written)
    )


def silence_row(silence: Silence) -> Row:
    return (
        _matchers_text(silence.matchers),
        micros(silence.starts_at),
        micros(silence.ends_at),
        text(silence.created_by),
        text(silence.comment),
        micros(silence.updated_at),
        json_text(silence.annotations),
        micros_or_none(silence.kept_until),
        text(silence.window),
    )


def silence_of(row: Row, compile_regex: CompileRegex) -> Silence:
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
        read_map(annotations),
        window,
        moment_or_none(kept_until),
    )


def window_row(window: Window) -> Row:
    if window.made_at is None:
        raise TypeError("a window of the configuration is not stored")
    return (
        _matchers_text(window.matchers),
        json_text(window.recurrence),
        text(window.comment),
        text(window.created_by),
        micros(window.made_at),
    )


def window_of(row: Row, compile_regex: CompileRegex) -> Window:
    name, matchers, recurrence, comment, created_by, made_at = row
    return Window(
        name,
        _matchers(matchers, compile_regex),
        _read_recurrence(recurrence),
        comment,
        created_by,
        moment(made_at),
    )


def notifier_row(notifier: NotifierState) -> Row:
    return (json_text([micros(send) for send in notifier.sends]), micros_or_none(notifier.held_until))


def notifier_of(row: Row) -> NotifierState:
    name, sends, held_until = row
    return NotifierState(name, tuple(map(moment, read_numbers(sends))), moment_or_none(held_until))


def attempt_row(attempt: Attempt) -> Row:
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


def attempt_of(row: Row) -> Attempt:
    delivery_id, notifier, at, duration_ms, result, reason, answer, provider_id = row
    return Attempt(delivery_id, notifier, moment(at), float(duration_ms), result, reason, answer, provider_id)


def note_row(note: Note) -> Row:
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


def note_of(row: Row) -> Note:
    at, kind, words, _, alert_key, group_id, delivery_id, notifier = row
    return Note(moment(at), kind, words, alert_key or b"", group_id or "", delivery_id, notifier)
