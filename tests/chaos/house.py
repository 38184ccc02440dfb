"""hbalert wired as `daemon.py` wires it, without sockets, on a clock that a test moves.

Knows the order of start, tick, reload and stop, and passes a fault point between their steps. Must not
know what goes on outside (`life.py` plays a score on it, `tests/scenarios/test_machine.py` anything).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, cast

from hbalert.config.channels import NotifierSettings
from hbalert.config.types import Config
from hbalert.core.delivery import Delivery
from hbalert.engine import Engine
from hbalert.loops.deliver import Deliverer
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.evaluate import Evaluator
from hbalert.loops.run import run
from hbalert.loops.sweep import Sweeper
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Channel, Message, Snapshot, Source
from tests.chaos.disk import Disk, WatchedStore
from tests.fakes.clock import FakeClock

CHORES_EVERY = 5
"""Seconds, as in `daemon.py`: the sign of life, and a look at silences about to end."""


def plain(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: datetime) -> Message:
    """A message that is the notification and no text: texts have tests of their own."""
    return Message("subject", "text", delivery.notification)


def expand(text: str, of: Any, value: float, when: Any) -> str:
    """Rule texts as they are: templates have tests of their own."""
    return text


async def idle() -> None:
    """Lets everything run that can, until all wait for time or for the outside."""
    ready = cast(Any, asyncio.get_running_loop())._ready
    await asyncio.sleep(0)
    while ready:
        await asyncio.sleep(0)


class House:
    """One process of hbalert.

    open_store    a planted mistake may open another
    open_channel  notifier -> its far side
    look_over     called with what was loaded, before anything is made of it
    """

    def __init__(
        self,
        disk: Disk,
        clock: FakeClock,
        open_channel: Callable[[NotifierSettings], Channel],
        sources: dict[str, Source],
    ) -> None:
        self.disk = disk
        self.fuse = disk.fuse
        self.clock = clock
        self.open_store: Callable[[Disk, datetime], Awaitable[WatchedStore]] = WatchedStore.inline
        self.open_channel = open_channel
        self.sources = sources
        self.metrics = Metrics()
        self.wake = asyncio.Event()
        self._ticks = 0

    async def look_over(self, snapshot: Snapshot) -> None: ...

    async def start(self, config: Config) -> None:
        now = self.clock.now()
        self.store = await self.open_store(self.disk, now)
        self.fuse.passes("start", "the store is open")
        snapshot = await self.store.load()
        await self.look_over(snapshot)
        self.engine = Engine(config, self.store, snapshot, self.clock)
        await self.engine.start()
        self.fuse.passes("start", "taken over")
        await self.store.touch(now)
        self.deliverer = Deliverer(self.engine, self.open_channel, plain, self.metrics)
        self.dispatcher = Dispatcher(self.engine, self.deliverer)
        self.sweeper = Sweeper(self.engine, self.engine.last_seen or now)
        self.evaluator = Evaluator(self.engine, self.sources, expand, self.metrics)
        self.engine.changed = self._changed
        self.engine.stepped = self.evaluator.stepped
        self.deliverer.use(config.notifiers)
        self.dispatching = asyncio.create_task(run("dispatch", self.dispatcher.step, self.wake, self.clock))
        await self.evaluator.start()
        self.fuse.passes("start", "ready")

    def _changed(self, draft: Draft) -> None:
        self.fuse.passes("memory", "changed")
        if draft.groups.changed():
            self.wake.set()
        changed = draft.deliveries.changed().values()
        self.deliverer.wake({row.notifier for row in changed if row is not None})

    async def tick(self) -> None:
        """What happens each second, and all that it leads to."""
        self.fuse.passes("tick")
        await self.engine.look_at_clock()
        now = self.clock.now()
        self.wake.set()
        self.deliverer.wake()
        await self.evaluator.tick(now)
        await self.sweeper.every_second(now)
        await self.sweeper.tell_steps()
        if self._ticks % CHORES_EVERY == 0:
            await self.sweeper.touch(now)
            await self.sweeper.endings(now)
        self._ticks += 1
        await idle()

    async def reload(self, config: Config) -> None:
        self.fuse.passes("reload", "edited")
        await self.engine.reload(config)
        self.fuse.passes("reload", "the engine has it")
        await self.evaluator.reload(self.sources, expand)
        self.fuse.passes("reload", "the rules have it")
        self.deliverer.use(config.notifiers)
        self.fuse.passes("reload", "all have it")

    async def stop(self) -> None:
        await self.evaluator.stop()
        await self.end([self.dispatching])
        await self.deliverer.stop(0)
        await self.engine.desk.drain()
        self.fuse.passes("stop", "drained")
        await self.store.touch(self.clock.now())

    async def end(self, tasks: Iterable[asyncio.Task[Any]]) -> None:
        """Ends tasks that would go on for ever."""
        for task in (ended := list(tasks)):
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
