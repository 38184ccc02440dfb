"""From rule files as they are written to the groups that are evaluated.

Knows what identifies a rule, how a group's keys reach its rules, and what a rule cannot be. Must not
know routes or receivers. What a source would have to be asked is not checked here
(`sources/live.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hbalert.config.document import Document
from hbalert.config.duration import format_duration
from hbalert.config.expression import RULE_LABEL, problems, reads_own_alerts, selectors
from hbalert.config.expression_labels import Kept, kept_labels
from hbalert.config.expression_values import doubts
from hbalert.config.findings import Finding
from hbalert.config.nearest import did_you_mean
from hbalert.config.positions import Path
from hbalert.config.types import EvaluationSettings
from hbalert.config.written import GroupSettings, RuleFile, RuleSettings
from hbalert.core.flap import FEWEST_STARTS, Flapping
from hbalert.core.rule import Rule, RuleGroup

LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SECOND = timedelta(seconds=1)
TOO_FEW_STARTS = (
    "whatever comes back once would be flapping",
    f"write {FEWEST_STARTS} or more; 0 holds nothing",
)

_LABEL_IN_TEXT = re.compile(r"(?:\$labels|\.Labels|(?<![\w.$])labels)\.([A-Za-z_]\w*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """One rule file that was read."""

    document: Document
    content: RuleFile


class RuleLinker:
    """Builds the groups and notes what is wrong with them.

    found    mistakes, in the order in which they stand
    sources  names of sources; the first is the default. None: not known, and not asked about
    """

    def __init__(self, evaluation: EvaluationSettings, sources: Sequence[str] | None) -> None:
        self.found: list[Finding] = []
        self._evaluation = evaluation
        self._sources = sources

    def groups(self, files: Sequence[Written]) -> tuple[RuleGroup, ...]:
        """The groups of all files. Where something is wrong, what is returned is of no use."""
        own = {rule.alert: file for file in files for group in file.content.groups for rule in group.rules}
        seen: dict[str, str] = {}
        built = []
        for file in files:
            for group in file.content.groups:
                self._group_name(file.document, group, seen)
                built.append(self._group(file.document, group))
                for rule in group.rules:
                    self._reads(file.document, rule, own)
        return tuple(built)

    def _error(self, at: Document, path: Path, what: str, instead: str = "", *, code: str = "rule") -> None:
        self.found.append(at.finding(path, what, instead, code=code))

    def _warn(self, at: Document, path: Path, what: str, instead: str = "", *, code: str = "rule") -> None:
        self.found.append(at.warning(path, what, instead, code=code))

    def _group_name(self, at: Document, group: GroupSettings, seen: dict[str, str]) -> None:
        if group.lacks("name", at):
            self._error(at, group.at("name"), "is missing", 'write name = "..."', code="missing")
        elif group.name and group.name in seen:
            what = f'there is a group "{group.name}" already, in {seen[group.name]}'
            instead = "names of groups are unique over all files: a rule's state is kept under them"
            self._error(at, group.at("name"), what, instead, code="duplicate")
        seen.setdefault(group.name, f"{at.file}:{at.line(group.at('name'))}")

    def _group(self, at: Document, group: GroupSettings) -> RuleGroup:
        interval = group.interval if group.interval is not None else self._evaluation.interval
        if group.interval is not None:
            for what in interval_problems(group.interval):
                self._error(at, group.at("interval"), what, 'write for example "15s"')
        source = group.source or (self._sources[0] if self._sources else "")
        if self._sources is not None:
            if group.source is not None and group.source not in self._sources:
                near = did_you_mean(group.source, self._sources)
                what = f'there is no source "{group.source}"'
                self._error(at, group.at("source"), what, near, code="unknown-source")
            elif not source and group.rules:
                instead = "write [sources.main] with the url of a Prometheus into config.toml"
                self._error(at, group.at(), "there is no source to evaluate this on", instead, code="missing")
        self._labels(at, group.labels, group.at("labels"))
        self._flapping(at, group, interval)
        for name, template in group.labels.items():
            for what in template_problems(template, is_label=True):
                said = f"this template does not work: {what}"
                self._error(at, (*group.at("labels"), name), said, code="template")
        names: Counter[str] = Counter()
        rules = []
        for rule in group.rules:
            names[rule.alert] += 1
            self._check(at, group, rule, interval)
            rules.append(
                Rule(
                    identity(group.name, rule.alert, names[rule.alert]),
                    rule.alert,
                    rule.expr,
                    source,
                    hold=rule.for_,
                    keep_firing_for=rule.keep_firing_for,
                    labels={**group.labels, **rule.labels},
                    annotations=rule.annotations,
                    limit=group.limit,
                    no_data=rule.no_data,
                    clear=rule.clear,
                    missing_evaluations=self._inherited("missing_evaluations", group, rule),
                    flapping=Flapping(
                        self._inherited("flap_after", group, rule),
                        self._inherited("flap_window", group, rule),
                    ),
                    interval=interval,
                    file=at.file,
                    line=at.line(rule.at("alert")),
                )
            )
        if not rules:
            self._warn(at, group.at(), "this group has no rules", "write [[groups.rules]] below it")
        offset = group.query_offset if group.query_offset is not None else self._evaluation.query_offset
        line = at.line(group.at("name"))
        return RuleGroup(group.name, interval, tuple(rules), offset, group.limit, file=at.file, line=line)

    def _inherited(self, key: str, group: GroupSettings, rule: RuleSettings) -> Any:
        """What a rule says itself, or its group, or [evaluation]."""
        said = (getattr(rule, key), getattr(group, key))
        return next((each for each in said if each is not None), getattr(self._evaluation, key))

    def _check(self, at: Document, group: GroupSettings, rule: RuleSettings, interval: timedelta) -> None:
        if rule.lacks("alert", at):
            self._error(at, rule.at("alert"), "is missing", 'write alert = "NAME"', code="missing")
        if "expr" not in rule.model_fields_set and rule.lacks("expr", at):
            self._error(at, rule.at("expr"), "is missing", "write expr = '''PromQL'''", code="missing")
        for key, expr in (("expr", rule.expr), ("clear", rule.clear)):
            if key in rule.model_fields_set:
                for each in problems(expr):
                    note = self._error if each.is_error else self._warn
                    note(at, rule.at(key), each.what, each.instead, code=each.code)
                for doubt in doubts(expr):
                    holds = "always holds" if doubt.always else "can never hold"
                    instead = "compare with what the value can be"
                    self._warn(at, rule.at(key), f"`{doubt.text}` {holds}", instead, code="condition")
        if timedelta() < rule.for_ < interval:
            what = f"is shorter than the group's interval ({format_duration(interval)})"
            self._warn(
                at, rule.at("for"), what, "it fires at the second evaluation; a shorter interval would help"
            )
        self._flapping(at, rule, interval)
        self._labels(at, rule.labels, rule.at("labels"))
        kept = kept_labels(rule.expr)
        self._texts(at, rule.labels, rule.at("labels"), kept, are_labels=True)
        self._texts(at, rule.annotations, rule.at("annotations"), kept)
        if any("$value" in text for text in rule.labels.values()):
            instead = "every new value would be another alert; put the value into an annotation"
            self._warn(at, rule.at("labels"), "$value in a label", instead)

    def _flapping(self, at: Document, said: GroupSettings | RuleSettings, interval: timedelta) -> None:
        if said.flap_after is not None and 0 < said.flap_after < FEWEST_STARTS:
            self._error(at, said.at("flap_after"), *TOO_FEW_STARTS)
        if said.flap_window is not None and said.flap_window < 4 * interval:
            what = f"there is no time to start more than twice (the interval is {format_duration(interval)})"
            self._error(at, said.at("flap_window"), what, 'write for example "1h"')

    def _labels(self, at: Document, labels: Mapping[str, str], path: Path) -> None:
        for name in labels:
            if name in ("__name__", RULE_LABEL) or not LABEL_NAME.fullmatch(name):
                instead = "names have letters, digits and _ and do not begin with a digit"
                self._error(at, (*path, name), f"{name!r} cannot be a label of an alert", instead)
            elif name == "alertname":
                instead = "the name of the rule is the alert's name: write it in `alert`"
                self._warn(at, (*path, name), "this label has no effect", instead)

    def _texts(
        self, at: Document, texts: Mapping[str, str], path: Path, kept: Kept, *, are_labels: bool = False
    ) -> None:
        for name, template in texts.items():
            for what in template_problems(template, is_label=are_labels):
                self._error(at, (*path, name), f"this template does not work: {what}", code="template")
            for label in dict.fromkeys(_LABEL_IN_TEXT.findall(template)):
                if not kept.may_have(label):
                    what = f"the label {label} is empty here: the expression does not keep it"
                    left = ", ".join(sorted(kept.only)) if kept.only else ""
                    instead = (
                        f"it keeps {left}" if left else "add it to `by (...)`, or leave it out of the text"
                    )
                    self._warn(at, (*path, name), what, instead, code="label-gone")

    def _reads(self, at: Document, rule: RuleSettings, own: Mapping[str, object]) -> None:
        for key, expr in (("expr", rule.expr), ("clear", rule.clear)):
            if "ALERTS" in expr and any(reads_own_alerts(each, own) for each in selectors(expr)):
                instead = "repeat the condition itself, or let [[inhibit_rules]] relate the alerts"
                what = "this looks for alerts of hbalert in ALERTS"
                self._warn(at, rule.at(key), what, instead, code="own-alerts")


def identity(group: str, alert: str, position: int) -> str:
    """What a rule's state is kept under: renaming or splitting a file changes nothing.

    position  among the rules of this name in its group, counted from 1

    >>> identity("orders", "TooSlow", 1), identity("orders", "TooSlow", 2)
    ('orders/TooSlow', 'orders/TooSlow/2')
    """
    name = "/".join(part.replace("%", "%25").replace("/", "%2F") for part in (group, alert))
    return name if position == 1 else f"{name}/{position}"


def interval_problems(interval: timedelta) -> Iterator[str]:
    """What is wrong with an evaluation interval: slots lie on a grid of one second."""
    if interval < SECOND:
        yield "an interval is at least 1s"
    elif interval % SECOND:
        yield "an interval is a whole number of seconds"


def template_problems(text: str, *, is_label: bool = False) -> list[str]:
    """What is wrong with the text of a label or an annotation."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return []
    from hbalert.templating import check

    return check(text, is_label=is_label)
