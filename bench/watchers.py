"""Who evaluates rules: Prometheus itself, vmalert, hbalert; each with a Prometheus of its own.

Knows how each is started with a pack of rules. Must not know what is measured.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from bench.pack import Pack
from bench.rulepack import as_toml, as_yaml
from bench.sides import Side, running
from bench.sink import Sink
from hbalert.programs.child import Child, start
from hbalert.programs.prometheus import Prometheus
from tests.compat.peers import Hbalert, free_port
from tests.compat.setup import Setup, fast

Rules = int | Pack
"""So many rules of bots, or a pack."""


class Missing(Exception):
    """A peer is not installed; the text says how to get it."""


def _yaml(rules: Rules) -> str:
    return rules.as_yaml if isinstance(rules, Pack) else as_yaml(rules)


def _toml(rules: Rules) -> str:
    return rules.as_toml if isinstance(rules, Pack) else as_toml(rules)


@asynccontextmanager
async def prometheus(target: str, interval_s: int, rules: Rules = 0) -> AsyncIterator[Prometheus]:
    """One that scrapes the target; with rules, it evaluates them itself."""
    with TemporaryDirectory(prefix="hbalert-bench-") as name:
        folder = Path(name)
        (folder / "rules.yml").write_text(_yaml(rules), "utf-8")
        config = (
            f"global: {{scrape_interval: {interval_s}s, evaluation_interval: {interval_s}s}}\n"
            "scrape_configs: [{job_name: bots, honor_labels: true,"
            f" static_configs: [{{targets: ['{target}']}}]}}]\n"
            + (f"rule_files: ['{folder / 'rules.yml'}']\n" if rules else "")
        )
        async with Prometheus(config, folder) as running_one:
            yield running_one


@asynccontextmanager
async def hbalert(source_url: str, interval_s: int, rules: Rules) -> AsyncIterator[Side]:
    """hbalert with the pack, over that Prometheus."""
    setup = Setup(
        fast(group_by=["bot"], group_wait="1s", group_interval="1h"),
        ours={
            "sources": {"main": {"url": source_url}},
            "evaluation": {"interval": f"{interval_s}s", "rules": ["rules/*.toml"]},
        },
    )
    async with running(Hbalert, setup, {"rules/bench.toml": _toml(rules)}) as side:
        yield side


def vmalert_program() -> str:
    """Where it is installed; the distribution's package is victoria-metrics."""
    program = shutil.which("vmalert")
    if program is None:
        raise Missing("vmalert is not on PATH; `make bench` fetches it (package victoria-metrics)")
    return program


class Vmalert:
    """A vmalert that runs.

    ready_s  seconds from its start until it said that it is ready
    """

    def __init__(self, child: Child, url: str) -> None:
        self._child = child
        self.url = url
        self.ready_s = 0.0

    @property
    def pid(self) -> int:
        return self._child.pid

    async def ready(self, session: aiohttp.ClientSession) -> None:
        deadline = time.monotonic() + 60
        while True:
            assert not self._child.ended, self._child.last_words(20)
            assert time.monotonic() < deadline, self._child.last_words(20)
            with suppress(aiohttp.ClientError, OSError):
                async with session.get(f"{self.url}/health") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def vmalert(source_url: str, interval_s: int, rules: Rules) -> AsyncIterator[Vmalert]:
    """vmalert with the pack, over that Prometheus; it notifies somebody who listens and does nothing."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hbalert-bench-")))
        sink = await stack.enter_async_context(Sink())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        (folder / "rules.yml").write_text(_yaml(rules), "utf-8")
        port = free_port()
        begun = time.monotonic()
        child = await start(
            vmalert_program(),
            f"-rule={folder / 'rules.yml'}",
            f"-datasource.url={source_url}",
            f"-notifier.url={sink.url}",
            f"-evaluationInterval={interval_s}s",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-loggerLevel=ERROR",
            log=folder / "log",
        )
        stack.push_async_callback(child.stop, 5.0)
        one = Vmalert(child, f"http://127.0.0.1:{port}")
        await one.ready(session)
        one.ready_s = time.monotonic() - begun
        yield one


def hbalert_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hbalert", *arguments]
