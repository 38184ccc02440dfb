"""Rules that are asked as one, seen from outside: each has its own alerts, and its own error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from hbalert.config.types import SourceSettings
from hbalert.core.rule import Rule, RuleGroup
from hbalert.ports import Answer
from hbalert.sources.prometheus import PrometheusSource
from tests.core.say import s
from tests.equality.history import END
from tests.equality.play import prometheus
from tests.loops.test_evaluate import Says, play, with_rules

BOTS = ["a", "b", "c", "d-1"]
SHAPES = {
    "High": 'balance{bot="%s"} > -1e9',
    "VeryHigh": 'balance{bot="%s"} > 1e9',
    # Bot a has two balances, so that its alone is many to many.
    "Share": 'balance{bot="%s"} / on (bot) failed_total{bot="%s"} > -1e9',
}


class Then(Says):
    """The real source, asked about the time of the history whatever the clock of the test says."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.real = PrometheusSource("main", SourceSettings(url=url))

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        return await self.real.query_many(exprs, END)


@pytest.mark.prometheus
async def test_of_rules_asked_as_one_the_one_that_fails_is_named_and_the_others_fire(tmp_path: Path) -> None:
    rules = [
        Rule(f"bots/{name}/{n}", name, shape.replace("%s", bot), "main", annotations={"summary": bot})
        for name, shape in SHAPES.items()
        for n, bot in enumerate(BOTS)
    ]
    (tmp_path / "server").mkdir()
    async with prometheus(tmp_path / "server") as url:
        source = Then(url)
        config = with_rules(tmp_path, groups=[RuleGroup("bots", s(10), tuple(rules))])
        async with play(tmp_path, config, source) as at:
            for _ in range(3):  # the second and third round know what has to be asked alone
                await at.seconds(10)
                failed = {rule: health.error for rule, health in at.evaluator.health.items() if health.error}
                assert list(failed) == ["bots/Share/0"]
                assert "many-to-one matching must be explicit" in failed["bots/Share/0"]
            await source.real.close()
            labels = [alert.labels for alert in at.engine.memory.alerts.values()]
    assert sorted((each["alertname"], each["bot"]) for each in labels) == sorted(
        [*(("High", bot) for bot in ["a", *BOTS]), *(("Share", bot) for bot in BOTS[1:])]
    )
