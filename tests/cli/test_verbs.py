"""The command line as a whole: every verb is there, and --help is quick because it imports none."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from hbalert.cli import VERBS, main


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_can_be_asked_for_help(verb: str) -> None:
    answer = CliRunner().invoke(main, [verb, "--help"])
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("Usage: main " + verb)


def test_an_unknown_verb_is_wrong_usage() -> None:
    answer = CliRunner().invoke(main, ["nonsense"])
    assert answer.exit_code == 2
    assert "No such command 'nonsense'" in answer.output


def test_help_imports_no_verb() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from hbalert.cli import main;"
        "CliRunner().invoke(main, ['--help']);"
        "print([name for name in sys.modules if name.startswith('hbalert.') and name != 'hbalert.cli'])"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
