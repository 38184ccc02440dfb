"""Rule files as they are played: what is evaluated, in its order.

Knows that a file is ours or Prometheus', and that recording rules, which hbalert does not have, are played
for those who read them: their Prometheus would go on making those series. Must not know how a rule is
evaluated (`play.py`, next).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from hbalert.config.expression import selectors
from hbalert.config.files import read_file, why
from hbalert.config.findings import Finding, Severity
from hbalert.core.rule import Rule, RuleGroup
from hbalert.neighbours.prometheus import rule_file
from hbalert.neighbours.prometheus.rule_file import RecordingRule
from hbalert.neighbours.prometheus.translate import linked, translate
from hbalert.neighbours.yaml_tree import MAX_BYTES, Unreadable

OWN_SERIES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""Prometheus writes its alerts into itself under these names; hbalert writes into no source."""

Entry: TypeAlias = "Rule | RecordingRule"


@dataclass(frozen=True, slots=True)
class Scene:
    """A group and its rules, in the order in which they are evaluated."""

    group: RuleGroup
    entries: tuple[Entry, ...]


@dataclass(slots=True)
class Script:
    """Everything that a test evaluates.

    wrong  mistakes: nothing can be played
    notes  what is not as it was in the file
    """

    scenes: list[Scene] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def rules(self) -> Iterator[Rule]:
        for scene in self.scenes:
            yield from (each for each in scene.entries if isinstance(each, Rule))

    def in_order(self, names: Sequence[str]) -> None:
        """Groups that are named come in that order; the others beside the first of them, as in promtool."""
        rank = {name: place for place, name in enumerate(names)}
        self.scenes.sort(key=lambda scene: rank.get(scene.group.name, 0))


def read(patterns: Sequence[str], folder: Path) -> Script:
    """The rules of the files that the patterns name, which are below `folder`."""
    script = Script()
    for pattern in patterns:
        whole = os.path.join(folder, pattern)
        matched = [whole] if os.path.isfile(whole) else sorted(glob.glob(whole))
        if not matched:
            note = Finding(whole, 0, "rule_files", "this names no file", "paths are below the test file")
            script.notes.append(note)
        for file in map(Path, matched):
            _add(script, file)
    for rule in script.rules():
        if any(each.name in OWN_SERIES for each in selectors(rule.expr)):
            what = f"{rule.alert} reads ALERTS, which hbalert does not write into its source"
            script.notes.append(Finding(rule.file, rule.line, "", what, "repeat the condition itself"))
    return script


def _add(script: Script, file: Path) -> None:
    try:
        data = read_file(file, MAX_BYTES)
        if file.suffix == ".toml":
            groups, found = linked(data.decode(), str(file))
            script.wrong += _errors(found)
            script.scenes += [Scene(group, group.rules) for group in groups]
        else:
            _add_yaml(script, data, str(file))
    except OSError as error:
        what = f"cannot be read: {why(error)}"
        script.wrong.append(Finding(str(file), 0, "", what))
    except Unreadable as error:
        script.wrong.append(Finding(str(file), error.line, "", str(error), error.instead))
    except UnicodeDecodeError:
        script.wrong.append(Finding(str(file), 0, "", "this is not UTF-8"))


def _add_yaml(script: Script, data: bytes, file: str) -> None:
    """Prometheus' rules as they are once they are imported, recording rules in their places."""
    theirs = rule_file.read(data, file)
    if theirs.report.refused:
        script.wrong += theirs.report.refused
        return
    alone = [_without_recording(group) for group in theirs.groups]
    done = translate([rule_file.RuleFile(theirs.report, tuple(alone))])
    groups, found = linked(done.text, file)
    script.wrong += _errors(found)
    script.notes += theirs.report.missing
    ours = {group.name: group for group in groups}
    for group in theirs.groups:
        offset = group.query_offset or timedelta()
        made = ours.get(group.name, RuleGroup(group.name, timedelta(minutes=1), (), offset))
        waiting = list(made.rules)
        entries: list[Entry] = []
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                entries.append(rule)
            elif waiting and waiting[0].alert == rule.alert and waiting[0].expr == rule.expr.text:
                entries.append(waiting.pop(0))
        script.scenes.append(Scene(made, tuple(entries)))


def _without_recording(group: rule_file.Group) -> rule_file.Group:
    return replace(group, rules=tuple(rule for rule in group.rules if not isinstance(rule, RecordingRule)))


def _errors(found: Sequence[Finding]) -> list[Finding]:
    return [each for each in found if each.severity is Severity.ERROR]
