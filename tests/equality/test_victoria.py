"""The same at another server with a mind of its own: VictoriaMetrics.

It adds up in no fixed order, breaks ties as it likes, names any of several culprits, and has numbers for
texts: what is compared leaves room for that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.equality.grow import Grower
from tests.equality.history import END, history
from tests.equality.odd import ODD_RULES, WRONG
from tests.equality.play import loosely, play
from tests.fakes.victoria import victoria

pytestmark = [pytest.mark.prometheus, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with victoria(history(), tmp_path_factory.mktemp("victoria")) as address:
        yield address


def is_steady(rule: str) -> bool:
    """Whether it answers the same when it is asked twice."""
    return "topk" not in rule and "bottomk" not in rule and not rule.startswith('"')


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param([*ODD_RULES, *WRONG], id="odd rules"),
        *(pytest.param(Grower(seed).rules(400), id=f"seed {seed}") for seed in (1, 2)),
    ],
)
async def test_rules_answer_together_what_each_answers_alone(url: str, rules: list[str]) -> None:
    played = await play(url, [rule for rule in rules if is_steady(rule)], END, loosely)
    print(played)
    assert played.wrong == {way: [] for way in played.wrong}
    assert played.share() > 0.5
