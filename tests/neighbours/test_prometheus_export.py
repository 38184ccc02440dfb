"""`hbalert export prometheus`: promtool takes it, and there and back again nothing has changed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings

from hbalert.cli.export import export
from hbalert.cli.import_ import import_
from hbalert.config.load import load
from hbalert.core.labels import Labels
from hbalert.core.rule import Occasion, Rule, RuleGroup
from hbalert.neighbours.prometheus.texts import why_not_go
from hbalert.neighbours.yaml_text import scalar
from hbalert.neighbours.yaml_tree import Scalar, Table, parse_yaml
from hbalert.templating import expander
from tests.fakes.prometheus import programs
from tests.neighbours.prometheus_rules import ODD, RULE_FILES, as_yaml
from tests.templating.cases import RULES as TEXT_ROWS

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = 40

CONFIG = """\
[sources.main]
url = "http://127.0.0.1:9090"
[sources.other]
url = "http://127.0.0.1:9091"
[evaluation]
rules = ["*.rules.toml"]
[notifiers]
files = ["log.toml"]
[route]
receiver = "log"
"""

OURS = """\
[[groups]]
name = "g"
interval = "30s"
labels = { team = "shop" }
missing_evaluations = 2

[[groups.rules]]
alert = "A"
expr = '''
  up
    == 0
'''
for = "5m"
clear = "up > 0"
no_data = "alert"
flap_after = 0
labels = { severity = "critical", bad = "{{ labels.x }}" }
[groups.rules.annotations]
summary = "{{ $labels.instance }} is down"
jinja = "{{ value|round(2) }}"

