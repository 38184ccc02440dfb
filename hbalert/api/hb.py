"""Our own endpoints, /api/hb/v1: what Alertmanager's API has no words for (alerts: `alerts.py`).

Knows how history, queue and the state of this daemon are shown. Must not
know SQL or how any of it came about. Every listing is {"schema": 1, "rows": [...]}; ids may be given
by a beginning that only one has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from starlette.requests import Request
from starlette.responses import Response

from hbalert import __version__
from hbalert.api import query
from hbalert.api.door import json_response
from hbalert.api.refusal import Refusal
from hbalert.api.shapes import (
    AlertRow,  # noqa: F401  the rows of alerts.py can be named from here as well
    DeliveryRow,
    NoteRow,  # noqa: F401
    NotifierRow,
    SaidRow,
    Settled,
    Status,
    Timeline,  # noqa: F401
)
from hbalert.api.wire import Listing
from hbalert.book import Book
from hbalert.config.types import Limits
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.notification import NotifiedAlert
from hbalert.core.rule import RuleAlertState
from hbalert.engine import Engine
from hbalert.ports import Attempt, HistoryQuery
from hbalert.views import Sources, queue, unhealthy

T = TypeVar("T")

log = structlog.get_logger("hbalert.api")

STATES = tuple(state.value for state in DeliveryState)
ALERT_STATES = ("active", "suppressed", "pending")


class Hb:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, sources: Sources, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._sources = sources
        self._limits = limits

    # --- deliveries ---

    async def get_history(self, request: Request) -> Response:
        """Deliveries with every attempt, newest first."""
        lines = await self._engine.store.history(
            HistoryQuery(
                since=query.time(request, "since"),
                until=query.time(request, "until"),
                notifier=request.query_params.get("notifier", ""),
                state=query.choice(request, "state", STATES),
                delivery_id=request.query_params.get("id", ""),
                limit=query.number(request, "limit", 100, self._limits.rows),
            )
        )
        return json_response(Listing([delivery_row(line.delivery, line.attempts) for line in lines]))

    async def get_queue(self, request: Request) -> Response:
        """What has not got out, the oldest news first."""
        rows = queue(self._engine.memory.deliveries.values())
        return json_response(Listing([delivery_row(row) for row in rows]))

    async def retry(self, request: Request) -> Response:
        """Queues a dead delivery again."""
        delivery = await self._delivery(request)
        if delivery.state is not DeliveryState.DEAD:
            raise Refusal(
                409, f"delivery {delivery.id} is {delivery.state.value}; only a dead one is tried again"
            )
        if not await self._engine.retry_delivery(delivery.id):
            raise Refusal(
                409, f"its notifier {delivery.notifier!r} is not configured or not enabled any more"
            )
        log.info("delivery_retried", delivery=delivery.id, notifier=delivery.notifier)
        return json_response(Settled(schema=1, id=delivery.id, state="queued"))

    async def drop(self, request: Request) -> Response:
        """Gives up a delivery that waits."""
        delivery = await self._delivery(request)
        if not await self._engine.drop_delivery(delivery.id):
            raise Refusal(
                409, f"delivery {delivery.id} is {delivery.state.value}; only one that waits is dropped"
            )
        log.info("delivery_dropped", delivery=delivery.id, notifier=delivery.notifier)
        return json_response(Settled(schema=1, id=delivery.id, state="dead"))

    async def _delivery(self, request: Request) -> Delivery:
        """The one delivery whose id begins so."""
        begin: str = request.path_params["id"]
        found = [row for row in self._engine.memory.deliveries.values() if row.id.startswith(begin)]
        if not found:
            lines = await self._engine.store.history(HistoryQuery(delivery_id=begin, limit=2))
            found = [line.delivery for line in lines]
        return only(found, begin, "delivery", "`hbalert history` lists them")

    # --- the daemon ---

    async def get_status(self, request: Request) -> Response:
        """One screen: what runs, what fires, what waits, what is wrong."""
        engine, config = self._engine, self._engine.config
        now = engine.clock.now()
        sources = self._sources()
        problems = unhealthy(engine, sources, now)
        alerts = dict.fromkeys(ALERT_STATES, 0)
        for view in self._book.alerts(now):
            alerts[view.state] += 1
        for row in engine.memory.rule_alerts.values():
            alerts["pending"] += row.state is RuleAlertState.PENDING
        waiting = queue(engine.memory.deliveries.values())
        shown: Status = {
            "schema": 1,
            "version": __version__,
            "started_at": engine.started_at,
            "now": now,
            "healthy": not problems,
            "problems": problems,
            "config_hash": config.hash,
            "rule_groups": len(config.groups),
            "rules": sum(len(group.rules) for group in config.groups),
            "alerts": alerts,
            "silences": sum(each.starts_at <= now < each.ends_at for each in engine.memory.silences.values()),
            "queue": {
                "length": len(waiting),
                "oldest_at": waiting[0].created_at if waiting else None,
            },
            "sources": [
                {"name": each.name, "up": each.up, "since": each.since, "error": each.error}
                for each in sources
            ],
            "notifiers": [await self._notifier(name, waiting, now) for name in sorted(config.notifiers)],
        }
        return json_response(shown)

    async def _notifier(self, name: str, waiting: Sequence[Delivery], now: datetime) -> NotifierRow:
        settings = self._engine.config.notifiers[name]
        mine = [row for row in waiting if row.notifier == name]
        state = self._engine.memory.notifiers.get(name)
        held = state.held_until if state and state.held_until and state.held_until > now else None
        failing = [row for row in mine if row.attempts]
        return {
            "name": name,
            "type": settings.type,
            "enabled": settings.enabled,
            "queued": len(mine),
            "oldest_at": mine[0].created_at if mine else None,
            "failing": len(failing),
            "held_until": held,
            "last_sent_at": await self._last_sent(name),
            "last_answer": failing[0].last_answer if failing else "",
        }

    async def _last_sent(self, notifier: str) -> datetime | None:
        """When a notifier last got through; None when history does not know."""
        query = HistoryQuery(notifier=notifier, state=DeliveryState.SENT.value, limit=1)
        lines = await self._engine.store.history(query)
        return lines[0].delivery.settled_at if lines else None


def only(found: Sequence[T], begin: str, what: str, remedy: str) -> T:
    """The one thing that was found. Raises Refusal when there is none (404) or more than one (409)."""
    if not found:
        raise Refusal(404, f"there is no {what} {begin[:80]!r}; {remedy}")
    if len(found) > 1:
        raise Refusal(409, f"more than one {what} begins with {begin[:80]!r}; give more of its id")
    return found[0]


# --- rows --------------------------------------------------------------------------------------


def delivery_row(row: Delivery, attempts: Iterable[Attempt] = ()) -> DeliveryRow:
    """A delivery: what was to be said to whom, how far it got, and every answer."""
    said = row.notification
    return {
        "id": row.id,
        "state": row.state.value,
        "notifier": row.notifier,
        "receiver": said.receiver,
        "group": said.group_key,
        "status": said.status,
        "reason": said.reason.value,
        "alerts": [said_row(alert) for alert in said.alerts],
        "decided_at": said.decided_at,
        "created_at": row.created_at,
        "next_attempt_at": row.next_attempt_at if row.is_live else None,
        "settled_at": row.settled_at,
        "attempts": row.attempts,
        "last_answer": row.last_answer,
        "reached": sorted(row.reached),
        "refused": dict(row.refused),
        "tries": [
            {
                "at": each.at,
                "ms": round(each.duration_ms, 1),
                "result": each.result,
                "reason": each.reason,
                "answer": each.answer,
                "provider_id": each.provider_id,
            }
            for each in attempts
        ],
    }


def said_row(alert: NotifiedAlert) -> SaidRow:
    """An alert as a message shows it."""
    return {
        "fingerprint": alert.fingerprint,
        "status": alert.status,
        "labels": dict(alert.labels),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
    }
