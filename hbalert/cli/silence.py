"""`hbalert silence`: asks for quiet, for a while, about what matches."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import click

from hbalert.cli.client import Client, client_options, one_of, segment
from hbalert.cli.output import ago, local, output_option, plain, show, show_one
from hbalert.cli.silence_files import export, import_
from hbalert.cli.when import future, length
from hbalert.clock import SystemClock
from hbalert.core.matcher import Matcher, parse, text
from hbalert.core.silence import RESOLVED, UNTIL
from hbalert.regex import compile_regex

SHOWN = 10
"""Alerts that are listed before a silence over them is made."""

LASTING = timedelta(days=1)
"""How long a silence until resolved lasts at most, when nothing else is said."""


@click.group()
def silence() -> None:
    """Ask for quiet, for a while, about what matches: add, list, show, change, end, copy silences."""


@silence.command()
@click.argument("conditions", nargs=-1, required=True, metavar="MATCHER...")
@click.option("--for", "duration", metavar="DURATION", help='How long: "2h", "1d12h".')
@click.option(
    "--until",
    metavar="TIME|resolved",
    help='Until when: "18:30", "tomorrow 09:00", "2026-03-01 18:30"; or "resolved": until nothing that '
    "it matches fires any more, at the latest --for from its beginning (1d when not given).",
)
@click.option("--from", "begin", metavar="TIME", help="When it begins; now when not given.")
@click.option("-m", "--comment", default="", help="Why. Whoever is paged at night reads this.")
@click.option("--author", default="", help="Who asks; your user name when not given.")
@click.option("--yes", is_flag=True, help="Also when it is so broad that it matches nearly everything.")
@click.option("--dry-run", is_flag=True, help="Only show what it would match.")
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
    dry_run: bool,
    output: str,
    client: Client,
) -> None:
    """Silence what matches all MATCHERs; prints what that is now, then the new id.

    \b
    A matcher is NAME=VALUE, NAME!=VALUE, NAME=~REGEX or NAME!~REGEX.

    \b
    Examples:
      hbalert silence add bot=mm-btc --for 2h -m "exchange maintenance"
      hbalert silence add bot=mm-btc --until resolved -m "known, Li is at it"
      hbalert silence add 'alertname=~"Hummingbot.*"' env=staging --until 18:30 -m "load test" --dry-run
    """
    matchers = read_matchers(conditions)
    if not comment.strip() and not dry_run:
        raise click.UsageError('say why: --comment "..."')
    now = SystemClock().now()
    starts_at = future(begin, now) if begin else now
    ends_at = _end(duration, until, starts_at, now)
    if ends_at is None:
        raise click.UsageError("say how long: --for DURATION, --until TIME or --until resolved")
    body = {
        "matchers": list(map(str, matchers)),
        "endsAt": ends_at.isoformat(),
        "createdBy": author or getpass.getuser(),
        "comment": comment,
        "until": RESOLVED if until == RESOLVED else "",
        "broad": yes,
    }
    if begin:  # "now" is left to the daemon: our clock may be ahead of its
        body["startsAt"] = starts_at.isoformat()
    found = client.post("/api/hb/v1/silences/preview", body)
    _say_what_matches(matchers, found)
    if dry_run:
        click.echo("Nothing was silenced: --dry-run.", err=True)
        if output != "table":
            show_one(found, output, "")
        return
    if found["broad"] and not yes:
        raise click.UsageError(f"{text(matchers)} matches nearly every alert; if that is meant, say --yes")
    identity = str(client.post("/api/hb/v1/silences", body)["id"])
    last = ", or until all of it has resolved" if until == RESOLVED else ""
    click.echo(f"Silenced until {local(ends_at.isoformat())}{last}.", err=True)
    show_one({"id": identity}, output, identity)


@silence.command(name="list")
@click.option("--expired", is_flag=True, help="Also those that have ended.")
@click.option(
    "--within", metavar="DURATION", help="Those that end within this time; with --expired, have ended, too."
)
@output_option
@client_options
def list_(expired: bool, within: str | None, output: str, client: Client) -> None:
    """List silences: active ones first, the next to end on top.

    \b
    Examples:
      hbalert silence list --within 2h
      hbalert silence list --expired -o json
    """
    rows = client.get("/api/v2/silences", {"expired": "true" if expired else "false"})
    if within:
        now, span = SystemClock().now(), length(within)
        rows = [row for row in rows if abs(datetime.fromisoformat(row["endsAt"]) - now) <= span]
    if output == "table":
        rows = [_line(row) for row in rows]
    show(rows, output, empty="No silence.")


@silence.command(name="show")
@click.argument("identity", metavar="ID")
@output_option
@client_options
def show_(identity: str, output: str, client: Client) -> None:
    """Show one silence, and what it silences now.

    \b
    Example:
      hbalert silence show 3f2a
    """
    row = client.get(f"/api/hb/v1/silences/{segment(identity)}")
    show_one(row, output, "\n".join(_story(row)))


@silence.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@client_options
def expire(ids: tuple[str, ...], client: Client) -> None:
    """End silences now. An id may be cut short as long as only one begins so.

    \b
    Example:
      hbalert silence expire 3f2a
    """
    rows = client.get("/api/v2/silences")
    for row in [one_of(rows, each, "silence") for each in ids]:
        client.delete(f"/api/v2/silence/{segment(row['id'])}")
        click.echo(f"Ended: {row['id']} {_matcher_text(row)}", err=True)


@silence.command()
@click.argument("identity", metavar="ID")
@click.option("--for", "duration", metavar="DURATION", help="How long from now.")
@click.option(
    "--until", metavar="TIME|resolved", help="Until when; a time also ends it when something still fires."
)
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
    """Change the end, the reason or the author of a silence; prints the id that is in force then.

    \b
    Examples:
      hbalert silence update 3f2a --for 4h
      hbalert silence update 3f2a --until resolved -m "waiting for the exchange"
    """
    row = one_of(client.get("/api/v2/silences"), identity, "silence")
    now = SystemClock().now()
    ends_at = _end(duration, None if until == RESOLVED else until, now, now)
    if ends_at is None and until is None and not comment and not author:
        raise click.UsageError("say what to change: --for, --until, --comment or --author")
    annotations = dict(row.get("annotations") or {})
    if until is not None:
        annotations.pop(UNTIL, None)
    changed = {
        "id": row["id"],
        "matchers": row["matchers"],
        "startsAt": row["startsAt"],
        "endsAt": ends_at.isoformat() if ends_at else row["endsAt"],
        "createdBy": author or row["createdBy"],
        "comment": comment or row["comment"],
        "annotations": annotations,
        "until": RESOLVED if until == RESOLVED else "",
        "broad": True,  # that it matches what it matches was decided when it was made
    }
    kept = str(client.post("/api/hb/v1/silences", changed)["id"])
    if kept != row["id"]:
        click.echo("The old one has ended; a new one took its place.", err=True)
    click.echo(f"Silenced until {local(changed['endsAt'])}.", err=True)
    show_one({"id": kept}, output, kept)


silence.add_command(export)
silence.add_command(import_)


def read_matchers(conditions: tuple[str, ...]) -> list[Matcher]:
    """The matchers that were given. Raises UsageError."""
    try:
        return [parse(each, compile_regex) for each in conditions]
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _end(duration: str | None, until: str | None, starts_at: datetime, now: datetime) -> datetime | None:
    """When it ends at the latest; None when nothing was said of it."""
    lasting = until == RESOLVED
    ends_at: datetime | None = None
    if duration and until and not lasting:
        raise click.UsageError("--for and --until say the same; give one of them")
    try:
        if duration:
            ends_at = starts_at + length(duration)
        elif lasting:
            ends_at = starts_at + LASTING
        elif until:
            ends_at = future(until, now)
    except OverflowError:
        raise click.UsageError(f"{duration!r} is too long") from None
    if ends_at is not None and ends_at <= now:
        raise click.UsageError(f"{local(ends_at.isoformat())} is already past")
    return ends_at


def _say_what_matches(matchers: list[Matcher], found: dict[str, Any]) -> None:
    """What a silence would cover now: the moment to notice a slip of the pen."""
    groups = f", in {found['group_count']} groups" if found["group_count"] > 1 else ""
    click.echo(
        f"{text(matchers)} matches {found['matches']} of {found['firing']} alerts that fire now{groups}.",
        err=True,
    )
    for line in _covered(found):
        click.echo(line, err=True)
    for warning in found["warnings"]:
        click.echo(f"Note: {warning}.", err=True)


def _covered(found: dict[str, Any]) -> Iterator[str]:
    """The first alerts that are covered, a line each, and how many more there are."""
    for alert in found["alerts"][:SHOWN]:
        yield f"  {label_text(alert['labels'])}"
    if found["matches"] > SHOWN:
        yield f"  ... and {found['matches'] - SHOWN} more"


def _story(row: dict[str, Any]) -> Iterator[str]:
    """One silence, for a person."""
    until = " or until all that it matches has resolved" if row["until"] else ""
    window = f", an occurrence of the maintenance window {row['window']}" if row["window"] else ""
    yield f"{row['id']} ({row['state']}{plain(window)})"
    yield f"  matchers  {plain(', '.join(row['matchers']))}"
    yield f"  from      {local(row['starts_at'])}"
    yield f"  until     {local(row['ends_at'])}{until}"
    yield f"  by        {plain(row['author'])}"
    yield f"  reason    {plain(row['comment'])}"
    yield f"It matches {row['matches']} of {row['firing']} alerts that fire now."
    yield from _covered(row)


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
        "ends": local(row["endsAt"]) + (" or resolved" if _lasts(row) else ""),
        "left": ago((ends - now).total_seconds()) if ends > now else "",
        "by": row["createdBy"],
        "comment": row["comment"],
    }


def _lasts(row: dict[str, Any]) -> bool:
    return (row.get("annotations") or {}).get(UNTIL) == RESOLVED
