"""Tree: many expressions as one query, and its answer taken apart.

Knows how leaves are joined and marked, and whose a series or a warning is. Must not know which
expressions are asked together, or what is done when it fails. Next: `batch.py`.

N leaves become a balanced tree of `or`, each carrying a label with its number. One query costs the server
far less than N, above all where most answers are empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery
from hbalert.ports import NO_SERIES, Answer
from hbalert.promql import Shape, shape
from hbalert.sources.wire import Vector, form, without_histograms

TAG = "__hbalert_rule__"
"""The label that tells whose a series is."""

RESERVED = "__hbalert_"
"""No expression may speak of labels that begin so."""

MAX_BYTES = 12 * 1024
"""VictoriaMetrics refuses queries of 16 KiB."""


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


LEAF_BYTES = len(_leaf(10, "vector(1)")) + len("( or )")
"""More than a leaf adds to its expression."""


@lru_cache(maxsize=1024)
def encoded(exprs: tuple[str, ...]) -> bytes:
    """Joined and encoded once: rounds ask for the same batches again and again."""
    return form(joined(exprs))


def packed(exprs: Sequence[str], size: int) -> Iterator[slice]:
    """Which of them go together: at most `size`, and no longer than a query may be."""
    start, room = 0, MAX_BYTES
    for place, expr in enumerate(exprs):
        needs = len(expr.encode()) + LEAF_BYTES
        if place > start and (place - start == size or needs > room):
            yield slice(start, place)
            start, room = place, MAX_BYTES
        room -= needs
    if exprs:
        yield slice(start, len(exprs))


def apart(vector: Vector, exprs: Sequence[str]) -> list[Answer]:
    """The answers to `exprs` from the answer to their batch.

    A warning that says where in the query it belongs is for the expression that stands there; others are
    for all of them. Raises BadQuery when a series is not marked: then this server does not do what a batch
    relies on, and the expressions have to be asked one by one.
    """
    samples: list[list[Sample]] = [[] for _ in exprs]
    histograms = [0] * len(exprs)
    for labels, value in vector.series:
        place = _place(labels, len(exprs))
        samples[place].append(Sample(Labels(labels), value))
    for labels in vector.histograms:
        histograms[_place(labels, len(exprs))] += 1
    if not vector.warnings and not vector.histograms:
        return [Answer(tuple(mine)) if mine else NO_SERIES for mine in samples]
    warnings = _whose(vector.warnings, exprs)
    return [
        Answer(tuple(mine), (*warnings[place], *without_histograms(histograms[place])))
        for place, mine in enumerate(samples)
    ]


def _place(labels: dict[str, str], number: int) -> int:
    tag = labels.pop(TAG, "")
    if not tag.isascii() or not tag.isdigit() or int(tag) >= number:
        raise BadQuery("the answer to a batch of expressions cannot be taken apart")
    return int(tag)


def _whose(warnings: Iterable[str], exprs: Sequence[str]) -> list[list[str]]:
    """By expression: the warnings that concern it.

    Prometheus 3 ends what it says of an expression with its place, "(line:column)"; every expression
    begins on a line of its own, and is told the place as if it had been alone.
    """
    starts, line = [], 2
    for expr in exprs:
        starts.append(line)
        line += expr.count("\n") + 2
    of: list[list[str]] = [[] for _ in exprs]
    for text in warnings:
        found = _POSITION.fullmatch(text)
        at = int(found["line"]) if found else 0
        places = [
            place for place, start in enumerate(starts) if start <= at <= start + exprs[place].count("\n")
        ]
        if found and places:
            (place,) = places
            of[place].append(f"{found['says']} ({at - starts[place] + 1}:{found['column']})")
        else:
            for mine in of:
                mine.append(text)
    return of


_POSITION = re.compile(r"(?P<says>PromQL .*) \((?P<line>\d+):(?P<column>\d+)\)", re.DOTALL)
