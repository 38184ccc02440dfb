"""One life of hbalert: from a start to the end of the score, or to its death at a point.

Knows how the parts are wired (as `daemon.py` does it, on a fake clock and without sockets) and how a
life goes on where the one before it ended: from the files and the journal alone. Must not know what
should come out of it (`verdict.py`).
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import structlog

from hbalert.config.types import Config, NotifierSettings
from hbalert.core.alert import API, report
from hbalert.core.delivery import Delivery
from hbalert.core.silence import Silence, SilenceState, state
from hbalert.engine import Engine
from hbalert.loops.deliver import Deliverer
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.evaluate import Evaluator
from hbalert.loops.run import run
from hbalert.loops.sweep import Sweeper
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Channel, HistoryQuery, Message, Snapshot
from tests.chaos.disk import Disk, WatchedStore
from tests.chaos.outside import FarSide, Journal, Prometheus
from tests.chaos.points import Fuse, Point
from tests.chaos.scores import BEGIN, Score, Step
from tests.chaos.verdict import agree
from tests.core.say import labels, m, s
from tests.fakes.clock import FakeClock


def plain(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: Any) -> Message:
    """A message that is the notification and no text: texts have tests of their own."""
    return Message("subject", "text", delivery.notification)


async def idle() -> None:
    """Lets everything run that can, until all wait for time or for the outside."""
    ready = cast(Any, asyncio.get_running_loop())._ready
    await asyncio.sleep(0)
    while ready:
        await asyncio.sleep(0)


class Life:
    """A process that plays a score from where the one before it ended.

    store     opens the store; a planted mistake may replace it
    far_side  makes a channel; the same
    """

    def __init__(
        self, folder: Path, score: Score, die_at: int | None, *, down: float = 2, power: bool = False
    ) -> None:
        self.score = score
        self.journal = Journal(folder / "journal")
        self.fuse = Fuse(die_at, self._last_words)
        self.disk = Disk(folder / "hbalert.db", self.fuse, copies=power)
        self.store_opener: Callable[[Disk, Any], Any] = WatchedStore.inline
        self.far_side: Callable[..., FarSide] = FarSide
        before = self.journal.lines()
        self.number = sum(line["kind"] == "born" for line in before) + 1
        last = max((line["at"] for line in before if "at" in line), default=0.0)
        self.born_at = last + down if before else 0.0
        self.clock = FakeClock(BEGIN + timedelta(seconds=self.born_at), idle)
        self.metrics = Metrics()

    @property
    def seconds(self) -> float:
        """Since the score began, on the wall."""
        return (self.clock.now() - BEGIN).total_seconds()

    def _last_words(self, point: Point) -> None:
        self.journal.write("died", at=self.seconds, point=str(point))

    def live(self, afterwards: Callable[[Life], Awaitable[None]] | None = None) -> None:
        """Plays to the end. What is random is the same in every life of this number.

        afterwards  called when all is quiet, before the store is closed
        """
        random.seed(self.number)
        uuid.uuid4 = lambda: uuid.UUID(int=random.getrandbits(128), version=4)
        structlog.configure(processors=[self._listen])
        self.disk.watch()
        asyncio.run(self._live(afterwards))

    def _listen(self, logger: Any, level: str, line: Any) -> Any:
        """Nothing here is worth an error in the log: one is a violation."""
        if level in ("error", "exception", "critical"):
            self.journal.write("wrong", says=f"logged: {line}")
        raise structlog.DropEvent

    async def _live(self, afterwards: Callable[[Life], Awaitable[None]] | None) -> None:
        self.journal.write("born", at=self.born_at)
        await self.start()
        done = len(self.journal.lines("did"))
        for step in self.score.steps[done:]:
            while self.seconds < step.at:
                await self.second()
            await self._take(step)
        while self.seconds < max(self.score.lasts, self.born_at + self.score.quiet_after):
            await self.second()
        if afterwards is not None:
            with self.fuse.asleep():
                await afterwards(self)
        await self.stop()
        self.journal.write("ended", at=self.seconds, points=len(self.fuse.passed))

    # --- start, stop, and what goes on each second; the order is that of daemon.py ---

    def config(self) -> Config:
        """As it lies on the disk: what was edited last."""
        edits = [line["to"] for line in self.journal.lines("edited")]
        return self.score.configs[edits[-1] if edits else 0]

    async def start(self) -> None:
        now, config = self.clock.now(), self.config()
        self.store = await self.store_opener(self.disk, now)
        self.fuse.passes("start", "the store is open")
        snapshot = await self.store.load()
        await self._look_over(snapshot)
        self.engine = Engine(config, self.store, snapshot, self.clock)
        await self.engine.start()
        self.fuse.passes("start", "taken over")
        self.deliverer = Deliverer(self.engine, self._channel, plain, self.metrics)
        self.dispatcher = Dispatcher(self.engine)
        self.sweeper = Sweeper(self.engine, self.engine.last_seen or now)
        source = Prometheus(self.score.series, self.score.down, lambda: self.seconds)
        self.sources = {"main": source}
        self.evaluator = Evaluator(self.engine, self.sources, expand, self.metrics)
        self.wake = asyncio.Event()
        self.engine.changed = self._changed
        self.deliverer.use(config.notifiers)
        self.dispatching = asyncio.create_task(run("dispatch", self.dispatcher.step, self.wake, self.clock))
        await self.evaluator.start()
        self.fuse.passes("start", "ready")

    async def _look_over(self, snapshot: Snapshot) -> None:
        """What the life before left behind must make sense at once, not only in the end."""
        with self.fuse.asleep():
            history = [line.delivery for line in await self.store.history(HistoryQuery(limit=0))]
            for sentence in (*self.store.repairs, *agree(snapshot, history)):
                self.journal.write("wrong", says=sentence)

    def _channel(self, settings: NotifierSettings) -> Channel:
        return self.far_side(
            settings.name,
            self.score.troubles,
            self.journal,
            self.fuse,
            lambda: self.seconds,
            self.clock,
            self.score.recipients.get(settings.name, ()),
        )

    def _changed(self, draft: Draft) -> None:
        self.fuse.passes("memory", "changed")
        if draft.groups.changed():
            self.wake.set()
        changed = draft.deliveries.changed().values()
        self.deliverer.wake({row.notifier for row in changed if row is not None})

    async def second(self) -> None:
        """A tick, what it leads to, and the time until the next."""
        now = self.clock.now()
        self.fuse.passes("tick")
        self.wake.set()
        self.deliverer.wake()
        await self.evaluator.tick(now)
        await self.sweeper.every_second(now)
        if int(self.seconds) % 5 == 0:
            await self.sweeper.touch(now)
        await idle()
        await self.clock.advance(1)
        self.journal.write("time", at=self.seconds)

    async def reload(self, to: int) -> None:
        config = self.score.configs[to]
        self.journal.write("edited", at=self.seconds, to=to)
        self.fuse.passes("reload", "edited")
        await self.engine.reload(config)
        self.fuse.passes("reload", "the engine has it")
        await self.evaluator.reload(self.sources, expand)
        self.fuse.passes("reload", "the rules have it")
        self.deliverer.use(config.notifiers)
        self.fuse.passes("reload", "all have it")

    async def stop(self) -> None:
        await self.evaluator.stop()
        self.dispatching.cancel()
        await asyncio.gather(self.dispatching, return_exceptions=True)
        await self.deliverer.stop(0)
        await self.engine.desk.drain()
        self.fuse.passes("stop", "drained")
        await self.store.touch(self.clock.now())

    # --- what clients and people do ---

    async def _take(self, step: Step) -> None:
        self.fuse.passes("request", step.what)
        await getattr(self, step.what)(*step.who, **step.more)
        self.fuse.passes("request", "answered, the answer on its way")
        self.journal.write("did", at=self.seconds, what=step.what, who=list(step.who))
        self.fuse.passes("request", "over")

    async def fires(self, *names: str, lives: float = 1000, note: str = "") -> None:
        now = self.clock.now()
        reports = []
        for name in names:
            who = labels(self.score.alerts[name])
            known = self.engine.memory.alerts.get(who.key)
            again = known is None or known.resolved(now)
            starts_at = now if again or known is None else known.starts_at
            reports.append(
                report(
                    who,
                    origin=API,
                    starts_at=starts_at,
                    ends_at=now + s(lives),
                    now=now,
                    annotations={"summary": note},
                    timed=True,
                )
            )
        await self.engine.accept(reports)

    async def ends(self, *names: str) -> None:
        now = self.clock.now()
        reports = []
        for name in names:
            who = labels(self.score.alerts[name])
            known = self.engine.memory.alerts.get(who.key)
            starts_at = known.starts_at if known is not None else now - s(1)
            reports.append(report(who, origin=API, starts_at=starts_at, ends_at=now, now=now))
        await self.engine.accept(reports)

    async def silences(self, matcher: str, lasts: float) -> None:
        now = self.clock.now()
        until = now + s(lasts)
        await self.engine.put_silence(Silence("", (m(matcher),), now, until, "lin", matcher, now))

    async def unsilences(self, matcher: str) -> None:
        now = self.clock.now()
        for silence in list(self.engine.memory.silences.values()):
            if silence.comment == matcher and state(silence, now) is SilenceState.ACTIVE:
                await self.engine.expire_silence(silence.id)

    async def edits(self, to: int) -> None:
        await self.reload(to)

    async def retries(self, notifier: str) -> None:
        """Whatever is dead for a notifier is tried again."""
        for line in await self.store.history(HistoryQuery(notifier=notifier, state="dead")):
            await self.engine.retry_delivery(line.delivery.id)

    async def checkpoints(self) -> None:
        await self.store.checkpoint()

    async def prunes(self, older: float) -> None:
        await self.store.prune(self.clock.now() - s(older))


def expand(text: str, of: Any, value: float) -> str:
    """Rule texts as they are: templates have tests of their own."""
    return text
