"""Where each key of a TOML document stands.

Knows TOML's syntax as far as a line number needs it. Must not know what keys mean. The document has
been accepted by `tomllib`, which tells values but no places; what is wrong with a text is not found
here. Next: `document.py`.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]
"""A key and the way to it: ("route", "routes", 0, "receiver")."""

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\])*\"|'[^']*'")
_STRING = re.compile(
    r"\"\"\"(?:\\.|[^\\])*?\"\"\"\"{0,2}|'''.*?''''{0,2}|\"(?:\\.|[^\"\\])*\"|'[^']*'", re.DOTALL
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def scan(text: str) -> dict[Path, int]:
    """The line of every key, table and list item, counted from 1.

    text  a document that tomllib reads without complaint

    >>> scan('[a]\\nb = [1,\\n 2]')[("a", "b", 1)]
    3
    """
    return _Scanner(text.replace("\r\n", "\n")).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._lines: dict[Path, int] = {}
        self._tables: dict[Path, int] = {}  # array of tables -> how many so far

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while self._skip(_SPACE) < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _here(self) -> int:
        """The line of the present position; only what is new is counted."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _header(self) -> Path:
        """[table] or [[table]]: the path below which the next keys stand."""
        line = self._here()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        path: Path = ()
        *above, last = self._dotted()
        for part in above:
            path += (part,)
            self._lines.setdefault(path, line)
            if path in self._tables:
                path += (self._tables[path] - 1,)
        path += (last,)
        if is_array:
            self._lines.setdefault(path, line)
            self._tables[path] = self._tables.get(path, 0) + 1
            path += (self._tables[path] - 1,)
        self._lines[path] = line
        self._at += 2 if is_array else 1
        return path

    def _dotted(self) -> list[str]:
        parts = []
        while True:
            self._skip(_BLANK)
            start = self._at
            token = self._text[start : self._skip(_KEY)]
            parts.append(_plain(token))
            self._skip(_BLANK)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _pair(self, table: Path) -> None:
        """key = value."""
        line = self._here()
        path = table
        for part in self._dotted():
            path += (part,)
            self._lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._text[self._at : self._at + 1]
        if first in ("'", '"'):
            self._skip(_STRING)
        elif first not in ("[", "{"):
            self._skip(_PLAIN)
        else:
            self._at += 1
            index = 0
            while self._text[self._skip(_SPACE)] not in "]}":
                if first == "[":
                    self._lines[(*path, index)] = self._here()
                    self._value((*path, index))
                else:
                    self._pair(path)
                index += 1
                self._skip(_SPACE)
                self._at += self._text.startswith(",", self._at)
            self._at += 1


def _plain(token: str) -> str:
    """A key without its quotes."""
    if token.startswith('"') and "\\" in token:
        key: str = tomllib.loads(f"k = {token}")["k"]
        return key
    return token.strip(token[0]) if token[0] in "\"'" else token
