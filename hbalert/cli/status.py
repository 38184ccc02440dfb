"""`hbalert status`: one screen, and an exit code that says whether all is well."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from hbalert.cli.client import Client, client_options
from hbalert.cli.output import ago, local, on_clock, output_option, plain, show_one, table


@click.command()
@output_option
@client_options
def status(output: str, client: Client) -> None:
    """Show health, sources, alerts and the queue on one screen.

    \b
    Exit code: 0 healthy, 1 not, 4 no daemon answers.

    \b
    Examples:
      hbalert status
      hbalert status --server https://alerts.lan:9097 --ca-file cert.pem --token-file token
    """
    answer = client.get("/api/hb/v1/status")
    show_one({key: value for key, value in answer.items() if key != "schema"}, output, _screen(answer))
    if not answer["healthy"]:
        sys.exit(1)


def _screen(answer: dict[str, Any]) -> str:
    now = datetime.fromisoformat(answer["now"])
    alerts, queue = answer["alerts"], answer["queue"]
    up = ago((now - datetime.fromisoformat(answer["started_at"])).total_seconds())
    oldest = f", the oldest since {local(queue['oldest_at'])}" if queue["oldest_at"] else ""
    lines = [
        f"hbalert {answer['version']}  {'healthy' if answer['healthy'] else 'NOT HEALTHY'}  up {up}",
        *(f"  ! {on_clock(plain(problem))}" for problem in answer["problems"]),
        f"alerts    {alerts['active']} active, {alerts['suppressed']} suppressed, {alerts['pending']} pending"
        f"; {answer['silences']} silences",
        f"rules     {answer['rules']} in {answer['rule_groups']} group{'s' * (answer['rule_groups'] != 1)}",
        f"queue     {queue['length']} waiting{oldest}",
    ]
    if answer["sources"]:
        rows = [
            {
                "source": each["name"],
                "answers": each["up"],
                "since": local(each["since"]),
                "error": each["error"],
            }
            for each in answer["sources"]
        ]
        lines += ["", table(rows, ("source", "answers", "since", "error"), wrap=True)]
    if answer["notifiers"]:
        rows = [
            {
                "notifier": each["name"],
                "type": each["type"],
                "enabled": each["enabled"],
                "queued": each["queued"],
                "last sent": local(each.get("last_sent_at")),
                "held until": local(each["held_until"]),
                "last answer": each["last_answer"],
            }
            for each in answer["notifiers"]
        ]
        columns = ["notifier", "type", "enabled", "queued", "last sent", "last answer"]
        if any(row["held until"] for row in rows):
            columns.insert(-1, "held until")
        lines += ["", table(rows, columns, wrap=True)]
    return "\n".join(lines)
