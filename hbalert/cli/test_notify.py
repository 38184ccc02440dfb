"""`hbalert test-notify`: proves that every channel works, before an alert has to."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hbalert.cli.config_path import find_config
from hbalert.cli.message_template import try_template
from hbalert.cli.output import plain

if TYPE_CHECKING:
    from hbalert.config.channels import NotifierSettings
    from hbalert.config.findings import Finding
    from hbalert.config.types import Config
    from hbalert.trial import Tried


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option("-o", "--output", type=click.Choice(["table", "json", "jsonl"]), default="table")
def test_notify(names: tuple[str, ...], config: Path | None, output: str) -> None:
    """Send a real test message, firing and then resolved, through every channel.

    Without names all enabled notifiers are tried, all at the same time. The messages are made, sent and
    judged by the code that does it for real alerts; what is printed is the gateway's own answer.

    \b
    Exit code: 0 when every message was accepted, 1 when one was not, or went out in built-in
    words because its own template fails, 2 when the configuration is wrong or a name is unknown.

    \b
    Examples:
      hbalert test-notify
      hbalert test-notify ops_dingtalk ops_sms -c /etc/hbalert/config.toml
    """
    from hbalert.config.load import load
    from hbalert.errors import ConfigError
    from hbalert.log import configure

    configure("error", "text")
    path = find_config(config)
    try:
        loaded = load(path, os.environ)
    except ConfigError as error:
        for finding in error.findings:
            click.echo(plain(str(finding)), err=True)
        sys.exit(2)
    chosen = _choose(loaded, names)
    broken = _broken_templates(chosen, path)
    for finding in broken:
        click.echo(plain(f"{finding}; built-in words are sent instead"), err=True)
    count = "1 notifier" if len(chosen) == 1 else f"{len(chosen)} notifiers"
    click.echo(f"Trying {count}: {', '.join(chosen)}", err=True)
    tried = asyncio.run(_try(chosen, loaded))
    _show(tried, output)
    failed = sorted({each.notifier for each in tried if not each.ok})
    if failed:
        click.echo(f"{len(failed)} of {len(chosen)} failed: {', '.join(failed)}", err=True)
        sys.exit(1)
    if broken:
        click.echo("Everybody was reached, but a template does not work.", err=True)
        sys.exit(1)
    click.echo("It works." if len(chosen) == 1 else f"All {len(chosen)} work.", err=True)


def _broken_templates(chosen: Mapping[str, NotifierSettings], path: Path) -> list[Finding]:
    from hbalert.config.load import check_files

    files = [Path(each.file) for each in chosen.values() if each.file]
    return [each for each in check_files(files, path, os.environ, try_template) if each.code == "template"]


def _choose(config: Config, names: tuple[str, ...]) -> dict[str, NotifierSettings]:
    """The notifiers to try; says what is wrong with the names and leaves with 2."""
    enabled: dict[str, NotifierSettings] = {
        name: each for name, each in config.notifiers.items() if each.enabled
    }
    for name in names:
        if name not in config.notifiers:
            known = ", ".join(sorted(config.notifiers)) or "none"
            raise click.UsageError(f"there is no notifier {name!r}; there are: {known}")
        if name not in enabled:
            raise click.UsageError(
                f"the notifier {name!r} is disabled; set enabled = true in notifiers/{name}.toml first"
            )
    chosen = {name: enabled[name] for name in names} if names else enabled
    if not chosen:
        raise click.UsageError("no notifier is enabled; set enabled = true in a file of notifiers/")
    return chosen


async def _try(chosen: dict[str, NotifierSettings], config: Config) -> list[Tried]:
    from hbalert.channels import open_channel
    from hbalert.clock import SystemClock
    from hbalert.trial import trial

    tried = []
    async for each in trial(chosen, open_channel, SystemClock(), config.server.external_url):
        tried.append(each)
        mark = "ok    " if each.ok else "FAILED"
        click.echo(f"  {mark} {each.notifier} {each.status} after {each.took_ms:.0f} ms", err=True)
    order = list(chosen)
    return sorted(tried, key=lambda each: (order.index(each.notifier), each.status))


def _show(tried: list[Tried], output: str) -> None:
    from hbalert.cli.output import show

    rows = [
        {
            "notifier": each.notifier,
            "type": each.kind,
            "message": each.status,
            "outcome": each.outcome.result.value,
            "ms": round(each.took_ms),
            "answer": each.outcome.answer,
            "refused": dict(each.outcome.refused),
        }
        for each in tried
    ]
    show(rows, output)
