"""Health, reload, metrics: what systemd, a load balancer and Prometheus ask."""

from __future__ import annotations

from hbalert.config.findings import Finding
from hbalert.errors import ConfigError
from tests.api.stand import Stand


async def test_healthy_is_the_process_and_ready_is_more(api: Stand) -> None:
    api.is_ready = False
    assert (await api.client.get("/-/healthy")).status_code == 200
    reply = await api.client.get("/-/ready")
    assert reply.status_code == 503
    assert "not ready" in reply.text
    api.is_ready = True
    assert (await api.client.get("/-/ready")).status_code == 200


async def test_a_reload_is_asked_for_with_post_only(api: Stand) -> None:
    assert (await api.client.get("/-/reload")).status_code == 405
    assert api.reloads == []
    assert (await api.client.post("/-/reload")).status_code == 200
    assert api.reloads == ["reloaded"]


async def test_a_refused_configuration_is_answered_with_its_findings(api: Stand) -> None:
    api.refuse_reload = ConfigError(
        [
            Finding("config.toml", 7, "route.receiver", "there is no receiver 'opps'", "did you mean 'ops'?"),
            Finding("rules/a.toml", 3, "groups[0].interval", "'5' is not a duration"),
        ]
    )
    reply = await api.client.post("/-/reload")
    assert reply.status_code == 400
    assert "the old one stays in force" in reply.text
    assert "config.toml:7: route.receiver: there is no receiver 'opps'; did you mean 'ops'?" in reply.text
    assert "rules/a.toml:3" in reply.text


async def test_metrics_show_the_live_state(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    await api.fire(alertname="Slow", bot="b2")
    await api.silence("bot=b2")
    reply = await api.client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = reply.text.splitlines()
    for line in (
        'hbalert_alerts{state="active"} 1.0',
        'hbalert_alerts{state="suppressed"} 1.0',
        'alertmanager_alerts{state="active"} 1.0',
        'alertmanager_silences{state="active"} 1.0',
        'alertmanager_alerts_received_total{status="firing",version="v2"} 2.0',
        'hbalert_queue_length{notifier="mail"} 0.0',
        "hbalert_groups 2.0",
    ):
        assert line in lines


async def test_metrics_are_openmetrics_for_who_asks(api: Stand) -> None:
    reply = await api.client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")
