"""Engines under test: real processes with one face.

Knows how each engine is started, ended and told to reload, and where it is reached. Must not know any
case. What both have, the v2 API, is spoken in `scene.py`.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

from hbalert.programs.child import Child, start
from tests.compat.setup import Places, Setup, write_ours, write_theirs

START_WITHIN_S = 60.0

_taken: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on and that this process has not given out before.

    Below the range from which the kernel takes ports for outgoing connections: an engine that was
    killed finds its port free when it comes back.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        if port in _taken:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _taken.add(port)
            return port


class Peer(ABC):
    """One engine in a folder of its own. It starts in `start` and has ended after `close`.

    folder  everything it writes; `folder / "log"` is what it printed
    """

    name: str

    def __init__(self, folder: Path, collector: str, smtp_port: int = 0) -> None:
        self.folder = folder
        self.at = Places(free_port(), collector, smtp_port)
        self.log = folder / "log"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.at.port}"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and not self._child.ended

    @abstractmethod
    def write(self, setup: Setup) -> None:
        """Writes its configuration."""

    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments."""

    def environment(self) -> Mapping[str, str]:
        return os.environ

    async def start(self) -> None:
        """Starts it; returns when it says that it is ready."""
        program, *arguments = self.command()
        self._child = await start(program, *arguments, log=self.log, env=self.environment())
        deadline = time.monotonic() + START_WITHIN_S
        async with aiohttp.ClientSession() as session:
            while True:
                assert not self._child.ended, f"{self.name} ended: {self._child.last_words(20)}"
                assert time.monotonic() < deadline, f"{self.name} not ready: {self._child.last_words(20)}"
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with session.get(f"{self.url}/-/ready", timeout=aiohttp.ClientTimeout(5)) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Ends it as an operator does: SIGTERM, and time to put things down."""
        if self._child is not None:
            await self._child.stop(grace=15)

    async def kill(self) -> None:
        """kill -9."""
        assert self._child is not None
        with suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGKILL)
        await self._child.wait()

    async def restart(self) -> None:
        """Stopped and started again; after `kill`, only started."""
        await self.stop()
        await self.start()

    async def reload(self, setup: Setup | None = None) -> None:
        """Takes a configuration over while it runs; None: the same again."""
        if setup is not None:
            self.write(setup)
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/-/reload") as answer:
            assert answer.status == 200, await answer.text()

    async def close(self) -> None:
        """Nothing of it is left running."""
        if self._child is not None:
            await self._child.stop(grace=0.5)


class Hbalert(Peer):
    """`hbalert run`, of this source tree."""

    name = "hbalert"

    def write(self, setup: Setup) -> None:
        write_ours(setup, self.at, self.folder)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "hbalert", "run", "-c", str(self.folder / "config.toml")]

    def environment(self) -> Mapping[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("HBALERT_")}


class Alertmanager(Peer):
    """The real one, alone: clustering is switched off, as it would wait for others before it speaks."""

    name = "Alertmanager"
    log_level = "debug"
    _external_url = ""

    @staticmethod
    def program() -> str | None:
        """Where it is installed; Debian calls it prometheus-alertmanager."""
        return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")

    def write(self, setup: Setup) -> None:
        self._external_url = setup.external_url  # no key of its configuration, but a flag
        write_theirs(setup, self.at, self.folder)

    def command(self) -> list[str]:
        program = self.program()
        assert program is not None, "Alertmanager is not installed"
        return [
            program,
            f"--config.file={self.folder / 'alertmanager.yml'}",
            f"--storage.path={self.folder / 'store'}",
            f"--web.listen-address=127.0.0.1:{self.at.port}",
            "--cluster.listen-address=",
            f"--log.level={self.log_level}",
            *([f"--web.external-url={self._external_url}"] if self._external_url else []),
        ]
