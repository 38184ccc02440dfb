"""A start is quick and small because only what is needed is imported, when it is needed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hbalert.daemon import Daemon
from tests.config.folder import MAIN, RULES, write

LATER = (
    "aiohttp",
    "aiosmtplib",
    "apscheduler",
    "cryptography",
    "hbalert.config.channels.email",
    "hbalert.config.channels.sms",
    "hbalert.neighbours",
    "hbalert.render",
    "httpx",
    "jinja2",
    "prometheus_api_client",
    "pydantic_settings",
    "re2",
    "requests",
    "yaml",
)
"""What is not imported before the daemon is ready."""

MAYBE = (
    "aiosmtplib",
    "cryptography",
    "hbalert.config.channels.email",
    "hbalert.neighbours",
    "jinja2",
    "pydantic_settings",
    "re2",
)
"""What a daemon may never need: not with plain texts, without patterns, mail or settings in variables."""

LISTEN = '[server]\nlisten = "127.0.0.1:0"\n'
PLAIN = """
annotations = { summary = "{{ $labels.bot }}: {{ $value | humanize }}" }
"""

START = """
import asyncio, json, os, sys
from pathlib import Path
from hbalert.daemon import AFTERWARDS, Daemon

async def start():
    daemon = Daemon(Path(sys.argv[1]), os.environ)
    await daemon.start()
    at_ready = [*sys.modules]
    async with asyncio.timeout(60):
        while not sys.modules.keys() >= {*AFTERWARDS}:
            await asyncio.sleep(0.01)
    await daemon.stop()
    print(json.dumps([at_ready, [*sys.modules]]))

asyncio.run(start())
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], set[str]]:
    """What a daemon with plain texts has imported when it is ready, and a moment later."""
    folder = tmp_path_factory.mktemp("start")
    path = write(folder, {"config.toml": MAIN + LISTEN, "rules/a.toml": RULES + PLAIN})
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HBALERT_")}
    command = [sys.executable, "-c", START, str(path)]
    seen = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120)
    assert seen.returncode == 0, seen.stderr
    at_ready, later = json.loads(seen.stdout.splitlines()[-1])
    return set(at_ready), set(later)


def test_what_is_not_needed_to_be_ready_is_not_imported(modules: tuple[set[str], set[str]]) -> None:
    assert modules[0] & {*LATER} == set()


def test_what_the_first_tick_needs_is_there_a_moment_later(modules: tuple[set[str], set[str]]) -> None:
    assert modules[1] >= {"aiohttp", "apscheduler", "hbalert.render"}


def test_what_may_never_be_needed_is_not_there_a_moment_later(modules: tuple[set[str], set[str]]) -> None:
    assert modules[1] & {*MAYBE} == set()


async def test_a_daemon_that_cannot_tick_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed may be broken: then it must not stand there and look well."""
    monkeypatch.setattr("hbalert.daemon.AFTERWARDS", ("hbalert.no_such_module",))
    made = Daemon(write(tmp_path, {"config.toml": MAIN + LISTEN}), {})
    await made.start()
    try:
        async with asyncio.timeout(60):
            with pytest.raises(ModuleNotFoundError):
                await made.run()
    finally:
        await made.stop()
