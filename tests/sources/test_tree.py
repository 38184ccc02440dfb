"""Many expressions as one query: how they are joined, and whose an answer is."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery
from hbalert.ports import Answer
from hbalert.sources.tree import TAG, apart, joined, packed
from hbalert.sources.wire import Vector


def test_a_batch_is_a_balanced_tree_of_marked_raw_expressions() -> None:
    assert joined(["up # all", "1", "x"]) == (
        '((label_join((\nup # all\n),"__hbalert_rule__","0","__hbalert_a","__hbalert_b")'
        ' or label_join(vector((\n1\n)),"__hbalert_rule__","1","__hbalert_a","__hbalert_b"))'
        ' or label_join((\nx\n),"__hbalert_rule__","2","__hbalert_a","__hbalert_b"))'
    )


@given(number=st.integers(1, 70))
def test_a_batch_of_any_number_is_one_expression_of_little_depth(number: int) -> None:
    text = joined([f"m{place}" for place in range(number)])
    promql_parser.parse(text)
    depth = max_depth = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        max_depth = max(depth, max_depth)
    assert max_depth <= number.bit_length() + 3


def test_an_answer_is_taken_apart_by_its_marks_and_warnings_belong_to_all() -> None:
    vector = Vector([({"a": "1", TAG: "1"}, 1.0), ({"a": "0", TAG: "0"}, 2.0), ({TAG: "1"}, 3.0)], ("w",))
    assert apart(vector, ["x", "y", "z"]) == [
        Answer((Sample(Labels({"a": "0"}), 2.0),), ("w",)),
        Answer((Sample(Labels({"a": "1"}), 1.0), Sample(Labels(), 3.0)), ("w",)),
        Answer((), ("w",)),
    ]


def test_histograms_that_keep_their_mark_are_left_out_of_the_answer_they_belong_to() -> None:
    first, second = apart(Vector([({TAG: "0"}, 1.0)], histograms=({"a": "1", TAG: "1"},)), ["x", "y"])
    assert first == Answer((Sample(Labels(), 1.0),))
    assert not second.samples
    assert "1 native histograms were left out" in second.warnings[0]


def test_a_warning_that_says_its_place_is_for_the_expression_that_stands_there() -> None:
    exprs = ["a", "quantile(1.5,\n b)", "c"]
    query = joined(exprs).split("\n")
    line, column = next((n, text.index(" b") + 2) for n, text in enumerate(query, 1) if " b" in text)
    said = (
        f"PromQL warning: not good ({line}:{column})",
        "PromQL warning: nowhere (99:1)",
        "a store is away",
    )
    first, second, third = (answer.warnings for answer in apart(Vector([], said), exprs))
    assert first == third == said[1:]
    assert second == ("PromQL warning: not good (2:2)", *said[1:]), "the place as if it had been alone"


@pytest.mark.parametrize("tag", ["", "3", "-1", "x", "²", None])
def test_an_answer_without_good_marks_is_refused(tag: str | None) -> None:
    with pytest.raises(BadQuery, match="cannot be taken apart"):
        apart(Vector([({} if tag is None else {TAG: tag}, 1.0)]), ["x", "y", "z"])


def test_what_goes_together_is_neither_too_many_nor_too_long() -> None:
    exprs = ["a"] * 7 + ["b" * 7000] * 3 + ["c"]
    sizes = [(some.start, some.stop) for some in packed(exprs, 5)]
    assert sizes == [(0, 5), (5, 8), (8, 9), (9, 11)]
    assert list(packed([], 5)) == []
