"""Prometheus' API for rules and alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hbalert.core.labels import Labels
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup
from hbalert.health import GroupHealth, RuleHealth
from tests.api.stand import Stand
from tests.core.say import t

DOWN = Rule(
    "bots/Down/0", "Down", "up == 0", "main", hold=timedelta(minutes=3), labels={"severity": "critical"}
)
SLOW = Rule("bots/Slow/1", "Slow", "latency > 1", "main", annotations={"summary": "slow"})
OTHER = Rule("orders/Fail/0", "Fail", "fail > 0", "main")
GROUPS = (
    RuleGroup("bots", timedelta(seconds=15), (DOWN, SLOW), file="rules/bots.toml"),
    RuleGroup("orders", timedelta(minutes=1), (OTHER,), limit=5, file="rules/orders.toml"),
)


@pytest.fixture
async def rules(api: Stand) -> Stand:
    await with_rules(api)
    return api


async def with_rules(api: Stand) -> None:
    """Two groups; Down fires for b1 and is pending for b2, Slow fails, Fail was never evaluated."""
    await api.engine.reload(api.engine.config.model_copy(update={"groups": GROUPS}))
    rows = [
        RuleAlert(
            DOWN.id, Labels({"bot": "b1"}), RuleAlertState.FIRING, t(0), 0.0, {"s": "x"}, fired_at=t(180)
        ),
        RuleAlert(DOWN.id, Labels({"bot": "b2"}), RuleAlertState.PENDING, t(200), 0.5),
        RuleAlert(DOWN.id, Labels({"bot": "b3"}), RuleAlertState.RESOLVED, t(0), 1.0, resolved_at=t(100)),
    ]

    def unit(draft: Any) -> None:
        for row in rows:
            draft.rule_alerts.put((row.rule_id, row.labels.key), row)

    await api.engine.desk.work(unit)
    api.rule_health.update(
        {DOWN.id: RuleHealth(t(300), 0.02, 2), SLOW.id: RuleHealth(t(300), 0.01, error="400: parse error")}
    )
    api.group_health["bots"] = GroupHealth(t(300), 0.03)


async def groups(api: Stand, **params: Any) -> list[dict[str, Any]]:
    answer = await api.get("/api/v1/rules", **params)
    assert answer["status"] == "success"
    found: list[dict[str, Any]] = answer["data"]["groups"]
    return found


async def test_rules_are_shown_as_prometheus_shows_them(rules: Stand) -> None:
    bots, orders = await groups(rules)
    assert {
        key: bots[key] for key in ("name", "file", "interval", "limit", "evaluationTime", "lastEvaluation")
    } == {
        "name": "bots",
        "file": "rules/bots.toml",
        "interval": 15.0,
        "limit": 0,
        "evaluationTime": 0.03,
        "lastEvaluation": "2026-03-01T12:05:00Z",
    }
    down, slow = bots["rules"]
    assert down == {
        "state": "firing",
        "name": "Down",
        "query": "up == 0",
        "duration": 180.0,
        "keepFiringFor": 0.0,
        "labels": {"severity": "critical"},
        "annotations": {},
        "alerts": [
            {
                "labels": {"bot": "b1"},
                "annotations": {"s": "x"},
                "state": "firing",
                "activeAt": "2026-03-01T12:00:00Z",
                "value": "0e+00",
            },
            {
                "labels": {"bot": "b2"},
                "annotations": {},
                "state": "pending",
                "activeAt": "2026-03-01T12:03:20Z",
                "value": "5e-01",
            },
        ],
        "health": "ok",
        "evaluationTime": 0.02,
        "lastEvaluation": "2026-03-01T12:05:00Z",
        "type": "alerting",
    }
    assert (slow["state"], slow["health"], slow["lastError"]) == ("inactive", "err", "400: parse error")
    (fail,) = orders["rules"]
    assert (fail["health"], fail["lastEvaluation"], orders["limit"]) == ("unknown", "0001-01-01T00:00:00Z", 5)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"rule_name[]": "Slow"}, ["Slow"]),
        ({"rule_group[]": ["orders", "x"]}, ["Fail"]),
        ({"file[]": "rules/bots.toml"}, ["Down", "Slow"]),
        ({"type": "alert"}, ["Down", "Slow", "Fail"]),
        ({"type": "record"}, []),
    ],
    ids=str,
)
async def test_rules_are_chosen_by_parameters(rules: Stand, params: dict[str, Any], names: list[str]) -> None:
    assert [rule["name"] for group in await groups(rules, **params) for rule in group["rules"]] == names


async def test_alerts_can_be_left_out(rules: Stand) -> None:
    assert all(
        not rule["alerts"] for group in await groups(rules, exclude_alerts="true") for rule in group["rules"]
    )


async def test_the_alerts_of_all_rules_are_listed(rules: Stand) -> None:
    answer = await rules.get("/api/v1/alerts")
    assert [(each["labels"]["bot"], each["state"]) for each in answer["data"]["alerts"]] == [
        ("b1", "firing"),
        ("b2", "pending"),
    ]
