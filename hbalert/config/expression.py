"""What can be said of a rule's expression without asking a server.

Knows which expressions can be a rule, and what only some servers accept. Must not know rules or
sources. What the local parser refuses is a mistake, unless it is a known dialect: then the server
decides, and the rule runs in a query of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import promql_parser

from hbalert import promql
from hbalert.config.nearest import did_you_mean
from hbalert.config.promql_names import FUNCTIONS, SERVERS_ONLY

RULE_LABEL = "__hbalert_rule__"
"""Tells the answers of a batch apart: no expression may use it."""

MAX_NODES = 80
"""The parser hands out a tree by copying, in a time that grows with the cube of its depth."""


class Problem(NamedTuple):
    """What is wrong with an expression; `code` is that of the finding."""

    what: str
    instead: str
    code: str = "expression"
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class Selector:
    """A selection of series: `up{job="a"}`.

    name      of the metric; "" when only its labels are given
    matchers  (label, operator, value)
    may_lack  it stands where its absence is the point: within absent()
    """

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    may_lack: bool = False

    def __str__(self) -> str:
        """As PromQL, the name written as a label."""
        name = [("__name__", "=", self.name)] if self.name else []
        pairs = (f"{label}{op}{_quoted(value)}" for label, op, value in (*name, *self.matchers))
        return "{" + ",".join(pairs) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def problems(expr: str) -> Iterator[Problem]:
    """What is wrong with `expr` as a rule's expression; nothing when it can be evaluated."""
    if not expr.strip():
        yield Problem("the expression is empty", "write PromQL, for example '''up == 0'''", "missing")
        return
    if promql.mentions(expr, RULE_LABEL):
        yield Problem(f"the label {RULE_LABEL} is hbalert's own", "name it otherwise")
    try:
        promql.parse(expr)
    except ValueError as error:
        yield _refused(expr, str(error))
        return
    match promql.shape(expr):
        case promql.Shape.STRING:
            yield Problem(
                "this gives a text; a rule needs series or a number", "select series and compare them"
            )
        case promql.Shape.MATRIX:
            instead = "wrap it in a function such as rate(...) or max_over_time(...)"
            yield Problem("this gives a range of values; a rule needs one value per series", instead)
        case _:
            pass


def _refused(expr: str, complaint: str) -> Problem:
    unknown = re.fullmatch(r"unknown function with name '(\w+)'", complaint)
    dialect = _DIALECT.search(promql_text(expr))
    is_long = "too long" in complaint
    if (unknown and unknown[1] in SERVERS_ONLY) or (not unknown and dialect) or is_long:
        what = unknown[1] if unknown else dialect[0].strip() if dialect else "an expression of this length"
        return Problem(
            f"{what}: only some servers accept this; it could not be checked here",
            "it will run in a query of its own; `hbalert check --live` asks the server",
            "dialect",
            is_error=False,
        )
    if unknown:
        return Problem(f"there is no function {unknown[1]}", did_you_mean(unknown[1], FUNCTIONS))
    return Problem(f"this is not PromQL: {complaint}", _remedy(expr, complaint))


def _remedy(expr: str, complaint: str) -> str:
    text = promql_text(expr)
    if re.search(r"(?<![=!<>])=(?![=~])", re.sub(r"\{[^}]*\}", "", text)):
        return "to compare, write =="
    if "got vector" in complaint and "expected type matrix" in complaint:
        return "give a range, for example [5m]"
    if "$" in text:
        return "Grafana's variables such as $__interval are not known here; write [5m]"
    return "try it in Prometheus' own expression browser"


