"""Asks many rules one by one and then together, and says where the answers differ.

Samples are compared by labels (the name included) and value, NaN equal to NaN and -0 not to 0, in no order;
errors by class and, where the rule itself is refused, by the words of the server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hbalert.config.types import SourceSettings
from hbalert.errors import BadQuery, SourceError
from hbalert.ports import Answer
from hbalert.promql import Shape, shape
from hbalert.sources.merge import merged
from hbalert.sources.prometheus import PrometheusSource
from tests.equality.history import history
from tests.fakes.prometheus import with_history

Outcome = Answer | Exception

WAYS: dict[str, dict[str, object]] = {
    "batches": {"merge_thresholds": False, "merge_labels": False},
    "thresholds": {"merge_labels": False},
    "labels": {"merge_thresholds": False},
    "all": {},
}
"""How rules are asked together: name -> settings of the source."""


@asynccontextmanager
async def prometheus(folder: Path) -> AsyncIterator[str]:
    """The address of a Prometheus that holds the history."""
    async with with_history(history(), folder) as server:
        yield server.url


def source(url: str, **settings: object) -> PrometheusSource:
    return PrometheusSource(
        "real", SourceSettings.model_validate({"url": url, "timeout": timedelta(seconds=60), **settings})
    )


def loosely(outcome: Outcome) -> object:
    """What has to be equal at a server that adds up in no fixed order and names any of the culprits."""
    if isinstance(outcome, Answer):
        return sorted((each.labels.key, f"{each.value:.9g}") for each in outcome.samples)
    return type(outcome)


def comparable(outcome: Outcome) -> object:
    """What has to be equal."""
    if isinstance(outcome, Answer):
        return sorted((each.labels.key, repr(each.value)) for each in outcome.samples)
    said = re.sub(r"\Asource \w+ \(\S+\): ", "", str(outcome))  # what is refused unasked names no source
    return type(outcome), said if isinstance(outcome, BadQuery) else ""


async def singly(one: PrometheusSource, rules: Sequence[str], at: datetime) -> list[Outcome]:
    """The answer to each, asked by itself: as many queries as rules."""

    async def ask(rule: str) -> Outcome:
        try:
            return await one.query(rule, at)
        except SourceError as error:
            return error

    return list(await asyncio.gather(*(ask(rule) for rule in rules)))


@dataclass(frozen=True)
class Played:
    """What came of some rules.

    alone     the outcomes, asked one by one
    wrong     way -> rules whose outcome differs from that
    queries   way -> queries that it took
    """

    rules: Sequence[str]
    alone: Sequence[Outcome]
    wrong: dict[str, list[str]]
    queries: dict[str, int]

    def share(self, failed: bool = False) -> float:
        """Of the rules: those that have a non-empty answer; or those that fail."""
        hits = [isinstance(each, Exception) if failed else _says(each) for each in self.alone]
        return sum(hits) / len(hits)

    def __str__(self) -> str:
        shares = f"{self.share():.0%} with an answer, {self.share(failed=True):.1%} refused"
        ways = [f"{way}: {n} queries, {len(self.wrong[way])} differ" for way, n in self.queries.items()]
        return "; ".join([f"{len(self.rules)} rules, {shares}, {self.merged:.0%} asked with others", *ways])

    @property
    def merged(self) -> float:
        """The share of rules that are answered by a question that answers others as well."""
        known = [rule for rule in dict.fromkeys(self.rules) if shape(rule) is Shape.VECTOR]
        leaves = merged(known, thresholds=True, labels=True, most=200, max_bytes=12_000, never=())
        return sum(len(list(leaf.exprs)) for leaf in leaves if not leaf.is_single) / len(self.rules)


def _says(outcome: Outcome) -> bool:
    return isinstance(outcome, Answer) and bool(outcome.samples)


async def play(
    url: str, rules: Sequence[str], at: datetime, as_: Callable[[Outcome], object] = comparable
) -> Played:
    """Asks `rules` one by one, then twice in each way: the second time what failed is known.

    as_  what of two outcomes has to be equal
    """
    one = source(url)
    alone = await singly(one, rules, at)
    await one.close()
    expected = [as_(each) for each in alone]
    wrong: dict[str, list[str]] = {}
    queries: dict[str, int] = {}
    for way, settings in WAYS.items():
        many = source(url, **settings)
        wrong[way] = []
        for _ in range(2):
            together = await many.query_many(rules, at)
            wrong[way] += [
                f"{rule!r}: {_told(got)}, alone {_told(mine)}"
                for rule, got, mine, want in zip(rules, together, alone, expected, strict=True)
                if as_(got) != want
            ]
        queries[way] = many.queries
        await many.close()
    return Played(rules, alone, wrong, queries)


def _told(outcome: Outcome) -> str:
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__} {outcome}"
    return "[" + ", ".join(f"{each.labels} {each.value!r}" for each in outcome.samples) + "]"
