"""A real VictoriaMetrics for tests, with history made to measure.

Missing on the machine it is skipped, loudly; where it is required (CI=true) its absence fails.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.outbound import Unreachable, open_client, request
from hbalert.outbound.client import Client
from hbalert.programs import child
from tests.compat.peers import free_port

_FETCHED = Path(__file__).parents[2] / ".cache/deb/usr/bin"
_MINUTE = timedelta(minutes=1)


def program() -> str:
    """Where it is; skips or fails the test when it is missing."""
    found = shutil.which("victoria-metrics") or shutil.which("victoria-metrics", path=str(_FETCHED))
    if found is not None:
        return found
    said = "the program victoria-metrics is not on PATH; `make test` fetches it"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(f"NOT TESTED AGAINST A REAL VICTORIAMETRICS: {said}")


@asynccontextmanager
async def victoria(openmetrics: Iterable[str], folder: Path) -> AsyncIterator[str]:
    """The address of one that holds exactly these samples: lines of OpenMetrics text with timestamps."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = await child.start(
        program(),
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=0s",
        "-loggerLevel=ERROR",
        log=folder / "victoria.log",
    )
    try:
        async with open_client() as client, asyncio.timeout(60):
            while not await _is_there(client, url):
                assert not server.ended, server.last_words()
                await asyncio.sleep(0.05)
            in_ms = "\n".join(re.sub(r" (\d+)$", r" \g<1>000", line) for line in openmetrics)
            for path, content in (
                ("/api/v1/import/prometheus", in_ms.encode()),
                ("/internal/force_flush", b""),
            ):
                reply = await request(client, "POST", url + path, timeout=_MINUTE, content=content)
                assert reply.status < 300, reply.body
        yield url
    finally:
        await server.stop()


async def _is_there(client: Client, url: str) -> bool:
    try:
        return (await request(client, "GET", f"{url}/health", timeout=_MINUTE)).status == 200
    except Unreachable:
        return False
