"""How a value is written in YAML, so that Go's parsers and Python's read the same.

Knows when a text may stand without quotes, and blocks of several lines. Must not know what is written.
"""

from __future__ import annotations

import json
import re

_BARE = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9_./()\[\]<>=+*-]|[ ](?=[^ #]))*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff"
"""Characters that YAML forbids, or that nobody sees and that change what is seen."""

_UNSEEN = re.compile(f"[{_HIDDEN}]")
_PLAIN = re.compile(f"[^\x00-\x1f{_HIDDEN}\ud800-\udfff]*")
_BLOCK = re.compile(f"[^\x00-\x08\x0b-\x1f{_HIDDEN}\ud800-\udfff]*")


def scalar(text: str, indent: int = 0) -> str:
    """A text as the value of a key. `indent`: columns at which that key stands."""
    if _BARE.fullmatch(text) and text.lower() not in _WORDS:
        return text
    if "\n" in text and _BLOCK.fullmatch(text) and text.strip():
        return _block(text, indent + 2)
    if _PLAIN.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _block(text: str, indent: int) -> str:
    """A literal block; how it begins and ends is said where that is not plain to see."""
    begins = "2" if text[0] in " \t\n" else ""
    body = text.rstrip("\n")
    ends = {0: "-", 1: ""}.get(len(text) - len(body), "+")
    lines = [f"{' ' * indent}{line}" if line else "" for line in text.removesuffix("\n").split("\n")]
    return "\n".join([f"|{begins}{ends}", *lines])
