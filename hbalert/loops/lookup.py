"""Lookups: the queries that stand in the texts of a rule, asked before the texts are expanded.

Knows how many there may be and how long they may take. Must not know what a text says: it is expanded
once to learn which queries it has, and again with their answers. An answer that does not come leaves its
reason in the text; no alert waits for it, and none ends by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from hbalert.core.rule import Expand, Occasion, Rule, Sample, Unasked
from hbalert.ports import Answer, Source

QUERIES = 20
"""So many for all alerts of a rule together, in one evaluation."""

ROUNDS = 3
"""A query may be made of the answer to another one, this often."""

SECONDS = 10.0
"""All of them together get no longer than this."""

LookedUp = Mapping[str, Sequence[Sample] | str]
"""Expression -> its answer, or why there is none."""


NO_LOOKUPS: LookedUp = {}


def looks_up(rule: Rule) -> bool:
    """Whether a text of the rule may hold queries."""
    return any("query" in text for text in rule.annotations.values())


async def look_up(
    rule: Rule, samples: Sequence[Sample], source: Source, at: datetime, slot: datetime, expand: Expand
) -> LookedUp:
    """The answers to the queries in a rule's texts, for every sample of its own answer.

    at    the time that is asked for; slot: that of the evaluation
    """
    known: dict[str, Sequence[Sample] | str] = {}
    wanted: list[str] = []
    try:
        async with asyncio.timeout(SECONDS):
            for _ in range(ROUNDS):
                wanted = _wanted(rule, samples, Occasion(rule, slot, slot, known), expand)
                asked = wanted[: max(0, QUERIES - len(known))]
                known.update(dict.fromkeys(wanted, f"more than {QUERIES} queries in one evaluation"))
                if not asked:
                    break
                answers = await source.query_many(asked, at)
                known.update(zip(asked, map(_said, answers), strict=True))
    except TimeoutError:
        known.update(dict.fromkeys(wanted, f"no answer within {SECONDS:g} s"))
    return known


def _wanted(rule: Rule, samples: Iterable[Sample], when: Occasion, expand: Expand) -> list[str]:
    found: set[str] = set()
    texts = [text for text in rule.annotations.values() if "query" in text]
    for sample in samples:
        for text in texts:
            try:
                expand(text, sample.labels, sample.value, when)
            except Unasked as missing:
                found.update(missing.exprs)
            except ValueError:
                continue  # said when the text is expanded for good
    return sorted(found)


def _said(answer: Answer | Exception) -> Sequence[Sample] | str:
    return answer.samples if isinstance(answer, Answer) else str(answer)
