"""When, where and with what a run was, in neutral words: no path, no name of a machine.

Knows how each program is asked for its version.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from bench.watchers import vmalert_program
from hbalert import __version__
from hbalert.programs.prometheus import find_prometheus
from tests.compat.peers import Alertmanager


def run(command: str, pairs: int, took_s: float) -> str:
    """Two sentences about a run that has just ended."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return (
        f"The last run: `{command}`, {day}, up to {pairs} pairs, in {took_s / 60:.0f} minutes;"
        " rows that it did not measure are of earlier runs.\n"
        f"{where()}; load average at its end {os.getloadavg()[2]:.1f}. With {', '.join(versions())}."
    )


def where() -> str:
    """The machine."""
    return f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB, {platform.system()}"


def versions() -> list[str]:
    """Who took part."""
    return [
        f"hbalert {__version__}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"Prometheus {_version(str(find_prometheus()), '--version')}",
        f"Alertmanager {_version(Alertmanager.program() or '', '--version')}",
        f"vmalert {_version(vmalert_program(), '-version', package='victoria-metrics')}",
    ]


def _version(*command: str, package: str = "") -> str:
    """What a program says of itself; Debian's vmalert says nothing, and its package is asked."""
    asked = [command, ("dpkg-query", "-W", package)] if package and shutil.which("dpkg-query") else [command]
    for words in asked:
        said = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
        number = re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr)
        if number:
            return number[0]
    return "of an unknown version"


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{found[1]}, {platform.machine()}" if found else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
