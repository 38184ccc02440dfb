"""The demo's configuration is one that the real daemon takes."""

from __future__ import annotations

import stat
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.cli.init import starter_folder
from hbalert.config.load import load
from hbalert.demo import stage

SHIPPED = (starter_folder() / "rules" / "hummingbot.toml").read_text("utf-8")
PLACES = stage.Places(
    prometheus="http://127.0.0.1:1",
    dingtalk_url="http://127.0.0.1:2/robot/send?access_token=t0ken-of-the-demo",
    dingtalk_secret="SEC-of-the-demo",
    sms_url="http://127.0.0.1:3/",
    sms_key_id="key-id",
    sms_key="key-of-the-demo",
    smarthost="127.0.0.1:4",
    smtp_user="hbalert",
    smtp_password="password-of-the-demo",
)


def test_the_daemon_takes_the_folder_and_every_channel_is_reached_by_a_route(tmp_path: Path) -> None:
    config = load(stage.build(tmp_path, PLACES, SHIPPED), {})
    assert sorted(config.notifiers) == sorted([*stage.NOTIFIERS, "ops_log"])
    assert all(each.enabled for each in config.notifiers.values())
    assert set(config.receivers["oncall"]) == set(stage.NOTIFIERS)
    rules = {rule.alert: rule for group in config.groups for rule in group.rules}
    assert rules.keys() == stage.SHORTER.keys()
    assert all(rule.hold <= timedelta(seconds=3) for rule in rules.values())


def test_secrets_are_in_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    stage.build(tmp_path, PLACES, SHIPPED)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.suffix == ".toml":
            assert "of-the-demo" not in path.read_text("utf-8")


def test_the_rules_are_the_shipped_ones_and_no_window_of_minutes_is_left() -> None:
    shipped = {rule["alert"]: rule for group in tomllib.loads(SHIPPED)["groups"] for rule in group["rules"]}
    hurried = tomllib.loads(stage.hurried(SHIPPED))
    for group in hurried["groups"]:
        for rule in group["rules"]:
            assert rule["labels"] == shipped[rule["alert"]]["labels"]
            assert rule["expr"] != shipped[rule["alert"]]["expr"]
            assert "m]" not in rule["expr"]
            assert "minute" not in rule["annotations"]["summary"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        pytest.param("> 900", "> 901", "HummingbotSilent has no '> 900'", id="another threshold"),
        pytest.param('"HummingbotSilent"', '"Other"', "have no HummingbotSilent", id="another name"),
    ],
)
def test_a_shipped_rule_that_changed_is_noticed(old: str, new: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        stage.hurried(SHIPPED.replace(old, new))
