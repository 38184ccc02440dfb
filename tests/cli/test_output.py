"""Tables for people, JSON for programs."""

from __future__ import annotations

import io
import json
import sys
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hbalert.cli.output import (
    WIDEST,
    ago,
    as_json,
    cell,
    cut,
    folded,
    narrowed,
    on_clock,
    plain,
    show,
    show_one,
    table,
    width,
)

TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""Unicode's marks that turn a line round."""

ROWS = [{"bot": "mm-btc", "state": "active", "n": 3}, {"bot": "机器人一号", "state": None, "n": 12}]


def shown(output: str, rows: Any = ROWS, **more: Any) -> str:
    out = io.StringIO()
    show(rows, output, stream=out, **more)
    return out.getvalue()


def test_columns_stand_where_a_terminal_puts_them() -> None:
    assert shown("table").splitlines() == [
        "BOT         STATE   N",
        "mm-btc      active  3",
        "机器人一号  -       12",
    ]


def test_a_table_shows_the_columns_that_are_asked_for() -> None:
    assert shown("table", columns=("n", "missing")) == "N   MISSING\n3   -\n12  -\n"


def test_on_a_terminal_wide_columns_give_way_so_that_all_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    rows = [{"matchers": "机器人" * 50, "ends": "2026-03-01 20:00:00 +0800", "by": "li", "comment": "x" * 99}]
    heading, line = table(rows, tuple(rows[0])).splitlines()
    assert heading.split() == ["MATCHERS", "ENDS", "BY", "COMMENT"]
    assert line == f"{'机器人' * 4}…  2026-03-01 20:00:00 +0800  li  {'x' * 21}…"
    assert width(line) <= 80


def test_elsewhere_one_long_cell_moves_nobody_elses_columns() -> None:
    lines = table(
        [{"alert": "x" * 8000, "by": "li"}, {"alert": "a", "by": "wu"}], ("alert", "by")
    ).splitlines()
    assert lines[1] == f"{'x' * 8000}  li"
    assert len(lines[2]) == WIDEST + len("  wu")


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))


def test_columns_without_room_stand_below_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 40)
    row = {
        "at": "2026-03-01 20:00:00 +0800",
        "notifier": "ops_sms",
        "answer": "机器人 busy, try later",
        "id": "9a97",
    }
    assert table([row], tuple(row)).splitlines() == [
        "AT                         NOTIFIER",
        "2026-03-01 20:00:00 +0800  ops_sms",
        "    answer: 机器人 busy, try later; id:",
        "    9a97",
    ]


def test_a_text_that_is_to_be_read_whole_goes_on_below(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal(monkeypatch, 40)
    rows = [
        {"what": "sent", "text": "phone accepted it after 12 ms: 机器人一号已停止"},
        {"what": "dead", "text": ""},
    ]
    shown = table(rows, ("what", "text"), wrap=True)
    assert shown.splitlines() == [
        "WHAT  TEXT",
        "sent  phone accepted it after 12 ms:",
        "      机器人一号已停止",
        "dead  -",
    ]
    terminal(monkeypatch, 20)
    assert max(map(width, table(rows, ("what", "text"), wrap=True).splitlines())) <= 20


@given(st.text(max_size=60), st.integers(1, 20))
def test_a_folded_text_is_the_same_text(text: str, columns: int) -> None:
    lines = folded(plain(text), columns)
    assert "".join(lines).replace(" ", "") == plain(text).replace(" ", "")
    assert all(width(line) <= max(2, columns) for line in lines)


def test_moments_in_our_own_texts_are_shown_on_the_clock_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        told = on_clock("late since 2026-03-01T12:00:31Z, or 2026-02-31T12:00:31Z")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told == "late since 2026-03-01 20:00:31 +0800, or 2026-02-31T12:00:31Z"


@pytest.mark.parametrize(
    ("widths", "room", "fits"),
    [
        pytest.param([8, 20], 80, [8, 20], id="there is room for all"),
        pytest.param([8, 200, 30], 82, [8, 40, 30], id="the widest one gives way"),
        pytest.param([8, 200, 60], 100, [8, 44, 44], id="two of them end equally wide"),
        pytest.param([60, 60, 60], 40, [25, 25, 25], id="none gets narrower than a time"),
        pytest.param([], 80, [], id="no columns"),
    ],
)
def test_columns_are_narrowed_to_the_room_there_is(widths: list[int], room: int, fits: list[int]) -> None:
    assert narrowed(widths, room) == fits


def test_json_is_one_object_with_a_version() -> None:
    assert json.loads(shown("json", columns=("n",))) == {"schema": 1, "rows": ROWS}
    assert json.loads(shown("json", [])) == {"schema": 1, "rows": []}
    assert "机器人" in shown("json")


@given(st.text())
@example("\x9b31m \u202egnp.exe \u2066 \U000e0041")
def test_json_says_what_it_was_given_and_a_terminal_obeys_none_of_it(text: str) -> None:
    said = as_json({"label": text})
    assert json.loads(said) == {"label": text}
    assert {unicodedata.category(char) for char in said}.isdisjoint({"Cc", "Cs"})
    assert {unicodedata.bidirectional(char) for char in said}.isdisjoint(TURNING)


def test_jsonl_is_one_row_per_line() -> None:
    assert [json.loads(line) for line in shown("jsonl").splitlines()] == ROWS


def test_nothing_to_show_is_said_beside_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("table", [], empty="Nothing waits.") == ""
    assert capsys.readouterr().err == "Nothing waits.\n"
    assert shown("jsonl", [], empty="Nothing waits.") == ""
    assert capsys.readouterr().err == ""


def test_one_thing_is_text_for_people_and_fields_for_programs() -> None:
    out = io.StringIO()
    show_one({"id": "7"}, "table", "seven", stream=out)
    show_one({"id": "7"}, "jsonl", "seven", stream=out)
    assert out.getvalue() == 'seven\n{"schema": 1, "id": "7"}\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        (["a", "b"], "a, b"),
        ({"a": "1"}, "a=1"),
        ("two\nlines", "two lines"),
        ("\x1b[31mred", "\\u001b[31mred"),
    ],
    ids=repr,
)
def test_a_cell_is_one_line_of_plain_text(value: Any, text: str) -> None:
    assert cell(value) == text


@given(st.text())
def test_nothing_plain_moves_the_cursor(text: str) -> None:
    assert len(plain(text).splitlines()) <= 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in plain(text))


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("机器人", 6), ("e\u0301", 1), ("Ａ", 2), ("ﾊ", 1), ("👍", 2), ("", 0)],
)
def test_the_width_is_what_a_terminal_needs(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(), st.integers(1, 30))
def test_a_cut_text_fits(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns


def test_a_table_of_chinese_is_aligned() -> None:
    lines = table([{"a": "机", "b": "x"}, {"a": "abcd", "b": "y"}], ("a", "b")).splitlines()
    assert [width(line) for line in lines] == [7, 7, 7]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0.4, "0s"), (59, "59s"), (61, "1m 1s"), (90061, "1d 1h"), (86400, "1d")],
)
def test_a_length_of_time_has_at_most_two_units(seconds: float, text: str) -> None:
    assert ago(seconds) == text
