"""docs/migrating.md: the transcripts on it are what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hbalert.cli.import_ import import_
from hbalert.neighbours.gotemplate import Library

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text("utf-8")


def block(kind: str, containing: str = "") -> str:
    """The first code block of a kind with a text in it."""
    blocks: list[str] = re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return next(each for each in blocks if containing in each)


def test_the_transcript_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("alertmanager.yml").write_text(block("yaml", "receivers:"), "utf-8")
    command, _, shown = block("console").partition("\n")
    done = CliRunner().invoke(
        import_, command.removeprefix("$ hbalert import ").split(), catch_exceptions=False
    )
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", shown)
    assert block("toml", "[[route.routes]]") in Path("alerting/config.toml").read_text("utf-8")
    assert block("toml", 'type = "email"') == Path("alerting/notifiers/team_email.toml").read_text("utf-8")
    assert (
        block("jinja").rstrip()
        == Path("alerting/notifiers/templates/team_email.txt").read_text("utf-8").rstrip()
    )


def test_the_transcript_of_rules_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("postgres.yml").write_text(block("yaml", "PostgresDown"), "utf-8")
    command, _, shown = block("console", "import prometheus").partition("\n")
    done = CliRunner().invoke(
        import_, command.removeprefix("$ hbalert import ").split(), catch_exceptions=False
    )
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", shown)
    assert Path("imported.toml").read_text("utf-8") == block("toml", "PostgresDown")


def rows() -> list[tuple[str, str]]:
    """The table of templates: (Go, Jinja2)."""
    table = PAGE[PAGE.index("## Templates") : PAGE.index("What cannot be translated")].replace("\\|", "\0")
    found = re.findall(r"^\| `(.*?)` \| `(.*?)` \|$", table, re.MULTILINE)
    return [(go.replace("\0", "|"), ours.replace("\0", "|")) for go, ours in found]


@pytest.mark.parametrize(("go", "ours"), rows())
def test_a_row_of_the_table_is_how_it_is_translated(go: str, ours: str) -> None:
    of_alert = ".StartsAt" in go or ".GeneratorURL" in go
    text = f"{{{{ range .Alerts }}}}{go}{{{{ end }}}}" if of_alert else go
    made = Library().translate(text, "row", page="href" in go)
    assert made == (f"{{% for alert in alerts %}}{ours}{{% endfor %}}" if of_alert else ours)


def test_there_are_rows() -> None:
    assert len(rows()) >= 6
