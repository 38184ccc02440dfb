"""`hbalert check`: everything that is wrong with the configuration, in one run.

Knows how findings are printed and what exit code they make. Must not know how a mistake is found
(`config/`) or what a source is asked (`sources/live.py`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hbalert.cli.config_path import find_config
from hbalert.cli.message_template import try_template
from hbalert.cli.output import as_json, plain
from hbalert.clock import SystemClock
from hbalert.config.findings import Finding, Severity

if TYPE_CHECKING:
    from hbalert.sources.live import Outlook

SCHEMA = 1
"""Version of what `-o json` prints."""


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option("--live", is_flag=True, help="Also ask the sources: do the metrics and labels exist?")
@click.option("--strict", is_flag=True, help="Warnings alone make exit code 1.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "table", "json", "jsonl", "github"]),
    default="text",
    show_default=True,
    help="github: annotations of a workflow run. table is the same as text.",
)
@click.option("--explain", metavar="CODE", help="Say at length what a finding's code means, and stop.")
def check(
    files: tuple[Path, ...], config: Path | None, live: bool, strict: bool, output: str, explain: str | None
) -> None:
    """Check the configuration; every mistake at once, with file, line, key and what would be right.

    With FILES only these rule and notifier files are checked.

    \b
    Exit codes: 0 nothing is wrong, or warnings only; 1 warnings with --strict; 2 errors.

    \b
    Examples:
      hbalert check -c alerting/config.toml --live
      hbalert check explain unknown-value
      hbalert check explain
    """
    if explain is None and files and str(files[0]) == "explain" and not files[0].exists():
        explain = " ".join(map(str, files[1:]))
    if explain is not None:
        click.echo(_explanation(explain))
        return
    if files and live:
        raise click.UsageError("--live needs the whole configuration: leave the files out")
    outlooks: list[Outlook] | None = None
    if files:
        found, checked = _check_files(files, config)
    else:
        found, checked, outlooks = _check_all(find_config(config), live=live)
    _show(found, output, outlooks)
    if output in ("text", "table"):
        for line in _outlook_lines(outlooks or ()):
            click.echo(line, err=True)
    click.echo(_summary(found, checked), err=True)
    errors = sum(each.severity is Severity.ERROR for each in found)
    sys.exit(2 if errors else 1 if found and strict else 0)


def _explanation(code: str) -> str:
    from hbalert.config.codes import CODES
    from hbalert.config.nearest import did_you_mean

    if not code:
        longest = max(map(len, CODES))
        return "\n".join(f"{each:<{longest}}  {text.split('. ')[0]}" for each, text in CODES.items())
    if code not in CODES:
        raise click.UsageError(f"there is no code {code!r}; {did_you_mean(code, CODES)}")
    return CODES[code]


def _check_all(path: Path, *, live: bool) -> tuple[list[Finding], str, list[Outlook] | None]:
    """Findings, what was checked, and what the rules would do now; None: no source was asked."""
    from hbalert.config.load import check as check_config

    outlooks = None
    config, found = check_config(path, os.environ, tries=try_template)
    if live and config is not None:
        from hbalert.config.document import Document, read
        from hbalert.sources.live import ask_sources

        document, _ = read(path, str(path))
        learnt = ask_sources(config, document or Document(str(path)), SystemClock())
        found += learnt.findings
        outlooks = learnt.outlooks
    elif live:
        click.echo("the sources were not asked: correct the errors first", err=True)
    return found, str(path), outlooks


def _check_files(files: Sequence[Path], config: Path | None) -> tuple[list[Finding], str]:
    from hbalert.config.load import check_files

    try:
        path: Path | None = find_config(config)
    except click.UsageError:
        if config is not None or os.environ.get("HBALERT_CONFIG"):
            raise
        path = None  # rule files can be looked at without any configuration
    return check_files(files, path, os.environ, try_template), f"{len(files)} files" if len(
        files
    ) > 1 else str(files[0])


def _show(found: Sequence[Finding], output: str, outlooks: Sequence[Outlook] | None = None) -> None:
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


def _outlook_lines(outlooks: Sequence[Outlook]) -> Iterator[str]:
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


def _summary(found: Sequence[Finding], checked: str) -> str:
    if not found:
        return f"{checked}: nothing is wrong"
    errors = sum(each.severity is Severity.ERROR for each in found)
    counts = [_count(errors, "error")] if errors else []
    counts += [_count(len(found) - errors, "warning")] if len(found) > errors else []
    return f"{', '.join(counts)} in {_count(len({each.file for each in found}), 'file')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
