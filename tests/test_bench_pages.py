"""What `make bench` writes: rows, figures and pictures. What it measures is played by `make bench-quick`."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench import curves
from bench.budgets import LINES
from bench.chart import Axis, apart, steps
from bench.measures import load
from bench.page import BEGIN, END, known_rows, made_anew, verdict
from bench.panels import PANELS, Bound
from bench.record import Pair, Record, Scale, percentile

SVG = "{http://www.w3.org/2000/svg}"


def test_every_line_and_every_picture_is_measured_by_somebody() -> None:
    yields = [name for one in load().values() for name in one.yields]
    assert set(yields) == LINES.keys() | PANELS.keys()
    assert sorted(name for name in yields if name in LINES) == sorted(LINES), "a line has one measure"


@pytest.mark.parametrize(
    ("word", "measures"),
    [
        pytest.param("ingest", {"ingest"}, id="its own name"),
        pytest.param("refresh-1", {"ingest"}, id="a line that it fills"),
        pytest.param("growth-rules", {"rules_few", "rules_many", "growth_rules"}, id="a curve that it draws"),
        pytest.param("ask", {"ask_bots", "ask_pack"}, id="the beginning of some names"),
        pytest.param("nobody", set(), id="nobody"),
    ],
)
def test_a_measure_answers_to_a_word(word: str, measures: set[str]) -> None:
    assert {name for name, one in load().items() if one.called(word)} == measures


def test_growth_means_whatever_draws_a_curve() -> None:
    called = [one for one in load().values() if one.called("growth")]
    assert {name for one in called for name in one.yields if name in PANELS} == PANELS.keys()


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        pytest.param(0.49, "aim met", id="below the aim"),
        pytest.param(0.66, "met", id="between aim and budget"),
        pytest.param(0.67, "**missed**", id="above the budget"),
    ],
)
def test_a_verdict_follows_from_budget_and_aim(ratio: float, words: str) -> None:
    assert verdict(LINES["refresh-1"], [Pair(ratio, 1.0)]) == words


def test_a_run_of_one_measure_leaves_the_other_rows_and_the_words_around_them_alone() -> None:
    page = made_anew(f"before\n{BEGIN}\n{END}\nafter", {"list": [Pair(1, 2)], "help": [Pair(3, 4)]}, "first")
    again = made_anew(page, {"help": [Pair(30, 4)]}, "second")
    assert known_rows(again)["list"] == known_rows(page)["list"]
    assert known_rows(again)["help"] != known_rows(page)["help"]
    assert again.startswith("before\n")
    assert again.endswith("\nafter")
    assert "second" in again
    assert "first" not in again


def test_a_page_without_its_marks_is_left_alone() -> None:
    with pytest.raises(LookupError, match="lacks"):
        made_anew("no marks", {}, "")


def test_the_clock_cannot_see_less_than_a_thousandth() -> None:
    record = Record()
    record.pair("list", 0.5, 0.0)
    record.point("growth-look", "hbalert", 1_000, -3.0)
    assert record.pairs["list"][0].base == record.curves["growth-look"]["hbalert"][1_000][0] == 1e-3


def test_a_quick_run_looks_at_the_ends_of_a_curve() -> None:
    assert Scale(shrink=40).sizes((1_000, 5_000, 100_000)) == [25, 2_500]
    assert Scale().sizes((1_000, 5_000, 100_000)) == [1_000, 5_000, 100_000]


def test_the_99th_percentile_of_a_hundred_is_the_greatest() -> None:
    assert percentile([float(n) for n in range(100)], 0.99) == 99


def test_a_budget_may_be_level_begin_late_or_lie_above_somebody() -> None:
    curve = {10: 1.0, 100: 3.0}
    assert Bound("x", 1.5, flat=True).figures(curve) == {10: 1.5, 100: 1.5}
    assert Bound("x", 0.5, since=100).figures(curve) == {100: 1.5}
    assert Bound("x", plus=30).figures(curve) == {10: 31.0, 100: 33.0}
    assert Bound("x").figures({}) == {}


@pytest.mark.parametrize(
    ("least", "most", "wanted"),
    [
        pytest.param(7.5, 42, [5, 10, 20, 50], id="less than a decade"),
        pytest.param(5, 10, [2, 5, 10, 20], id="room below and above"),
        pytest.param(0.3, 90_000, [0.1, 1, 10, 100, 1_000, 10_000, 100_000], id="many: only powers of ten"),
    ],
)
def test_an_axis_reaches_from_below_the_least_to_above_the_most(
    least: float, most: float, wanted: list[float]
) -> None:
    assert steps(least, most) == pytest.approx(wanted)


def test_equal_ratios_are_equally_far_apart() -> None:
    axis = Axis(1, 100, 0, 200)
    assert [axis.at(number) for number in (1, 10, 100)] == [0, 100, 200]


def test_labels_do_not_cover_each_other() -> None:
    assert apart([50, 10, 52, 51], least=13) == [50, 10, 76, 63]


def figures() -> curves.Curves:
    return {
        name: {who: {1_000: [1.0, 2.0], 50_000: [30.0]} for who in panel.who}
        for name, panel in PANELS.items()
    }


def test_curves_are_read_back_as_they_were_written() -> None:
    assert curves.read(curves.written(figures(), "by <somebody>")) == figures()
    assert curves.read("") == {}


def test_places_that_were_not_measured_now_stay() -> None:
    found: curves.Curves = {"growth-look": {"hbalert": {1_000: [7.0]}}}
    whole = curves.joined(figures(), found)
    assert whole["growth-look"]["hbalert"] == {1_000: [7.0], 50_000: [30.0]}
    assert whole["growth-rules"] == figures()["growth-rules"]


def test_the_picture_is_sound_and_says_who_what_and_how_much() -> None:
    root = ElementTree.fromstring(curves.picture(figures(), "by <somebody> & others"))
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    for panel in PANELS.values():
        assert {panel.title, panel.among, panel.unit, panel.budget_says, *panel.who} <= set(words)
    assert "by <somebody> & others" in words
    assert len(list(root.iter(f"{SVG}g"))) == len(PANELS)


def test_one_place_alone_makes_no_curve() -> None:
    few: curves.Curves = {**figures(), "growth-rules": {"hbalert": {2_000: [1.0]}}}
    root = ElementTree.fromstring(curves.picture(few, ""))
    assert len(list(root.iter(f"{SVG}g"))) == len(PANELS) - 1
    assert len(list(ElementTree.fromstring(curves.picture({}, "")).iter(f"{SVG}g"))) == 0


def test_the_table_says_how_much_a_cost_has_grown() -> None:
    (row, *_) = [row for row in curves.rows(figures()) if "| hbalert |" in row]
    assert row.endswith("| 1,000: 1.5, 50,000: 30 | 20 |")
