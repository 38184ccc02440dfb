"""The cases that both engines play: a rule, and what is seen of it as time goes on.

The data, as a target shows them: `load{bot}` of bots a and b, `twin` the same under another name; both are
0 when all is well. While it is bad, load and twin of a are 5, `gone{bot="a"}` is 1 and has no series before
or after, `half{bot="a"}` is 5, `crowd` of a is 5, and `split{bot="a"}` has one series. A while later half
has fallen to 2, crowd of b is 5 as well, and split has two series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Show = Callable[[Mapping[str, Any], "datetime | None"], str]
"""(alert, as the API shows it; when its rules were edited or its engine was killed) -> text."""


def bot_and_state(alert: Mapping[str, Any], turn: datetime | None) -> str:
    return f"{alert['labels'].get('bot', '-')} {alert['state']}"


def all_labels(alert: Mapping[str, Any], turn: datetime | None) -> str:
    labels = alert["labels"]
    kept = sorted(name for name in labels if name != "instance")
    return "{" + ", ".join(f"{name}={labels[name]}" for name in kept) + "}"


def summary(alert: Mapping[str, Any], turn: datetime | None) -> str:
    return _without_reason(alert["annotations"]["summary"])


def severity(alert: Mapping[str, Any], turn: datetime | None) -> str:
    return _without_reason(alert["labels"]["severity"])


def _without_reason(text: str) -> str:
    return text.split(": ")[0] + ">" if text.startswith("<error") else text


def since_when(alert: Mapping[str, Any], turn: datetime | None) -> str:
    """With the beginning: was it before the turn?"""
    shown = bot_and_state(alert, turn)
    if turn is None:
        return shown
    return f"{shown} {'as before' if datetime.fromisoformat(alert['activeAt']) < turn else 'anew'}"


def words_since_when(alert: Mapping[str, Any], turn: datetime | None) -> str:
    return f"{since_when(alert, turn)}: {summary(alert, turn)}"


def from_label(alert: Mapping[str, Any], turn: datetime | None) -> str:
    """Of the alert that says that there are no data, too."""
    blind = " (no data)" if "hbalert_no_data" in alert["labels"] else ""
    return bot_and_state(alert, turn) + blind


@dataclass(frozen=True)
class Case:
    """says: what it shows, of which row; expect: of hbalert, and of Prometheus unless `theirs` is given.

    hold, keep        `for` and `keep_firing_for`
    interval          of its group; "": the usual one
    ours              more keys of the rule that only hbalert has
    our_group         the same of its group
    their_rule        keys of the rule in place of those, as Prometheus 2.42 would say it
    edited            what a reload makes of it
    removed           it is not in the file (any more)
    file              it stands in
    of_group          shows its group, in place of its alerts
    of_series         shows the series ALERTS about it, in place of its alerts
    """

    name: str
    row: str
    says: str
    expr: str
    expect: tuple[str, ...]
    theirs: tuple[str, ...] | None = None
    hold: str = "0s"
    keep: str = "0s"
    limit: int = 0
    interval: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)
    our_group: Mapping[str, Any] = field(default_factory=dict)
    their_rule: Mapping[str, Any] = field(default_factory=dict)
    edited: Mapping[str, Any] = field(default_factory=dict)
    removed: bool = False
    file: str = "cases"
    of_group: Callable[[Mapping[str, Any]], str] | None = None
    of_series: bool = False
    show: Show = bot_and_state

    def after_edit(self) -> Case:
        return replace(self, **self.edited)

    def expected(self, *, theirs: bool) -> Sequence[str]:
        return self.theirs if theirs and self.theirs is not None else self.expect


# --- as time goes on ---

SEVERE = "{alertname=Labels, bot=a, job=bots, severity=bad}"
FIRES = ("a firing", "a firing", "-")
STAYS = ("a firing", "a firing", "a firing")

TIME = (
    Case("AtOnce", "pending", "without it an alert fires at its first evaluation", "load > 1", FIRES),
    Case(
        "Held", "pending", "with it an alert is pending until it has held so long", "load > 1",
        ("a pending", "a firing", "-"), hold="15s",
    ),
    Case(
        "Never", "pending", "what stops while it is pending is forgotten", "load > 1",
        ("a pending", "a pending", "-"), hold="1h",
    ),
    Case("Gone", "gone", "an alert whose series vanishes resolves", "gone == 1", FIRES),
    Case(
        "Bool", "pending", "a comparison with `bool` fires for every series, whatever it says",
        "load > bool 1",
        ("a firing, b firing",) * 3,
    ),
    Case(
        "Absent", "labels", "absent() gives the labels of its selector",
        'absent(nothing{bot="x", kind=~"y"})',
        ("x firing",) * 3,
    ),
    Case(
        "Kept", "keep", "it fires on with the last real value and texts", "load > 1",
        ("a is at 5",) * 3, keep="1h", annotations={"summary": "{{ $labels.bot }} is at {{ $value }}"},
        show=summary,
    ),
    Case("KeptShortly", "keep", "it ends when that time has passed", "gone == 1", FIRES, keep="3s"),
    Case(
        "KeptNot", "keep", "it keeps nothing that is pending", "load > 1",
        ("a pending", "a pending", "-"), hold="1h", keep="1h",
    ),
    Case(
        "Interval", "interval", "each group has its own", "load > 1", ("every 7s",) * 3,
        interval="7s", of_group=lambda group: f"every {group['interval']:g}s",
    ),
    Case(
        "Offset", "offset", "an hour ago there was nothing; Prometheus is asked with `offset 1h`",
        'absent(load{bot="a"})', STAYS, our_group={"query_offset": "1h"},
        their_rule={"expr": 'absent(load{bot="a"} offset 1h)'},
    ),
    Case(
        "Labels", "labels",
        "those of the series, then of the rule, then the name; the metric's name is dropped", "load > 1",
        (SEVERE, SEVERE, "-"), labels={"severity": "bad"}, show=all_labels,
    ),
    Case(
        "Overwrites", "labels",
        "a rule's label wins, an empty one takes a label away, nothing overwrites the name",
        "load > 1", ("{alertname=Overwrites, bot=of a}", "{alertname=Overwrites, bot=of a}", "-"),
        labels={"bot": "of {{ $labels.bot }}", "job": "", "alertname": "Other"}, show=all_labels,
    ),
    Case(
        "OfGroup", "labels", "those of a group are those of each of its rules, which may say otherwise",
        "load > 1", ("{alertname=OfGroup, bot=a, job=bots, severity=bad, team=ops}",) * 2 + ("-",),
        labels={"severity": "bad"}, our_group={"labels": {"team": "ops", "severity": "good"}},
        their_rule={"labels": {"team": "ops", "severity": "bad"}}, show=all_labels,
    ),
    Case(
        "BrokenLabel", "labels", "one that fails becomes its error, and so a part of who the alert is",
        "load > 1", ("<error expanding template>", "<error expanding template>", "-"),
        labels={"severity": "{{ $labels.bot | humanize }}"}, show=severity,
    ),
    Case(
        "Twins", "labels", "two series with equal labels, once the name is dropped, fail the rule",
        '{__name__=~"load|twin"} > 1', ("error", "error", "-"),
    ),
    Case(
        "Texts", "texts", "they see labels, value, functions, and the answers to queries", "load > 1",
        ("a is at 5, 2 bots, 500%", "a is at 5, 2 bots, 500%", "-"),
        annotations={
            "summary": "{{ $labels.bot }} is at {{ $value }}, "
            "{{ query `count(load)` | first | value }} bots, {{ humanizePercentage $value }}"
        },
        show=summary,
    ),
    Case(
        "Broken", "texts", "one that fails leaves its error in the text, and the alert fires", "load > 1",
        ("<error expanding template>", "<error expanding template>", "-"),
        annotations={"summary": "{{ $labels.bot | humanize }}"}, show=summary,
    ),
    Case(
        "External", "functions", "`$externalLabels`", "load > 1", ("a at home", "a at home", "-"),
        annotations={"summary": "{{ $labels.bot }} at {{ $externalLabels.site }}"}, show=summary,
    ),
    Case(
        "ManyToMany", "errors", "what the data make impossible is an error of the rule, not an end",
        "load * on() twin", ("error",) * 3,
    ),
    Case(
        "FailsLater", "errors", "what fires when the query begins to fail is held",
        "(load > 1) * on(bot) group_left() split", ("a firing", "error, keeps a firing", "-"),
    ),
    Case(
        "Limit", "limit", "more alerts than that: Prometheus drops all of them, hbalert keeps the first",
        "load >= 0", STAYS, theirs=("error",) * 3, limit=1,
    ),
    Case(
        "Crowd", "limit", "one more than that while the first fires: hbalert clears nothing that fires",
        "crowd > 1", FIRES, theirs=("a firing", "error", "-"), limit=1,
    ),
    Case(
        "Clear", "clear", "it fires until the second expression holds; Prometheus has only the first",
        "half > 3", FIRES, theirs=("a firing", "-", "-"), ours={"clear": "half < 1"},
    ),
    Case(
        "Missing", "missing", "data that are gone are no good news", "gone == 1", STAYS, theirs=FIRES,
        ours={"missing_evaluations": 1000},
    ),
    Case(
        "MissingNot", "missing", "an alert whose series is there, and no longer bad, ends at once",
        "load > 1",
        FIRES, ours={"missing_evaluations": 1000},
    ),
    Case(
        "Series", "series", "`ALERTS`, with the state; hbalert's is on its `/metrics`", "load > 1",
        ("pending", "pending", "-"), hold="1h", of_series=True,
    ),
)  # fmt: skip

# --- the data are gone ---

AWAY = (
    Case("Ok", "no_data", '"ok": what fires ends, as in Prometheus', "load > 1", ("a firing", "-", "-")),
    Case(
        "Keep", "no_data", '"keep": what fires goes on, and ends when there are data and none is bad',
        "load > 1",
        FIRES, theirs=("a firing", "-", "-"), ours={"no_data": "keep"},
    ),
    Case(
        "Alert", "no_data", '"alert": the same, and one more alert of the rule says so', "load > 1",
        ("a firing", "- firing (no data), a firing", "-"), theirs=("a firing", "-", "-"),
        ours={"no_data": "alert"}, show=from_label,
    ),
    Case(
        "AllMissing", "missing", "a whole target that is away", "load > 1",
        FIRES, theirs=("a firing", "-", "-"), ours={"missing_evaluations": 1000},
    ),
)  # fmt: skip

# --- it comes and goes ---

COMES_AND_GOES = ("a firing", "-") * 3

FLAPS = (
    Case(
        "Flaps", "flapping", "held from its third start on (by default: from the fifth within an hour)",
        "load > 1", (*COMES_AND_GOES[:5], "a firing"), theirs=COMES_AND_GOES, ours={"flap_after": 3},
    ),
    Case("FlapsNot", "flapping", "0 holds nothing", "load > 1", COMES_AND_GOES, ours={"flap_after": 0}),
)  # fmt: skip

# --- a reload ---

WAITS = ("a pending", "a pending as before")

EDIT = (
    Case(
        "Untouched", "reload", "a rule that did not change goes on", "load > 1", WAITS, hold="1h",
        show=since_when,
    ),
    Case(
        "NewWords", "reload", "other annotations only: it goes on, with the new words", "load > 1",
        ("a pending: old", "a pending as before: new"), hold="1h", annotations={"summary": "old"},
        edited={"annotations": {"summary": "new"}}, show=words_since_when,
    ),
    Case(
        "NewInterval", "reload", "another interval of its group", "load > 1", WAITS, hold="1h", interval="1s",
        edited={"interval": "2s"}, show=since_when,
    ),
    Case(
        "NewExpression", "reload", "another expression that finds the same", "load > 1", WAITS, hold="1h",
        edited={"expr": "load > 2"}, show=since_when,
    ),
    Case(
        "NewLabel", "reload", "another label is another alert", "load > 1", ("a pending", "a pending anew"),
        hold="1h", labels={"severity": "bad"}, edited={"labels": {"severity": "worse"}}, show=since_when,
    ),
    Case(
        "NewFile", "reload", "the group moves to another file: Prometheus begins anew", "load > 1", WAITS,
        theirs=("a pending", "a pending anew"), hold="1h", edited={"file": "others"}, show=since_when,
    ),
    Case(
        "Removed", "reload", "a rule that is removed takes its alerts along", "load > 1", ("a firing", "-"),
        edited={"removed": True}, show=since_when,
    ),
    Case(
        "Added", "reload", "a rule that is new is evaluated", "load > 1", ("-", "a firing anew"),
        removed=True,
        edited={"removed": False}, show=since_when,
    ),
    Case(
        "LongerWait", "pending", "it is raised while an alert is pending: it waits on", "load > 1", WAITS,
        hold="30m", edited={"hold": "1h"}, show=since_when,
    ),
    Case(
        "ShorterWait", "pending", "it is lowered while an alert is pending: what has held long enough fires",
        "load > 1", ("a pending", "a firing as before"), hold="1h", edited={"hold": "1s"}, show=since_when,
    ),
    Case(
        "LongerFor", "pending",
        "it is raised while an alert fires: back to pending, which Prometheus has learned since", "load > 1",
        ("a firing", "a pending as before"), theirs=("a firing", "a firing as before"),
        edited={"hold": "1h"}, show=since_when,
    ),
    Case(
        "KeptOn", "keep", "it is raised while it keeps an alert", "gone == 1", ("a firing",
        "a firing as before"),
        keep="30m", edited={"keep": "1h"}, show=since_when,
    ),
    Case(
        "KeptNoMore", "keep", "it is taken away while it keeps an alert: that ends", "gone == 1",
        ("a firing", "-"),
        keep="30m", edited={"keep": "0s"}, show=since_when,
    ),
)  # fmt: skip

# --- kill -9 ---

KILL = (
    Case("FiresOn", "restart", "what fires without `for`", "load > 1", ("a firing", "a firing as before"),
        theirs=("a firing", "a firing anew"), show=since_when,
    ),
    Case(
        "FiresOnHeld", "restart",
        "what fires with `for`: Prometheus restores it where that is ten minutes or more",
        "load > 1", ("a firing", "a firing as before"), theirs=("a firing", "a firing anew"), hold="3s",
        show=since_when,
    ),
    Case(
        "WaitsOn", "restart", "what is pending", "load > 1", WAITS, theirs=("a pending", "a pending anew"),
        hold="9m", show=since_when,
    ),
    Case(
        "KeptOver", "restart", "what `keep_firing_for` keeps", "gone == 1", ("a firing",
        "a firing as before"),
        theirs=("a firing", "-"), keep="1h", show=since_when,
    ),
)  # fmt: skip
