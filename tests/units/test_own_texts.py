"""hbalert's own alerts say the same in every language."""

from __future__ import annotations

import re
import string

import pytest

from hbalert.units.own_texts import CATALOGUES, EN, ZH, Facts, texts

CHINESE = re.compile(r"[一-鿿]")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_stands_in_every_catalogue() -> None:
    assert {tuple(catalogue) for catalogue in CATALOGUES.values()} == {tuple(EN)}


@pytest.mark.parametrize("key", EN)
def test_a_text_is_filled_in_with_the_same_facts(key: str) -> None:
    for english, chinese in zip(EN[key], ZH[key], strict=True):
        assert placeholders(english) == placeholders(chinese)
        if CHINESE.search(chinese) is None:
            assert placeholders(english), "what a machine said, and nothing else"
            assert english == chinese
        assert not CHINESE.search(english)


def test_what_a_machine_said_is_told_once() -> None:
    told = texts("HbalertRuleFailing", {"rule": "orders/Down", "error": "400 bad {braces}"})
    assert told == {
        "summary": "Rule orders/Down does not watch as it should; its alerts are held",
        "description": "400 bad {braces}",
        "summary_zh": "规则 orders/Down 未能正常评估，其告警保持不变",
    }


def test_a_fact_may_be_a_text_in_each_language_or_empty() -> None:
    facts: Facts = {"notifier": "sms", "news": {"en": "news", "zh": "新闻"}, "answer": "", "delivery": "9a97"}
    told = texts("HbalertDeliveryDead", facts)
    assert (told["summary"], told["summary_zh"]) == ("sms was not told: news", "sms 未被通知：新闻")
    assert told["description"].startswith("no answer;")
    assert told["description_zh"].startswith("无应答；")
