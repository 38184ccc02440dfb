"""How a text is shortened: the most important stays, and what is missing is counted."""

from __future__ import annotations

import pytest

from hbalert.render.clean import size
from tests.render.samples import NOW, alert, notification, say

MANY = notification(*(alert(f"bot{i:03}") for i in range(300)), alert("over", ended=NOW))


@pytest.mark.parametrize("style", ["mail", "text", "markdown"])
@pytest.mark.parametrize("limit", [1, 2, 3, 50, 300, 1000, 5000, 18_000])
def test_a_text_is_never_longer_than_the_channel_takes(style: str, limit: int) -> None:
    for language in ("en", "zh"):
        text = say(MANY, style, language, max_bytes=limit).text
        assert 0 < size(text) <= limit


@pytest.mark.parametrize("style", ["mail", "text", "markdown"])
@pytest.mark.parametrize("limit", [1000, 5000, 18_000])
def test_what_is_missing_is_counted(style: str, limit: int) -> None:
    text = say(MANY, style, max_bytes=limit).text
    shown = [f"bot{i:03}" for i in range(300) if f"bot{i:03}: no metrics" in text]
    assert shown == [f"bot{i:03}" for i in range(len(shown))], "the first ones, in order"
    assert f"... and {301 - len(shown)} more" in text
    assert "Why now: first notification" in text


@pytest.mark.parametrize("style", ["mail", "markdown"])
def test_a_text_of_exactly_the_limit_is_not_cut(style: str) -> None:
    value = notification(alert("alpha"), alert("beta"))
    whole = say(value, style).text
    assert say(value, style, max_bytes=size(whole)).text == whole
    shorter = say(value, style, max_bytes=size(whole) - 1).text
    assert shorter != whole
    assert "beta: no metrics for 5 minutes" in shorter, "in brief instead of in full"


def test_the_first_line_survives_the_smallest_budget() -> None:
    assert say(notification(), max_bytes=40).text.startswith("alpha: no metrics for 5 minutes")


def test_plain_text_without_a_limit_is_complete() -> None:
    text = say(MANY, "mail").text
    assert all(f"* bot{i:03}: no metrics" in text for i in range(300))
    assert "more" not in text
