"""The pages in docs/ and both READMEs: what they print can be used as it stands.

Links lead somewhere, commands are ones that there are, TOML is read without a word, and the two READMEs
show the same. What a page says beyond that has tests beside its subject (`neighbours/test_docs.py`, ...).
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hbalert.cli import main
from hbalert.config.findings import Finding
from hbalert.config.load import check, check_files

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
PAGES = [*READMES, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "notifiers").glob("*.md"))]
ALL_PAGES = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

ELSEWHERE = {
    "unknown-receiver",
    "unknown-interval",
    "no-file",
    "missing",
    "secret",
    "certificate",
    "insecure",
}
"""Findings that a piece of a configuration has because the rest of it is not on the page."""


def blocks(page: Path, *kinds: str) -> list[str]:
    """The code blocks of these kinds, without the indentation of a list that they stand in."""
    found = re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [
        re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, kind, text in found if kind in kinds
    ]


def prose(page: Path) -> str:
    return re.sub(r"^ *```.*?^ *```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What a link into the page may name: its headings as GitHub spells them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@ALL_PAGES
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.is_file() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@ALL_PAGES
def test_files_and_tasks_that_are_named_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    tasks = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    files = re.findall(r"`((?:tests|docs|scripts|deploy|hbalert|bench)/[\w./-]*)`", text)
    assert [name for name in re.findall(r"`make ([a-z-]+)", text) if name not in tasks] == []
    assert [name for name in files if not (ROOT / name).exists()] == []
    modules = re.findall(r"python -m ((?:tests|bench|hbalert)[\w.]*)", text)
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def commands(page: Path) -> Iterator[str]:
    """Every `hbalert VERB ...` on the page: in blocks of commands, behind prompts and between backquotes."""
    text = page.read_text("utf-8")
    shell = "\n".join(blocks(page, "sh", "")).replace("\\\n", " ")
    yield from re.findall(r"^(?:\$ )?(hbalert [a-z].*)$", shell, re.MULTILINE)
    yield from re.findall(r"^\$ (hbalert .*)$", "\n".join(blocks(page, "console")), re.MULTILINE)
    yield from re.findall(r"`(hbalert [a-z][^`]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def complaint(command: str) -> str | None:
    """What the command line says against a command; nothing is done. None: it is taken.

    A command without arguments names a verb and is no call of it: "see `hbalert queue retry`".
    """
    words = shlex.split(command.replace("...", "ARG"), comments=True)[1:]
    verb: click.Command = main
    above: click.Context | None = None
    try:
        while isinstance(verb, click.Group):
            above = click.Context(verb, above, info_name=verb.name)
            found = verb.get_command(above, words[0]) if words else None
            if found is None:
                return None if not words else f"no verb {words[0]}"
            verb, words = found, words[1:]
        if words and words != ["ARG"]:
            verb.make_context(verb.name, words, above)
    except click.ClickException as wrong:
        return wrong.format_message()
    except click.exceptions.Exit:
        pass
    return None


@ALL_PAGES
def test_commands_are_ones_that_there_are(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {each: complaint(each) for each in commands(page)}
    assert {each: why for each, why in wrong.items() if why is not None} == {}


def test_a_command_that_is_not_there_is_seen() -> None:
    assert "--fro" in (complaint("hbalert silence add bot=a --fro 2h") or "")
    assert complaint("hbalert shout") == "no verb shout"


def findings(text: str, folder: Path) -> list[Finding]:
    """What `check` says of one TOML block: a file with rules, of a notifier, or a piece of config.toml."""
    tables = tomllib.loads(text)
    if "groups" in tables or "type" in tables:
        file = folder / "block.toml"
        file.write_text(text, "utf-8")
        found = check_files([file], None, {})
    else:
        file = folder / "config.toml"
        (folder / "tls").mkdir(exist_ok=True)
        for name in ("cert.pem", "key.pem"):
            (folder / "tls" / name).touch()
        file.write_text(text.replace("sha256:...", f"sha256:{'0' * 64}"), "utf-8")
        found = check(file, {})[1]
    return [each for each in found if each.code not in ELSEWHERE]


@ALL_PAGES
def test_toml_is_read_without_a_word(page: Path, tmp_path: Path) -> None:
    assert [finding for text in blocks(page, "toml") for finding in findings(text, tmp_path)] == []


def test_a_key_that_is_not_there_is_seen(tmp_path: Path) -> None:
    assert [each.code for each in findings('[silences]\nnotise = "15m"\n', tmp_path)] == ["unknown-key"]
    assert [each.code for each in findings('type = "log"\ncolour = 1\n', tmp_path)] == ["unknown-key"]


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(r"^(#+) ", id="headings"),
        pytest.param(r"\]\((docs/[^)#]+)", id="links"),
        pytest.param(r"`([^`]+)`", id="what is printed as code"),
    ],
)
def test_both_readmes_have_the_same(shape: str) -> None:
    english, chinese = (re.findall(shape, prose(page), re.MULTILINE) for page in READMES)
    assert sorted(english) == sorted(chinese)


def test_both_readmes_show_the_same_commands() -> None:
    english, chinese = (re.sub(r" +#.*", "", "\n".join(blocks(page, "sh"))) for page in READMES)
    assert english == chinese
