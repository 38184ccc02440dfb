"""The short version of `make compat`, and the suite's own words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.compat.case import NO_COUNTERPART, Result, load
from tests.compat.collector import Message
from tests.compat.peers import Alertmanager, Hbalert
from tests.compat.scene import tell
from tests.compat.table import Line, play_all, table

ROOT = Path(__file__).parents[2]

CASES = load()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_hbalert_behaves_as_written_and_as_alertmanager_does() -> None:
    engines = [Hbalert, Alertmanager] if Alertmanager.program() else [Hbalert]
    lines = await play_all([one for one in CASES if one.quick], engines)
    assert len(lines) >= 3
    assert all(line.good and line.as_written for line in lines), "\n" + table(lines, installed=True)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [one.name for one in CASES]
    assert sorted(set(names)) == sorted(names)


def test_what_differs_from_alertmanager_is_not_written_as_the_same() -> None:
    assert [one.name for one in CASES if one.theirs == one.expect] == []


def test_the_page_is_made_from_the_cases() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tests.compat", "--page"], cwd=ROOT, capture_output=True, check=True
    )
    assert (ROOT / "docs" / "beside-alertmanager.md").read_text("utf-8") == made.stdout.decode(), (
        "run: make docs"
    )


def _message(path: str, *alerts: tuple[str, str]) -> Message:
    shown = [{"status": status, "labels": {"alertname": name}} for name, status in alerts]
    return Message(0, path, {"alerts": shown})


def test_a_story_names_receivers_only_where_there_are_several() -> None:
    heard = [
        _message("/web_0", ("A", "firing"), ("B", "resolved")),
        _message("/db_0", ("C", "firing")),
        _message("/web_1", ("A", "resolved")),
    ]
    assert tell([]) == "nothing"
    assert tell(heard[:1]) == "+A -B"
    assert tell(heard, several=True) == "db: +C; web: +A -B / -A"


@pytest.mark.parametrize(
    ("ours", "theirs", "good", "as_written"),
    [
        pytest.param("+A / -A", "+A", True, True, id="both as written"),
        pytest.param("+A", "+A", False, True, id="hbalert not"),
        pytest.param("+A / -A", "+A / -A", True, False, id="Alertmanager not"),
    ],
)
def test_where_ours_is_better_only_hbalert_can_fail(
    ours: str, theirs: str, good: bool, as_written: bool
) -> None:
    one = next(one for one in CASES if one.expect == "+A / -A" and one.theirs == "+A")
    line = Line(
        one,
        Result(one, Hbalert, ours, ours == one.expect, 1),
        Result(one, Alertmanager, theirs, theirs == one.theirs, 1),
    )
    assert (line.good, line.as_written) == (good, as_written)
    assert ("FAILS" in table([line], installed=True)) == (not good)
    assert ("(?)" in table([line], installed=True)) == (not as_written)


def test_where_both_have_to_agree_another_answer_of_alertmanager_is_a_failure() -> None:
    one = next(one for one in CASES if one.agree)
    line = Line(
        one, Result(one, Hbalert, one.expect, True, 1), Result(one, Alertmanager, "otherwise", False, 1)
    )
    assert not line.good


def test_a_table_fits_140_columns_and_says_that_alertmanager_is_missing() -> None:
    lines = [Line(one, Result(one, Hbalert, "+A / " * 30, False, 1), None) for one in CASES]
    shown = table(lines, installed=False)
    assert max(map(len, shown.splitlines())) <= 140
    assert "Alertmanager (not installed)" in shown
    assert NO_COUNTERPART not in shown or any(one.theirs == NO_COUNTERPART for one in CASES)
