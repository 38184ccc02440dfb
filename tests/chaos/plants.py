"""Planted mistakes: what the sweep has to find. One that it does not find is a hole in the sweep.

Knows where a life can be changed. Each takes a life before it begins and makes it wrong in one way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hbalert.core.delivery import DeliveryState
from hbalert.engine import new_id
from hbalert.memory import Draft
from hbalert.ports import Changes, Message, Receipt
from hbalert.storage.queries import sqlite as q
from hbalert.units import outbox
from tests.chaos.disk import Disk, WatchedStore
from tests.chaos.life import Life
from tests.chaos.outside import FarSide


def _with_store(life: Life, kind: type[WatchedStore]) -> None:
    async def opened(disk: Disk, now: datetime) -> WatchedStore:
        return await kind.inline(disk, now)

    life.open_store = opened


def answers_before_the_commit(life: Life) -> None:
    """Who asks is answered, and memory changes, while the commit is still to come."""

    class Hasty(WatchedStore):
        async def commit(self, changes: Sequence[Changes]) -> None:
            self.later = {*getattr(self, "later", ()), asyncio.create_task(self._later(changes))}

        async def _later(self, changes: Sequence[Changes]) -> None:
            await life.clock.sleep(0.4)
            await super().commit(changes)

    _with_store(life, Hasty)


def _forgets(life: Life, *tables: str) -> None:
    class Forgetful(WatchedStore):
        async def commit(self, changes: Sequence[Changes]) -> None:
            for each in changes:
                for name in tables:
                    getattr(each, name).clear()
            await super().commit(changes)

    _with_store(life, Forgetful)


def silences_live_in_memory(life: Life) -> None:
    """As in a program that writes them down every quarter of an hour."""
    _forgets(life, "silences")


def pending_alerts_live_in_memory(life: Life) -> None:
    """`for` begins anew with each start, and what fires is not known to come from a rule."""
    _forgets(life, "rule_alerts")


def log_and_outbox_are_two_commits(life: Life) -> None:
    """What counts as told is written first, what is to be told after it."""

    class Twice(WatchedStore):
        async def commit(self, changes: Sequence[Changes]) -> None:
            for each in changes:
                if each.entries and each.deliveries:
                    await super().commit([Changes(entries=each.entries)])
            await super().commit(changes)

    _with_store(life, Twice)


def commits_are_not_synced(life: Life) -> None:
    """A killed process loses nothing by it; a machine without power does."""
    q.SYNC_FULL = q.SYNC_NORMAL
    pragmas = [q.SYNC_NORMAL if each == "PRAGMA synchronous = FULL" else each for each in q.PRAGMAS]
    vars(q)["PRAGMAS"] = tuple(pragmas)


def settles_before_sending(life: Life) -> None:
    """The far side gets the message when it counts as sent already."""

    class Early(FarSide):
        async def send(self, message: Message, **more: Any) -> Receipt:
            self.later = asyncio.create_task(self._later(message, **more))
            return Receipt("ok")

        async def _later(self, message: Message, **more: Any) -> None:
            await self._clock.sleep(0.5)
            await super().send(message, **more)

    life.far_side = Early


def strands_what_was_being_sent(life: Life) -> None:
    """A start leaves it marked as being sent."""
    outbox.release = lambda draft, ids=None: 0


def sends_again_under_another_id(life: Life) -> None:
    """A start makes a new delivery of what was being sent."""

    def release(draft: Draft, ids: Collection[str] | None = None) -> int:
        for row in [row for row in draft.deliveries.values() if row.state is DeliveryState.SENDING]:
            draft.deliveries.put(row.id, replace(row, state=DeliveryState.DEAD, settled_at=draft.now))
            again = replace(row, id=new_id(), state=DeliveryState.QUEUED, next_attempt_at=draft.now)
            draft.deliveries.put(again.id, again)
        return 0

    outbox.release = release


@dataclass(frozen=True)
class Plant:
    """A mistake, and the score in which it shows."""

    apply: Callable[[Life], None]
    score: str


PLANTS = {
    plant.apply.__name__: plant
    for plant in (
        Plant(answers_before_the_commit, "posts"),
        Plant(silences_live_in_memory, "quiet"),
        Plant(pending_alerts_live_in_memory, "rules"),
        Plant(log_and_outbox_are_two_commits, "posts"),
        Plant(commits_are_not_synced, "posts"),
        Plant(settles_before_sending, "posts"),
        Plant(strands_what_was_being_sent, "posts"),
        Plant(sends_again_under_another_id, "posts"),
    )
}
