"""The command line. One module per verb, imported when the verb is used.

Knows the verbs and how they are found. Must not know what they do. Exit codes, everywhere:
0 ok; 1 a delivery failed, or findings below error with --strict; 2 an error finding or wrong usage;
4 the daemon cannot be reached; 5 refused.
"""

from __future__ import annotations

from importlib import import_module

import click

from hbalert import __version__

VERBS = {
    "run": ("hbalert.cli.run:run", "Start the daemon."),
    "init": ("hbalert.cli.init:init", "Write a commented starter folder."),
    "check": ("hbalert.cli.check:check", "Check the configuration; every mistake at once."),
    "test-notify": ("hbalert.cli.test_notify:test_notify", "Send a real test through every channel."),
    "import": ("hbalert.cli.import_:import_", "Take over the configuration of another program."),
    "export": ("hbalert.cli.export:export", "Write the rules as another program reads them."),
    "demo": ("hbalert.cli.demo:demo", "Run everything on this machine, with fake gateways."),
    "silence": ("hbalert.cli.silence:silence", "Ask for quiet: add, list, end, copy silences."),
    "maintenance": ("hbalert.cli.maintenance:maintenance", "Quiet that comes again: maintenance windows."),
    "history": ("hbalert.cli.history:history", "Who was told what, when, and what the gateway answered."),
    "queue": ("hbalert.cli.queue:queue", "What waits to be delivered."),
    "alerts": ("hbalert.cli.alerts:alerts", "What fires now."),
    "rules": ("hbalert.cli.rules:rules", "The rules, how each does, and what one would do now."),
    "explain": ("hbalert.cli.explain:explain", "What becomes of an alert, and why."),
    "status": ("hbalert.cli.status:status", "One screen: health, sources, queue."),
    "token": ("hbalert.cli.token:token", "Make tokens for the HTTP API."),
}
"""Verb -> (module:command, help line): the help lines stand here so that --help imports nothing."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, _, attribute = VERBS[name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(verb, line) for verb, (_, line) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hbalert")
def main() -> None:
    """Alerting for trading bots and other services watched by Prometheus.

    \b
    First steps:
      hbalert init alerting        write a starter folder
      hbalert check -c alerting/config.toml
      hbalert run -c alerting/config.toml
    """
