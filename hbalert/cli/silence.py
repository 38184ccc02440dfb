"""`hbalert silence`: asks for quiet, for a while, about what matches."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Any

import click

from hbalert.cli.client import Client, client_options, one_of, segment
from hbalert.cli.output import ago, local, output_option, plain, show, show_one
from hbalert.cli.when import future, length
from hbalert.clock import SystemClock
from hbalert.core.matcher import Matcher, matches, parse, text
from hbalert.regex import compile_regex

SHOWN = 10
"""Alerts that are listed before a silence over them is made."""

PROBE = "a value that nobody uses"


@click.group()
def silence() -> None:
    """Add, list and end silences."""


@silence.command()
@click.argument("conditions", nargs=-1, required=True, metavar="MATCHER...")
@click.option("--for", "duration", metavar="DURATION", help='How long: "2h", "1d12h".')
@click.option("--until", metavar="TIME", help='Until when: "18:30", "tomorrow 09:00", "2026-03-01 18:30".')
@click.option("--from", "begin", metavar="TIME", help="When it begins; now when not given.")
@click.option("-m", "--comment", default="", help="Why. Whoever is paged at night reads this.")
@click.option("--author", default="", help="Who asks; your user name when not given.")
@click.option("--yes", is_flag=True, help="Also when it is so broad that it matches nearly everything.")
@output_option
@client_options
def add(
    conditions: tuple[str, ...],
    duration: str | None,
    until: str | None,
    begin: str | None,
    comment: str,
    author: str,
    yes: bool,
    output: str,
    client: Client,
) -> None:
    """Silence what matches all MATCHERs; prints what that is now, then the new id.

    \b
    A matcher is NAME=VALUE, NAME!=VALUE, NAME=~REGEX or NAME!~REGEX.

    \b
    Examples:
      hbalert silence add bot=mm-btc --for 2h -m "exchange maintenance"
      hbalert silence add 'alertname=~"Hummingbot.*"' env=staging --until 18:30 -m "load test"
    """
    matchers = _matchers(conditions)
    if not comment.strip():
        raise click.UsageError('say why: --comment "..."')
    now = SystemClock().now()
    starts_at = future(begin, now) if begin else now
    ends_at = _end(duration, until, starts_at, now)
    if ends_at is None:
        raise click.UsageError("say how long: --for DURATION or --until TIME")
    if all(matcher.test(PROBE) for matcher in matchers) and not yes:
        raise click.UsageError(f"{text(matchers)} matches nearly every alert; if that is meant, say --yes")
    _say_what_matches(matchers, client)
    body = _body(matchers, ends_at, author or getpass.getuser(), comment)
    if begin:  # "now" is left to the daemon: our clock may be ahead of its
        body["startsAt"] = starts_at.isoformat()
    answer = client.post("/api/v2/silences", body)
    identity = str(answer["silenceID"])
    click.echo(f"Silenced until {local(ends_at.isoformat())}.", err=True)
    show_one({"id": identity}, output, identity)


@silence.command(name="list")
@click.option("--expired", is_flag=True, help="Also those that have ended.")
@output_option
@client_options
def list_(expired: bool, output: str, client: Client) -> None:
    """List silences: active ones first, the next to end on top."""
    rows = client.get("/api/v2/silences", {"expired": "true" if expired else "false"})
    if output == "table":
        rows = [_line(row) for row in rows]
    show(rows, output, empty="No silence.")


@silence.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@client_options
def expire(ids: tuple[str, ...], client: Client) -> None:
    """End silences now. An id may be cut short as long as only one begins so."""
    rows = client.get("/api/v2/silences")
    for row in [one_of(rows, each, "silence") for each in ids]:
        client.delete(f"/api/v2/silence/{segment(row['id'])}")
        click.echo(f"Ended: {row['id']} {_matcher_text(row)}", err=True)


@silence.command()
@click.argument("identity", metavar="ID")
@click.option("--for", "duration", metavar="DURATION", help="How long from now.")
@click.option("--until", metavar="TIME", help="Until when.")
@click.option("-m", "--comment", default="", help="A new reason.")
@click.option("--author", default="", help="Who asks.")
@output_option
@client_options
def update(
    identity: str,
    duration: str | None,
    until: str | None,
    comment: str,
    author: str,
    output: str,
    client: Client,
) -> None:
    """Change the end, the reason or the author of a silence; prints the id that is in force then."""
    row = one_of(client.get("/api/v2/silences"), identity, "silence")
    now = SystemClock().now()
    ends_at = _end(duration, until, now, now)
    if ends_at is None and not comment and not author:
        raise click.UsageError("say what to change: --for, --until, --comment or --author")
    changed = {
        "id": row["id"],
        "matchers": row["matchers"],
        "startsAt": row["startsAt"],
        "endsAt": ends_at.isoformat() if ends_at else row["endsAt"],
        "createdBy": author or row["createdBy"],
        "comment": comment or row["comment"],
        "annotations": row.get("annotations") or {},
    }
    kept = str(client.post("/api/v2/silences", changed)["silenceID"])
    if kept != row["id"]:
        click.echo("The old one has ended; a new one took its place.", err=True)
    click.echo(f"Silenced until {local(changed['endsAt'])}.", err=True)
    show_one({"id": kept}, output, kept)


def _matchers(conditions: tuple[str, ...]) -> list[Matcher]:
    try:
        return [parse(each, compile_regex) for each in conditions]
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _end(duration: str | None, until: str | None, starts_at: datetime, now: datetime) -> datetime | None:
    if duration and until:
        raise click.UsageError("--for and --until say the same; give one of them")
    try:
        ends_at = starts_at + length(duration) if duration else future(until, now) if until else None
    except OverflowError:
        raise click.UsageError(f"{duration!r} is too long") from None
    if ends_at is not None and ends_at <= now:
        raise click.UsageError(f"{local(ends_at.isoformat())} is already past")
    return ends_at


def _body(matchers: list[Matcher], ends_at: datetime, author: str, comment: str) -> dict[str, Any]:
    return {
        "matchers": [
            {"name": each.name, "value": each.value, "isRegex": each.is_regex, "isEqual": each.is_equal}
            for each in matchers
        ],
        "startsAt": "",
        "endsAt": ends_at.isoformat(),
        "createdBy": author,
        "comment": comment,
    }


def _say_what_matches(matchers: list[Matcher], client: Client) -> None:
    """What a silence would cover now: the moment to notice a slip of the pen."""
    firing = client.get("/api/v2/alerts")
    covered = [alert["labels"] for alert in firing if matches(matchers, alert["labels"])]
    click.echo(f"{text(matchers)} matches {len(covered)} of {len(firing)} alerts that fire now.", err=True)
    for labels in covered[:SHOWN]:
        click.echo(f"  {label_text(labels)}", err=True)
    if len(covered) > SHOWN:
        click.echo(f"  ... and {len(covered) - SHOWN} more", err=True)


def label_text(labels: dict[str, str]) -> str:
    """The alert's name, then its other labels."""
    rest = ", ".join(f"{name}={value}" for name, value in labels.items() if name != "alertname")
    return plain(f"{labels.get('alertname', '-')}  {rest}".rstrip())


def _matcher_text(row: dict[str, Any]) -> str:
    signs = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
    return ", ".join(
        f'{each["name"]}{signs[each.get("isEqual", True), each["isRegex"]]}"{each["value"]}"'
        for each in row["matchers"]
    )


def _line(row: dict[str, Any]) -> dict[str, Any]:
    now = SystemClock().now()
    ends = datetime.fromisoformat(row["endsAt"])
    return {
        "id": row["id"][:8],
        "state": row["status"]["state"],
        "matchers": _matcher_text(row),
        "ends": local(row["endsAt"]),
        "left": ago((ends - now).total_seconds()) if ends > now else "",
        "by": row["createdBy"],
        "comment": row["comment"],
    }
