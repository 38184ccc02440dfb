"""One expression of a template: its words, and Go's way to write it turned into Jinja2's.

Knows the tokens and Go's pipelines: `f a b`, `a | f b`, `$x.y`, `(...)`. Must not know blocks or the
text around an expression. Next: `dialect.py`.

Every function becomes a filter: the value that is piped in is the last argument, as in Go.
Source of the grammar: Go's text/template/parse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from hbalert.templating.failure import TemplateError
from hbalert.templating.functions import FUNCTIONS, UNAVAILABLE

CONSTANT_FUNCTIONS = frozenset({"externalURL", "now", "pathPrefix"})
"""Functions that take nothing."""

LOOKUPS = frozenset({"query"})
"""Functions that look something up while a text is expanded."""

_LOGIC = frozenset({"and", "or", "not"})
_KNOWN = frozenset(FUNCTIONS) | CONSTANT_FUNCTIONS | LOOKUPS | _LOGIC | frozenset(UNAVAILABLE)
_CONSTANTS = {"true": "true", "false": "false", "nil": "none"}
_JINJA_WORDS = frozenset({"and", "or", "not", "in", "is", "if", "else"})

TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*`)
    | (?P<number>0[xX][0-9a-fA-F]+ | (?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<variable>\$\w*)
    | (?P<field>\.[^\W\d]\w*)
    | (?P<name>[^\W\d]\w*)
    | (?P<op>:=|.)""",
    re.VERBOSE | re.DOTALL,
)


class NotGo(Exception):
    """This expression does not read as a Go pipeline."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression; `spaced` when white space (or nothing) stands before it."""

    kind: str
    text: str
    spaced: bool


class Names(Protocol):
    """What `$name`, `.name` and `.` are called in Jinja2 at this place. Raises TemplateError.

    variables  the names that Jinja2 itself has here
    """

    def variables(self) -> Collection[str]: ...
    def variable(self, name: str) -> str: ...
    def field(self, name: str) -> str: ...
    def root(self, name: str) -> str: ...
    def dot(self) -> str: ...


