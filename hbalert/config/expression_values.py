"""Conditions that hold always or never, told from an expression's text alone.

Knows the bounds of what functions and some metrics give. Must not know rules or sources. What cannot be
told without data is left open, so that every verdict here is certain.
Source: Prometheus' documentation of its functions and operators.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser as p

from hbalert.config.expression import is_scalar, tree_of


class Bounds(NamedTuple):
    """What a value can be, both ends included."""

    low: float
    high: float


ANYTHING = Bounds(-math.inf, math.inf)
POSITIVE = Bounds(0.0, math.inf)

_FUNCTIONS: dict[str, Bounds] = {
    **dict.fromkeys(
        (
            "rate", "irate", "increase", "changes", "resets", "abs", "sqrt", "exp", "count_over_time",
            "stddev_over_time", "stdvar_over_time", "time", "timestamp", "mad_over_time",
        ),
        POSITIVE,
    ),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), Bounds(1.0, 1.0)),
    "sgn": Bounds(-1.0, 1.0),
    "hour": Bounds(0.0, 23.0),
    "minute": Bounds(0.0, 59.0),
    "month": Bounds(1.0, 12.0),
    "day_of_week": Bounds(0.0, 6.0),
    "day_of_month": Bounds(1.0, 31.0),
    "days_in_month": Bounds(28.0, 31.0),
    "day_of_year": Bounds(1.0, 366.0),
}  # fmt: skip
_LIKE_THEIR_ARGUMENT = frozenset({
    "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "vector", "scalar", "sort",
    "sort_desc", "sort_by_label", "sort_by_label_desc", "label_replace", "label_join",
})  # fmt: skip


class Doubt(NamedTuple):
    """A condition that tells nothing. `always`: it holds whatever the data are; else it never does."""

    text: str
    always: bool


def doubts(expr: str) -> list[Doubt]:
    """The outermost conditions of `expr` that hold always or never, whatever the data are."""
    tree = tree_of(expr)
    return [] if tree is None else list(_doubts(tree))


def _doubts(node: Any) -> Iterator[Doubt]:
    if isinstance(node, p.ParenExpr | p.UnaryExpr | p.AggregateExpr):
        yield from _doubts(node.expr)
    elif isinstance(node, p.Call):
        for each in node.args:
            yield from _doubts(each)
    elif isinstance(node, p.BinaryExpr):
        verdict = _verdict(node)
        if verdict is not None:
            yield Doubt(" ".join(str(node.prettify()).split()), verdict)
            return
        yield from _doubts(node.lhs)
        yield from _doubts(node.rhs)


def _verdict(node: Any) -> bool | None:
    """True: always holds. False: never. None: that depends, or it is no condition."""
    op = str(node.op)
    if op == "and":
        left, right = _narrowed(node.lhs), _narrowed(node.rhs)
        if left and right and left[0] == right[0] and _disjoint(left[1], right[1]):
            return False
        return None
    if op not in _COMPARED or (node.modifier is not None and node.modifier.return_bool):
        return None
    return _compared(op, _bounds(node.lhs), _bounds(node.rhs))


def _compared(op: str, left: Bounds, right: Bounds) -> bool | None:
    match op:
        case ">":
            always, never = left.low > right.high, left.high <= right.low
        case ">=":
            always, never = left.low >= right.high, left.high < right.low
        case "<":
            always, never = left.high < right.low, left.low >= right.high
        case "<=":
            always, never = left.high <= right.low, left.low > right.high
        case "==":
            always, never = left == right and left.low == left.high, _disjoint(left, right)
        case _:
            always, never = _disjoint(left, right), left == right and left.low == left.high
    return True if always else False if never else None


_COMPARED = {"==", "!=", ">", "<", ">=", "<="}


def _disjoint(left: Bounds, right: Bounds) -> bool:
    return left.high < right.low or right.high < left.low


def _narrowed(node: Any) -> tuple[str, Bounds] | None:
    """Of `something > 5`: the text of `something`, and what its value then is."""
    if isinstance(node, p.ParenExpr):
        return _narrowed(node.expr)
    if not isinstance(node, p.BinaryExpr) or str(node.op) not in _COMPARED:
        return None
    if node.modifier is not None and node.modifier.return_bool:
        return None
    right = _bounds(node.rhs)
    if right.low != right.high:
        return None
    return str(node.lhs.prettify()), _after(str(node.op), _bounds(node.lhs), right)


def _after(op: str, left: Bounds, right: Bounds) -> Bounds:
    """The left side of a condition that holds."""
    low, high = left
    match op:
        case ">":
            low = max(low, math.nextafter(right.low, math.inf))
        case ">=":
            low = max(low, right.low)
        case "<":
            high = min(high, math.nextafter(right.high, -math.inf))
        case "<=":
            high = min(high, right.high)
        case "==":
            low, high = max(low, right.low), min(high, right.high)
        case _:
            pass
    return Bounds(low, high)


def _bounds(node: Any) -> Bounds:
    match node:
        case p.NumberLiteral():
            return ANYTHING if math.isnan(node.val) else Bounds(node.val, node.val)
        case p.ParenExpr():
            return _bounds(node.expr)
        case p.UnaryExpr():
            low, high = _bounds(node.expr)
            return Bounds(-high, -low)
        case p.MatrixSelector():
            return _bounds(node.vector_selector)
        case p.SubqueryExpr():
            return _bounds(node.expr)
        case p.VectorSelector():
            return _of_metric(node.name or "")
        case p.AggregateExpr():
            return _of_aggregation(node)
        case p.Call():
            return _of_call(node)
        case p.BinaryExpr():
            return _of_operation(node)
        case _:
            return ANYTHING


def _of_metric(name: str) -> Bounds:
    if name == "up":
        return Bounds(0.0, 1.0)
    return POSITIVE if name.endswith(("_total", "_count", "_bucket")) else ANYTHING


def _of_aggregation(node: Any) -> Bounds:
    match str(node.op):
        case "count" | "count_values":
            return Bounds(1.0, math.inf) if str(node.op) == "count" else ANYTHING
        case "group":
            return Bounds(1.0, 1.0)
        case "stddev" | "stdvar":
            return POSITIVE
        case "avg" | "min" | "max" | "topk" | "bottomk" | "quantile":
            return _bounds(node.expr)
        case "sum":
            return _summed(_bounds(node.expr))
        case _:
            return ANYTHING


def _summed(each: Bounds) -> Bounds:
    """Of one or more such values."""
    return Bounds(
        each.low if each.low >= 0 else -math.inf,
        each.high if each.high <= 0 else math.inf,
    )


def _of_call(node: Any) -> Bounds:
    name = node.func.name
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    if name in _LIKE_THEIR_ARGUMENT and node.args:
        return _bounds(node.args[0])
    if name == "sum_over_time" and node.args:
        return _summed(_bounds(node.args[0]))
    return ANYTHING


def _of_operation(node: Any) -> Bounds:
    op = str(node.op)
    if op in _COMPARED:
        if node.modifier is not None and node.modifier.return_bool:
            return Bounds(0.0, 1.0)
        left, right = _bounds(node.lhs), _bounds(node.rhs)
        if is_scalar(node.lhs) and not is_scalar(node.rhs):
            return right
        return _after(op, left, right) if right.low == right.high else left
    if op in ("and", "unless"):
        return _bounds(node.lhs)
    left, right = _bounds(node.lhs), _bounds(node.rhs)
    match op:
        case "or":
            return Bounds(min(left.low, right.low), max(left.high, right.high))
        case "+":
            return Bounds(left.low + right.low, left.high + right.high)
        case "-":
            return Bounds(left.low - right.high, left.high - right.low)
        case "*" | "/" if left.low >= 0 and right.low >= 0:
            return POSITIVE
        case "%" if left.low >= 0:
            return POSITIVE
        case _:
            return ANYTHING
