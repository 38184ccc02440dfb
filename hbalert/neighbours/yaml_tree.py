"""YAML as a tree that knows the line of everything in it.

Knows YAML's anchors, merge keys and what a plain word may mean, and how much of it is too much. Must not
know what a file is for. No value is made of what is read: a scalar stays the text that stands there, so
`09:30` and `no` are what their reader takes them for. Next: `alertmanager/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 100
MAX_NODES = 100_000
"""Nodes of a document, those behind each alias counted again."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "<<"


class Unreadable(ValueError):
    """A text that is not YAML, or more than anybody writes. `line` 0: the whole of it."""

    def __init__(self, line: int, what: str, instead: str = "") -> None:
        super().__init__(what)
        self.line, self.instead = line, instead


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it is written. `style` is its quote, "|" or ">"; "" for a plain word."""

    line: int
    text: str
    style: str = ""
    size: int = 1

    @property
    def is_null(self) -> bool:
        return not self.style and self.text in _NULL


@dataclass(frozen=True, slots=True)
class Listing:
    line: int
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Table:
    """`entries` by key; `lines` are those of the keys.

    under  what merge keys brought and the table then says otherwise, oldest first: for keys whose
           reader adds up what it is given
    """

    line: int
    entries: Mapping[str, Node]
    lines: Mapping[str, int]
    size: int
    under: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)


Node: TypeAlias = Scalar | Listing | Table


@dataclass(slots=True)
class _Open:
    """A list or table that is being read; of a table keys and values alternate."""

    line: int
    is_table: bool
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Document:
    """The first document of a text; `more` is the line at which another one begins, 0 when none does."""

    root: Node
    more: int = 0


def parse_yaml(data: bytes) -> Document:
    """The tree of a YAML text. Raises Unreadable."""
    import yaml

    if len(data) > MAX_BYTES:
        raise Unreadable(0, f"it has more than {MAX_BYTES} bytes", "this cannot be a configuration")
    try:
        return _document(
            yaml.parse(data.decode("utf-8-sig"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        )
    except UnicodeDecodeError as error:
        raise Unreadable(
            data.count(b"\n", 0, error.start) + 1, "this line is not UTF-8", "save it as UTF-8"
        ) from None
    except yaml.reader.ReaderError as error:
        raise Unreadable(
            0, f"it holds the character {error.character!r}, which YAML does not allow"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = re.sub(r"\s+", " ", str(error.problem or error.context or "it cannot be read"))
        remedy = "check indentation, quotes and colons on this line and the one before"
        raise Unreadable(mark.line + 1 if mark else 0, f"this is not YAML: {what}", remedy) from None


def _document(events: Iterator[Any]) -> Document:
    """The tree that a parser's events describe."""
    root: Node | None = None
    anchors: dict[str, Node] = {}
    stack: list[_Open] = []
    total = 0

    def put(node: Node, anchor: str | None) -> None:
        nonlocal root
        if anchor:
            anchors[anchor] = node
        if stack:
            stack[-1].nodes.append(node)
        else:
            root = node

    for event in events:
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "DocumentStartEvent" if root is not None:
                return Document(root, line)
            case "ScalarEvent":
                total += 1
                put(Scalar(line, event.value, event.style or ""), event.anchor)
            case "AliasEvent":
                node = anchors.get(event.anchor)
                if node is None:
                    raise Unreadable(line, f"*{event.anchor} is not defined before it is used")
                total += node.size
                put(node, None)
            case "SequenceStartEvent" | "MappingStartEvent" as name:
                total += 1
                stack.append(_Open(line, name[0] == "M", event.anchor))
                if len(stack) > MAX_DEPTH:
                    raise Unreadable(line, "it is nested too deeply")
            case "SequenceEndEvent" | "MappingEndEvent":
                done = stack.pop()
                put(_table(done) if done.is_table else _listing(done), done.anchor)
        if total > MAX_NODES:
            raise Unreadable(line, "its aliases make it too large", "write out what is meant")
    return Document(root or Scalar(1, ""))


def _listing(done: _Open) -> Listing:
    return Listing(done.line, tuple(done.nodes), 1 + sum(node.size for node in done.nodes))


def _table(done: _Open) -> Table:
    """Merge keys count where they stand, as in Go's yaml.v2: whatever comes later wins."""
    entries: dict[str, Node] = {}
    lines: dict[str, int] = {}
    under: dict[str, tuple[Node, ...]] = {}
    written: set[str] = set()

    def put(name: str, value: Node, line: int) -> None:
        if name in entries:
            under[name] = (*under.get(name, ()), entries[name])
        entries[name], lines[name] = value, line

    for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise Unreadable(key.line, "a key must be a single word")
        if key.text == _MERGE and not key.style:
            for table in reversed(value.items) if isinstance(value, Listing) else (value,):
                if not isinstance(table, Table):
                    raise Unreadable(key.line, "<<: takes a table, or a list of tables")
                for name, inner in table.entries.items():
                    put(name, inner, table.lines[name])
        elif key.text in written:
            raise Unreadable(key.line, f"{key.text!r} is there twice in one table", "keep one of them")
        else:
            written.add(key.text)
            put(key.text, value, key.line)
    return Table(done.line, entries, lines, 1 + sum(node.size for node in done.nodes), under)
