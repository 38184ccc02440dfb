"""`hbalert alerts`: what fires now, and why somebody was told or not."""

from __future__ import annotations

from datetime import datetime

import click

from hbalert.cli.client import Client, client_options, segment
from hbalert.cli.output import ago, local, output_option, show
from hbalert.cli.silence import label_text
from hbalert.clock import SystemClock


@click.group()
def alerts() -> None:
    """What fires now, and the timeline of each alert."""


@alerts.command(name="list")
@click.argument("conditions", nargs=-1, metavar="[MATCHER]...")
@click.option("--state", type=click.Choice(["active", "suppressed", "pending"]), help="Only those.")
@click.option("--receiver", default="", metavar="REGEX", help="Only what goes to this receiver.")
@output_option
@client_options
def list_(conditions: tuple[str, ...], state: str | None, receiver: str, output: str, client: Client) -> None:
    """List alerts that fire or are about to.

    \b
    Example:
      hbalert alerts list severity=critical --state active
    """
    rows = client.get(
        "/api/hb/v1/alerts", {"filter": list(conditions), "state": state or "", "receiver": receiver}
    )["rows"]
    if output == "table":
        now = SystemClock().now()
        rows = [
            {
                "id": row["fingerprint"][:8],
                "state": row["state"],
                "for": ago((now - datetime.fromisoformat(row["starts_at"])).total_seconds()),
                "receivers": row["receivers"],
                "alert": label_text(row["labels"]),
                "summary": row["annotations"].get("summary", ""),
            }
            for row in rows
        ]
    show(rows, output, empty="Nothing fires.")


@alerts.command()
@click.argument("identity", metavar="ID")
@output_option
@client_options
def timeline(identity: str, output: str, client: Client) -> None:
    """Show what was decided about one alert: why it fired, who was told, or why nobody was.

    ID is the alert's fingerprint, which may be cut short (see `hbalert alerts list`).
    """
    answer = client.get(f"/api/hb/v1/alerts/{segment(identity)}/timeline")
    if output == "table":
        click.echo(f"{answer['fingerprint']}  {label_text(answer['labels'])}", err=True)
        rows = [{"at": local(row["at"]), "what": row["kind"], "text": row["text"]} for row in answer["rows"]]
        show(rows, output, columns=("at", "what", "text"), empty="Nothing is remembered of it.")
    else:
        show(answer["rows"], output)
