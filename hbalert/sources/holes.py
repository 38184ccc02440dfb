"""Holes: rules that differ in one label's value only.

`sum by (bot) (rate(errors_total{bot="a"}[5m])) > 1` for bot a, b, c is one question,
`... {bot=~"a|b|c"} ...`, when its answer can be told apart by that label. Knows for which expressions that
is so; must not know how anything is asked. Next: `merge.py`.

The proof goes from the selectors outwards. Call an expression *apart* in a label when its answer for many
values is the union of its answers for each of them, every series carrying the value it belongs to.

- A selector with `label="value"` is apart, the value being no empty string (which also matches series
  without the label). So is anything that looks at each series for itself and keeps the label: functions
  of a range or of a value, subqueries, a minus sign, arithmetic and comparison with a number.
- An aggregation is apart when its groups do not mix values: `by` names the label, `without` does not.
- Two vectors are apart when only series with the same value of the label can match, or when each series
  of the side that is apart is looked up in one that is the same for all values (`and`, `unless`,
  `group_left`).
- Nothing else is: `absent` and `scalar` speak of all values together, `or` adds what carries no value,
  `topk` may break ties otherwise, a name does not outlive a function.

What fails for one value fails for many; then the question is halved (`batch.py`), and the rule that fails
is named alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import promql_parser

from hbalert.config.expression import is_scalar, tree_of
from hbalert.promql import Shape, Token, normal, shape, tokens

NAME = "__name__"

_FILLER = "__hbalert_value__"
"""Stands for every value while an expression is looked at; no expression may hold it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One label of an expression that may have other values as well.

    key     equal for expressions that differ in the value only
    pieces  the text around `="value"`, which may stand in several places
    """

    label: str
    value: str
    key: str
    pieces: tuple[str, ...]

    def text(self, values: Iterable[str]) -> str:
        """The expression for all of these values."""
        regex = "|".join(value.replace(".", "[.]") for value in dict.fromkeys(values))
        return f'=~"{regex}"'.join(self.pieces)

    def weight(self, value: str) -> int:
        """How many bytes one more value takes."""
        return (len(value.encode()) + 2 * value.count(".") + 1) * (len(self.pieces) - 1)


@lru_cache(maxsize=65536)
def holes(expr: str) -> tuple[Hole, ...]:
    """The labels in which `expr` is apart, in the order of the text.

    >>> [hole.text("ab") for hole in holes('up{job="x"} == 0')]
    ['up{job=~"a|b"} == 0']
    """
    if "{" not in expr or shape(expr) is not Shape.VECTOR:
        return ()
    found = list(tokens(expr))
    places: dict[str, list[int]] = {}
    for place in _equalities(found):
        places.setdefault(expr[slice(*found[place].span)], []).append(place)
    return tuple(
        hole for label, some in places.items() if (hole := _hole(expr, found, label, some)) is not None
    )


def _equalities(found: Sequence[Token]) -> Iterable[int]:
    """Where `label = "value"` begins."""
    braces = 0
    for place, token in enumerate(found):
        braces += {"{": 1, "}": -1}.get(token.text, 0)
        after = found[place + 1 : place + 4]
        if (
            braces
            and token.kind == "word"
            and found[place - 1].text in ("{", ",")
            and len(after) == 3
            and (after[0].text, after[1].kind) == ("=", "string")
            and after[2].text in (",", "}")
        ):
            yield place


def _hole(expr: str, found: Sequence[Token], label: str, places: Sequence[int]) -> Hole | None:
    strings = {expr[slice(*found[place + 2].span)][1:-1] for place in places}
    if label == NAME or len(strings) != 1 or not _is_plain(value := strings.pop()):
        return None
    pieces, key, start, first = [], [], 0, 0
    for place in places:
        pieces.append(expr[start : found[place].end])
        key.append(normal(expr, found[first : place + 1]))
        start, first = found[place + 2].end, place + 3
    pieces.append(expr[start:])
    key.append(normal(expr, found[first:]))
    text = f'="{_FILLER}"'.join(key)
    return Hole(label, value, f"{label} {text}", tuple(pieces)) if _is_apart(text, label) else None


def _is_plain(value: str) -> bool:
    """Whether it means itself, in quotes of any kind and (a dot aside) in a regular expression."""
    return bool(value) and not set(value) & set("\\\"'`\n+*?()|[]{}^$")


@lru_cache(maxsize=4096)
def _is_apart(text: str, label: str) -> bool:
    tree = tree_of(text)
    return tree is not None and _of(tree, label) is _Is.APART


class _Is(Enum):
    """How a part of an expression depends on the value of the label.

    SAME   not at all
    APART  each series on its own value
    MIXED  otherwise, or nobody knows
    """

    SAME = "same"
    APART = "apart"
    MIXED = "mixed"


def _of(node: Any, label: str) -> _Is:
    match node:
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return _Is.SAME
        case promql_parser.VectorSelector():
            if node.matchers.or_matchers:
                return _Is.MIXED
            values = {
                each.value
                for each in node.matchers.matchers
                if each.name == label and str(each.op) == "MatchOp.Equal"
            }
            if not values <= {_FILLER}:
                return _Is.MIXED  # written in a way that was not seen as text
            return _Is.APART if values else _Is.SAME
        case promql_parser.MatrixSelector():
            return _of(node.vector_selector, label)
        case promql_parser.SubqueryExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _of(node.expr, label)
        case promql_parser.Call():
            return _of_call(node, label)
        case promql_parser.AggregateExpr():
            return _of_aggregation(node, label)
        case promql_parser.BinaryExpr():
            return _of_operator(node, label)
        case _:
            return _Is.MIXED


def _of_call(node: Any, label: str) -> _Is:
    inside = {_of(each, label) for each in node.args}
    if inside <= {_Is.SAME}:
        return _Is.SAME
    name = node.func.name
    keeps = name in _EACH_SERIES or (name == "histogram_quantile" and label != "le")
    return _Is.APART if keeps and _Is.MIXED not in inside else _Is.MIXED


def _of_aggregation(node: Any, label: str) -> _Is:
    inside = _of(node.expr, label)
    first = _Is.SAME if node.param is None else _of(node.param, label)
    if inside is _Is.SAME and first is _Is.SAME:
        return _Is.SAME
    known = str(node.op) in _AGGREGATIONS and inside is _Is.APART and first is _Is.SAME
    if not known or node.modifier is None:
        return _Is.MIXED
    by = node.modifier.type == promql_parser.AggModifierType.By
    return _Is.APART if (label in node.modifier.labels) is by else _Is.MIXED


def _of_operator(node: Any, label: str) -> _Is:
    left, right = _of(node.lhs, label), _of(node.rhs, label)
    if left is right is _Is.SAME:
        return _Is.SAME
    modifier = node.modifier
    fill = modifier.fill_values if modifier is not None else None
    if _Is.MIXED in (left, right) or (fill is not None and (fill.lhs, fill.rhs) != (None, None)):
        return _Is.MIXED
    if is_scalar(node.lhs) or is_scalar(node.rhs):
        return _Is.APART
    if _works(str(node.op).lower(), left, right, modifier, label):
        return _Is.APART
    return _Is.MIXED


def _works(op: str, left: _Is, right: _Is, modifier: Any, label: str) -> bool:
    """Whether an operator between vectors, one of them apart and none mixed, gives what is apart."""
    matching = modifier.matching if modifier is not None else None
    include = promql_parser.LabelModifierType.Include
    matched = matching is None or (label in matching.labels) is (matching.type == include)
    if op in ("and", "unless"):
        return left is _Is.APART and (right is _Is.SAME or matched)
    if op == "or":
        return left is right is _Is.APART and matched
    if modifier is not None and label in (modifier.group_labels or ()):
        return False
    many_to_one, one_to_many = _GROUPED
    grouped = modifier.card if modifier is not None else None
    return matched or (
        (grouped == many_to_one and right is _Is.SAME) or (grouped == one_to_many and left is _Is.SAME)
    )


_GROUPED = (promql_parser.VectorMatchCardinality.ManyToOne, promql_parser.VectorMatchCardinality.OneToMany)

_EACH_VALUE = """
abs acos acosh asin asinh atan atanh ceil clamp clamp_max clamp_min cos cosh day_of_month day_of_week
day_of_year days_in_month deg exp floor histogram_count histogram_sum hour ln log10 log2 minute month rad
round sgn sin sinh sort sort_desc sqrt tan tanh timestamp year
"""
_EACH_RANGE = """
avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time max_over_time
min_over_time predict_linear present_over_time quantile_over_time rate resets stddev_over_time
stdvar_over_time sum_over_time
"""
_EACH_SERIES = frozenset((_EACH_VALUE + _EACH_RANGE).split())
"""Functions whose answer for a series depends on that series (and on numbers), and keeps its labels."""

_AGGREGATIONS = frozenset(("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile"))
