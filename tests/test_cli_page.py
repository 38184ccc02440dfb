"""The documented command line is the one that is there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hbalert.cli import main

ROOT = Path(__file__).parents[1]


def test_docs_cli_md_says_what_the_help_texts_say() -> None:
    done = subprocess.run([sys.executable, "-m", "tests.cli_page"], cwd=ROOT, capture_output=True, check=True)
    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == done.stdout.decode(), "run: make docs"


def _verbs(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield name, command
        return
    with click.Context(command) as context:
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from _verbs(inner, f"{name} {each}".strip())


def test_every_verb_has_an_example_that_calls_it() -> None:
    without = [name for name, verb in _verbs(main, "") if f"hbalert {name}" not in (verb.help or "")]
    assert without == []
