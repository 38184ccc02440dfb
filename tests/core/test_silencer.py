"""The arrangement answers what the definition answers, for any silences and labels."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, Op, make
from hbalert.core.sieve import CompileMany
from hbalert.core.silence import Silence, silenced_by
from hbalert.core.silencer import Silencer
from hbalert.regex import compile_many, compile_regex
from tests.core.say import labels, m, t

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["", "x", "y", "xy", "x\ny", "é"])
PATTERNS = st.sampled_from(["", "x", "x|y", "x.*", ".*", ".+", "(?i)X", "x{1,2}y?", r"\p{L}", "^x", "x$"])


def matchers() -> st.SearchStrategy[Matcher]:
    plain = st.builds(
        lambda n, op, v: make(n, op, v, compile_regex), NAMES, st.sampled_from(list(Op)[:2]), VALUES
    )
    regex = st.builds(
        lambda n, op, v: make(n, op, v, compile_regex), NAMES, st.sampled_from(list(Op)[2:]), PATTERNS
    )
    return plain | regex


def silence(name: str, *conditions: Matcher) -> Silence:
    return Silence(name, conditions, t(0), t(60), "li", "c", t(0))


@given(
    st.lists(st.lists(matchers(), max_size=3), max_size=6),
    st.lists(st.dictionaries(NAMES, VALUES), min_size=1, max_size=6),
    st.sampled_from([None, compile_many]),
)
def test_it_answers_as_if_every_silence_were_asked(
    conditions: list[list[Matcher]], alerts: Sequence[dict[str, str]], together: CompileMany | None
) -> None:
    active = [silence(f"s{index}", *each) for index, each in enumerate(conditions)]
    silencer = Silencer(active, together)
    for _ in range(2):  # the second time from memory
        for each in alerts:
            assert list(silencer.silenced_by(Labels(each))) == silenced_by(Labels(each), active, t(1))


def test_it_holds_for_the_same_silences_in_the_same_order_only() -> None:
    one, two = silence("1", m("a=x")), silence("2", m("a=y"))
    silencer = Silencer([one, two])
    assert silencer.holds([one, two])
    assert not silencer.holds([two, one])
    assert not silencer.holds([one])
    assert not silencer.holds([one, two, one])
    assert not silencer.holds([one, silence("2", m("a=z"))])


def test_more_values_than_are_remembered_change_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hbalert.core.sieve.REMEMBERED", 2)
    silencer = Silencer([silence("1", m("bot=~b1.*"))], compile_many)
    for _ in range(2):
        for bot, expected in (("b1", ("1",)), ("b2", ()), ("b12", ("1",)), ("x", ())):
            assert silencer.silenced_by(labels(f"bot={bot}")) == expected


@given(st.lists(PATTERNS, max_size=8), VALUES)
def test_many_patterns_are_asked_as_each_alone(patterns: list[str], value: str) -> None:
    alone = [index for index, pattern in enumerate(patterns) if compile_regex(pattern)(value)]
    assert sorted(compile_many(patterns)(value)) == alone


def test_hundreds_of_patterns_are_asked_as_each_alone() -> None:
    patterns = [f"web-{number}:.*" for number in range(350)] + ["web-.*:9100", ".*"]
    assert sorted(compile_many(patterns)("web-349:9100")) == [349, 350, 351]


def test_a_bad_pattern_among_many_is_named() -> None:
    with pytest.raises(ValueError, match="'\\('"):
        compile_many(["x", "("])
