"""The templates of rules, from Prometheus to here and from here to Prometheus.

Knows where the two ways to write them part. Rules here take Prometheus' way as it is
(`templating/dialect.py`); only Jinja2's own signs are no text here. Must not know rules or files.
Source: Prometheus' template/template.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hbalert.neighbours.gotemplate.parse import parse
from hbalert.neighbours.gotemplate.tokens import Untranslatable
from hbalert.neighbours.gotemplate.tree import (
    Block,
    Call,
    Command,
    Dot,
    Expression,
    Fields,
    Literal,
    Node,
    Pipeline,
    Set,
    Show,
    Use,
    Variable,
)

_ACTION = re.compile(r"""\{\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?\}\}""", re.DOTALL)
_JINJA = re.compile(r"\{[%#]")

# fmt: off
FUNCTIONS = frozenset({
    "args", "externalURL", "first", "graphLink", "humanize", "humanize1024", "humanizeDuration",
    "humanizePercentage", "humanizeTimestamp", "label", "match", "now", "parseDuration", "pathPrefix",
    "query", "reReplaceAll", "safeHtml", "sortByLabel", "stripDomain", "stripPort", "strvalue",
    "tableLink", "title", "tmpl", "toDuration", "toLower", "toTime", "toUpper", "urlQueryEscape", "value",
    "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print",
    "printf", "println", "slice", "urlquery",
})
# fmt: on
"""Prometheus' and Go's own."""

VARIABLES = frozenset({"", "labels", "value", "externalLabels", "externalURL"})
FIELDS = frozenset({"Labels", "Value", "ExternalLabels", "ExternalURL"})
_NEED_ARGUMENTS = frozenset({"value", "label", "first", "strvalue"})


_NAMED = "."
"""Among the known variables: this is a named text, and `$` is what it was handed."""


def from_prometheus(text: str) -> str:
    """The text as it is written here: Jinja2's signs are shown by an action, which both sides read.

    >>> from_prometheus("{{ $value }} {% x")
    '{{ $value }} {{ "{%" }} x'
    """
    if not _JINJA.search(text):
        return text
    out, position = [], 0
    for action in _ACTION.finditer(text):
        out += [_shown(text[position : action.start()]), action[0]]
        position = action.end()
    return "".join([*out, _shown(text[position:])])


def _shown(raw: str) -> str:
    return _JINJA.sub(lambda sign: f'{{{{ "{sign[0]}" }}}}', raw)


def why_not_go(text: str) -> str:
    """Why Prometheus would not read a text of ours as it is read here; "" when it does."""
    if "{%" in text or ("{#" in text and "#}" in text):
        return "{% %} and {# #} are Jinja2's"
    try:
        parsed = parse(text, "", "")
    except Untranslatable as error:
        return str(error)
    named = frozenset(parsed.defines)
    wrong = [*_complaints(parsed.template.body, {*VARIABLES}, named, at_root=True)]
    for each in parsed.defines.values():
        # What it is about is known where it is used; variables from outside are not there.
        wrong += _complaints(each.body, {"", _NAMED}, named, at_root=False)
    return next(iter(wrong), "")


def _complaints(
    body: tuple[Node, ...], known: set[str], named: frozenset[str], *, at_root: bool
) -> Iterator[str]:
    """What Go's side does not have.

    named    texts that are defined
    at_root  the dot is still the alert
    """
    for node in body:
        match node:
            case Show():
                yield from _values(node.value, known, at_root)
            case Set():
                yield from _values(node.value, known, at_root)
                known.add(node.name)
            case Use():
                if node.name not in named:
                    yield f'there is no {{{{ define "{node.name}" }}}}'
                if node.value is not None:
                    yield from _values(node.value, known, at_root)
            case Block():
                for branch in node.branches:
                    if branch.value is not None:
                        yield from _values(branch.value, known, at_root)
                    inner = at_root and branch.word in ("if", "")
                    yield from _complaints(branch.body, known | {*branch.declares}, named, at_root=inner)


def _values(value: Expression, known: set[str], at_root: bool) -> Iterator[str]:
    match value:
        case Pipeline():
            for place, command in enumerate(value.commands):
                yield from _command(command, known, at_root, piped=place > 0)
        case Fields(of=Dot(), names=names):
            if at_root and names[0] not in FIELDS:
                yield f"there is no .{names[0]} in Prometheus"
        case Fields(of=Variable(name=""), names=names):
            if _NAMED not in known and names[0] not in FIELDS:
                yield f"there is no .{names[0]} in Prometheus"
        case Fields(of=of):
            yield from _values(of, known, at_root)
        case Variable(name=name):
            if name not in known:
                yield f"there is no ${name} in Prometheus"
        case Call(name=name):
            if name not in FUNCTIONS:
                yield f"{name} is Jinja2's, or no function of Prometheus"
        case Literal(word=word):
            if word.kind == "string" and word.text.startswith("'"):
                yield "texts between single quotes are Jinja2's"
        case Dot():
            pass


def _command(command: Command, known: set[str], at_root: bool, *, piped: bool) -> Iterator[str]:
    first = command.first
    if isinstance(first, Call) and first.name in _NEED_ARGUMENTS and not command.arguments and not piped:
        yield f"{first.name} is Jinja2's here; Prometheus has ${first.name}"
    for value in (first, *command.arguments):
        yield from _values(value, known, at_root)
