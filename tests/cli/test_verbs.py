"""`hbalert history`, `queue`, `alerts`, `status`, against a real API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.core.delivery import Outcome, Result
from hbalert.core.trouble import Trouble
from hbalert.units.troubles import happened
from hbalert.views import SourceView
from tests.api.test_hb import REFUSED, settle, told
from tests.cli.daemon import Served


@pytest.fixture
def dead(daemon: Served) -> str:
    """A delivery that was refused for good; its id."""
    daemon.do(told(daemon.api))
    return daemon.do(settle(daemon.api, REFUSED))


def test_history_has_the_gateway_s_words(daemon: Served, dead: str) -> None:
    head, line = daemon.run("history").stdout.splitlines()
    columns = ["AT", "NOTIFIER", "RESULT", "MS", "STATUS", "REASON", "ALERTS", "ANSWER", "DELIVERY"]
    assert head.split() == columns
    shown = ("mail", "permanent", "250.0", "firing", "first notification", "Down", "550 no such user")
    for part in (*shown, dead[:8]):
        assert part in line
    answer = json.loads(daemon.run("history", "-o", "json").stdout)
    assert answer["rows"][0]["tries"][0]["answer"] == "550 no such user"


def test_history_of_failures_leaves_out_what_was_accepted(daemon: Served) -> None:
    daemon.do(told(daemon.api))
    daemon.do(settle(daemon.api, Outcome(Result.SENT, "ok", "sent")))
    assert len(daemon.run("history").stdout.splitlines()) == 2
    result = daemon.run("history", "--failed")
    assert (result.stdout, result.stderr) == ("", "Nobody was told anything in this time.\n")


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--notifier", "mail"], 2),
        (["--notifier", "phone"], 0),
        (["--since", "1h"], 2),
        (["--until", "1h"], 0),
        (["--delivery", "zzz"], 0),
        (["--failed"], 2),
    ],
    ids=str,
)
def test_history_is_chosen_by_options(daemon: Served, dead: str, arguments: list[str], lines: int) -> None:
    assert len(daemon.run("history", *arguments).stdout.splitlines()) == lines


def test_history_since_shows_what_was_tried_since_for_something_older(daemon: Served) -> None:
    busy = Outcome(Result.TRANSIENT, "503 busy", "server")
    daemon.do(told(daemon.api))
    daemon.do(settle(daemon.api, busy))
    daemon.do(daemon.api.clock.advance(60))
    daemon.do(settle(daemon.api, busy))
    tried = daemon.api.now()
    assert len(daemon.run("history").stdout.splitlines()) == 3
    lately = (tried - timedelta(seconds=30)).isoformat()
    assert len(daemon.run("history", "--since", lately).stdout.splitlines()) == 2
    later = (tried + timedelta(seconds=30)).isoformat()
    assert daemon.run("history", "--since", later).stderr == "Nobody was told anything in this time.\n"


def test_history_since_no_time_is_wrong_usage(daemon: Served) -> None:
    assert "'soon' is not a time" in daemon.run("history", "--since", "soon", code=2).stderr


def test_the_queue_is_listed_and_a_dead_delivery_returns_to_it(daemon: Served, dead: str) -> None:
    assert daemon.run("queue", "list").stderr == "Nothing waits.\n"
    assert dead in daemon.run("queue", "retry", dead[:8]).stderr
    head, line = daemon.run("queue", "list").stdout.splitlines()
    assert head.split()[:3] == ["ID", "NOTIFIER", "STATE"]
    assert "queued" in line


def test_nothing_is_dropped_without_a_yes(daemon: Served) -> None:
    daemon.do(told(daemon.api))
    (row,) = json.loads(daemon.run("queue", "list", "-o", "json").stdout)["rows"]
    daemon.run("queue", "drop", row["id"], code=1, input="n\n")
    assert len(daemon.run("queue", "list").stdout.splitlines()) == 2
    daemon.run("queue", "drop", row["id"], "--yes")
    assert daemon.run("queue", "list").stdout == ""
    daemon.run("queue", "drop", row["id"], "--yes", code=5)


def test_alerts_are_listed_with_what_mutes_them(daemon: Served) -> None:
    daemon.do(daemon.api.fire(alertname="Down", bot="b1", severity="critical"))
    daemon.do(daemon.api.fire(alertname="Slow", bot="b2"))
    daemon.do(daemon.api.silence("bot=b2"))
    table = daemon.run("alerts", "list").stdout
    assert [line.split()[1] for line in sorted(table.splitlines()[1:], key=lambda line: "Slow" in line)] == [
        "active",
        "suppressed",
    ]
    assert len(daemon.run("alerts", "list", "bot=b2", "--state", "suppressed").stdout.splitlines()) == 2
    assert daemon.run("alerts", "list", "bot=b3").stderr == "Nothing fires.\n"
    (row,) = json.loads(daemon.run("alerts", "list", "--receiver", "oncall", "-o", "json").stdout)["rows"]
    assert row["labels"]["alertname"] == "Down"
    assert "bad matcher format" in daemon.run("alerts", "list", "bot", code=5).stderr


def test_the_timeline_tells_what_was_decided(daemon: Served, dead: str) -> None:
    (row,) = json.loads(daemon.run("alerts", "list", "-o", "json").stdout)["rows"]
    result = daemon.run("alerts", "timeline", row["fingerprint"][:8])
    assert "Down  bot=b1" in result.stderr
    assert "550 no such user" in result.stdout
    assert (
        len(json.loads(daemon.run("alerts", "timeline", row["fingerprint"], "-o", "json").stdout)["rows"]) > 1
    )
    daemon.run("alerts", "timeline", "ffffffff", code=5)


def test_the_status_is_one_screen_and_its_exit_code_tells(daemon: Served) -> None:
    daemon.api.sources.append(SourceView("main", True, daemon.api.now()))
    good = daemon.run("status")
    assert " healthy " in good.stdout
    assert "main" in good.stdout
    daemon.api.sources[:] = [SourceView("main", False, daemon.api.now(), "connection refused")]
    bad = daemon.run("status", code=1)
    assert "NOT HEALTHY" in bad.stdout
    assert "! source main does not answer: connection refused" in bad.stdout
    answer = json.loads(daemon.run("status", "-o", "json", code=1).stdout)
    assert (answer["schema"], answer["healthy"]) == (1, False)


def test_one_that_was_not_told_is_not_said_to_have_been_told(daemon: Served, dead: str) -> None:
    (row,) = json.loads(daemon.run("alerts", "list", "-o", "json").stdout)["rows"]
    for words in (("alerts", "show"), ("explain",)):
        told = daemon.run(*words, row["fingerprint"][:5]).stdout
        assert f"mail  was not told, given up: 550 no such user; `hbalert queue retry {dead[:8]}`" in told
        assert "hears it after" in told
        assert "was told at" not in told


def test_status_shows_when_each_notifier_last_got_through_and_what_else_is_wrong(daemon: Served) -> None:
    def last_sent() -> object:
        (shown,) = [
            each
            for each in json.loads(daemon.run("status", "-o", "json", code=0).stdout)["notifiers"]
            if each["name"] == "mail"
        ]
        return shown["last_sent_at"]

    daemon.do(told(daemon.api))
    assert last_sent() is None
    daemon.do(settle(daemon.api, Outcome(Result.SENT, "250 ok", "sent")))
    assert last_sent() is not None
    assert "healthy" in daemon.run("status", code=0).stdout
    lost = Trouble("HbalertStoreDamaged", "critical", {"repairs": "2 rows"})
    engine = daemon.api.engine
    daemon.do(engine.desk.work(lambda draft: engine.accept_into(draft, [happened(draft, lost, {})])))
    assert "! The store was damaged and has been repaired" in daemon.run("status", code=1).stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["import", "alertmanager", "{pipe}", "--dry-run"], 2, id="import alertmanager"),
        pytest.param(["import", "prometheus", "{pipe}", "--dry-run"], 2, id="import prometheus"),
        pytest.param(["rules", "test", "{pipe}"], 2, id="rules test"),
        pytest.param(["check", "{pipe}"], 2, id="check"),
    ],
)
def test_a_named_pipe_in_the_place_of_a_file_is_refused_at_once(
    tmp_path: Path, words: list[str], code: int
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = subprocess.run(
        [sys.executable, "-m", "hbalert", *(word.format(pipe=pipe) for word in words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code
    assert "no regular file" in done.stdout + done.stderr
