"""The comments of a YAML file, by what they stand at.

Knows whole lines that are comments, and where the things of a file begin. Must not know what those are.
What stands behind a value on its line is not kept, nor what stands inside a text: that belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMENT = re.compile(r"(\s*)#+ ?(.*)")


class Comments:
    """Asked once for each thing, by the line at which it begins.

    head  what stands before the first thing, apart from it
    """

    def __init__(self, text: str, starts: Iterable[int]) -> None:
        self._lines = text.splitlines()
        self._at: dict[int, list[str]] = {}
        self.head: list[str] = []
        ordered = sorted({start for start in starts if 0 < start <= len(self._lines)})
        kept, previous, end = self.head, 0, len(self._lines) + 1
        for start in [*ordered, end]:
            above = start
            while start < end and above - 1 > previous and self._comment(above - 1, start) is not None:
                above -= 1
            kept += self._between(previous + 1, above, previous or start)
            kept = self._at[start] = self._between(above, start, start)
            previous = start

    def of(self, line: int) -> list[str]:
        """What is said above and within the thing that begins there."""
        return self._at.get(line, [])

    def _between(self, begin: int, end: int, owner: int) -> list[str]:
        return [text for line in range(begin, end) if (text := self._comment(line, owner)) is not None]

    def _comment(self, line: int, owner: int) -> str | None:
        """A line's comment, unless it may be part of a text: those stand further to the right."""
        found = _COMMENT.fullmatch(self._lines[line - 1])
        if found is None or len(found[1]) > self._column(owner):
            return None
        return found[2].rstrip()

    def _column(self, line: int) -> int:
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        return len(text) - len(text.lstrip(" -"))
