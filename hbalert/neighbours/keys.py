"""What stands in a table of a YAML file, key by key, and that nothing is overlooked.

Knows types, how a complaint names its place, and which keys have been asked for. Must not know keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from hbalert.config.duration import parse_duration
from hbalert.neighbours.report import Report
from hbalert.neighbours.yaml_tree import Listing, Node, Scalar, Table
from hbalert.templating.expressions import meant

_TRUE = frozenset({"true", "yes", "on", "y"})
_FALSE = frozenset({"false", "no", "off", "n"})


class Keys:
    """One table. What is of a wrong type is refused, as its own program does, and reads as not given.

    path  how complaints name it: "route.routes[0]"
    """

    def __init__(self, node: Node | None, path: str, report: Report, line: int = 0) -> None:
        self.path = path
        self.report = report
        self.line = node.line if node is not None else line
        self._asked: set[str] = set()
        self._table: Mapping[str, Node] = {}
        self._lines: Mapping[str, int] = {}
        self._under: Mapping[str, tuple[Node, ...]] = {}
        if isinstance(node, Table):
            self._table, self._lines, self._under = node.entries, node.lines, node.under
        elif node is not None and not (isinstance(node, Scalar) and node.is_null):
            report.refuse(node.line, path, "must be a table")

    def __bool__(self) -> bool:
        return bool(self._table)

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def at(self, name: str) -> str:
        """How complaints name a key."""
        return f"{self.path}.{name}" if self.path else name

    def line_of(self, name: str) -> int:
        return self._lines.get(name, self.line)

    def lacks(self, name: str, what: str, instead: str = "") -> None:
        """Notes that a key has no equal."""
        self._asked.add(name)
        self.report.lacks(self.line_of(name), self.at(name), what, instead)

    def hint(self, name: str, what: str, instead: str = "") -> None:
        self.report.hint(self.line_of(name), self.at(name), what, instead)

    def refuse(self, name: str, what: str, instead: str = "") -> None:
        self.report.refuse(self.line_of(name), self.at(name), what, instead)

    def get(self, name: str) -> Node | None:
        """What stands at a key, if it is not null."""
        self._asked.add(name)
        node = self._table.get(name)
        return None if isinstance(node, Scalar) and node.is_null else node

    def is_null(self, name: str) -> bool:
        """Whether a key is there, with nothing."""
        node = self._table.get(name)
        return isinstance(node, Scalar) and node.is_null

    def scalar(self, name: str) -> Scalar | None:
        node = self.get(name)
        if node is not None and not isinstance(node, Scalar):
            self.refuse(name, "must be a single value")
            return None
        return node

    def text(self, name: str) -> str:
        """A text; "" where none is given."""
        node = self.scalar(name)
        return node.text if node else ""

    def flag(self, name: str) -> bool | None:
        node = self.scalar(name)
        if node is None:
            return None
        word = node.text.lower()
        if node.style or word not in _TRUE | _FALSE:
            self.refuse(name, f"{node.text!r} is neither true nor false")
            return None
        return word in _TRUE

    def number(self, name: str) -> int:
        node = self.scalar(name)
        if node is None:
            return 0
        if not re.fullmatch(r"[0-9]{1,9}", node.text):
            self.refuse(name, f"{node.text!r} is not a whole number")
            return 0
        return int(node.text)

    def duration(self, name: str) -> timedelta | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return parse_duration(text)
        except ValueError as error:
            self.refuse(name, *halves(error))
            return None

    def table(self, name: str) -> Keys:
        return Keys(self.get(name), self.at(name), self.report, self.line_of(name))

    def tables(self, name: str) -> list[Keys]:
        """A list of tables."""
        return [Keys(node, path, self.report) for node, path in self._items(name)]

    def texts(self, name: str, *, joined: bool = False) -> list[tuple[str, int, str]]:
        """(text, line, path) of a list of texts. `joined`: those that merge keys brought belong to it."""
        found = []
        for node, path in self._items(name, joined=joined):
            if isinstance(node, Scalar) and not node.is_null:
                found.append((node.text, node.line, path))
            else:
                self.report.refuse(node.line, path, "must be a text")
        return found

    def names(self, name: str, *, joined: bool = False) -> dict[str, Scalar]:
        """A table of texts by name. `joined`: what merge keys brought belongs to it."""
        found: dict[str, Scalar] = {}
        for node in self._all(name, joined=joined):
            if not isinstance(node, Table):
                self.refuse(name, "must be a table of texts")
                continue
            for key, inner in node.entries.items():
                if key in found:
                    self.report.refuse(inner.line, f"{self.at(name)}.{key}", "is there twice, once merged in")
                elif isinstance(inner, Scalar):
                    found[key] = inner
                else:
                    self.report.refuse(inner.line, f"{self.at(name)}.{key}", "must be a text")
        return found

    def _all(self, name: str, *, joined: bool) -> Iterator[Node]:
        node = self.get(name)
        yield from self._under.get(name, ()) if joined else ()
        if node is not None:
            yield node

    def _items(self, name: str, *, joined: bool = False) -> Iterator[tuple[Node, str]]:
        for node in self._all(name, joined=joined):
            if not isinstance(node, Listing):
                self.refuse(name, "must be a list", "begin each item with a dash")
                continue
            for index, item in enumerate(node.items):
                yield item, f"{self.at(name)}[{index}]"

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def names_left(self) -> list[str]:
        """The keys that nobody has asked for."""
        return [name for name in self._table if name not in self._asked]

    def rest(self, known: Mapping[str, Any] | None = None) -> None:
        """Notes the keys that nobody has asked for."""
        for name in self.names_left():
            near = meant(name, [*self._asked, *(known or ())])
            self.lacks(name, "is not known here and is left out" + near)


def halves(error: ValueError) -> tuple[str, str]:
    """What is wrong, and what would be right, of an error that says both."""
    what, _, instead = str(error).partition("; ")
    return what, instead
