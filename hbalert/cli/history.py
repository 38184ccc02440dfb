"""`hbalert history`: who was told what, when, and what the gateway answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hbalert.cli.client import Client, client_options
from hbalert.cli.output import local, output_option, show
from hbalert.cli.when import HELP, past
from hbalert.clock import SystemClock

COLUMNS = ("at", "notifier", "result", "ms", "status", "reason", "alerts", "answer", "delivery")


@click.command()
@click.option("--since", default="24h", show_default=True, metavar="TIME", help=HELP)
@click.option("--until", metavar="TIME", help="The same.")
@click.option("--notifier", default="", help="Only this one.")
@click.option("--failed", is_flag=True, help="Only attempts that the far side did not accept.")
@click.option("--delivery", default="", metavar="ID", help="Only this delivery; the id may be cut short.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@output_option
@client_options
def history(
    since: str,
    until: str | None,
    notifier: str,
    failed: bool,
    delivery: str,
    limit: int,
    output: str,
    client: Client,
) -> None:
    """List every attempt to tell somebody, the newest first, with the gateway's own words.

    JSON has whole deliveries, each with all its attempts.

    \b
    Examples:
      hbalert history --since 2h --failed
      hbalert history --notifier ops_sms -o json
    """
    now = SystemClock().now()
    begin = past(since, now)
    rows = client.get(
        "/api/hb/v1/history",
        {
            "since": "" if delivery else begin.isoformat(),
            "until": past(until, now).isoformat() if until else "",
            "notifier": notifier,
            "id": delivery,
            "limit": limit,
        },
    )["rows"]
    if failed:
        rows = [row for row in rows if row["state"] == "dead" or any(map(_failed, row["tries"]))]
    if output != "table":
        show(rows, output)
        return
    lines = [
        line
        for row in rows
        for line in _lines(row)
        if not failed or line["result"] != "sent"
        # Of what still waits, only what happened in this time.
        if delivery or row["settled_at"] or datetime.fromisoformat(line["when"]) >= begin
    ]
    lines.sort(key=lambda line: str(line["when"]), reverse=True)
    show(lines, output, columns=COLUMNS, empty="Nobody was told anything in this time.")


def _failed(attempt: dict[str, Any]) -> bool:
    return str(attempt["result"]) != "sent"


def _lines(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A line per attempt, the newest first; one line for a delivery that was never tried."""
    common = {
        "notifier": row["notifier"],
        "status": row["status"],
        "reason": row["reason"],
        "alerts": names(row["alerts"]),
        "delivery": row["id"][:8],
    }
    if not row["tries"]:
        at = row["settled_at"] or row["created_at"]
        return [
            {
                "when": at,
                "at": local(at),
                "result": row["state"],
                "ms": "",
                "answer": row["last_answer"],
                **common,
            }
        ]
    return [
        {
            "when": each["at"],
            "at": local(each["at"]),
            "result": each["result"],
            "ms": each["ms"],
            "answer": each["answer"],
            **common,
        }
        for each in reversed(row["tries"])
    ]


def names(alerts: list[dict[str, Any]]) -> str:
    """The names of alerts, each once, with its number when there are several."""
    counts: dict[str, int] = {}
    for alert in alerts:
        name = alert["labels"].get("alertname", "-")
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counts.items())
