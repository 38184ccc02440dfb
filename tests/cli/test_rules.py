"""`hbalert rules`: what is listed, what one rule shows, and what it would do now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hbalert.cli.output import width
from hbalert.core.flap import Flapping, Flaps
from hbalert.core.labels import Labels
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup
from hbalert.health import RuleHealth
from hbalert.memory import Draft
from tests.cli.daemon import Served, run
from tests.config.folder import MAIN, write
from tests.fakes.query_api import Asked, QueryApi, Reply, error, query_api, vector

RULES = """
[[groups]]
name = "orders"
labels = { team = "trading" }
[[groups.rules]]
alert = "Slow"
expr = '0.5 < latency'
for = "2m"
missing_evaluations = 2
labels = { severity = "critical" }
[groups.rules.annotations]
summary = "{{ $labels.bot }} takes {{ $value }} s; {{ query `count(up)` | first | value }} are up"
[[groups.rules]]
alert = "SlowFills"
expr = 'fills == 0'
[[groups.rules]]
alert = "机器人停止"
expr = 'up == 0'
"""

ROUTES = """group_by = ["alertname"]
[[route.routes]]
matchers = ['severity = "critical"']
receiver = "phone"
"""
LATENCY = (
    ({"__name__": "latency", "bot": "a"}, "0.75"),
    ({"__name__": "latency", "bot": "b"}, "0.25"),
)


def answers(asked: Asked) -> Reply:
    """A source with two bots, of which one is slow. A batch is asked with one expression per label."""
    parts = {"0.5 < latency": LATENCY[:1], "(\nlatency\n)": LATENCY, "count(up)": (({}, "7"),)}
    found = []
    for part in asked.query.split("label_join("):
        tag = part.split(",")[-3].strip('"') if "__hbalert_rule__" in part else ""
        for expr, series in parts.items():
            if expr in part and not (expr == "(\nlatency\n)" and "0.5" in part):
                found += [
                    ({**labels, **({"__hbalert_rule__": tag} if tag else {})}, v) for labels, v in series
                ]
    return vector(*found)


@contextmanager
def source(daemon: Served, tmp_path: Path, answer: Any = answers) -> Iterator[QueryApi]:
    """A source, and a configuration in `tmp_path/conf` whose rules are evaluated on it."""
    opened = query_api(answer)
    api = daemon.do(opened.__aenter__())
    try:
        main = MAIN.replace("http://127.0.0.1:9090", api.url) + ROUTES
        files = {"config.toml": main, "rules/a.toml": RULES, "notifiers/phone.toml": 'type = "log"\n'}
        write(tmp_path / "conf", files)
        yield api
    finally:
        daemon.do(opened.__aexit__(None, None, None))


def groups() -> tuple[RuleGroup, ...]:
    rule = Rule("orders/Slow", "Slow", "0.5 < latency", "main", hold=timedelta(minutes=2))
    odd = Rule("orders/机器人停止", "机器人停止", "up == 0", "main", file="rules/a.toml", line=17)
    flapping = Flapping(5, timedelta(hours=1))
    fills = Rule("orders/SlowFills", "SlowFills", "fills == 0", "main", flapping=flapping)
    return (RuleGroup("orders", timedelta(seconds=15), (rule, fills, odd), file="rules/a.toml"),)


SLOW = Labels({"alertname": "Slow", "bot": "a", "severity": "critical", "team": "trading"})


def knows(daemon: Served, *rows: RuleAlert, **health: RuleHealth) -> None:
    """Gives the daemon the rules, alerts of them, and the health of some."""

    async def put() -> None:
        engine = daemon.api.engine
        await engine.reload(engine.config.model_copy(update={"groups": groups()}))
        for row in rows:
            await engine.desk.work(partial(Draft.put_rule_alert, row=row))

    daemon.do(put())
    daemon.api.rule_health.update({f"orders/{name}": each for name, each in health.items()})


def pending(daemon: Served, seconds: float) -> RuleAlert:
    since = daemon.api.now() - timedelta(seconds=seconds)
    return RuleAlert("orders/Slow", SLOW, RuleAlertState.PENDING, since, 0.75)


# --- list ---


def test_rules_are_listed_with_state_last_and_next_evaluation_and_error(daemon: Served) -> None:
    now = daemon.api.now()
    soon = now + timedelta(seconds=30)
    knows(
        daemon,
        pending(daemon, 30),
        Slow=RuleHealth(now, 0.012, 1, next_at=soon),
        SlowFills=RuleHealth(now, 0.012, error="no such\nfunction", next_at=soon),
    )
    heading, slow, fills, odd = daemon.run("rules", "list").stdout.splitlines()
    assert heading.split() == ["GROUP", "RULE", "STATE", "FIRING", "PENDING", "LAST", "TOOK", "NEXT", "ERROR"]
    assert slow.split()[:5] == ["orders", "Slow", "pending", "0", "1"]
    assert "12 ms" in slow
    assert "in 29s" in slow or "in 30s" in slow
    assert "no such function" in fills
    assert "not yet" in odd
    column = width(heading[: heading.index("STATE")])
    assert width(odd[: odd.index("inactive")]) == column, "aligned as a terminal shows it"


def test_a_listing_can_be_narrowed(daemon: Served) -> None:
    knows(daemon, pending(daemon, 30), SlowFills=RuleHealth(daemon.api.now(), 0.1, error="no"))

    def listed(*arguments: str) -> list[str]:
        rows = json.loads(daemon.run("rules", "list", "-o", "json", *arguments).stdout)["rows"]
        return [row["rule"] for row in rows]

    assert listed() == ["Slow", "SlowFills", "机器人停止"]
    assert listed("--state", "pending") == ["Slow"]
    assert listed("--failing") == ["SlowFills"]
    assert listed("SlowF", "机") == ["SlowFills", "机器人停止"]
    assert listed("--group", "other") == []
    lines = daemon.run("rules", "list", "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["pending", "inactive", "inactive"]


def test_without_rules_that_is_said(daemon: Served) -> None:
    assert daemon.run("rules", "list").stderr == "There are no rules.\n"
    assert daemon.run("rules", "list", "--failing").stderr == "There is no such rule.\n"


def test_without_a_daemon_the_exit_code_says_so() -> None:
    run("rules", "list", "--server", "http://127.0.0.1:9", code=4)


# --- show ---


def test_a_rule_is_shown_with_everything_that_is_known_of_its_alerts(daemon: Served) -> None:
    now = daemon.api.now()
    flaps = Flaps((now - timedelta(minutes=9),), now - timedelta(minutes=5))
    row = RuleAlert(
        "orders/SlowFills", Labels({"alertname": "SlowFills", "bot": "a"}), RuleAlertState.FIRING,
        now - timedelta(minutes=10), 0.0, {"summary": "no\x1b[31m fills"}, now - timedelta(minutes=9),
        flaps=flaps,
    )  # fmt: skip
    over = RuleAlert(
        "orders/SlowFills", Labels({"bot": "b"}), RuleAlertState.RESOLVED, now, 0.0, flaps=Flaps((now,))
    )
    knows(daemon, row, over, SlowFills=RuleHealth(now, 1.5, 1, warnings=("a store is away",), next_at=now))
    said = daemon.run("rules", "show", "SlowF").stdout
    for part in (
        "orders/SlowFills", "every 15s on main", "1 series in 1.5 s", "a store is away",
        "1 firing, 0 pending", "firing  ", "SlowFills  bot=a", "true since   ", "flaps since  ",
        "no\\u001b[31m fills",
        "1 more fired within the last 1h and resolved",
    ):  # fmt: skip
        assert part in said, said
    shown = json.loads(daemon.run("rules", "show", "orders/SlowFills", "-o", "json").stdout)
    assert [each["state"] for each in shown["alerts"]] == ["firing", "resolved"]


def test_a_name_that_several_rules_begin_with_is_refused_and_one_that_is_whole_is_not(daemon: Served) -> None:
    knows(daemon)
    assert "2 rules are called 'Slo'" in daemon.run("rules", "show", "Slo", code=5).stderr
    assert daemon.run("rules", "show", "Slow").stdout.startswith("orders/Slow\n")
    assert "there is no rule 'x'" in daemon.run("rules", "show", "x", code=5).stderr


# --- eval ---


def evaluated(daemon: Served, tmp_path: Path, *arguments: str, code: int = 0) -> Any:
    config = ("-c", str(tmp_path / "conf"))
    return daemon.run("rules", "eval", *arguments, *config, code=code)


def test_a_rule_is_evaluated_now_with_series_threshold_and_what_would_happen(
    daemon: Served, tmp_path: Path
) -> None:
    with source(daemon, tmp_path):
        result = evaluated(daemon, tmp_path, "Slow", "--offline")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("orders/Slow  ")
    assert lines[0].endswith("rules/a.toml:6")
    assert "  threshold    > 0.5" in lines
    assert '0.75   HOLDS  latency{bot="a"}' in lines
    assert '0.25   -      latency{bot="b"}' in lines
    (verdict,) = [line for line in lines if line.startswith("would")]
    assert verdict.startswith("would be pending, and fire at 20")
    assert "  summary      a takes 0.75 s; 7 are up" in lines
    assert "  labels       Slow  bot=a, severity=critical, team=trading" in lines
    assert "  told         phone (phone)" in lines


def test_what_the_daemon_knows_counts(daemon: Served, tmp_path: Path) -> None:
    knows(daemon, pending(daemon, 300))
    with source(daemon, tmp_path):
        found = json.loads(evaluated(daemon, tmp_path, "Slow", "-o", "json").stdout)
    (alert,) = found["alerts"]
    assert (alert["state_before"], alert["state"], alert["verdict"]) == (
        "pending",
        "firing",
        "would fire now",
    )
    assert found["threshold"] == {"is": ">", "bound": "0.5"}
    assert [each["holds"] for each in found["series"]] == [True, False]


def test_an_alert_that_would_end_is_shown_too(daemon: Served, tmp_path: Path) -> None:
    knows(daemon, pending(daemon, 30))
    with source(daemon, tmp_path, lambda asked: vector()):
        said = evaluated(daemon, tmp_path, "Slow").stdout
    assert "would be forgotten: it is not true any more\n" in said


def test_without_a_daemon_nothing_was_seen_before_and_that_is_said(daemon: Served, tmp_path: Path) -> None:
    with source(daemon, tmp_path):
        nobody = ("-c", str(tmp_path / "conf"), "--server", "http://127.0.0.1:9")
        result = run("rules", "eval", "Slow", *nobody)
    assert result.stderr.startswith("as if nothing had been seen before: ")
    assert "would be pending" in result.stdout


def test_the_past_is_evaluated_as_of_then(daemon: Served, tmp_path: Path) -> None:
    with source(daemon, tmp_path) as api:
        evaluated(daemon, tmp_path, "Slow", "--at", "2026-01-01T00:00:00Z")
    assert {asked.time for asked in api.asked} == {1767225600.0}


@pytest.mark.parametrize(
    ("reply", "code", "says"),
    [
        pytest.param(error(422, "execution", "many-to-many"), 2, "rules/a.toml:6: orders/Slow", id="refused"),
        pytest.param(Reply(500, b"<html>"), 1, "keeps the rule's alerts as they are", id="it fails"),
        pytest.param(Reply(200, b"<html>"), 1, "keeps the rule's alerts as they are", id="HTML"),
        pytest.param(Reply(drop=True), 1, "keeps the rule's alerts as they are", id="it hangs up"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_says_why(
    daemon: Served, tmp_path: Path, reply: Reply, code: int, says: str
) -> None:
    with source(daemon, tmp_path, lambda asked: reply):
        result = evaluated(daemon, tmp_path, "Slow", "--offline", code=code)
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("Slwo", 'did you mean "Slow"?', id="a slip of the pen"),
        pytest.param("orders/Slo", "2 rules are called", id="not unique"),
    ],
)
def test_a_rule_that_is_not_there_is_named(daemon: Served, tmp_path: Path, name: str, says: str) -> None:
    with source(daemon, tmp_path):
        assert says in evaluated(daemon, tmp_path, name, "--offline", code=2).stderr
