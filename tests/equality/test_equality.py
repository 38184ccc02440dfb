"""Rules made up from a seed, and rules written by hand: the same answers together as alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from hbalert.ports import Answer
from hbalert.promql import shape
from tests.equality.grow import Grower
from tests.equality.history import END, ODD
from tests.equality.odd import ODD_RULES, WRONG
from tests.equality.play import Played, play, prometheus, singly, source

pytestmark = [pytest.mark.prometheus, pytest.mark.asyncio(loop_scope="module")]

SEEDS = (1, 2, 3, 4)
EACH = 550
"""2,200 in all; `make equality` plays more."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with prometheus(tmp_path_factory.mktemp("prometheus")) as address:
        yield address


def assert_equal(played: Played) -> None:
    print(played)
    assert played.wrong == {way: [] for way in played.wrong}


@pytest.mark.parametrize("seed", SEEDS)
async def test_rules_made_up_answer_together_what_each_answers_alone(url: str, seed: int) -> None:
    played = await play(url, Grower(seed).rules(EACH), END)
    assert_equal(played)
    assert played.share() > 0.5, "too few of them answer anything to show much"
    assert played.share(failed=True) > 0.02, "too few of them fail to show much"
    assert played.merged > 0.2, "too few of them are asked as one to show much"


@pytest.mark.parametrize("seconds", [0, -900, -1790, 3600], ids=lambda s: f"{s:+} s")
async def test_odd_rules_answer_together_what_each_answers_alone(url: str, seconds: int) -> None:
    at = END + timedelta(seconds=seconds, milliseconds=250)
    assert_equal(await play(url, ODD_RULES, at))


async def test_wrong_rules_among_odd_ones_are_blamed_and_nobody_else(url: str) -> None:
    mixed = [each for pair in zip(WRONG, ODD_RULES, strict=False) for each in pair] + ODD_RULES[len(WRONG) :]
    played = await play(url, mixed, END)
    assert_equal(played)
    refused = [rule for rule, each in zip(mixed, played.alone, strict=True) if isinstance(each, Exception)]
    assert set(WRONG) <= set(refused)


async def test_most_odd_rules_answer_something_and_really_travel_in_batches(url: str) -> None:
    one = source(url)
    alone = await singly(one, ODD_RULES, END)
    await one.close()
    assert len(ODD_RULES) >= 400
    assert sum(isinstance(each, Answer) and bool(each.samples) for each in alone) > len(ODD_RULES) / 2
    assert [rule for rule in ODD_RULES if shape(rule) is None] == []


async def test_the_same_seed_makes_up_the_same_rules_and_another_one_others() -> None:
    assert Grower(5).rules(100) == Grower(5).rules(100)
    assert set(Grower(5).rules(100)) != set(Grower(6).rules(100))


async def test_the_history_is_there(url: str) -> None:
    one = source(url)
    (odd,) = (await one.query("odd", END)).samples
    await one.close()
    assert odd.labels["text"] == ODD
