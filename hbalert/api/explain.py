"""GET /api/hb/v1/explain: what becomes of an alert, and why.

Knows the parameters. Must not know how the answer is found or what is in it (`hbalert/explain/`).
"""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from hbalert.api import query
from hbalert.api.door import json_response
from hbalert.api.refusal import Refusal
from hbalert.config.types import Limits
from hbalert.core.delivery import DeliveryState
from hbalert.core.labels import Labels
from hbalert.engine import Engine
from hbalert.explain.outlook import Explanation, explain, last_told, with_deaths
from hbalert.explain.rows import explanation_row
from hbalert.ports import HistoryQuery


class Explaining:
    """The one handler. `label` is repeated (`name=value`); `at` is a time from now on."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits

    async def get(self, request: Request) -> Response:
        now = self._engine.clock.now()
        at = query.time(request, "at") or now
        if at < now:
            raise Refusal(400, "at: the past is not worked out again; the timeline of an alert tells it")
        labels = query.labels(request, self._limits)
        return json_response({"schema": 1, **explanation_row(await work_out(self._engine, labels, at))})


async def work_out(engine: Engine, labels: Labels, at: datetime) -> Explanation:
    """The explanation, with what history knows of news that was given up. Raises StoreError."""
    found = explain(engine, labels, at)
    since = last_told(found)
    if since is None:
        return found
    lines = await engine.store.history(HistoryQuery(since=since, state=DeliveryState.DEAD.value))
    return with_deaths(found, (line.delivery for line in lines))
