"""Rules as a person sees them: how the last evaluation went, what their alerts are and will become.

Knows names and shapes, and how a rule is found by what a person calls it. Must not know how an
evaluation is made. The API sends these values, the command line shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from hbalert.core.flap import Flaps
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup
from hbalert.health import RuleHealth

Found = tuple[RuleGroup, Rule]


def find(groups: Iterable[RuleGroup], called: str) -> list[Found]:
    """The rules that are called so: by id or by name, whole or, if that leads to none, by beginning.

    >>> [rule.id for _, rule in find([], "orders/Slow")]
    []
    """
    rules = [(group, rule) for group in groups for rule in group.rules]
    for is_it in (str.__eq__, str.startswith):
        for name in ("id", "alert"):
            found = [each for each in rules if is_it(getattr(each[1], name), called)]
            if found:
                return found
    return []


def state_of(rows: Iterable[RuleAlert]) -> str:
    """The worst state of a rule's alerts, in Prometheus' words."""
    states = {row.state for row in rows}
    if RuleAlertState.FIRING in states:
        return "firing"
    return "pending" if RuleAlertState.PENDING in states else "inactive"


class RuleLine(TypedDict):
    """A rule on one line, with how its last evaluation went; null: it has not been evaluated."""

    id: str
    group: str
    rule: str
    state: str
    firing: int
    pending: int
    flapping: int
    last_at: datetime | None
    next_at: datetime | None
    seconds: float | None
    samples: int | None
    error: str
    warnings: Sequence[str]
    source: str
    file: str
    line: int


class RuleAlertRow(TypedDict):
    """One alert of a rule."""

    fingerprint: str
    labels: dict[str, str]
    state: str
    value: str
    active_at: datetime
    fired_at: datetime | None
    keep_firing_since: datetime | None
    resolved_at: datetime | None
    missed: int
    starts: Sequence[datetime]
    flapping_since: datetime | None
    calm_since: datetime | None
    annotations: dict[str, str]


class WholeRule(RuleLine):
    """Everything about one rule."""

    expr: str
    clear: str
    interval_seconds: float
    query_offset_seconds: float
    for_seconds: float
    keep_firing_for_seconds: float
    no_data: str
    missing_evaluations: int
    flap_after: int
    flap_window_seconds: float
    limit: int
    labels: dict[str, str]
    annotations: dict[str, str]
    failing_since: datetime | None
    alerts: list[RuleAlertRow]


def rule_row(group: RuleGroup, rule: Rule, rows: Sequence[RuleAlert], health: RuleHealth | None) -> RuleLine:
    """A rule on one line."""
    counts = {state: sum(row.state is state for row in rows) for state in RuleAlertState}
    return {
        "id": rule.id,
        "group": group.name,
        "rule": rule.alert,
        "state": state_of(rows),
        "firing": counts[RuleAlertState.FIRING],
        "pending": counts[RuleAlertState.PENDING],
        "flapping": sum(row.flaps.since is not None for row in rows),
        "last_at": health.at if health else None,
        "next_at": health.next_at if health else None,
        "seconds": health.seconds if health else None,
        "samples": health.samples if health else None,
        "error": health.error if health else "",
        "warnings": health.warnings if health else (),
        "source": rule.source,
        "file": rule.file,
        "line": rule.line,
    }


def whole_row(
    group: RuleGroup, rule: Rule, rows: Sequence[RuleAlert], health: RuleHealth | None
) -> WholeRule:
    """Everything about one rule."""
    return {
        **rule_row(group, rule, rows, health),
        "expr": rule.expr,
        "clear": rule.clear,
        "interval_seconds": group.interval.total_seconds(),
        "query_offset_seconds": group.query_offset.total_seconds(),
        "for_seconds": rule.hold.total_seconds(),
        "keep_firing_for_seconds": rule.keep_firing_for.total_seconds(),
        "no_data": rule.no_data,
        "missing_evaluations": rule.missing_evaluations,
        "flap_after": rule.flapping.starts,
        "flap_window_seconds": rule.flapping.window.total_seconds(),
        "limit": rule.limit or group.limit,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "failing_since": health.failing_since if health else None,
        "alerts": [alert_row(row) for row in sorted(rows, key=lambda row: row.labels.key)],
    }


def alert_row(row: RuleAlert) -> RuleAlertRow:
    """One alert of a rule; `state` "resolved" is the memory of one that has been firing of late."""
    return {
        "fingerprint": fingerprint(row.labels),
        "labels": row.labels.as_dict(),
        "state": row.state.value,
        "value": format(row.value, "g"),
        "active_at": row.active_at,
        "fired_at": row.fired_at,
        "keep_firing_since": row.keep_firing_since,
        "resolved_at": row.resolved_at,
        "missed": row.missed,
        "starts": row.flaps.starts,
        "flapping_since": row.flaps.since,
        "calm_since": row.flaps.calm_since,
        "annotations": dict(row.annotations),
    }


def alert_of(rule_id: str, said: Mapping[str, Any]) -> RuleAlert:
    """An alert as the API has sent it. Raises KeyError, TypeError or ValueError when it is something else."""

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(said[name]) if said[name] else None

    starts = tuple(datetime.fromisoformat(each) for each in said["starts"])
    return RuleAlert(
        rule_id,
        Labels(said["labels"]),
        RuleAlertState(said["state"]),
        datetime.fromisoformat(said["active_at"]),
        float(said["value"]),
        said["annotations"],
        moment("fired_at"),
        moment("keep_firing_since"),
        moment("resolved_at"),
        said["missed"],
        Flaps(starts, moment("flapping_since"), moment("calm_since")),
    )
