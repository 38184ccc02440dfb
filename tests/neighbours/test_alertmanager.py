"""`hbalert import alertmanager`: what it makes of real-looking configurations, judged by Alertmanager's own
amtool, by `hbalert check`, and by gateways that check what reaches them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbalert.cli.check import check
from hbalert.cli.import_ import import_
from hbalert.config.load import load
from hbalert.config.types import Config
from hbalert.core.labels import Labels
from hbalert.core.route import match, walk

CONFIGS = Path(__file__).parent / "configs"
NAMES = sorted(path.stem for path in CONFIGS.glob("*.yml"))
OLDER = [name for name in NAMES if name != "newer"]
"""What the amtool of the tests (0.25) understands."""

COMPLETE = {"calendar", "kubernetes", "mailroom", "minimal", "newer", "tree"}
SECRET = "hunter2"

needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(import_, ["alertmanager", *map(str, arguments)], catch_exceptions=False)


def place(folder: Path) -> Path:
    """The fixtures as they stand on Alertmanager's machine, with the files that they name."""
    there = folder / "am"
    shutil.copytree(CONFIGS, there)
    for name in ("pager_url", "pager_token"):
        (there / name).write_text(
            f"https://{name}.example.com/{SECRET}\n" if "url" in name else f"{SECRET}\n"
        )
        (there / name).chmod(0o600)
    (there / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    return there


def imported(folder: Path, name: str) -> tuple[Result, Path]:
    result = run(place(folder) / f"{name}.yml", "--out", folder / "out")
    return result, folder / "out"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every fixture, imported once: name -> folder."""
    folder = tmp_path_factory.mktemp("imported")
    there = place(folder)
    for name in NAMES:
        run(there / f"{name}.yml", "--out", folder / name)
    return {name: folder / name for name in NAMES}


# --- the whole ---------------------------------------------------------------------------------


@needs_amtool
@pytest.mark.parametrize("name", OLDER)
def test_the_fixtures_are_what_alertmanager_takes(tmp_path: Path, name: str) -> None:
    file = place(tmp_path) / f"{name}.yml"
    checked = subprocess.run(["amtool", "check-config", file], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_has_no_findings_and_no_secret_in_it(tmp_path: Path, name: str) -> None:
    result, out = imported(tmp_path, name)
    assert result.exit_code == (0 if name in COMPLETE else 1), result.stderr
    assert result.stdout == ""
    checked = CliRunner().invoke(check, ["-c", str(out / "config.toml")], catch_exceptions=False)
    errors = [line for line in checked.stdout.splitlines() if "warning: " not in line]
    assert (checked.exit_code, errors) == (0, [])
    assert SECRET not in result.output + checked.output
    for path in out.rglob("*"):
        if path.is_file() and path.parent.name != "secrets":
            assert SECRET not in path.read_text("utf-8"), path
    for path in out.glob("secrets/*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", NAMES)
def test_the_same_file_gives_the_same_folder_and_a_dry_run_shows_it(tmp_path: Path, name: str) -> None:
    there = place(tmp_path)
    shown = run(there / f"{name}.yml", "--dry-run")
    written = run(there / f"{name}.yml", "--out", tmp_path / "out")
    assert shown.exit_code == written.exit_code
    assert SECRET not in shown.output
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            shown_name = path.relative_to(tmp_path / "out").as_posix()
            text = (
                "(a secret, which is not shown)"
                if "secrets/" in shown_name
                else path.read_text().rstrip("\n")
            )
            assert f"# --- {shown_name}\n{text}\n" in shown.stdout


@pytest.mark.parametrize("name", NAMES)
def test_receivers_keep_their_names(everything: dict[str, Path], name: str) -> None:
    config = load(everything[name] / "config.toml", {})
    text = (CONFIGS / f"{name}.yml").read_text("utf-8")
    theirs = set(
        re.findall(
            r"""^ *(?:- )?(?:- \{ |\{ )?"?name"?: ["']?([^"',\n]+)["']?""",
            text[text.index("receivers") :],
            re.M,
        )
    )
    own = set(config.receivers) - set(config.notifiers)
    assert own <= theirs
    assert own == {route.receiver for route in walk(config.route)} | own


# --- routing -----------------------------------------------------------------------------------


def words(config: Config) -> dict[str, list[str]]:
    """Label names of the tree, each with values that its matchers speak of, and others."""
    found: dict[str, set[str]] = {}
    for route in walk(config.route):
        for matcher in route.matchers:
            found.setdefault(matcher.name, set()).update(re.findall(r"\w+", matcher.value))
    common = {"other", "critical", "warning", "info", "shop", "prod"}
    return {name: sorted(values | common) for name, values in found.items()} or {"severity": sorted(common)}


def theirs(file: Path, labels: dict[str, str]) -> list[str]:
    asked = subprocess.run(
        [
            "amtool",
            "config",
            "routes",
            "test",
            f"--config.file={file}",
            *(f"{k}={v}" for k, v in labels.items()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 0, asked.stderr
    return asked.stdout.strip().split(",")


@needs_amtool
@pytest.mark.parametrize("name", OLDER)
def test_alerts_go_where_alertmanager_sends_them(everything: dict[str, Path], name: str) -> None:
    """Asked of amtool for label sets made of the words of the tree."""
    file = everything[name].parent / "am" / f"{name}.yml"
    config = load(everything[name] / "config.toml", {})
    known = words(config)
    label_sets = st.fixed_dictionaries({}, optional={name: st.sampled_from(known[name]) for name in known})

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(label_sets)
    def the_same(labels: dict[str, str]) -> None:
        ours = [route.receiver for route in match(config.route, Labels(labels))]
        assert ours == theirs(file, labels)

    the_same()


@needs_amtool
@pytest.mark.parametrize(
    "labels",
    [
        {"service": "shop", "severity": "critical", "env": "prod"},
        {"service": "shop"},
        {"service": "cart", "env": "devel", "severity": "info"},
        {"service": "cart", "host": "web12.example.org", "env": "prod"},
        {"service": "cart", "host": "web12xexample.org", "env": "prod"},
        {"service": "shopping"},
        {"owner": "db team", "severity": "warning", "region": "eu"},
        {"region": "eu", "tier": "gold"},
        {"region": "eu", "tier": "tin"},
        {"audit": "yes", "message": 'it says "no", \\ twice'},
        {"severity": "info", "audit": "yes"},
    ],
    ids=str,
)
def test_each_branch_of_the_tree_is_reached_by_the_same(
    everything: dict[str, Path], labels: dict[str, str]
) -> None:
    quoted = {
        name: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for name, value in labels.items()
    }
    config = load(everything["tree"] / "config.toml", {})
    ours = [route.receiver for route in match(config.route, Labels(labels))]
    assert ours == theirs(everything["tree"].parent / "am" / "tree.yml", quoted)


def test_timers_grouping_and_inheritance_are_those_of_the_file(everything: dict[str, Path]) -> None:
    root = load(everything["tree"] / "config.toml", {}).route
    shop, dba, *_ = root.routes
    assert shop.group_by == root.group_by == ("alertname", "cluster", "service"), (
        "[] is the parent's, as there"
    )
    assert dba.group_by == ("...",)
    assert (dba.repeat_intervals[0].total_seconds(), dba.group_wait.total_seconds()) == (129600, 10)
    assert shop.routes[0].group_wait.total_seconds() == 0
    assert [route.continue_ for route in shop.routes] == [False, False, True, False]
    assert shop.key == '{}/{service=~"^(shop|cart|checkout)$"}'


def test_inhibition_and_intervals_are_those_of_the_file(everything: dict[str, Path]) -> None:
    first, second, third = load(everything["tree"] / "config.toml", {}).inhibit_rules
    assert [str(each) for each in first.target] == ['severity=~"warning|info"']
    assert first.equal == ("alertname", "cluster")
    assert [str(each) for each in second.target] == ['alertname=~"Pod.+"', 'team!=""']
    assert [str(each) for each in third.source] == ['alertname=~".*Outage"']
    config = load(everything["calendar"] / "config.toml", {})
    assert list(config.time_intervals) == ["office", "nights", "holidays"]
    office, saturday = config.time_intervals["office"]
    assert (office.times, str(office.location)) == (saturday.times, str(saturday.location))
    assert len(office.weekdays) == 2
    (holidays,) = config.time_intervals["holidays"]
    assert len(holidays.months) == len(holidays.days_of_month) == 3
    quiet, merged, later, _ = config.route.routes
    assert [str(each) for each in merged.matchers] == ['severity="info"', 'source="lab"'], "merged ones count"
    assert (later.receiver, len(later.matchers)) == ("night", 2), "a merge key behind others wins"
    assert quiet.mute_time_intervals == merged.mute_time_intervals == ("nights", "holidays")


# --- files -------------------------------------------------------------------------------------


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    file = place(tmp_path) / "minimal.yml"
    out = tmp_path / "out"
    out.mkdir()
    (out / "config.toml").write_text("# mine")
    result = run(file, "--out", out)
    assert result.exit_code == 2
    assert f"{out / 'config.toml'} exists already" in result.stderr
    assert "--force" in result.stderr
    assert [path.name for path in out.iterdir()] == ["config.toml"]
    assert run(file, "--out", out, "--force").exit_code == 0
    assert (out / "config.toml").read_text() != "# mine"


def test_a_secret_never_goes_through_a_link_or_a_file_that_others_can_read(tmp_path: Path) -> None:
    file, out = place(tmp_path) / "minimal.yml", tmp_path / "out"
    (out / "secrets").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (out / "secrets" / "default_webhook_url").symlink_to(elsewhere)
    assert run(file, "--out", out).exit_code == 2
    assert run(file, "--out", out, "--force").exit_code == 0
    assert elsewhere.read_text() == "mine"
    assert stat.S_IMODE((out / "secrets" / "default_webhook_url").lstat().st_mode) == 0o600


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    file = place(tmp_path) / "minimal.yml"
    (tmp_path / "file").write_text("")
    result = run(file, "--out", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert f"{tmp_path / 'file'}" in result.stderr
    assert "name a folder in which you may write" in result.stderr


def test_without_a_folder_it_asks_for_one(tmp_path: Path) -> None:
    result = run(place(tmp_path) / "minimal.yml")
    assert result.exit_code == 2
    assert "--out DIR is missing" in result.stderr


def test_what_is_missing_is_listed_by_line(tmp_path: Path) -> None:
    result, _ = imported(tmp_path, "foreign")
    text = (CONFIGS / "foreign.yml").read_text("utf-8").splitlines()
    lines = {
        int(found[1]): found[2]
        for found in re.finditer(r"foreign\.yml:(\d+): (\S+): ", result.stderr.replace(os.sep, "/"))
    }
    for number, key in lines.items():
        word = re.split(r"[.\[]", key.split(".")[-1])[0].removesuffix("_configs")
        near = " ".join(text[number - 1 : number + 1])
        assert word in near or "receivers" in key, (number, key, near)
    for key in ("global.slack_api_url", "global.http_config.proxy_url", "receivers[1].opsgenie_configs[0]"):
        assert key in lines.values()
    assert '"pager" REACHES NOBODY' in result.stderr
    assert '"mixed" REACHES NOBODY' not in result.stderr
