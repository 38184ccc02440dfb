"""A real `hbalert run`, as an operator starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0


def until(true: Callable[[], Any], what: str) -> Any:
    """The first answer that is something, asked for again and again."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := true():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


class Process:
    """One run of the daemon; its log is JSON."""

    def __init__(self, config: Path, environ: Mapping[str, str] | None = None) -> None:
        self.log = config.parent / "stderr.log"
        own = {name: text for name, text in os.environ.items() if not name.startswith("HBALERT_")}
        with self.log.open("wb") as out:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "hbalert", "run", "-c", str(config), "--log-format", "json"],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env={**own, **(environ or {})},
            )
        self.pid = self._popen.pid

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """What it has logged so far: all, or that one event."""
        found = []
        for text in self.log.read_text("utf-8").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and event in ("", line.get("event")):
                found.append(line)
        return found

    def logged(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Waits until it has logged the event so often."""

        def there() -> list[dict[str, Any]]:
            found = self.lines(event)
            if len(found) < times:
                assert self._popen.poll() is None or event == "stopped", self.log.read_text("utf-8")
            return found if len(found) >= times else []

        found: list[dict[str, Any]] = until(there, f"{event} x {times} in {self.log.read_text('utf-8')}")
        return found

    def ready(self) -> str:
        """Waits until it listens; where."""
        return str(self.logged("ready")[0]["listen"])

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def end(self) -> int:
        """Waits for its end; the exit code, negative: the signal that killed it."""
        return self._popen.wait(PATIENCE)

    def stop(self) -> int:
        self.send(signal.SIGTERM)
        return self.end()

    def kill(self) -> None:
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait(PATIENCE)

    def catches(self, number: signal.Signals) -> bool:
        """Whether the process has a handler for this signal by now."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: 0")
        return bool(int(caught.split()[1], 16) & 1 << (number - 1))


@contextmanager
def running(config: Path, environ: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A daemon that does not outlive the block."""
    process = Process(config, environ)
    try:
        yield process
    finally:
        process.kill()
