"""The cases: a rule, and what is seen of it while its series is bad, after a while, and when it is over.

The data: `load{bot,job}` of bots a and b. At first both are 0; then a is 5 for a while; then 0 again.
`twin` is as `load`, under another name; `gone{bot="a"}` is 1 as long as a is bad, and has no series after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Shown = tuple[str, str, str]
"""While it is bad, ten seconds later, and when it is over."""


def bot_and_state(alert: Mapping[str, Any]) -> str:
    return f"{alert['labels'].get('bot', '-')} {alert['state']}"


def all_labels(alert: Mapping[str, Any]) -> str:
    labels = alert["labels"]
    kept = sorted(name for name in labels if name != "instance")
    return "{" + ", ".join(f"{name}={labels[name]}" for name in kept) + "}"


def summary(alert: Mapping[str, Any]) -> str:
    text: str = alert["annotations"]["summary"]
    return text.split(": ")[0] + ">" if text.startswith("<error") else text


@dataclass(frozen=True)
class Case:
    """says: what it shows; expect: of hbalert, and of Prometheus unless `theirs` is given."""

    name: str
    says: str
    expr: str
    expect: Shown
    theirs: Shown | None = None
    hold: str = "0s"
    limit: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[Mapping[str, Any]], str] = bot_and_state


SEVERE = "{alertname=Labels, bot=a, job=bots, severity=bad}"
FIRES: Shown = ("a firing", "a firing", "-")

CASES = (
    Case("AtOnce", "without `for` an alert fires at its first evaluation", "load > 1", FIRES),
    Case(
        "Held", "with `for` it is pending until it has held so long", "load > 1",
        ("a pending", "a firing", "-"), hold="8s",
    ),
    Case(
        "Never", "what stops while it is pending is forgotten", "load > 1",
        ("a pending", "a pending", "-"), hold="1h",
    ),
    Case("Gone", "an alert whose series vanishes resolves", "gone == 1", FIRES),
    Case(
        "Bool", "a comparison with `bool` fires for every series, whatever it says", "load > bool 1",
        ("a firing, b firing", "a firing, b firing", "a firing, b firing"),
    ),
    Case(
        "Absent", "absent() gives the labels of its selector", 'absent(nothing{bot="x", kind=~"y"})',
        ("x firing", "x firing", "x firing"),
    ),
    Case(
        "Labels", "labels of the series, then of the rule, then the name; the metric's name is dropped",
        "load > 1",
        (SEVERE, SEVERE, "-"),
        labels={"severity": "bad"}, show=all_labels,
    ),
    Case(
        "Overwrites", "a rule's label wins, an empty one takes a label away, nothing overwrites the name",
        "load > 1", ("{alertname=Overwrites, bot=of a}", "{alertname=Overwrites, bot=of a}", "-"),
        labels={"bot": "of {{ $labels.bot }}", "job": "", "alertname": "Other"}, show=all_labels,
    ),
    Case(
        "Texts", "templates see labels, value and functions", "load > 1",
        ("a is at 5, 2 bots, 500%", "a is at 5, 2 bots, 500%", "-"),
        annotations={
            "summary": "{{ $labels.bot }} is at {{ $value }}, "
            "{{ query `count(load)` | first | value }} bots, {{ humanizePercentage $value }}"
        },
        show=summary,
    ),
    Case(
        "Broken", "a template that fails leaves its error in the text, and the alert fires", "load > 1",
        ("<error expanding template>", "<error expanding template>", "-"),
        annotations={"summary": "{{ $labels.bot | humanize }}"}, show=summary,
    ),
    Case(
        "Twins", "two series with equal labels, once the name is dropped, fail the rule",
        '{__name__=~"load|twin"} > 1', ("error", "error", "-"),
    ),
    Case(
        "ManyToMany", "what the data make impossible is an error of the rule, not an end",
        "load * on() twin", ("error", "error", "error"),
    ),
    Case(
        "Limit", "more alerts than `limit`: Prometheus drops all of them, hbalert keeps the first",
        "load >= 0", ("a firing", "a firing", "a firing"), theirs=("error", "error", "error"), limit=1,
    ),
)  # fmt: skip
