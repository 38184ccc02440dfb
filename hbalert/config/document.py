"""One TOML file: its tables, and where everything in it stands.

Knows how a file is read and what can be wrong with it before any key is looked at. Must not know
which keys there are. Next: `validate.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hbalert.config import positions
from hbalert.config.files import read_file, why
from hbalert.config.findings import Finding, Severity
from hbalert.config.positions import Path as KeyPath

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 60

_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP = re.compile(rf"^[ \t\[]*+(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}", re.MULTILINE)
"""A key of so many parts: tomllib's time for one grows with the square of their number, 30 s for 20,000."""


class Table(dict[str, Any]):
    """A table that remembers where it stood, also when tables before it in a list are taken out."""

    __slots__ = ("path",)
    path: KeyPath


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file that was read.

    file         how it is shown in findings
    text         what stands in it
    lines        path of a key -> line
    environment  path of a key -> the variable that gave its value instead of the file
    """

    file: str
    text: str = ""
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    environment: Mapping[KeyPath, str] = field(default_factory=dict)

    def tables(self) -> Table:
        """A fresh copy of everything in it."""
        tables: Table = remember(tomllib.loads(self.text), ())
        return tables

    def line(self, path: KeyPath) -> int:
        """The line of a key; of the nearest table around it when it is not there. 0: of no use."""
        for end in range(len(path), 0, -1):
            for spelling in _spellings(path[:end]):
                if spelling in self.lines:
                    return self.lines[spelling]
        return 1 if self.text else 0

    def gives(self, name: str) -> bool:
        """Whether a secret is spelt at the top, in any way, be it right or wrong."""
        return any(spelling in self.lines for spelling in _spellings((name,)))

    def finding(self, path: KeyPath, what: str, instead: str = "", *, code: str = "value") -> Finding:
        """An error at a key of this document."""
        for spelling in _spellings(path):
            if spelling in self.environment:
                return Finding("environment", 0, self.environment[spelling], what, instead, code)
        path = next((spelling for spelling in _spellings(path) if spelling in self.lines), path)
        return Finding(self.file, self.line(path), dotted(path), what, instead, code)

    def warning(self, path: KeyPath, what: str, instead: str = "", *, code: str = "value") -> Finding:
        """The same, where it is not a mistake but probably not meant."""
        return replace(self.finding(path, what, instead, code=code), severity=Severity.WARNING)


def _spellings(path: KeyPath) -> list[KeyPath]:
    """A secret `x` may stand there as x_file or x_env."""
    *above, last = path or ("",)
    return [path] + [(*above, f"{last}_{end}") for end in ("file", "env") if isinstance(last, str)]


def dotted(path: KeyPath) -> str:
    """A path as findings show it: `route.routes[0].receiver`."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            bare = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            shown = part if bare else '"' + part.encode("unicode_escape").decode() + '"'
            out += f".{shown}" if out else shown
    return out


def remember(value: Any, path: KeyPath) -> Any:
    """The same tables, each knowing its place below `path`."""
    if isinstance(value, dict):
        table = Table((key, remember(inner, (*path, key))) for key, inner in value.items())
        table.path = path
        return table
    if isinstance(value, list):
        return [remember(inner, (*path, index)) for index, inner in enumerate(value)]
    return value


def read(path: Path, shown: str) -> tuple[Document | None, list[Finding]]:
    """The document in a file, or why there is none.

    shown  how the file is named in findings
    """
    try:
        data = read_file(path, MAX_BYTES)
        if len(data) > MAX_BYTES:
            raise OSError(f"it has more than {MAX_BYTES} bytes")
    except OSError as error:
        what = f"cannot be read: {why(error)}"
        return None, [Finding(shown, 0, "", what, "check that it exists and who may read it", "unreadable")]
    return parse(data, shown)


def parse(data: bytes, shown: str) -> tuple[Document | None, list[Finding]]:
    """The document that the bytes spell, or what is wrong with them."""

    def wrong(line: int, what: str, instead: str) -> tuple[None, list[Finding]]:
        return None, [Finding(shown, line, "", what, instead, "syntax")]

    if data.startswith(b"\xef\xbb\xbf"):
        return wrong(1, "the file begins with a byte order mark", "save it as UTF-8 without one (no BOM)")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return wrong(line, "this line is not UTF-8", "save the file as UTF-8")
    if deep := _DEEP.search(text):
        line = text.count("\n", 0, deep.end()) + 1
        return wrong(line, "lists or tables are nested too deeply", "flatten them")
    try:
        tomllib.loads(text)
        lines = positions.scan(text)
        for path, line in lines.items():
            if len(path) > MAX_DEPTH:
                return wrong(line, "lists or tables are nested too deeply", "flatten them")
        return Document(shown, text, lines), []
    except tomllib.TOMLDecodeError as error:
        line, what = _place(str(error), text)
        return wrong(line, f"this is not TOML: {what}", _syntax_remedy(text, line))
    except RecursionError:
        return wrong(0, "lists or tables are nested too deeply", "flatten them")
    except ValueError as error:  # a number with thousands of digits
        return wrong(0, f"a value cannot be read: {error}", "write a shorter number")


def _place(message: str, text: str) -> tuple[int, str]:
    """Line and complaint of tomllib's message."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None:
        return 0, message
    if found[2] is None:
        return text.count("\n", 0, len(text.rstrip())) + 1, f"{found[1]} at the end of the file"
    return int(found[2]), f"{found[1]} in column {found[3]}"


_UNQUOTED = re.compile(r"\s*([A-Za-z0-9_.\"'-]+)\s*=\s*([A-Za-z/][^\"'\[\]{}#]*?)\s*(?:#.*)?$")
_YAML = re.compile(r"\s*(?:-\s+)?([A-Za-z0-9_-]+):(?:\s|$)")


def _syntax_remedy(text: str, line: int) -> str:
    """What the line was probably meant to be."""
    lines = text.splitlines()
    there = lines[line - 1] if 0 < line <= len(lines) else ""
    if found := _UNQUOTED.match(there):
        return f'texts stand between quotes: {found[1]} = "..."'
    if found := _YAML.match(there):
        return f"this looks like YAML; in TOML it is {found[1]} = ..."
    return "check quotes, brackets and the equals sign on this line and the one before"
