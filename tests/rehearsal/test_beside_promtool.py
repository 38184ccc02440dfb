"""`hbalert rules test` and `promtool test rules` say the same of the same files."""

from __future__ import annotations

import json
import math
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hbalert.cli.rules import rules
from tests.fakes.prometheus import programs
from tests.rehearsal.rows import BROKEN, REFUSED, ROWS, Row, variants

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600)]


def ours(*files: Path, output: str = "json") -> Result:
    command = ["test", *map(str, files), "-o", output]
    return CliRunner().invoke(rules, command, catch_exceptions=False)


def promtool(file: Path) -> bool:
    """Whether promtool lets it pass."""
    _, program = programs()
    done = subprocess.run([program, "test", "rules", file], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def write(folder: Path, row: Row, test: dict[str, Any]) -> Path:
    folder.mkdir(parents=True)
    (folder / "rules.yml").write_text(dump(row.rule_file()), "utf-8")
    (folder / "test.yml").write_text(dump(test), "utf-8")
    return folder / "test.yml"


def dump(content: Any) -> str:
    return str(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], tuple[bool, bool]]:
    """(row, variant) -> (promtool lets it pass, so do we): all asked at once."""
    programs()
    folder = tmp_path_factory.mktemp("rows")
    files: dict[Path, tuple[str, str]] = {}
    for number, row in enumerate([*ROWS, *BROKEN]):
        chosen = variants(row) if row in ROWS else [("as it is", row.test_file())]
        for place, (variant, test) in enumerate(chosen):
            files[write(folder / f"{number}-{place}", row, test)] = row.name, variant
    said = json.loads(ours(*files).stdout)["rows"]
    mine = {Path(row["file"]): row["passed"] for row in said}
    with ThreadPoolExecutor(2) as pool:
        theirs = dict(zip(files, pool.map(promtool, files), strict=True))
    return {name: (theirs[file], mine[file]) for file, name in files.items()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_both_let_pass_what_is_right_and_only_that(
    row: Row, verdicts: dict[tuple[str, str], tuple[bool, bool]]
) -> None:
    for (name, variant), (theirs, mine) in verdicts.items():
        if name == row.name:
            assert (theirs, mine) == ((True, True) if variant == "as it is" else (False, False)), variant


@pytest.mark.parametrize("row", BROKEN, ids=lambda row: row.name)
def test_both_let_fail_what_cannot_pass(row: Row, verdicts: dict[tuple[str, str], tuple[bool, bool]]) -> None:
    assert verdicts[row.name, "as it is"] == (False, False)


@pytest.mark.parametrize(("name", "text"), REFUSED, ids=[name for name, _ in REFUSED])
def test_what_promtool_does_not_read_is_refused_with_its_place(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "refused.yml").write_text("groups: [{name: g, rules: [{alert: A}]}]")
    (tmp_path / "test.yml").write_text(text)
    assert not promtool(tmp_path / "test.yml")
    result = ours(tmp_path / "test.yml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{tmp_path}/" in result.stderr
    assert ".yml:" in result.stderr


def test_a_last_bit_is_forgiven_where_the_file_says_so(tmp_path: Path) -> None:
    """Newer promtools only; the one of these tests does not know the key."""
    value = math.nextafter(0.3, 1)
    row = Row("fuzzy", series={"m": "0.3"}, exprs=[("0m", "m", [("m", value)])])
    strict = write(tmp_path / "strict", row, row.test_file())
    fuzzy = write(tmp_path / "fuzzy", row, {"fuzzy_compare": True, **row.test_file()})
    assert [row["passed"] for row in json.loads(ours(strict, fuzzy).stdout)["rows"]] == [False, True]
