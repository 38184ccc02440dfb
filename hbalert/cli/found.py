"""What `hbalert check` has found, for people, for programs and for workflow runs.

Knows each format. Must not know what was looked at, nor which exit code follows (`check.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from hbalert.cli.output import as_json, plain
from hbalert.config.findings import Finding, Severity

if TYPE_CHECKING:
    from hbalert.sources.live import Outlook

SCHEMA = 1
"""Version of what `-o json` prints."""

FORMATS = ("text", "table", "json", "jsonl", "github")


def show(found: Sequence[Finding], output: str, outlooks: Sequence[Outlook] | None = None) -> None:
    """Prints the findings; what the rules would do now goes with them as JSON only.

    output    one of FORMATS
    outlooks  None: no source was asked
    """
    if output == "json":
        whole: dict[str, Any] = {"schema": SCHEMA, "findings": [_row(each) for each in found]}
        if outlooks is not None:
            whole["rules"] = [_outlook_row(each) for each in outlooks]
        click.echo(as_json(whole, indent=2))
        return
    for each in found:
        match output:
            case "jsonl":
                click.echo(as_json(_row(each)))
            case "github":
                click.echo(_annotation(each))
            case _:
                click.echo(_line(each))


def _line(finding: Finding) -> str:
    kind = "warning: " if finding.severity is Severity.WARNING else ""
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
    key = f"{finding.key}: " if finding.key else ""
    remedy = f"; {finding.instead}" if finding.instead else ""
    return plain(f"{where}: {key}{kind}{finding.what}{remedy} [{finding.code}]")


def _row(finding: Finding) -> Mapping[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "key": finding.key,
        "severity": finding.severity.value,
        "code": finding.code,
        "what": finding.what,
        "instead": finding.instead,
    }


def _outlook_row(outlook: Outlook) -> Mapping[str, Any]:
    return {
        "rule": outlook.rule.id,
        "alerts_now": outlook.now,
        "fired_last_day": outlook.day,
        "seconds": round(outlook.seconds, 3),
    }


def outlook_lines(outlooks: Sequence[Outlook]) -> Iterator[str]:
    """What would have been told, rule by rule, the most first; nothing of those that are quiet."""
    loud = [each for each in outlooks if each.now or each.day]
    loud.sort(key=lambda each: (-(each.day or 0), -each.now))
    for each in loud:
        times = "once" if each.day == 1 else f"{each.day} times"
        day = "" if each.day is None else f", would have fired {times} over the last day"
        yield f"{each.rule.id}: {_count(each.now, 'alert')} now{day}"


def _annotation(finding: Finding) -> str:
    """A workflow command: https://docs.github.com/actions, "Workflow commands"."""
    place = {
        "file": finding.file,
        **({"line": str(finding.line)} if finding.line else {}),
        "title": finding.code,
    }
    properties = ",".join(f"{name}={_escape(text, ':,')}" for name, text in place.items())
    text = f"{finding.key}: {finding.what}" if finding.key else finding.what
    remedy = f"; {finding.instead}" if finding.instead else ""
    return f"::{finding.severity.value} {properties}::{_escape(text + remedy, '')}"


def _escape(text: str, more: str) -> str:
    for char in "%\r\n" + more:
        text = text.replace(char, f"%{ord(char):02X}")
    return text


def summary(found: Sequence[Finding], checked: str) -> str:
    """How much is wrong, in one line.

    checked  what was looked at, as it is named when nothing is
    """
    if not found:
        return f"{checked}: nothing is wrong"
    errors = sum(each.severity is Severity.ERROR for each in found)
    counts = [_count(errors, "error")] if errors else []
    counts += [_count(len(found) - errors, "warning")] if len(found) > errors else []
    return f"{', '.join(counts)} in {_count(len({each.file for each in found}), 'file')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
