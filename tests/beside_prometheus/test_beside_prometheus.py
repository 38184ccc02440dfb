"""Every case on both engines; see the package. The page in docs/ is that of the cases."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

from tests.beside_prometheus.cases import Case
from tests.beside_prometheus.page import PLAYED, Pair, page
from tests.beside_prometheus.restarts import SHORT
from tests.beside_prometheus.rows import ALONE, LEFT_OUT, ROWS
from tests.beside_prometheus.together import play_all

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    return asyncio.run(play_all(tmp_path_factory.mktemp("beside"), SHORT))


@pytest.mark.prometheus
@pytest.mark.timeout(400)
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in PLAYED])
def test_prometheus_and_hbalert_show_what_is_written(case: Case, seen: dict[str, Pair]) -> None:
    theirs, ours = seen[case.name]
    assert list(theirs) == list(case.expected(theirs=True)), "Prometheus"
    assert list(ours) == list(case.expect), "hbalert"


def test_each_row_is_shown_or_left_out_for_a_reason() -> None:
    shown = {case.row for case in PLAYED} | {each.row for each in ALONE} | {each.row for each in LEFT_OUT}
    assert shown == ROWS.keys()
    names = [case.name for case in PLAYED]
    assert len(set(names)) == len(names)


def test_each_test_that_is_named_exists() -> None:
    for test in {test for alone in ALONE for test in alone.tests}:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        there = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert not name or name in there, test


def test_the_page_is_that_of_the_cases() -> None:
    assert page() == (ROOT / "docs/beside-prometheus.md").read_text("utf-8"), "`make docs` writes it"
