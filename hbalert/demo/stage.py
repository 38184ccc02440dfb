"""The demo's configuration folder: the shipped rules in a hurry, three destinations, short waits.

Knows the configuration format and which shipped rules the demo's bots break. Must not know the
gateways: the caller says where they listen. What is written here is read by the real daemon, with all
its checks.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

SHORTER: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "HummingbotSilent": ("2s", [("> 900", "> 8")]),
    "HummingbotNoFills": ("2s", [("[30m]", "[10s]")]),
    "HummingbotOrderFailureRate": ("3s", [("[10m]", "[15s]")]),
    "HummingbotRejectLoop": ("0s", [("[5m]", "[15s]"), ("> 60", "> 12")]),
    "HummingbotHighOrderLatency": ("2s", [("[5m]", "[15s]")]),
}
"""Shipped rule -> its `for` here, and what is shorter in its expression: nobody watches for minutes."""

WORDS = (("30 minutes", "10 seconds"),)
"""What their texts say of those minutes."""

NOTIFIERS = ("ops_dingtalk", "ops_sms", "ops_email")

SMS_FIRING, SMS_RESOLVED = "SMS_100001", "SMS_100002"
SMS_SIGN_NAME = "监控告警"
SMS_VARIABLES = ("alert", "bot", "status")

_CONFIG = """\
# Made by `hbalert demo`; gone when it ends. Real installations wait longer: see config.example.toml.

[server]
listen = "127.0.0.1:0"

[sources.main]
url = "{prometheus}"
timeout = "2s"

[evaluation]
interval = "1s"

[[receivers]]
name = "oncall"
notifiers = ["ops_dingtalk", "ops_sms", "ops_email"]

[[receivers]]
name = "team"
notifiers = ["ops_dingtalk", "ops_email"]

[route]
receiver = "team"
group_by = ["bot"]
group_wait = "2s"
group_interval = "5s"
repeat_interval = "1h"

[[route.routes]]
matchers = ['source = "hbalert"']       # what it tells of itself on a busy machine is for its log
receiver = "ops_log"

[[route.routes]]
matchers = ['severity = "critical"']
receiver = "oncall"
"""

_DINGTALK = """\
type = "dingtalk"
language = "zh"
timezone = "Asia/Shanghai"
webhook_url_file = "secrets/dingtalk_url"
secret_file = "secrets/dingtalk_secret"
at_mobiles = ["+86-13800000000"]
"""

_SMS = """\
type = "sms"
language = "zh"
timezone = "Asia/Shanghai"
to = ["+86-13800000000"]

[gateway]
provider = "alibaba"
url = "{url}"
access_key_id = "{key_id}"
access_key_secret_file = "secrets/sms_key"
sign_name = "{sign_name}"
template_code = "{firing}"
resolved_template_code = "{resolved}"
variables = {{ alert = "{{alertname}}", bot = "{{bot}}", status = "{{status}}" }}
"""

_EMAIL = """\
type = "email"
language = "en"
smarthost = "{smarthost}"
security = "none"                     # on loopback only
username = "{user}"
password_file = "secrets/smtp_password"
from = "hbalert <hbalert@example.com>"
to = ["Ops <ops@example.com>"]
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything listens, and what proves who we are there."""

    prometheus: str
    dingtalk_url: str
    dingtalk_secret: str
    sms_url: str
    sms_key_id: str
    sms_key: str
    smarthost: str
    smtp_user: str
    smtp_password: str


def build(folder: Path, places: Places, shipped_rules: str) -> Path:
    """Writes the folder and returns its config.toml.

    folder         exists and is empty
    shipped_rules  text of rules/hummingbot.toml
    Raises ValueError when a shipped rule is not what SHORTER expects.
    """
    files = {
        "config.toml": _CONFIG.format(prometheus=places.prometheus),
        "rules/hummingbot.toml": hurried(shipped_rules),
        "notifiers/ops_dingtalk.toml": _DINGTALK,
        "notifiers/ops_sms.toml": _SMS.format(
            url=places.sms_url,
            key_id=places.sms_key_id,
            sign_name=SMS_SIGN_NAME,
            firing=SMS_FIRING,
            resolved=SMS_RESOLVED,
        ),
        "notifiers/ops_log.toml": 'type = "log"\n',
        "notifiers/ops_email.toml": _EMAIL.format(smarthost=places.smarthost, user=places.smtp_user),
        "secrets/dingtalk_url": places.dingtalk_url,
        "secrets/dingtalk_secret": places.dingtalk_secret,
        "secrets/sms_key": places.sms_key,
        "secrets/smtp_password": places.smtp_password,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return folder / "config.toml"


def hurried(shipped_rules: str) -> str:
    """The rules of SHORTER, cut out of the shipped ones, with shorter windows and waits."""
    groups: list[dict[str, Any]] = []
    missing = set(SHORTER)
    for group in tomllib.loads(shipped_rules)["groups"]:
        rules = [_shorten(rule) for rule in group["rules"] if rule["alert"] in SHORTER]
        missing -= {rule["alert"] for rule in rules}
        if rules:
            groups.append({**group, "interval": "1s", "rules": rules})
    if missing:
        raise ValueError(f"the shipped rules have no {', '.join(sorted(missing))}")
    return tomlkit.dumps({"groups": groups})


def _shorten(rule: Mapping[str, Any]) -> dict[str, Any]:
    hold, changes = SHORTER[rule["alert"]]
    expr = rule["expr"]
    for old, new in changes:
        if old not in expr:
            raise ValueError(f"the shipped rule {rule['alert']} has no {old!r} any more")
        expr = expr.replace(old, new)
    annotations = dict(rule["annotations"])
    for old, new in WORDS:
        annotations = {name: text.replace(old, new) for name, text in annotations.items()}
    return {**rule, "expr": expr, "for": hold, "annotations": annotations}
