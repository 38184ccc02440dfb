"""`hbalert import prometheus`: what it makes of rule files, judged by `hbalert check` and by promtool."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hbalert.cli.check import check
from hbalert.cli.import_ import import_
from hbalert.neighbours.prometheus.comments import Comments

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

ONE = "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(import_, ["prometheus", *map(str, arguments)], catch_exceptions=False)


def imported(folder: Path, *texts: str) -> tuple[Result, str]:
    """The result of importing these files (a.yml, b.yml, ...), and the file that came of it."""
    files = []
    for name, text in zip("abc", texts, strict=False):
        files.append(folder / f"{name}.yml")
        files[-1].write_text(text, "utf-8")
    result = run(*files, "--out", folder / "out.toml", "--force")
    out = folder / "out.toml"
    return result, out.read_text("utf-8") if out.exists() else ""


def no_errors(file: Path) -> None:
    checked = CliRunner().invoke(check, [str(file)], catch_exceptions=False)
    assert checked.exit_code == 0, checked.output


WHOLE = """\
# The shop's rules.

# Orders and what becomes of them.
groups:
# Told to the shop team.
- name: orders
  interval: 30s
  limit: 20
  query_offset: 1m
  labels: {team: shop}
  rules:
  # Too many of them fail.
  - alert: OrdersFail
    expr: |
      sum by (shop) (rate(orders_failed_total[5m]))
        / sum by (shop) (rate(orders_total[5m])) > 0.05
        # only where there are orders
        and on (shop) sum by (shop) (rate(orders_total[5m])) > 1
    # deliveries take that long
    for: 1h30m
    keep_firing_for: 10m
    labels: {severity: critical, tier: "{{ $labels.tier }}"}
    annotations:
      summary: "{{ $labels.shop }}: {{ $value | humanizePercentage }} of orders fail"
      description: |
        Since {{ $value }}.
        'Quotes', "quotes" and \\backslashes\\ stay.
  - {alert: OrdersGone, expr: absent(orders_total)}
"""

WHOLE_IN_TOML = """\
# Made by `hbalert import prometheus` from a.yml. After each change: hbalert check.

# The shop's rules.
# Orders and what becomes of them.

# Told to the shop team.
[[groups]]                            # a.yml:6
name = "orders"
interval = "30s"
query_offset = "1m"
limit = 20
labels = { team = "shop" }

# Too many of them fail.
# deliveries take that long
[[groups.rules]]                      # a.yml:13
alert = "OrdersFail"
expr = '''
sum by (shop) (rate(orders_failed_total[5m]))
  / sum by (shop) (rate(orders_total[5m])) > 0.05
  # only where there are orders
  and on (shop) sum by (shop) (rate(orders_total[5m])) > 1
'''
for = "1h30m"
keep_firing_for = "10m"
labels = { severity = "critical", tier = "{{ $labels.tier }}" }
[groups.rules.annotations]
summary = "{{ $labels.shop }}: {{ $value | humanizePercentage }} of orders fail"
description = '''
Since {{ $value }}.
'Quotes', "quotes" and \\\\backslashes\\\\ stay.
'''

