"""The starter files: they load, and their rules do what they say, as Prometheus' own tool sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from hbalert.config.channels import NOTIFIERS
from hbalert.config.expression import selectors
from hbalert.config.load import check
from hbalert.config.types import Config
from hbalert.metric_names import BY_NAME
from tests.fakes.prometheus import programs

CHECKOUT = Path(__file__).parents[2]
RULES = sorted((CHECKOUT / "rules").glob("*.toml"))
NOTIFIER_FILES = sorted((CHECKOUT / "notifiers").glob("*.toml"))


@pytest.fixture(scope="module")
def example() -> Config:
    made, found = check(CHECKOUT / "config.example.toml", {})
    assert [str(each) for each in found] == []
    assert made is not None
    return made


def test_the_example_loads_without_a_finding_and_somebody_is_told(example: Config) -> None:
    enabled = {name for name, settings in example.notifiers.items() if settings.enabled}
    assert enabled == {"ops_log"}
    for route in (example.route, *example.route.routes):
        assert enabled & set(example.receivers[route.receiver])


def test_there_is_an_example_of_every_type_of_notifier(example: Config) -> None:
    assert {settings.type for settings in example.notifiers.values()} == NOTIFIERS.keys()


@pytest.mark.parametrize("path", NOTIFIER_FILES, ids=lambda path: path.stem)
def test_every_notifier_needs_nothing_but_its_secrets(path: Path, tmp_path: Path) -> None:
    """With the line `enabled = false` removed, what is missing are secrets only."""
    shutil.copytree(CHECKOUT / "notifiers", tmp_path / "notifiers")
    shutil.copy(CHECKOUT / "config.example.toml", tmp_path / "config.toml")
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("enabled"))
    (tmp_path / "notifiers" / path.name).write_text(text)
    _, found = check(tmp_path / "config.toml", {})
    mine = [each for each in found if path.name in each.file]
    assert {each.code for each in mine} <= {"secret"}
    assert bool(mine) == (path.stem != "ops_log")


def test_rules_about_hbalert_read_metrics_that_it_has(example: Config) -> None:
    (group,) = [group for group in example.groups if group.name == "hbalert"]
    for rule in group.rules:
        for selector in selectors(rule.expr):
            assert selector.name in BY_NAME, rule.alert


def test_every_rule_has_a_severity_and_a_summary_and_a_name_of_its_own(example: Config) -> None:
    rules = [rule for group in example.groups for rule in group.rules]
    assert len({rule.alert for rule in rules}) == len(rules) >= 30
    for rule in rules:
        assert rule.labels["severity"] in ("critical", "warning", "info"), rule.alert
        assert rule.annotations["summary"], rule.alert


def as_prometheus_rules(path: Path) -> str:
    """The same rules for promtool: JSON is YAML."""
    known = {"alert", "expr", "for", "keep_firing_for", "labels"}
    groups = [
        {
            "name": group["name"],
            "rules": [
                {key: value for key, value in rule.items() if key in known - {"keep_firing_for"}}
                for rule in group["rules"]
            ],
        }
        for group in tomllib.loads(path.read_text())["groups"]
    ]
    return json.dumps({"groups": groups})


@pytest.fixture(scope="module")
def promtool() -> str:
    return str(programs()[1])


@pytest.mark.prometheus
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_prometheus_accepts_every_expression(path: Path, promtool: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(as_prometheus_rules(path))
    done = subprocess.run(
        [promtool, "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.prometheus
def test_the_rules_of_the_tutorial_fire_when_they_should_and_only_then(promtool: str, tmp_path: Path) -> None:
    """Cases of tests/config/rules_test.yml, evaluated by Prometheus itself."""
    (tmp_path / "hummingbot.yml").write_text(as_prometheus_rules(CHECKOUT / "rules" / "hummingbot.toml"))
    shutil.copy(Path(__file__).parent / "rules_test.yml", tmp_path)
    done = subprocess.run(
        [promtool, "test", "rules", "rules_test.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
