"""The outside world: what goes on while a process of hbalert dies and another one starts.

Knows far sides that accept or refuse, a source whose series come and go, and a journal of everything
that was seen from outside. Must not know how hbalert works inside. Next: `scores.py`, which says what
happens when; `life.py`, which plays it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hbalert.core.delivery import Pace
from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import NotNow, Permanent, Transient, Unavailable
from hbalert.ports import Answer, Message, Receipt
from tests.chaos.points import Fuse
from tests.core.say import labels
from tests.fakes.clock import FakeClock

Line = dict[str, Any]


class Journal:
    """Lines that are written at once and outlive the process: a file of JSON, one line each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, kind: str, **more: Any) -> None:
        os.write(self._file, json.dumps({"kind": kind, **more}).encode() + b"\n")

    def lines(self, kind: str | None = None) -> list[Line]:
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in found if kind in (None, line["kind"])]

    def close(self) -> None:
        os.close(self._file)


def name_of(of: Labels) -> str:
    """What a score calls an alert: its label n, else its alertname."""
    return of.get("n") or of["alertname"]


@dataclass(frozen=True)
class Trouble:
    """A far side does not take everything for a while.

    how  "busy" (503), "not now" (Retry-After of 3 s), "never" (refused for good), "half" (of two
         recipients the second is deferred), "slow" (accepts at once, answers 2 s later)
    """

    notifier: str
    since: float
    until: float
    how: str


class FarSide:
    """One notifier's gateway. It is a channel of hbalert whose other end writes the journal."""

    style, max_bytes, concurrency = "text", 0, 2
    pace: Pace | None = None

    def __init__(
        self,
        name: str,
        troubles: Sequence[Trouble],
        journal: Journal,
        fuse: Fuse,
        seconds: Callable[[], float],
        clock: FakeClock,
        recipients: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self._troubles = [each for each in troubles if each.notifier == name]
        self._journal = journal
        self._fuse = fuse
        self._seconds = seconds
        self._clock = clock
        self._recipients = recipients

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        self._fuse.passes("send", "begins")
        at = self._seconds()
        how = next((each.how for each in self._troubles if each.since <= at < each.until), "")
        await asyncio.sleep(0)
        self._refuse(how)
        asked = [each for each in self._recipients if each not in skip]
        taken = asked[:1] if how == "half" and len(asked) > 1 else asked
        said = message.notification
        self._journal.write(
            "heard",
            at=at,
            notifier=self.name,
            delivery=delivery_id,
            recipients=taken,
            reason=said.reason.value,
            group=said.group_id,
            alerts=[
                [name_of(each.labels), "R" if each.ends_at else "F", each.starts_at.isoformat()]
                for each in said.alerts
            ],
        )
        self._fuse.passes("send", "accepted, the answer on its way")
        await (self._clock.sleep(2) if how == "slow" else asyncio.sleep(0))
        self._fuse.passes("send", "answered")
        deferred = {each: "450 later" for each in asked if each not in taken}
        return Receipt("ok", delivered=tuple(taken), deferred=deferred)

    def _refuse(self, how: str) -> None:
        if how in ("busy", "not now", "never"):
            self._fuse.passes("send", "refused, the answer on its way")
        match how:
            case "busy":
                raise Transient("503 busy", reason="server")
            case "not now":
                raise NotNow("429", reason="rate limit", retry_after=timedelta(seconds=3))
            case "never":
                raise Permanent("400 refused", reason="client")
            case _:
                return

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Series:
    """A series is in the answer to an expression for a while."""

    expr: str
    labels: str
    since: float
    until: float


@dataclass
class Prometheus:
    """A source that answers from a list of series, and not at all while it is down."""

    series: Sequence[Series]
    down: Sequence[tuple[float, float]]
    seconds: Callable[[], float]
    name: str = "main"
    asked: int = field(default=0)

    async def query(self, expr: str, at: datetime) -> Answer:
        raise NotImplementedError

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        self.asked += 1
        await asyncio.sleep(0)
        now = self.seconds()
        if any(since <= now < until for since, until in self.down):
            return [Unavailable("connection refused") for _ in exprs]
        return [
            Answer(
                tuple(
                    Sample(labels(each.labels), now)
                    for each in self.series
                    if each.expr == expr and each.since <= now < each.until
                )
            )
            for expr in exprs
        ]

    async def close(self) -> None: ...