[[groups.rules]]                      # a.yml:28
alert = "OrdersGone"
expr = "absent(orders_total)"
""".replace("\\\\", "\\")


def test_everything_that_prometheus_has_comes_along_with_its_comments(tmp_path: Path) -> None:
    result, text = imported(tmp_path, WHOLE)
    assert (result.exit_code, result.stdout) == (0, "")
    assert text == WHOLE_IN_TOML
    no_errors(tmp_path / "out.toml")
    assert f"{tmp_path / 'out.toml'}: 2 alert rules in 1 group" in result.stderr


def test_a_dry_run_prints_the_same_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(WHOLE)
    result = run(tmp_path / "a.yml", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, WHOLE_IN_TOML)
    assert [path.name for path in tmp_path.iterdir()] == ["a.yml"]


NAMED = [
    pytest.param(
        "- {record: 'a:b', expr: 'sum(c)'}\n  - {alert: A, expr: 'a:b > 1'}",
        [
            "a.yml:4: groups[0].rules[0]: a:b is a recording rule",
            "it has to stay in Prometheus: 1 alert here reads it",
        ],
        ['expr = "a:b > 1"', "!record"],
        id="a recording rule is named, and who reads it",
    ),
    pytest.param(
        "- {record: 'a:b', expr: 'sum(c)'}\n  - {alert: A, expr: up}",
        ["leave it in Prometheus"],
        ['alert = "A"'],
        id="a recording rule that nobody reads is named, too",
    ),
    pytest.param(
        "- alert: A\n    expr: up\n    annotations:\n      ok: fine\n      bad: '{{ tmpl \"x\" . }}'",
        ["a.yml:8: groups[0].rules[0].annotations.bad: is left out: tmpl is not available"],
        ['ok = "fine"', "# bad = '{{ tmpl \"x\" . }}'"],
        id="a text that cannot be had is named and stays as a comment",
    ),
    pytest.param(
        "- alert: A\n    expr: up\n    labels: {q: '{{ query \"up\" }}', r: s}",
        ["groups[0].rules[0].labels.q: is left out: query is not available in a label"],
        ['labels = { r = "s" }'],
        id="a label that looks something up is named",
    ),
    pytest.param(
        "- alert: A\n    expr: up\n    labels: {'a.b': c}",
        ["labels.a.b: is left out: names of labels"],
        ["!labels ="],
        id="a label's name that only Prometheus 3 takes is named",
    ),
    pytest.param(
        "- {alert: A, expr: 'up >>> 1'}\n  - {alert: B, expr: up}",
        ["a.yml:4: groups[0].rules[0].expr: A is left out: this is not PromQL", "1 alert rule left out"],
        ['# alert = "A"', '\nalert = "B"'],
        id="an expression that is no PromQL is named and its rule stays as a comment",
    ),
    pytest.param(
        "- {alert: A, expr: up, debug: true, nonsense: 1}",
        ["rules[0].debug: is not Prometheus' and has no equal", "rules[0].nonsense: is not known here"],
        ['alert = "A"'],
        id="keys of other programs are named",
    ),
]


@pytest.mark.parametrize(("rules", "said", "text"), NAMED)
def test_what_has_no_equal_is_named_with_its_line(
    tmp_path: Path, rules: str, said: list[str], text: list[str]
) -> None:
    result, made = imported(tmp_path, f"groups:\n- name: g\n  rules:\n  {rules}\n")
    assert result.exit_code == 1
    for part in said:
        assert part in result.stderr
    for part in text:
        assert (part[1:] not in made) if part[0] == "!" else (part in made)
    no_errors(tmp_path / "out.toml")


HINTS = [
    pytest.param("- {alert: A, expr: 'foo default 0 > 1'}", "only some servers accept this", id="a dialect"),
    pytest.param("- {alert: A, expr: up}", "[evaluation]", id="no interval"),
]


@pytest.mark.parametrize(("rules", "said"), HINTS)
def test_what_works_otherwise_than_expected_is_said(tmp_path: Path, rules: str, said: str) -> None:
    result, made = imported(tmp_path, f"groups:\n- name: g\n  rules:\n  {rules}\n")
    assert result.exit_code == 0
    assert said in result.stderr
    assert 'alert = "A"' in made
    no_errors(tmp_path / "out.toml")


@pytest.mark.parametrize(
    ("key", "value"), [("eval_delay", "1m"), ("evaluation_delay", "1m"), ("query_offset", "1m")]
)
def test_the_words_of_others_for_query_offset_are_understood(tmp_path: Path, key: str, value: str) -> None:
    result, made = imported(
        tmp_path, f"groups: [{{name: g, interval: 1m, {key}: {value}, rules: [{{alert: A, expr: up}}]}}]"
    )
    assert result.exit_code == 0
    assert 'query_offset = "1m"' in made


def test_jinja_signs_in_a_text_of_prometheus_stay_text(tmp_path: Path) -> None:
    from tests.neighbours.test_prometheus_export import expanded

    text = '{% raw %} {# no #} {{ "{%" }} {{ $labels.a }}'
    result, made = imported(
        tmp_path, f"groups: [{{name: g, rules: [{{alert: A, expr: up, annotations: {{s: '{text}'}}}}]}}]"
    )
    assert result.exit_code == 0
    annotation = tomllib.loads(made)["groups"][0]["rules"][0]["annotations"]["s"]
    assert expanded(annotation, {"a": "x"}) == "{% raw %} {# no #} {% x"


REFUSED = [
    pytest.param("groups: [{rules: []}]", "this group has no name", id="a group without a name"),
    pytest.param("groups: [{name: g}, {name: g}]", 'a group "g" already', id="a name twice in one file"),
    pytest.param("groups: [{name: g, rules: [{expr: up}]}]", "neither alert nor record", id="no name"),
    pytest.param(
        "groups: [{name: g, rules: [{alert: A, record: a, expr: up}]}]", "both alert and record", id="both"
    ),
    pytest.param("groups: [{name: g, rules: [{alert: A}]}]", "has no expr", id="no expression"),
    pytest.param(
        "groups: [{name: g, rules: [{record: a, expr: up, for: 1m}]}]", "a recording rule has none", id="for"
    ),
    pytest.param(
        "groups: [{name: g, rules: [{alert: A, expr: up, for: soon}]}]", "is not a duration", id="duration"
    ),
    pytest.param(
        "groups: [{name: g, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]",
        "cannot be a label",
        id="name",
    ),
    pytest.param(
        "groups: [{name: g, rules: [{alert: A, expr: up, annotations: {'a b': x}}]}]",
        "cannot be the name of an annotation",
        id="an annotation's name",
    ),
    pytest.param("groups: [{name: g, rules: {}}]", "must be a list", id="rules that are no list"),
    pytest.param("groups: [{name: g, limit: few}]", "is not a whole number", id="a limit in words"),
]


@needs_promtool
@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_prometheus_itself_refuses_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, said: str
) -> None:
    result, made = imported(tmp_path, text)
    assert (result.exit_code, made) == (2, "")
    assert f"{tmp_path / 'a.yml'}:1: " in result.stderr
    assert said in result.stderr
    theirs = subprocess.run(
        ["promtool", "check", "rules", tmp_path / "a.yml"], capture_output=True, text=True, timeout=60
    )
    assert theirs.returncode != 0


OTHER_FILES = [
    pytest.param("route: {receiver: x}", "hbalert import alertmanager", id="Alertmanager's"),
    pytest.param("rule_files: [a.yml]\ntests: []", "hbalert rules test", id="unit tests"),
    pytest.param("scrape_configs: []", "rule_files", id="prometheus.yml"),
    pytest.param("kind: Service\nspec: {}", "PrometheusRule", id="another object of Kubernetes"),
    pytest.param("- a\n- b", "groups:", id="a list"),
    pytest.param("a: [", "this is not YAML", id="no YAML"),
]


@pytest.mark.parametrize(("text", "said"), OTHER_FILES)
def test_another_file_is_told_apart(tmp_path: Path, text: str, said: str) -> None:
    result, made = imported(tmp_path, ONE, text)
    assert (result.exit_code, made) == (2, "")
    assert f"{tmp_path / 'b.yml'}:" in result.stderr
    assert said in result.stderr


def test_an_object_of_kubernetes_is_read(tmp_path: Path) -> None:
    spec = "\n".join(f"  {line}" for line in WHOLE.splitlines() if not line.startswith("#"))
    head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n"
    result, made = imported(tmp_path, head + spec)
    assert result.exit_code == 0
    assert made.count("[[groups.rules]]") == 2


def test_an_empty_file_is_no_mistake(tmp_path: Path) -> None:
    result, made = imported(tmp_path, ONE, "# nothing yet\n")
    assert result.exit_code == 0
    assert made.count("alert =") == 1


def test_names_of_groups_are_unique_over_all_files(tmp_path: Path) -> None:
    result, made = imported(tmp_path, ONE, ONE, "groups: [{name: 'g (b)', rules: [{alert: A, expr: up}]}]")
    assert result.exit_code == 0
    names = [group["name"] for group in tomllib.loads(made)["groups"]]
    assert names == ["g", "g (b)", "g (b) (c)"]
    assert 'another file has a group "g", too; this one is "g (b)" here' in result.stderr
    no_errors(tmp_path / "out.toml")


def test_patterns_name_files_each_once(tmp_path: Path) -> None:
    for name in ("x.yml", "y.yml"):
        (tmp_path / name).write_text(ONE.replace("name: g", f"name: {name}"))
    result = run(tmp_path / "*.yml", tmp_path / "x.yml", "--dry-run")
    assert [group["name"] for group in tomllib.loads(result.stdout)["groups"]] == ["x.yml", "y.yml"]
    assert run(tmp_path / "*.yaml", "--dry-run").exit_code == 2


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE)
    out = tmp_path / "out.toml"
    out.write_text("# mine\n")
    result = run(tmp_path / "a.yml", "--out", out)
    assert (result.exit_code, out.read_text()) == (2, "# mine\n")
    assert "--force" in result.stderr
    assert run(tmp_path / "a.yml", "--out", out, "--force").exit_code == 0
    assert 'alert = "A"' in out.read_text()
    assert run(tmp_path / "a.yml").exit_code == 2


COMMENTS = """\
# head

# one, above
- name: one
  # one, within
  text: |
    # a text
  # two, above
  # two, also
- name: two
  # two, within
# the end
"""


def test_comments_belong_to_what_they_stand_at() -> None:
    found = Comments(COMMENTS, [4, 10])
    assert found.head == ["head"]
    assert found.of(4) == ["one, above", "one, within"]
    assert found.of(10) == ["two, above", "two, also", "two, within", "the end"]
