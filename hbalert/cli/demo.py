"""`hbalert demo`: the whole engine at work on this machine.

Knows the options. Must not know how the demo works: `hbalert.demo.play` does.
"""

from __future__ import annotations

import asyncio
import os
import sys

import click


@click.command()
@click.option("--once", is_flag=True, help="End by itself when every channel has heard of the resolves.")
@click.option(
    "--duration",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="End by itself after so many seconds.",
)
def demo(once: bool, duration: float) -> None:
    """Run everything on this machine, with fake gateways.

    Three bots that are none, a real Prometheus, gateways on loopback that check signatures as the real
    ones do, and the daemon. Nobody outside is told, and nothing stays behind. Needs the program
    prometheus (HBALERT_PROMETHEUS names it) and the extra hbalert[demo].

    \b
    Example:
      hbalert demo --once
    """
    from hbalert.cli.init import starter_folder

    try:
        from hbalert.demo.play import perform
    except ModuleNotFoundError as error:
        if error.name != "aiosmtpd":
            raise
        raise click.ClickException("the demo needs one more package: pip install 'hbalert[demo]'") from None
    rules = (starter_folder() / "rules" / "hummingbot.toml").read_text("utf-8")
    sys.exit(asyncio.run(perform(rules, out=sys.stdout, environ=os.environ, once=once, duration=duration)))
