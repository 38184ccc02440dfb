"""Native histograms: which answers of a batch hide some.

Knows that servers before Prometheus 2.44 turn a native histogram into the number 0 when a label of its
series is set, as every leaf of a batch has one set; and how they are asked whether there was one. Must
not know what is done about it. Next: `batch.py`.

A histogram is no number to judge, so alone such a series is left out with a warning; in a batch its rule
would fire. What has answered something is therefore looked at once an hour, in batches of their own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from hbalert.errors import SourceError, Unavailable
from hbalert.sources.tree import apart, encoded, packed
from hbalert.sources.wire import Vector, form

LOOK_EVERY = timedelta(hours=1)

KNOWS = "histogram_count(vector(1))"
"""Refused by servers that have no native histograms."""


def question(expr: str) -> str:
    """An expression that has an answer exactly when there are histograms in the answer to `expr`."""
    return f"count(histogram_count((\n{expr}\n)))"


class Histograms:
    """What was looked at of late, at one source."""

    def __init__(self, ask: Callable[[bytes, datetime], Awaitable[Vector]]) -> None:
        self._ask = ask
        self._until: dict[str, datetime] = {}

    async def hidden(self, exprs: Iterable[str], at: datetime, size: int) -> list[str]:
        """Those of `exprs` (vectors that have just answered something) that may hold histograms.

        What cannot be found out now is found out in the next round.
        """
        unknown = [expr for expr in exprs if not self._knows(expr, at)]
        if not unknown or not await self._are_known(at):
            return []
        found: list[str] = []
        for place in packed([question(expr) for expr in unknown], size):
            try:
                found += await self._some(unknown[place], at)
            except Unavailable:
                break
        return found

    async def _some(self, exprs: Sequence[str], at: datetime) -> list[str]:
        questions = [question(expr) for expr in exprs]
        try:
            answers = apart(await self._ask(encoded(tuple(questions)), at), questions)
        except Unavailable:
            raise
        except SourceError:
            if len(exprs) == 1:
                return list(exprs)  # nobody can tell; asked alone it is right in any case
            return [found for expr in exprs for found in await self._some([expr], at)]
        hidden = []
        for expr, answer in zip(exprs, answers, strict=True):
            if answer.samples:
                hidden.append(expr)
            else:
                self._remember(expr, at)
        return hidden

    async def _are_known(self, at: datetime) -> bool:
        """Whether the server has native histograms at all."""
        if self._knows(KNOWS, at):
            return False
        try:
            await self._ask(form(KNOWS), at)
        except Unavailable:
            return False
        except SourceError:
            self._remember(KNOWS, at)
            return False
        return True

    def _knows(self, expr: str, at: datetime) -> bool:
        until = self._until.get(expr)
        return until is not None and at < until <= at + LOOK_EVERY

    def _remember(self, expr: str, at: datetime) -> None:
        if len(self._until) > 20_000:
            self._until = {each: until for each, until in self._until.items() if until > at}
        self._until[expr] = at + LOOK_EVERY
