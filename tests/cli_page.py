"""docs/cli.md, made from the help texts: `make docs` writes it, test_cli_page.py compares.

python -m tests.cli_page docs/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from hbalert.cli import main

_HEAD = """\
# The command line

Made from the help texts by `make docs`; a test compares.

Exit codes: 0 ok; 1 a delivery failed, or findings below error with `--strict`;
2 an error finding or wrong usage; 4 the daemon cannot be reached; 5 refused.
"""


def page() -> str:
    """The whole page."""
    sections = [f"## {name}\n\n```\n{text}\n```\n" for name, text in helps(main, "hbalert")]
    return "\n".join([_HEAD, *sections])


def helps(command: click.Command, name: str, above: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """The help of a command and of everything below it, as it would be called."""
    width = {"max_content_width": 100, "terminal_width": 100}
    context = click.Context(command, above, info_name=name, **{**command.context_settings, **width})
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            below = command.get_command(context, verb)
            if below is not None:
                yield from helps(below, verb, context)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # stdout is a text file here
    sys.stdout.write(page())
