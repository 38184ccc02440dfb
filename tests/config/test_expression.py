"""Expressions: which can be a rule, what they read, and that none of them harms the parser."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbalert.config.expression import Selector, grouping, problems, reads_own_alerts, selectors


@pytest.mark.parametrize(
    "expr",
    [
        "up == 0",
        "time() > bool 5",
        "vector(1)",
        "rate(x_total[5m]) > 0 # a comment with keep_metric_names",
        'x{limit="1Ki"} > 1',
        "up{job='limit 5'} offset 5m unless on (job) up",
    ],
)
def test_a_rule_that_can_be_evaluated_has_no_problems(expr: str) -> None:
    assert list(problems(expr)) == []


@pytest.mark.parametrize(
    "expr",
    [
        "holt_winters(up[5m], 0.5, 0.5) > 0",
        "rate(up[5m]) keep_metric_names",
        "up default 0",
        "up ifnot down",
        "WITH (x = up) x",
        "up > 1Ki",
        "sum_over_time(up[1h:5i]) > 1",
        "rate(up[5m] smoothed)",
        "up[1+1]",
        "median_over_time(up[5m])",
        " + ".join(["up"] * 2000),
        "up" + " " * 13_000 + "== 0",
    ],
)
def test_what_only_some_servers_take_is_a_warning(expr: str) -> None:
    (problem,) = problems(expr)
    assert (problem.code, problem.is_error) == ("dialect", False)


def test_selectors_tell_what_is_read() -> None:
    expr = (
        'sum by (bot) (rate(a_total{x="1",y!~"2"}[5m])) / on (bot) {__name__="b", z=~"3.*"}'
        " unless (absent(c) or absent_over_time(d[5m])) or e"
    )
    assert selectors(expr) == [
        Selector("a_total", (("x", "=", "1"), ("y", "!~", "2"))),
        Selector("b", (("z", "=~", "3.*"),)),
        Selector("c", (), may_lack=True),
        Selector("d", (), may_lack=True),
        Selector("e", ()),
    ]
    assert grouping(expr) == {"bot"}
    assert grouping("sum without (a) (up) + max(up)") == set()


def test_of_what_cannot_be_parsed_or_is_very_long_nothing_is_said() -> None:
    assert selectors("up >") == []
    assert selectors(" + ".join(["up"] * 200)) == []


@pytest.mark.parametrize(
    ("expr", "own"),
    [
        ('ALERTS{alertname="Mine"}', True),
        ('ALERTS{alertname="Theirs"}', False),
        ("ALERTS", True),
        ('ALERTS_FOR_STATE{bot="a"}', True),
        ('{__name__="ALERTS"}', True),
        ("up", False),
    ],
)
def test_a_look_at_alerts_of_our_own_is_seen(expr: str, own: bool) -> None:
    (selector,) = selectors(expr)
    assert reads_own_alerts(selector, {"Mine": 1}) is own
    assert reads_own_alerts(selector, {}) is False


@settings(max_examples=200)
@given(st.text(alphabet="up()[]{}+-*/=~!<>\"'`, 0159mshbyon\n#", max_size=30))
def test_any_text_is_judged(expr: str) -> None:
    for problem in problems(expr):
        assert problem.what
    selectors(expr)


@pytest.mark.parametrize("shape", ["({})", "-{}", "abs({})", "{} + up", "up or {}"])
@pytest.mark.parametrize("depth", [50, 1000, 20_000])
def test_a_deep_expression_neither_hangs_nor_ends_the_process(shape: str, depth: int) -> None:
    before, after = shape.split("{}")
    list(problems(before * depth + "up" + after * depth))
    selectors(before * depth + "up" + after * depth)
