"""Nothing accepted is lost over kill -9: the short version of `make chaos`."""

from pathlib import Path

import pytest

from tests.chaos.crash import Run


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_accepted_is_lost_and_nothing_is_told_twice_without_a_reason(tmp_path: Path) -> None:
    report = await Run(tmp_path, kills=20, seed=7).go()
    print(report)
    assert report.accepted > 50
    assert report.good, (
        str(report)
        + "\n"
        + "\n".join([*report.lost[:5], *report.unresolved[:5], *report.twice_unexplained[:5]])
    )
