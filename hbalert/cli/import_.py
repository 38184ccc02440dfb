"""`hbalert import`: configurations of other programs.

Knows what is asked and how it is told what came of it. Must not know foreign formats (`neighbours/`).
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from hbalert.cli.translated import count, listed, safe, write_one

if TYPE_CHECKING:
    from hbalert.config.findings import Finding
    from hbalert.neighbours.alertmanager.translate import Translation
    from hbalert.neighbours.prometheus.rule_file import RuleFile
    from hbalert.neighbours.prometheus.translate import Translation as Rules
    from hbalert.neighbours.report import Report


T = TypeVar("T")


@click.group("import")
def import_() -> None:
    """Take over the configuration of another program."""


@import_.command()
@click.argument("file", metavar="AM.yml", type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Folder to be written.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--dry-run", is_flag=True, help="Print the files, but no secrets, and write nothing.")
def alertmanager(file: Path, out: Path | None, force: bool, dry_run: bool) -> None:
    """Translate Alertmanager's configuration into config.toml and notifiers/.

    Routes, receivers (mail, webhook), inhibition, time intervals, TLS, authentication and templates come
    along; secrets go into files of their own. What has no equal is listed with its line.

    \b
    Exit codes: 0 all is translated; 1 something is missing; 2 the file is not Alertmanager's, or nothing
    was written.

    \b
    Example:
      hbalert import alertmanager /etc/alertmanager/alertmanager.yml --out alerting
    """
    if out is None and not dry_run:
        raise click.UsageError("--out DIR is missing: where should it be written? --dry-run prints it")
    done = _translate(file)
    if done.report.refused:
        listed("", done.report.refused)
        click.echo(f"Alertmanager itself refuses {file}; correct it first. Nothing was written.", err=True)
        sys.exit(2)
    if dry_run or out is None:
        _print(done)
    else:
        _write(done, out, force=force)
    _talk(done, out if not dry_run else None)
    sys.exit(1 if done.report.missing else 0)


def _translate(file: Path) -> Translation:
    from hbalert.neighbours.alertmanager.translate import translate

    done = _read(file, lambda data: translate(data, str(file), file.parent))
    if done is None:
        sys.exit(2)
    return done


def _read(file: Path, read: Callable[[bytes], T]) -> T | None:
    """What `read` makes of a file; None, and it is said why, when that is nothing."""
    from hbalert.config.files import read_file, why
    from hbalert.neighbours.yaml_tree import MAX_BYTES, Unreadable

    try:
        return read(read_file(file, MAX_BYTES))
    except OSError as error:
        remedy = "; check that it exists and who may read it" if error.errno else ""
        click.echo(f"{file}: cannot be read: {why(error)}{remedy}", err=True)
    except Unreadable as error:
        where = f"{file}:{error.line}" if error.line else str(file)
        click.echo(safe(f"{where}: {error}" + (f"; {error.instead}" if error.instead else "")), err=True)
    return None


def _print(done: Translation) -> None:
    for name, file in done.files.items():
        click.echo(f"# --- {name}")
        click.echo("(a secret, which is not shown)" if file.secret else file.text.rstrip("\n"))
        click.echo()


def _write(done: Translation, out: Path, *, force: bool) -> None:
    from hbalert.neighbours.folder import there_already, write

    there = there_already(out, done.files)
    if there and not force:
        more = f" and {len(there) - 1} more exist" if len(there) > 1 else " exists"
        raise click.UsageError(f"{there[0]}{more} already; name another folder, or replace it with --force")
    try:
        write(out, done.files)
    except OSError as error:
        what = f"{error.filename} cannot be written: {error.strerror}"
        click.echo(f"{what}; name a folder in which you may write", err=True)
        sys.exit(2)


def _talk(done: Translation, out: Path | None) -> None:
    """What was made, what is worth knowing, what has no equal, and what to do next: on stderr."""
    secrets = sum(file.secret for file in done.files.values())
    if out is not None:
        click.echo(f"{len(done.files)} files are in {out}/:", err=True)
    for name, what in done.made:
        click.echo(safe(f"  {name}: {what}"), err=True)
    if secrets:
        click.echo(f"  secrets/: {secrets} file{'s' if secrets > 1 else ''} that only you can read", err=True)
    listed("Worth knowing:", done.report.hints)
    listed("Has no equal, or cannot be had here:", done.report.missing)
    if out is not None:
        _check(out)
        config = out / "config.toml"
        click.echo(f"\nNext:\n  hbalert check -c {config}\n  hbalert test-notify -c {config}", err=True)


def _check(out: Path) -> None:
    """What `hbalert check` says of the new folder; it should be content."""
    from hbalert.config.findings import Severity
    from hbalert.config.load import check

    _, found = check(out / "config.toml", os.environ)
    wrong = [each for each in found if each.severity is Severity.ERROR]
    listed("`hbalert check` is not content yet:", wrong)
    if wrong:
        sys.exit(2)


# --- rules of Prometheus -----------------------------------------------------------------------


@import_.command()
@click.argument("files", metavar="RULES.yml...", nargs=-1, required=True)
@click.option("--out", metavar="FILE.toml", type=click.Path(path_type=Path), help="File to be written.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--dry-run", is_flag=True, help="Print the file, and write nothing.")
def prometheus(files: tuple[str, ...], out: Path | None, force: bool, dry_run: bool) -> None:
    """Translate alert rules of Prometheus into one file for rules/.

    RULES.yml are rule files, patterns such as "rules/*.yml", or objects of the kind PrometheusRule. Texts
    stay as they are, and so do comments that have lines of their own. Recording rules have no equal; they
    and all else that cannot be taken over are listed with their lines.

    \b
    Exit codes: 0 all is translated; 1 something is missing; 2 a file is not one of Prometheus' rules, or
    nothing was written.

    \b
    Example:
      hbalert import prometheus /etc/prometheus/rules/*.yml --out alerting/rules/imported.toml
    """
    from hbalert.neighbours.prometheus.translate import translate

    if out is None and not dry_run:
        raise click.UsageError("--out FILE.toml is missing: where should it go? --dry-run prints it")
    found = [_rule_file(file) for file in _named(files)]
    rule_files = [each for each in found if each is not None]
    if len(rule_files) < len(found):
        sys.exit(2)
    refused = [each for file in rule_files for each in file.report.refused]
    if refused:
        listed("", refused)
        click.echo("Prometheus itself refuses this; correct it first. Nothing was written.", err=True)
        sys.exit(2)
    done = translate(rule_files)
    wrong = _wrong(done.text, out)
    if dry_run or out is None:
        click.echo(done.text, nl=False)
    else:
        write_one(done.text, out, force=force)
    _talk_rules(done, out if not dry_run else None, wrong)
    sys.exit(2 if wrong else 1 if any(report.missing for report in done.reports) else 0)


def _rule_file(file: Path) -> RuleFile | None:
    from hbalert.neighbours.prometheus.rule_file import read

    return _read(file, lambda data: read(data, str(file)))


def _named(patterns: Sequence[str]) -> list[Path]:
    """The files, each once; a pattern that names none stays, so that reading it says so."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        matched = [] if os.path.exists(pattern) else sorted(glob.glob(pattern, recursive=True))
        found |= dict.fromkeys(map(Path, matched or [pattern]))
    return [*found]


def _wrong(text: str, out: Path | None) -> list[Finding]:
    """What `hbalert check` would not take; it should be nothing."""
    from hbalert.config.findings import Severity
    from hbalert.neighbours.prometheus.translate import linked

    _, found = linked(text, str(out or "rules.toml"))
    return [each for each in found if each.severity is Severity.ERROR]


def _talk_rules(done: Rules, out: Path | None, wrong: list[Finding]) -> None:
    """What was taken over, what is worth knowing, what has no equal, and what to do next."""
    counts = [count(done.alerts, "alert rule"), f"in {count(done.groups, 'group')}"]
    click.echo(f"{out or 'The file'}: {' '.join(counts)}", err=True)
    if done.left_out:
        click.echo(f"  {count(done.left_out, 'alert rule')} left out", err=True)
    if done.recording:
        click.echo(f"  {count(done.recording, 'recording rule')} to be left in Prometheus", err=True)
    reports: list[Report] = done.reports
    listed("Worth knowing:", [each for report in reports for each in report.hints])
    listed("Has no equal, or cannot be had here:", [each for report in reports for each in report.missing])
    listed("`hbalert check` is not content yet:", wrong)
    if out is not None:
        click.echo(f"\nNext:\n  hbalert check {out}", err=True)
