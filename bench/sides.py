"""hbalert and Alertmanager side by side, each with a webhook receiver of its own.

Knows how both are asked, and what an alert of a measure looks like. Must not know what is measured.
The engines and their configuration are those of the compatibility suite. Next: `measures/`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import msgspec

from bench.process import Used, resident_mib, used_for
from bench.record import check
from bench.sink import Sink
from tests.compat.peers import Alertmanager, Hbalert, Peer
from tests.compat.setup import Setup

AT_ONCE = 4
"""Connections on which a sender posts."""

NAMES = 20
"""Different alert names in a measure."""

CRITICAL = 7
"""Each so manieth alert is critical, whatever its group and its name."""

Posted = dict[str, Any]

LIST, GROUPS, SILENCES = "/api/v2/alerts", "/api/v2/alerts/groups", "/api/v2/silences"


def is_own(alert: Mapping[str, Any]) -> bool:
    """Whether hbalert raised it about itself: a loaded machine makes it late."""
    return bool(alert["labels"].get("source") == "hbalert")


class Theirs(Alertmanager):
    """Alertmanager as it runs in production: it does not write a line for each thing it does."""

    log_level = "info"


@dataclass(frozen=True)
class Side:
    """One engine that runs, and what it tells.

    ready_s  seconds from its start until it said that it is ready
    """

    peer: Peer
    sink: Sink
    session: aiohttp.ClientSession
    ready_s: float = 0.0

    @property
    def name(self) -> str:
        return self.peer.name

    async def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One request, which must succeed."""
        async with self.session.request(method, self.peer.url + path, data=body, headers=_JSON) as answer:
            text = await answer.read()
            check(answer.status == 200, f"{self.name}: {method} {path}: {answer.status} {text[:300]!r}")
            return text

    async def get(self, path: str) -> Any:
        return msgspec.json.decode(await self.ask("GET", path))

    async def post(self, bodies: Iterable[bytes], path: str = LIST) -> None:
        """Posts all of them on some connections at once."""
        waiting = iter(bodies)

        async def send() -> None:
            for body in waiting:
                await self.ask("POST", path, body)

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))

    async def alerts(self, path: str = LIST) -> list[Any]:
        """The alerts that it shows, but for those about itself."""
        return [one for one in await self.get(path) if not is_own(one)]

    async def posting(self, bodies: Iterable[bytes], path: str = LIST) -> Used:
        """Seconds that it takes to accept them."""
        return await used_for(self.peer.pid, lambda: self.post(bodies, path))

    async def getting(self, path: str = LIST, times: int = 1) -> Used:
        """Seconds of one GET among some."""

        async def ask() -> None:
            for _ in range(times):
                await self.ask("GET", path)

        return await used_for(self.peer.pid, ask) * (1 / times)

    def memory_mib(self) -> float:
        return resident_mib(self.peer.pid)


_JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def running(
    kind: type[Peer], setup: Setup, files: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Side]:
    """One engine, ready, in a folder of its own, with files beside its configuration."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hbalert-bench-")))
        sink = await stack.enter_async_context(Sink())
        peer = kind(folder, sink.url)
        stack.push_async_callback(peer.close)
        peer.write(setup)
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        begun = time.monotonic()
        await peer.start()
        ready_s = time.monotonic() - begun
        total = aiohttp.ClientTimeout(total=120)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=total))
        yield Side(peer, sink, session, ready_s)


@asynccontextmanager
async def duel(setup: Setup) -> AsyncIterator[tuple[Side, Side]]:
    """hbalert and Alertmanager with the same configuration."""
    async with running(Hbalert, setup) as ours, running(Theirs, setup) as theirs:
        yield ours, theirs


ROOMY = {
    "alerts": {"limit": 300_000, "limit_per_alertname": 50_000},
    "silences": {"limit": 100_000},
}
"""hbalert's limits, out of the way; Alertmanager 0.25 has none."""


BEGAN = datetime.now(UTC) - timedelta(seconds=60)
"""Since when alerts fire, unless a measure says otherwise: refreshes name the same start."""

LIVES = timedelta(hours=1)
"""How long an alert lives from its post on, so that none has to be written for its end's sake."""


def alert(
    number: int,
    *,
    version: int = 0,
    run: str = "0",
    groups: int = 200,
    per_group: int | None = None,
    starts_at: datetime = BEGAN,
) -> Posted:
    """An alert as a Prometheus sends it: six labels, two annotations, of which one has a value in it.

    version    what its annotations say; the labels stay
    groups     number of different values of the label "g"
    per_group  instead: so many alerts, one after the other, have one value of it
    """
    group = number // per_group if per_group else number % groups
    return {
        "labels": {
            "alertname": f"Bench{number % NAMES}",
            "bot": f"bot-{number % 2000}",
            "g": f"g{group}",
            "instance": f"10.0.{number // 250}.{number % 250}:9100",
            "severity": "critical" if number % CRITICAL == 0 else "warning",
            "run": run,
        },
        "annotations": {
            "summary": f"Orders of bot {number} fail",
            "description": f"{version}.{number % 100:02} % of its orders failed in the last 5 minutes.",
        },
        "startsAt": starts_at.isoformat(),
        "endsAt": (datetime.now(UTC) + LIVES).isoformat(),
        "generatorURL": f"http://prometheus.example.com:9090/graph?g0.expr=orders_{number % NAMES}&g0.tab=1",
    }


def bodies(alerts: Iterable[Posted], per_post: int) -> list[bytes]:
    """Bodies of posts, so many alerts in each."""
    posted = list(alerts)
    encode = msgspec.json.encode
    return [encode(posted[first : first + per_post]) for first in range(0, len(posted), per_post)]


def silence(number: int, comment: str = "bench") -> bytes:
    """A silence as an operator makes it: a name and one bot of 2,000, every fourth by a pattern."""
    begins = datetime.now(UTC)
    pattern = number % 4 == 0
    bot = f"bot-{number}(0|5)?" if pattern else f"bot-{number}"
    return msgspec.json.encode(
        {
            "matchers": [
                {"name": "alertname", "value": f"Bench{number % NAMES}", "isRegex": False, "isEqual": True},
                {"name": "bot", "value": bot, "isRegex": pattern, "isEqual": True},
            ],
            "startsAt": begins.isoformat(),
            "endsAt": (begins + timedelta(hours=2)).isoformat(),
            "createdBy": "bench",
            "comment": comment,
        }
    )


def same(ours: Iterable[object], theirs: Iterable[object], what: str) -> None:
    """Both show the same, nothing twice. Raises Wrong."""
    mine, other = sorted(map(repr, ours)), sorted(map(repr, theirs))
    if mine != other:
        missing, more = sorted(set(other) - set(mine)), sorted(set(mine) - set(other))
        counts = f"hbalert shows {len(mine)}, the peer {len(other)}"
        check(False, f"{what}: {counts}; hbalert lacks {missing[:3]}, has {more[:3]}")
    check(len(set(mine)) == len(mine), f"{what}: something is shown twice")
