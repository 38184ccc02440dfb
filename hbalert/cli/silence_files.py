"""`hbalert silence export` and `import`: silences in the JSON that amtool writes and reads.

Knows that file. Must not know what becomes of an entry: the daemon judges each by itself.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, TextIO

import click

from hbalert.cli.client import Client, client_options
from hbalert.cli.output import as_json, output_option, show

RESULTS = ("added", "updated", "unchanged", "ended", "refused")


@click.command()
@click.option("--expired", is_flag=True, help="Also those that have ended.")
@client_options
def export(expired: bool, client: Client) -> None:
    """Print silences as `amtool silence query -o json` does, for `import` here or `amtool silence import`.

    \b
    Example:
      hbalert silence export > silences.json
    """
    rows = client.get("/api/v2/silences", {"expired": "true" if expired else "false"})
    click.echo(as_json(rows, indent=2))


@click.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8"), default="-")
@output_option
@client_options
def import_(file: TextIO, output: str, client: Client) -> None:
    """Take silences from FILE, or standard input: what `export` or `amtool silence query -o json` printed.

    Each entry is taken by itself. One that is in force already is left as it is, one that has ended is
    left out, and one that is known by its id is updated. Exit code 1 when an entry was refused.

    \b
    Examples:
      hbalert silence import silences.json
      amtool silence query -o json | hbalert silence import
    """
    entries = _entries(file)
    rows = client.post("/api/hb/v1/silences/import", entries)["rows"]
    found = Counter(row["result"] for row in rows)
    said = [f"{found[result]} {result}" for result in RESULTS if found[result]]
    show(rows, output, columns=("index", "result", "id", "why"))
    click.echo(f"{', '.join(said) or 'Nothing to import'}.", err=True)
    if found["refused"]:
        raise SystemExit(1)


def _entries(file: TextIO) -> list[Any]:
    """The entries. Raises UsageError when the file is none."""
    try:
        read = json.load(file)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{file.name} is no JSON: {error}") from None
    if isinstance(read, dict) and isinstance(read.get("rows"), list):
        read = read["rows"]  # what `silence list -o json` printed
    if not isinstance(read, list):
        raise click.UsageError(f"{file.name} holds no list of silences")
    return read
