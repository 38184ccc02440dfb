"""`hbalert run`: the daemon in the foreground."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path

import click

from hbalert.cli.config_path import find_config
from hbalert.errors import ConfigError, HbalertError
from hbalert.signals import Signals

YOUNG = 5_000
"""New objects between two looks for garbage. Nearly all of them go by themselves: with Python's own 700 the
looks took 9 % of a busy hour."""


@click.command()
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
@click.option(
    "--log-format",
    type=click.Choice(["auto", "text", "json", "journal"]),
    default="auto",
    show_default=True,
    help="auto: text on a terminal, journal under systemd, else JSON.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
)
def run(config: Path | None, log_format: str, log_level: str) -> None:
    """Start the daemon and stay in the foreground.

    \b
    SIGHUP   read the configuration again (a mistake keeps the old one)
    SIGTERM  finish what is being sent and stop; a second one stops at once

    \b
    Example:
      hbalert run -c /etc/hbalert/config.toml
    """
    signals = Signals()
    signals.stand()
    gc.disable()  # nothing of what a start makes is garbage; looking for some took a tenth of it
    from hbalert.log import configure

    configure(log_level, log_format)
    path = find_config(config)
    try:
        asyncio.run(_serve(path, signals))
    except ConfigError as error:
        for finding in error.findings:
            click.echo(str(finding), err=True)
        click.echo(f"{len(error.findings)} mistakes; nothing was started.", err=True)
        sys.exit(2)
    except (HbalertError, OSError) as error:
        click.echo(f"hbalert: {error}", err=True)
        sys.exit(1)


async def _serve(path: Path, signals: Signals) -> None:
    from hbalert.daemon import Daemon

    if signals.asked_to_stop:
        return
    daemon = Daemon(path, os.environ)
    signals.listen(daemon.ask_to_stop, daemon.ask_to_reload)
    await daemon.start()
    gc.freeze()  # what start-up made stays for good: it need not be looked at again
    gc.set_threshold(YOUNG)
    gc.enable()
    try:
        await daemon.run()
    finally:
        await daemon.stop()
