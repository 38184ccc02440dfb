"""The tree of a Go template: what is shown, set, chosen, repeated.

Knows what kinds of nodes there are. Must not know how a text is read (`parse.py`) nor what becomes of it
(`jinja.py`). Source: Go's text/template/parse/node.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hbalert.neighbours.gotemplate.tokens import Trim
from hbalert.templating.expressions import Token

# --- expressions -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, true, false or nil. `word` is how it is spelt."""

    word: Token


@dataclass(frozen=True, slots=True)
class Dot:
    """`.`: what the block is about."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`; `$` alone has no name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function by its name; its arguments stand beside it in a Command."""

    name: str


@dataclass(frozen=True, slots=True)
class Fields:
    """`.a.b` of something."""

    of: Expression
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """`first argument argument`: a call of a function or method, or a value alone."""

    first: Expression
    arguments: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands, each of which gets what the one before it made as its last argument."""

    commands: tuple[Command, ...]


Expression: TypeAlias = Literal | Dot | Variable | Call | Fields | Pipeline

# --- actions -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Raw:
    text: str


@dataclass(frozen=True, slots=True)
class Comment:
    text: str
    trim: Trim


@dataclass(frozen=True, slots=True)
class Show:
    value: Pipeline
    line: int
    trim: Trim


@dataclass(frozen=True, slots=True)
class Set:
    """`$name := value`, or `=` for a variable that is there (`again`)."""

    name: str
    value: Pipeline
    again: bool
    line: int
    trim: Trim


@dataclass(frozen=True, slots=True)
class Use:
    """`{{ template "name" value }}`."""

    name: str
    value: Pipeline | None
    line: int
    trim: Trim


@dataclass(frozen=True, slots=True)
class Branch:
    """One part of a block: its tag and what stands behind it.

    word     "if", "with", "range", or "" for a plain else
    declares names of variables before `:=`
    """

    word: str
    value: Pipeline | None
    declares: tuple[str, ...]
    line: int
    trim: Trim
    body: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """if, with or range with its elses; `end` trims as {{ end }} does."""

    branches: tuple[Branch, ...]
    end: Trim


Node: TypeAlias = Raw | Comment | Show | Set | Use | Block


@dataclass(frozen=True, slots=True)
class Template:
    """A named text. `origin` says in which file or key it stands."""

    name: str
    origin: str
    body: tuple[Node, ...]
