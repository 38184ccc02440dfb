"""The texts of a rule in full: with Jinja2, and with what only a rule's text can ask for.

Knows `query`, `now`, the two about our address, and vmalert's variables. Must not know which texts can
do without (`plain.py`). Imported with the first text that needs it: many packs have none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import StrictUndefined, pass_context
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context

from hbalert.core.labels import Labels, fingerprint
from hbalert.core.rule import Occasion, Unasked
from hbalert.templating.budget import TooMuchWork
from hbalert.templating.dialect import VARIABLES, translate
from hbalert.templating.failure import TemplateError
from hbalert.templating.functions import BadPattern
from hbalert.templating.gofmt import FormatError, show
from hbalert.templating.gotime import Duration, Moment
from hbalert.templating.sandbox import Names, Number, Sandbox, View

AUTHORS = (TemplateError, TooMuchWork, FormatError, BadPattern, JinjaError, TypeError)
"""Failures that the author of the text can mend; others may come from what a label holds."""


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


SANDBOX = Sandbox(
    functions={"externalURL": _external_url, "now": _now, "pathPrefix": _path_prefix, "query": _query},
    filters={"query": _query},
)


class Full:
    """A text that can be expanded. `uses_value` is whether the result depends on the value."""

    __slots__ = ("_program", "uses_value")

    def __init__(self, text: str) -> None:
        """Raises TemplateError, fit to show."""
        self._program = SANDBOX.program(translate(text), VARIABLES.values())
        self.uses_value = "value" in self._program.variables

    def expand(
        self,
        labels: Mapping[str, str],
        value: float,
        external_labels: Mapping[str, str],
        external_url: str,
        occasion: Occasion | None,
    ) -> str:
        """As `Template.expand`."""
        variables: dict[str, Any] = {
            "labels": Names(labels),
            "value": Number(value),
            "external_labels": Names(external_labels),
            "external_url": external_url,
            "occasion": occasion,
            "wanted": set(),
        }
        if occasion is not None:
            variables |= _about(occasion, external_labels, self._program.variables)
        try:
            text = self._program.run(variables)
        except ValueError:
            if not variables["wanted"]:
                raise
            text = ""
        if variables["wanted"]:  # what came out was made of empty answers
            raise Unasked(variables["wanted"])
        return text


def _about(occasion: Occasion, external_labels: Mapping[str, str], used: Collection[str]) -> dict[str, Any]:
    """vmalert's variables. An id is what `hbalert alerts show` and rule files call it."""
    rule = occasion.rule
    about: dict[str, Any] = {
        "expr": rule.expr,
        "hold": Duration(rule.hold.total_seconds()),
        "interval": Duration(rule.interval.total_seconds()),
        "group_id": unquote(rule.id.partition("/")[0]),
        "type": "prometheus",
    }
    if occasion.active_at is None:
        return about | {name: StrictUndefined(hint=hint) for name, hint in _NOT_IN_LABELS.items()}
    about |= {"active_at": Moment(occasion.active_at), "is_partial": occasion.partial}
    if "alert_id" in used:  # costs more than all the others together
        alert = occasion.alert if occasion.alert is not None else Labels()
        about["alert_id"] = fingerprint(Labels({**external_labels, **alert.as_dict()}))
    return about


_NOT_IN_LABELS = {
    "active_at": "$activeAt is not available in a label: it would be another alert each time",
    "is_partial": "$isPartial is not available in a label: it would be another alert now and then",
    "alert_id": "$alertID is not available in a label: it is made of the labels",
}
