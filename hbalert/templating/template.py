"""The texts of a rule: labels and annotations with the values of one alert in them.

Knows which names such a text has and what a sample alert looks like. Must not know rules, states
or messages. Message templates are compiled by `hbalert.render`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import StrictUndefined, pass_context
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context

from hbalert.core.labels import Labels
from hbalert.core.rule import Expand, Occasion, Rule, Sample, Unasked
from hbalert.templating.budget import MAX_TEXT, TooMuchWork, checked
from hbalert.templating.dialect import VARIABLES, translate
from hbalert.templating.expressions import TemplateError
from hbalert.templating.functions import BadPattern
from hbalert.templating.gofmt import FormatError, show
from hbalert.templating.gotime import Duration, Moment
from hbalert.templating.plain import Part, compile_plain
from hbalert.templating.sandbox import Names, Number, Program, Sandbox, View, reason


@pass_context
def _external_url(context: Context) -> str:
    return str(context["external_url"])


@pass_context
def _path_prefix(context: Context) -> str:
    return urlsplit(str(context["external_url"])).path


@pass_context
def _now(context: Context) -> Number:
    occasion: Occasion | None = context["occasion"]
    if occasion is None or occasion.active_at is None:
        raise TemplateError("now is not available in a label: it would be another alert each time")
    return Number(occasion.now.timestamp())


class Answered(View):
    """A sample of a query's answer, with Go's names for its parts, too."""

    __slots__ = ("Labels", "Value", "labels", "value")

    def __init__(self, labels: Mapping[str, str], value: float) -> None:
        self.Labels = self.labels = Names(labels)
        self.Value = self.value = Number(value)

    def __str__(self) -> str:
        return f"{show(self.labels)} => {self.value}"


@pass_context
def _query(context: Context, expr: Any) -> list[Answered]:
    """The answer, if it is there; else that it is wanted is noted, and the text is expanded again."""
    occasion: Occasion | None = context["occasion"]
    text = show(expr)
    if occasion is None or occasion.active_at is None:
        raise TemplateError("query is not available in a label: a source that is silent would end the alert")
    found = occasion.answers.get(text)
    if found is None:
        context["wanted"].add(text)
        return []
    if isinstance(found, str):
        raise TemplateError(f"query {text!r}: {found}")
    return [Answered(sample.labels.as_dict(), sample.value) for sample in found]


_SANDBOX = Sandbox(
    functions={"externalURL": _external_url, "now": _now, "pathPrefix": _path_prefix, "query": _query},
    filters={"query": _query},
)


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
        if self._program is None:
            return _fill(self._parts, labels, value)
        variables: dict[str, Any] = {
            "labels": Names(labels),
            "value": Number(value),
            "external_labels": Names(external_labels),
            "external_url": external_url,
            "occasion": occasion,
            "wanted": set(),
        }
        if occasion is not None:
            variables |= _about(occasion)
        try:
            text = self._program.run(variables)
        except ValueError:
            if not variables["wanted"]:
                raise
            text = ""
        if variables["wanted"]:  # what came out was made of empty answers
            raise Unasked(variables["wanted"])
        return text


def _about(occasion: Occasion) -> dict[str, Any]:
    """vmalert's variables."""
    rule = occasion.rule
    about: dict[str, Any] = {
        "expr": rule.expr,
        "hold": Duration(rule.hold.total_seconds()),
        "type": "prometheus",
    }
    if occasion.active_at is None:
        hint = "$activeAt is not available in a label: it would be another alert each time"
        return {**about, "active_at": StrictUndefined(hint=hint)}
    return {**about, "active_at": Moment(occasion.active_at)}


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


_AUTHORS = (TemplateError, TooMuchWork, FormatError, BadPattern, JinjaError, TypeError)
"""Failures that the author of the text can mend; others may come from what a label holds."""

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
            if isinstance(error.__cause__, _AUTHORS):
                return [str(error)]
            continue
        if "%!" in sample and "%!" not in text:
            return [f"printf does not fit its values: it gives {sample[:200]!r}; use %.0f for whole numbers"]
    return []
