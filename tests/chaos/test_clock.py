"""A real process whose wall clock is set while it works: libfaketime shows it another one.

Everything between a clock and a message is real: the event loop, the scheduler, the store, a socket. The
monotonic clocks are left alone, as a machine leaves them when its time is set.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("/usr/lib", str(ROOT / ".cache/deb/usr/lib"))
HOUR = 3600

CONFIG = """
[server]
listen = "unix:{folder}/socket"

[storage]
url = "sqlite:///hbalert.db"

[sources.main]
url = "http://127.0.0.1:9"

[evaluation]
rules = []

[route]
receiver = "out"
group_by = ["alertname"]
group_wait = "500ms"
group_interval = "1s"
repeat_interval = "24h"
"""


def libfaketime(folder: Path) -> str:
    """A name for the library without a blank: the loader takes a list that blanks divide."""
    found = [path for place in PLACES for path in Path(place).glob("*/faketime/libfaketime.so.1")]
    if not found and os.environ.get("CI"):
        pytest.fail("libfaketime is not there: scripts/deb.sh libfaketime")
    if not found:
        pytest.skip("libfaketime is not there: scripts/deb.sh libfaketime")
    link = folder / "libfaketime.so.1"
    link.symlink_to(found[0])
    return str(link)


class Process:
    """A daemon whose clock shows the machine's time and an offset."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession) -> None:
        self.folder, self.session = folder, session

    def set_clock(self, offset_seconds: int) -> None:
        draft = self.folder / "offset.new"
        draft.write_text(f"{offset_seconds:+d}\n")
        draft.replace(self.folder / "offset")

    def log(self) -> list[dict[str, Any]]:
        lines = (self.folder / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def told(self) -> list[str]:
        return [line["subject"] for line in self.log() if line["event"] == "notification"]

    def last_seen(self) -> datetime:
        with sqlite3.connect(f"file:{self.folder / 'hbalert.db'}?mode=ro", uri=True) as store:
            (micros,) = store.execute("SELECT value FROM fact WHERE name = 'last_seen'").fetchone()
        return datetime.fromtimestamp(micros / 1e6, UTC)

    async def post(self, name: str) -> None:
        body = [{"labels": {"alertname": name}}]
        async with self.session.post("http://unix/api/v2/alerts", json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def firing(self) -> set[str]:
        async with self.session.get("http://unix/api/v2/alerts") as answer:
            return {alert["labels"]["alertname"] for alert in await answer.json()}

    async def until(self, what: str, holds: Any, seconds: float = 60) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(
                f"{what}: not within {seconds} s\n{(self.folder / 'log').read_text()}"
            ) from None

    def steps(self) -> list[float]:
        return [line["seconds"] for line in self.log() if line["event"] == "clock_stepped"]


@asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Process]:
    (folder / "notifiers").mkdir()
    (folder / "notifiers" / "out.toml").write_text('type = "log"\n')
    (folder / "config.toml").write_text(CONFIG.format(folder=folder))
    environ = {
        **os.environ,
        "LD_PRELOAD": libfaketime(folder),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "offset"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "HBALERT_CONFIG": "",
    }
    connector = aiohttp.UnixConnector(path=str(folder / "socket"))
    async with aiohttp.ClientSession(connector=connector) as session:
        made = Process(folder, session)
        made.set_clock(0)
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hbalert", "run", "-c", str(folder / "config.toml"),
                stdout=log, stderr=log, env=environ,
            )  # fmt: skip
        try:
            await made.until("ready", lambda: any(line["event"] == "ready" for line in made.log()))
            yield made
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 60)
        assert process.returncode == 0, (folder / "log").read_text()[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_a_process_goes_on_when_its_clock_is_set_back_and_forward(tmp_path: Path) -> None:
    async with started(tmp_path) as at:
        await at.post("Before")
        await at.until("the first alert is told", lambda: "[FIRING:1] Before" in at.told())

        at.set_clock(-HOUR)
        await at.until("the tick notices, though nobody asks for anything", lambda: len(at.steps()) == 1)
        await at.post("Meanwhile")
        await at.until("an alert of the new time is told", lambda: "[FIRING:1] Meanwhile" in at.told())
        an_hour_ago = datetime.now(UTC) - timedelta(seconds=HOUR / 2)
        await at.until("the chores go on", lambda: at.last_seen() < an_hour_ago)

        at.set_clock(HOUR)
        await at.until("it is noticed again", lambda: len(at.steps()) == 2)
        await at.post("After")
        await at.until("an alert of the later time is told", lambda: "[FIRING:1] After" in at.told())
        await at.until("the chores go on", lambda: at.last_seen() > datetime.now(UTC))
        assert {"Before", "Meanwhile", "After"} <= await at.firing()
        assert [round(seconds) for seconds in at.steps()] == [-HOUR, 2 * HOUR]
        assert not [said for said in at.told() if "RESOLVED" in said]
        assert [said for said in at.told() if "HbalertClockStepped" in said]
