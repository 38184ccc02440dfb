"""/api/hb/v1/alerts: what fires, one alert with everything about it, and its timeline.

Knows how these are shown, and that a timeline is what was decided and what the far sides answered. Must
not know how any of it came about. An alert is named by a beginning of its fingerprint that only one has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from hbalert.api import query
from hbalert.api.door import json_response
from hbalert.api.explain import work_out
from hbalert.api.hb import only
from hbalert.api.shapes import AlertRow, AlertShown, NoteRow, Timeline
from hbalert.api.wire import Listing
from hbalert.book import Book
from hbalert.config.types import Limits
from hbalert.core.delivery import Result
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.matcher import matches
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.engine import Engine
from hbalert.explain.rows import explanation_row
from hbalert.ports import Attempt, HistoryQuery, Note
from hbalert.views import AlertView

ALERT_STATES = ("active", "suppressed", "pending")

SEARCHED_NOTES = 5000
"""How far back the timeline is searched for an alert that is not live any more."""

MOST_DELIVERIES = 200
"""Of so many deliveries, the latest, a timeline shows every attempt."""


class Alerts:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._limits = limits

    async def get_alerts(self, request: Request) -> Response:
        """What fires, and what is about to."""
        now = self._engine.clock.now()
        state = query.choice(request, "state", ALERT_STATES)
        asked = query.wanted(request, self._limits)
        rows = [alert_row(view) for view in self._book.wanted(asked, now) if state in ("", view.state)]
        if state in ("", "pending"):
            rows += [
                pending_row(row)
                for row in self._engine.memory.rule_alerts.values()
                if row.state is RuleAlertState.PENDING and matches(asked.matchers, row.labels)
            ]
        return json_response(Listing(rows))

    async def get_alert(self, request: Request) -> Response:
        """One alert: what it says, what becomes of it, and the end of its timeline."""
        labels = await self._labels(request.path_params["id"])
        engine = self._engine
        known = engine.memory.alerts.get(labels.key)
        pending = (row for row in engine.memory.rule_alerts.values() if row.labels == labels)
        texts = known or next(pending, None)
        shown: AlertShown = {
            **explanation_row(await work_out(engine, labels, engine.clock.now())),
            "schema": 1,
            "annotations": dict(texts.annotations) if texts is not None else {},
            "generator_url": known.generator_url if known is not None else "",
            "timeline": await self._lines(labels, query.number(request, "limit", 20, self._limits.rows)),
        }
        return json_response(shown)

    async def get_timeline(self, request: Request) -> Response:
        """Everything that was decided about one alert, and every answer of a far side."""
        labels = await self._labels(request.path_params["id"])
        rows = await self._lines(labels, query.number(request, "limit", 1000, self._limits.rows))
        shown = Timeline(schema=1, fingerprint=fingerprint(labels), labels=labels.as_dict(), rows=rows)
        return json_response(shown)

    async def _lines(self, labels: Labels, limit: int) -> list[NoteRow]:
        """The latest lines, oldest first."""
        store = self._engine.store
        notes = await store.notes(alert_key=labels.key, limit=limit)
        ids = list(dict.fromkeys(note.delivery_id for note in notes if note.delivery_id))[-MOST_DELIVERIES:]
        found = await asyncio.gather(
            *(store.history(HistoryQuery(delivery_id=each, limit=1)) for each in ids)
        )
        attempts = [attempt for lines in found for line in lines for attempt in line.attempts]
        return timeline(notes, attempts)[-limit:]

    async def _labels(self, begin: str) -> Labels:
        """The labels of the one alert whose fingerprint begins so, live or in the recent past."""
        known = dict(self._book.known(self._engine.clock.now()))
        found = {each: labels for each, labels in known.items() if each.startswith(begin.lower())}
        if not found:
            for note in await self._engine.store.notes(limit=SEARCHED_NOTES):
                if note.alert_key:
                    labels = Labels.from_key(note.alert_key)
                    if (name := fingerprint(labels)).startswith(begin.lower()):
                        found[name] = labels
        return only(list(found.values()), begin, "alert", "`hbalert alerts list` shows those that are live")


# --- rows ---


def alert_row(view: AlertView) -> AlertRow:
    """A firing alert."""
    return {
        "fingerprint": view.fingerprint,
        "state": view.state,
        "labels": view.alert.labels.as_dict(),
        "annotations": dict(view.alert.annotations),
        "starts_at": view.alert.starts_at,
        "ends_at": view.ends_at,
        "updated_at": view.alert.updated_at,
        "origins": [claim.origin for claim in view.alert.claims],
        "receivers": view.receivers,
        "silenced_by": view.silenced_by,
        "inhibited_by": view.inhibited_by,
        "generator_url": view.alert.generator_url,
    }


def pending_row(row: RuleAlert) -> AlertRow:
    """An alert of a rule whose `for` has not passed yet."""
    return {
        "fingerprint": fingerprint(row.labels),
        "state": "pending",
        "labels": row.labels.as_dict(),
        "annotations": dict(row.annotations),
        "starts_at": row.active_at,
        "ends_at": None,
        "updated_at": row.active_at,
        "origins": [f"rule:{row.rule_id}"],
        "receivers": (),
        "silenced_by": (),
        "inhibited_by": (),
        "generator_url": "",
    }


def timeline(notes: Iterable[Note], attempts: Iterable[Attempt]) -> list[NoteRow]:
    """What was decided and what was answered, oldest first.

    That a delivery was sent is said by its last attempt, with the far side's words.
    """
    tried = list(attempts)
    sent = {each.delivery_id for each in tried if each.result == Result.SENT.value}
    rows = [note_row(note) for note in notes if note.kind != "sent" or note.delivery_id not in sent]
    return sorted([*rows, *map(attempt_row, tried)], key=lambda row: row["at"])


def attempt_row(attempt: Attempt) -> NoteRow:
    """One try as a line of a timeline."""
    took = f"{attempt.duration_ms:.0f} ms"
    if attempt.result == Result.SENT.value:
        kind, text = "sent", f"{attempt.notifier} accepted it after {took}: {attempt.answer}"
    else:
        kind, text = "attempt", f"{attempt.notifier}, after {took}: {attempt.result}: {attempt.answer}"
    return {
        "at": attempt.at,
        "kind": kind,
        "text": text,
        "group": "",
        "delivery": attempt.delivery_id,
        "notifier": attempt.notifier,
    }


def note_row(note: Note) -> NoteRow:
    """A line of a timeline."""
    return {
        "at": note.at,
        "kind": note.kind,
        "text": note.text,
        "group": note.group_id,
        "delivery": note.delivery_id,
        "notifier": note.notifier,
    }
