"""Every kind of mistake: one row each, with the file, line and key it is found at and the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hbalert.config.codes import CODES
from hbalert.config.findings import Severity
from tests.config.folder import LOG, MAIN, RULES, findings

ROOT_ROUTE = '[route]\nreceiver = "ops_log"\n'
DINGTALK = 'type = "dingtalk"\nwebhook_url = "https://oapi.example.com/robot"\n'
EMAIL = 'type = "email"\nsmarthost = "smtp.example.com"\nfrom = "a@example.com"\nto = ["b@example.com"]\n'
SMS = 'type = "sms"\nto = ["+8613800138000"]\n[gateway]\n'
TOKEN = '[[tokens]]\nname = "a"\nrole = "read"\nhash = "sha256:' + "0" * 64 + '"\n'


NIGHTLY = '[[maintenance]]\nname = "w"\nmatchers = ["a=b"]\nstart_time = "22:00"\nend_time = "06:00"\n'


def window(text: str) -> str:
    """A maintenance window whose calendar begins in line 9."""
    return f'[[maintenance]]\nname = "w"\nmatchers = ["a=b"]\n{text}\n'


def main(text: str) -> dict[str, str]:
    """config.toml with more at its end; what is added begins in line 6."""
    return {"config.toml": MAIN + text}


def rule(text: str) -> dict[str, str]:
    """The rule file with more at its end; what is added begins in line 6."""
    return {"rules/a.toml": RULES + text}


def notifier(text: str, name: str = "other") -> dict[str, str]:
    return {f"notifiers/{name}.toml": text}


def expression(text: str) -> dict[str, str]:
    return {"rules/a.toml": RULES.replace("up == 0", text)}


def row(files: Mapping[str, str | bytes], at: str, code: str, says: str, *, id: str, **more: Any) -> Any:
    """at: `file:line: key`; says: what the finding says, remedy included, in this order."""
    return pytest.param(files, at, code, says, more, id=id)


ERRORS = [
    # --- files ---
    row(main("x = \n"), "config.toml:6:", "syntax", "Invalid value|quotes", id="no value"),
    row(main("x = y # c\n"), "config.toml:6:", "syntax", 'x = "..."', id="a text without quotes"),
    row(main("x: y\n"), "config.toml:6:", "syntax", "YAML|x = ...", id="YAML"),
    row(main("[route]\n"), "config.toml:6:", "syntax", "Cannot declare", id="a table twice"),
    row(main('x = "a\n'), "config.toml:6:", "syntax", "not TOML|quotes", id="an open quote"),
    row(main("x = ["), "config.toml:6:", "syntax", "end of the file", id="an open bracket at the end"),
    row({"rules/a.toml": b"a = 1\n# \xff\n"}, "rules/a.toml:2:", "syntax", "UTF-8", id="not UTF-8"),
    row(
        {"rules/a.toml": b"\xef\xbb\xbfa = 1"}, "rules/a.toml:1:", "syntax", "no BOM", id="a byte order mark"
    ),
    row(main("x = " + "[" * 70 + "]" * 70), "config.toml:6:", "syntax", "nested|flatten", id="too deep"),
    row(main("x" + '."y" . z' * 99_999 + " = 1"), "config.toml:6:", "syntax", "nested|flatten", id="dots"),
    row(main("x = " + "[" * 9999), "config.toml:", "syntax", "nested|flatten", id="much too deep"),
    row(main("x = " + "9" * 5000), "config.toml:", "syntax", "cannot be read|shorter", id="a huge number"),
    row(
        main('[evaluation]\nrules = ["nope.toml"]\n'),
        "config.toml:7: evaluation.rules[0]",
        "no-file",
        "nope.toml|paths are below",
        id="a rule file that does not exist",
    ),
    # --- keys and types ---
    row(
        main("[server.limits]\nalerts = true\n"),
        "config.toml:7: server.limits.alerts",
        "type",
        "whole number, not true or false|for example",
        id="true for a number",
    ),
    row(
        main("[server.limits]\nbody_seconds = false\n"),
        "config.toml:7: server.limits.body_seconds",
        "type",
        "a number, not true or false|for example",
        id="false for a number with a fraction",
    ),
    row(
        main('[server]\nlisen = "x"\n'),
        "config.toml:7: server.lisen",
        "unknown-key",
        'no such key|did you mean "listen"',
        id="a misspelt key",
    ),
    row(main("[sever]\n"), "config.toml:6: sever", "unknown-key", 'mean "server"', id="a misspelt table"),
    row(
        main('[[receivers]]\nname = "x"\nnotifiers = ["ops_log"]\nlisten = "x"\n'),
        "config.toml:9: receivers[0].listen",
        "unknown-key",
        r"known: name, notifiers|after \[\[receivers\]\] belongs to that table",
        id="a key after an array of tables",
    ),
    row(
        rule('[[groups.rules]]\nrecord = "x"\nexpr = "up"\nalert = "x"\n'),
        "rules/a.toml:7: groups[0].rules[1].record",
        "unknown-key",
        "no recording rules",
        id="a recording rule",
    ),
    row(
        main('[[route.routes]]\nmatch = { a = "b" }\n'),
        "config.toml:7: route.routes[0].match",
        "unknown-key",
        "write matchers",
        id="Alertmanager's old matchers",
    ),
    row(
        main('[server]\ninsecure = "perhaps"\n'),
        "config.toml:7: server.insecure",
        "type",
        "true or false, not a text|without quotes",
        id="a text for a switch",
    ),
    row(
        main("[server]\nlisten = 9097\n"),
        "config.toml:7: server.listen",
        "type",
        "a text, not a whole number|between quotes",
        id="a number for a text",
    ),
    row(
        {
            "config.toml": MAIN.replace(
                '"http://127.0.0.1:9090"', '"http://127.0.0.1:9090"\nconcurrency = "x"'
            )
        },
        "config.toml:3: sources.main.concurrency",
        "type",
        "a whole number, not a text",
        id="a text for a number",
    ),
    row(
        {"config.toml": MAIN.replace('"http://127.0.0.1:9090"', '"http://127.0.0.1:9090"\nconcurrency = 0')},
        "config.toml:3: sources.main.concurrency",
        "value",
        "out of range|at least 1",
        id="a number out of range",
    ),
    row(
        main('[[receivers]]\nname = "x"\nnotifiers = "ops_log"\n'),
        "config.toml:8: receivers[0].notifiers",
        "type",
        "a list, not a text|brackets",
        id="a text for a list",
    ),
    row({"config.toml": "server = 5\n" + MAIN}, "config.toml:1: server", "type", "a table", id="no table"),
    row(
        main('[storage]\nretention = "90 days"\n'),
        "config.toml:7: storage.retention",
        "value",
        "not a duration|5m",
        id="no duration",
    ),
    row(
        main("[storage]\nretention = 90\n"),
        "config.toml:7: storage.retention",
        "value",
        "with its unit|90s",
        id="a duration without a unit",
    ),
    # --- environment ---
    row(
        {},
        "environment: HBALERT_SERVER__LISTN",
        "unknown-variable",
        "HBALERT_SERVER__LISTEN",
        environ={"HBALERT_SERVER__LISTN": "x"},
        id="a misspelt variable",
    ),
    row(
        {},
        "environment: HBALERT_EVALUATION__RULES",
        "unknown-variable",
        "a list or a table|config.toml",
        environ={"HBALERT_EVALUATION__RULES": "x"},
        id="a variable for a list",
    ),
    row(
        {},
        "environment: HBALERT_STORAGE__RETENTION",
        "value",
        "not a duration",
        environ={"HBALERT_STORAGE__RETENTION": "x"},
        id="a wrong value in a variable",
    ),
    # --- server, storage, sources ---
    row(
        main('[server]\nlisten = "9097"\n'),
        "config.toml:7: server.listen",
        "value",
        "nothing to listen on|127.0.0.1:9097",
        id="no address",
    ),
    row(
        main('[server]\nlisten = "0.0.0.0:9097"\n'),
        "config.toml:7: server.listen",
        "insecure",
        "no tokens|insecure = true",
        id="open to all, without tokens",
    ),
    row(
        main('[server]\nexternal_url = "alerts"\n'),
        "config.toml:7: server.external_url",
        "value",
        "web address|https",
        id="no external URL",
    ),
    row(
        main('[storage]\nurl = "postgresql://u:SECRET@h/db"\n'),
        "config.toml:7: storage.url",
        "value",
        "not supported|sqlite",
        id="another database",
    ),
    row(main('[storage]\nurl = "x"\n'), "config.toml:7: storage.url", "value", "sqlite", id="no store"),
    row(
        {"config.toml": MAIN.replace("http://127", "127")},
        "config.toml:2: sources.main.url",
        "value",
        "web address|https",
        id="no URL of a source",
    ),
    row(
        {"config.toml": MAIN.replace("http://", "http://u:SECRET@")},
        "config.toml:2: sources.main.url",
        "value",
        "do not belong|basic_auth",
        id="a password in a URL",
    ),
    row(
        {"config.toml": "[sources.main]\n" + ROOT_ROUTE},
        "config.toml:1: sources.main.url",
        "missing",
        "url =",
        id="no url",
    ),
    row(
        {"config.toml": MAIN.replace("main]", "Main]")},
        "config.toml:1: sources.Main",
        "name",
        "a-z",
        id="a source's name",
    ),
    row(
        {
            "config.toml": MAIN.replace(
                '"http://127.0.0.1:9090"', '"http://127.0.0.1:9090"\nclient_cert = "config.toml"'
            )
        },
        "config.toml:3: sources.main.client_cert",
        "value",
        "client_key is missing",
        id="a certificate without a key",
    ),
    row(
        {
            "config.toml": MAIN.replace(
                '"http://127.0.0.1:9090"', '"http://127.0.0.1:9090"\nca_file = "nope.pem"'
            )
        },
        "config.toml:3: sources.main.ca_file",
        "value",
        "nope.pem.*does not exist",
        id="a certificate that is not there",
    ),
    row(
        main('[evaluation]\nexternal_labels = { "a b" = "c" }\n'),
        'config.toml:7: evaluation.external_labels."a b"',
        "value",
        "not a label's name",
        id="an external label's name",
    ),
    row(
        main('[evaluation]\ninterval = "100ms"\n'),
        "config.toml:7: evaluation.interval",
        "value",
        "at least 1s",
        id="too short an interval",
    ),
    row(
        main('[alerts]\nresolve_timeout = "0s"\n'),
        "config.toml:7: alerts.resolve_timeout",
        "value",
        "longer than 0",
        id="no resolve timeout",
    ),
    row(
        main(TOKEN + TOKEN),
        "config.toml:11: tokens[1].name",
        "duplicate",
        'a token "a" already',
        id="two tokens of one name",
    ),
    row(
        main(TOKEN.replace("sha256:", "md5:")),
        "config.toml:9: tokens[0].hash",
        "value",
        "hbalert token new",
        id="no hash of a token",
    ),
    row(
        main(TOKEN.replace("read", "reed")),
        "config.toml:8: tokens[0].role",
        "value",
        'mean "read"',
        id="no role",
    ),
    # --- notifiers ---
    row(
        notifier('type = "dingtak"\n'),
        "notifiers/other.toml:1: type",
        "value",
        'mean "dingtalk"',
        id="no type",
    ),
    row(
        notifier("enabled = true\n"),
        "notifiers/other.toml:1:",
        "missing",
        "type is missing|dingtalk",
        id="type missing",
    ),
    row(notifier(LOG, "Ops-Log"), "notifiers/Ops-Log.toml:1:", "name", "a-z", id="a notifier's name"),
    row(
        notifier('type = "log"\nname = "x"\n'),
        "notifiers/other.toml:2: name",
        "name",
        "that of its file",
        id="a name that is not the file's",
    ),
    row(
        {
            **notifier(LOG),
            **main('[notifiers]\nfiles = ["notifiers/*.toml", "more/*.toml"]\n'),
            "more/other.toml": LOG,
        },
        "more/other.toml:1:",
        "duplicate",
        "already, in .*notifiers/other.toml",
        id="two notifiers of one name",
    ),
    row(
        notifier(DINGTALK + 'timezone = "Asia/Shanghia"\n'),
        "notifiers/other.toml:3: timezone",
        "value",
        'mean "Asia/Shanghai"',
        id="no time zone",
    ),
    row(
        notifier(LOG + 'language = "de"\n'),
        "notifiers/other.toml:2: language",
        "value",
        "en, zh",
        id="no language",
    ),
    row(
        notifier(LOG + 'timeout = "0s"\n'),
        "notifiers/other.toml:2: timeout",
        "value",
        "longer",
        id="no time-out",
    ),
    row(
        notifier(LOG + 'fallback = ["ops_lgo"]\n'),
        "notifiers/other.toml:2: fallback[0]",
        "unknown-notifier",
        'mean "ops_log"',
        id="an unknown fallback",
    ),
    row(
        notifier(LOG + 'fallback = ["other"]\n'),
        "notifiers/other.toml:2: fallback[0]",
        "value",
        "its own fallback",
        id="its own fallback",
    ),
    row(
        notifier(EMAIL.replace("b@example.com", "nobody")),
        "notifiers/other.toml:4: to[0]",
        "value",
        "not a mail address",
        id="no mail address",
    ),
    row(
        notifier(EMAIL + 'username = "x"\n'),
        "notifiers/other.toml:5: username",
        "value",
        "without a password",
        id="a user name without a password",
    ),
    row(
        notifier(SMS.replace("13800138000", "12")),
        "notifiers/other.toml:2: to[0]",
        "value",
        "phone number",
        id="no phone number",
        also=1,
    ),
    row(
        notifier(SMS + 'provider = "aliyun"\n'),
        "notifiers/other.toml:4: gateway.provider",
        "value",
        "alibaba",
        id="an unknown gateway",
    ),
    row(notifier(SMS), "notifiers/other.toml:3: gateway", "missing", "provider is missing", id="no gateway"),
    row(
        notifier(SMS + 'provider = "twilio"\naccount_sid = "AC"\nauth_token = "x"\n'),
        "notifiers/other.toml:3: gateway.from",
        "missing",
        "exactly one of",
        id="nobody sends",
    ),
    row(
        notifier('type = "email"\nto = ["b@example.com"]\nfrom = "a@example.com"\n'),
        "notifiers/other.toml:1: smarthost",
        "missing",
        "smarthost",
        id="a required key",
    ),
    row(
        main('[defaults.email]\nsmarthost = "a:b"\n'),
        "config.toml:7: defaults.email.smarthost",
        "value",
        "not a port",
        id="a wrong default",
    ),
    row(
        main("[defaults.emial]\n"),
        "config.toml:6: defaults.emial",
        "unknown-key",
        'mean "email"',
        id="defaults of nobody",
    ),
    row(
        main('[defaults.log]\ntype = "log"\n'),
        "config.toml:7: defaults.log.type",
        "value",
        "cannot be shared",
        id="a default that cannot be one",
    ),
    # --- secrets ---
    row(
        notifier('type = "dingtalk"\nwebhook_url_file = "nope"\n'),
        "notifiers/other.toml:2: webhook_url_file",
        "secret",
        "nope does not exist|put the secret into",
        id="a secret's file is not there",
    ),
    row(
        notifier('type = "dingtalk"\nwebhook_url_env = "NOPE"\n'),
        "notifiers/other.toml:2: webhook_url_env",
        "secret",
        "NOPE is not set",
        id="a secret's variable is not there",
    ),
    row(
        notifier(DINGTALK + 'secret = "SECRET"\nsecret_env = "X"\n'),
        "notifiers/other.toml:3: secret",
        "secret",
        "secret and secret_env are both given|exactly one",
        id="a secret twice",
    ),
    row(
        notifier('type = "dingtalk"\n'),
        "notifiers/other.toml:1: webhook_url",
        "missing",
        "webhook_url_file = .*webhook_url_env",
        id="a secret is missing",
    ),
    row(
        notifier('type = "dingtalk"\nwebhook_url_file = "https://x/SECRET"\n'),
        "notifiers/other.toml:2: webhook_url_file",
        "secret",
        "not a file name|webhook_url =",
        id="a secret in place of its file's name",
    ),
    row(
        notifier('type = "dingtalk"\nwebhook_url_env = "SECRET-1"\n'),
        "notifiers/other.toml:2: webhook_url_env",
        "secret",
        "not the name of an environment variable",
        id="a secret in place of its variable's name",
    ),
    row(
        notifier('type = "webhook"\nurl = "SECRET"\n'),
        "notifiers/other.toml:2: url",
        "secret",
        "web address",
        id="a secret address that is none",
    ),
    # --- routes ---
    row(
        {"config.toml": MAIN.split("[route]")[0]},
        "config.toml:1:",
        "missing",
        "no .route.|receiver",
        id="no route",
    ),
    row(
        {"config.toml": MAIN.replace('receiver = "ops_log"', 'group_by = ["a"]')},
        "config.toml:4: route.receiver",
        "missing",
        "who gets what",
        id="no receiver",
    ),
    row(
        {"config.toml": MAIN.replace("ops_log", "ops_lgo")},
        "config.toml:5: route.receiver",
        "unknown-receiver",
        'no receiver "ops_lgo"|mean "ops_log"',
        id="an unknown receiver",
    ),
    row(
        main('[[route.routes]]\nmatchers = ["a=b"]\n[[route.routes.routes]]\nreceiver = "x"\n'),
        "config.toml:9: route.routes[0].routes[0].receiver",
        "unknown-receiver",
        "known: ops_log",
        id="an unknown receiver, deeper",
    ),
    row(
        main('matchers = ["a=b"]\n'),
        "config.toml:6: route.matchers",
        "route",
        "first route",
        id="matchers on the root",
    ),
    row(
        main("continue = true\n"),
        "config.toml:6: route.continue",
        "route",
        "nothing to continue",
        id="continue on the root",
    ),
    row(
        main('[[route.routes]]\nmatchers = ["a"]\n'),
        "config.toml:7: route.routes[0].matchers[0]",
        "matcher",
        "not a matcher|write name=",
        id="no matcher",
    ),
    row(
        main("[[route.routes]]\nmatchers = ['a == \"b\"']\n"),
        "config.toml:7: route.routes[0].matchers[0]",
        "matcher",
        "two equals signs",
        id="two equals signs",
    ),
    row(
        main("[[route.routes]]\nmatchers = [\n  'a=b',\n  'c=~\"(\"']\n"),
        "config.toml:9: route.routes[0].matchers[1]",
        "matcher",
        "regular expression",
        id="no pattern",
    ),
    row(
        main('group_by = ["a", "a"]\n'), "config.toml:6: route.group_by", "route", "twice", id="a label twice"
    ),
    row(
        main('group_by = ["a b"]\n'),
        "config.toml:6: route.group_by[0]",
        "route",
        "label's name",
        id="no label",
    ),
    row(
        main('group_by = ["...", "a"]\n'),
        "config.toml:6: route.group_by",
        "route",
        "stands alone",
        id="dots and more",
    ),
    row(
        main('group_interval = "0s"\n'),
        "config.toml:6: route.group_interval",
        "route",
        "longer",
        id="no group interval",
    ),
    row(
        main('repeat_interval = "0"\n'),
        "config.toml:6: route.repeat_interval",
        "route",
        "longer",
        id="no repeat interval",
    ),
    row(
        main("repeat_interval = []\n"),
        "config.toml:6: route.repeat_interval",
        "route",
        "longer",
        id="no repeats",
    ),
    row(
        main(
            'mute_time_intervals = ["nigth"]\n[[time_intervals]]\nname = "night"\n'
            '[[time_intervals.time_intervals]]\nweekdays = ["sunday"]\n'
        ),
        "config.toml:6: route.mute_time_intervals[0]",
        "unknown-interval",
        'mean "night"',
        id="an unknown time interval",
    ),
    row(
        main('[[receivers]]\nname = "x"\nnotifiers = ["ops_lg"]\n'),
        "config.toml:8: receivers[0].notifiers[0]",
        "unknown-notifier",
        'mean "ops_log"',
        id="an unknown notifier",
    ),
    row(
        main('[[receivers]]\nname = "ops_log"\nnotifiers = ["ops_log"]\n'),
        "config.toml:7: receivers[0].name",
        "duplicate",
        "a notifier of this name",
        id="a receiver named like a notifier",
    ),
    row(
        main('[[receivers]]\nname = "x"\nnotifiers = ["ops_log"]\n' * 2),
        "config.toml:10: receivers[1].name",
        "duplicate",
        "a receiver of this name",
        id="two receivers of one name",
    ),
    row(
        main('[[receivers]]\nnotifiers = ["ops_log"]\n'),
        "config.toml:6: receivers[0].name",
        "missing",
        "name =",
        id="a receiver without a name",
    ),
    row(
        main('[[receivers]]\nname = "x"\n'),
        "config.toml:6: receivers[0].notifiers",
        "missing",
        "names nobody",
        id="a receiver of nobody",
    ),
    row(
        main('[[inhibit_rules]]\ntarget_matchers = ["a=b"]\n'),
        "config.toml:6: inhibit_rules[0].source_matchers",
        "missing",
        "at least one matcher",
        id="an inhibition without a source",
    ),
    row(
        main('[[inhibit_rules]]\nsource_matchers = ["a=b"]\ntarget_matchers = ["a=c"]\nequal = ["x", "x"]\n'),
        "config.toml:9: inhibit_rules[0].equal",
        "route",
        "twice",
        id="an equal label twice",
    ),
    # --- time intervals ---
    # --- maintenance windows: the name stands in line 7, the matchers in line 8 ---
    row(
        main(window('cron = "0 2 * *"\nduration = "2h"')),
        "config.toml:9: maintenance[0].cron",
        "maintenance",
        "five fields|0 2 \\* \\* sun",
        id="a cron expression of four fields",
    ),
    row(
        main(window('cron = "0 25 * * *"\nduration = "2h"')),
        "config.toml:9: maintenance[0].cron",
        "maintenance",
        "bad hour|write for example",
        id="an hour that no clock shows",
    ),
    row(
        main(window('cron = "0 2 * * sun"')),
        "config.toml:6: maintenance[0].duration",
        "missing",
        'duration = "2h"',
        id="a cron expression without a duration",
    ),
    row(
        main(window('cron = "0 2 * * *"\nduration = "0s"')),
        "config.toml:10: maintenance[0].duration",
        "maintenance",
        "longer than 0",
        id="a window of no length",
    ),
    row(
        main(window('cron = "0 2 * * *"\nduration = "25h"')),
        "config.toml:9: maintenance[0].cron",
        "maintenance",
        "before it has ended|shorter",
        id="a window on top of itself",
    ),
    row(
        main(window('cron = "0 2 30 2 *"\nduration = "2h"')),
        "config.toml:9: maintenance[0].cron",
        "maintenance",
        "day-of-month",
        id="a day that does not exist",
    ),
    row(
        main(window('cron = "0 2 * * *"\nduration = "2h"\nstart_time = "02:00"')),
        "config.toml:11: maintenance[0].start_time",
        "maintenance",
        "both given|keep",
        id="cron and a time of day",
    ),
    row(
        main(window('start_time = "22:00"\nend_time = "06:00"\nduration = "2h"')),
        "config.toml:11: maintenance[0].duration",
        "maintenance",
        "belongs to cron",
        id="times of day and a duration",
    ),
    row(
        main(window("")),
        "config.toml:6: maintenance[0].cron",
        "missing",
        "not said when|start_time and end_time",
        id="a window that never comes",
    ),
    row(
        main(window('weekdays = ["sunday"]')),
        "config.toml:6: maintenance[0].cron",
        "missing",
        "not said when",
        id="weekdays without times",
    ),
    row(
        main(window('start_time = "22:00"')),
        "config.toml:6: maintenance[0].end_time",
        "missing",
        'end_time = "22:00"',
        id="a beginning without an end",
    ),
    row(
        main(window('start_time = "22:00"\nend_time = "6"')),
        "config.toml:10: maintenance[0].end_time",
        "maintenance",
        "'6' is not a time of day|24:00",
        id="an hour without minutes",
    ),
    row(
        main(window('start_time = "22:00"\nend_time = "22:00"')),
        "config.toml:10: maintenance[0].end_time",
        "maintenance",
        "ends when it begins|whole day",
        id="a window that ends when it begins",
    ),
    row(
        main(window('start_time = "24:00"\nend_time = "06:00"')),
        "config.toml:9: maintenance[0].start_time",
        "maintenance",
        'begins at its end|"00:00"',
        id="a window that begins at the end of the day",
    ),
    row(
        main(window('start_time = "22:00"\nend_time = "06:00"\nweekdays = ["sundya"]')),
        "config.toml:11: maintenance[0].weekdays[0]",
        "value",
        'not a weekday|did you mean "sunday"',
        id="a weekday misspelt",
    ),
    row(
        main(window('start_time = "22:00"\nend_time = "06:00"\nlocation = "Europe/Berln"')),
        "config.toml:11: maintenance[0].location",
        "value",
        'not a time zone|did you mean "Europe/Berlin"',
        id="a place misspelt",
    ),
    row(
        main('[[maintenance]]\nmatchers = ["a=b"]\nstart_time = "22:00"\nend_time = "06:00"\n'),
        "config.toml:6: maintenance[0].name",
        "missing",
        'name = "..."',
        id="a window without a name",
    ),
    row(
        main(NIGHTLY.replace("w", "a/b")),
        "config.toml:7: maintenance[0].name",
        "name",
        "cannot be a window's name|without line breaks",
        id="a window whose name is a path",
    ),
    row(
        main(NIGHTLY + NIGHTLY),
        "config.toml:12: maintenance[1].name",
        "duplicate",
        "already|another name",
        id="two windows of one name",
    ),
    row(
        main('[[maintenance]]\nname = "w"\nstart_time = "22:00"\nend_time = "06:00"\n'),
        "config.toml:6: maintenance[0].matchers",
        "missing",
        "at least one matcher",
        id="a window over nothing",
    ),
    row(
        main(NIGHTLY.replace("a=b", "a=~(")),
        "config.toml:8: maintenance[0].matchers[0]",
        "matcher",
        "regular expression",
        id="a pattern of a window that is none",
    ),
    row(
        main(NIGHTLY.replace("a=b", "a=~.*")),
        "config.toml:8: maintenance[0].matchers",
        "matcher",
        "empty string",
        id="a window over everything, also what is not there",
    ),
    row(
        main("[silences]\nlimit = 0\n"),
        "config.toml:7: silences.limit",
        "value",
        "out of range|at least 1",
        id="room for no silence",
    ),
    row(
        main("[silences]\nnotice = 15\n"),
        "config.toml:7: silences.notice",
        "value",
        "with its unit",
        id="a notice without a unit",
    ),
    row(
        main('[[time_intervals]]\nname = "x"\n[[time_intervals.time_intervals]]\nweekdays = ["mondya"]\n'),
        "config.toml:9: time_intervals[0].time_intervals[0].weekdays[0]",
        "value",
        'mean "monday"',
        id="no weekday",
    ),
    row(
        main(
            '[[time_intervals]]\nname = "x"\n[[time_intervals.time_intervals]]\n'
            'times = [{ start_time = "22:00", end_time = "07:00" }]\n'
        ),
        "config.toml:9: time_intervals[0].time_intervals[0].times[0]",
        "value",
        "past midnight it takes two ranges",
        id="past midnight",
    ),
    row(
        main('[[time_intervals]]\nname = "x"\n[[time_intervals.time_intervals]]\ndays_of_month = ["-1:5"]\n'),
        "config.toml:9: time_intervals[0].time_intervals[0].days_of_month[0]",
        "value",
        "must be negative",
        id="no days of a month",
    ),
    row(
        main('[[time_intervals]]\nname = "x"\n[[time_intervals.time_intervals]]\nlocation = "Mars"\n'),
        "config.toml:9: time_intervals[0].time_intervals[0].location",
        "value",
        "not a time zone",
        id="no place",
    ),
    # --- rules ---
    row(
        rule('[[groups]]\nname = "g"\n'),
        "rules/a.toml:7: groups[1].name",
        "duplicate",
        "already, in",
        id="two groups",
        also=1,
    ),
    row(
        {"rules/a.toml": RULES.replace('name = "g"\n', "")},
        "rules/a.toml:1: groups[0].name",
        "missing",
        "name =",
        id="a group without a name",
    ),
    row(
        {"rules/a.toml": RULES.replace('"g"', '"g"\nsource = "mian"')},
        "rules/a.toml:3: groups[0].source",
        "unknown-source",
        'mean "main"',
        id="an unknown source",
    ),
    row(
        {"config.toml": ROOT_ROUTE},
        "rules/a.toml:1: groups[0]",
        "missing",
        "sources.main",
        id="no source at all",
    ),
    row(
        {"rules/a.toml": RULES.replace('"g"', '"g"\ninterval = "1500ms"')},
        "rules/a.toml:3: groups[0].interval",
        "rule",
        "whole number of seconds",
        id="an interval with a fraction",
    ),
    row(
        {"rules/a.toml": RULES.replace("expr = 'up == 0'\n", "")},
        "rules/a.toml:3: groups[0].rules[0].expr",
        "missing",
        "expr =",
        id="a rule without an expression",
    ),
    row(
        {"rules/a.toml": RULES.replace('alert = "Down"\n', "")},
        "rules/a.toml:3: groups[0].rules[0].alert",
        "missing",
        "alert =",
        id="a rule without a name",
    ),
    row(
        rule("for = 5\n"),
        "rules/a.toml:6: groups[0].rules[0].for",
        "value",
        "its unit",
        id="a number for `for`",
    ),
    row(
        rule("flap_after = 2\n"),
        "rules/a.toml:6: groups[0].rules[0].flap_after",
        "rule",
        "comes back once|3 or more",
        id="flapping after two starts",
    ),
    row(
        rule('flap_window = "30s"\n'),
        "rules/a.toml:6: groups[0].rules[0].flap_window",
        "rule",
        'more than twice|15s|"1h"',
        id="a window that is too short to flap in",
    ),
    row(
        main("[evaluation]\nflap_after = 1\n"),
        "config.toml:7: evaluation.flap_after",
        "value",
        "comes back once|3 or more",
        id="flapping after one start, everywhere",
    ),
    row(
        rule("missing_evaluations = -1\n"),
        "rules/a.toml:6: groups[0].rules[0].missing_evaluations",
        "value",
        "-1 is out of range|at least 0",
        id="a negative number of evaluations",
    ),
    row(
        rule('no_data = "alrt"\n'),
        "rules/a.toml:6: groups[0].rules[0].no_data",
        "value",
        'mean "alert"',
        id="no_data",
    ),
    row(
        rule('labels = { "a-b" = "c" }\n'),
        "rules/a.toml:6: groups[0].rules[0].labels.a-b",
        "rule",
        "cannot be a label",
        id="no label of an alert",
    ),
    row(
        rule("labels = { severity = 1 }\n"),
        "rules/a.toml:6: groups[0].rules[0].labels.severity",
        "type",
        "a text, not a whole number",
        id="a label's value is a number",
    ),
    row(
        rule('[groups.rules.annotations]\nsummary = "{{ $labels.bot"\n'),
        "rules/a.toml:7: groups[0].rules[0].annotations.summary",
        "template",
        "never closed",
        id="a template that does not end",
    ),
    row(
        rule('clear = "up >"\n'),
        "rules/a.toml:6: groups[0].rules[0].clear",
        "expression",
        "not PromQL",
        id="no clear expression",
    ),
    row(
        expression("up >"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "not PromQL",
        id="no PromQL",
    ),
    row(
        expression(""),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "missing",
        "empty",
        id="an empty expression",
    ),
    row(
        expression("up = 0"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "write ==",
        id="one equals sign",
    ),
    row(
        expression("rate(up)"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "range.*5m",
        id="no range",
    ),
    row(
        expression("histogram_quantil(0.9, up)"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        'mean "histogram_quantile"',
        id="a misspelt function",
    ),
    row(expression('"x"'), "rules/a.toml:5: groups[0].rules[0].expr", "expression", "a text", id="a text"),
    row(
        expression("up[5m]"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "range of values",
        id="a range",
    ),
    row(
        expression("rate(up[$__interval])"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "Grafana",
        id="Grafana's variables",
    ),
    row(
        expression('up{__hbalert_rule__="x"}'),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "expression",
        "hbalert's own",
        id="our own label",
    ),
]

WARNINGS = [
    row(
        main(NIGHTLY.replace("a=b", "a=~.+")),
        "config.toml:8: maintenance[0].matchers",
        "matcher",
        "nearly every alert|name a value",
        id="a window over nearly everything",
    ),
    row(
        expression("holt_winters(up[5m], 0.5, 0.5)"),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "dialect",
        "holt_winters: only some servers",
        id="what only some servers know",
    ),
    row(
        expression('ALERTS{alertname="Down"}'),
        "rules/a.toml:5: groups[0].rules[0].expr",
        "own-alerts",
        "inhibit_rules",
        id="our own alerts",
    ),
    row(
        rule('for = "5s"\n'),
        "rules/a.toml:6: groups[0].rules[0].for",
        "rule",
        "shorter.*15s",
        id="a short `for`",
    ),
    row(
        rule('labels = { alertname = "x" }\n'),
        "rules/a.toml:6: groups[0].rules[0].labels.alertname",
        "rule",
        "no effect",
        id="a label that is the name",
    ),
    row(
        rule('labels = { a = "{{ $value }}" }\n'),
        "rules/a.toml:6: groups[0].rules[0].labels",
        "rule",
        "another alert",
        id="the value in a label",
    ),
    row(
        {"rules/a.toml": '[[groups]]\nname = "g"\n'},
        "rules/a.toml:1: groups[0]",
        "rule",
        "no rules",
        id="an empty group",
    ),
    row(
        {"config.toml": MAIN + 'repeat_interval = "1m"\n'},
        "config.toml:6: route.repeat_interval",
        "route",
        "every 5m only",
        id="repeats that cannot be",
    ),
    row(
        main('[[route.routes]]\n[[route.routes]]\nmatchers = ["a=b"]\n'),
        "config.toml:7: route.routes[1]",
        "route",
        "never reached",
        id="a route that is never reached",
    ),
    row(
        main('[[route.routes]]\nmatchers = ["a=b c"]\n'),
        "config.toml:7: route.routes[0].matchers[0]",
        "matcher",
        'read as a="b c"',
        id="a matcher of the old dialect",
    ),
    row(
        {"notifiers/ops_log.toml": 'type = "log"\nenabled = false\n'},
        "config.toml:5: route.receiver",
        "nobody-told",
        "nobody is told",
        id="nobody is told",
    ),
    row(
        {**notifier(LOG + 'fallback = ["third"]\n'), "notifiers/third.toml": LOG + "enabled = false\n"},
        "notifiers/other.toml:2: fallback[0]",
        "nobody-told",
        "takes nothing over",
        id="a disabled fallback",
    ),
    row(
        notifier(EMAIL + 'username = "x"\npassword = "SECRET"\nsecurity = "none"\n'),
        "notifiers/other.toml:7: security",
        "insecure",
        "clear text",
        id="a password in clear text",
    ),
    row(
        main('[evaluation]\nrules = ["rules/*.toml", "more/*.toml"]\n'),
        "config.toml:7: evaluation.rules[1]",
        "no-file",
        "more/",
        id="a pattern that names nothing",
    ),
    row(
        main('[[receivers]]\nname = "x"\nnotifiers = ["ops_log", "ops_log"]\n'),
        "config.toml:8: receivers[0].notifiers[1]",
        "duplicate",
        "twice",
        id="a notifier twice",
    ),
    row(
        main('[[time_intervals]]\nname = "x"\n'),
        "config.toml:6: time_intervals[0]",
        "value",
        "at no time",
        id="an interval that holds never",
    ),
    row(
        main('[[inhibit_rules]]\nsource_matchers = ["a=b"]\ntarget_matchers = ["a=b"]\n'),
        "config.toml:6: inhibit_rules[0]",
        "route",
        "narrow the source",
        id="an inhibition of itself",
    ),
]


@pytest.mark.parametrize(("files", "at", "code", "says", "more"), [*ERRORS, *WARNINGS])
def test_a_mistake_is_found_where_it_is(
    tmp_path: Path, files: Mapping[str, str | bytes], at: str, code: str, says: str, more: dict[str, Any]
) -> None:
    """Alone: one mistake makes one finding, unless the row says that another is there as well."""
    found = findings(tmp_path, files, more.get("environ"))
    shown = [str(each) for each in found]
    assert len(found) == 1 + more.get("also", 0), shown
    matching = [
        each for each in found if f"{str(each).split(': ')[0]}: {each.key}".rstrip(" ") == at.rstrip(" ")
    ]
    assert len(matching) == 1, shown
    (finding,) = matching
    assert finding.code == code
    for part in says.split("|"):
        assert re.search(part, f"{finding.what}; {finding.instead}"), shown
    assert not any("SECRET" in line for line in shown)


def test_warnings_are_warnings_and_errors_are_errors(tmp_path: Path) -> None:
    for number, (cases, severity) in enumerate([(ERRORS, Severity.ERROR), (WARNINGS, Severity.WARNING)]):
        for index, case in enumerate(cases):
            files, _, code, _, more = case.values
            found = findings(tmp_path / f"{number}-{index}", files, more.get("environ"))
            assert {each.severity for each in found if each.code == code} == {severity}, case.id


def test_there_is_an_explanation_of_every_code() -> None:
    used = {case.values[2] for case in [*ERRORS, *WARNINGS]}
    assert used <= CODES.keys()
    assert len(ERRORS) >= 40
