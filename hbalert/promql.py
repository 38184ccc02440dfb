"""PromQL as text: what can be said of an expression without asking anybody.

Knows the local parser, what kind of value an expression gives, and which part of it is the data that
is compared. Must not know sources, rules or states. The parser knows Prometheus 2.45 and little of
its dialects, so that "not accepted here" never means "wrong": only a server can say that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

import promql_parser

MAX_BYTES = 12 * 1024
MAX_OPERATORS = 1000
"""Beyond some thousand nested operators the parser overflows the stack and takes the process along."""


class Shape(Enum):
    """What an expression gives. Only the first two can be evaluated as a rule."""

    VECTOR = "vector"
    SCALAR = "scalar"
    STRING = "string"
    MATRIX = "range vector"


def parse(expr: str) -> Any:
    """The syntax tree. Raises ValueError, fit to show, when the local parser does not accept the text."""
    if len(expr.encode()) > MAX_BYTES or sum(1 for _ in _NESTS.finditer(expr)) > MAX_OPERATORS:
        raise ValueError("the expression is too long to be parsed here")
    try:
        return promql_parser.parse(expr)
    except ValueError:
        raise
    except BaseException as error:
        # A panic of the parser (Rust) is no Exception; anything else of that kind is not ours.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("the local parser failed on this expression") from None


@lru_cache(maxsize=65536)
def shape(expr: str) -> Shape | None:
    """What kind of value `expr` gives; None when the local parser does not accept it."""
    try:
        tree = parse(expr)
    except ValueError:
        return None
    kinds = {_leaf(node) for node in _operands(tree)}
    return kinds.pop() if len(kinds) == 1 else Shape.VECTOR


def _operands(tree: Any) -> Iterator[Any]:
    """What the outermost operators work on; arithmetic of scalars only is a scalar."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, promql_parser.BinaryExpr):
            waiting += [node.lhs, node.rhs]
        elif isinstance(node, promql_parser.ParenExpr | promql_parser.UnaryExpr):
            waiting.append(node.expr)
        else:
            yield node


def _leaf(node: Any) -> Shape:
    if isinstance(node, promql_parser.NumberLiteral):
        return Shape.SCALAR
    if isinstance(node, promql_parser.StringLiteral):
        return Shape.STRING
    if isinstance(node, promql_parser.MatrixSelector | promql_parser.SubqueryExpr):
        return Shape.MATRIX
    if isinstance(node, promql_parser.Call) and node.func.return_type == promql_parser.ValueType.Scalar:
        return Shape.SCALAR
    return Shape.VECTOR


# --- the data side of a condition --------------------------------------------------------------


@lru_cache(maxsize=4096)
def data_query(expr: str) -> str | None:
    """A query that is empty exactly when the data that `expr` judges are missing.

    `failed / total > 0.05` answers nothing both when all is well and when the metrics are gone. What
    tells the two apart is its left side alone. Of `a and b` and `a unless b` it is the data side of
    `a`; of `a or b` either will do. None when the answer to `expr` itself tells: nothing is compared.
    """
    parts = _behind(expr)
    return " or ".join(f"count((\n{part}\n))" for part in parts) if parts else None


@lru_cache(maxsize=4096)
def series_query(expr: str) -> str | None:
    """The series that `expr` judges, whatever it finds of them; None when it judges none.

    >>> series_query("failed / total > 0.05")
    '(\\nfailed / total\\n)'
    """
    parts = _behind(expr)
    return " or ".join(f"(\n{part}\n)" for part in parts) if parts else None


@lru_cache(maxsize=4096)
def threshold(expr: str) -> tuple[str, str] | None:
    """(comparison, bound) when `expr` compares its series with a number; None when it does something else.

    >>> threshold("0.05 < failed / total and on() up")
    ('>', '0.05')
    """
    text = expr
    while True:
        found = list(tokens(text))
        outer = [token for token in found if token.depth == 0]
        if not (len(outer) == 2 and text[outer[0].start] == "(" and outer[1] is found[-1]):
            break
        text = text[outer[0].end : outer[1].start]
    for token in outer:
        if token.kind == "word" and token.text == "or":
            return None
        if token.kind == "word" and token.text in ("and", "unless"):
            text, outer = text[: token.start], outer[: outer.index(token)]
            break
    compares = [token for token in outer if token.kind == "compare"]
    if len(compares) != 1:
        return None
    compare = compares[0]
    left, right = text[: compare.start].strip(), _BOOL.sub("", text[compare.end :]).strip()
    if shape(right) is Shape.SCALAR and shape(left) is Shape.VECTOR:
        return compare.text, " ".join(right.split())
    if shape(left) is Shape.SCALAR and shape(right) is Shape.VECTOR:
        return compare.text.translate(_MIRRORED), " ".join(left.split())
    return None


