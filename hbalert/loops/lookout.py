"""Lookout: what hbalert sees of its own troubles becomes alerts like any other.

Knows where the facts are and how often to look. Must not know when something is a trouble
(`core/trouble.py`) or how its alert is made (`units/troubles.py`).
"""

from __future__ import annotations

from datetime import datetime

from hbalert.core.trouble import troubles
from hbalert.engine import Engine
from hbalert.memory import Draft
from hbalert.units.troubles import happened, repaired, waiting, watch


class Lookout:
    """Looks every few seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told_repairs = 0

    async def look(self, now: datetime) -> None:
        """One look at everything. Raises StoreError when what it saw could not be stored."""
        engine = self._engine
        room = await engine.store.room()
        repairs = engine.store.repairs
        found = list(troubles(waiting(engine.memory.deliveries.values()), room, now))
        external = engine.config.evaluation.external_labels

        def unit(draft: Draft) -> None:
            reports = watch(draft, found, external)
            if len(repairs) > self._told_repairs:
                reports.append(happened(draft, repaired(repairs), external))
            if reports:
                engine.accept_into(draft, reports)

        await engine.desk.work(unit)
        self._told_repairs = len(repairs)
