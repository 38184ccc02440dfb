"""Our own view of rules, /api/hb/v1/rules: with their health, and alerts with all that is known of them.

Knows which rule a path means. Must not know how a rule is evaluated or what is shown of it
(`explain/rulebook.py`). What Grafana and Prometheus' users ask for is in `prom.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from hbalert.api import query
from hbalert.api.door import json_response
from hbalert.api.refusal import Refusal
from hbalert.api.shapes import RuleShownWhole
from hbalert.api.wire import Listing
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.engine import Engine
from hbalert.explain.rulebook import find, rule_row, state_of, whole_row
from hbalert.health import RuleHealth

STATES = ("inactive", "pending", "firing")
HEALTHS = ("ok", "err", "unknown")


class Rules:
    """The handlers. health: how the last evaluations went, by rule id."""

    def __init__(self, engine: Engine, health: Callable[[], Mapping[str, RuleHealth]]) -> None:
        self._engine = engine
        self._health = health

    async def get_rules(self, request: Request) -> Response:
        """Every rule, in the order of the files. `state`, `health` and `group` restrict."""
        state = query.choice(request, "state", STATES)
        wanted = query.choice(request, "health", HEALTHS)
        group_name = request.query_params.get("group", "")
        rows = []
        known = self._health()
        for group in self._engine.config.groups:
            if group_name not in ("", group.name):
                continue
            for rule in group.rules:
                alerts, health = self._alerts(rule.id), known.get(rule.id)
                if state in ("", state_of(alerts)) and wanted in ("", health.health if health else "unknown"):
                    rows.append(rule_row(group, rule, alerts, health))
        return json_response(Listing(rows))

    async def get_rule(self, request: Request) -> Response:
        """Everything about the one rule that is called so."""
        called: str = request.path_params["id"]
        found = find(self._engine.config.groups, called)
        if not found:
            raise Refusal(404, f"there is no rule {called[:80]!r}; `hbalert rules list` shows them")
        if len(found) > 1:
            some = ", ".join(rule.id for _, rule in found[:5])
            raise Refusal(409, f"{len(found)} rules are called {called[:80]!r}: {some}; give the id")
        group, rule = found[0]
        row = whole_row(group, rule, self._engine.memory.alerts_of_rule(rule.id), self._health().get(rule.id))
        shown: RuleShownWhole = {"schema": 1, **row}
        return json_response(shown)

    def _alerts(self, rule_id: str) -> list[RuleAlert]:
        rows = self._engine.memory.alerts_of_rule(rule_id)
        return [row for row in rows if row.state is not RuleAlertState.RESOLVED]
