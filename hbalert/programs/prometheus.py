"""A real Prometheus of our own: free port, scratch data, ends with us.

Knows how to find the program and how to start it. Must not know what is scraped: the caller hands in
the configuration. Tests use it too.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from hbalert.clock import Clock, SystemClock
from hbalert.errors import HbalertError
from hbalert.outbound import Unreachable, open_client, request
from hbalert.programs import child

_CHECKOUT = Path(__file__).parents[2]
_READY_WITHIN = 20.0
_TRIES = 3


class NoPrometheus(HbalertError):
    """The program is missing or does not start."""


def find_prometheus() -> Path:
    """Where the program is: $HBALERT_PROMETHEUS, PATH, or what `make demo` unpacked beside the package.

    Raises NoPrometheus, which says how to get it.
    """
    named = os.environ.get("HBALERT_PROMETHEUS", "")
    if named:
        if os.access(named, os.X_OK) and Path(named).is_file():
            return Path(named)
        raise NoPrometheus(f"HBALERT_PROMETHEUS names {named}, which is not a program; unset or correct it")
    found = shutil.which("prometheus") or shutil.which(
        "prometheus", path=str(_CHECKOUT / ".cache/deb/usr/bin")
    )
    if found:
        return Path(found)
    raise NoPrometheus(
        "the program prometheus is not on PATH; in a checkout, `make demo` fetches it,"
        " elsewhere install it or name it in HBALERT_PROMETHEUS"
    )


class Prometheus:
    """A Prometheus that runs inside `async with`.

    config     text of prometheus.yml
    folder     exists; takes the configuration, the data and the program's log
    arguments  more of its command line
    url        where it answers, once entered
    """

    def __init__(
        self, config: str, folder: Path, *, arguments: Sequence[str] = (), clock: Clock | None = None
    ) -> None:
        self._config = config
        self._folder = folder
        self._arguments = arguments
        self._clock = clock or SystemClock()
        self._child: child.Child | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        if self._child is None:
            raise RuntimeError("not entered")
        return self._child.pid

    async def __aenter__(self) -> Self:
        program = find_prometheus()
        config = self._folder / "prometheus.yml"
        config.write_text(self._config, encoding="utf-8")
        last_words = ""
        for _ in range(_TRIES):
            # Another program may take the port between our look and Prometheus' bind: then once more.
            port = _free_port()
            self.url = f"http://127.0.0.1:{port}"
            self._child = await child.start(
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                *self._arguments,
                log=self._folder / "prometheus.log",
            )
            ready = False
            try:
                ready = await self._ready(self._child)
            finally:
                if not ready:
                    await self._child.stop(grace=0)
            if ready:
                return self
            last_words = self._child.last_words()
            if "address already in use" not in last_words:
                break
        raise NoPrometheus(f"{program} does not start:\n{last_words}")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            await self._child.stop()

    async def _ready(self, process: child.Child) -> bool:
        """Whether it answers its readiness page in time, rather than ending."""
        until = self._clock.monotonic() + _READY_WITHIN
        second = timedelta(seconds=1)
        async with open_client() as client:
            while not process.ended and self._clock.monotonic() < until:
                try:
                    if (await request(client, "GET", f"{self.url}/-/ready", timeout=second)).status == 200:
                        return True
                except Unreachable:
                    pass  # not yet
                await self._clock.sleep(0.05)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
