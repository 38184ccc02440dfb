"""Log: notifications into the daemon's own log, to see that routing works before any secret exists.

Knows what of a message is written. Must not know how: `hbalert/log.py` prints every event as one line,
whatever the values of labels hold.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from hbalert.config.channels.log import LogSettings
from hbalert.core.delivery import Pace
from hbalert.ports import Message, Receipt


class LogChannel:
    """Writes each message as one event to the logger "hbalert.notification"."""

    style: str = "text"
    max_bytes: int = 16_000
    pace: Pace | None = None
    concurrency: int = 8

    def __init__(self, settings: LogSettings) -> None:
        self._name = settings.name
        self._log = structlog.get_logger("hbalert.notification")

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """Writes the message; it cannot fail. See `ports.Channel`."""
        notification = message.notification
        self._log.info(
            "notification",
            notifier=self._name,
            delivery=delivery_id,
            status=notification.status,
            reason=notification.reason.value,
            subject=message.subject,
            text=message.text,
        )
        return Receipt("written to the log")

    async def close(self) -> None:
        """Nothing is open."""
