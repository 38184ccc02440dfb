"""`hbalert alerts`: what fires now, and why somebody was told or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from hbalert.cli.client import Client, client_options, segment
from hbalert.cli.explain import story
from hbalert.cli.output import ago, local, on_clock, output_option, plain, show, show_one, table
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
                "summary": _said(row, row["annotations"].get("summary", "")),
            }
            for row in rows
        ]
    show(rows, output, empty="Nothing fires.")


def _said(alert: dict[str, Any], text: str) -> str:
    """A text of an alert; one of hbalert's own holds moments for whoever reads it."""
    return on_clock(text) if alert["labels"].get("source") == "hbalert" else text


@alerts.command(name="show")
@click.argument("identity", metavar="ID")
@output_option
@client_options
def show_alert(identity: str, output: str, client: Client) -> None:
    """Show one alert: what it says, whom it reaches or why nobody, and what happened to it last.

    ID is the alert's fingerprint, which may be cut short (see `hbalert alerts list`).

    \b
    Example:
      hbalert alerts show c8af
    """
    answer = client.get(f"/api/hb/v1/alerts/{segment(identity)}")
    show_one(answer, output, "\n".join(_whole(answer)))


def _whole(answer: dict[str, Any]) -> Iterator[str]:
    yield from story(answer)
    if answer["annotations"]:
        yield ""
        width = max(map(len, answer["annotations"]))
        for name, text in answer["annotations"].items():
            yield f"{name:<{width}}  {plain(_said(answer, text))}"
    if answer["timeline"]:
        yield ""
        yield table(lines_of(answer["timeline"]), LINE, wrap=True)


@alerts.command()
@click.argument("identity", metavar="ID")
@output_option
@client_options
def timeline(identity: str, output: str, client: Client) -> None:
    """Show what was decided about one alert: why it fired, who was told, or why nobody was.

    ID is the alert's fingerprint, which may be cut short (see `hbalert alerts list`).

    \b
    Examples:
      hbalert alerts timeline c8af
      hbalert alerts timeline c8af -o jsonl
    """
    answer = client.get(f"/api/hb/v1/alerts/{segment(identity)}/timeline")
    if output == "table":
        click.echo(f"{answer['fingerprint']}  {label_text(answer['labels'])}", err=True)
        lines = lines_of(answer["rows"])
        show(lines, output, columns=LINE, empty="Nothing is remembered of it.", wrap=True)
    else:
        show(answer["rows"], output)


LINE = ("at", "what", "text")


def lines_of(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Lines of a timeline for people."""
    return [
        {
            "at": local(row["at"]),
            "what": row["kind"],
            # What a gateway answered stays as it was said.
            "text": row["text"] if row["kind"] in ("sent", "attempt", "dead") else on_clock(row["text"]),
        }
        for row in rows
    ]
