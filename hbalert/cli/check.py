"""`hbalert check`: everything that is wrong with the configuration, in one run.

Knows what is looked at and which exit code follows. Must not know how a mistake is found (`config/`), what
a source is asked (`sources/live.py`), nor how a finding is printed (`found.py`, next).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hbalert.cli.config_path import find_config
from hbalert.cli.found import FORMATS, outlook_lines, show, summary
from hbalert.cli.message_template import try_template
from hbalert.clock import SystemClock
from hbalert.config.findings import Finding, Severity

if TYPE_CHECKING:
    from hbalert.sources.live import Outlook


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option("--live", is_flag=True, help="Also ask the sources: do the metrics and labels exist?")
@click.option("--strict", is_flag=True, help="Warnings alone make exit code 1.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(FORMATS),
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
    show(found, output, outlooks)
    if output in ("text", "table"):
        for line in outlook_lines(outlooks or ()):
            click.echo(line, err=True)
    click.echo(summary(found, checked), err=True)
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
    checked = f"{len(files)} files" if len(files) > 1 else str(files[0])
    return check_files(files, path, os.environ, try_template), checked
