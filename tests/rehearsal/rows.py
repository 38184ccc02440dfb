"""Unit tests of rules in promtool's format, from simple to odd; promtool passes every one of them.

One table, asked twice (`test_beside_promtool.py`): of promtool and of `hbalert rules test`. Each row comes
with variants that must fail, made by changing one thing that it expects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Expected = tuple[Mapping[str, str], Mapping[str, str]]


@dataclass(frozen=True)
class Row:
    """One test.

    rules   of one group, or whole groups
    series  name -> values
    alerts  (time, alert, [(labels, annotations)])
    exprs   (time, expression, [(labels, value)])
    test    more keys of the test; file: of the file
    """

    name: str
    rules: Sequence[Mapping[str, Any]] = ()
    series: Mapping[str, str] = field(default_factory=dict)
    alerts: Sequence[tuple[str, str, Sequence[Expected]]] = ()
    exprs: Sequence[tuple[str, str, Sequence[tuple[str, float]]]] = ()
    groups: Sequence[Mapping[str, Any]] = ()
    test: Mapping[str, Any] = field(default_factory=dict)
    file: Mapping[str, Any] = field(default_factory=dict)

    def rule_file(self) -> dict[str, Any]:
        return {"groups": list(self.groups) or [{"name": "g", "rules": list(self.rules)}]}

    def test_file(self) -> dict[str, Any]:
        return {
            "rule_files": ["rules.yml"],
            "evaluation_interval": "1m",
            **self.file,
            "tests": [
                {
                    "name": self.name,
                    "interval": "1m",
                    "input_series": [{"series": name, "values": text} for name, text in self.series.items()],
                    "alert_rule_test": [
                        {
                            "eval_time": at,
                            "alertname": alert,
                            "exp_alerts": [
                                {"exp_labels": dict(labels), "exp_annotations": dict(annotations)}
                                for labels, annotations in expected
                            ],
                        }
                        for at, alert, expected in self.alerts
                    ],
                    "promql_expr_test": [
                        {
                            "eval_time": at,
                            "expr": expr,
                            "exp_samples": [{"labels": labels, "value": value} for labels, value in expected],
                        }
                        for at, expr, expected in self.exprs
                    ],
                    **self.test,
                }
            ],
        }


def variants(row: Row) -> Iterator[tuple[str, dict[str, Any]]]:
    """The row, and what must fail: each expectation once dropped, changed, or with one more."""
    whole = row.test_file()
    yield "as it is", whole
    for key, wanted in (("alert_rule_test", "exp_alerts"), ("promql_expr_test", "exp_samples")):
        for place, case in enumerate(whole["tests"][0][key]):
            changed = deepcopy(whole)
            expected = changed["tests"][0][key][place][wanted]
            change = _CHANGES[place % 3] if expected else "more"
            if change == "more":
                expected.append({"exp_labels": {"never": "seen"}} if key[0] == "a" else _NEVER)
            elif change == "drop":
                del expected[0]
            elif key[0] == "a":
                expected[0]["exp_annotations"]["never"] = "said"
            else:
                expected[0]["value"] += 1
            yield f"{key} {place} {change} at {case['eval_time']}", changed


_CHANGES = ("other", "drop", "more")
_NEVER = {"labels": "never_seen", "value": 1}


def alert(name: str, expr: str, **more: Any) -> dict[str, Any]:
    return {"alert": name, "expr": expr, **{key.rstrip("_"): value for key, value in more.items()}}


NONE: list[Expected] = []
UP = 'up{job="a"}'
JOB: Expected = ({"job": "a"}, {})

ROWS = [
    Row("fires at once", [alert("A", "up == 0")], {UP: "1 0 0"}, [("0m", "A", NONE), ("1m", "A", [JOB])]),
    Row(
        "for: pending says nothing, and begins anew after a gap",
        [alert("A", "up == 0", for_="2m")],
        {UP: "0 0 0 1 0 0 0"},
        [("1m", "A", NONE), ("2m", "A", [JOB]), ("3m", "A", NONE), ("5m", "A", NONE), ("6m", "A", [JOB])],
    ),
    Row(
        "a time between two evaluations is that of the one before",
        [alert("A", "up == 0", for_="2m")],
        {UP: "0x5"},
        [("1m59s", "A", NONE), ("2m30s", "A", [JOB])],
    ),
    Row(
        "for that no evaluation meets",
        [alert("A", "up == 0", for_="90s")],
        {UP: "0x5"},
        [("1m", "A", NONE), ("2m", "A", [JOB])],
    ),
    Row(
        "keep_firing_for holds on",
        [alert("A", "up == 0", keep_firing_for="2m")],
        {UP: "0 1 1 1 1"},
        [("0m", "A", [JOB]), ("1m", "A", [JOB]), ("2m", "A", [JOB]), ("3m", "A", NONE)],
    ),
    Row(
        "keep_firing_for does not hold what is pending, and forgets the wait when it is back",
        [alert("A", "up == 0", for_="1m", keep_firing_for="2m")],
        {UP: "0 1 0 0 1 0 1 1 1 1"},
        [(f"{minute}m", "A", [JOB] if 3 <= minute <= 7 else NONE) for minute in range(10)],
    ),
    Row(
        "missing samples: the last one counts for five minutes",
        [alert("A", "up == 0")],
        {UP: "0 _x9"},
        [("4m", "A", [JOB]), ("5m", "A", [JOB]), ("6m", "A", NONE)],
    ),
    Row(
        "stale ends a series at once",
        [alert("A", "up == 0"), alert("Gone", 'absent(up{job="a"})')],
        {UP: "0 stale _ 0"},
        [
            ("0m", "A", [JOB]),
            ("1m", "A", NONE),
            ("1m", "Gone", [JOB]),
            ("3m", "A", [JOB]),
            ("3m", "Gone", NONE),
        ],
    ),
    Row("_ after stale is still nothing", [], {"m": "1 stale _ _"}, exprs=[("3m", "m", [])]),
    Row(
        "every way to write values",
        series={
            "m": "1 -2 +3 1e2 .5 2. _ _x2 1x2 5+10x2 5-10x2 0x10 7-2.5x1 NaN Inf -Inf +inf nan -1e-2 stale"
        },
        exprs=[
            ("59m", "count_over_time(m[1h])", [("{}", 34)]),
            ("0m", "m", [("m", 1)]),
            ("1m", "m", [("m", -2)]),
            ("2m", "m", [("m", 3)]),
            ("3m", "m", [("m", 100)]),
            ("4m", "m", [("m", 0.5)]),
            ("8m", "m", [("m", 2)]),
            ("11m", "m", [("m", 1)]),
            ("14m", "m", [("m", 25)]),
            ("17m", "m", [("m", -15)]),
            ("28m", "m", [("m", 0)]),
            ("30m", "m", [("m", 4.5)]),
            ("31m", "count(m != m)", [("{}", 1)]),
            ("32m", "m > bool 1e300", [("{}", 1)]),
            ("36m", "m", [("m", -0.01)]),
            ("37m", "m", []),
        ],
    ),
    Row(
        "steps are added one after the other, with their rounding",
        series={"m": "0+0.1x10"},
        exprs=[("3m", "m", [("m", 0.1 + 0.1 + 0.1)]), ("10m", "m", [("m", sum([0.1] * 10))])],
    ),
    Row(
        "the last one of a series counts",
        series={"m": "1x5", 'm{a=""}': "2x5"},
        exprs=[("1m", "m", [("m", 2)])],
    ),
    Row(
        "labels: of the series, of the rule, templates, empty ones",
        [
            alert(
                "A",
                "m > 1",
                labels={"severity": "{{ $labels.size }}!", "size": "", "job": "b", "n": "{{ $value }}"},
            )
        ],
        {'m{size="big",job="a",keep="k"}': "2"},
        [("0m", "A", [({"severity": "big!", "job": "b", "keep": "k", "n": "2"}, {})])],
    ),
    Row(
        "annotations: functions, missing labels, several lines",
        [
            alert(
                "A",
                "m > 1",
                annotations={
                    "s": '{{ $labels.host | toUpper }} {{ printf "%.1f" $value }} [{{ $labels.no }}]',
                    "d": "{{ if gt $value 5.0 }}much{{ else }}little{{ end }}\n{{ $value | humanize }}\n",
                    "q": '{{ with query "other" }}{{ . | first | value }}{{ end }}',
                },
            )
        ],
        {'m{host="x1"}': "1234.5", "other": "7"},
        [("0m", "A", [({"host": "x1"}, {"s": "X1 1234.5 []", "d": "much\n1.234k\n", "q": "7"})])],
    ),
    Row(
        "a value that changes, changes the text",
        [alert("A", "m > 1", for_="1m", annotations={"s": "{{ $value }}"})],
        {"m": "2 3 4 0"},
        [("1m", "A", [({}, {"s": "3"})]), ("2m", "A", [({}, {"s": "4"})]), ("3m", "A", NONE)],
    ),
    Row(
        "external labels and the address",
        [
            alert(
                "A",
                "m > 1",
                annotations={"s": "{{ $externalLabels.site }} {{ $externalURL }}"},
            )
        ],
        {"m": "2"},
        [("0m", "A", [({}, {"s": "home https://x.example.com/p"})])],
        test={"external_labels": {"site": "home"}, "external_url": "https://x.example.com/p"},
    ),
    Row(
        "several series and several rules of one name",
        [alert("A", "m > 2"), alert("A", "m < 1", labels={"low": "yes"})],
        {'m{i="1"}': "0 3", 'm{i="2"}': "3 0", 'm{i="3"}': "2 2"},
        [
            ("0m", "A", [({"i": "2"}, {}), ({"i": "1", "low": "yes"}, {})]),
            ("1m", "A", [({"i": "2", "low": "yes"}, {}), ({"i": "1"}, {})]),
        ],
    ),
    Row(
        "samples closer together than evaluations",
        [alert("A", "count_over_time(m[1m]) >= 4")],
        {"m": "1x8"},
        [("0m", "A", NONE), ("1m", "A", [({}, {})])],
        exprs=[("2m", "m", [("m", 1)])],
        test={"interval": "15s"},
    ),
    Row(
        "evaluations closer together than samples",
        [alert("A", "m == 0", for_="30s")],
        {"m": "1 0 0"},
        [("1m15s", "A", NONE), ("1m30s", "A", [({}, {})])],
        file={"evaluation_interval": "15s"},
    ),
    Row(
        "the interval of a group does not matter",
        alerts=[("1m", "A", [JOB])],
        series={UP: "1 0"},
        groups=[{"name": "g", "interval": "1h", "rules": [alert("A", "up == 0")]}],
    ),
    Row(
        "a recording rule is played for the alert that reads it",
        [
            {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"x": "y"}},
            alert("A", "job:up:sum < 1"),
        ],
        {'up{job="a",i="1"}': "1 0", 'up{job="a",i="2"}': "1 0"},
        [("0m", "A", NONE), ("1m", "A", [({"job": "a", "x": "y"}, {})])],
        [("1m", "job:up:sum", [('job:up:sum{job="a",x="y"}', 0)])],
    ),
    Row(
        "a recorded series ends when its rule makes it no more",
        [{"record": "low", "expr": "up == 0"}, alert("A", "low")],
        {UP: "0 1 1"},
        [("0m", "A", [JOB]), ("1m", "A", NONE)],
        [("1m", "low", []), ("1m", "count_over_time(low[5m])", [('{job="a"}', 1)])],
    ),
    Row(
        "a recording rule behind the alert is an evaluation late; groups in the order that is asked for",
        alerts=[("1m", "A", NONE), ("2m", "A", [JOB]), ("1m", "B", [JOB])],
        series={UP: "1 0 0"},
        groups=[
            {"name": "late", "rules": [alert("B", "down")]},
            {"name": "early", "rules": [alert("A", "down"), {"record": "down", "expr": "up == 0"}]},
        ],
        file={"group_eval_order": ["early", "late"]},
    ),
    Row(
        "no sample of the future is seen",
        [alert("A", "m offset -2m > 5"), alert("B", "max_over_time(m[5m] offset -5m) > 5")],
        {"m": "1 1 9 9 9"},
        [("0m", "A", NONE), ("2m", "A", [({}, {})]), ("2m", "B", [({}, {})]), ("1m", "B", NONE)],
        [("4m", "m", [("m", 9)])],
    ),
    Row(
        "time() begins at 0, and @ means what it says",
        [alert("A", "time() - m > 100")],
        {"m": "0+60x5 300x5"},
        [("6m", "A", NONE), ("7m", "A", [({}, {})])],
        [("3m", "time()", [("{}", 180)]), ("3m", "m @ 60", [("m", 60)]), ("3m", "vector(1)", [("{}", 1)])],
    ),
    Row(
        "counters: rate, increase, resets, subqueries at the interval of evaluations",
        series={"c_total": "0+60x10 0+60x10"},
        exprs=[
            ("5m", "rate(c_total[5m])", [("{}", 1)]),
            ("20m", "resets(c_total[20m])", [("{}", 1)]),
            ("10m", "count_over_time(vector(1)[5m:])", [("{}", 6)]),
            ("10m", "max_over_time(rate(c_total[2m])[5m:1m])", [("{}", 1)]),
        ],
    ),
    Row(
        "names and odd values of labels",
        [alert("A", '{__name__=~"m_.*"} > 1')],
        {'m_a{t="a \\"b\\" \\\\ c"}': "2", "m_b{t='机器人'}": "2"},
        [("0m", "A", [({"t": 'a "b" \\ c'}, {}), ({"t": "机器人"}, {})])],
        [("0m", "m_b", [('m_b{t="机器人"}', 2)])],
    ),
    Row(
        "it starts and ends again and again",
        [alert("A", "m > 0")],
        {"m": "0 1 0 1 0 1 0 1 0 1 0 1 0"},
        [(f"{minute}m", "A", [({}, {})] if minute % 2 else NONE) for minute in (1, 2, 9, 10, 11, 12)],
    ),
    Row("an alert that no rule has does not fire", [alert("A", "m")], {"m": "1"}, [("0m", "Other", NONE)]),
    Row("nothing is asked", [alert("A", "m")], {"m": "1"}),
    Row(
        "an hour in steps",
        [alert("A", "m > 59", for_="10m")],
        {"m": "0+1x100"},
        [("69m", "A", NONE), ("70m", "A", [({}, {})])],
    ),
]

BROKEN = [
    Row(
        "two series become one alert",
        [alert("A", "m > 0", labels={"i": "x"})],
        {'m{i="1"}': "1", 'm{i="2"}': "1"},
        [("0m", "A", NONE)],
    ),
    Row(
        "the expression fails on the data",
        [alert("A", "a * on (x) b > 0")],
        {'a{x="1",i="1"}': "1", 'a{x="1",i="2"}': "1", 'b{x="1",j="1"}': "1", 'b{x="1",j="2"}': "1"},
        [("0m", "A", NONE)],
    ),
    Row(
        "more alerts than the limit",
        series={'m{i="1"}': "1", 'm{i="2"}': "1"},
        groups=[{"name": "g", "limit": 1, "rules": [alert("A", "m > 0")]}],
        alerts=[("0m", "A", NONE)],
    ),
    Row("an expression gives a text", series={"m": "1"}, exprs=[("0m", '"text"', [])]),
    Row("an expression is no PromQL", series={"m": "1"}, exprs=[("0m", "m >", [])]),
    Row(
        "NaN is not what was expected, also where it is",
        series={"m": "NaN"},
        exprs=[("0m", "m", [("m", float("nan"))])],
    ),
    Row("an empty label is no label", [alert("A", "m")], {"m": "1"}, [("0m", "A", [({"x": ""}, {})])]),
    Row("the name of a metric counts", series={"m": "1"}, exprs=[("0m", "m", [("{}", 1)])]),
    Row(
        "another annotation is another alert",
        [alert("A", "m", annotations={"a": "b"})],
        {"m": "1"},
        [("0m", "A", [({}, {})])],
    ),
    Row(
        "two recorded series become one",
        [{"record": "r", "expr": "m", "labels": {"i": "x"}}],
        {'m{i="1"}': "1", 'm{i="2"}': "1"},
        exprs=[("0m", "m", [])],
    ),
]
"""Tests that promtool itself lets fail."""

REFUSED: list[tuple[str, str]] = [
    ("an unknown key", "rule_files: []\ntests: [{nonsense: 1}]"),
    ("an alert without a name", "rule_files: []\ntests: [{interval: 1m, alert_rule_test: [{eval_time: 1m}]}]"),
    ("a time that is none", "rule_files: []\ntests: [{interval: 1m, promql_expr_test: [{eval_time: soon, expr: up}]}]"),
    ("values that are none", "rule_files: []\ntests: [{interval: 1m, input_series: [{series: a, values: '1 2 x'}], promql_expr_test: [{expr: a}]}]"),
    ("steps without a number of them", "rule_files: []\ntests: [{interval: 1m, input_series: [{series: a, values: '1+1'}], promql_expr_test: [{expr: a}]}]"),
    ("NaN times", "rule_files: []\ntests: [{interval: 1m, input_series: [{series: a, values: 'NaNx3'}], promql_expr_test: [{expr: a}]}]"),
    ("a series that is none", "rule_files: []\ntests: [{interval: 1m, input_series: [{series: 'a{b!=\"c\"}', values: '1'}], promql_expr_test: [{expr: a}]}]"),
    ("a number that is none", "rule_files: []\ntests: [{interval: 1m, promql_expr_test: [{expr: a, exp_samples: [{labels: a, value: many}]}]}]"),
    ("labels that are none", "rule_files: []\ntests: [{interval: 1m, promql_expr_test: [{expr: a, exp_samples: [{labels: 'a >', value: 1}]}]}]"),
    ("a group twice in the order", "rule_files: []\ngroup_eval_order: [a, a]\ntests: []"),
    ("rules that Prometheus refuses", "rule_files: [refused.yml]\ntests: [{interval: 1m}]"),
]  # fmt: skip
"""(what is wrong, test file)"""
