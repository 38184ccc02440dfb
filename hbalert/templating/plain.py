"""The commonest texts, without Jinja2: `{{ $labels.bot }}: {{ $value | humanizePercentage }} fail`.

Knows one form of action: a label or the value, through functions that take nothing else. Must not
know any other: what it does not read, `full.py` compiles, with the same result. Rule packs hold
thousands of such texts; to compile one takes 10 us here and 1 ms there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hbalert.templating.functions import FUNCTIONS
from hbalert.templating.gofmt import number, show

_ACTION = re.compile(
    r"\{\{\s*(?:\$?labels\.(?P<label>[A-Za-z_]\w*)|\.Labels\.(?P<field>[A-Za-z_]\w*)|\$?value|\.Value)"
    r"(?P<chain>(?:\s*\|\s*[A-Za-z0-9]+)*)\s*\}\}",
    re.ASCII,
)
_SIGNS = re.compile(r"\{[{%#]")
_CHAINED = frozenset({
    "humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "title",
    "toUpper", "toLower", "stripPort", "stripDomain",
})  # fmt: skip

Part = Callable[[Mapping[str, str], float], str]


def compile_plain(text: str) -> tuple[list[str | Part], bool] | None:
    """The pieces of a text and whether it uses the value; None when it holds anything else."""
    parts: list[str | Part] = []
    position, uses_value = 0, False
    for found in _ACTION.finditer(text):
        names = found["chain"].replace("|", " ").split()
        if not _CHAINED.issuperset(names):
            return None
        label = found["label"] or found["field"]
        uses_value |= label is None
        parts += [text[position : found.start()], _part(label, [FUNCTIONS[name] for name in names])]
        position = found.end()
    parts.append(text[position:])
    if any(isinstance(part, str) and _SIGNS.search(part) for part in parts):
        return None
    return parts, uses_value


def _part(label: str | None, chain: list[Callable[..., Any]]) -> Part:
    if label is not None and not chain:
        return lambda labels, _value: labels.get(label, "")
    if not chain:
        return lambda _labels, value: number(value)

    def through(labels: Mapping[str, str], value: float) -> str:
        result: Any = value if label is None else labels.get(label, "")
        for function in chain:
            result = function(result)
        return show(result)

    return through
