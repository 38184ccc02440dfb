"""A rule file of Prometheus as values, and what Prometheus itself would refuse in it.

Knows the keys of groups and rules, those that other programs add to them, and the object of Kubernetes
that wraps them. Must not know TOML. Next: `translate.py`. Source: model/rulefmt/rulefmt.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from hbalert.config.link_rules import LABEL_NAME
from hbalert.neighbours.keys import Keys
from hbalert.neighbours.report import Report
from hbalert.neighbours.yaml_tree import Node, Scalar, Table, Unreadable, parse_yaml


@dataclass(frozen=True, slots=True)
class Text:
    """A text and where it stands. `path` is how reports name it: groups[0].rules[1].labels.severity."""

    text: str
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class AlertRule:
    alert: str
    expr: Text
    hold: timedelta | None
    keep_firing_for: timedelta | None
    labels: Mapping[str, Text]
    annotations: Mapping[str, Text]
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class RecordingRule:
    record: str
    expr: Text
    labels: Mapping[str, Text]
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class Group:
    """interval: None: what the program itself is told."""

    name: str
    interval: timedelta | None
    limit: int
    query_offset: timedelta | None
    labels: Mapping[str, Text]
    rules: tuple[AlertRule | RecordingRule, ...]
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One file. `source` is its text, for the comments in it."""

    report: Report
    groups: tuple[Group, ...] = ()
    source: str = field(default="", repr=False)


_ELSEWHERE: Mapping[str, str] = {
    "concurrency": "rules are asked in batches",
    "debug": "`hbalert rules show` and `eval` tell how a rule does",
    "eval_alignment": "slots lie on a grid of their own",
    "eval_offset": "slots lie on a grid of their own",
    "headers": "headers belong to a source: [sources.NAME.headers] in config.toml",
    "notifier_headers": "alerts do not leave hbalert",
    "params": "parameters of a query belong into the url of a source",
    "partial_response_strategy": "what a partial answer means is said by a source",
    "source_tenants": "a tenant is a source with its header X-Scope-OrgID",
    "tenant": "a tenant is a source with its header X-Scope-OrgID",
    "type": "only Prometheus' query API is asked",
    "update_entries_limit": "`hbalert rules show` tells the last evaluation",
}
"""Keys that vmalert, Thanos and Mimir add, and what there is here in their place."""

_OFFSETS = ("query_offset", "eval_delay", "evaluation_delay")
"""Prometheus', vmalert's and Mimir's word for the same."""


def read(data: bytes, file: str) -> RuleFile:
    """The groups of a file. Raises Unreadable when it is no YAML, or no rule file.

    file  how reports name it
    """
    document = parse_yaml(data)
    report = Report(file)
    if document.more:
        what = "a second document begins here; Prometheus reads the first one only"
        report.lacks(document.more, "", what, "put it into a file of its own")
    top = _top(document.root, report)
    groups = [_group(keys) for keys in top.tables("groups")]
    seen: dict[str, int] = {}
    for group in groups:
        if group.name and group.name in seen:
            what = f'there is a group "{group.name}" already, in line {seen[group.name]}'
            report.refuse(group.line, group.path, what, "one file holds a name once")
        seen.setdefault(group.name, group.line)
    top.rest()
    return RuleFile(report, tuple(groups), data.decode("utf-8-sig"))


def _top(root: Node, report: Report) -> Keys:
    """The table that holds `groups`. Raises Unreadable, with what to do, for what is something else."""
    if isinstance(root, Scalar) and root.is_null:
        report.hint(0, "", "this file is empty")
        return Keys(None, "", report)
    keys = root.entries if isinstance(root, Table) else {}
    if "groups" in keys:
        return Keys(root, "", report)
    kind = keys.get("kind")
    if isinstance(kind, Scalar) and kind.text == "PrometheusRule":
        return Keys(keys.get("spec"), "spec", report)
    what = "this is not a file of Prometheus' rules: it has no groups at the top"
    instead = "they begin with groups:"
    if "kind" in keys or "apiVersion" in keys:
        instead = "of Kubernetes' objects only a PrometheusRule is read, one in a file"
    elif "tests" in keys:
        instead = "these are unit tests of rules: `hbalert rules test` runs them"
    elif "route" in keys or "receivers" in keys:
        instead = "this is Alertmanager's: `hbalert import alertmanager` takes it over"
    elif "scrape_configs" in keys or "rule_files" in keys:
        instead = "this is Prometheus' own configuration; name the files below rule_files"
    raise Unreadable(root.line, what, instead)


def _group(keys: Keys) -> Group:
    name = keys.text("name")
    if not name:
        keys.report.refuse(keys.line, keys.path, "this group has no name")
    rules = tuple(_rules(keys))
    group = Group(
        name,
        _positive(keys, "interval"),
        keys.number("limit"),
        _offset(keys),
        _texts(keys, "labels", are_labels=True),
        rules,
        keys.line,
        keys.path,
    )
    _rest(keys)
    return group


def _positive(keys: Keys, name: str) -> timedelta | None:
    """A duration; 0 means the same as none."""
    return keys.duration(name) or None


def _offset(keys: Keys) -> timedelta | None:
    found = {name: offset for name in _OFFSETS if (offset := keys.duration(name)) is not None}
    for name in found.keys() - {"query_offset"}:
        keys.hint(name, "this is query_offset here")
    return next(iter(found.values()), None)


def _rules(group: Keys) -> Iterator[AlertRule | RecordingRule]:
    for keys in group.tables("rules"):
        alert, record = keys.text("alert"), keys.text("record")
        if bool(alert) == bool(record):
            what = "has both alert and record" if alert else "has neither alert nor record"
            keys.report.refuse(keys.line, keys.path, what, "a rule is one of both")
        expr = Text(keys.text("expr"), keys.line_of("expr"), keys.at("expr"))
        if not expr.text.strip():
            keys.report.refuse(keys.line, keys.path, "this rule has no expr")
        labels = _texts(keys, "labels", are_labels=True)
        if record:
            for name in ("for", "keep_firing_for", "annotations"):
                if name in keys:
                    keys.refuse(name, "a recording rule has none")
                keys.get(name)
            yield RecordingRule(record, expr, labels, keys.line, keys.path)
        else:
            yield AlertRule(
                alert,
                expr,
                _positive(keys, "for"),
                _positive(keys, "keep_firing_for"),
                labels,
                _texts(keys, "annotations"),
                keys.line,
                keys.path,
            )
        _rest(keys)


def _texts(keys: Keys, name: str, *, are_labels: bool = False) -> dict[str, Text]:
    found = {}
    for key, value in keys.names(name).items():
        path = f"{keys.at(name)}.{key}"
        if are_labels and (not key or key == "__name__"):
            keys.report.refuse(value.line, path, f"{key!r} cannot be a label here")
        elif not are_labels and not LABEL_NAME.fullmatch(key):
            keys.report.refuse(value.line, path, f"{key!r} cannot be the name of an annotation")
        found[key] = Text("" if value.is_null else value.text, value.line, path)
    return found


def _rest(keys: Keys) -> None:
    for name in keys.names_left():
        if name in _ELSEWHERE:
            keys.lacks(name, "is not Prometheus' and has no equal", _ELSEWHERE[name])
    keys.rest()