[[groups]]
name = "elsewhere"
source = "other"
[[groups.rules]]
alert = "B"
expr = "up"
"""


def folder_with(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(CONFIG)
    (folder / "log.toml").write_text('type = "log"\n')
    (folder / "x.rules.toml").write_text(text, "utf-8")
    return folder / "config.toml"


def exported(config: Path, *arguments: str | Path) -> Result:
    command = ["prometheus", "-c", str(config), *map(str, arguments)]
    return CliRunner().invoke(export, command, catch_exceptions=False)


def imported(file: Path, out: Path) -> None:
    done = CliRunner().invoke(import_, ["prometheus", str(file), "--out", str(out), "--force"])
    assert done.exit_code == 0, done.output


def expanded(text: str, labels: Mapping[str, str], value: float = 1.0) -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    occasion = Occasion(Rule("", "", "up", ""), now, now)
    return expander({"site": "home"}, "http://x")(text, Labels(labels), value, occasion)


def accepted(file: Path) -> None:
    _, promtool = programs()
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stderr}\n{file.read_text()}"


# --- what is lost is said ----------------------------------------------------------------------


@pytest.mark.prometheus
def test_what_prometheus_cannot_say_is_named_with_its_line_and_stays_as_a_comment(tmp_path: Path) -> None:
    config = folder_with(tmp_path, OURS)
    result = exported(config, "--out", tmp_path / "out.yml")
    assert result.exit_code == 1
    file = tmp_path / "x.rules.toml"
    for line, said in [
        (5, "groups[0].missing_evaluations: missing_evaluations has no equal"),
        (14, "groups[0].rules[0].clear: clear has no equal"),
        (15, "groups[0].rules[0].no_data: no_data has no equal"),
        (16, "groups[0].rules[0].flap_after: flap_after has no equal"),
        (17, "groups[0].rules[0].labels.bad: is left out: labels is Jinja2's"),
        (20, "groups[0].rules[0].annotations.jinja: is left out"),
        (23, 'elsewhere is left out: it is evaluated on the source "other"'),
    ]:
        assert f"{file}:{line}: {said}" in result.stderr
    text = (tmp_path / "out.yml").read_text()
    for comment in ('# clear = "up > 0"', '# no_data = "alert"', "# missing_evaluations = 2", "# jinja: "):
        assert comment in text
    (group,) = yaml.safe_load(text)["groups"]
    (rule,) = group["rules"]
    assert (group["name"], group["interval"]) == ("g", "30s")
    assert rule == {
        "alert": "A",
        "expr": "  up\n    == 0\n",
        "for": "5m",
        "labels": {"team": "shop", "severity": "critical"},
        "annotations": {"summary": "{{ $labels.instance }} is down"},
    }
    accepted(tmp_path / "out.yml")


def test_the_rules_of_another_source_are_exported_when_asked_for(tmp_path: Path) -> None:
    config = folder_with(tmp_path, OURS)
    result = exported(config, "--source", "other")
    assert [group["name"] for group in yaml.safe_load(result.stdout)["groups"]] == ["elsewhere"]
    assert exported(config, "--source", "nowhere").exit_code == 2


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    config = folder_with(tmp_path, OURS)
    (tmp_path / "out.yml").write_text("mine")
    assert exported(config, "--out", tmp_path / "out.yml").exit_code == 2
    assert (tmp_path / "out.yml").read_text() == "mine"
    assert exported(config, "--out", tmp_path / "out.yml", "--force").exit_code == 1


def test_a_wrong_configuration_is_not_exported(tmp_path: Path) -> None:
    config = folder_with(tmp_path, "[[groups]]\nname = 1\n")
    result = exported(config)
    assert (result.exit_code, result.stdout) == (2, "")


def test_no_rules_are_a_file_without_rules(tmp_path: Path) -> None:
    result = exported(folder_with(tmp_path, "groups = []\n"))
    assert result.exit_code == 0
    assert yaml.safe_load(result.stdout) == {"groups": []}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ $labels.a }} {{ .Value }} {{ $.Labels.b | toUpper }}", ""),
        ("{{ range query `up` }}{{ .Labels.job }}{{ end }}", ""),
        ("{{ with $x := .Labels.a }}{{ $x }}{{ end }}", ""),
        ('{{ $x := printf "%.1f" $value }}{{ $x }}', ""),
        ("100 {# of", ""),
        ("{{ labels.a }}", "Jinja2"),
        ("{{ value|humanize }}", "Jinja2"),
        ("{{ $value > 5 }}", ">"),
        ("{% if value %}x{% endif %}", "Jinja2"),
        ("{# note #}", "Jinja2"),
        ("{{ $activeAt }}", "$activeAt"),
        ("{{ .ActiveAt }}", ".ActiveAt"),
        ("{{ 'a' }}", "single quotes"),
        ("{{ $value | round }}", "round"),
    ],
)
def test_what_only_jinja_reads_is_told_apart(text: str, why: str) -> None:
    found = why_not_go(text)
    assert (why in found) if why else (found == "")


def test_no_text_that_prometheus_reads_is_left_out() -> None:
    """The table of `tests/templating/cases.py`, every row of which promtool has been asked about."""
    wrong = {text: why for text, _, _ in TEXT_ROWS if (why := why_not_go(text))}
    assert wrong == {}


def test_names_of_more_than_one_line_are_read_back(tmp_path: Path) -> None:
    text = '[[groups]]\nname = "0\\n"\n[[groups.rules]]\nalert = "A\\nB"\nexpr = "up == 0"\n'
    result = exported(folder_with(tmp_path, text))
    (group,) = yaml.safe_load(result.stdout)["groups"]
    assert (group["name"], group["rules"][0]["alert"]) == ("0\n", "A\nB")


# --- there and back ----------------------------------------------------------------------------


def groups_of(config: Path) -> tuple[RuleGroup, ...]:
    return load(config, {}).groups


@pytest.mark.prometheus
def test_the_shipped_rules_there_and_back_are_the_same(tmp_path: Path) -> None:
    ours = CHECKOUT / "config.example.toml"
    assert exported(ours, "--out", tmp_path / "out.yml").exit_code == 0
    accepted(tmp_path / "out.yml")
    config = folder_with(tmp_path, "")
    imported(tmp_path / "out.yml", tmp_path / "x.rules.toml")
    assert groups_of(config) == groups_of(ours)


@pytest.mark.prometheus
@pytest.mark.timeout(600)
def test_made_up_rules_there_and_back_are_the_same(tmp_path: Path) -> None:
    """YAML -> TOML -> YAML -> TOML -> YAML: what is read of each is the same; promtool takes it."""

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(RULE_FILES)
    def the_same(content: dict[str, object]) -> None:
        config = folder_with(tmp_path, "")
        (tmp_path / "in.yml").write_text(as_yaml(content))
        accepted(tmp_path / "in.yml")
        imported(tmp_path / "in.yml", tmp_path / "x.rules.toml")
        first = groups_of(config)
        result = exported(config, "--out", tmp_path / "out.yml", "--force")
        assert result.exit_code == 0, result.stderr
        assert yaml.safe_load((tmp_path / "out.yml").read_text("utf-8")) == spelt_out(content)
        accepted(tmp_path / "out.yml")
        imported(tmp_path / "out.yml", tmp_path / "x.rules.toml")
        assert groups_of(config) == first
        text = (tmp_path / "out.yml").read_text()
        exported(config, "--out", tmp_path / "out.yml", "--force")
        assert (tmp_path / "out.yml").read_text() == text

    the_same()


def spelt_out(content: dict[str, object]) -> object:
    """What was meant: the interval in force, no empty tables, durations in their shortest spelling."""
    from hbalert.config.duration import format_duration, parse_duration

    def rule(given: Mapping[str, object]) -> dict[str, object]:
        out = dict(given)
        for name in ("for", "keep_firing_for"):
            if name in out:
                out[name] = format_duration(parse_duration(str(out[name])))
        return {name: value for name, value in out.items() if value not in ({}, "0s")}

    groups = content["groups"]
    assert isinstance(groups, list)
    return {
        "groups": [
            {"interval": "15s", **group, "rules": [rule(each) for each in group["rules"]]} for group in groups
        ]
    }


def test_any_text_is_written_so_that_yaml_reads_it_back() -> None:
    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(ODD)
    def the_same(text: str) -> None:
        document = f"a:\n- key: {scalar(text, 2)}\n  next: 1\n"
        assert yaml.safe_load(document) == {"a": [{"key": text, "next": 1}]}
        root = parse_yaml(document.encode()).root
        assert isinstance(root, Table)

    the_same()


WORDS = ["yes", "Null", "~", "1", "1e3", "0x1", "12:30", "=", "<<", "", "a: b", "a #b", "- a", "on", "a "]


@pytest.mark.parametrize("word", WORDS)
def test_words_that_yaml_takes_for_something_else_are_quoted(word: str) -> None:
    assert yaml.safe_load(f"a: {scalar(word)}") == {"a": word}
    assert isinstance(parse_yaml(scalar(word).encode()).root, Scalar)
