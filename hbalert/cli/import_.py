"""`hbalert import`: configurations of other programs.

Knows what is asked and how it is told what came of it. Must not know foreign formats (`neighbours/`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hbalert.config.findings import Finding
    from hbalert.neighbours.alertmanager.translate import Translation


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
        _list("", done.report.refused)
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
    from hbalert.neighbours.yaml_tree import MAX_BYTES, Unreadable

    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        return translate(data, str(file), file.parent)
    except OSError as error:
        what = error.strerror or type(error).__name__
        click.echo(f"{file}: cannot be read: {what}; check that it exists and who may read it", err=True)
    except Unreadable as error:
        where = f"{file}:{error.line}" if error.line else str(file)
        click.echo(_plain(f"{where}: {error}" + (f"; {error.instead}" if error.instead else "")), err=True)
    sys.exit(2)


def _print(done: Translation) -> None:
    for name, file in done.files.items():
        click.echo(f"# --- {name}")
        click.echo("(a secret, which is not shown)" if file.secret else file.text.rstrip("\n"))
        click.echo()


def _write(done: Translation, out: Path, *, force: bool) -> None:
    from hbalert.neighbours.folder import there_already, write

    there = there_already(out, done.files)
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise click.UsageError(
            f"{there[0]}{more} exists already; name another folder, or replace it with --force"
        )
    try:
        write(out, done.files)
    except OSError as error:
        click.echo(f"hbalert: {error.filename}: {error.strerror}", err=True)
        sys.exit(2)


def _talk(done: Translation, out: Path | None) -> None:
    """What was made, what is worth knowing, what has no equal, and what to do next: on stderr."""
    secrets = sum(file.secret for file in done.files.values())
    if out is not None:
        click.echo(f"{len(done.files)} files are in {out}/:", err=True)
    for name, what in done.made:
        click.echo(_plain(f"  {name}: {what}"), err=True)
    if secrets:
        click.echo(f"  secrets/: {secrets} file{'s' if secrets > 1 else ''} that only you can read", err=True)
    _list("Worth knowing:", done.report.hints)
    _list("Has no equal, or cannot be had here:", done.report.missing)
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
    _list("`hbalert check` is not content yet:", wrong)
    if wrong:
        sys.exit(2)


def _list(title: str, found: list[Finding]) -> None:
    if found and title:
        click.echo(f"\n{title}", err=True)
    for each in found:
        where = f"{each.file}:{each.line}" if each.line else each.file
        key = f"{each.key}: " if each.key else ""
        remedy = f"; {each.instead}" if each.instead else ""
        click.echo(_plain(f"{'  ' if title else ''}{where}: {key}{each.what}{remedy}"), err=True)


def _plain(text: str) -> str:
    from hbalert.cli.output import plain

    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + plain(text.strip())
