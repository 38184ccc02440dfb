"""What `import` and `export` have in common: how their findings are listed, and one file is written.

Knows the form of a line. Must not know what can be wrong. `hbalert check`, whose findings are its data,
prints them itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hbalert.config.findings import Finding


def listed(title: str, found: Sequence[Finding]) -> None:
    """Prints findings below a title; nothing when there are none."""
    if found and title:
        click.echo(f"\n{title}", err=True)
    for each in found:
        where = f"{each.file}:{each.line}" if each.line else each.file
        key = f"{each.key}: " if each.key else ""
        remedy = f"; {each.instead}" if each.instead else ""
        click.echo(safe(f"{'  ' if title else ''}{where}: {key}{each.what}{remedy}"), err=True)


def safe(text: str) -> str:
    """A line with nothing in it that moves the cursor; its indentation stays."""
    from hbalert.cli.output import plain

    indent = len(text) - len(text.lstrip(" "))
    return " " * indent + plain(text.strip())


def count(number: int, word: str) -> str:
    """
    >>> count(2, "rule"), count(1, "rule")
    ('2 rules', '1 rule')
    """
    return f"{number} {word}{'s' if number != 1 else ''}"


def write_one(text: str, out: Path, *, force: bool) -> None:
    """Writes a file of ours, or ends with exit code 2: it is there already, or cannot be written."""
    from hbalert.neighbours.folder import NewFile, there_already, write

    if there_already(out.parent, {out.name: NewFile(text)}) and not force:
        raise click.UsageError(f"{out} exists already; name another file, or replace it with --force")
    try:
        write(out.parent, {out.name: NewFile(text)})
    except OSError as error:
        what = f"{error.filename} cannot be written: {error.strerror}"
        click.echo(f"{what}; name another file, in a folder in which you may write", err=True)
        sys.exit(2)
