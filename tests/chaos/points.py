"""Fault points: the places at which a process can be stopped.

Knows how a point is counted and how the process ends at one. Must not know what the process was doing:
whoever passes a point names it. Next: `disk.py`, which passes one at every statement and commit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A place that was passed: what kind of place, and which one."""

    kind: str
    what: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}" if self.what else self.kind


def kill() -> None:
    """Ends this process at once, as nobody can prevent."""
    os.kill(os.getpid(), signal.SIGKILL)


class Fuse:
    """Counts the points that are passed; at the chosen one it blows.

    at      the number of that point, from 1; None: it never does
    blow    called there with the point: ends the process, or what stands for one
    passed  the points so far
    """

    def __init__(self, at: int | None = None, blow: Callable[[Point], None] = lambda point: None) -> None:
        self.at = at
        self.passed: list[Point] = []
        self._blow = blow
        self._asleep = False

    def passes(self, kind: str, what: str = "") -> None:
        if self._asleep:
            return
        self.passed.append(Point(kind, what))
        if len(self.passed) == self.at:
            self._blow(self.passed[-1])

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """What the test itself does in here passes no points."""
        before, self._asleep = self._asleep, True
        try:
            yield
        finally:
            self._asleep = before
