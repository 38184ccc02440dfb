"""What the demo says: one line for each thing that happens, and a table at the end.

Knows how a line looks, on a terminal and in a file, and when each channel first heard what. Must not
know where the news come from (`play.py`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from hbalert.clock import Clock

_COLOURS = {
    "bots": "35",
    "pending": "33",
    "fired": "31",
    "sent": "36",
    "received": "34",
    "resolved": "32",
    "failed": "1;31",
}
_WIDTH = 110


@dataclass(slots=True)
class Heard:
    """What one channel has heard so far; times in seconds since the daemon's start.

    proof    what its gateway checks before it takes a message
    refused  messages it did not take
    """

    title: str
    proof: str = ""
    messages: int = 0
    first_firing: float | None = None
    first_resolve: float | None = None
    refused: int = 0

    def note(self, at: float, *, resolved: bool) -> None:
        """A message came."""
        self.messages += 1
        if resolved and self.first_resolve is None:
            self.first_resolve = at
        if not resolved and self.first_firing is None:
            self.first_firing = at


class Narrator:
    """Prints lines with the seconds since `start`; before that, with none."""

    def __init__(self, out: TextIO, clock: Clock, *, colour: bool) -> None:
        self._out = out
        self._clock = clock
        self._colour = colour
        self._zero: float | None = None

    def start(self) -> None:
        """Time counts from now on."""
        self._zero = self._clock.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since `start`; 0 before."""
        return 0.0 if self._zero is None else self._clock.monotonic() - self._zero

    def say(self, kind: str, text: str) -> None:
        """One line. Line ends and terminal codes in `text`, which may come from outside, are taken out."""
        when = f"{self.elapsed:5.1f} s" if self._zero is not None else " " * 7
        word = f"{kind:<9}"
        if self._colour and kind in _COLOURS:
            word = f"\x1b[{_COLOURS[kind]}m{word}\x1b[0m"
        self.plain(f"{when}  {word} {shorten(text, _WIDTH)}")

    def plain(self, text: str = "") -> None:
        print(text, file=self._out, flush=True)


def wants_colour(out: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether colours are welcome: on a terminal, and not refused (no-color.org)."""
    return out.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def shorten(text: str, width: int) -> str:
    """`text` as one line of at most so many columns, without anything a terminal would obey."""
    clean = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())
    if columns(clean) <= width:
        return clean
    kept = ""
    for char in clean:
        if columns(kept + char) > width - 3:
            break
        kept += char
    return kept.rstrip() + "..."


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def table(rows: Iterable[Heard]) -> str:
    """The channels, and how soon each was told."""
    lines: list[Sequence[str]] = [("channel", "first alert", "first resolve", "messages", "by the gateway")]
    for row in rows:
        verdict = f"{row.refused} refused" if row.refused else row.proof if row.messages else "-"
        lines.append(
            (row.title, _after(row.first_firing), _after(row.first_resolve), str(row.messages), verdict)
        )
    widths = [max(columns(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _after(seconds: float | None) -> str:
    return "never" if seconds is None else f"after {seconds:.1f} s"
