"""The texts of a rule: labels and annotations with the values of one alert in them.

Knows that there are plain texts and others (`full.py`, next), and what a sample alert looks like. Must
not know states or messages. Message templates are compiled by `hbalert.render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hbalert.core.labels import Labels
from hbalert.core.rule import Expand, Occasion, Rule, Sample
from hbalert.templating.budget import MAX_TEXT, checked
from hbalert.templating.failure import TemplateError, reason
from hbalert.templating.plain import Part, compile_plain

if TYPE_CHECKING:
    from hbalert.templating.full import Full


class Template:
    """A text that can be expanded. `uses_value` is whether the result depends on the value."""

    __slots__ = ("_full", "_parts", "text", "uses_value")

    def __init__(self, text: str) -> None:
        self.text = text
        self._full: Full | None = None
        if len(text) > MAX_TEXT:
            raise TemplateError(f"the text has more than {MAX_TEXT} characters")
        plain = compile_plain(text)
        self._parts, self.uses_value = plain or ([], False)
        if plain is None:
            from hbalert.templating.full import Full

            self._full = Full(text)
            self.uses_value = self._full.uses_value

    def expand(
        self,
        labels: Mapping[str, str],
        value: float,
        external_labels: Mapping[str, str],
        external_url: str,
        occasion: Occasion | None = None,
    ) -> str:
        """The text of an alert with these labels and this value. Raises ValueError, fit to show; Unasked
        when it has queries whose answers are not there.

        What a label holds is never read as a template again.
        """
        if self._full is None:
            return _fill(self._parts, labels, value)
        return self._full.expand(labels, value, external_labels, external_url, occasion)


def _fill(parts: list[str | Part], labels: Mapping[str, str], value: float) -> str:
    try:
        return checked("".join([part if isinstance(part, str) else part(labels, value) for part in parts]))
    except ValueError as error:
        raise ValueError(reason(error)) from error


@lru_cache(maxsize=8192)
def compile(text: str) -> Template:
    """The template that `text` spells; remembered. Raises TemplateError (a ValueError), fit to show."""
    return Template(text)


def expander(external_labels: Mapping[str, str], external_url: str) -> Expand:
    """How rules expand their texts: (text, series labels, value, occasion) -> text, or ValueError."""

    def expand(text: str, labels: Labels, value: float, occasion: Occasion) -> str:
        return compile(text).expand(labels, value, external_labels, external_url, occasion)

    return expand


_SAMPLE_VALUES = (1.0, 0.0, 1e9, float("nan"))


class _AnyLabels(dict[str, str]):
    """Labels of which every one is there; "1" reads as a number as well."""

    def get(self, name: str, default: Any = None) -> str:
        return "1"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _AnyAnswer(dict[str, Any]):
    """Answers to any query: one sample."""

    def get(self, expr: str, default: Any = None) -> list[Sample]:
        return [Sample(Labels({"bot": "1"}), 1.0)]


def check(text: str, *, is_label: bool = False) -> list[str]:
    """What is wrong with a text, found by compiling it and by trying it on sample alerts.

    is_label  it is a label's value: it must not depend on the moment
    Empty when nothing is. What could only go wrong with some label values is not a mistake.
    """
    try:
        template = compile(text)
    except TemplateError as error:
        return [str(error)]
    rule = Rule("", "", "vector(1)", "")
    occasion = Occasion(rule, _EPOCH, None if is_label else _EPOCH, _AnyAnswer())
    for value in _SAMPLE_VALUES:
        try:
            sample = template.expand(_AnyLabels(bot="1"), value, _AnyLabels(), "http://127.0.0.1/", occasion)
        except ValueError as error:
            from hbalert.templating.full import AUTHORS

            if isinstance(error.__cause__, AUTHORS):
                return [str(error)]
            continue
        if "%!" in sample and "%!" not in text:
            return [f"printf does not fit its values: it gives {sample[:200]!r}; use %.0f for whole numbers"]
    return []
