"""Damaged rule files and unit tests: each verb ends with one of its exit codes, and what it writes passes."""

from __future__ import annotations

import shutil
from pathlib import Path

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from hbalert.cli.check import check
from hbalert.cli.import_ import import_
from hbalert.neighbours.prometheus import unit_file
from hbalert.neighbours.yaml_tree import Unreadable
from tests.neighbours.collection.rules import files
from tests.neighbours.test_alertmanager_fuzz import damaged
from tests.neighbours.test_prometheus_import import WHOLE
from tests.rehearsal.rows import ROWS
from tests.rehearsal.test_beside_promtool import dump

EXAMPLES = 120


def test_a_damaged_rule_file_is_translated_or_refused_and_never_a_traceback(tmp_path: Path) -> None:
    texts = {name: files()[name] for name in ("odd.yml", "redis.yml", "slo.yml", "web.yml")} | {
        "whole": WHOLE
    }

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damaged(texts))
    def ends_well(text: str) -> None:
        (tmp_path / "in.yml").write_text(text, "utf-8")
        out = tmp_path / "out.toml"
        out.unlink(missing_ok=True)
        done = CliRunner().invoke(
            import_, ["prometheus", str(tmp_path / "in.yml"), "--out", str(out)], catch_exceptions=False
        )
        assert done.exit_code in (0, 1, 2)
        if done.exit_code != 2:
            checked = CliRunner().invoke(check, [str(out)], catch_exceptions=False)
            assert checked.exit_code == 0, f"{checked.stdout}\n{text}"
        else:
            assert not out.exists(), f"{done.output}\n{text}"

    ends_well()
    shutil.rmtree(tmp_path)


def test_damaged_unit_tests_are_read_or_refused_and_never_a_traceback() -> None:
    texts = {row.name: dump(row.test_file()) for row in ROWS}

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(damaged(texts))
    def ends_well(text: str) -> None:
        try:
            read, report = unit_file.read(text.encode("utf-8", "replace"), "x.yml")
        except Unreadable:
            return
        assert report.refused or all(test.interval for test in read.tests)

    ends_well()
