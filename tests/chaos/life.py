"""One life of hbalert: from a start to the end of the score, or to its death at a point.

Knows how a life goes on where the one before it ended (from the files and the journal alone), and what
clients and people do. Must not know how hbalert is wired (`house.py`) nor what should come out
(`verdict.py`).
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from hbalert.config.channels import NotifierSettings
from hbalert.config.types import Config
from hbalert.core.alert import API, report
from hbalert.core.silence import Silence, SilenceState, state
from hbalert.ports import Channel, HistoryQuery, Snapshot
from tests.chaos.disk import Disk
from tests.chaos.house import House, idle
from tests.chaos.outside import FarSide, Journal, Prometheus
from tests.chaos.points import Fuse, Point, kill
from tests.chaos.scores import BEGIN, Score, Step
from tests.chaos.verdict import agree
from tests.core.say import labels, m, s
from tests.fakes.clock import FakeClock


class Life(House):
    """A process that plays a score from where the one before it ended.

    far_side  makes a channel; a planted mistake may replace it
    """

    def __init__(
        self, folder: Path, score: Score, die_at: int | None, *, down: float = 2, power: bool = False
    ) -> None:
        self.score = score
        self.journal = Journal(folder / "journal")
        self.far_side: Callable[..., FarSide] = FarSide
        before = self.journal.lines()
        self.number = sum(line["kind"] == "born" for line in before) + 1
        last = max((line["at"] for line in before if "at" in line), default=0.0)
        self.born_at = last + down if before else 0.0
        super().__init__(
            Disk(folder / "hbalert.db", Fuse(die_at, self._die), copies=power),
            FakeClock(BEGIN + timedelta(seconds=self.born_at), idle),
            self._channel,
            {"main": Prometheus(score.series, score.down, lambda: self.seconds)},
        )

    @property
    def seconds(self) -> float:
        """Since the score began, on the wall."""
        return (self.clock.now() - BEGIN).total_seconds()

    def _die(self, point: Point) -> None:
        self.journal.write("died", at=self.seconds, point=str(point))
        kill()

    def live(self, afterwards: Callable[[Life], Awaitable[None]] | None = None) -> None:
        """Plays to the end. What is random is the same in every life of this number.

        afterwards  called when all is quiet, before the store is closed
        """
        random.seed(self.number)
        uuid.uuid4 = lambda: uuid.UUID(int=random.getrandbits(128), version=4)
        structlog.configure(processors=[self._listen])
        with self.disk.watched():
            asyncio.run(self._live(afterwards))

    def _listen(self, logger: Any, level: str, line: Any) -> Any:
        """Nothing here is worth an error in the log: one is a violation."""
        if level in ("error", "exception", "critical"):
            self.journal.write("wrong", says=f"logged: {line}")
        raise structlog.DropEvent

    async def _live(self, afterwards: Callable[[Life], Awaitable[None]] | None) -> None:
        self.journal.write("born", at=self.born_at)
        await self.start(self.config())
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

    def config(self) -> Config:
        """As it lies on the disk: what was edited last."""
        edits = [line["to"] for line in self.journal.lines("edited")]
        return self.score.configs[edits[-1] if edits else 0]

    async def look_over(self, snapshot: Snapshot) -> None:
        """What the life before left behind must make sense at once, not only in the end."""
        with self.fuse.asleep():
            history = [line.delivery for line in await self.store.history(HistoryQuery(limit=0))]
            for sentence in (*self.store.repairs, *agree(snapshot, history, self.score.notifiers())):
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

    async def second(self) -> None:
        """A tick, what it leads to, and the time until the next."""
        await self.tick()
        await self.clock.advance(1)
        self.journal.write("time", at=self.seconds)

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
        self.journal.write("edited", at=self.seconds, to=to)
        await self.reload(self.score.configs[to])

    async def retries(self, notifier: str) -> None:
        """Whatever is dead for a notifier is tried again."""
        for line in await self.store.history(HistoryQuery(notifier=notifier, state="dead")):
            await self.engine.retry_delivery(line.delivery.id)

    async def checkpoints(self) -> None:
        await self.store.checkpoint()

    async def prunes(self, older: float) -> None:
        await self.store.prune(self.clock.now() - s(older))
