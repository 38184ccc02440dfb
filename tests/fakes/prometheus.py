"""A real Prometheus for tests: with history made to measure, or scraping what a test says.

Missing on the machine it is skipped, loudly; where it is required (CI=true, or
HBALERT_REQUIRE_PROMETHEUS set) its absence fails.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from hbalert.programs.prometheus import NoPrometheus, Prometheus, find_prometheus

EMPTY = "global: {scrape_interval: 1h}\n"


def programs() -> tuple[Path, Path]:
    """prometheus and promtool; skips or fails the test when one is missing."""
    try:
        prometheus = find_prometheus()
        beside = prometheus.resolve().with_name("promtool")
        promtool = str(beside) if beside.exists() else shutil.which("promtool")
        if promtool is None:
            raise NoPrometheus("the program promtool is neither beside prometheus nor on PATH")
        return prometheus, Path(promtool)
    except NoPrometheus as missing:
        if os.environ.get("CI") == "true" or os.environ.get("HBALERT_REQUIRE_PROMETHEUS"):
            pytest.fail(f"a Prometheus is required here: {missing}")
        pytest.skip(f"NOT TESTED AGAINST A REAL PROMETHEUS: {missing}")


@asynccontextmanager
async def with_history(openmetrics: Iterable[str], folder: Path) -> AsyncIterator[Prometheus]:
    """A Prometheus that holds exactly these samples: lines of OpenMetrics text with timestamps."""
    _, promtool = programs()
    text = folder / "history.txt"
    text.write_text("\n".join([*openmetrics, "# EOF", ""]), encoding="utf-8")
    data = folder / "data"
    making = await asyncio.create_subprocess_exec(
        *(str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await making.communicate()
    assert making.returncode == 0, said.decode()
    async with Prometheus(EMPTY, folder) as prometheus:
        yield prometheus


class Target:
    """A scrape target on loopback; `text` is what it shows, None: it answers 503."""

    def __init__(self) -> None:
        self.text: str | None = ""
        self.address = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        status, body = (503, b"") if self.text is None else (200, self.text.encode())
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/plain; version=0.0.4\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        with suppress(ConnectionError):  # whoever scrapes may end meanwhile
            await writer.drain()
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Target]:
    """A target that listens."""
    target = Target()
    server = await asyncio.start_server(target._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    target.address = f"{host}:{port}"
    async with server:
        yield target


@asynccontextmanager
async def scraping(folder: Path, interval: str = "1s") -> AsyncIterator[tuple[Prometheus, Target]]:
    """A Prometheus that scrapes a target of the test's every second."""
    programs()
    async with serving() as target:
        config = (
            f"global: {{scrape_interval: {interval}, scrape_timeout: 1s}}\n"
            "scrape_configs:\n"
            f"- {{job_name: bots, static_configs: [{{targets: ['{target.address}']}}]}}\n"
        )
        async with Prometheus(config, folder) as prometheus:
            yield prometheus, target
