"""Segments: how many messages a text is, and where it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.channels.sms.segments import cut, is_gsm, split, to_gsm

GHOST = "👻"  # two UTF-16 units


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", 1, id="empty"),
        pytest.param("a" * 160, 1, id="160 of GSM-7"),
        pytest.param("a" * 161, 2, id="161 of GSM-7"),
        pytest.param("a" * 306, 2, id="306 of GSM-7"),
        pytest.param("a" * 307, 3, id="307 of GSM-7"),
        pytest.param("a" * 159 + "€", 2, id="a character of the second alphabet counts two"),
        pytest.param("a" * 158 + "€", 1, id="and just fits"),
        pytest.param("a" * 152 + "€" + "a" * 152, 3, id="it is not taken apart between two parts"),
        pytest.param("界" * 70, 1, id="70 of UCS-2"),
        pytest.param("界" * 71, 2, id="71 of UCS-2"),
        pytest.param("界" * 134, 2, id="134 of UCS-2"),
        pytest.param("界" * 135, 3, id="135 of UCS-2"),
        pytest.param("a" * 69 + "界", 1, id="one character outside GSM-7 turns the whole to UCS-2"),
        pytest.param("a" * 70 + "界", 2, id="and doubles the price"),
        pytest.param(GHOST * 35, 1, id="35 surrogate pairs"),
        pytest.param(GHOST * 36, 2, id="36 surrogate pairs"),
        pytest.param(GHOST * 67, 3, id="a pair is not split: 33 of them in a part"),
    ],
)
def test_a_text_is_so_many_messages(text: str, parts: int) -> None:
    assert len(split(text)) == parts
    assert "".join(split(text)) == text


def test_a_cut_text_ends_with_dots_and_fills_its_parts() -> None:
    assert cut("a" * 160, 1) == "a" * 160
    assert cut("a" * 500, 2) == "a" * 303 + "..."
    assert cut("界" * 100, 1) == "界" * 69 + "…"


@given(st.text(), st.integers(1, 4))
def test_a_cut_text_never_has_more_parts_and_is_always_whole_characters(text: str, limit: int) -> None:
    shorter = cut(text, limit)
    assert len(split(shorter)) <= limit
    shorter.encode("utf-16-le")
    assert shorter == text or shorter[-1] in ".…"


@given(st.text(alphabet="ab^€界👻{\n", max_size=700))
def test_every_part_fits_its_alphabet(text: str) -> None:
    parts = split(text)
    for part in parts if len(parts) > 1 else ():
        width = (
            sum(2 if c in "^€{" else 1 for c in part) if is_gsm(text) else len(part.encode("utf-16-le")) // 2
        )
        assert width <= (153 if is_gsm(text) else 67)


def test_typographic_characters_do_not_double_the_price() -> None:
    assert to_gsm("bot_a\u00a0is “down” — 3 ≥ 2 …") == 'bot_a is "down" - 3 >= 2 ...'
    assert to_gsm("“停止”") == "“停止”"
