"""The texts of a rule: labels and annotations with the values of one alert in them.

Knows which names such a text has and what a sample alert looks like. Must not know rules, states
or messages. Message templates are compiled by `hbalert.render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import TemplateError as JinjaError
from jinja2 import pass_context
from jinja2.runtime import Context

from hbalert.core.labels import Labels
from hbalert.core.rule import Expand
from hbalert.templating.budget import MAX_TEXT, TooMuchWork, checked
from hbalert.templating.dialect import VARIABLES, translate
from hbalert.templating.expressions import TemplateError
from hbalert.templating.functions import BadPattern
from hbalert.templating.gofmt import FormatError
from hbalert.templating.plain import Part, compile_plain
from hbalert.templating.sandbox import Names, Number, Program, Sandbox, reason


@pass_context
def _external_url(context: Context) -> str:
    return str(context["external_url"])


@pass_context
def _path_prefix(context: Context) -> str:
    return urlsplit(str(context["external_url"])).path


_SANDBOX = Sandbox(functions={"externalURL": _external_url, "pathPrefix": _path_prefix})


class Template:
    """A text that can be expanded. `uses_value` is whether the result depends on the value."""

    __slots__ = ("_parts", "_program", "text", "uses_value")

    def __init__(self, text: str) -> None:
        self.text = text
        self._program: Program | None = None
        if len(text) > MAX_TEXT:
            raise TemplateError(f"the text has more than {MAX_TEXT} characters")
        plain = compile_plain(text)
        self._parts, self.uses_value = plain or ([], False)
        if plain is None:
            self._program = _SANDBOX.program(translate(text), VARIABLES.values())
            self.uses_value = "value" in self._program.variables

    def expand(
        self, labels: Mapping[str, str], value: float, external_labels: Mapping[str, str], external_url: str
    ) -> str:
        """The text of an alert with these labels and this value. Raises ValueError, fit to show.

        What a label holds is never read as a template again.
        """
        if self._program is None:
            return _fill(self._parts, labels, value)
        variables: dict[str, Any] = {
            "labels": Names(labels),
            "value": Number(value),
            "external_labels": Names(external_labels),
            "external_url": external_url,
        }
        return self._program.run(variables)


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
    """How rules expand their texts: (text, series labels, value) -> text, or ValueError."""

    def expand(text: str, labels: Labels, value: float) -> str:
        return compile(text).expand(labels, value, external_labels, external_url)

    return expand


_AUTHORS = (TemplateError, TooMuchWork, FormatError, BadPattern, JinjaError, TypeError)
"""Failures that the author of the text can mend; others may come from what a label holds."""

_SAMPLE_VALUES = (1.0, 0.0, 1e9, float("nan"))


class _AnyLabels(dict[str, str]):
    """Labels of which every one is there; "1" reads as a number as well."""

    def get(self, name: str, default: Any = None) -> str:
        return "1"


def check(text: str) -> list[str]:
    """What is wrong with a text, found by compiling it and by trying it on sample alerts.

    Empty when nothing is. What could only go wrong with some label values is not a mistake.
    """
    try:
        template = compile(text)
    except TemplateError as error:
        return [str(error)]
    for value in _SAMPLE_VALUES:
        try:
            sample = template.expand(_AnyLabels(bot="1"), value, _AnyLabels(), "http://127.0.0.1/")
        except ValueError as error:
            if isinstance(error.__cause__, _AUTHORS):
                return [str(error)]
            continue
        if "%!" in sample and "%!" not in text:
            return [f"printf does not fit its values: it gives {sample[:200]!r}; use %.0f for whole numbers"]
    return []
