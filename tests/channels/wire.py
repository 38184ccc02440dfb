"""What the tests of the channels share: a clock to be moved, and messages to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.errors import ChannelError
from hbalert.ports import Channel, Message, Receipt

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)  # 1767323045, the time of the published vectors


class StoppedClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now
        self._passed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a gateway does not sleep")

    def advance(self, **duration: float) -> datetime:
        self._now += timedelta(**duration)
        self._passed += timedelta(**duration).total_seconds()
        return self._now


def message(
    text: str = "**HummingbotDown** on bot_a",
    *,
    subject: str = "[FIRING] HummingbotDown",
    resolved: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Message:
    """A message about one alert that fires, or has resolved."""
    labels = Labels({"alertname": "HummingbotDown", "bot": "bot_a", "severity": "critical"})
    alert = NotifiedAlert(labels, {"summary": "bot_a is down"}, NOW, NOW if resolved else None)
    notification = Notification(
        receiver="oncall",
        group_id="g1",
        group_key="{}:{}",
        group_labels=labels,
        alerts=(alert,),
        reason=Reason.ALL_RESOLVED if resolved else Reason.FIRST,
        decided_at=NOW,
        first_decided_at=NOW,
    )
    return Message(subject=subject, text=text, notification=notification, variables=variables or {})


async def send(
    channel: Channel,
    what: Message | None = None,
    *,
    delivery_id: str = "delivery-1",
    now: datetime = NOW,
    skip: frozenset[str] = frozenset(),
) -> Receipt:
    return await channel.send(what or message(), delivery_id=delivery_id, now=now, skip=skip)


async def failure(channel: Channel, what: Message | None = None, **how: Any) -> ChannelError:
    """The error that sending ends with; fails when the message is accepted."""
    with pytest.raises(ChannelError) as raised:
        await send(channel, what, **how)
    return raised.value


def words_of(error: ChannelError) -> str:
    """Everything of an error that a log, the history or a screen could show."""
    parts: list[object] = [error, repr(error), error.answer, error.refused, error.delivered, error.args]
    behind = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    while behind is not None:
        parts += [behind, repr(behind)]
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
    return "\n".join(str(part) for part in parts)


@asynccontextmanager
async def nobody_listening() -> AsyncIterator[int]:
    """A port of this machine that refuses connections."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    yield port
