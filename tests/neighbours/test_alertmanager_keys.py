"""Alertmanager's keys one by one: what each becomes, what is refused as Alertmanager refuses it, and what
reaches a mail server and a webhook in the end."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hbalert.api.am_yaml import alertmanager_yaml
from hbalert.channels import open_channel
from hbalert.cli.check import check
from hbalert.cli.import_ import import_
from hbalert.clock import SystemClock
from hbalert.config.load import load
from hbalert.core.interval import TimeInterval
from hbalert.core.route import Route
from hbalert.demo.gateways.smtp import SmtpSink
from hbalert.demo.gateways.webhook import WebhookSink
from hbalert.trial import trial
from tests.api.test_am_yaml import rich
from tests.neighbours.am_rows import (
    MAIL_KEYS,
    NO_CONFIGURATION,
    NO_EQUAL,
    REFUSED,
    SMTP,
    TAIL,
    WEBHOOK_KEYS,
)

needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")


def run(folder: Path, text: str | bytes, *options: str) -> Result:
    file = folder / "am.yml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    arguments = ["alertmanager", str(file), "--out", str(folder / "out"), *options]
    return CliRunner().invoke(import_, arguments, catch_exceptions=False)


def notifiers(folder: Path) -> dict[str, dict[str, Any]]:
    """Every notifier file but that of the log, by name."""
    files = sorted((folder / "out" / "notifiers").glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in files if path.stem != "only_log"}


def content(folder: Path) -> bool:
    """Whether `hbalert check` has no error in what was written."""
    config = str(folder / "out" / "config.toml")
    return CliRunner().invoke(check, ["-c", config], catch_exceptions=False).exit_code == 0


# --- what becomes of keys ----------------------------------------------------------------------


@pytest.mark.parametrize(("keys", "made"), WEBHOOK_KEYS)
def test_a_webhook_s_keys(tmp_path: Path, keys: str, made: dict[str, Any]) -> None:
    result = run(
        tmp_path, TAIL + f"  webhook_configs: [ {{ url: 'https://h.example.com/S3CRET', {keys} }} ]\n"
    )
    assert result.exit_code == 0, result.stderr
    expected = {"type": "webhook", "url_file": "secrets/r_webhook_url", **made}
    assert notifiers(tmp_path) == {"r_webhook": expected}
    assert content(tmp_path)
    assert "S3CRET" not in result.output + str(notifiers(tmp_path))


@pytest.mark.parametrize(("keys", "made"), MAIL_KEYS)
def test_a_mail_s_keys(tmp_path: Path, keys: str, made: dict[str, Any]) -> None:
    result = run(
        tmp_path, SMTP + TAIL + f"  email_configs: [ {{ to: a@example.com{', ' if keys else ''}{keys} }} ]\n"
    )
    assert result.exit_code == 0, result.stderr
    expected = {"type": "email", "to": ["a@example.com"], "send_resolved": False, **made}
    if made.get("send_resolved"):
        del expected["send_resolved"]
    assert notifiers(tmp_path) == {"r_email": expected}
    assert content(tmp_path)
    assert "S3CRET" not in result.output + str(notifiers(tmp_path))


@pytest.mark.parametrize(("text", "line", "key", "what"), NO_EQUAL)
def test_what_has_no_equal_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, key: str, what: str
) -> None:
    result = run(tmp_path, text)
    assert result.exit_code == 1, result.output
    found = [
        each
        for each in result.stderr.splitlines()
        if f"am.yml:{line}: " in each and key in each and what in each
    ]
    assert found, result.stderr
    assert content(tmp_path), "what is left works"


# --- what Alertmanager refuses -----------------------------------------------------------------


@pytest.mark.parametrize(("text", "line", "what"), REFUSED)
def test_what_alertmanager_refuses_is_named_as_such_and_nothing_is_written(
    tmp_path: Path, text: str, line: int, what: str
) -> None:
    result = run(tmp_path, text)
    assert result.exit_code == 2
    assert any(f"am.yml:{line}: " in each and what in each for each in result.stderr.splitlines()), (
        result.stderr
    )
    assert "Alertmanager itself refuses" in result.stderr
    assert not (tmp_path / "out").exists()


@needs_amtool
@pytest.mark.parametrize("text", [text for text, _, _ in REFUSED])
def test_alertmanager_does_refuse_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "am.yml"
    file.write_text(text, "utf-8")
    assert subprocess.run(["amtool", "check-config", file], capture_output=True, timeout=60).returncode != 0


@pytest.mark.parametrize(("data", "what"), NO_CONFIGURATION, ids=range(len(NO_CONFIGURATION)))
def test_what_is_no_configuration_is_said_in_one_line(tmp_path: Path, data: bytes, what: str) -> None:
    result = run(tmp_path, data)
    assert result.exit_code == 2
    assert what in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(import_, ["alertmanager", str(tmp_path / "nope.yml"), "--dry-run"])
    assert result.exit_code == 2
    assert "nope.yml: cannot be read: No such file or directory" in result.stderr
    assert CliRunner().invoke(import_, ["alertmanager", str(tmp_path), "--dry-run"]).exit_code == 2


# --- names -------------------------------------------------------------------------------------


def test_names_of_notifiers_are_unique_whatever_receivers_are_called(tmp_path: Path) -> None:
    names = ["a b", "a_b", "A-B", "机器", "🚨", "a_b_webhook", "only_log", "../../etc", 'q"\\n', "x" * 300]
    listed = "".join(
        f"- {{ name: {name!r}, webhook_configs: [ {{ url: 'http://x/' }} ] }}\n" for name in names
    )
    result = run(
        tmp_path, f"route: {{ receiver: 'a b' }}\nreceivers:\n{listed}".replace("'q\"\\\\n'", "'q\"\\n'")
    )
    assert result.exit_code == 0, result.stderr
    config = load(tmp_path / "out" / "config.toml", {})
    assert len(config.notifiers) == len(names)
    assert set(names) <= {*config.receivers, 'q"\\n'}
    assert all(len(config.receivers[name]) == 1 for name in names if name in config.receivers)
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.toml")} == {"out", "notifiers"}


# --- all the way -------------------------------------------------------------------------------


async def test_what_was_imported_reaches_a_mail_server_and_a_webhook(tmp_path: Path) -> None:
    (tmp_path / "texts.tmpl").write_text('{{ define "page" }}<h1>{{ .CommonLabels.alertname }}</h1>{{ end }}')
    async with SmtpSink(auth=("am", "S3CRET")) as mail, WebhookSink() as hook:
        text = f"""\
