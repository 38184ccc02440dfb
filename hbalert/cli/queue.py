"""`hbalert queue`: what waits to be delivered."""

from __future__ import annotations

from datetime import datetime

import click

from hbalert.cli.client import Client, client_options, segment
from hbalert.cli.history import names
from hbalert.cli.output import ago, local, output_option, plain, show
from hbalert.clock import SystemClock

COLUMNS = ("id", "notifier", "state", "age", "attempts", "next", "status", "alerts", "last_answer")


@click.group()
def queue() -> None:
    """What waits to be delivered."""


@queue.command(name="list")
@output_option
@client_options
def list_(output: str, client: Client) -> None:
    """List what has not got out, the oldest news first.

    \b
    Examples:
      hbalert queue list
      hbalert queue list -o jsonl
    """
    rows = client.get("/api/hb/v1/queue")["rows"]
    if output == "table":
        now = SystemClock().now()
        rows = [
            {
                **row,
                "id": row["id"][:8],
                "age": ago((now - datetime.fromisoformat(row["created_at"])).total_seconds()),
                "next": local(row["next_attempt_at"]),
                "alerts": names(row["alerts"]),
            }
            for row in rows
        ]
    show(rows, output, columns=COLUMNS, empty="Nothing waits.")


@queue.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@client_options
def retry(ids: tuple[str, ...], client: Client) -> None:
    """Try dead deliveries again. `hbalert history --failed` shows their ids.

    \b
    Example:
      hbalert queue retry 9a97
    """
    for each in ids:
        answer = client.post(f"/api/hb/v1/queue/{segment(each)}/retry")
        click.echo(f"Queued again: {answer['id']}", err=True)


@queue.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Without asking.")
@client_options
def drop(ids: tuple[str, ...], yes: bool, client: Client) -> None:
    """Give deliveries up that wait: nobody is told what is in them.

    \b
    Example:
      hbalert queue drop 9a97 --yes
    """
    if not yes:
        for row in client.get("/api/hb/v1/queue")["rows"]:
            if row["id"].startswith(ids):
                what = f"{row['status']} {names(row['alerts'])}"
                click.echo(f"{row['id'][:8]}  {plain(row['notifier'])}: {plain(what)}", err=True)
        click.confirm("Nobody will be told this. Drop it?", abort=True, err=True)
    for each in ids:
        answer = client.delete(f"/api/hb/v1/queue/{segment(each)}")
        click.echo(f"Dropped: {answer['id']}", err=True)
