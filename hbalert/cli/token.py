"""`hbalert token`: makes tokens for the HTTP API."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC

import click

from hbalert.cli.output import output_option, show_one

ROLES = {
    "ingest": "post alerts (Prometheus, Alertmanager, Grafana)",
    "read": "see everything",
    "silence": "see everything, and make and end silences",
    "admin": "everything, also reload and the queue",
}


@click.group()
def token() -> None:
    """Make tokens for the HTTP API."""


@token.command()
@click.option("--name", required=True, help="Whose token it is; the log says who changed what.")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What its bearer may do.")
@click.option("--expires", metavar="WHEN", help="A date (2027-01-31) or a duration (90d); default: never.")
@output_option
def new(name: str, role: str, expires: str | None, output: str) -> None:
    """Make a token. It is printed once; the configuration keeps only its hash.

    \b
    ingest   post alerts (Prometheus, Alertmanager, Grafana)
    read     see everything
    silence  see everything, and make and end silences
    admin    everything, also reload and the queue

    \b
    Example:
      hbalert token new --name prometheus --role ingest
      hbalert token new --name visitor --role read --expires 7d
    """
    if not re.fullmatch(r"[\w .@-]{1,64}", name):
        raise click.UsageError("--name: at most 64 letters, digits, spaces and . @ _ -")
    text = f"hb_{secrets.token_urlsafe(32)}"
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    block = f'[[tokens]]\nname = "{name}"\nrole = "{role}"\nhash = "{digest}"'
    made = {"token": text, "name": name, "role": role, "hash": digest}
    if expires is not None:
        made["expires"] = _moment(expires)
        block += f"\nexpires = {made['expires']}"
    click.echo("The token, which is not shown again:", err=True)
    show_one(made, output, text)
    click.echo(f"\nFor config.toml; a running daemon takes it over on a reload:\n\n{block}\n", err=True)


def _moment(text: str) -> str:
    """A moment in UTC, as TOML writes it. Raises UsageError for what is none, or is over."""
    from hbalert.cli.when import future
    from hbalert.clock import SystemClock

    now = SystemClock().now()
    at = future(text, now)
    if at <= now:
        raise click.UsageError(f"--expires: {text} is over already")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
