"""Notifications to render: a bot that is down, several at once, and what nobody wishes for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.ports import Message
from hbalert.render import OwnTexts, render

NOW = datetime(2026, 1, 1, 19, 16, 5, tzinfo=UTC)  # 03:16:05 in Shanghai
STARTED = NOW - timedelta(minutes=12)
URL = "https://alerts.example.com"


def alert(
    bot: str = "alpha",
    *,
    ended: datetime | None = None,
    started: datetime = STARTED,
    annotations: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
    **labels: str,
) -> NotifiedAlert:
    """One alert of a bot that is down; `labels` and `others` are added to the usual ones."""
    usual = {"alertname": "HummingbotDown", "bot": bot, "severity": "critical", "job": "hummingbot"}
    told = {"summary": f"{bot}: no metrics for 5 minutes"} if annotations is None else annotations
    return NotifiedAlert(
        Labels({**usual, **(others or {}), **labels}),
        told,
        started,
        ended,
        "http://prometheus.example.com/graph",
        "ab" * 8,
    )


def notification(*alerts: NotifiedAlert, **changes: Any) -> Notification:
    told = alerts or (alert(),)
    fields: dict[str, Any] = {
        "receiver": "oncall",
        "group_id": "route/0/bot=alpha",
        "group_key": '{}:{bot="alpha"}',
        "group_labels": Labels({"alertname": "HummingbotDown"}),
        "reason": Reason.FIRST,
        "decided_at": NOW,
        "first_decided_at": NOW,
        "external_url": URL,
    }
    return Notification(alerts=told, **{**fields, **changes})


def say(
    told: Notification,
    style: str = "text",
    language: str = "en",
    *,
    max_bytes: int = 0,
    timezone: str = "Asia/Shanghai",
    now: datetime = NOW,
    template: str | None = None,
    own: OwnTexts | None = None,
) -> Message:
    return render(
        told,
        style=style,
        max_bytes=max_bytes,
        language=language,
        timezone=timezone,
        now=now,
        own=own or OwnTexts(body=template),
    )