def meant(name: str, known: Iterable[str], sign: str = "") -> str:
    """A hint to what was probably meant; empty when nothing is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {sign}{near[0]}?" if near else ""


def translate_expression(tokens: Sequence[Token], names: Names) -> str:
    """Jinja2's spelling of an expression: Go's if it reads as such, else with the names replaced."""
    if not tokens:
        raise TemplateError("an expression is missing")
    try:
        return _Pipeline(tokens, names).run()
    except NotGo:
        return rename(tokens, names)


def rename(tokens: Sequence[Token], names: Names) -> str:
    """A Jinja2 expression or statement with Prometheus' names replaced by Jinja2's."""
    out: list[str] = []
    previous: Token | None = None
    for token in tokens:
        text = token.text
        if token.kind == "variable":
            text = names.variable(text[1:])
        elif token.kind == "field" and _begins(token, previous):
            text = names.field(text[1:])
        elif token.kind == "number" and text[0] == ".":
            text = f"0{text}"
        elif token.kind == "string" and text[0] == "`":
            text = _literal(text[1:-1])
        out.append(" " + text if token.spaced and out else text)
        previous = token
    return "".join(out)


def _begins(token: Token, previous: Token | None) -> bool:
    """Whether a `.name` begins an operand, instead of going on with the one before it."""
    if token.spaced or previous is None:
        return True
    return previous.kind == "op" and previous.text not in ")]}"


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Pipeline:
    """Recursive descent over Go's grammar; NotGo wherever Go would not go on."""

    def __init__(self, tokens: Sequence[Token], names: Names) -> None:
        self.tokens = tokens
        self.names = names
        self.at = 0

    def run(self) -> str:
        source = self.pipeline()
        if self.at < len(self.tokens):
            raise NotGo
        return source

    def peek(self, ahead: int = 0) -> Token:
        index = self.at + ahead
        return self.tokens[index] if index < len(self.tokens) else Token("end", "", True)

    def pipeline(self) -> str:
        source = self.command("")
        while self.peek().text == "|" and self.peek().kind == "op":
            self.at += 1
            source = self.command(source)
        return source

    def command(self, piped: str) -> str:
        """`operand`, or `function argument ...`; `piped` comes behind the arguments."""
        token = self.peek()
        is_function = bool(piped) or not self.is_variable(token.text)
        if token.kind == "name" and token.text not in _CONSTANTS and is_function:
            return self.call(token.text, piped)
        operand = self.operand()
        method = self.tokens[self.at - 1].kind == "field"
        arguments = self.arguments()
        if piped or (arguments and not method):
            raise NotGo
        return f"{operand}({', '.join(arguments)})" if arguments else operand

    def is_variable(self, name: str) -> bool:
        """Whether a name is one of Jinja2's variables here; `value x` is the function of that name."""
        after = self.peek(1)
        called = after.spaced and after.kind in ("string", "number", "variable", "field")
        return name in self.names.variables() and not called

    def call(self, name: str, piped: str) -> str:
        """A function's call as a filter on its last argument."""
        after = self.peek(1)
        if name not in _KNOWN:
            if after.spaced and after.kind in ("string", "number", "variable", "field"):
                raise TemplateError(f"{name} is not a function{meant(name, _KNOWN)}")
            if not piped or (after.kind != "end" and after.text not in ("|", ")")):
                raise NotGo
        if name in UNAVAILABLE and after.text != "(":
            raise TemplateError(UNAVAILABLE[name])
        self.at += 1
        arguments = self.arguments()
        if not arguments and not piped and name not in CONSTANT_FUNCTIONS:
            raise NotGo  # a variable of that name, in Jinja2
        arguments += [piped] if piped else []
        if name in CONSTANT_FUNCTIONS:
            if arguments:
                raise TemplateError(f"{name} takes no arguments")
            return f"{name}()"
        if name == "not":
            return f"(not {' '.join(arguments)})" if len(arguments) == 1 else self.refuse(name)
        if name in _LOGIC:
            return f"({f' {name} '.join(arguments)})"
        *others, last = arguments
        return f"({last})|{name}" + (f"({', '.join(others)})" if others else "")

    def refuse(self, name: str) -> str:
        raise TemplateError(f"{name} takes one argument")

    def arguments(self) -> list[str]:
        out: list[str] = []
        while True:
            token = self.peek()
            if token.kind == "end" or (token.kind == "op" and token.text in ("|", ")")):
                return out
            if not token.spaced:
                raise NotGo  # round(2): a call of Jinja2
            out.append(self.operand())

    def operand(self) -> str:
        """A term and the fields that follow it without a space."""
        source = self.term()
        while self.peek().kind == "field" and not self.peek().spaced:
            name = self.tokens[self.at].text[1:]
            source = self.names.root(name) if source == "$" else f"{source}.{name}"
            self.at += 1
        if source == "$":
            raise TemplateError("$ alone is not supported; write $labels or $value")
        return source

    def term(self) -> str:
        token = self.peek()
        self.at += 1
        if token.kind == "string":
            return _literal(token.text[1:-1]) if token.text[0] == "`" else token.text
        if token.kind == "number":
            return f"0{token.text}" if token.text[0] == "." else token.text
        if token.kind == "variable":
            return self.names.variable(token.text[1:]) if token.text != "$" else "$"
        if token.kind == "field":
            return self.names.field(token.text[1:])
        if token.kind == "name" and token.text not in _JINJA_WORDS:
            return _CONSTANTS.get(token.text, token.text + "()" * (token.text in CONSTANT_FUNCTIONS))
        if token.text in ("-", "+") and self.peek().kind == "number" and not self.peek().spaced:
            self.at += 1
            return token.text + self.tokens[self.at - 1].text
        if token.text == ".":
            return self.names.dot()
        if token.text == "(":
            source = self.pipeline()
            if self.peek().text != ")":
                raise NotGo
            self.at += 1
            return f"({source})"
        raise NotGo
