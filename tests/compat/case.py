"""Cases: what is played, what is expected, and how one is played before one engine.

Knows how a scene is set and struck. Must not know the cases; `cases/*.py` register themselves here.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from hbalert.demo.gateways.smtp import SmtpSink
from tests.compat import cases
from tests.compat.collector import Collector
from tests.compat.peers import Alertmanager, Hbalert, Peer
from tests.compat.scene import Scene
from tests.compat.setup import Setup

NO_COUNTERPART = "cannot"
"""As `theirs`: Alertmanager has nothing to say it with, and is not started."""


@dataclass(frozen=True)
class Seen:
    """What a score saw, where the text alone does not tell whether it is good: numbers vary."""

    text: str
    good: bool


Score = Callable[[Scene], Awaitable[str | Seen]]


@dataclass(frozen=True)
class Case:
    """One thing that an engine does or does not do.

    part     the module it stands in: "routing", "silences", ...
    expect   what hbalert shows
    theirs   what Alertmanager shows where that is not the same
    setup    the configuration, or how to make it now
    quick    whether `make test` plays it too
    bound_s  how long it may take at most, start of the engine not counted
    """

    name: str
    part: str
    expect: str
    theirs: str | None
    setup: Setup | Callable[[], Setup]
    score: Score
    quick: bool
    bound_s: float

    @property
    def agree(self) -> bool:
        """Whether both engines have to show the same."""
        return self.theirs is None

    @property
    def engines(self) -> tuple[type[Peer], ...]:
        """By whom it is played, where both are installed."""
        return (Hbalert,) if self.theirs == NO_COUNTERPART else (Hbalert, Alertmanager)

    def wanted_of(self, engine: type[Peer]) -> str:
        return self.expect if engine is Hbalert or self.theirs is None else self.theirs


CASES: list[Case] = []


def case(
    name: str,
    *,
    expect: str,
    theirs: str | None = None,
    setup: Setup | Callable[[], Setup] = Setup(),  # noqa: B008 - a frozen value
    quick: bool = False,
    bound_s: float = 60,
) -> Callable[[Score], Score]:
    """Registers the function below it as a case."""

    def register(score: Score) -> Score:
        part = score.__module__.rsplit(".", 1)[-1]
        CASES.append(Case(name, part, expect, theirs, setup, score, quick, bound_s))
        return score

    return register


PARTS = (
    *("routing", "groups", "dedup", "payload", "inhibition", "silences", "intervals", "reloads"),
    *("crashes", "outages", "load"),
)
"""The order of the table; modules that are not in it come last, by name."""


def load() -> list[Case]:
    """Every case there is, in the order of the table."""
    for module in pkgutil.iter_modules(cases.__path__):
        importlib.import_module(f"{cases.__name__}.{module.name}")
    places = {part: place for place, part in enumerate(PARTS)}
    return sorted(CASES, key=lambda one: (places.get(one.part, len(places)), one.part))


@dataclass(frozen=True)
class Result:
    """How a case went before one engine.

    good  as it was wanted; for Alertmanager: as it was written down
    """

    case: Case
    engine: type[Peer]
    text: str
    good: bool
    seconds: float


async def play(one: Case, engine: type[Peer]) -> Result:
    """Plays a case before an engine, which is started for it and ended after it."""
    begun = time.monotonic()
    try:
        seen = await _play(one, engine)
    except TimeoutError:
        seen = Seen(f"not over after {one.bound_s:.0f} s", False)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        seen = Seen(f"failed: {said[-300:]}", False)
    if isinstance(seen, str):
        seen = Seen(seen, seen == one.wanted_of(engine))
    return Result(one, engine, seen.text, seen.good, time.monotonic() - begun)


async def _play(one: Case, engine: type[Peer]) -> str | Seen:
    setup = one.setup if isinstance(one.setup, Setup) else one.setup()
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hbalert-compat-"))
        collector = await stack.enter_async_context(Collector())
        smtp = await stack.enter_async_context(SmtpSink()) if setup.mails else None
        peer = engine(Path(folder), collector.url, smtp.port if smtp else 0)
        stack.push_async_callback(peer.close)
        peer.write(setup)
        await peer.start()
        session = await stack.enter_async_context(aiohttp.ClientSession())
        async with asyncio.timeout(one.bound_s):
            return await one.score(Scene(peer, collector, setup, session, smtp))
