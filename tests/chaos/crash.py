"""The crash run: a busy hbalert is killed again and again, and then everything is counted.

A client posts alerts and ends them; a webhook on loopback takes what it is told; the real process is
killed with SIGKILL at random moments and started again. At the end nothing that was accepted may be
missing, and nothing may have been told twice but what the far side accepted and we never learnt of.

Run it alone with `python -m tests.chaos.crash --kills 200`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web

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
receiver = "sink"
group_by = ["n"]
group_wait = "100ms"
group_interval = "300ms"
repeat_interval = "24h"
"""

NOTIFIER = """
type = "webhook"
url = "http://127.0.0.1:{port}/hook"
concurrency = 4
"""


@dataclass
class Told:
    """One alert in one message, as the far side took it."""

    at: float
    delivery: str
    name: str
    status: str


@dataclass
class Report:
    """What was counted."""

    kills: int
    accepted: int
    ended: int
    lost: list[str]
    unresolved: list[str]
    twice_explained: int
    twice_unexplained: list[str]
    starts: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        slowest = max(self.starts, default=0.0)
        return (
            f"kills {self.kills}, alerts accepted {self.accepted}, ends accepted {self.ended}\n"
            f"accepted and never told: {len(self.lost)}\n"
            f"told that it fires, never told that it ended: {len(self.unresolved)}\n"
            f"told twice, the answer lost with the kill: {self.twice_explained}\n"
            f"told twice for any other reason: {len(self.twice_unexplained)}\n"
            f"slowest start after a kill: {slowest:.2f} s"
        )

    @property
    def good(self) -> bool:
        return not (self.lost or self.unresolved or self.twice_unexplained)


