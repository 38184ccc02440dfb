"""Batches: many expressions asked in few queries, whatever comes of them.

Knows what to do when a batch is refused, too large, partial or not answered. Must not know HTTP (it is
handed `Ask`), rules or states, how a query of many is written (`tree.py`), or which expressions share one
leaf of it (`merge.py`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery, Incomplete, SourceError, TooMuch, Unavailable
from hbalert.ports import NO_SERIES, Answer
from hbalert.promql import Shape, mentions, shape
from hbalert.sources.histograms import Histograms
from hbalert.sources.merge import Leaf, merged
from hbalert.sources.solitary import Solitary
from hbalert.sources.tree import LEAF_BYTES, MAX_BYTES, RESERVED, apart, encoded, packed
from hbalert.sources.wire import Vector, form, not_a_vector, without_histograms

SIZE = 50
"""Leaves in a batch. On Prometheus 2.42, 20 cost a fifth more, 100 15 % more, 200 45 % more."""

VALUES = 4
"""So many values of a label may be in one leaf, times the size of a batch."""

PLANNED_AT_ONCE = 200
"""So many expressions are planned in the event loop, in some 30 ms; more of them in a thread."""

GIVE_UP_AFTER = 3
"""So many queries in a row without an answer, and the rest of a round is not asked."""

CLEAN_ROUNDS = 4
MOST_CLEAN_ROUNDS = 1024
"""After so many rounds without trouble, batches may be twice as large again; after twice as many each time
that this was too early, because what is too large costs its rules a round."""

Ask = Callable[[bytes, datetime], Awaitable[Vector]]
"""(encoded query, time) -> answer. Raises SourceError."""


class NotConnected(Unavailable):
    """Nobody was there to ask: says nothing about what would have been asked."""


@dataclass(slots=True)
class _Round:
    """One call of `query_many`.

    silent    queries in a row that nobody answered
    heard     whether anything was answered at all
    down      why the rest is not asked
    trouble   a batch was too much, or not answered
    suspects  texts that got no answer although they were asked alone
    answered  leaves of batches that have an answer with series in it
    """

    at: datetime
    answers: dict[str, Answer | Exception] = field(default_factory=dict)
    silent: int = 0
    heard: bool = False
    down: Unavailable | None = None
    trouble: bool = False
    suspects: list[str] = field(default_factory=list)
    answered: list[Leaf] = field(default_factory=list)


Batch = tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for some expressions.

    refused  what can never be asked, and why
    """

    batches: tuple[Batch, ...]
    alone: tuple[str, ...]
    refused: tuple[tuple[str, BadQuery], ...]


