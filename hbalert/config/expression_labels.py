"""Which labels the results of an expression can have, told from its text alone.

Knows PromQL's rules about labels. Must not know rules or sources. What cannot be told without data is
left open, so that every verdict here is certain.
Source: Prometheus, promql/engine.go, VectorBinop and aggregation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser as p

from hbalert.config.expression import is_scalar, tree_of


@dataclass(frozen=True, slots=True)
class Kept:
    """Which labels results can have.

    only   at most these; None: any, as the data are
    never  none of these
    """

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def may_have(self, label: str) -> bool:
        return label not in self.never and (self.only is None or label in self.only)


ANY = Kept()
NOTHING = Kept(frozenset())


def kept_labels(expr: str) -> Kept:
    """The labels that results of `expr` can have, its name aside."""
    tree = tree_of(expr)
    return ANY if tree is None else _kept(tree)


def _kept(node: Any) -> Kept:
    match node:
        case p.ParenExpr() | p.UnaryExpr() | p.SubqueryExpr():
            return _kept(node.expr)
        case p.NumberLiteral() | p.StringLiteral():
            return NOTHING
        case p.AggregateExpr():
            return _aggregated(node)
        case p.Call():
            return _returned(node)
        case p.BinaryExpr():
            return _combined(node)
        case _:
            return ANY


def _aggregated(node: Any) -> Kept:
    op, inner = str(node.op), _kept(node.expr)
    if op in ("topk", "bottomk", "limitk", "limit_ratio"):
        return inner
    modifier = node.modifier
    if modifier is None:
        kept = NOTHING
    elif modifier.type == p.AggModifierType.By:
        kept = Kept(frozenset(label for label in modifier.labels if inner.may_have(label)))
    else:
        kept = _without(inner, modifier.labels)
    if op == "count_values" and isinstance(node.param, p.StringLiteral):
        return _with(kept, [node.param.val])
    return kept


def _returned(node: Any) -> Kept:
    name, arguments = node.func.name, node.args
    if name in ("absent", "absent_over_time"):
        return Kept(frozenset(_equalities(arguments[0])))
    if name in ("vector", "scalar", "time", "pi"):
        return NOTHING
    if name in ("label_replace", "label_join"):
        target = arguments[1]
        return _with(_kept(arguments[0]), [target.val]) if isinstance(target, p.StringLiteral) else ANY
    vectors = [each for each in arguments if not isinstance(each, p.NumberLiteral | p.StringLiteral)]
    if not vectors:
        return NOTHING
    inner = _kept(vectors[-1])
    return _without(inner, ["le"]) if name == "histogram_quantile" else inner


def _equalities(node: Any) -> Iterator[str]:
    selector = node.vector_selector if isinstance(node, p.MatrixSelector) else node
    if isinstance(selector, p.VectorSelector):
        for each in selector.matchers.matchers:
            if str(each.op) == "MatchOp.Equal" and each.name != "__name__":
                yield each.name


def _combined(node: Any) -> Kept:
    left, right = _kept(node.lhs), _kept(node.rhs)
    op = str(node.op)
    if op == "or":
        return _either(left, right)
    if op in ("and", "unless"):
        return left
    if is_scalar(node.rhs) or is_scalar(node.lhs):
        return right if is_scalar(node.lhs) else left
    modifier = node.modifier
    matching = modifier.matching if modifier is not None else None
    many_left = modifier is not None and modifier.card == p.VectorMatchCardinality.ManyToOne
    many_right = modifier is not None and modifier.card == p.VectorMatchCardinality.OneToMany
    if many_left or many_right:
        return _with(left if many_left else right, modifier.group_labels or ())
    if matching is None:
        return _both(left, right)
    if matching.type == p.LabelModifierType.Include:
        return Kept(
            frozenset(each for each in matching.labels if left.may_have(each) and right.may_have(each))
        )
    return _without(left, matching.labels)


def _with(kept: Kept, labels: Iterable[str]) -> Kept:
    more = frozenset(labels)
    return Kept(None if kept.only is None else kept.only | more, kept.never - more)


def _without(kept: Kept, labels: Iterable[str]) -> Kept:
    less = frozenset(labels)
    return Kept(None if kept.only is None else kept.only - less, kept.never | less)


def _either(left: Kept, right: Kept) -> Kept:
    only = None if left.only is None or right.only is None else left.only | right.only
    never = frozenset(each for each in left.never if not right.may_have(each))
    never |= frozenset(each for each in right.never if not left.may_have(each))
    return Kept(only, never)


def _both(left: Kept, right: Kept) -> Kept:
    """Both sides have the very same labels."""
    sides = [each.only for each in (left, right) if each.only is not None]
    return Kept(frozenset.intersection(*sides) if sides else None, left.never | right.never)
