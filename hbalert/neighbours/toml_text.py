"""How values, tables and their comments are written in TOML.

Knows TOML's strings and how a table reads well. Must not know what is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

LONGEST = 100
"""Characters of a line from which a list is written one item per line."""

TomlValue: TypeAlias = "str | int | bool | Iterable[TomlValue] | Mapping[str, TomlValue]"

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""Characters that nobody sees and that change what is seen: controls, line ends, changes of direction."""

_PLAIN = re.compile(f"[^\x00-\x1f{_HIDDEN}']*")
_PROSE = re.compile(f"[^\x00-\x08\x0b-\x1f{_HIDDEN}\ud800-\udfff]*")
_UNSEEN = re.compile(f"[{_HIDDEN}]")


def string(text: str) -> str:
    """A string: in double quotes, or in single ones where double ones would need escapes."""
    if ('"' in text or "\\" in text) and _PLAIN.fullmatch(text):
        return f"'{text}'"
    quoted = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def prose(text: str) -> str:
    """A string that may have several lines, written as it reads."""
    if "\n" not in text:
        return string(text)
    if _PROSE.fullmatch(text) and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    return string(text)


def value(given: TomlValue, *, room: int = LONGEST) -> str:
    """Any value on one line; a list that is longer than `room` on several."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, int):
        return str(given)
    if isinstance(given, str):
        return string(given)
    if isinstance(given, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {value(inner)}" for name, inner in given.items()) + " }"
    items = [value(each) for each in given]
    line = "[" + ", ".join(items) + "]"
    return (
        line
        if len(line) <= room or len(items) < 2
        else "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    )


def key(name: str) -> str:
    return name if _BARE.fullmatch(name) else string(name)


def pair(name: str, given: TomlValue, comment: str = "") -> str:
    """`name = value  # comment`."""
    line = f"{key(name)} = {value(given, room=LONGEST - len(name))}"
    return f"{line.ljust(37)} # {remark(comment)}" if comment else line


def remark(text: str) -> str:
    """A text as it may stand in a comment: on one line, nothing unseen in it."""
    return "".join(char if char.isprintable() else " " for char in text)