class Run:
    """One crash run in a folder of its own."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.folder = folder
        self.kills = kills
        self.draw = random.Random(seed)
        self.told: list[Told] = []
        self.accepted: set[str] = set()
        self.ended: set[str] = set()
        self.starts: list[float] = []
        self.process: asyncio.subprocess.Process | None = None
        self.up = asyncio.Event()
        self.port = 0

    async def go(self) -> Report:
        runner, sink_port = await self._open_sink()
        self.port = _free_port()
        (self.folder / "notifiers").mkdir()
        (self.folder / "config.toml").write_text(CONFIG.format(port=self.port))
        (self.folder / "notifiers" / "sink.toml").write_text(NOTIFIER.format(port=sink_port))
        client = asyncio.create_task(self._client())
        try:
            for _ in range(self.kills):
                await self._start()
                # On a busy machine everything takes longer, so a life does as well.
                await asyncio.sleep(self.draw.uniform(0, max(0.5, self.starts[-1])))
                await self._kill()
            await self._start()
            await asyncio.sleep(1)
            client.cancel()
            await asyncio.gather(client, return_exceptions=True)
            await self._finish()
        finally:
            client.cancel()
            if self.process is not None and self.process.returncode is None:
                self.process.terminate()
                await self.process.wait()
            await runner.cleanup()
        return self._count()

    async def _open_sink(self) -> tuple[web.AppRunner, int]:
        async def take(request: web.Request) -> web.Response:
            said = json.loads(await request.read())
            delivery = request.headers["X-Hbalert-Delivery"]
            await asyncio.sleep(self.draw.uniform(0, 0.03))
            for alert in said["alerts"]:
                self.told.append(Told(time.monotonic(), delivery, alert["labels"]["n"], alert["status"]))
            return web.Response(text="ok")

        app = web.Application()
        app.router.add_post("/hook", take)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=False)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return runner, runner.addresses[0][1]

    async def _start(self) -> None:
        begun = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "hbalert", "run", "-c", str(self.folder / "config.toml"),
                stdout=log, stderr=log, env={**os.environ, "HBALERT_CONFIG": ""},
            )  # fmt: skip
        async with aiohttp.ClientSession() as session:
            while time.monotonic() - begun < 30:
                assert self.process.returncode is None, (self.folder / "log").read_text()[-3000:]
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/-/ready") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
            else:
                raise AssertionError("not ready in 30 s: " + (self.folder / "log").read_text()[-3000:])
        self.starts.append(time.monotonic() - begun)
        self.up.set()

    async def _kill(self) -> None:
        assert self.process is not None
        self.up.clear()
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def _client(self) -> None:
        """Posts new alerts, and ends those that were told, as fast as it is answered."""
        number = 0
        async with aiohttp.ClientSession() as session:
            while True:
                await self.up.wait()
                new = [str(n) for n in range(number, number + self.draw.randint(1, 4))]
                number += len(new)
                if await self._post(session, [_alert(name, 3600) for name in new]):
                    self.accepted.update(new)
                known = {told.name for told in self.told if told.status == "firing"}
                open_ones = sorted(known & self.accepted - self.ended)
                ends = self.draw.sample(open_ones, min(len(open_ones), 2))
                if ends and await self._post(session, [_alert(name, 0) for name in ends]):
                    self.ended.update(ends)
                await asyncio.sleep(self.draw.uniform(0, 0.02))

    async def _post(self, session: aiohttp.ClientSession, alerts: list[dict[str, object]]) -> bool:
        url = f"http://127.0.0.1:{self.port}/api/v2/alerts"
        try:
            async with session.post(url, json=alerts) as answer:
                assert answer.status == 200, await answer.text()
                return True
        except (aiohttp.ClientError, OSError):
            return False  # killed meanwhile: not accepted, or accepted and we do not know

    async def _finish(self) -> None:
        """Waits until everything accepted was told, or nothing has moved for five seconds."""
        quiet_since, seen = time.monotonic(), -1
        while time.monotonic() - quiet_since < 5:
            firing = {told.name for told in self.told if told.status == "firing"}
            resolved = {told.name for told in self.told if told.status == "resolved"}
            if self.accepted <= firing and self.ended <= resolved:
                return
            if len(self.told) != seen:
                quiet_since, seen = time.monotonic(), len(self.told)
            await asyncio.sleep(0.1)

    def _count(self) -> Report:
        firing = {told.name for told in self.told if told.status == "firing"}
        resolved = {told.name for told in self.told if told.status == "resolved"}
        explained, unexplained = 0, []
        for (name, status), times in Counter((told.name, told.status) for told in self.told).items():
            if times == 1:
                continue
            deliveries = {t.delivery for t in self.told if (t.name, t.status) == (name, status)}
            if len(deliveries) == 1 and self._sent_attempts(*deliveries) <= 1:
                explained += times - 1
            else:
                unexplained.append(f"{name} {status} x{times} by {sorted(deliveries)}")
        return Report(
            kills=self.kills,
            accepted=len(self.accepted),
            ended=len(self.ended),
            lost=sorted(self.accepted - firing),
            unresolved=sorted(self.ended - resolved),
            twice_explained=explained,
            twice_unexplained=unexplained,
            starts=self.starts,
        )

    def _sent_attempts(self, delivery: str) -> int:
        """How many accepted attempts of a delivery the store knows: one, when the others' answers were
        lost with a kill."""
        with sqlite3.connect(f"file:{self.folder / 'hbalert.db'}?mode=ro", uri=True) as store:
            query = "SELECT count(*) FROM attempt WHERE delivery_id = ? AND result = 'sent'"
            return int(store.execute(query, (delivery,)).fetchone()[0])


def _alert(name: str, lives_for: float) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "labels": {"alertname": "Busy", "n": name},
        "endsAt": (now + timedelta(seconds=lives_for)).isoformat(),
    }


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Runs it and prints the counts; exit code 1 when something is missing or was told twice."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=None)
    chosen = arguments.parse_args()
    seed = chosen.seed if chosen.seed is not None else random.randrange(1 << 30)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="hbalert-crash-") as folder:
        report = asyncio.run(Run(Path(folder), chosen.kills, seed).go())
    print(report)
    sys.exit(0 if report.good else 1)


if __name__ == "__main__":
    main()