class Batcher:
    """Asks for many expressions at once, and copes with what comes of it.

    thresholds, labels  whether rules that differ in a bound, in a label's value, are asked as one
    strict              an answer that the source itself doubts is none
    size                how many leaves go into the next batches
    """

    def __init__(
        self,
        ask: Ask,
        *,
        concurrency: int,
        batch: bool = True,
        thresholds: bool = False,
        labels: bool = False,
        strict: bool = False,
    ) -> None:
        self.size = SIZE
        self._ask = ask
        self._concurrency = concurrency
        self._batch = batch
        self._thresholds = thresholds
        self._labels = labels
        self._strict = strict
        self._solitary = Solitary()
        self._histograms = Histograms(ask)
        self._clean = 0
        self._patience = CLEAN_ROUNDS
        self._grown = False
        self._planned = lru_cache(maxsize=16)(self._plan)

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        """The answers, in the order asked; a SourceError stands in place of an answer."""
        now = _Round(at)
        plan = await self._plan_for(tuple(exprs), self._solitary.held(at))
        now.answers.update(plan.refused)
        waiting: deque[Batch | str] = deque((*plan.batches, *plan.alone))

        async def work() -> None:
            while waiting:
                each = waiting.popleft()
                if now.down is not None:
                    self._fail(now, (each,) if isinstance(each, str) else _exprs(each), now.down)
                elif isinstance(each, str):
                    await self._ask_alone(now, each)
                else:
                    await self._ask_together(now, each)

        await asyncio.gather(*(work() for _ in range(min(self._concurrency, len(waiting)))))
        await self._look_for_histograms(now)
        self._learn(now)
        return [now.answers[expr] for expr in exprs]

    # --- what is asked ---

    async def _plan_for(self, exprs: tuple[str, ...], held: frozenset[str]) -> Plan:
        if len(exprs) <= PLANNED_AT_ONCE:
            return self._planned(exprs, self.size, held)
        # Twenty thousand that nobody has read yet take some seconds: not those of everybody else.
        return await asyncio.to_thread(self._planned, exprs, self.size, held)

    def _plan(self, exprs: tuple[str, ...], size: int, held: frozenset[str]) -> Plan:
        """Only what the local parser accepts can be in a batch: `up) or (up` is refused alone and accepted
        between brackets."""
        together: list[str] = []
        alone: list[str] = []
        refused: list[tuple[str, BadQuery]] = []
        for expr in dict.fromkeys(exprs):
            kind = shape(expr) if self._batch else None
            if mentions(expr, RESERVED):
                refused.append((expr, BadQuery(f"labels that begin with {RESERVED} are reserved")))
            elif kind is Shape.STRING or kind is Shape.MATRIX:
                refused.append((expr, not_a_vector(kind.value)))
            elif kind is None or len(expr.encode()) + LEAF_BYTES > MAX_BYTES or expr in held:
                alone.append(expr)
            else:
                together.append(expr)
        leaves = merged(
            together,
            thresholds=self._thresholds,
            labels=self._labels,
            most=size * VALUES,
            max_bytes=MAX_BYTES - LEAF_BYTES,
            never=held,
        )
        batches = tuple(tuple(leaves[some]) for some in packed([leaf.text for leaf in leaves], size))
        return Plan(batches, tuple(alone), tuple(refused))

    # --- asking ---

    async def _ask_together(self, now: _Round, some: Batch) -> None:
        texts = tuple(leaf.text for leaf in some)
        try:
            vector = await self._ask(encoded(texts), now.at)
            if self._strict and vector.doubted:
                await self._doubted(now, _exprs(some))
                return
            answers = apart(vector, texts)
        except Unavailable as error:
            # Nothing is known of any of them. Asking again in parts would only add to the load.
            self._fail(now, _exprs(some), error)
            self._unanswered(now, texts, error)
            return
        except SourceError as error:
            self._answered(now)
            await self._refused(now, some, error)
            return
        self._answered(now)
        for leaf, answer in zip(some, answers, strict=True):
            self._take_apart(now, leaf, answer)
            self._solitary.remove(leaf.text)

    def _take_apart(self, now: _Round, leaf: Leaf, whole: Answer) -> None:
        if whole.samples:
            now.answered.append(leaf)
        if leaf.is_single:
            now.answers[leaf.text] = whole
        elif not whole.samples:
            now.answers.update(dict.fromkeys(leaf.exprs, whole))
        else:
            nothing = Answer((), whole.warnings) if whole.warnings else NO_SERIES
            for expr, samples in leaf.apart(whole.samples):
                now.answers[expr] = Answer(samples, whole.warnings) if samples else nothing

    async def _refused(self, now: _Round, some: Batch, error: SourceError) -> None:
        """Halves a refused batch, and then its leaf, until the expression that is to blame stands alone."""
        if len(some) > 1:
            middle = len(some) // 2
            halves: tuple[Batch, ...] = some[:middle], some[middle:]
        elif some[0].is_single:
            self._solitary.add(some[0].text, now.at)
            await self._ask_alone(now, some[0].text)
            return
        else:
            halves = tuple((half,) for half in some[0].halves())
        if isinstance(error, TooMuch):
            # What has one leaf has too many values in it: the next ones shall have half as many.
            size = len(some) // 2 or len(some[0].parts) // (2 * VALUES)
            if size:
                self._shrink(now, size)
        for half in halves:
            if now.down is not None:
                self._fail(now, _exprs(half), now.down)
            else:
                await self._ask_together(now, half)
        if len(some) == 1 and all(isinstance(now.answers[expr], Answer) for expr in some[0].exprs):
            self._solitary.add(some[0].text, now.at)  # each of them is well, but not as one

    async def _doubted(self, now: _Round, exprs: Iterable[str]) -> None:
        """Finds out whose answer it is that the source doubts; those are asked alone from now on."""
        self._answered(now)
        for expr in exprs:
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

    def _fail(self, now: _Round, exprs: Iterable[str], error: SourceError) -> None:
        now.answers.update(dict.fromkeys(exprs, error))

    # --- native histograms ---

    async def _look_for_histograms(self, now: _Round) -> None:
        """Asks alone for what may have turned histograms into numbers."""
        if now.down is not None:
            return
        leaves = {leaf.text: leaf for leaf in now.answered if shape(leaf.text) is Shape.VECTOR}
        for text in await self._histograms.hidden(leaves, now.at, self.size):
            for expr in leaves[text].exprs:
                self._solitary.add(expr, now.at)
                await self._ask_alone(now, expr)

    # --- learning ---

    def _answered(self, now: _Round) -> None:
        now.silent = 0
        now.heard = True

    def _unanswered(self, now: _Round, texts: tuple[str, ...], error: Unavailable) -> None:
        now.silent += 1
        absent = isinstance(error, NotConnected)
        if absent or now.silent >= GIVE_UP_AFTER:
            now.down = error
        if absent:
            return
        if len(texts) > 1:
            self._shrink(now, len(texts) // 2)
        now.suspects += texts if len(texts) == 1 else ()

    def _shrink(self, now: _Round, size: int) -> None:
        now.trouble = True
        self.size = max(1, min(self.size, size))

    def _learn(self, now: _Round) -> None:
        if now.heard:  # the source is well, so it is the expression that takes too long
            for text in now.suspects:
                self._solitary.add(text, now.at)
        if now.trouble and self._grown:
            self._grown = False
            self._patience = min(self._patience * 2, MOST_CLEAN_ROUNDS)
        self._clean = 0 if now.trouble or not now.heard else self._clean + 1
        if self._clean >= self._patience:
            self._clean = 0
            self._grown = self.size < SIZE
            self._patience = self._patience if self._grown else CLEAN_ROUNDS
            self.size = min(SIZE, self.size * 2)


def _exprs(some: Batch) -> Iterable[str]:
    return (expr for leaf in some for expr in leaf.exprs)


def answer(vector: Vector, *, strict: bool = False) -> Answer:
    """The answer to one expression that was asked alone.

    Raises Incomplete when the source itself doubts it and `strict` is set.
    """
    if strict and vector.doubted:
        raise Incomplete(f'the answer is not complete (partial = "error"): {"; ".join(vector.warnings)}')
    samples = tuple(Sample(Labels(labels), value) for labels, value in vector.series)
    return Answer(samples, (*vector.warnings, *without_histograms(len(vector.histograms))))
