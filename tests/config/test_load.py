"""Loading: all mistakes at once, names linked, secrets looked up, and never a traceback."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbalert.config.channels.dingtalk import DingTalkSettings
from hbalert.config.channels.email import EmailSettings
from hbalert.config.channels.sms import SmsSettings
from hbalert.config.channels.webhook import WebhookSettings
from hbalert.config.findings import Finding, Severity
from hbalert.config.load import check, check_files, load
from hbalert.config.written import MainFile
from hbalert.core.flap import Flapping
from hbalert.core.interval import Span, TimeSpan
from hbalert.core.route import walk
from hbalert.errors import ConfigError
from tests.config.folder import LOG, MAIN, RULES, config, findings, write

SEVEN = {
    "config.toml": """\
[server]
listn = "127.0.0.1:9097"

[sources.main]
url = "http://127.0.0.1:9090"
batch = "perhaps"

[route]
receiver = "ops_lgo"
[[route.routes]]
matchers = ['severity']
receiver = "ops_log"
""",
    "rules/a.toml": RULES.replace("up == 0", "up =="),
    "rules/b.toml": "[[groups]\n",
    "notifiers/ops_dingtalk.toml": 'type = "dingtalk"\nwebhook_url_env = "DINGTALK_URL"\n',
}


def test_seven_mistakes_of_seven_kinds_are_found_in_one_run(tmp_path: Path) -> None:
    """A syntax error, an unknown key, a wrong type, an unknown receiver, a bad matcher, a bad expression
    and a missing secret: each with its file and line.
    """
    found = findings(tmp_path, SEVEN)
    assert [(each.file, each.line, each.key, each.code) for each in found] == [
        ("config.toml", 2, "server.listn", "unknown-key"),
        ("config.toml", 6, "sources.main.batch", "type"),
        ("config.toml", 9, "route.receiver", "unknown-receiver"),
        ("config.toml", 11, "route.routes[0].matchers[0]", "matcher"),
        ("notifiers/ops_dingtalk.toml", 2, "webhook_url_env", "secret"),
        ("rules/a.toml", 5, "groups[0].rules[0].expr", "expression"),
        ("rules/b.toml", 1, "", "syntax"),
    ]


def test_load_raises_with_every_finding(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, SEVEN), {})
    assert len(caught.value.findings) == 7


def test_a_configuration_that_does_not_exist_is_a_finding(tmp_path: Path) -> None:
    _, found = check(tmp_path / "config.toml", {})
    assert [each.code for each in found] == ["unreadable"]


# --- mistakes do not hide or make others -------------------------------------------------------


def test_a_broken_main_file_hides_nothing_in_the_others(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            "config.toml": "x =\n",
            "rules/a.toml": RULES.replace("up == 0", "up =="),
            "notifiers/ops_log.toml": 'type = "lgo"\n',
        },
    )
    assert [(each.file, each.code) for each in found] == [
        ("config.toml", "syntax"),
        ("notifiers/ops_log.toml", "value"),
        ("rules/a.toml", "expression"),
    ]


@pytest.mark.parametrize("broken", ["x =\n", 'type = "lgo"\n', 'type = "email"\n', b"\xff"])
def test_a_broken_notifier_still_has_its_name(tmp_path: Path, broken: str | bytes) -> None:
    found = findings(tmp_path, {"notifiers/ops_log.toml": broken})
    assert {each.file for each in found} == {"notifiers/ops_log.toml"}


def test_a_broken_receiver_source_or_interval_is_known_all_the_same(tmp_path: Path) -> None:
    text = (
        '[sources.main]\nurl = 5\n[route]\nreceiver = "x"\nmute_time_intervals = ["n"]\n'
        '[[receivers]]\nname = "x"\nnotifiers = 5\n'
        '[[time_intervals]]\nname = "n"\ntime_intervals = 5\n'
    )
    rules = RULES.replace('"g"', '"g"\nsource = "main"')
    found = findings(tmp_path, {"config.toml": text, "rules/a.toml": rules})
    assert [(each.line, each.code) for each in found if each.severity is Severity.ERROR] == [
        (2, "type"),
        (8, "type"),
        (11, "type"),
    ]


def test_what_is_wrong_in_a_rule_is_found_beside_what_is_wrong_in_its_group(tmp_path: Path) -> None:
    rules = RULES.replace('name = "g"\n', 'interval = 5\nlimit = "x"\n').replace("up == 0", "up ==")
    found = findings(tmp_path, {"rules/a.toml": rules})
    assert [each.key for each in found] == [
        "groups[0].name",
        "groups[0].interval",
        "groups[0].limit",
        "groups[0].rules[0].expr",
    ]


def test_the_line_is_right_behind_a_table_that_was_taken_out(tmp_path: Path) -> None:
    text = MAIN + '[[route.routes]]\nroutes = [5, { receiver = "a" }]\n[[route.routes]]\nreceiver = "b"\n'
    found = findings(tmp_path, {"config.toml": text})
    assert [(each.line, each.key) for each in found if each.severity is Severity.ERROR] == [
        (7, "route.routes[0].routes[0]"),
        (7, "route.routes[0].routes[1].receiver"),
        (9, "route.routes[1].receiver"),
    ]


def test_a_mistake_in_defaults_is_found_once_however_many_inherit_it(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            "config.toml": MAIN + '[defaults.email]\nsmarthost = "a:b"\nsecurity = "tsl"\n',
            **{
                f"notifiers/mail{n}.toml": 'type = "email"\nfrom = "a@b.example"\nto = ["c@d.example"]\n'
                for n in range(3)
            },
        },
    )
    assert [(each.file, each.line, each.key) for each in found] == [
        ("config.toml", 7, "defaults.email.smarthost"),
        ("config.toml", 8, "defaults.email.security"),
    ]


# --- what comes out ----------------------------------------------------------------------------


def test_routes_inherit_what_they_do_not_say(tmp_path: Path) -> None:
    text = MAIN + (
        'group_by = ["a"]\ngroup_wait = "1s"\nrepeat_interval = ["1h", "2h"]\nmute_time_intervals = ["n"]\n'
        '[[route.routes]]\nmatchers = [\'b = "1"\', \'a = "2"\']\ngroup_interval = "1m"\n'
        '[[route.routes.routes]]\nmatchers = ["c=d"]\ngroup_by = []\nrepeat_interval = "5m"\n'
        "continue = true\n"
        '[[time_intervals]]\nname = "n"\n[[time_intervals.time_intervals]]\nweekdays = ["monday:friday"]\n'
    )
    made = config(tmp_path, {"config.toml": text})
    root, child, leaf = walk(made.route)
    assert [route.key for route in (root, child, leaf)] == [
        "{}",
        '{}/{a="2",b="1"}',
        '{}/{a="2",b="1"}/{c="d"}',
    ]
    assert [route.id for route in (root, child, leaf)] == [
        "{}",
        '{}/{a="2",b="1"}/0',
        '{}/{a="2",b="1"}/0/{c="d"}/0',
    ]
    assert (child.receiver, child.group_by, child.group_wait) == ("ops_log", ("a",), timedelta(seconds=1))
    assert (child.group_interval, root.group_interval) == (timedelta(minutes=1), timedelta(minutes=5))
    assert child.repeat_intervals == (timedelta(hours=1), timedelta(hours=2))
    assert leaf.repeat_intervals == (timedelta(minutes=5),)
    assert (leaf.group_by, leaf.continue_, leaf.group_interval) == ((), True, timedelta(minutes=1))
    assert (root.mute_time_intervals, child.mute_time_intervals) == (("n",), ())
    assert made.time_intervals["n"][0].weekdays == (Span(1, 5),)
    assert leaf.line == 13


def test_rules_get_what_their_group_and_the_evaluation_say(tmp_path: Path) -> None:
    text = MAIN.replace(
        "[route]",
        '[sources.other]\nurl = "http://127.0.0.1:9091"\n[evaluation]\ninterval = "30s"\n'
        "missing_evaluations = 1\nflap_after = 6\n[route]",
    )
    rules = (
        '[[groups]]\nname = "a/b"\nlimit = 3\nlabels = { team = "x", severity = "info" }\n'
        "missing_evaluations = 2\nflap_after = 0\n"
        '[[groups.rules]]\nalert = "A"\nexpr = \'up == 0\'\nlabels = { severity = "critical" }\nfor = "1m"\n'
        '[[groups.rules]]\nalert = "A"\nexpr = \'up == 1\'\nno_data = "alert"\n'
        "missing_evaluations = 4\nflap_after = 7\n"
        '[[groups]]\nname = "c"\nsource = "other"\ninterval = "5s"\n[[groups.rules]]\nalert = "B"\n'
        "expr = 'up'\n"
    )
    first, second = config(tmp_path, {"config.toml": text, "rules/a.toml": rules}).groups
    assert [rule.id for rule in first.rules] == ["a%2Fb/A", "a%2Fb/A/2"]
    assert first.rules[0].labels == {"team": "x", "severity": "critical"}
    assert first.rules[1].labels == {"team": "x", "severity": "info"}
    assert (first.interval, second.interval) == (timedelta(seconds=30), timedelta(seconds=5))
    assert (first.rules[0].source, second.rules[0].source) == ("main", "other")
    assert (first.rules[0].limit, first.rules[0].hold) == (3, timedelta(minutes=1))
    assert second.rules[0].missing_evaluations == 1
    assert second.rules[0].flapping == Flapping(6, timedelta(hours=1))
    assert [each.missing_evaluations for each in first.rules] == [2, 4]
    assert [each.flapping for each in first.rules] == [
        Flapping(0, timedelta(hours=1)),
        Flapping(7, timedelta(hours=1)),
    ]
    assert (first.rules[1].no_data, first.rules[1].line) == ("alert", 13)


def test_every_notifier_is_a_receiver_of_its_own_name(tmp_path: Path) -> None:
    text = MAIN + '[[receivers]]\nname = "team"\nnotifiers = ["ops_log", "b"]\n'
    made = config(tmp_path, {"config.toml": text, "notifiers/b.toml": LOG + "enabled = false\n"})
    assert made.receivers == {"ops_log": ("ops_log",), "b": ("b",), "team": ("ops_log", "b")}
    assert made.notifiers["b"].name == "b"
    assert not made.notifiers["b"].enabled


def test_inhibition_and_intervals_come_out_parsed(tmp_path: Path) -> None:
    text = MAIN + (
        '[[inhibit_rules]]\nsource_matchers = ["a=b"]\ntarget_matchers = ["c=~d.*"]\nequal = ["bot"]\n'
        '[[time_intervals]]\nname = "n"\n[[time_intervals.time_intervals]]\n'
        'times = [{ start_time = "09:30", end_time = "24:00" }]\ndays_of_month = [1, "-3:-1"]\n'
        'months = ["may:8", "december"]\nyears = ["2026:2027"]\nlocation = "Asia/Shanghai"\n'
    )
    made = config(tmp_path, {"config.toml": text})
    (rule,) = made.inhibit_rules
    assert (str(rule.source[0]), str(rule.target[0]), rule.equal) == ('a="b"', 'c=~"d.*"', ("bot",))
    ((interval,),) = made.time_intervals.values()
    assert interval.times == (TimeSpan(570, 1440),)
    assert interval.days_of_month == (Span(1, 1), Span(-3, -1))
    assert interval.months == (Span(5, 8), Span(12, 12))
    assert str(interval.location) == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("", "http://127.0.0.1:9097"),
        ('listen = "[::1]:1"', "http://[::1]:1"),
        ('listen = "0.0.0.0:80"\ninsecure = true', "http://localhost:80"),
        ('listen = ":80"\ninsecure = true', "http://localhost:80"),
        ('listen = "unix:/run/x.sock"', ""),
        ('external_url = "https://alerts.example.com/x/"', "https://alerts.example.com/x"),
    ],
)
def test_links_begin_with_the_address_at_which_we_are_reached(tmp_path: Path, server: str, url: str) -> None:
    made = config(tmp_path, {"config.toml": f"{MAIN}[server]\n{server}\n"})
    assert made.server.external_url == url


def test_a_token_opens_other_addresses_and_clear_text_is_a_warning(tmp_path: Path) -> None:
    token = f'[[tokens]]\nname = "a"\nrole = "read"\nhash = "sha256:{"0" * 64}"\n'
    (found,) = findings(tmp_path, {"config.toml": f'{MAIN}[server]\nlisten = "0.0.0.0:1"\n{token}'})
    assert (found.severity, found.key, found.code) == (Severity.WARNING, "server.listen", "insecure")
    assert "clear text" in found.what
    meant = f'{MAIN}[server]\nlisten = "0.0.0.0:1"\ninsecure = true\n{token}'
    assert findings(tmp_path, {"config.toml": meant}) == []


def test_notifiers_inherit_the_defaults_of_their_type_key_by_key(tmp_path: Path) -> None:
    defaults = (
        '[defaults.email]\nsmarthost = "a.example"\nfrom = "a@b.example"\npassword_env = "P"\n'
        'username = "u"\n'
        '[defaults.sms.gateway]\nprovider = "twilio"\naccount_sid = "AC"\nauth_token_env = "P"\n'
        'from = "+1500"\n'
    )
    mail = 'type = "email"\nto = ["c@d.example"]\n'
    made = config(
        tmp_path,
        {
            "config.toml": MAIN + defaults,
            "notifiers/m.toml": mail + 'smarthost = "b.example"\npassword = "own"\n',
            "notifiers/n.toml": mail,
            "notifiers/s.toml": 'type = "sms"\nto = ["+8613800138000"]\n[gateway]\nvalidity = "5m"\n',
        },
        {"P": "shared"},
    )
    m, n, s = (made.notifiers[name] for name in "mns")
    assert isinstance(m, EmailSettings)
    assert isinstance(n, EmailSettings)
    assert isinstance(s, SmsSettings)
    assert (m.smarthost, n.smarthost) == ("b.example", "a.example")
    assert m.password is not None
    assert n.password is not None
    assert (m.password.reveal(), n.password.reveal()) == ("own", "shared")
    assert s.gateway.provider == "twilio"


# --- secrets -----------------------------------------------------------------------------------


def dingtalk(folder: Path, text: str, environ: dict[str, str], **files: str) -> str:
    made = config(
        folder,
        {"notifiers/d.toml": f'type = "dingtalk"\nwebhook_url = "https://x.example/"\n{text}', **files},
        environ,
    )
    settings = made.notifiers["d"]
    assert isinstance(settings, DingTalkSettings)
    return settings.secret.reveal() if settings.secret else ""


def test_a_secret_is_found_wherever_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "d").write_text("from a file\r\n\n")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "dd").write_text("from systemd\n")
    for path in (tmp_path / "s/d", tmp_path / "credentials/dd"):
        path.chmod(0o600)
    environ = {"D": "from a variable", "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert dingtalk(tmp_path, 'secret = "as it is"\n', environ) == "as it is"
    assert dingtalk(tmp_path, 'secret_env = "D"\n', environ) == "from a variable"
    assert dingtalk(tmp_path, 'secret_file = "s/d"\n', environ) == "from a file"
    assert dingtalk(tmp_path, f'secret_file = "{tmp_path}/s/d"\n', environ) == "from a file"
    assert dingtalk(tmp_path, 'secret_file = "dd"\n', environ) == "from systemd"
    (tmp_path / "dd").write_text("beside the configuration")
    assert dingtalk(tmp_path, 'secret_file = "dd"\n', environ) == "beside the configuration"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"x" * 70_000, "larger"),
        (None, "not a file"),
    ],
)
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "secrets" / "d"
    path.parent.mkdir()
    if content is None:
        os.mkfifo(path)
    else:
        path.write_bytes(content)
    text = 'type = "dingtalk"\nwebhook_url = "https://x.example/"\nsecret_file = "secrets/d"\n'
    (found,) = findings(tmp_path, {"notifiers/d.toml": text})
    assert says in found.what
    assert (found.line, found.key, found.code) == (3, "secret_file", "secret")


def test_a_secret_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_text("x")
    text = 'type = "dingtalk"\nwebhook_url = "https://x.example/"\nsecret_file = "d"\n'
    for mode, expected in ((0o644, ["loose-secret"]), (0o640, []), (0o600, [])):
        path.chmod(mode)
        found = findings(tmp_path, {"notifiers/d.toml": text})
        assert [each.code for each in found] == expected
        assert all(each.severity is Severity.WARNING and each.line == 3 for each in found)


def test_a_disabled_notifier_needs_no_secrets_and_no_files(tmp_path: Path) -> None:
    text = (
        'type = "webhook"\nenabled = false\nurl_env = "NOPE"\nca_file = "nope"\nbearer_token_file = "nope"\n'
    )
    made = config(tmp_path, {"notifiers/w.toml": text})
    assert isinstance(made.notifiers["w"], WebhookSettings)


def test_files_of_settings_are_below_the_configuration(tmp_path: Path) -> None:
    text = 'type = "webhook"\nurl = "https://x.example/"\nca_file = "notifiers/ops_log.toml"\n'
    made = config(tmp_path, {"notifiers/w.toml": text})
    settings = made.notifiers["w"]
    assert isinstance(settings, WebhookSettings)
    assert settings.ca_file == tmp_path / "notifiers/ops_log.toml"


def test_no_secret_is_in_any_text_of_a_configuration(tmp_path: Path) -> None:
    files = {
        "config.toml": MAIN.replace('9090"', '9090"\nbearer_token = "S3CRET"'),
        "notifiers/w.toml": 'type = "webhook"\nurl = "https://x.example/S3CRET"\nsigning_secret = "S3CRET"\n',
        "notifiers/s.toml": 'type = "sms"\nto = ["+8613800138000"]\n[gateway]\nprovider = "http"\n'
        'url = "https://x.example/"\n[gateway.secrets]\nkey_env = "KEY"\n',
    }
    made = config(tmp_path, files, {"KEY": "S3CRET"})
    assert "S3CRET" not in f"{made!r} {made} {made.notifiers} {made.sources}"


# --- environment -------------------------------------------------------------------------------


def test_variables_win_over_the_file(tmp_path: Path) -> None:
    environ = {
        "HBALERT_SOURCES__MAIN__URL": "http://127.0.0.2:1",
        "HBALERT_SOURCES__MAIN__BEARER_TOKEN_ENV": "TOKEN",
        "HBALERT_SOURCES__MORE__URL": "http://127.0.0.3:1",
        "HBALERT_SERVER__LISTEN": "127.0.0.1:1",
        "HBALERT_SERVER__INSECURE": "true",
        "HBALERT_STORAGE__RETENTION": "1h",
        "HBALERT_ROUTE__GROUP_WAIT": "7s",
        "HBALERT_DEFAULTS__EMAIL__SMARTHOST": "mail.example",
        "HBALERT_CONFIG": "elsewhere",
        "TOKEN": "t",
    }
    text = MAIN.replace('9090"', '9090"\nbearer_token = "x"')
    mail = 'type = "email"\nfrom = "a@b.example"\nto = ["c@d.example"]\n'
    made = config(tmp_path, {"config.toml": text, "notifiers/m.toml": mail}, environ)
    assert list(made.sources) == ["main", "more"]
    main = made.sources["main"]
    assert main.url == "http://127.0.0.2:1"
    assert main.bearer_token is not None
    assert main.bearer_token.reveal() == "t"
    assert (made.server.listen, made.server.insecure) == ("127.0.0.1:1", True)
    assert made.storage.retention == timedelta(hours=1)
    assert made.route.group_wait == timedelta(seconds=7)
    settings = made.notifiers["m"]
    assert isinstance(settings, EmailSettings)
    assert settings.smarthost == "mail.example"


def test_a_variable_that_holds_a_secret_is_no_unknown_setting(tmp_path: Path) -> None:
    text = 'type = "dingtalk"\nwebhook_url_env = "HBALERT_DINGTALK_URL"\nenabled = {}\n'
    environ = {"HBALERT_DINGTALK_URL": "https://x.example/"}
    assert findings(tmp_path, {"notifiers/d.toml": text.format("true")}, environ) == []
    assert findings(tmp_path, {"notifiers/d.toml": text.format("false")}, environ) == []
    assert [each.code for each in findings(tmp_path, {"notifiers/d.toml": LOG}, environ)] == [
        "unknown-variable"
    ]


# --- single files ------------------------------------------------------------------------------


def codes(found: list[Finding]) -> list[str]:
    return [each.code for each in found]


def test_single_files_are_checked_without_a_configuration(tmp_path: Path) -> None:
    rules, notifier = tmp_path / "r.toml", tmp_path / "n.toml"
    rules.write_text(RULES.replace("up == 0", "up ==").replace('"g"', '"g"\nsource = "any"'))
    notifier.write_text('type = "dingtalk"\nwebhook_url_env = "NOPE"\ntimezone = "x"\n')
    assert codes(check_files([rules], None, {})) == ["expression"]
    assert codes(check_files([notifier], None, {})) == ["value"]
    assert codes(check_files([tmp_path / "nope.toml", tmp_path], None, {})) == ["unreadable", "unreadable"]


def test_single_files_are_checked_beside_the_configuration(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.toml": MAIN + "[server]\nlisten = 5\n", "rules/b.toml": "x =\n"})
    more = tmp_path / "more.toml"
    more.write_text(RULES.replace('"g"', '"g"\nsource = "mian"'))
    assert codes(check_files([tmp_path / "rules/b.toml"], path, {})) == ["syntax"]
    assert codes(check_files([tmp_path / "rules/a.toml"], path, {})) == []
    assert codes(check_files([more], path, {})) == ["duplicate", "unknown-source"]


# --- the hash ----------------------------------------------------------------------------------

ONE = {"notifiers/d.toml": 'type = "dingtalk"\nwebhook_url_env = "U"\n'}
URL = {"U": "https://x.example/1"}


@pytest.mark.parametrize(
    ("files", "environ", "same"),
    [
        pytest.param(ONE, URL, True, id="the same"),
        pytest.param({**ONE, "config.toml": "# c\n\n" + MAIN}, URL, True, id="a comment"),
        pytest.param(
            {**ONE, "config.toml": MAIN + '[storage]\nurl = "sqlite:///x.db"\n'}, URL, True, id="the store"
        ),
        pytest.param({**ONE, "rules/a.toml": RULES.replace("== 0", "== 1")}, URL, False, id="an expression"),
        pytest.param({**ONE, "rules/a.toml": RULES + 'for = "1m"\n'}, URL, False, id="a duration"),
        pytest.param({**ONE, "config.toml": MAIN + 'group_wait = "1s"\n'}, URL, False, id="a route"),
        pytest.param(ONE, {"U": "https://x.example/2"}, False, id="a secret"),
        pytest.param(
            {**ONE, "notifiers/ops_log.toml": LOG + 'language = "zh"\n'}, URL, False, id="a notifier"
        ),
    ],
)
def test_the_hash_changes_exactly_when_something_that_matters_does(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], same: bool
) -> None:
    before = config(tmp_path / "one", ONE, URL).hash
    after = config(tmp_path / "two", files, environ).hash
    assert (after == before) is same
    assert int(after, 16) >= 0


# --- whatever is written -----------------------------------------------------------------------

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = [
    CHECKOUT / "config.example.toml",
    *sorted((CHECKOUT / "rules").glob("*.toml")),
    *sorted((CHECKOUT / "notifiers").glob("*.toml")),
]
junk = st.recursive(
    st.one_of(
        st.integers(),
        st.floats(),
        st.booleans(),
        st.text(max_size=8),
        st.sampled_from(["5m", "x.toml", "a=b"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def survives(folder: Path, files: dict[str, str | bytes]) -> None:
    """No traceback; findings that print on one line each and name a place."""
    path = write(folder, files)
    made, found = check(path, {})
    assert (made is None) == any(each.severity is Severity.ERROR for each in found)
    assert all(each.file and each.what and each.line >= 0 for each in found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_example_with_any_line_changed_never_makes_a_traceback(tmp_path: Path, data: Any) -> None:
    source = data.draw(st.sampled_from(EXAMPLES))
    lines = source.read_text("utf-8").splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["drop", "twice", "cut", "swap", "uncomment", "noise"]))
        line = lines[at]
        other = data.draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = {
            "drop": [],
            "twice": [line, line],
            "cut": [line[: len(line) // 2]],
            "swap": [lines[other]],
            "uncomment": [line.lstrip("# ")],
            "noise": [
                line + data.draw(st.text(max_size=5, alphabet=st.characters(exclude_categories=["Cs"])))
            ],
        }[change]
        lines = lines or [""]
    name = {"config.example.toml": "config.toml"}.get(source.name, f"{source.parent.name}/{source.name}")
    survives(tmp_path, {name: "\n".join(lines)})


def toml(value: Any) -> str:
    import json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), repr(value))
    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from([*MainFile.model_fields, "groups", "type", "gateway", "to", "fallback"]),
    inner=st.sampled_from(
        ["", "main", "email", "routes", "matchers", "rules", "time_intervals", "name", "labels"]
    ),
    value=junk,
    file=st.sampled_from(["config.toml", "rules/a.toml", "notifiers/ops_log.toml"]),
)
def test_a_value_of_any_shape_anywhere_never_makes_a_traceback(
    tmp_path: Path, key: str, inner: str, value: Any, file: str
) -> None:
    nested = {inner: value} if inner else value
    shapes = [nested, [nested, {inner or "name": [nested]}]]
    for shape in shapes:
        text = f"{key} = {toml(shape)}\n"
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        survives(tmp_path, {file: text})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=80),
    file=st.sampled_from(["config.toml", "rules/a.toml", "notifiers/ops_log.toml"]),
)
def test_any_bytes_in_any_file_never_make_a_traceback(tmp_path: Path, content: bytes, file: str) -> None:
    survives(tmp_path, {file: content})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(alphabet="ABCDEFGHILMNORSTUV_", max_size=20).map(lambda name: f"HBALERT_{name}"),
        st.text(max_size=8),
        max_size=4,
    ),
    st.sampled_from(
        ["SERVER__LISTEN", "ROUTE__RECEIVER", "SOURCES__MAIN__TIMEOUT", "DEFAULTS__SMS__PER_MINUTE"]
    ),
    st.text(max_size=8),
)
def test_any_variable_never_makes_a_traceback(
    tmp_path: Path, environ: dict[str, str], name: str, value: str
) -> None:
    check(write(tmp_path, {}), {**environ, f"HBALERT_{name}": value})


def test_routes_with_equal_matchers_have_ids_of_their_own(tmp_path: Path) -> None:
    child = (
        '[[route.routes]]\nmatchers = ["a=b"]\ncontinue = true\n[[route.routes.routes]]\nmatchers = ["c=d"]\n'
    )
    made = config(tmp_path, {"config.toml": MAIN + child * 2})
    ids = [route.id for route in walk(made.route)]
    assert len(set(ids)) == len(ids) == 5
    keys = [route.key for route in walk(made.route)]
    assert keys[1:3] == keys[3:5]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(lambda path: path.mkdir(), "is a folder", id="a folder"),
        pytest.param(lambda path: path.symlink_to(path), "is a link to nothing", id="a link to itself"),
        pytest.param(lambda path: path.symlink_to("gone.toml"), "is a link to nothing", id="a dangling link"),
    ],
)
def test_what_is_named_like_a_notifier_and_is_no_file_is_a_finding(
    tmp_path: Path, make: Callable[[Path], None], what: str
) -> None:
    write(tmp_path, {})
    make(tmp_path / "notifiers" / "phone.toml")
    _, found = check(tmp_path / "config.toml", {})
    (finding,) = found
    assert finding.file.endswith("notifiers/phone.toml")
    assert finding.what.startswith(what)
    assert finding.severity is Severity.ERROR


def test_a_link_to_itself_that_is_asked_about_is_a_finding(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    found = check_files([loop], path, {})
    assert [each.severity for each in found] == [Severity.ERROR]
    assert found[0].file == str(loop)


def test_a_broken_main_file_is_not_held_against_notifiers_that_miss_its_defaults(tmp_path: Path) -> None:
    mail = 'type = "email"\nto = ["a@example.com"]\nsecurty = "tls"\n'
    found = findings(tmp_path, {"config.toml": "[server\n" + MAIN, "notifiers/mail.toml": mail})
    assert [(each.file, each.key, each.code) for each in found] == [
        ("config.toml", "", "syntax"),
        ("notifiers/mail.toml", "securty", "unknown-key"),
    ]
