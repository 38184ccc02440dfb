"""Which rules compare one left side with different numbers, and what passes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.sources.bounds import Bound, bound


@pytest.mark.parametrize(
    ("expr", "left", "op", "number"),
    [
        ("x > 10", "x", ">", 10),
        ("x>=10", "x", ">=", 10),
        ("x < 1e3", "x", "<", 1000),
        ("x <= 0x1F", "x", "<=", 31),
        ("x > -5", "x", ">", -5),
        ("x > - 5", "x", ">", -5),
        ("x > -0x10", "x", ">", -16),
        ("x > +.5", "x", ">", 0.5),
        ("x > 5.", "x", ">", 5),
        ("x > 1E-3", "x", ">", 0.001),
        ("x > 9007199254740993", "x", ">", 9007199254740992),
        ("x > 12345678901234567890", "x", ">", 12345678901234567168),
        ("x > inf", "x", ">", math.inf),
        ("x > -Inf", "x", ">", -math.inf),
        ("10 < x", "x", ">", 10),
        ("10 >= x", "x", "<=", 10),
        ("-x > 1", "-x", ">", 1),
        ("x offset 5m > 1", "x offset 5m", ">", 1),
        ("sum by (a)  ( x ) # of all\n > 1 # many", "sum by(a)(x)", ">", 1),
        ("(a and b) > 1", "(a and b)", ">", 1),
        ("a / b > 1", "a/b", ">", 1),
    ],
)
def test_a_comparison_with_a_number_is_a_condition_on_its_left_side(
    expr: str, left: str, op: str, number: float
) -> None:
    assert bound(expr) == Bound(left, op, number)


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("x", id="no comparison"),
        pytest.param("x > bool 1", id="a truth value"),
        pytest.param("1 < bool x", id="a truth value, turned round"),
        pytest.param("x == 1", id="equality holds no other"),
        pytest.param("x != 1", id="nor does inequality"),
        pytest.param("x > NaN", id="NaN"),
        pytest.param("x > 010", id="eight or ten"),
        pytest.param("x > 00.5", id="zeros in front"),
        pytest.param("x > 1 > 2", id="two comparisons"),
        pytest.param("x > 1 and y", id="and"),
        pytest.param("x > 1 OR y", id="or, in capitals"),
        pytest.param("x > 1 unless y", id="unless"),
        pytest.param("x > 2 ^ 3", id="arithmetic"),
        pytest.param("x > time()", id="a number that changes"),
        pytest.param("x > y", id="series"),
        pytest.param("x > on (a) y", id="a join"),
        pytest.param("x > 0x8000000000000000", id="more than 64 bits"),
        pytest.param("x > 1e400", id="more than a float holds"),
        pytest.param("x >", id="no PromQL"),
        pytest.param("x > 5m", id="a duration, known to newer servers only"),
        pytest.param("1 > bool 2", id="numbers only"),
    ],
)
def test_whatever_else_is_left_to_the_server(expr: str) -> None:
    assert bound(expr) is None


NUMBERS = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, math.inf, -math.inf])


@given(
    op=st.sampled_from([">", "<"]),
    equal=st.tuples(st.booleans(), st.booleans()),
    numbers=st.tuples(NUMBERS, NUMBERS),
    value=st.floats() | NUMBERS,
)
def test_what_passes_the_stronger_condition_passes_the_weaker(
    op: str, equal: tuple[bool, bool], numbers: tuple[float, float], value: float
) -> None:
    weak, strong = sorted(
        (Bound("x", op + "=" * also, number) for also, number in zip(equal, numbers, strict=True)),
        key=lambda each: each.strength,
    )
    assert weak.kind == strong.kind
    assert weak.holds(value) or not strong.holds(value)


@pytest.mark.parametrize("op", [">", ">=", "<", "<="])
def test_nan_never_passes(op: str) -> None:
    assert not Bound("x", op, 0).holds(math.nan)
    assert Bound("x", op, 0).holds(0) is (len(op) == 2)
