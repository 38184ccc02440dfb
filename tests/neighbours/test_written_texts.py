"""Values written as TOML and YAML: read back as they were, and seen as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from hbalert.neighbours.toml_text import prose, string
from hbalert.neighbours.yaml_text import scalar

TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(st.text())
@example('a "quoted" \x9b[2J \u202egnp.exe')
@example("two\nlines \u2066 and \x85 '''")
def test_a_text_is_read_back_as_it_was(text: str) -> None:
    for write in (string, prose):
        assert tomllib.loads(f"a = {write(text)}")["a"] == text


@pytest.mark.parametrize("text", ["a\u202eb: #", "\u2066x", "two\nlines\u202e", "\x9b31m"])
def test_a_text_with_hidden_marks_is_read_back_from_yaml(text: str) -> None:
    assert yaml.safe_load(f"a: {scalar(text)}") == {"a": text}


@pytest.mark.parametrize("write", [string, prose, scalar])
@pytest.mark.parametrize("around", ["{}", 'say "{}"', "a\n{}\n"])
def test_nothing_in_a_text_can_turn_round_what_is_shown(write: Callable[[str], str], around: str) -> None:
    for char in TURNS + "\x7f\x80\x9b\x9f\u2028":
        assert char not in write(around.format(char)), repr(char)
