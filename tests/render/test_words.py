"""Both languages say the same things."""

from __future__ import annotations

import dataclasses
import string

import pytest

from hbalert.core.notification import Reason
from hbalert.render.words import CATALOGUES, EN, ZH, words

FIELDS = [field.name for field in dataclasses.fields(EN)]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("field", [name for name in FIELDS if isinstance(getattr(EN, name), str)])
def test_a_word_stands_in_both_catalogues_with_the_same_placeholders(field: str) -> None:
    english, chinese = getattr(EN, field), getattr(ZH, field)
    assert english
    assert chinese
    assert placeholders(english) == placeholders(chinese)


@pytest.mark.parametrize("catalogue", CATALOGUES.values(), ids=list(CATALOGUES))
def test_every_reason_has_its_words(catalogue: object) -> None:
    assert set(catalogue.reasons) == set(Reason)  # type: ignore[attr-defined]
    assert all(catalogue.reasons.values())  # type: ignore[attr-defined]


def test_the_chinese_words_are_chinese() -> None:
    """A word that was forgotten would be the English one."""
    same = [name for name in FIELDS if getattr(EN, name) == getattr(ZH, name)]
    assert same == []


def test_an_unknown_language_is_told_in_english() -> None:
    assert words("tlh") is EN
