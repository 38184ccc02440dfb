"""Rule files of Prometheus as one rule file of ours.

Knows the keys of both and how rules/NAME.toml reads; what `hbalert check` would refuse is left out, said,
and stays in the file as a comment. Must not know the disk. Next: `export.py`, the way back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hbalert.config.document import parse
from hbalert.config.duration import format_duration
from hbalert.config.expression import problems, selectors
from hbalert.config.findings import Finding
from hbalert.config.link_rules import LABEL_NAME, SECOND, RuleLinker, Written, template_problems
from hbalert.config.types import EvaluationSettings
from hbalert.config.validate import validate
from hbalert.config.written import RuleFile as OurRuleFile
from hbalert.core.rule import RuleGroup
from hbalert.neighbours.prometheus.comments import Comments
from hbalert.neighbours.prometheus.rule_file import AlertRule, Group, RecordingRule, RuleFile, Text
from hbalert.neighbours.prometheus.texts import from_prometheus
from hbalert.neighbours.report import Report
from hbalert.neighbours.toml_text import LONGEST, key, pair, prose, remark, string


@dataclass(slots=True)
class Translation:
    """What came of it.

    text       of rules/NAME.toml
    reports    one for each file
    alerts     how many rules were taken over; left_out: how many could not be
    recording  how many recording rules stay where they are
    """

    text: str
    reports: list[Report]
    alerts: int = 0
    left_out: int = 0
    recording: int = 0
    groups: int = 0


def translate(files: Sequence[RuleFile]) -> Translation:
    """One file of ours with the groups of all of these."""
    done = Translation("", [file.report for file in files])
    readers = _readers(files)
    names = _unique_names(files)
    lines = [
        _HEAD.format(files=remark(", ".join(Path(file.report.file).name for file in files))).rstrip("\n")
    ]
    for file in files:
        starts = [each.line for group in file.groups for each in (group, *group.rules)]
        writer = _Writer(file.report, Comments(file.source, starts), readers, done)
        if writer.comments.head:
            lines += ["", *_remarks(writer.comments.head)]
        for group in file.groups:
            lines += writer.group(group, names[file.report.file, group.path])
        if any(group.interval is None for group in file.groups):
            what = "groups without an interval follow [evaluation] here (15s); Prometheus' own default is 1m"
            file.report.hint(0, "", what)
        file.report.tidy()
    done.text = "\n".join(lines) + "\n"
    return done


def linked(text: str, file: str) -> tuple[tuple[RuleGroup, ...], list[Finding]]:
    """The groups that a rule file of ours describes, by themselves, and what is wrong with it.

    Defaults of [evaluation] are not known here; nothing is held as flapping unless the file says so.
    """
    document, found = parse(text.encode("utf-8", "surrogatepass"), file)
    if document is None:
        return (), found
    content, found = validate(OurRuleFile.model_validate, OurRuleFile, document.tables(), document)
    linker = RuleLinker(EvaluationSettings(flap_after=0), None)
    groups = linker.groups([Written(document, content)] if content is not None else [])
    return groups, [*found, *linker.found]


def _readers(files: Iterable[RuleFile]) -> Counter[str]:
    """How many alerts read each metric."""
    return Counter(
        name
        for file in files
        for group in file.groups
        for rule in group.rules
        if isinstance(rule, AlertRule)
        for name in {each.name for each in selectors(rule.expr.text)}
    )


def _unique_names(files: Sequence[RuleFile]) -> dict[tuple[str, str], str]:
    """(file, path) of each group -> its name here: over all files a name is there once."""
    taken: set[str] = set()
    found = {}
    for file in files:
        for group in file.groups:
            name, number = group.name, 1
            while name in taken:
                number += 1
                stem = Path(file.report.file).stem
                name = f"{group.name} ({stem})" if number == 2 else f"{group.name} ({stem} {number})"
            if name != group.name:
                what = f'another file has a group "{group.name}", too; this one is "{name}" here'
                file.report.hint(group.line, f"{group.path}.name", what)
            taken.add(name)
            found[file.report.file, group.path] = name
    return found


@dataclass(slots=True)
class _Rule:
    """A rule's table while it is being written.

    lost  why the rule as a whole cannot be had
    """

    lines: list[str] = field(default_factory=list)
    lost: bool = False


class _Writer:
    """Writes the groups of one file."""

    def __init__(
        self, report: Report, comments: Comments, readers: Mapping[str, int], done: Translation
    ) -> None:
        self.report = report
        self.comments = comments
        self._readers = readers
        self._done = done
        self._file = remark(Path(report.file).name)

    def group(self, group: Group, name: str) -> Iterator[str]:
        alerts = [rule for rule in group.rules if isinstance(rule, AlertRule)]
        for rule in group.rules:
            if isinstance(rule, RecordingRule):
                self._recording(rule)
        if not alerts:
            return
        self._done.groups += 1
        yield ""
        yield from _remarks(self.comments.of(group.line))
        yield self._header("[[groups]]", group.line)
        yield pair("name", name)
        interval = self._interval(group)
        if interval is not None:
            yield pair("interval", format_duration(interval))
        if group.query_offset:
            yield pair("query_offset", format_duration(group.query_offset))
        if group.limit:
            yield pair("limit", group.limit)
        yield from self._table("groups.labels", "labels", group.labels, are_labels=True)
        for rule in alerts:
            yield ""
            yield from self._rule(rule)

    def _header(self, header: str, line: int) -> str:
        return f"{header.ljust(37)} # {self._file}:{line}"

    def _interval(self, group: Group) -> timedelta | None:
        given = group.interval
        if given is None or not given % SECOND:
            return given
        rounded = max(SECOND, -(-given // SECOND) * SECOND)
        what = f"an interval is a whole number of seconds here: {format_duration(rounded)}"
        self.report.lacks(group.line, f"{group.path}.interval", what)
        return rounded

    def _recording(self, rule: RecordingRule) -> None:
        self._done.recording += 1
        read = self._readers.get(rule.record, 0)
        reads = f"{read} alert{'s' * (read != 1)} here read{'s' * (read == 1)} it" if read else ""
        instead = f"it has to stay in Prometheus: {reads}" if read else "leave it in Prometheus"
        what = f"{rule.record} is a recording rule, and hbalert writes nothing into a source"
        self.report.lacks(rule.line, rule.path, what, instead)

    def _rule(self, rule: AlertRule) -> Iterator[str]:
        yield from _remarks(self.comments.of(rule.line))
        wrong = [each for each in problems(rule.expr.text) if each.is_error]
        for each in problems(rule.expr.text):
            if not each.is_error:
                self.report.hint(rule.expr.line, rule.expr.path, each.what, each.instead)
        lines = [
            self._header("[[groups.rules]]", rule.line),
            pair("alert", rule.alert),
            f"expr = {prose(rule.expr.text)}",
        ]
        for name, duration in (("for", rule.hold), ("keep_firing_for", rule.keep_firing_for)):
            if duration is not None:
                lines.append(pair(name, format_duration(duration)))
        lines += self._table("groups.rules.labels", "labels", rule.labels, are_labels=True)
        lines += self._table("groups.rules.annotations", "", rule.annotations)
        if wrong:
            self._done.left_out += 1
            self.report.lacks(
                rule.expr.line,
                rule.expr.path,
                f"{rule.alert} is left out: {wrong[0].what}",
                wrong[0].instead,
            )
            yield from (f"# {line}" for part in lines for line in part.splitlines())
        else:
            self._done.alerts += 1
            yield from lines

    def _table(
        self, header: str, name: str, texts: Mapping[str, Text], *, are_labels: bool = False
    ) -> Iterator[str]:
        """Labels or annotations: on one line where that has a `name` and they are short."""
        kept, lost = {}, []
        for label, given in texts.items():
            text = from_prometheus(given.text)
            what = self._why_not(label, text, are_labels=are_labels)
            if what:
                self.report.lacks(given.line, given.path, f"is left out: {what}")
                lost.append(f"# {key(label)} = {remark(string(text))}")
            else:
                kept[label] = text
        line = "{ " + ", ".join(f"{key(label)} = {string(text)}" for label, text in kept.items()) + " }"
        multi = any("\n" in text for text in kept.values())
        if kept and name and not multi and len(line) + len(name) < LONGEST:
            yield f"{name} = {line}"
        elif kept:
            yield f"[{header}]"
            yield from (f"{key(label)} = {prose(text)}" for label, text in kept.items())
        yield from lost

    def _why_not(self, label: str, text: str, *, are_labels: bool) -> str:
        if are_labels and not LABEL_NAME.fullmatch(label):
            return "names of labels have letters, digits and _ here"
        return next(iter(template_problems(text, is_label=are_labels)), "")


def _remarks(comments: Iterable[str]) -> Iterator[str]:
    yield from (f"# {remark(text)}".rstrip() for text in comments)


_HEAD = """\
# Made by `hbalert import prometheus` from {files}. After each change: hbalert check.
"""
