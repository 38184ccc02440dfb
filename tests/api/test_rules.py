"""Our own view of rules over HTTP."""

from __future__ import annotations

import msgspec
import pytest

from hbalert.core.rule import RuleAlertState
from hbalert.explain.rulebook import alert_of, alert_row, find
from tests.api.stand import Stand
from tests.api.test_prom import DOWN, GROUPS, rules
from tests.storage.values import odd_rule_alert

__all__ = ["rules"]


async def test_rules_are_listed_in_the_order_of_their_files(rules: Stand) -> None:
    rows = (await rules.get("/api/hb/v1/rules"))["rows"]
    assert [(row["rule"], row["state"], row["firing"], row["pending"]) for row in rows] == [
        ("Down", "firing", 1, 1),
        ("Slow", "inactive", 0, 0),
        ("Fail", "inactive", 0, 0),
    ]
    assert [row["error"] for row in rows] == ["", "400: parse error", ""]
    assert rows[2]["last_at"] is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({"state": "firing"}, ["Down"], id="by state"),
        pytest.param({"health": "err"}, ["Slow"], id="by health"),
        pytest.param({"health": "unknown"}, ["Fail"], id="not evaluated yet"),
        pytest.param({"group": "orders"}, ["Fail"], id="by group"),
    ],
)
async def test_a_listing_can_be_narrowed(rules: Stand, asked: dict[str, str], found: list[str]) -> None:
    rows = (await rules.get("/api/hb/v1/rules", **asked))["rows"]
    assert [row["rule"] for row in rows] == found


@pytest.mark.parametrize("called", ["bots%2FDown%2F0", "bots/Down/0", "Down", "Dow", "bots/D"])
async def test_a_rule_is_found_by_id_or_name_whole_or_by_its_beginning(rules: Stand, called: str) -> None:
    row = await rules.get(f"/api/hb/v1/rules/{called}")
    assert (row["id"], row["expr"], row["for_seconds"]) == (DOWN.id, "up == 0", 180.0)
    assert [each["state"] for each in row["alerts"]] == ["firing", "pending", "resolved"]


async def test_what_is_not_there_or_not_clear_is_refused_with_a_reason(rules: Stand) -> None:
    gone = await rules.client.get("/api/hb/v1/rules/x%00")
    assert (gone.status_code, "there is no rule" in gone.text) == (404, True)
    several = await rules.client.get("/api/hb/v1/rules/bots")
    assert (several.status_code, "bots/Down/0, bots/Slow/1" in several.text) == (409, True)
    wrong = await rules.client.get("/api/hb/v1/rules?state=odd")
    assert (wrong.status_code, "inactive, pending, firing" in wrong.text) == (400, True)


def test_a_whole_name_wins_over_one_that_only_begins_so() -> None:
    assert [rule.id for _, rule in find(GROUPS, "Fail")] == ["orders/Fail/0"]
    assert find(GROUPS, "nothing") == []


def test_an_alert_is_the_same_after_its_way_over_http() -> None:
    row = odd_rule_alert()
    back = alert_of(row.rule_id, msgspec.json.decode(msgspec.json.encode(alert_row(row))))
    assert back == row
    assert back.state is RuleAlertState.RESOLVED
