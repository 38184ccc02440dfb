"""Our rules as a rule file of Prometheus.

Knows the keys of both; what Prometheus cannot say is named with its place, and stays as a comment. Must not
know the disk. Labels of groups are written into their rules, because only Prometheus 3 knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hbalert.config.document import Document
from hbalert.config.duration import format_duration
from hbalert.config.expression import problems
from hbalert.config.positions import Path
from hbalert.config.types import Config
from hbalert.core.rule import Rule, RuleGroup
from hbalert.neighbours.prometheus.texts import why_not_go
from hbalert.neighbours.report import Report
from hbalert.neighbours.toml_text import remark, value
from hbalert.neighbours.yaml_text import scalar

_NO_EQUAL: Mapping[str, str] = {
    "clear": "resolves as soon as expr is gone there; keep_firing_for is the nearest",
    "no_data": "missing data end an alert there; a rule with absent() tells of them",
    "missing_evaluations": "missing data end an alert there at once; keep_firing_for is the nearest",
    "flap_after": "nothing is held as flapping there",
    "flap_window": "nothing is held as flapping there",
}


@dataclass(slots=True)
class Export:
    """What came of it.

    text    the YAML
    report  its notes name files of ours
    """

    text: str = ""
    report: Report = field(default_factory=lambda: Report(""))
    groups: int = 0
    alerts: int = 0


def export(config: Config, documents: Mapping[str, Document], source: str) -> Export:
    """The rules that are evaluated on one source.

    documents  file of rules -> what stands in it, for the lines of its keys
    """
    done = Export()
    writer = _Writer(documents, done)
    lines: list[str] = []
    places: dict[str, int] = {}
    for group in config.groups:
        place = places.get(group.file, 0)
        places[group.file] = place + 1
        here = [rule for rule in group.rules if rule.source == source]
        if not here and group.rules:
            other = group.rules[0].source
            what = f'{group.name} is left out: it is evaluated on the source "{other}"'
            done.report.lacks(group.line, "", what, f"--source {other} exports it", file=group.file)
        elif here:
            lines += writer.group(group, ("groups", place))
    head = f"# Made by `hbalert export prometheus` from {remark(', '.join(places) or 'no rules')}."
    done.text = "\n".join([head, "groups:" if lines else "groups: []", *lines]) + "\n"
    done.report.tidy()
    return done


class _Writer:
    """Writes groups, and notes what is lost."""

    def __init__(self, documents: Mapping[str, Document], done: Export) -> None:
        self._documents = documents
        self._done = done

    def group(self, group: RuleGroup, at: Path) -> Iterator[str]:
        self._done.groups += 1
        yield f"- name: {scalar(group.name, 2)}"
        yield f"  interval: {format_duration(group.interval)}"
        if group.query_offset:
            yield f"  query_offset: {format_duration(group.query_offset)}"
            self._hint(group.file, (*at, "query_offset"), "query_offset needs Prometheus 2.53 or later")
        if group.limit:
            yield f"  limit: {group.limit}"
            what = "a rule over its limit loses all its alerts there; here what fires stays"
            self._hint(group.file, (*at, "limit"), what)
        yield from self._lost(group.file, at, "  ")
        yield "  rules:"
        for number, rule in enumerate(group.rules):
            yield from self._rule(rule, (*at, "rules", number))

    def _rule(self, rule: Rule, at: Path) -> Iterator[str]:
        self._done.alerts += 1
        yield f"  - alert: {scalar(rule.alert, 4)}"
        yield from self._lost(rule.file, at, "    ")
        yield f"    expr: {scalar(rule.expr, 4)}"
        for each in problems(rule.expr):
            self._hint(rule.file, (*at, "expr"), each.what)
        for name, duration in (("for", rule.hold), ("keep_firing_for", rule.keep_firing_for)):
            if duration > timedelta():
                yield f"    {name}: {format_duration(duration)}"
        yield from self._texts("labels", rule.labels, rule, at)
        yield from self._texts("annotations", rule.annotations, rule, at)

    def _lost(self, file: str, at: Path, indent: str) -> Iterator[str]:
        """Keys that Prometheus does not have, as comments."""
        for name, instead in _NO_EQUAL.items():
            written = self._written(file, (*at, name))
            if written is not None:
                what = f"{name} has no equal in Prometheus"
                self._lack(file, (*at, name), what, instead)
                yield f"{indent}# {name} = {remark(value(written, room=10**6))}"

    def _texts(self, name: str, texts: Mapping[str, str], rule: Rule, at: Path) -> Iterator[str]:
        kept, lost = [], []
        for key, text in texts.items():
            if why := why_not_go(text):
                place = (*at, name, key)
                if place not in self._document(rule.file).lines:
                    place = (*at[:2], name, key)  # it is the group's
                self._lack(rule.file, place, f"is left out: {why}", "write it as Prometheus reads it")
                lost.append(f"      # {remark(key)}: {remark(scalar(text))}")
            else:
                kept.append(f"      {scalar(key)}: {scalar(text, 6)}")
        if kept or lost:
            yield f"    {name}:" if kept else f"    {name}: {{}}"
            yield from (*kept, *lost)

    # --- places ---

    def _document(self, file: str) -> Document:
        return self._documents.get(file) or Document(file)

    def _written(self, file: str, path: Path) -> Any:
        """What a file says at a key itself; None: nothing."""
        if path not in self._document(file).lines:
            return None
        found: Any = self._document(file).tables()
        for part in path:
            found = found[part]
        return found

    def _lack(self, file: str, path: Path, what: str, instead: str = "") -> None:
        self._done.report.missing.append(self._document(file).finding(path, what, instead))

    def _hint(self, file: str, path: Path, what: str) -> None:
        self._done.report.hints.append(self._document(file).finding(path, what))
