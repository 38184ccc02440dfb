"""Lookout: what hbalert sees of its own troubles becomes alerts like any other.

Knows where the facts are and how often to look. Must not know when something is a trouble
(`core/trouble.py`) or how its alert is made (`units/troubles.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hbalert.config.channels import NotifierSettings
from hbalert.core.trouble import Lateness, Spent, period_began, troubles
from hbalert.engine import Engine
from hbalert.memory import Draft
from hbalert.units.troubles import happened, repaired, waiting, watch

COUNT_EVERY = timedelta(minutes=1)
"""What has been sent is counted in the store; that need not be done at every look."""


class Lookout:
    """Looks every few seconds.

    late  the rule groups that are evaluated late now
    """

    def __init__(self, engine: Engine, late: Callable[[], Sequence[Lateness]] = tuple) -> None:
        self._engine = engine
        self._late = late
        self._told_repairs = 0
        self._spent: list[Spent] = []
        self._counted: tuple[datetime, str] | None = None

    async def look(self, now: datetime) -> None:
        """One look at everything. Raises StoreError when what it saw could not be stored."""
        engine = self._engine
        room = await engine.store.room()
        repairs = engine.store.repairs
        spent = await self._count(now)
        found = list(
            troubles(waiting(engine.memory.deliveries.values()), room, now, late=self._late(), spent=spent)
        )
        external = engine.config.evaluation.external_labels

        def unit(draft: Draft) -> None:
            reports = watch(draft, found, external)
            if len(repairs) > self._told_repairs:
                reports.append(happened(draft, repaired(repairs), external))
            if reports:
                engine.accept_into(draft, reports)

        await engine.desk.work(unit)
        self._told_repairs = len(repairs)

    async def _count(self, now: datetime) -> list[Spent]:
        """What is used up of each quota; as it was a moment ago, under the same configuration."""
        config = self._engine.config
        counted = self._counted
        fresh = counted is not None and counted[1] == config.hash and abs(now - counted[0]) < COUNT_EVERY
        if not fresh:
            self._spent = [
                Spent(name, period, await self._sent(each, period, now), quota)
                for name, each in config.notifiers.items()
                for period, quota in (("day", each.daily_quota), ("month", each.monthly_quota))
                if each.enabled and quota
            ]
            self._counted = (now, config.hash)
        return self._spent

    async def _sent(self, notifier: NotifierSettings, period: str, now: datetime) -> int:
        since = period_began(period, now, ZoneInfo(notifier.timezone))
        return await self._engine.store.sent_since(notifier.name, since)
