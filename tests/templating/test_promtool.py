"""The table of `cases.py`, asked of Prometheus itself: a row that is wrong there is wrong here."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hbalert.core.labels import quote
from tests.templating.cases import LABELS, ORDERS, QUERIES, RULES

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed"),
]


def series_value(value: float) -> str:
    if math.isfinite(value) or value != value:
        return repr(value).replace("nan", "NaN")
    return "Inf" if value > 0 else "-Inf"


def write(path: Path, content: Any) -> None:
    """As JSON, which is YAML: nothing is quoted twice."""
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")


def ask(folder: Path, rows: list[tuple[str, str, float]]) -> subprocess.CompletedProcess[str]:
    """promtool's verdict: one rule per row, whose only annotation must become the expected text."""
    labels = "{" + ",".join(f"{name}={quote(value)}" for name, value in LABELS.items()) + "}"
    rules = [
        {"alert": f"A{i}", "expr": f"m{i}", "annotations": {"r": text}} for i, (text, _, _) in enumerate(rows)
    ]
    series = [
        {"series": f"m{i}{labels}", "values": series_value(value)} for i, (_, _, value) in enumerate(rows)
    ]
    tests = [
        {
            "alertname": f"A{i}",
            "eval_time": "0m",
            "exp_alerts": [{"exp_labels": LABELS, "exp_annotations": {"r": expected}}],
        }
        for i, (_, expected, _) in enumerate(rows)
    ]
    orders = [{"series": f'orders{{bot="{bot}"}}', "values": str(value)} for bot, value in ORDERS.items()]
    test = {
        "interval": "1m",
        "input_series": series + orders,
        "external_labels": {"site": "home"},
        "alert_rule_test": tests,
    }
    write(folder / "rules.yml", {"groups": [{"name": "g", "rules": rules}]})
    write(folder / "test.yml", {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]})
    return subprocess.run(
        ["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_prometheus_makes_the_same_of_every_row(tmp_path: Path) -> None:
    verdict = ask(tmp_path, RULES + QUERIES)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


def test_promtool_notices_a_row_that_is_wrong(tmp_path: Path) -> None:
    """So that the test above can fail."""
    verdict = ask(tmp_path, [*RULES[:3], ("{{ $value | humanize }}", "1.2M", 1234567.0)])
    assert verdict.returncode != 0
    assert "1.235M" in verdict.stdout + verdict.stderr