def promql_text(expr: str) -> str:
    """The expression without what stands between quotes and without comments."""
    return re.sub(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*", '""', expr)


# --- what it reads -----------------------------------------------------------------------------


def selectors(expr: str) -> list[Selector]:
    """The series that an expression reads; none when it cannot be parsed here or is very long."""
    return [found for found in _walk(expr) if isinstance(found, Selector)]


@dataclass(frozen=True, slots=True)
class Window:
    """A function over a range of a selection: `rate(a_total[5m])`."""

    function: str
    selector: Selector
    span: timedelta


def windows(expr: str) -> list[Window]:
    """The functions over a range of time that an expression uses, subqueries aside."""
    return [found for found in _walk(expr) if isinstance(found, Window)]


def grouping(expr: str) -> set[str]:
    """The labels that its aggregations keep: those of `by (...)`."""
    return {found for found in _walk(expr) if isinstance(found, str)}


def _walk(expr: str) -> list[Selector | Window | str]:
    tree = tree_of(expr)
    if tree is None:
        return []
    found: list[Selector | Window | str] = []
    absences = 0

    def enter(node: Any) -> None:
        nonlocal absences
        absences += _is_absence(node)
        if isinstance(node, promql_parser.VectorSelector):
            found.append(_selector(node, may_lack=absences > 0))
        elif isinstance(node, promql_parser.AggregateExpr):
            found.extend(_kept(node.modifier))
        elif isinstance(node, promql_parser.Call):
            for each in node.args:
                if isinstance(each, promql_parser.MatrixSelector):
                    selector = _selector(each.vector_selector, may_lack=absences > 0)
                    found.append(Window(node.func.name, selector, each.range))

    def leave(node: Any) -> None:
        nonlocal absences
        absences -= _is_absence(node)

    promql_parser.walk(tree, enter, leave)
    return found


def _is_absence(node: Any) -> bool:
    return isinstance(node, promql_parser.Call) and node.func.name in ("absent", "absent_over_time")


def _kept(modifier: promql_parser.AggModifier | None) -> list[str]:
    by = promql_parser.AggModifierType.By
    return modifier.labels if modifier is not None and modifier.type == by else []


def tree_of(expr: str) -> Any | None:
    """The syntax tree, for looking at; None when it cannot be had, or would take too long to look at."""
    if len(re.findall(r"[-+*/%^(<>=]|\b(?:and|or|unless)\b", promql_text(expr))) > MAX_NODES:
        return None
    try:
        return promql.parse(expr)
    except ValueError:
        return None


def is_scalar(node: Any) -> bool:
    """Whether a part of a tree gives one number, not series."""
    if isinstance(node, promql_parser.ParenExpr | promql_parser.UnaryExpr):
        return is_scalar(node.expr)
    if isinstance(node, promql_parser.BinaryExpr):
        return is_scalar(node.lhs) and is_scalar(node.rhs)
    if isinstance(node, promql_parser.Call):
        return bool(node.func.return_type == promql_parser.ValueType.Scalar)
    return isinstance(node, promql_parser.NumberLiteral)


_OPERATORS = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}


def _selector(node: promql_parser.VectorSelector, *, may_lack: bool) -> Selector:
    matchers = [(each.name, _OPERATORS[str(each.op)], each.value) for each in node.matchers.matchers]
    names = [value for label, op, value in matchers if label == "__name__" and op == "="]
    labels = tuple(each for each in matchers if each[0] != "__name__" or each[1] != "=")
    return Selector(node.name or (names[0] if names else ""), labels, may_lack)


def reads_own_alerts(selector: Selector, alerts: Mapping[str, Any]) -> bool:
    """Whether it looks in Prometheus' ALERTS for alerts that are hbalert's.

    alerts  names of the alerts of our own rules
    """
    if selector.name not in ("ALERTS", "ALERTS_FOR_STATE"):
        return False
    names = [(op, value) for label, op, value in selector.matchers if label == "alertname"]
    if any(op == "=" for op, _ in names):
        return any(op == "=" and value in alerts for op, value in names)
    return bool(alerts)


_DIALECT = re.compile(
    r"(?i:\bkeep_metric_names\b|\bdefault\s+-?[\d.(a-z]|(?<=[\w)\]}])\s+if(?:not)?\s|\bwith\s*\(|"
    r"\b(?:smoothed|anchored)\b|\blimit\s+\d+\s*$)"
    r"|\d+i\s*\]|\b\d+(?:\.\d+)?[KMGT]i?\b|\[[^\]]*[-+*/][^\]]*\]"
)
"""Words of MetricsQL and of newer versions of PromQL."""
