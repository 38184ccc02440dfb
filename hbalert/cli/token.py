"""`hbalert token`: makes tokens for the HTTP API."""

from __future__ import annotations

import hashlib
import re
import secrets

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
@click.option("--name", required=True, help="Whose token it is; shown nowhere but in the configuration.")
@click.option("--role", type=click.Choice(list(ROLES)), required=True, help="What its bearer may do.")
@output_option
def new(name: str, role: str, output: str) -> None:
    """Make a token. It is printed once; the configuration keeps only its hash.

    \b
    ingest   post alerts (Prometheus, Alertmanager, Grafana)
    read     see everything
    silence  see everything, and make and end silences
    admin    everything, also reload and the queue

    \b
    Example:
      hbalert token new --name prometheus --role ingest
    """
    if not re.fullmatch(r"[\w .@-]{1,64}", name):
        raise click.UsageError("--name: at most 64 letters, digits, spaces and . @ _ -")
    text = f"hb_{secrets.token_urlsafe(32)}"
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    block = f'[[tokens]]\nname = "{name}"\nrole = "{role}"\nhash = "{digest}"'
    click.echo("The token, which is not shown again:", err=True)
    show_one({"token": text, "name": name, "role": role, "hash": digest}, output, text)
    click.echo(f"\nFor config.toml:\n\n{block}\n", err=True)
