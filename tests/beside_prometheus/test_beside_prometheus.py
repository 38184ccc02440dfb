"""Every case on both engines; see the package. The page in docs/ is that of the cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.beside_prometheus.cases import CASES
from tests.beside_prometheus.play import expected, page, play

PAGE = Path(__file__).parents[2] / "docs/beside-prometheus.md"


@pytest.mark.prometheus
async def test_prometheus_and_hbalert_make_the_same_of_the_same_rules(tmp_path: Path) -> None:
    seen = await play(tmp_path)
    for case in CASES:
        theirs, ours = seen[case.name]
        assert list(theirs.shown) == list(expected(case, theirs=True)), f"Prometheus: {case.name}"
        assert list(ours.shown) == list(case.expect), f"hbalert: {case.name}"
    theirs, ours = seen["Held"]
    apart = abs(datetime.fromisoformat(theirs.since["a"]) - datetime.fromisoformat(ours.since["a"]))
    assert apart <= timedelta(seconds=10), "both saw it begin at the same time, give or take a busy machine"


def test_the_page_is_that_of_the_cases() -> None:
    remedy = "python -m tests.beside_prometheus --page shows the table"
    assert page() in PAGE.read_text("utf-8"), remedy
