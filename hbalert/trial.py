"""A trial: a real firing and a real resolved message through every channel, without the daemon.

Knows how a test notification is made and that it takes the way of every other: rendered, sent and
judged by the same code (`loops/deliver.attempt`). Must not know how results are shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hbalert.clock import Clock
from hbalert.config.channels import NotifierSettings
from hbalert.core.delivery import Delivery, DeliveryState, Outcome, Result
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.engine import new_id
from hbalert.errors import HbalertError
from hbalert.loops.deliver import attempt
from hbalert.ports import Channel
from hbalert.speak import speak

LABELS = Labels({"alertname": "HbalertTest", "bot": "test-bot", "severity": "warning"})

SUMMARY = {
    "en": "This is a test: no bot is in trouble",
    "zh": "这是一条测试消息：机器人一切正常",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One try at one notifier: what was sent, what came of it, and how long that took."""

    notifier: str
    kind: str
    status: str
    outcome: Outcome
    took_ms: float

    @property
    def ok(self) -> bool:
        """Whether the far side accepted it for everybody."""
        return self.outcome.result is Result.SENT and not self.outcome.refused


async def trial(
    notifiers: Mapping[str, NotifierSettings],
    open_channel: Callable[[NotifierSettings], Channel],
    clock: Clock,
    external_url: str = "",
) -> AsyncIterator[Tried]:
    """Tries all notifiers at the same time; gives each result as it comes."""
    results: asyncio.Queue[Tried] = asyncio.Queue()
    begun = clock.now()

    async def one(name: str, settings: NotifierSettings) -> None:
        for tried in await _pair(name, settings, open_channel, clock, begun, external_url):
            results.put_nowait(tried)

    tasks = [asyncio.create_task(one(name, settings)) for name, settings in notifiers.items()]
    for _ in range(2 * len(tasks)):
        yield await results.get()
    await asyncio.gather(*tasks)


async def _pair(
    name: str,
    settings: NotifierSettings,
    open_channel: Callable[[NotifierSettings], Channel],
    clock: Clock,
    begun: datetime,
    external_url: str,
) -> Sequence[Tried]:
    """A firing message and, whether or not that worked, a resolved one."""
    try:
        channel = open_channel(settings)
    except (HbalertError, OSError, ValueError) as error:
        broken = Outcome(Result.PERMANENT, f"cannot be opened: {error}", "client")
        return [Tried(name, settings.type, status, broken, 0.0) for status in ("firing", "resolved")]
    try:
        tried = []
        for ended in (False, True):
            delivery = _delivery(name, settings, begun, clock.now() if ended else None, external_url)
            outcome, took_ms = await attempt(channel, speak, delivery, settings, clock)
            tried.append(Tried(name, settings.type, delivery.notification.status, outcome, took_ms))
        return tried
    finally:
        await channel.close()


def _delivery(
    name: str, settings: NotifierSettings, begun: datetime, ended: datetime | None, external_url: str
) -> Delivery:
    alert = NotifiedAlert(
        labels=LABELS,
        annotations={"summary": SUMMARY[settings.language]},
        starts_at=begun - timedelta(minutes=1),
        ends_at=ended,
        fingerprint=fingerprint(LABELS),
    )
    now = ended or begun
    notification = Notification(
        receiver=name,
        group_id=f"test-notify:{name}:{begun.isoformat()}",
        group_key=f'{{}}:{{alertname="{LABELS["alertname"]}"}}',
        group_labels=Labels({"alertname": LABELS["alertname"]}),
        alerts=(alert,),
        reason=Reason.TEST,
        decided_at=now,
        first_decided_at=now,
        external_url=external_url,
    )
    return Delivery(new_id(), 0, notification.group_id, name, notification, DeliveryState.SENDING, now, now)
