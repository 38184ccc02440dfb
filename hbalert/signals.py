"""Signals, from the first moment of the process to the last.

Knows how a signal becomes a call inside the event loop, also one that came before there was a loop.
Must not know what a stop or a reload is. asyncio's own way would leave gaps, in which SIGHUP ends the
process: before the loop runs and after it has been closed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT)
RELOAD = signal.SIGHUP


class Signals:
    """What the process is asked for from outside."""

    def __init__(self) -> None:
        self._waiting: list[bool] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] = lambda: None
        self._reload: Callable[[], None] = lambda: None

    def stand(self) -> None:
        """From now on no signal ends the process; what comes is kept until somebody listens."""
        for number in (*STOP, RELOAD):
            signal.signal(number, self._came)

    @property
    def asked_to_stop(self) -> bool:
        """Whether a stop waits for somebody to listen."""
        return True in self._waiting

    def listen(self, stop: Callable[[], None], reload: Callable[[], None]) -> None:
        """Calls these in the running loop for each signal, beginning with those that wait."""
        self._stop, self._reload = stop, reload
        self._loop = asyncio.get_running_loop()
        waiting, self._waiting = self._waiting, []
        for is_stop in waiting:
            self._loop.call_soon(self._tell, is_stop)

    def _came(self, number: int, frame: FrameType | None) -> None:
        is_stop = number in STOP
        if self._loop is None:
            self._waiting.append(is_stop)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, is_stop)

    def _tell(self, is_stop: bool) -> None:
        (self._stop if is_stop else self._reload)()
