"""How much one expansion may do: counted, not timed, so that the same text always ends the same way.

Knows limits. Must not know what is counted. Used by `functions.py` and `sandbox.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar

MAX_TEXT = 64 * 1024
"""Longest text, in characters: of a template, of anything made on the way, of the result."""

MAX_TURNS = 10_000
"""Turns of all loops of one expansion together."""

MAX_WORK = 4_000_000
"""Characters and items that all functions of one expansion may handle together: well below 1 s."""

CALL = 16
"""What a call costs besides: it takes as long as so many characters, and more."""


class TooMuchWork(ValueError):
    """The template asks for more than one expansion may do."""


class Budget:
    """What is left for the expansion that runs now."""

    __slots__ = ("turns", "work")

    def __init__(self) -> None:
        self.turns = MAX_TURNS
        self.work = MAX_WORK

    def spend(self, amount: int) -> None:
        """Takes so much work off. Raises TooMuchWork when nothing is left."""
        self.work -= amount
        if self.work < 0:
            raise TooMuchWork("it asks for too much work")

    def each(self, items: Iterable[object]) -> Iterator[object]:
        """The items, one turn each."""
        for item in items:
            self.turns -= 1
            if self.turns < 0:
                raise TooMuchWork(f"its loops take more than {MAX_TURNS} turns")
            yield item


current: ContextVar[Budget] = ContextVar("hbalert.templating.budget")


def checked(text: str) -> str:
    """`text`, if it is not longer than a text may be. Raises TooMuchWork."""
    if len(text) > MAX_TEXT:
        raise TooMuchWork(f"it makes a text of more than {MAX_TEXT} characters")
    return text
