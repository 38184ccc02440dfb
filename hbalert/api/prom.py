"""Prometheus' API for rules and alerts: what Grafana's alert list and dashboards ask a Prometheus.

Knows the shapes of /api/v1/rules and /api/v1/alerts. Must not know how a rule is evaluated.
Source: Prometheus web/api/v1, "Rules" and "Alerts".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from hbalert.api.door import json_response
from hbalert.api.refusal import Refusal
from hbalert.api.shapes import AlertsAnswer, RuleAlertShown, RuleGroupShown, RulesAnswer, RuleShown
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup
from hbalert.engine import Engine
from hbalert.health import GroupHealth, RuleHealth

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time: not evaluated yet."""


class Prom:
    """The handlers.

    rule_health, group_health  how the last evaluations went, by rule id and group name
    """

    def __init__(
        self,
        engine: Engine,
        rule_health: Callable[[], Mapping[str, RuleHealth]],
        group_health: Callable[[], Mapping[str, GroupHealth]],
    ) -> None:
        self._engine = engine
        self._rule_health = rule_health
        self._group_health = group_health

    async def get_rules(self, request: Request) -> Response:
        """Every group with its rules and their alerts."""
        asked = request.query_params
        names = asked.getlist("rule_name[]") + asked.getlist("rule_name")
        groups = asked.getlist("rule_group[]") + asked.getlist("rule_group")
        files = asked.getlist("file[]") + asked.getlist("file")
        with_alerts = not _flag(asked.get("exclude_alerts") or "false", "exclude_alerts")
        kind = (asked.get("type") or "alert").lower()
        if kind not in ("alert", "record"):
            raise Refusal(400, f'invalid parameter "type": not supported value {kind[:40]!r}')
        found = []
        if kind == "alert":  # there are no recording rules
            for group in self._engine.config.groups:
                if (groups and group.name not in groups) or (files and group.file not in files):
                    continue
                rules = [rule for rule in group.rules if not names or rule.alert in names]
                if rules:
                    found.append(self._group(group, rules, with_alerts))
        answer: RulesAnswer = {"status": "success", "data": {"groups": found}}
        return json_response(answer)

    async def get_alerts(self, request: Request) -> Response:
        """The alerts of rules, pending and firing."""
        rows = [alert(row) for row in self._engine.memory.rule_alerts.values() if _lives(row)]
        answer: AlertsAnswer = {"status": "success", "data": {"alerts": rows}}
        return json_response(answer)

    def _group(self, group: RuleGroup, rules: list[Rule], with_alerts: bool) -> RuleGroupShown:
        went = self._group_health().get(group.name, GroupHealth())
        return {
            "name": group.name,
            "file": group.file,
            "rules": [self._rule(rule, with_alerts) for rule in rules],
            "interval": group.interval.total_seconds(),
            "limit": group.limit,
            "evaluationTime": went.seconds,
            "lastEvaluation": _time(went.at),
        }

    def _rule(self, rule: Rule, with_alerts: bool) -> RuleShown:
        rows = self._engine.memory.alerts_of_rule(rule.id)
        alerts = sorted(filter(_lives, rows), key=lambda row: row.labels.key)
        states = {row.state for row in alerts}
        state = "inactive"
        if RuleAlertState.FIRING in states:
            state = "firing"
        elif RuleAlertState.PENDING in states:
            state = "pending"
        went = self._rule_health().get(rule.id)
        shown: RuleShown = {
            "state": state,
            "name": rule.alert,
            "query": rule.expr,
            "duration": rule.hold.total_seconds(),
            "keepFiringFor": rule.keep_firing_for.total_seconds(),
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
            "alerts": [alert(row) for row in alerts] if with_alerts else [],
            "health": went.health if went else "unknown",
            "evaluationTime": went.seconds if went else 0.0,
            "lastEvaluation": _time(went.at if went else None),
            "type": "alerting",
        }
        if went and went.error:
            shown["lastError"] = went.error
        return shown


def alert(row: RuleAlert) -> RuleAlertShown:
    """One alert of a rule."""
    shown: RuleAlertShown = {
        "labels": row.labels.as_dict(),
        "annotations": dict(row.annotations),
        "state": row.state.value,
        "activeAt": row.active_at,
        "value": exponential(row.value),
    }
    if row.keep_firing_since:
        shown["keepFiringSince"] = row.keep_firing_since
    return shown


_FLAGS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def _flag(text: str, name: str) -> bool:
    if text not in _FLAGS:
        raise Refusal(400, f'invalid parameter "{name}": {text[:40]!r} is neither true nor false')
    return _FLAGS[text]


def _lives(row: RuleAlert) -> bool:
    return row.state is not RuleAlertState.RESOLVED


def _time(at: datetime | None) -> str:
    return at.isoformat().replace("+00:00", "Z") if at else NEVER


def exponential(value: float) -> str:
    """A float as Go prints it with 'e' and as many digits as it needs.

    >>> [exponential(x) for x in (1.0, 0.0125, -123456.0, 0.0, float("inf"), float("nan"))]
    ['1e+00', '1.25e-02', '-1.23456e+05', '0e+00', '+Inf', 'NaN']
    """
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, rest = str(digits[0]), "".join(map(str, digits[1:]))
    power = int(exponent) + len(rest) if value else 0
    return f"{'-' if sign else ''}{first}{'.' if rest else ''}{rest}e{power:+03d}"
