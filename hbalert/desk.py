"""The desk: where units of work are decided, one after the other, and committed together.

Knows the order: decide over memory -> commit -> change memory -> answer. Must not know what a unit
decides. Units that arrive while a commit is running are decided together afterwards and share the
next one: that is what makes durable acknowledgement cheap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from hbalert.clock import Clock
from hbalert.errors import StoreFull
from hbalert.memory import Batch, Draft, Memory
from hbalert.ports import Store

T = TypeVar("T")


class Desk:
    """Runs units of work against one memory and one store.

    changed  called with what was committed, after memory has changed: wakes whoever waits for work
    """

    def __init__(self, memory: Memory, store: Store, clock: Clock) -> None:
        self.memory = memory
        self.changed: Callable[[Draft], None] = lambda committed: None
        self._store = store
        self._clock = clock
        self._waiting: list[tuple[Callable[[Draft], Any], asyncio.Future[Any]]] = []
        self._task: asyncio.Task[None] | None = None

    async def work(self, unit: Callable[[Draft], T]) -> T:
        """Decides `unit` and returns its answer once everything it wrote is durable.

        unit  reads and writes its draft, returns an answer, does no I/O. When it raises, nothing it
              wrote is kept and the exception comes out here; other units are not affected.
        Raises StoreError when the store did not take the changes; memory is as it was then.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, future))
        if self._task is None:
            self._task = asyncio.create_task(self._serve(), name="desk")
        # A caller that goes away (a client that hangs up) does not undo what is being committed.
        return await asyncio.shield(future)

    async def _serve(self) -> None:
        try:
            while self._waiting:
                units, self._waiting = self._waiting, []
                await self._commit(units)
        finally:
            self._task = None

    async def _commit(self, units: list[tuple[Callable[[Draft], Any], asyncio.Future[Any]]]) -> None:
        now = self._clock.now()
        batch = Batch(self.memory, now, self.memory.sequence)
        answers: list[tuple[asyncio.Future[Any], Any]] = []
        for unit, future in units:
            draft = Draft(batch, now, batch.sequence)
            try:
                answer = unit(draft)
            except Exception as error:
                _fail(future, error)
                continue
            batch.absorb(draft)
            answers.append((future, answer))
        changes = batch.changes()
        if changes:
            try:
                await self._store.commit([changes])
            except Exception as error:
                await self._refused(units, answers, error)
                return
        self.memory.absorb(batch)
        for future, answer in answers:
            if not future.done():
                future.set_result(answer)
        self.changed(batch)

    async def _refused(
        self,
        units: list[tuple[Callable[[Draft], Any], asyncio.Future[Any]]],
        answers: list[tuple[asyncio.Future[Any], Any]],
        error: Exception,
    ) -> None:
        """A full disk refuses everybody; a row the store cannot take refuses only whose it is."""
        if len(answers) == 1 or isinstance(error, StoreFull):
            for future, _ in answers:
                _fail(future, error)
            return
        for unit in units:
            if not unit[1].done():
                await self._commit([unit])

    async def drain(self) -> None:
        """Waits until nothing is being committed."""
        while self._task is not None:
            await asyncio.wait([self._task])


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # marks it as looked at: its caller may have gone away
