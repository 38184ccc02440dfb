"""What an expression says without asking anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.promql import MAX_BYTES, Shape, data_query, parse, shape


@pytest.mark.parametrize(
    ("expr", "kind"),
    [
        ("up", Shape.VECTOR),
        ("up # comment", Shape.VECTOR),
        ("1", Shape.SCALAR),
        ("-(1 + 2) ^ pi()", Shape.SCALAR),
        ("time() - scalar(up)", Shape.SCALAR),
        ("1 == bool 1", Shape.SCALAR),
        ("1 + up", Shape.VECTOR),
        ("vector(1)", Shape.VECTOR),
        ("sum(up)", Shape.VECTOR),
        ('"text"', Shape.STRING),
        ('("text")', Shape.STRING),
        ("up[5m]", Shape.MATRIX),
        ("(up[5m:1m])", Shape.MATRIX),
        ("up) or (up", None),
        ("", None),
        ("holt_winters(up[5m], 0.5, 0.5)", None),
    ],
)
def test_what_kind_of_value_an_expression_gives(expr: str, kind: Shape | None) -> None:
    assert shape(expr) is kind


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("up" + "+up" * 50_000, id="operators"),
        pytest.param("(" * 50_000 + "up" + ")" * 50_000, id="brackets"),
        pytest.param("-" * 3000 + "up", id="signs"),
        pytest.param("up" + " or up" * 1500, id="words"),
        pytest.param('up{a="' + "x" * MAX_BYTES + '"}', id="a long text"),
    ],
)
def test_what_could_overflow_the_parsers_stack_never_reaches_it(expr: str) -> None:
    """It would not raise: it would end the process."""
    with pytest.raises(ValueError, match="too long"):
        parse(expr)
    assert shape(expr) is None


@given(expr=st.text(alphabet='up(){}[]"\\#,=~<>or and1.5m:@é \n', max_size=40))
def test_any_text_has_a_shape_or_none(expr: str) -> None:
    shape(expr)
    data_query(expr)


@pytest.mark.parametrize(
    ("expr", "data"),
    [
        pytest.param(
            "failed / total > 0.05", "count((\nfailed / total\n))", id="the left side of a comparison"
        ),
        pytest.param("0.05 < failed", "count((\nfailed\n))", id="the right side, where the left is a number"),
        pytest.param("0.05 < bool failed == 1", "count((\nfailed\n))", id="without `bool` and what follows"),
        pytest.param("(sum(a) > 1)", "count((\nsum(a)\n))", id="inside brackets"),
        pytest.param("a > on(x) b", "count((\na\n))", id="of two vectors the left one"),
        pytest.param("a > 1 and b < 2", "count((\na\n))", id="and: the left side"),
        pytest.param("a unless on(x) b", "count((\na\n))", id="unless: the left side"),
        pytest.param("a > 1 or b > 1", "count((\na\n)) or count((\nb\n))", id="or: either will do"),
        pytest.param("a > 1 OR b", "count((\na\n)) or count((\nb\n))", id="words in capitals"),
        pytest.param('a{x="> or ("} > 1', 'count((\na{x="> or ("}\n))', id="a text is no operator"),
        pytest.param("a{x=~'b'} > 1 # or c", "count((\na{x=~'b'}\n))", id="a comment is no operator"),
        pytest.param("sum by (or) (a) > 1", "count((\nsum by (or) (a)\n))", id="a label called or"),
        pytest.param("absent(a)", None, id="nothing is compared: the answer itself tells"),
        pytest.param("a", None, id="a bare selector"),
        pytest.param("(a > 1) - b", None, id="a comparison inside arithmetic"),
        pytest.param("time() > bool 5", None, id="numbers are always there"),
        pytest.param("a >", None, id="what is not accepted here"),
        pytest.param("# nothing", None, id="only a comment"),
    ],
)
def test_the_data_side_tells_good_news_from_no_news(expr: str, data: str | None) -> None:
    assert data_query(expr) == data


@pytest.mark.parametrize("expr", ["failed / total > 0.05", "a > 1 or b{x='('} > 1 # c", "((a)) == 0"])
def test_a_data_query_is_accepted_by_the_parser(expr: str) -> None:
    assert shape(data_query(expr) or "") is Shape.VECTOR
