"""The desk: where units of work are decided, one after the other, and committed together.

Knows the order: look at the clock -> decide over memory -> commit -> change memory -> answer. Must not
know what a unit decides. Units that arrive while a commit is running are decided together afterwards
and share the next one: that is what makes durable acknowledgement cheap.

Every `now` of a decision is read here. So a jump of the clock is followed here, before anything else
is decided: no unit ever sees the new time beside the old rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import structlog

from hbalert.clock import Clock, read_both
from hbalert.core.jump import Jump, Reading, find
from hbalert.errors import StoreError, StoreFull
from hbalert.memory import Batch, Draft, Memory
from hbalert.ports import Store

log = structlog.get_logger("hbalert.desk")

T = TypeVar("T")

Unit = Callable[[Draft], Any]

Waiting = tuple[Unit, asyncio.Future[Any]]
"""A unit of work, and who hears its answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """A unit of work whose answer waits for the commit."""

    unit: Unit
    future: asyncio.Future[Any]
    draft: Draft
    answer: Any


class Desk:
    """Runs units of work against one memory and one store.

    changed   called with what was committed, after memory has changed: wakes whoever waits for work.
              Refreshes alone wake nobody
    follow    writes what a jump of the clock changes in the rows
    followed  called after that has been committed, before anything is decided with the new time
    """

    def __init__(self, memory: Memory, store: Store, clock: Clock) -> None:
        self.memory = memory
        self.changed: Callable[[Draft], None] = lambda committed: None
        self._store = store
        self._clock = clock
        self.follow: Callable[[Draft, Jump], None] = lambda draft, jump: None
        self.followed: Callable[[Jump], None] = lambda jump: None
        self._last = Reading(*read_both(clock))
        self._waiting: list[Waiting] = []
        self._begun: Decided | None = None
        self._task: asyncio.Task[None] | None = None

    async def work(self, unit: Callable[[Draft], T]) -> T:
        """Decides `unit` and returns its answer once everything it wrote is durable.

        unit  reads and writes its draft, returns an answer, does no I/O. When it raises, nothing it
              wrote is kept and the exception comes out here; other units are not affected.
        Raises StoreError when the store did not take the changes; memory is as it was then.
        """
        future = self.begin(unit)
        # A caller that goes away (a client that hangs up) does not undo what is being committed.
        return future.result() if future.done() else await asyncio.shield(future)

    def begin(self, unit: Callable[[Draft], T]) -> asyncio.Future[T]:
        """`work`, as a future for the answer: done already where nothing has to be stored first.

        It must not be cancelled: what is being committed is not undone by that.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._task is not None:
            self._waiting.append((unit, future))
        elif not self._decide_at_once(unit, future):
            self._task = asyncio.create_task(self._serve(), name="desk")
        return future

    def _decide_at_once(self, unit: Unit, future: asyncio.Future[Any]) -> bool:
        """Decides a unit that finds nobody waiting; whether it is answered.

        What has nothing to store, as most refreshes, needs no commit, no task and no other round of the
        event loop. What has is the first of the next commit, and others may still join it.
        """
        reading = Reading(*read_both(self._clock))
        if find(self._last, reading) is not None:
            self._waiting.append((unit, future))
            return False
        self._last = reading
        draft = Draft(self.memory, reading.wall, self.memory.sequence)
        try:
            answer = unit(draft)
        except Exception as error:
            _fail(future, error)
            return True
        if draft.has_changes():
            self._begun = Decided(unit, future, draft, answer)
            return False
        self.memory.absorb(draft)
        future.set_result(answer)
        return True

    async def _serve(self) -> None:
        try:
            if self._begun is not None:
                begun, self._begun = self._begun, None
                units, self._waiting = self._waiting, []
                await self._commit(units, begun.draft.now, begun)
            while self._waiting:
                units, self._waiting = self._waiting, []
                try:
                    now = await self._look()
                except Exception as error:
                    for _, future in units:
                        _fail(future, error)
                    continue
                await self._commit(units, now)
        finally:
            self._task = None

    async def _look(self) -> datetime:
        """The time, once every row agrees with it. Raises StoreError when that cannot be stored: nothing
        is decided then, and the same jump is found again at the next look."""
        reading = Reading(*read_both(self._clock))
        jump = find(self._last, reading)
        if jump is not None:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await self._commit([(lambda draft: self.follow(draft, jump), done)], reading.wall)
            try:
                await done
            except StoreError:
                raise
            except Exception:
                log.exception("jump_not_followed")  # a mistake of ours must not stop everything
            # The rows agree with it: whatever happens next, it must not be followed twice.
            self._last = reading
            self.followed(jump)
        self._last = reading
        return reading.wall

    async def _commit(self, units: list[Waiting], now: datetime, begun: Decided | None = None) -> None:
        decided: list[Decided] = []
        if begun is not None:
            decided.append(begun)
        if begun is not None and not units:
            batch: Draft = begun.draft
        else:
            batch = self._decide(units, now, decided)
        changes = batch.changes()
        if changes:
            try:
                await self._store.commit([changes])
            except Exception as error:
                await self._refused(decided, now, error)
                return
        self.memory.absorb(batch)
        for each in decided:
            if not each.future.done():
                each.future.set_result(each.answer)
        if changes:
            self.changed(batch)

    def _decide(self, units: list[Waiting], now: datetime, decided: list[Decided]) -> Batch:
        """Units on top of each other, and of what is decided already."""
        batch = Batch(self.memory, now, self.memory.sequence)
        for each in decided:
            batch.absorb(each.draft)
        for unit, future in units:
            draft = Draft(batch, now, batch.sequence)
            try:
                answer = unit(draft)
            except Exception as error:
                _fail(future, error)
                continue
            batch.absorb(draft)
            decided.append(Decided(unit, future, draft, answer))
        return batch

    async def _refused(self, decided: list[Decided], now: datetime, error: Exception) -> None:
        """A row the store cannot take refuses only whose it is.

        A full disk refuses what adds an alert or a silence: its sender keeps it. All else, above all how
        a send ended, is decided again without that, and gets the room that was kept for it.
        """
        full = isinstance(error, StoreFull)
        again = [each for each in decided if not (full and each.draft.adds(self.memory))]
        if len(again) == len(decided) and (full or len(decided) == 1):
            again = []
        for each in decided:
            if each not in again:
                _fail(each.future, error)
        if full and again:
            await self._commit([(each.unit, each.future) for each in again], now)
            return
        for each in again:
            await self._commit([(each.unit, each.future)], now)

    async def drain(self) -> None:
        """Waits until nothing is being committed."""
        while self._task is not None:
            await asyncio.wait([self._task])


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # marks it as looked at: its caller may have gone away
