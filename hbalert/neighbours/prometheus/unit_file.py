"""promtool's unit tests of rules as values.

Knows the keys of such a file. Must not know how a test is run. Source: cmd/promtool/unittest.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from hbalert.neighbours.keys import Keys
from hbalert.neighbours.prometheus.series import metric, values
from hbalert.neighbours.report import Report
from hbalert.neighbours.yaml_tree import Scalar, Table, Unreadable, parse_yaml

MINUTE = timedelta(minutes=1)
MOST_STEPS = 200_000
"""Evaluations of one test: those of four months, once a minute."""
Firing = tuple[Mapping[str, str], Mapping[str, str]]
"""Labels (with alertname) and annotations."""


@dataclass(frozen=True, slots=True)
class InputSeries:
    labels: Mapping[str, str]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class AlertCase:
    """Which alerts of this name fire at a time."""

    at: timedelta
    alert: str
    expected: tuple[Firing, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ExprCase:
    """What an expression gives at a time."""

    at: timedelta
    expr: str
    expected: tuple[tuple[Mapping[str, str], float], ...]
    line: int


@dataclass(frozen=True, slots=True)
class UnitTest:
    """Series from time 0 on, and what must come of them."""

    name: str
    interval: timedelta
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertCase, ...]
    exprs: tuple[ExprCase, ...]
    external_labels: Mapping[str, str]
    external_url: str
    line: int

    @property
    def ends(self) -> timedelta:
        """The latest time that is asked about."""
        times = [case.at for case in self.alerts] + [case.at for case in self.exprs]
        return max(times, default=timedelta())


@dataclass(frozen=True, slots=True)
class UnitFile:
    """interval: of evaluations, whatever the groups say. order: names of groups that come first."""

    rule_files: tuple[str, ...]
    interval: timedelta
    order: tuple[str, ...]
    fuzzy: bool
    tests: tuple[UnitTest, ...]


def read(data: bytes, file: str) -> tuple[UnitFile, Report]:
    """The tests of a file, and what is wrong with it. Raises Unreadable when it is none."""
    root = parse_yaml(data).root
    if not isinstance(root, Table) or "tests" not in root.entries:
        raise Unreadable(root.line, "these are no unit tests: there is no list of tests at the top")
    report = Report(file)
    top = Keys(root, "", report)
    order = top.texts("group_eval_order")
    for place, (name, line, path) in enumerate(order):
        if name in [each for each, _, _ in order[:place]]:
            report.refuse(line, path, f'the group "{name}" is there twice')
    interval = top.duration("evaluation_interval") or MINUTE
    made = UnitFile(
        tuple(text for text, _, _ in top.texts("rule_files")),
        interval,
        tuple(name for name, _, _ in order),
        bool(top.flag("fuzzy_compare")),
        tuple(_test(keys, interval) for keys in top.tables("tests")),
    )
    top.rest()
    report.refused += report.missing  # promtool takes no key that it does not know
    report.missing.clear()
    report.tidy()
    return made, report


def _test(keys: Keys, evaluations: timedelta) -> UnitTest:
    external = {name: value.text for name, value in keys.names("external_labels").items()}
    made = UnitTest(
        keys.text("name"),
        keys.duration("interval") or evaluations,
        tuple(_series(keys)),
        tuple(_alert(case) for case in keys.tables("alert_rule_test")),
        tuple(_expr(case) for case in keys.tables("promql_expr_test")),
        external,
        keys.text("external_url"),
        keys.line,
    )
    if made.ends // evaluations > MOST_STEPS or made.ends > _LONGEST:
        keys.report.refuse(keys.line, keys.path, "this asks for more evaluations than anybody waits for")
    keys.rest()
    return made


_LONGEST = timedelta(days=3650)


def _series(test: Keys) -> Iterator[InputSeries]:
    for keys in test.tables("input_series"):
        labels: dict[str, str] = {}
        found: list[float | None] = []
        try:
            labels = metric(keys.text("series"))
        except ValueError as error:
            keys.refuse("series", str(error))
        try:
            found = values(keys.text("values"))
        except ValueError as error:
            keys.refuse("values", str(error))
        keys.rest()
        yield InputSeries(labels, tuple(found))


def _at(keys: Keys) -> timedelta:
    return keys.duration("eval_time") or timedelta()


def _alert(keys: Keys) -> AlertCase:
    at, alert = _at(keys), keys.text("alertname")
    if not alert:
        keys.report.refuse(keys.line, keys.path, "alertname is missing")
    expected = []
    for each in keys.tables("exp_alerts"):
        labels, annotations = (
            {name: "" if value.is_null else value.text for name, value in each.names(key).items()}
            for key in ("exp_labels", "exp_annotations")
        )
        expected.append(({**labels, "alertname": alert}, annotations))
        each.rest()
    keys.rest()
    return AlertCase(at, alert, tuple(expected), keys.line)


def _expr(keys: Keys) -> ExprCase:
    at, expr = _at(keys), keys.text("expr")
    expected = []
    for each in keys.tables("exp_samples"):
        try:
            labels = metric(each.text("labels"))
        except ValueError as error:
            each.refuse("labels", str(error))
            labels = {}
        if "histogram" in each:
            each.refuse("histogram", "native histograms are not read; a rule judges numbers")
            each.get("histogram")
        expected.append((labels, _number(each)))
        each.rest()
    keys.rest()
    return ExprCase(at, expr, tuple(expected), keys.line)


_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_WORDS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def _number(keys: Keys) -> float:
    """A number as YAML spells it; 0 where none is given."""
    node = keys.get("value")
    if node is None:
        return 0.0
    text = node.text.lower() if isinstance(node, Scalar) and not node.style else "?"
    if text in _WORDS:
        return float(_WORDS[text])
    if re.fullmatch(r"[-+]?0x[0-9a-f_]+", text):
        return float(int(text.replace("_", ""), 16))
    if not _FLOAT.fullmatch(text):
        keys.refuse("value", "must be a number", "YAML writes infinity as .inf")
        return 0.0
    return float(text.replace("_", ""))
