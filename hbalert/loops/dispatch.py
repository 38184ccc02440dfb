"""Dispatch: groups that are due are looked at.

Knows how many groups go into one unit of work, and that what a look has to say is claimed in the same one
by whoever is free to send it: one commit less before it is told. Must not know what a look at a group decides
(`units/flush.py`). Next: `deliver.py`.
"""

from __future__ import annotations

from datetime import datetime

from hbalert.core.delivery import Delivery
from hbalert.engine import Engine
from hbalert.loops.deliver import Deliverer
from hbalert.memory import Draft

GROUPS_PER_COMMIT = 500
"""Enough to share an fsync, few enough that a request does not wait long behind them."""


class Dispatcher:
    """Flushes what is due.

    outgoing  sends what a look has enqueued; without it, that waits for a turn of its own
    """

    def __init__(self, engine: Engine, outgoing: Deliverer | None = None) -> None:
        self._engine = engine
        self._outgoing = outgoing

    async def step(self, now: datetime) -> datetime | None:
        """Looks at every due group; returns when the next one is due."""
        flushes = self._engine.memory.flushes
        due = flushes.due(now)
        try:
            while due:
                some = due[:GROUPS_PER_COMMIT]
                await self._look(some)
                self._not_due_after_all(some)
                due = due[GROUPS_PER_COMMIT:]
        except Exception:
            self._put_back(due, now)
            raise
        return flushes.next()

    async def _look(self, group_ids: list[str]) -> None:
        outgoing = self._outgoing

        def unit(draft: Draft) -> list[Delivery]:
            self._engine.flush_into(draft, group_ids)
            return outgoing.claim_into(draft) if outgoing is not None else []

        # Who is cancelled here goes with the process: the next start queues again what was claimed.
        claimed = await self._engine.desk.work(unit)
        if outgoing is not None:
            await outgoing.send(claimed)

    def _not_due_after_all(self, group_ids: list[str]) -> None:
        """A group that was left alone (the clock was set back meanwhile) is not forgotten."""
        for group_id in group_ids:
            group = self._engine.memory.groups.get(group_id)
            if group is not None:
                self._engine.memory.flushes.set(group_id, group.next_flush_at)

    def _put_back(self, group_ids: list[str], now: datetime) -> None:
        """What could not be committed is still due."""
        for group_id in group_ids:
            if self._engine.memory.groups.get(group_id) is not None:
                self._engine.memory.flushes.set(group_id, now)
