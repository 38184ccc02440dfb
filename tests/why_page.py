"""docs/why.md, made by playing a night: `make docs` writes it, test_why_page.py compares.

An alert fires, is told, is silenced, resolves, and the command line is asked what happened. Everything
is real but the gateway's answers and the clock, which a test moves.

python -m tests.why_page > docs/why.md
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hbalert.config.types import SourceSettings
from hbalert.core.delivery import Outcome, Result, RetryPolicy
from hbalert.core.labels import Labels
from hbalert.core.rule import Rule, RuleGroup, Sample
from hbalert.loops.evaluate import Evaluator
from hbalert.loops.sweep import Sweeper
from hbalert.memory import Draft
from hbalert.ports import Answer
from hbalert.templating import expander
from hbalert.units import outbox
from tests.cli.daemon import Served, served

NIGHT = datetime(2026, 3, 1, 19, 12, tzinfo=UTC)
"""When the story begins: twelve past three in the morning in Shanghai."""

RULE = Rule(
    "bots/HummingbotDown",
    "HummingbotDown",
    'up{job="hummingbot"} == 0',
    "main",
    hold=timedelta(minutes=1),
    labels={"severity": "critical"},
    annotations={"summary": "{{ $labels.bot }} is gone"},
    file="rules/hummingbot.toml",
    line=12,
)

HEAD = """\
# Why was I told, and why not?

Made by `make docs`, which plays this night; a test compares.

A bot dies at twelve past three. Somebody silences it, it comes back, and in the morning people ask.
Two notifiers are in the receiver `oncall`: `phone`, whose gateway is down at first, and `mail`.
"""

FOOT = """\
`hbalert history` lists every attempt over all alerts, `hbalert queue list` what waits.
`hbalert explain --at 03:00 ...` looks ahead: at the silences and time intervals of then.
"""


class Prometheus:
    """The source of the night: the bot is scraped, or it is not."""

    name = "main"

    def __init__(self) -> None:
        self.down = False

    async def query(self, expr: str, at: datetime) -> Answer:
        return Answer((Sample(Labels({"__name__": "up", "bot": "alpha"}), 0.0),) if self.down else ())

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        return [await self.query(expr, at) for expr in exprs]

    async def close(self) -> None:
        pass


class Night:
    """The story, step by step."""

    def __init__(self, at: Served) -> None:
        self.at = at
        self.begun = at.api.now()
        self.prometheus = Prometheus()

    async def begin(self) -> None:
        """The rule is configured."""
        engine = self.at.api.engine
        sources = {"main": SourceSettings(url="http://127.0.0.1:9090")}
        groups = (RuleGroup("bots", timedelta(seconds=15), (RULE,)),)
        await engine.reload(engine.config.model_copy(update={"groups": groups, "sources": sources}))
        expand = expander({}, "")
        self.evaluator = Evaluator(engine, {"main": self.prometheus}, expand, self.at.api.metrics)
        await self.evaluator.start()
        self.sweeper = Sweeper(engine, self.at.api.now())

    async def advance(self, seconds: int) -> None:
        """Time passes as in the daemon; what is due each second is done each second."""
        api = self.at.api
        for _ in range(seconds):
            await api.clock.advance(1)
            await api.engine.look_at_clock()
            await self.evaluator.run_once(api.now())
            await self.sweeper.every_second(api.now())
            await api.flush()

    async def answers(self, notifier: str, result: Result, answer: str, took_ms: float) -> None:
        """A notifier's gateway answers whatever waits for it."""
        api = self.at.api

        def unit(draft: Draft) -> None:
            for row in outbox.claim(draft, notifier, None, 9):
                outbox.settle(
                    draft,
                    row.id,
                    Outcome(result, answer, "server"),
                    started_at=draft.now,
                    duration_ms=took_ms,
                    policy=RetryPolicy(),
                    jitter=0.5,
                )

        await api.engine.desk.work(unit)


def page() -> str:
    """The whole page."""
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    logging.disable(logging.CRITICAL)
    # Slots lie on a grid of whole minutes: begun on one, the night goes the same way each time.
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), start) as at:
        night = Night(at)
        text = "\n".join([HEAD, *_told(night), FOOT])
        return _steady(text, night.begun)


def _told(night: Night) -> Iterator[str]:
    at = night.at
    at.do(night.begin())
    night.prometheus.down = True
    at.do(night.advance(90))
    at.do(night.answers("phone", Result.TRANSIENT, "503 busy", 2100))
    at.do(night.answers("mail", Result.SENT, "250 queued as 4711", 84))
    yield "## It fires\n"
    yield "The phone stays silent. `hbalert alerts list` names the alert's id, whose beginning will do.\n"
    yield from _shell(at, "alerts", "show", "c8af")

    at.do(night.advance(40))
    at.do(night.answers("phone", Result.SENT, "accepted, id 81", 310))
    until = (night.begun + timedelta(hours=2)).astimezone().isoformat()
    why = "moving it to the other machine"
    yield "## Somebody silences it\n"
    yield from _shell(at, "silence", "add", "bot=alpha", "--until", until, "-m", why, "--author", "li")
    at.do(night.advance(300))
    yield "The same question again: nobody hears that it goes on.\n"
    yield from _shell(at, "explain", "alertname=HummingbotDown", "bot=alpha", "severity=critical")

    at.do(night.advance(600))
    night.prometheus.down = False
    at.do(night.advance(330))
    at.do(night.answers("phone", Result.SENT, "accepted, id 82", 290))
    at.do(night.answers("mail", Result.SENT, "250 queued as 4712", 77))
    yield "## In the morning\n"
    yield "It resolved under the silence, and whoever was told that it fired was told so all the same.\n"
    yield from _shell(at, "alerts", "timeline", "c8af")


def _shell(at: Served, *words: str) -> Iterator[str]:
    """A command as somebody types it, and what it prints."""
    typed = " ".join(f'"{word}"' if " " in word else word for word in words)
    said = at.run(*words).output.rstrip()
    yield f"```\n$ hbalert {typed}\n{said}\n```\n"


STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?: ?[+]\d\d:?\d\d)?")
ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def _steady(text: str, begun: datetime) -> str:
    """The same text each time: times as if the night were that of NIGHT, ids by the order of their coming."""

    def moved(found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0].replace(" +", "+"))
        then = NIGHT + timedelta(seconds=round((at - begun).total_seconds()))
        shown = then.astimezone()
        return shown.strftime("%Y-%m-%d %H:%M:%S %z") if " " in found[0] else shown.isoformat()

    text = STAMP.sub(moved, text)
    names: dict[str, str] = {}
    for identity in ID.findall(text):
        names.setdefault(identity, f"{len(names) + 1:08x}-0000-4000-8000-000000000000")
    for identity, name in names.items():
        text = text.replace(identity, name).replace(identity[:8], name[:8])
    return text


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # stdout is a text file here
    sys.stdout.write(page())
