"""`hbalert explain`: the whole way of an alert on one screen."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.daemon import Served, run

DOWN = ("alertname=Down", "bot=alpha")


def test_the_way_of_an_alert_is_told(daemon: Served) -> None:
    daemon.do(daemon.api.silence("bot=alpha"))
    told = daemon.run("explain", *DOWN).output
    assert "does not fire; if it did at" in told
    assert "everything -> team: yes, this way" in told
    assert 'severity="critical" -> oncall: no, severity is ""' in told
    assert "by li until" in told
    assert "mail  is not told" in told


def test_json_has_everything(daemon: Served) -> None:
    answer = json.loads(daemon.run("explain", *DOWN, "-o", "json").output)
    assert answer["groups"][0]["notifiers"] == [
        {
            "name": "mail",
            "reason": "first notification",
            "told_at": None,
            "repeat_at": None,
            "unsent": None,
            "given_up": None,
            "held_until": None,
        }
    ]


def test_a_condition_is_refused(daemon: Served) -> None:
    assert "written name=value" in daemon.run("explain", "bot=~a.*", code=5).output


def test_without_a_daemon_the_configuration_answers(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    run("init", str(folder))
    path = str(folder / "config.toml")
    told = run("explain", "--offline", "alertname=HummingbotDown", "severity=critical", "-c", path).output
    assert "will be told: first notification" in told
    assert "switched off: ops_dingtalk, ops_sms_alibaba" in told
    assert "is a condition" in run("explain", "--offline", "a!=b", "-c", path, code=2).output
    (folder / "config.toml").write_text("[route]\n")
    assert "the configuration is wrong" in run("explain", "--offline", "a=b", "-c", path, code=2).output
