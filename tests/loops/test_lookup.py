"""Lookups: the queries in the texts of a rule are asked together, few, and never for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from hbalert.core.rule import Rule, Sample
from hbalert.errors import BadQuery, Unavailable
from hbalert.loops import lookup
from hbalert.loops.lookup import QUERIES, look_up, looks_up
from hbalert.ports import Answer
from hbalert.templating import expander
from tests.core.say import labels, t
from tests.loops.test_evaluate import AT_ONCE, SLOW, Says, play, with_rules

VOLUME = {"summary": "{{ printf `volume{bot='%s'}` $labels.bot | query | first | value }} today"}


def rule(text: str) -> Rule:
    return Rule("g/Slow", "Slow", "x > 1", "main", annotations={"summary": text})


async def looked_up(text: str, source: Says, *series: str) -> dict[str, object]:
    samples = [Sample(labels(each), 1.0) for each in series or ("bot=a",)]
    return dict(await look_up(rule(text), samples, source, t(0), t(45), expander({}, "")))


async def test_the_queries_of_all_alerts_are_asked_together() -> None:
    source = Says("bot=x")
    found = await looked_up(VOLUME["summary"], source, "bot=a", "bot=b")
    assert source.asked == [(t(0), ["volume{bot='a'}", "volume{bot='b'}"])]
    assert found == dict.fromkeys(source.asked[0][1], (Sample(labels("bot=x"), 7.0),))


async def test_a_query_that_is_made_of_an_answer_is_asked_afterwards() -> None:
    source = Says("bot=x")
    text = "{{ query `who` | first | label `bot` | printf `volume{bot='%s'}` | query | first | value }}"
    await looked_up(text, source)
    assert [exprs for _, exprs in source.asked] == [["who"], ["volume{bot='x'}"]]


async def test_there_is_an_end_to_queries_that_are_made_of_answers() -> None:
    source = Says("bot=x")
    text = "{{ query `a` | first | label `bot` | query | first | label `bot` | printf `%s1` | query | first "
    text += "| label `bot` | printf `%s2` | query | first | value }}"
    found = await looked_up(text, source)
    assert [exprs for _, exprs in source.asked] == [["a"], ["x"], ["x1"]]
    assert set(found) == {"a", "x", "x1"}


async def test_more_queries_than_allowed_are_not_asked_and_say_so() -> None:
    source = Says("bot=x")
    found = await looked_up(VOLUME["summary"], source, *(f"bot={n:02}" for n in range(QUERIES + 3)))
    assert len(source.asked[0][1]) == QUERIES
    assert found["volume{bot='22'}"] == "more than 20 queries in one evaluation"


async def test_a_query_that_fails_says_why() -> None:
    source = Says("bot=x")
    source.answers["volume{bot='a'}"] = BadQuery("no such function")
    assert await looked_up(VOLUME["summary"], source) == {"volume{bot='a'}": "no such function"}


async def test_a_source_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.05)
    source = Says()
    source.held = asyncio.Event()
    async with asyncio.timeout(10):
        found = await looked_up(VOLUME["summary"], source)
    assert found == {"volume{bot='a'}": "no answer within 0.05 s"}


async def test_texts_without_queries_cost_nothing() -> None:
    source = Says()
    assert not looks_up(rule("{{ $labels.bot }}"))
    assert await looked_up("the query {{ $labels.bot }}", source) == {}
    assert await looked_up("{{ query `up`", source) == {}, "a broken text says so where it is expanded"
    assert source.asked == []


async def test_an_alert_shows_what_was_looked_up_and_never_waits_for_it(tmp_path: Path) -> None:
    class Moody(Says):
        async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
            if self.error is not None and "volume" not in exprs[0]:
                return await Says.query_many(Says("bot=a"), exprs, at)
            return await super().query_many(exprs, at)

    source = Moody("bot=a")
    async with play(tmp_path, with_rules(tmp_path, replace(AT_ONCE, annotations=VOLUME)), source) as at:
        await at.seconds(1)
        (alert,) = at.engine.memory.alerts.values()
        assert alert.annotations == {"summary": "7 today"}
        source.error = Unavailable("connection refused")
        await at.seconds(10)
        assert at.firing() == [SLOW]
        (alert,) = at.engine.memory.alerts.values()
        said = "<error expanding template: query \"volume{bot='a'}\": connection refused>"
        assert alert.annotations == {"summary": said}
        assert at.evaluator.health[AT_ONCE.id].error == ""
