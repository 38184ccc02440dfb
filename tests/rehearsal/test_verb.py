"""`hbalert rules test` as a person uses it: rules of ours, what is printed, exit codes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from hbalert.cli.rules import rules
from tests.fakes.prometheus import programs

RULES = """\
[[groups]]
name = "g"
[[groups.rules]]
alert = "Hot"
expr = "temperature > 50"
clear = "temperature < 30"
labels = { severity = "warning" }
[groups.rules.annotations]
summary = "{{ labels.room }}: {{ value|round(1) }} degrees"
[[groups.rules]]
alert = "Silent"
expr = "temperature < 0"
no_data = "alert"
"""

TESTS = """\
rule_files: [rules.toml]
evaluation_interval: 1m
tests:
- name: warm
  interval: 1m
  input_series: [{series: 'temperature{room="a"}', values: '20 60 40 20 _x9'}]
  alert_rule_test:
  - {eval_time: 0m, alertname: Hot}
  - eval_time: 2m
    alertname: Hot
    exp_alerts:
    - exp_labels: {severity: warning, room: a}
      exp_annotations: {summary: "a: 60 degrees"}
  - {eval_time: 3m, alertname: Hot}
  - {eval_time: 3m, alertname: Silent}
  - eval_time: 9m
    alertname: Silent
    exp_alerts: [{exp_labels: {hbalert_no_data: "true"}}]
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(rules, ["test", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "test.yml").write_text(TESTS)
    return tmp_path / "test.yml"


@pytest.mark.prometheus
def test_what_only_hbalert_has_is_tested_too(files: Path) -> None:
    programs()
    result = run(files)
    assert (result.exit_code, result.stderr) == (0, "1 test passed\n"), result.output
    assert result.stdout == f"{files}\n  ok    warm: 5 of 5 checks\n"


@pytest.mark.prometheus
def test_a_failure_shows_what_was_expected_and_what_came(files: Path) -> None:
    programs()
    files.write_text(TESTS.replace("60 degrees", "61 degrees"))
    result = run(files)
    assert result.exit_code == 1
    assert result.stderr == "0 tests passed, 1 test FAILED\n"
    assert result.stdout == (
        f"{files}\n"
        "  FAIL  warm: 4 of 5 checks\n"
        f"      {files}:9: Hot at 2m\n"
        '        expected     {room="a", severity="warning"} {summary="a: 61 degrees"}\n'
        '        came         {room="a", severity="warning"} {summary="a: 60 degrees"}\n'
    )


@pytest.mark.prometheus
def test_programs_are_told_the_same(files: Path) -> None:
    programs()
    files.write_text(TESTS.replace("60 degrees", "61 & <more> degrees"))
    (row,) = json.loads(run(files, "-o", "json").stdout)["rows"]
    assert (row["test"], row["passed"], [each["passed"] for each in row["checks"]]) == (
        "warm",
        False,
        [True, False, True, True, True],
    )
    report = run(files, "-o", "junit")
    assert report.exit_code == 1
    suite = ElementTree.fromstring(report.stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "61 & <more> degrees" in str(failure.get("message"))


@pytest.mark.prometheus
def test_a_rule_that_reads_alerts_of_its_own_is_told_why_it_fails(tmp_path: Path) -> None:
    programs()
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: g, rules: [{alert: A, expr: up == 0}, {alert: B, expr: 'ALERTS{alertname=\"A\"}'}]}]"
    )
    (tmp_path / "test.yml").write_text(
        "rule_files: ['*.yml']\ntests: [{interval: 1m, input_series: [{series: up, values: '0 0'}],"
        " alert_rule_test: [{eval_time: 1m, alertname: B, exp_alerts: [{exp_labels: {}}]}],"
        " promql_expr_test: [{eval_time: 1m, expr: ALERTS}]}]"
    )
    (tmp_path / "tests").mkdir()
    test = (tmp_path / "test.yml").rename(tmp_path / "tests" / "test.yml")
    test.write_text(test.read_text().replace("*.yml", "../*.yml"))
    result = run(test)
    assert result.exit_code == 1
    assert "B reads ALERTS, which hbalert does not write into its source" in result.stderr
    assert f"{test}:2: expr: hbalert writes no ALERTS" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule_files: [rules.toml]", "these are no unit tests"),
        ("tests: [", "this is not YAML"),
        ("rule_files: [wrong.toml]\ntests: []", "wrong.toml:1:"),
        ("rule_files: [worse.toml]\ntests: []", "this is not UTF-8"),
        ("tests: [{promql_expr_test: [{eval_time: 9000y, expr: up}]}]", "more evaluations than anybody"),
        (
            "evaluation_interval: 1ms\ntests: [{promql_expr_test: [{eval_time: 1h, expr: up}]}]",
            "more evaluations",
        ),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_run(files: Path, text: str, said: str) -> None:
    (files.parent / "wrong.toml").write_text("groups = 7\n")
    (files.parent / "worse.toml").write_bytes(b"\xff")
    files.write_text(text)
    result = run(files)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert run(files.parent / "nowhere.yml").exit_code == 2


def test_rule_files_that_are_not_there_are_told(files: Path) -> None:
    files.write_text("rule_files: [nowhere.yml]\ntests: []\n")
    result = run(files)
    assert result.exit_code == 0
    assert "this names no file" in result.stderr


def test_without_a_prometheus_it_says_what_is_missing(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HBALERT_PROMETHEUS", str(files.parent / "nothing"))
    result = run(files)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "HBALERT_PROMETHEUS" in result.stderr


@pytest.mark.prometheus
def test_nothing_is_left_behind(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    run(files)
    assert list(scratch.iterdir()) == []
    shutil.rmtree(scratch)


DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text("utf-8")
SHOP = """\
[[groups]]
name = "shop"
[[groups.rules]]
alert = "ShopSlow"
expr = "latency_seconds > 0.5"
for = "2m"
labels = { severity = "warning" }
[groups.rules.annotations]
summary = "{{ $labels.shop }} answers in {{ $value | humanizeDuration }}"
"""


@pytest.mark.prometheus
def test_the_example_on_the_page_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs()
    monkeypatch.chdir(tmp_path)
    page = DOCS[DOCS.index("## Testing rules") :]
    (test,) = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    (shown,) = re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    Path("rules_test.yml").write_text(test, "utf-8")
    Path("rules.toml").write_text(SHOP, "utf-8")
    result = run("rules_test.yml")
    assert f"$ hbalert rules test rules_test.yml\n{result.stdout}" == shown
