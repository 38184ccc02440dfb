"""`hbalert maintenance`: quiet that comes again, at run time.

Knows how windows are asked for and shown. Must not know a calendar: the daemon works it out.
"""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Any

import click

from hbalert.cli.client import Client, client_options, segment
from hbalert.cli.output import local, output_option, show, show_one
from hbalert.cli.silence import read_matchers

API = "/api/hb/v1/maintenance"


@click.group()
def maintenance() -> None:
    """Quiet that comes again: maintenance windows.

    Those of config.toml ([[maintenance]]) and those made here. Each occurrence is a silence of its own,
    made ahead; `hbalert silence expire` ends one without touching the others.
    """


@maintenance.command()
@click.argument("name")
@click.argument("conditions", nargs=-1, required=True, metavar="MATCHER...")
@click.option(
    "--cron", metavar="EXPRESSION", help='When it begins: "0 2 * * sun" (minute hour day month weekday).'
)
@click.option("--for", "duration", metavar="DURATION", help='How long it lasts, with --cron: "2h".')
@click.option("--start", "start_time", metavar="HH:MM", help="When it begins, instead of --cron.")
@click.option(
    "--end", "end_time", metavar="HH:MM", help="When it ends; on the next day when that is earlier."
)
@click.option(
    "--weekdays", multiple=True, metavar="DAYS", help='With --start: "sunday", "monday:friday"; every day.'
)
@click.option("--location", default="UTC", show_default=True, help='Whose clocks are meant: "Europe/Berlin".')
@click.option("-m", "--comment", default="", help="Why. Whoever is paged at night reads this.")
@click.option("--author", default="", help="Who asks; your user name when not given.")
@click.option("--yes", is_flag=True, help="Also when it is so broad that it matches nearly everything.")
@output_option
@client_options
def add(
    name: str,
    conditions: tuple[str, ...],
    weekdays: tuple[str, ...],
    comment: str,
    author: str,
    yes: bool,
    output: str,
    client: Client,
    **calendar: str | None,
) -> None:
    """Make a window NAME over what matches all MATCHERs; it is kept until it is removed.

    \b
    Examples:
      hbalert maintenance add exchange exchange=binance --cron "0 2 * * sun" --for 2h \\
          --location Europe/Berlin -m "weekly upgrade"
      hbalert maintenance add nightly env=staging --start 23:30 --end 00:30 -m restarts
    """
    if not comment.strip():
        raise click.UsageError('say why: --comment "..."')
    fields: dict[str, Any] = {
        "name": name,
        "matchers": list(map(str, read_matchers(conditions))),
        "comment": comment,
        "created_by": author or getpass.getuser(),
        "broad": yes,
        **{key: value for key, value in calendar.items() if value},
    }
    if weekdays:
        fields["weekdays"] = list(weekdays)
    row = client.post(API, fields)
    if row["next"]:
        click.echo(f"Next: {_span(row['next'])}.", err=True)
    show_one({"name": row["name"], "next": row["next"]}, output, row["name"])


@maintenance.command(name="list")
@output_option
@client_options
def list_(output: str, client: Client) -> None:
    """List the windows: when they come, and what they would match now.

    \b
    Example:
      hbalert maintenance list
    """
    rows = client.get(API)["rows"]
    if output == "table":
        rows = [
            {
                "name": row["name"],
                "matchers": row["matchers"],
                "when": row["when"],
                "next": _span(row["next"]) if row["next"] else "",
                "matches": row["next"]["matches"] if row["next"] else "",
                "from": row["from"],
                "by": row["created_by"],
                "comment": row["comment"],
            }
            for row in rows
        ]
    show(rows, output, empty="No maintenance window.")


@maintenance.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@client_options
def remove(names: tuple[str, ...], client: Client) -> None:
    """Remove windows that were made at run time; what they silence is heard again at once.

    \b
    Example:
      hbalert maintenance remove exchange
    """
    for name in names:
        client.delete(f"{API}/{segment(name)}")
        click.echo(f"Removed: {name}", err=True)


@maintenance.command(name="next")
@click.argument("name", required=False, default="")
@click.option("-n", "number", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many.")
@output_option
@client_options
def next_(name: str, number: int, output: str, client: Client) -> None:
    """Show the coming occurrences, running ones included: of all windows, or of NAME.

    \b
    Example:
      hbalert maintenance next -n 10 exchange
    """
    rows = client.get(f"{API}/next", {"limit": number, "name": name})["rows"]
    if output == "table":
        rows = [
            {
                "window": row["window"],
                "begins": _there(row["starts_at"]),
                "ends": _there(row["ends_at"]),
                "location": row["location"],
                "here": local(row["starts_at"]),
                "state": row["state"],
                "matches": row["matches"],
            }
            for row in rows
        ]
    show(rows, output, empty="No maintenance window.")


def _there(text: str) -> str:
    """A time as clocks in its place show it: `Sun 2026-03-29 03:00 +0200`."""
    return datetime.fromisoformat(text).strftime("%a %Y-%m-%d %H:%M %z")


def _span(row: dict[str, Any]) -> str:
    return f"{_there(row['starts_at'])} to {_there(row['ends_at'])} ({row['location']})"
