"""What an approved template is filled with: short words without links or rare characters.

Knows the names a template may use and what carriers of mainland China refuse in a variable. Must
not know any gateway.

A template in the configuration is a text such as "{alertname} on {bot}". Names: alertname, severity,
status, summary, count, bot, host, time, subject, text; whatever else the message brings goes, too.
A name that the message does not have is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from hbalert.ports import Message

EMPTY = "-"  # an empty variable is refused
_LONGEST = 4000  # characters that are looked at; far more than any template takes

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}://|\bwww\.)\S*")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")
_INNER_DOT = re.compile(r"(?<=[A-Za-z0-9_-])\.(?=[A-Za-z0-9_-])")
_DECIMAL = re.compile(r"-?\d+\.\d+(?:[A-Za-z]{1,3})?")
_SPELT_OUT = str.maketrans(
    {"≥": ">=", "≤": "<=", "≠": "!=", "→": "->", "×": "x", "…": "..", "&": "+", "℃": "C", "Σ": "S", "µ": "u"}
)
_REFUSED = frozenset("【】{}^`★☆※☞✓①②③④⑤⑥⑦⑧⑨⑩")
_KEPT_SYMBOLS = frozenset("$+<=>|~")


def values_of(message: Message) -> dict[str, str]:
    """What a template can be filled with."""
    return {"subject": message.subject, "text": message.text, **message.variables}


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with values in the place of names; once, so that a value cannot name another.

    >>> fill("{alertname}: {summary}{nothing}", {"alertname": "Down", "summary": "{alertname}"})
    'Down: {alertname}'
    """
    return _NAME.sub(lambda found: values.get(found[1], ""), template)


def clean(value: str, max_chars: int) -> str:
    """The value as a carrier lets it pass: at most `max_chars` characters and at least one.

    Without links, emoji, rare symbols and the brackets that enclose a signature; dots of hosts and
    addresses become dashes, because carriers take them for links. Decimals keep theirs.

    >>> clean("CPU 0.95 on db1.example.com (10.0.0.7:9100) 🔥 see https://a.example/x", 60)
    'CPU 0.95 on db1-example-com (10-0-0-7:9100) see'
    """
    text = _URL.sub(" ", value[:_LONGEST].translate(_SPELT_OUT))
    text = "".join(char if _passes(char) else " " if char.isspace() else "" for char in text)
    text = _WORD.sub(_without_dots, text)
    return " ".join(text.split())[:max_chars].rstrip() or EMPTY


def _passes(char: str) -> bool:
    if char in _REFUSED or ord(char) > 0xFFFF:
        return False
    category = unicodedata.category(char)
    return category[0] in "LP" or category == "Nd" or char == " " or char in _KEPT_SYMBOLS


def _without_dots(found: re.Match[str]) -> str:
    return found[0] if _DECIMAL.fullmatch(found[0].rstrip(".-")) else _INNER_DOT.sub("-", found[0])
