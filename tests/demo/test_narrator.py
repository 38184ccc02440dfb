"""How the demo's lines and its table look."""

from __future__ import annotations

import io

import pytest

from hbalert.demo.narrator import Heard, Narrator, columns, shorten, table, wants_colour
from tests.fakes.clock import FakeClock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_carry_the_seconds_since_the_start_and_none_before_it() -> None:
    out, clock = io.StringIO(), FakeClock()
    narrator = Narrator(out, clock, colour=False)
    narrator.say("demo", "three bots")
    narrator.start()
    narrator.say("fired", "something")
    assert out.getvalue().splitlines() == ["         demo      three bots", "  0.0 s  fired     something"]


@pytest.mark.parametrize(
    ("out", "environ", "wanted"),
    [
        pytest.param(Terminal(), {}, True, id="a terminal"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, False, id="a terminal, but NO_COLOR"),
        pytest.param(Terminal(), {"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param(io.StringIO(), {}, False, id="a file"),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    out: io.StringIO, environ: dict[str, str], wanted: bool
) -> None:
    assert wants_colour(out, environ) is wanted


def test_a_text_from_outside_cannot_play_with_the_terminal() -> None:
    assert shorten("a\x1b[2J\nb\u202ec", 40) == "a [2J b c"


def test_chinese_takes_two_columns_and_is_cut_before_the_edge() -> None:
    assert columns("告警 1") == 6
    assert shorten("告警" * 10, 12) == "告警告警..."


def test_the_table_says_who_was_told_when_and_what_was_refused() -> None:
    told = Heard("DingTalk", "signature verified")
    told.note(15.04, resolved=False)
    told.note(20, resolved=False)
    told.note(40, resolved=True)
    refused = Heard("SMS", "signature verified", refused=2)
    assert table([told, refused]).splitlines() == [
        "channel   first alert   first resolve  messages  by the gateway",
        "DingTalk  after 15.0 s  after 40.0 s   3         signature verified",
        "SMS       never         never          0         2 refused",
    ]
