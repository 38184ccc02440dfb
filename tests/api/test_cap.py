"""Too many alerts: each one more is named to its sender, nothing that is known is touched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hbalert.config.types import AlertSettings
from hbalert.core.alert import report
from tests.api.stand import Stand, stand
from tests.core.say import labels

CAPPED = AlertSettings(limit=6, limit_per_alertname=3)


def posted(name: str, n: int, **more: Any) -> dict[str, Any]:
    return {"labels": {"alertname": name, "n": str(n)}, **more}


def cap(api: Stand) -> Stand:
    api.engine._use(api.engine.config.model_copy(update={"alerts": CAPPED}))
    return api


async def firing(api: Stand) -> list[str]:
    return sorted(
        f"{alert['labels']['alertname']} {alert['labels'].get('n', '')}".strip()
        for alert in await api.get("/api/v2/alerts")
    )


async def test_one_more_of_a_name_is_refused_by_its_index_and_the_rest_is_stored(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        reply = await api.alerts(
            posted("Down", 1),
            posted("Down", 2),
            {"labels": {}},
            posted("Down", 3),
            posted("Down", 4),
            posted("Up", 1),
        )
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "60"
        text = reply.json()
        assert "alert 4: not stored: there are 3 alerts of alertname 'Down' already" in text
        assert "alert 2: " in text, "what is not valid is named as well"
        assert "(4 valid alerts of this request were stored)" in text
        assert await firing(api) == ["Down 1", "Down 2", "Down 3", "HbalertTooManyAlerts", "Up 1"]


async def test_what_is_known_goes_on_and_ends_and_makes_room(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        assert (await api.alerts(*(posted("Down", n) for n in range(3)))).status_code == 200
        assert (
            await api.alerts(*(posted("Down", n, endsAt=api.at(900)) for n in range(3)))
        ).status_code == 200
        assert (await api.alerts(posted("Down", 9))).status_code == 503
        assert (await api.alerts(posted("Down", 0, endsAt=api.at(0)))).status_code == 200
        await api.clock.advance(400)
        await api.flush()
        assert (await api.alerts(posted("Down", 9))).status_code == 200
        assert (await api.alerts(posted("Down", 10))).status_code == 503


async def test_alerts_of_one_name_leave_room_for_others_but_all_have_a_limit_too(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        for name in ("A", "B"):
            assert (await api.alerts(*(posted(name, n) for n in range(3)))).status_code == 200
        reply = await api.alerts(posted("C", 1))
        assert reply.status_code == 503
        assert "there are 6 alerts already, the limit (alerts.limit)" in reply.json()


async def test_units_that_share_a_commit_share_the_cap(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        replies = await asyncio.gather(*(api.alerts(posted("Down", n)) for n in range(9)))
        assert sorted(reply.status_code for reply in replies) == [200] * 3 + [503] * 6
        assert len([name for name in await firing(api) if name.startswith("Down")]) == 3


@pytest.mark.parametrize("path", ["/webhook/alertmanager", "/webhook/grafana"])
async def test_a_webhook_that_is_over_the_limit_is_asked_to_come_back(tmp_path: Path, path: str) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        alerts = [{"status": "firing", **posted("Down", n)} for n in range(4)]
        reply = await api.post(path, {"version": "4", "receiver": "x", "status": "firing", "alerts": alerts})
        assert reply.status_code == 503
        assert "alert 3: not stored" in reply.text


async def test_our_own_rules_are_not_kept_out_by_what_senders_fill(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        cap(api)
        await api.alerts(*(posted(name, n) for name in "AB" for n in range(3)))
        now = api.clock.now()
        own = report(labels("alertname=Rule"), origin="rule:x", starts_at=now, ends_at=None, now=now)
        await api.engine.desk.work(lambda draft: api.engine.accept_into(draft, [own]))
        assert "Rule" in await firing(api)
