"""In which labels rules may be asked for many values at once, and in which they may not."""

from __future__ import annotations

import pytest

from hbalert.sources.holes import holes


def apart_in(expr: str) -> list[str]:
    return [hole.label for hole in holes(expr)]


@pytest.mark.parametrize(
    "expr",
    [
        'x{bot="a"}',
        "x{bot='a'} > 1",
        "x{ bot = `a` } == bool 1",
        '{bot="a"}',
        'x{bot="a",bot!="b"}',
        'rate(x{bot="a"}[5m] offset 1m)',
        'max_over_time((x{bot="a"} > 1)[5m:1m])',
        'quantile_over_time(0.5, x{bot="a"}[5m])',
        '-clamp_max(x{bot="a"}, 5) * 2 + time()',
        'x{bot="a"} > scalar(y)',
        'histogram_quantile(0.9, x{bot="a"})',
        'sum by (bot) (x{bot="a"})',
        'avg(x{bot="a"}) by (bot, kind)',
        'max without (kind) (x{bot="a"})',
        'x{bot="a"} / y{bot="a"}',
        'x{bot="a"} / y',
        'y / x{bot="a"}',
        'x{bot="a"} / on (bot) y{bot="a"}',
        'x{bot="a"} / ignoring (kind) y{bot="a"}',
        'x{bot="a"} * on (bot) group_left (team) y{bot="a"}',
        'x{bot="a"} * on (job) group_left (team) y',
        'y * on (job) group_right (team) x{bot="a"}',
        'x{bot="a"} and on () y',
        'x{bot="a"} and on (bot) y{bot="a"}',
        'x{bot="a"} unless ignoring (bot) y',
        'x{bot="a"} or y{bot="a"}',
        'time() - x{bot="a"} > 60',
    ],
)
def test_an_expression_is_apart_in_a_label_that_every_series_of_its_answer_keeps(expr: str) -> None:
    assert apart_in(expr) == ["bot"]


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("x", id="no matcher"),
        pytest.param('x{bot=""}', id="an empty value is no label as well"),
        pytest.param('x{bot!="a"}', id="not equal"),
        pytest.param('x{bot=~"a"}', id="a regular expression"),
        pytest.param('x{bot="a|b"}', id="a value that means something in one"),
        pytest.param('x{bot="a\\x62"}', id="an escape"),
        pytest.param('{__name__="x"}', id="the name"),
        pytest.param('absent(x{bot="a"})', id="absent"),
        pytest.param('absent_over_time(x{bot="a"}[5m])', id="absent over time"),
        pytest.param('scalar(x{bot="a"})', id="a number"),
        pytest.param('vector(scalar(x{bot="a"}))', id="a number as series"),
        pytest.param('y > scalar(x{bot="a"})', id="compared with a number of its own"),
        pytest.param('sum(x{bot="a"})', id="aggregated away"),
        pytest.param('sum by (kind) (x{bot="a"})', id="aggregated by another label"),
        pytest.param('sum without (bot) (x{bot="a"})', id="aggregated without it"),
        pytest.param('topk by (bot) (1, x{bot="a"})', id="ties"),
        pytest.param('count_values by (bot) ("bot", x{bot="a"})', id="overwritten by a count"),
        pytest.param('label_replace(x{bot="a"}, "bot", "b", "", "")', id="overwritten"),
        pytest.param('label_join(x{bot="a"}, "y", "-", "bot")', id="label functions"),
        pytest.param('x{bot="a"} or vector(0)', id="or with what carries no value"),
        pytest.param('x{bot="a"} or y', id="or with all values"),
        pytest.param('y and x{bot="a"} or y', id="or, nested"),
        pytest.param('y and x{bot="a"}', id="the other side of and"),
        pytest.param('x{bot="a"} and on () y{bot="a"}', id="and, whatever the value"),
        pytest.param('x{bot="a"} / on () y{bot="a"}', id="joined whatever the value"),
        pytest.param('x{bot="a"} / on (job) y', id="a join that drops it"),
        pytest.param('x{bot="a"} / ignoring (bot) y{bot="a"}', id="ignored"),
        pytest.param('x{bot="a"} * on (job) group_left (bot) y', id="overwritten by a join"),
        pytest.param('x{bot="a"} / y{bot="b"}', id="two values"),
        pytest.param('histogram_quantile(0.9, x{le="1"})', id="the label of buckets"),
        pytest.param('x{bot="a"} >', id="no PromQL"),
        pytest.param('holt_winters(x{bot="a"}[5m], 0.5, 0.5)', id="a function that is not known"),
        pytest.param("\"x{bot='a'}\"", id="a text"),
        pytest.param('x # {bot="a"}', id="a comment"),
    ],
)
def test_whatever_else_is_asked_for_itself(expr: str) -> None:
    assert apart_in(expr) == []


def test_every_place_of_the_label_is_filled_and_nothing_else_is_touched() -> None:
    (hole,) = holes('sum by (bot) (x{bot = "a", y=~"a"}) / sum by (bot) (z{bot=\'a\'}) # bot="a"')
    assert hole.text(["a", "b.c", "a"]) == (
        'sum by (bot) (x{bot=~"a|b[.]c", y=~"a"}) / sum by (bot) (z{bot=~"a|b[.]c"}) # bot="a"'
    )
    assert hole.value == "a"
    added = len(hole.text(["a", "b.c", "d.e"]).encode()) - len(hole.text(["a", "b.c"]).encode())
    assert hole.weight("d.e") == added


def test_rules_that_differ_in_the_value_only_are_a_family() -> None:
    (one,), (other,), (third,) = (
        holes(expr) for expr in ('x{bot="a"} > 1', '# b\nx{ bot="b" }>1', 'x{bot="a"} > 2')
    )
    assert one.key == other.key != third.key


def test_an_expression_with_several_labels_may_be_asked_by_any_of_them() -> None:
    assert apart_in('sum by (bot, at) (x{bot="a",at="b",kind="c"})') == ["bot", "at"]
    both = {hole.key for expr in ('x{a="p",b="q"}', 'x{a="q",b="q"}') for hole in holes(expr)}
    assert len(both) == 3, "one family by a, and two by b"
