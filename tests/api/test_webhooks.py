"""Payloads of Alertmanager and Grafana."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.api.stand import Stand

AM = "/webhook/alertmanager"

FIRING = {
    "status": "firing",
    "labels": {"alertname": "HighLatency", "service": "api"},
    "annotations": {"summary": "slow"},
    "startsAt": "2026-03-01T11:55:00.25Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "http://prometheus/graph",
    "fingerprint": "ffffffffffffffff",
}


def payload(*alerts: Any, **more: Any) -> dict[str, Any]:
    """As Alertmanager 0.34 sends it."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": r"team\.ops",
        "notification_reason": "first notification",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": {"alertname": "HighLatency"},
        "commonAnnotations": {},
        "routeLabels": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts),
        **more,
    }


async def test_a_firing_alert_is_taken_with_an_end_of_ours(api: Stand) -> None:
    assert (await api.post(AM, payload(FIRING))).status_code == 200
    (shown,) = await api.get("/api/v2/alerts")
    assert shown["labels"] == FIRING["labels"]
    assert shown["annotations"] == {"summary": "slow"}
    assert shown["startsAt"] == "2026-03-01T11:55:00.250Z"
    assert shown["fingerprint"] != "ffffffffffffffff"
    (alert,) = api.engine.memory.alerts.values()
    (claim,) = alert.claims
    assert claim.origin == "webhook:team.ops"
    assert claim.timed
    assert claim.ends_at == api.now() + timedelta(hours=26)


async def test_a_resolved_alert_ends_what_fired(api: Stand) -> None:
    await api.post(AM, payload(FIRING))
    await api.clock.advance(60)
    ended = {**FIRING, "status": "resolved", "endsAt": "2026-03-01T12:00:30Z"}
    assert (await api.post(AM, payload(ended, status="resolved"))).status_code == 200
    assert await api.get("/api/v2/alerts") == []


async def test_a_sender_whose_clock_is_ahead_ends_it_all_the_same(api: Stand) -> None:
    await api.post(AM, payload(FIRING))
    await api.clock.advance(60)
    ended = {**FIRING, "status": "resolved", "endsAt": "2026-03-01T13:00:00Z"}
    await api.post(AM, payload(ended))
    assert await api.get("/api/v2/alerts") == []


async def test_the_end_of_one_receiver_is_not_the_end_of_another(api: Stand) -> None:
    await api.post(AM, payload(FIRING))
    await api.post(AM, payload(FIRING, receiver="second"))
    await api.clock.advance(60)
    await api.post(AM, payload({**FIRING, "status": "resolved", "endsAt": "2026-03-01T12:00:30Z"}))
    assert len(await api.get("/api/v2/alerts")) == 1


async def test_a_repeated_notification_keeps_the_alert_alive(api: Stand) -> None:
    await api.post(AM, payload(FIRING))
    await api.clock.advance(25 * 3600)
    await api.post(AM, payload(FIRING))
    await api.clock.advance(25 * 3600)
    assert len(await api.get("/api/v2/alerts")) == 1
    await api.clock.advance(3601)
    assert await api.get("/api/v2/alerts") == []


async def test_grafana_s_links_and_values_become_annotations(api: Stand) -> None:
    alert = {
        **FIRING,
        "valueString": "[ var='A' labels={} value=93.4 ]",
        "panelURL": "http://grafana/d/x?viewPanel=2",
        "dashboardURL": "",
        "values": {"A": 93.4},
        "orgId": 1,
    }
    body = payload(alert, version="1", orgId=1, title="[FIRING:1]", state="alerting", message="m")
    reply = await api.client.put("/webhook/grafana", json=body)
    assert reply.status_code == 200
    (shown,) = await api.get("/api/v2/alerts")
    assert shown["annotations"] == {
        "summary": "slow",
        "value_string": "[ var='A' labels={} value=93.4 ]",
        "panel_url": "http://grafana/d/x?viewPanel=2",
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"text": "custom"}, 'the list "alerts" is missing', id="a custom payload"),
        pytest.param([], "Expected `object`, got `array`", id="a list"),
        pytest.param({"alerts": "none"}, "Expected `array`, got `str` - at `$.alerts`", id="alerts no list"),
        pytest.param(
            {"alerts": [{"name": "x"}]}, "alert 0: Object missing required field `labels`", id="no labels"
        ),
        pytest.param(
            {"alerts": [{"labels": {}}]}, "alert 0: at least one label pair required", id="empty labels"
        ),
    ],
)
async def test_garbage_is_refused_with_what_is_missing(api: Stand, body: Any, says: str) -> None:
    reply = await api.post(AM, body)
    assert reply.status_code == 400
    assert says in reply.text
    assert "standard payload" in reply.text


async def test_one_bad_alert_does_not_make_the_sender_drop_the_others(api: Stand) -> None:
    reply = await api.post(AM, payload(FIRING, {"labels": {}}))
    assert reply.status_code == 200
    assert "1 alerts stored" in reply.text
    assert "alert 1: at least one label pair required" in reply.text
    assert len(await api.get("/api/v2/alerts")) == 1


async def test_a_payload_without_alerts_is_fine(api: Stand) -> None:
    assert (await api.post(AM, payload())).status_code == 200


async def test_the_status_of_the_whole_counts_where_an_alert_says_nothing(api: Stand) -> None:
    silent = {"labels": {"alertname": "X"}}
    await api.post(AM, payload(silent))
    assert len(await api.get("/api/v2/alerts")) == 1
    await api.clock.advance(1)
    await api.post(AM, payload(silent, status="resolved"))
    assert await api.get("/api/v2/alerts") == []