global:
  smtp_smarthost: 127.0.0.1:{mail.port}
  smtp_from: am@example.com
  smtp_require_tls: false
  smtp_auth_username: am
  smtp_auth_password: S3CRET
templates: [ '*.tmpl' ]
route: {{ receiver: both }}
receivers:
- name: both
  email_configs:
  - to: ops@example.com
    send_resolved: true
    headers:
      subject: '{{{{ .Status | toUpper }}}}: {{{{ .CommonLabels.alertname }}}}'
      X-Why: '{{{{ .Receiver }}}}'
    html: '{{{{ template "page" . }}}}'
  webhook_configs:
  - url: {hook.url}
    http_config: {{ bearer_token: T0KEN }}
"""
        assert run(tmp_path, text).exit_code == 0
        config = load(tmp_path / "out" / "config.toml", {})
        tried = [each async for each in trial(config.notifiers, open_channel, SystemClock())]
        assert [each.outcome.answer for each in tried if not each.ok] == []
    firing, resolved = mail.received
    assert (firing.headers["Subject"], resolved.headers["Subject"]) == (
        "FIRING: HbalertTest",
        "RESOLVED: HbalertTest",
    )
    assert firing.html.startswith("<h1>HbalertTest</h1>")
    assert firing.headers["X-Why"] == "both_email"
    assert {call.headers["Authorization"] for call in hook.received} == {"Bearer T0KEN"}


# --- our own configuration as Alertmanager's, and back -----------------------------------------


def shape(route: Route) -> tuple[object, ...]:
    """All of a route that Alertmanager's YAML can say."""
    return (
        route.receiver, set(map(str, route.matchers)), route.group_by, route.group_wait, route.group_interval,
        route.repeat_intervals[0], route.continue_, route.mute_time_intervals, route.active_time_intervals,
        tuple(map(shape, route.routes)),
    )  # fmt: skip


def calendar(named: dict[str, tuple[TimeInterval, ...]]) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [(i.times, i.weekdays, i.days_of_month, i.months, i.years, str(i.location)) for i in parts]
        for name, parts in named.items()
    }


def test_what_status_shows_comes_back_as_it_was(tmp_path: Path) -> None:
    """/api/v2/status -> import -> the same tree, receivers, inhibition and intervals."""
    before = rich(tmp_path)
    result = run(tmp_path, alertmanager_yaml(before))
    assert result.exit_code == 0, result.stderr
    after = load(tmp_path / "out" / "config.toml", {})
    assert shape(after.route) == shape(before.route)
    assert set(before.receivers) <= set(after.receivers)
    assert [str(each) for each in after.inhibit_rules] == [str(each) for each in before.inhibit_rules]
    assert calendar(dict(after.time_intervals)) == calendar(dict(before.time_intervals))
    assert after.alerts.resolve_timeout == before.alerts.resolve_timeout
    assert alertmanager_yaml(after).split("receivers:")[0] == alertmanager_yaml(before).split("receivers:")[0]
