"""Silences and maintenance windows over kill -9 of the real process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.crash import _free_port

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
[storage]
url = "sqlite:///hbalert.db"
[sources.main]
url = "http://127.0.0.1:9"
[evaluation]
rules = []
[route]
receiver = "out"
group_wait = "0s"
[[maintenance]]
name = "always"
matchers = ["covered = yes"]
start_time = "00:00"
end_time = "24:00"
"""


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[httpx.AsyncClient]:
    """The daemon, ready; killed at the end, whatever it is doing."""
    with (folder / "log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hbalert", "run", "-c", str(folder / "config.toml"),
            stdout=log, stderr=log, env={**os.environ, "HBALERT_CONFIG": ""},
        )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            until = time.monotonic() + 60
            while True:
                assert process.returncode is None, (folder / "log").read_text()[-3000:]
                assert time.monotonic() < until, (folder / "log").read_text()[-3000:]
                try:
                    if (await client.get("/-/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
            yield client
            process.send_signal(signal.SIGKILL)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def silences(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/api/hb/v1/silences")).json()["rows"]
    return found


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_until_resolved_and_windows_survive_a_kill_at_any_moment(tmp_path: Path) -> None:
    port = _free_port()
    (tmp_path / "notifiers").mkdir()
    (tmp_path / "notifiers/out.toml").write_text('type = "log"\n')
    (tmp_path / "config.toml").write_text(CONFIG.format(port=port))
    alert = {"labels": {"alertname": "Down", "bot": "b1"}}

    def at(seconds: float) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

    asked = {
        "matchers": ["bot=b1"],
        "endsAt": at(36000),
        "createdBy": "li",
        "comment": "known",
        "until": "resolved",
    }
    async with running(tmp_path, port) as client:
        first = {row["id"] for row in await silences(client) if row["window"] == "always"}
        assert len(first) == 2, "the running one and the next"
        assert (await client.post("/api/v2/alerts", json=[{**alert, "endsAt": at(3600)}])).status_code == 200
        made = (await client.post("/api/hb/v1/silences", json=asked)).json()["id"]
        hand = {"name": "hand", "matchers": ["a=b"], "start_time": "00:00", "end_time": "24:00"}
        said = {**hand, "comment": "by hand", "created_by": "li"}
        assert (await client.post("/api/hb/v1/maintenance", json=said)).status_code == 200
    async with running(tmp_path, port) as client:
        rows = {row["id"]: row for row in await silences(client)}
        assert (rows[made]["state"], rows[made]["until"]) == ("active", "resolved")
        assert first <= rows.keys()
        assert len([row for row in rows.values() if row["window"] == "hand"]) >= 2
        running_one = next(
            row for row in rows.values() if row["window"] == "hand" and row["state"] == "active"
        )
        assert (await client.delete(f"/api/v2/silence/{running_one['id']}")).status_code == 200
        # The kill follows the answer at once: what ended with the alert must be on the disk by then.
        assert (await client.post("/api/v2/alerts", json=[{**alert, "endsAt": at(0)}])).status_code == 200
    async with running(tmp_path, port) as client:
        rows = {row["id"]: row for row in await silences(client)}
        assert rows[made]["state"] == "expired"
        assert rows[running_one["id"]]["state"] == "expired", "ended by hand: not made again"
        assert first <= rows.keys()
        listed = (await client.get("/api/hb/v1/maintenance")).json()["rows"]
        assert [(row["name"], row["from"]) for row in listed] == [
            ("always", "configuration"),
            ("hand", "api"),
        ]
