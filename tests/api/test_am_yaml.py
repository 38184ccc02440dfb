"""The configuration as Alertmanager's YAML, judged by Alertmanager's own checker."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hbalert.api.am_yaml import alertmanager_yaml
from hbalert.config.types import Config
from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import Span, TimeInterval, TimeSpan
from hbalert.core.route import Route
from tests.api.stand import ROOT, config
from tests.core.say import m

NASTY = 'say "hi" \\ {} # : é 机器 👾 \u2028 \x85 \x7f'

CHILD = Route(
    "{}/x/0",
    "{}/x",
    NASTY,
    matchers=(m(f"a={NASTY}"), m("b!~c|d.*")),
    group_by=("...",),
    group_wait=timedelta(seconds=0),
    group_interval=timedelta(minutes=90),
    repeat_intervals=(timedelta(hours=1), timedelta(days=1)),
    continue_=True,
    mute_time_intervals=("night",),
    active_time_intervals=("office",),
    routes=(Route("{}/x/0/y/0", "{}/x/y", "phone", matchers=(m("c=1"),), group_by=("...",)),),
)

INTERVALS = {
    "night": (
        TimeInterval(
            times=(TimeSpan(0, 390), TimeSpan(1320, 1440)),
            location=ZoneInfo("Asia/Shanghai"),
        ),
        TimeInterval(weekdays=(Span(0, 0), Span(6, 6)), months=(Span(1, 12),)),
    ),
    "office": (
        TimeInterval(
            weekdays=(Span(1, 5),), days_of_month=(Span(1, 15), Span(-3, -1)), years=(Span(2026, 2030),)
        ),
    ),
}


def rich(folder: Path) -> Config:
    """A configuration with everything that has an equal in Alertmanager's."""
    root = Route(
        **{**{name: getattr(ROOT, name) for name in ROOT.__slots__}, "routes": (CHILD, *ROOT.routes)}
    )
    return config(folder, route=root).model_copy(
        update={
            "inhibit_rules": (InhibitRule((m("a=b"),), (m("c=~.+"),), ("bot", "env")),),
            "time_intervals": INTERVALS,
        }
    )


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(alertmanager_yaml(rich(tmp_path)), "utf-8")
    checked = subprocess.run(
        ["amtool", "check-config", str(file)], capture_output=True, text=True, timeout=30
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " - 1 inhibit rules" in checked.stdout
    routed = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={file}", "severity=critical"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert routed.stdout.strip() == "oncall"


def test_it_says_what_the_configuration_says(tmp_path: Path) -> None:
    lines = alertmanager_yaml(rich(tmp_path)).splitlines()
    for line in (
        "  resolve_timeout: 5m",
        '  receiver: "team"',
        r'    matchers: ["a=\"say \\\"hi\\\" \\\\ {} # : é 机器 👾 \u2028 \u0085 \u007f\"", '
        r'"b!~\"c|d.*\""]',
        "    repeat_interval: 1h",
        "    group_interval: 1h30m",
        "    continue: true",
        '    mute_time_intervals: ["night"]',
        '  - times: [{start_time: "00:00", end_time: "06:30"}, {start_time: "22:00", end_time: "24:00"}]',
        '    location: "Asia/Shanghai"',
        '  - weekdays: ["monday:friday"]',
        '    days_of_month: ["1:15", "-3:-1"]',
        '- source_matchers: ["a=\\"b\\""]',
    ):
        assert line in lines, "\n".join(lines)


def test_no_secret_and_no_address_is_in_it(tmp_path: Path) -> None:
    text = alertmanager_yaml(config(tmp_path))
    receivers = text[text.index("receivers:") :].splitlines()
    assert receivers == ["receivers:", *(f'- name: "{name}"' for name in ("mail", "oncall", "phone", "team"))]
