"""Batches: many expressions in one query, and the answer taken apart again.

Knows how expressions are joined, and what to do when a batch is refused, too large or not answered.
Must not know HTTP (it is handed `Ask`), rules or states.

N expressions become a balanced tree of `or` whose leaves carry a label with their number; the answer
is taken apart by it. One query costs the server far less than N, above all where most answers are
empty. Source of the sizes: measurements on Prometheus 2.42 (20 per batch +20 %, 100 +15 %, 200 +45 %).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery, Incomplete, SourceError, TooMuch, Unavailable
from hbalert.ports import Answer
from hbalert.promql import Shape, shape
from hbalert.sources.wire import Vector, form, not_a_vector

TAG = "__hbalert_rule__"
"""The label that tells whose a series is."""

RESERVED = "__hbalert_"
"""No expression may speak of labels that begin so."""

SIZE = 50
MAX_BYTES = 12 * 1024
"""VictoriaMetrics refuses queries of 16 KiB."""

GIVE_UP_AFTER = 3
"""So many queries in a row without an answer, and the rest of a round is not asked."""

CLEAN_ROUNDS = 4
"""After so many rounds without trouble, batches may be twice as large again."""

ALONE_AT_FIRST = timedelta(minutes=10)
ALONE_AT_MOST = timedelta(hours=6)

Ask = Callable[[bytes, datetime], Awaitable[Vector]]
"""(encoded query, time) -> answer. Raises SourceError."""


class NotConnected(Unavailable):
    """Nobody was there to ask: says nothing about what would have been asked."""


def joined(exprs: Sequence[str]) -> str:
    """One query for all `exprs` (accepted by the local parser, vectors or scalars), numbered from 0.

    The raw text is used, because printing a parsed one loses escapes; the newline before the closing
    bracket ends a comment.
    """
    leaves = [_leaf(number, expr) for number, expr in enumerate(exprs)]
    while len(leaves) > 1:
        # Balanced: a chain would copy the growing left side once for each operand.
        leaves = [
            f"({leaves[place]} or {leaves[place + 1]})" if place + 1 < len(leaves) else leaves[place]
            for place in range(0, len(leaves), 2)
        ]
    return leaves[0]


def _leaf(number: int, expr: str) -> str:
    inner = f"vector((\n{expr}\n))" if shape(expr) is Shape.SCALAR else f"(\n{expr}\n)"
    # Joins two labels that nobody has with the number between them: sets the label, and costs the
    # server 6 % less than label_replace, which compiles a regular expression each time.
    return f'label_join({inner},"{TAG}","{number}","{RESERVED}a","{RESERVED}b")'


_LEAF_BYTES = len(_leaf(10, "vector(1)")) + len("( or )")
"""More than a leaf adds to its expression."""


@lru_cache(maxsize=1024)
def _encoded(exprs: tuple[str, ...]) -> bytes:
    """Joined and encoded once: rounds ask for the same batches again and again."""
    return form(joined(exprs))


def apart(vector: Vector, number: int) -> list[Answer]:
    """The answers of `number` expressions from the answer to their batch.

    Warnings belong to whom they may concern: all. Raises BadQuery when a series is not marked: then
    this server does not do what a batch relies on, and the expressions have to be asked one by one.
    """
    samples: list[list[Sample]] = [[] for _ in range(number)]
    for labels, value in vector.series:
        tag = labels.pop(TAG, "")
        if not tag.isascii() or not tag.isdigit() or int(tag) >= number:
            raise BadQuery("the answer to a batch of expressions cannot be taken apart")
        samples[int(tag)].append(Sample(Labels(labels), value))
    return [Answer(tuple(mine), vector.warnings) for mine in samples]


class Solitary:
    """Expressions that are asked alone for a while, because a batch with them failed.

    What is wrong often lies in the data of the moment (two series where one was expected), so each
    gets another chance, later each time.
    """

    def __init__(self) -> None:
        self._until: dict[str, tuple[datetime, timedelta]] = {}

    def holds(self, expr: str, at: datetime) -> bool:
        """Whether `expr` is to be asked alone at `at`; a clock that was set back ends it early."""
        until, period = self._until.get(expr, (at, ALONE_AT_FIRST))
        return timedelta() < until - at <= period

    def add(self, expr: str, at: datetime) -> None:
        """From `at`: for ten minutes, and twice as long each time it fails again."""
        _, before = self._until.get(expr, (at, ALONE_AT_FIRST / 2))
        period = min(before * 2, ALONE_AT_MOST)
        self._until[expr] = (at + period, period)
        for other, (until, _) in list(self._until.items()):
            if at - until > ALONE_AT_MOST:  # nobody asks for it any more
                del self._until[other]

    def remove(self, expr: str) -> None:
        self._until.pop(expr, None)


@dataclass(slots=True)
class _Round:
    """One call of `query_many`.

    silent    queries in a row that nobody answered
    heard     whether anything was answered at all
    down      why the rest is not asked
    trouble   a batch was too much, or not answered
    suspects  expressions that got no answer although they were asked alone
    """

    at: datetime
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    silent: int = 0
    heard: bool = False
    down: Unavailable | None = None
    trouble: bool = False
    suspects: list[str] = field(default_factory=list)


class Batcher:
    """Asks for many expressions at once, and copes with what comes of it.

    size    how many expressions go into the next batches
    strict  an answer that the source itself doubts is none
    """

    def __init__(self, ask: Ask, *, concurrency: int, batch: bool = True, strict: bool = False) -> None:
        self.size = SIZE
        self._strict = strict
        self._ask = ask
        self._concurrency = concurrency
        self._batch = batch
        self._solitary = Solitary()
        self._clean = 0

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        """The answers, in the order asked; a SourceError stands in place of an answer."""
        now = _Round(at)
        waiting = deque(self._plan(now, list(dict.fromkeys(exprs))))

        async def work() -> None:
            while waiting:
                together, some = waiting.popleft()
                if now.down is not None:
                    now.answers.update(dict.fromkeys(some, now.down))
                elif together:
                    await self._ask_together(now, some)
                else:
                    await self._ask_alone(now, some[0])

        await asyncio.gather(*(work() for _ in range(min(self._concurrency, len(waiting)))))
        self._learn(now)
        return [now.answers[expr] for expr in exprs]

    def _plan(self, now: _Round, exprs: Sequence[str]) -> list[tuple[bool, tuple[str, ...]]]:
        """(whether as a batch, expressions). Only what the local parser accepts can be in a batch:
        `up) or (up` is refused alone and accepted between brackets."""
        batches: list[list[str]] = []
        alone: list[str] = []
        room = 0
        for expr in exprs:
            kind = shape(expr) if self._batch else None
            size = len(expr.encode()) + _LEAF_BYTES
            if RESERVED in expr:
                now.answers[expr] = BadQuery(f"labels that begin with {RESERVED} are reserved")
            elif kind is Shape.STRING or kind is Shape.MATRIX:
                now.answers[expr] = not_a_vector(kind.value)
            elif kind is None or size > MAX_BYTES or self._solitary.holds(expr, now.at):
                alone.append(expr)
            elif batches and len(batches[-1]) < self.size and size <= room:
                batches[-1].append(expr)
                room -= size
            else:
                batches.append([expr])
                room = MAX_BYTES - size
        return [
            *((True, tuple(some)) for some in batches),
            *((False, (expr,)) for expr in alone),
        ]

    async def _ask_together(self, now: _Round, some: tuple[str, ...]) -> None:
        try:
            vector = await self._ask(_encoded(some), now.at)
            if self._strict and vector.doubted:
                await self._doubted(now, some)
                return
            answers = apart(vector, len(some))
        except Unavailable as error:
            # Nothing is known of any of them. Asking again in parts would only add to the load.
            now.answers.update(dict.fromkeys(some, error))
            self._unanswered(now, some, error)
            return
        except SourceError as error:
            self._answered(now)
            await self._refused(now, some, error)
            return
        self._answered(now)
        now.answers.update(zip(some, answers, strict=True))
        for expr in some:
            self._solitary.remove(expr)

    async def _refused(self, now: _Round, some: tuple[str, ...], error: SourceError) -> None:
        """Halves a refused batch until the one that is to blame stands alone."""
        if len(some) == 1:
            self._solitary.add(some[0], now.at)
            await self._ask_alone(now, some[0])
            return
        middle = len(some) // 2
        if isinstance(error, TooMuch):
            self._shrink(now, middle)
        for half in (some[:middle], some[middle:]):
            if now.down is not None:
                now.answers.update(dict.fromkeys(half, now.down))
            else:
                await self._ask_together(now, half)

    async def _doubted(self, now: _Round, some: tuple[str, ...]) -> None:
        """Finds out whose answer it is that the source doubts; those are asked alone from now on."""
        self._answered(now)
        for expr in some:
            if now.down is not None:
                now.answers[expr] = now.down
                continue
            await self._ask_alone(now, expr)
            if isinstance(now.answers[expr], Incomplete):
                self._solitary.add(expr, now.at)

    async def _ask_alone(self, now: _Round, expr: str) -> None:
        try:
            found = answer(await self._ask(form(expr), now.at), strict=self._strict)
        except Unavailable as error:
            now.answers[expr] = error
            self._unanswered(now, (), error)
        except SourceError as error:
            self._answered(now)
            now.answers[expr] = error
        else:
            self._answered(now)
            now.answers[expr] = found

    def _answered(self, now: _Round) -> None:
        now.silent = 0
        now.heard = True

    def _unanswered(self, now: _Round, some: tuple[str, ...], error: Unavailable) -> None:
        now.silent += 1
        absent = isinstance(error, NotConnected)
        if absent or now.silent >= GIVE_UP_AFTER:
            now.down = error
        if absent:
            return
        if len(some) > 1:
            self._shrink(now, len(some) // 2)
        now.suspects += some if len(some) == 1 else ()

    def _shrink(self, now: _Round, size: int) -> None:
        now.trouble = True
        self.size = max(1, min(self.size, size))

    def _learn(self, now: _Round) -> None:
        if now.heard:  # the source is well, so it is the expression that takes too long
            for expr in now.suspects:
                self._solitary.add(expr, now.at)
        self._clean = 0 if now.trouble or not now.heard else self._clean + 1
        if self._clean >= CLEAN_ROUNDS:
            self._clean = 0
            self.size = min(SIZE, self.size * 2)


def answer(vector: Vector, *, strict: bool = False) -> Answer:
    """The answer to one expression that was asked alone.

    Raises Incomplete when the source itself doubts it and `strict` is set.
    """
    if strict and vector.doubted:
        raise Incomplete(f'the answer is not complete (partial = "error"): {"; ".join(vector.warnings)}')
    samples = tuple(Sample(Labels(labels), value) for labels, value in vector.series)
    return Answer(samples, vector.warnings)
