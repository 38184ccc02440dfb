"""The imported collection: every rule imports or is named, and fires as it does in Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.prometheus import programs
from tests.neighbours.collection.play import Numbers, play
from tests.neighbours.collection.rules import files

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(300), pytest.mark.slow]


async def test_every_rule_imports_or_is_named_and_fires_as_in_prometheus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    programs()
    numbers = await play(files(), tmp_path)
    with capsys.disabled():
        print(f"\ncollection: {numbers}")
    assert numbers.alerting >= 300
    assert numbers.imported + numbers.left_out == numbers.alerting
    assert len([note for note in numbers.named if "is a recording rule" in note]) == numbers.recording
    assert [note for note in numbers.named if "is a recording rule" not in note] == []
    assert (numbers.left_out, numbers.failed, numbers.differing) == (0, {}, {})
    assert numbers.theirs == numbers.ours >= 200
    assert numbers.firing_rules >= 150


SMALL = """\
groups:
- name: g
  interval: 1s
  rules:
  - {alert: A, expr: node_load15 >= 0, annotations: {s: '{{ $value }}'}}
  - {alert: B, expr: node_load15 >= 0}
  - {alert: C, expr: 'rate(node_cpu_seconds_total[5m]) >= 0'}
"""


@pytest.mark.parametrize(
    ("instead", "differs"),
    [
        pytest.param(SMALL, [], id="nothing"),
        pytest.param(SMALL.replace("'{{ $value }}'", "'x'"), ["g/A"], id="a text"),
        pytest.param(
            SMALL.replace("B, expr: node_load15 >= 0", "B, expr: node_load15 < 0"), ["g/B"], id="a bound"
        ),
        pytest.param(SMALL.replace("B, ", "B, labels: {x: y}, "), ["g/B"], id="a label"),
    ],
)
async def test_a_difference_is_seen(tmp_path: Path, instead: str, differs: list[str]) -> None:
    programs()
    numbers: Numbers = await play({"small.yml": SMALL}, tmp_path, {"small.yml": instead})
    assert sorted(numbers.differing) == differs
    assert numbers.failed == {}
