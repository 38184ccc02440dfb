"""A start is quick and small because only what is needed is imported, when it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.config.folder import MAIN, RULES, write

LATER = (
    "aiohttp",
    "aiosmtplib",
    "apscheduler",
    "cryptography",
    "hbalert.neighbours",
    "hbalert.render",
    "httpx",
    "jinja2",
    "prometheus_api_client",
    "re2",
    "requests",
    "yaml",
)
"""What the daemon's own import leaves to those who need it."""

UNNEEDED = ("aiosmtplib", "cryptography", "hbalert.neighbours", "hbalert.render", "jinja2", "re2")
"""What one that is ready has no use for: plain texts, no regular expression, nothing told yet."""

PLAIN = """
annotations = { summary = "{{ $labels.bot }}: {{ $value | humanize }}" }
"""

IMPORTS = "import hbalert.daemon, json, sys; print(json.dumps([*sys.modules]))"

STARTS = """
import asyncio, json, os, sys
from pathlib import Path
from hbalert.daemon import Daemon

async def start():
    daemon = Daemon(Path(sys.argv[1]), os.environ)
    await daemon.start()
    print(json.dumps([*sys.modules]))
    await daemon.stop()

asyncio.run(start())
"""


def modules(code: str, *arguments: str) -> set[str]:
    """What such a process has imported when it says so, in the last line of its output."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("HBALERT_")}
    seen = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=environ, timeout=60
    )
    assert seen.returncode == 0, seen.stderr
    lines = [line for line in seen.stdout.splitlines() if line.startswith("[")]
    return set(json.loads(lines[-1]))


def test_what_is_not_needed_to_be_ready_is_not_imported() -> None:
    assert modules(IMPORTS) & {*LATER} == set()


def test_a_daemon_that_is_ready_holds_nothing_that_it_may_never_use(tmp_path: Path) -> None:
    listen = '[server]\nlisten = "127.0.0.1:0"\n'
    path = write(tmp_path, {"config.toml": MAIN + listen, "rules/a.toml": RULES + PLAIN})
    assert modules(STARTS, str(path)) & {*UNNEEDED} == set()