def _behind(expr: str) -> list[str]:
    """The data sides of an expression; none when its own answer tells whether there are data."""
    if shape(expr) is not Shape.VECTOR:
        return []
    parts = list(_data_sides(expr))
    if parts == [expr.strip()] or any(shape(part) is not Shape.VECTOR for part in parts):
        return []
    return parts


def _data_sides(text: str) -> Iterator[str]:
    found = list(tokens(text))
    if not found:
        return
    outer = [token for token in found if token.depth == 0]
    if len(outer) == 2 and text[outer[0].start] == "(" and outer[1] is found[-1]:
        yield from _data_sides(text[outer[0].end : outer[1].start])
        return
    alternatives = [token for token in outer if token.kind == "word" and token.text == "or"]
    if alternatives:
        starts = [0, *(token.end for token in alternatives)]
        ends = [*(token.start for token in alternatives), len(text)]
        for start, end in zip(starts, ends, strict=True):
            yield from _data_sides(text[start:end])
        return
    for token in outer:
        if token.kind == "word" and token.text in ("and", "unless"):
            yield from _data_sides(text[: token.start])
            return
    compares = [token for token in outer if token.kind == "compare"]
    if compares:
        left = text[: compares[0].start]
        if shape(left) is Shape.SCALAR:
            end = compares[1].start if len(compares) > 1 else len(text)
            left = _BOOL.sub("", text[compares[0].end : end])
        yield from _data_sides(left)
        return
    yield text[found[0].start : found[-1].end]


# --- text --------------------------------------------------------------------------------------


class Token:
    """A piece of an expression. `text` is in lower case; `depth` counts the brackets around it."""

    __slots__ = ("depth", "end", "kind", "start", "text")

    def __init__(self, kind: str, found: re.Match[str], depth: int) -> None:
        self.kind = kind
        self.start, self.end = found.span()
        self.text = found.group().lower()
        self.depth = depth

    @property
    def span(self) -> tuple[int, int]:
        return self.start, self.end


def tokens(text: str) -> Iterator[Token]:
    """Tokens other than space and comments; brackets belong to the depth that they stand in."""
    depth = 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind == "space":
            continue
        if kind == "close":
            depth -= 1
        yield Token(kind, found, depth)
        if kind == "open":
            depth += 1


def normal(expr: str, some: Sequence[Token]) -> str:
    """Tokens of `expr` as text, without comments and with space only where it parts two words."""
    parts: list[str] = []
    end = some[0].start if some else 0
    for token in some:
        if token.start > end and _IN_WORD.match(expr[end - 1]) and _IN_WORD.match(expr[token.start]):
            parts.append(" ")
        parts.append(expr[token.start : token.end])
        end = token.end
    return "".join(parts)


def mentions(expr: str, text: str) -> bool:
    """Whether `text` stands anywhere in an expression, be it written with escapes."""
    return text in expr or ("\\" in expr and text in _ESCAPE.sub(_unescaped, expr))


def _unescaped(found: re.Match[str]) -> str:
    code = int(found["hex"] or found["long"] or found["oct"], 8 if found["oct"] else 16)
    return chr(code) if code < 0x110000 else ""


_ESCAPE = re.compile(
    r"\\(?:x(?P<hex>[0-9a-fA-F]{2})|[uU](?P<long>[0-9a-fA-F]{8}|[0-9a-fA-F]{4})|(?P<oct>[0-3][0-7]{2}))"
)
_IN_WORD = re.compile(r"[\w.:]")

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<open>[(\[{])|(?P<close>[)\]}])
    |(?P<compare>==|!=|<=|>=|<|>)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MIRRORED = str.maketrans("<>", "><")
_NESTS = re.compile(r"[-+*/%^(<>=!]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_BOOL = re.compile(r"\A\s*bool\b", re.IGNORECASE)
