"""Conditions that hold always or never, whatever the data are."""

from __future__ import annotations

import pytest

from hbalert.config.expression_values import doubts


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("up > 1", id="up is 0 or 1"),
        pytest.param("up == 2", id="and never 2"),
        pytest.param("min(up) > 1", id="also aggregated"),
        pytest.param("count(a) < 1", id="what is counted is there"),
        pytest.param("absent(a) == 0", id="absent gives 1"),
        pytest.param("rate(a[5m]) < 0", id="rates are not negative"),
        pytest.param("sum(rate(a[5m])) / sum(rate(b[5m])) < 0", id="nor are shares of them"),
        pytest.param("-increase(a[5m]) > 0", id="a sign turns it round"),
        pytest.param("a_total < 0", id="counters are not negative"),
        pytest.param("hour() > 23", id="a day has no more hours"),
        pytest.param("a > 5 and a < 3", id="two that exclude each other"),
        pytest.param("(a > 5) < 3", id="one within the other"),
        pytest.param("a > bool 3 == 2", id="bool gives 0 or 1"),
    ],
)
def test_what_can_never_hold(expr: str) -> None:
    assert [doubt.always for doubt in doubts(expr)] == [False]


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("up >= 0", id="up is at least 0"),
        pytest.param("count(a) > 0", id="what is counted is there"),
        pytest.param("a_total != -1", id="counters are not negative"),
        pytest.param("absent(a) <= 1", id="absent gives 1"),
    ],
)
def test_what_always_holds(expr: str) -> None:
    assert [doubt.always for doubt in doubts(expr)] == [True]


@pytest.mark.parametrize(
    "expr",
    [
        "a > 5", "up == 0", "rate(a[5m]) > 0", "rate(a[5m]) <= 0", "a - b < 0",
        "rate(a[5m]) - rate(b[5m]) < 0", "a > 3 and a < 5", "a > 3 and b < 3", "a > 5 or a < 3",
        "count(a) == 1", "1 - avg(up) > 0.5", "a == bool 1", "sum_over_time(up[5m]) > 3", "sum(up) > 7",
        "absent(a)", "a > b", "a != a", "deriv(a[5m]) < 0", "predict_linear(a[5m], 3600) < 0",
        "quantile(0.5, a) < 0", "not promql (", "stddev(a) > 1", "a % 5 > 6",
        "label_replace(up, 'x', '$1', 'y', '(.*)') == 0", "vector(1)", "1 / rate(a_total[5m]) > 2",
        "a == NaN", "unknown_function(a) < 0",
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_depends_on_the_data(expr: str) -> None:
    assert doubts(expr) == []


def test_only_the_part_that_is_wrong_is_named() -> None:
    assert [doubt.text for doubt in doubts("sum by (bot) (up == 0 or up > 2) > 3")] == ["up > 2"]
