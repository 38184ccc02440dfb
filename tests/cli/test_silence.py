"""`hbalert silence`, against a real API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.daemon import Served


def silences(daemon: Served, *arguments: str) -> list[dict[str, Any]]:
    answer = json.loads(daemon.run("silence", "list", "-o", "json", *arguments).stdout)
    assert answer["schema"] == 1
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def add(daemon: Served, *arguments: str) -> str:
    return daemon.run("silence", "add", *arguments, "-m", "upgrade").stdout.strip()


def test_a_silence_says_what_it_matches_before_it_is_made(daemon: Served) -> None:
    for bot in ("b1", "b2"):
        daemon.do(daemon.api.fire(alertname="Down", bot=bot))
    result = daemon.run(
        "silence", "add", "bot=b1", "--for", "2h", "-m", "exchange maintenance", "--author", "li"
    )
    assert result.stderr.splitlines()[:2] == [
        '{bot="b1"} matches 1 of 2 alerts that fire now.',
        "  Down  bot=b1",
    ]
    (row,) = silences(daemon)
    assert result.stdout.strip() == row["id"]
    assert (row["comment"], row["createdBy"], row["status"]["state"]) == (
        "exchange maintenance",
        "li",
        "active",
    )
    lasts = datetime.fromisoformat(row["endsAt"]) - datetime.now(UTC)
    assert timedelta(minutes=118) < lasts <= timedelta(hours=2)


def test_a_silence_may_begin_later(daemon: Served) -> None:
    add(daemon, "a=b", "--from", "1h", "--for", "2h")
    (row,) = silences(daemon)
    assert row["status"]["state"] == "pending"
    lasts = datetime.fromisoformat(row["endsAt"]) - datetime.fromisoformat(row["startsAt"])
    assert lasts == timedelta(hours=2)


def test_matchers_of_all_kinds_arrive_as_they_are(daemon: Served) -> None:
    add(daemon, "alertname=~Humming.*", "env!=dev", 'pair!~"BTC|ETH"', "bot=b 1", "--for", "1h")
    (row,) = silences(daemon)
    assert row["matchers"] == [
        {"name": "alertname", "value": "Humming.*", "isRegex": True, "isEqual": True},
        {"name": "env", "value": "dev", "isRegex": False, "isEqual": False},
        {"name": "pair", "value": "BTC|ETH", "isRegex": True, "isEqual": False},
        {"name": "bot", "value": "b 1", "isRegex": False, "isEqual": True},
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["a=b", "--for", "1h"], "say why", id="no comment"),
        pytest.param(["a=b", "--for", "1h", "-m", "  "], "say why", id="an empty comment"),
        pytest.param(["a=b", "-m", "c"], "say how long", id="no end"),
        pytest.param(
            ["a=b", "--for", "1h", "--until", "18:00", "-m", "c"], "give one of them", id="two ends"
        ),
        pytest.param(["a=b", "--for", "soon", "-m", "c"], "'soon' is not a duration", id="no duration"),
        pytest.param(["a=b", "--for", "0s", "-m", "c"], "longer than none", id="no time at all"),
        pytest.param(["a=b", "--for", "9999999d", "-m", "c"], "too long", id="for ever and longer"),
        pytest.param(["a=b", "--until", "2020-01-01", "-m", "c"], "already past", id="past"),
        pytest.param(["a", "--for", "1h", "-m", "c"], "is not a matcher", id="no matcher"),
        pytest.param(["a=~(", "--for", "1h", "-m", "c"], "is not a valid regular expression", id="pattern"),
        pytest.param(["alertname=~.+", "--for", "1h", "-m", "c"], "nearly every alert", id="everything"),
        pytest.param(["env!=dev", "--for", "1h", "-m", "c"], "say --yes", id="all but one"),
    ],
)
def test_what_is_not_meant_is_refused_before_the_daemon_hears_of_it(
    daemon: Served, arguments: list[str], says: str
) -> None:
    result = daemon.run("silence", "add", *arguments, code=2)
    assert says in result.stderr
    assert silences(daemon, "--expired") == []


def test_a_broad_silence_is_made_when_it_is_meant(daemon: Served) -> None:
    add(daemon, "alertname=~.+", "--for", "1h", "--yes")
    assert len(silences(daemon)) == 1


def test_what_the_daemon_refuses_is_exit_code_5(daemon: Served) -> None:
    result = daemon.run("silence", "add", "a=~.*", "--for", "1h", "-m", "c", "--yes", code=5)
    assert "at least one must not match the empty string" in result.stderr


def test_a_silence_ends_by_the_beginning_of_its_id(daemon: Served) -> None:
    identity = add(daemon, "a=b", "--for", "1h")
    result = daemon.run("silence", "expire", identity[:8])
    assert identity in result.stderr
    assert silences(daemon) == []
    (row,) = silences(daemon, "--expired")
    assert row["status"]["state"] == "expired"


def test_an_unknown_id_is_exit_code_5(daemon: Served) -> None:
    assert "there is no silence 'nope'" in daemon.run("silence", "expire", "nope", code=5).stderr


def test_an_update_of_the_end_keeps_the_id(daemon: Served) -> None:
    identity = add(daemon, "a=b", "--for", "1h")
    result = daemon.run("silence", "update", identity[:6], "--for", "5h", "-m", "it takes longer")
    assert result.stdout.strip() == identity
    (row,) = silences(daemon)
    assert row["comment"] == "it takes longer"
    assert datetime.fromisoformat(row["endsAt"]) > datetime.now(UTC) + timedelta(hours=4)


def test_an_update_that_changes_nothing_is_wrong_usage(daemon: Served) -> None:
    identity = add(daemon, "a=b", "--for", "1h")
    assert "say what to change" in daemon.run("silence", "update", identity, code=2).stderr


def test_the_table_is_aligned_also_with_chinese_in_it(daemon: Served) -> None:
    add(daemon, "bot=机器人", "--for", "1h", "--author", "李")
    add(daemon, "bot=b2", "--for", "2h", "--author", "li")
    head, first, second = daemon.run("silence", "list").stdout.splitlines()
    assert head.split() == ["ID", "STATE", "MATCHERS", "ENDS", "LEFT", "BY", "COMMENT"]
    assert 'bot="机器人"' in first
    column = head.index("ENDS")
    assert second[column - 1] == " "
    assert second[column : column + 4].isdigit()
    assert first[column - 3 : column + 1].isdigit()  # three wide characters: three fewer in front


def test_an_empty_list_is_no_data_and_one_sentence(daemon: Served) -> None:
    result = daemon.run("silence", "list")
    assert (result.stdout, result.stderr) == ("", "No silence.\n")
    assert daemon.run("silence", "list", "-o", "jsonl").stdout == ""


def test_a_dry_run_only_shows_what_would_match(daemon: Served) -> None:
    daemon.do(daemon.api.fire(alertname="Down", bot="b1"))
    result = daemon.run("silence", "add", "bot=b1", "--for", "2h", "--dry-run")
    assert result.stderr.splitlines() == [
        '{bot="b1"} matches 1 of 1 alerts that fire now.',
        "  Down  bot=b1",
        "Nothing was silenced: --dry-run.",
    ]
    assert silences(daemon, "--expired") == []
    shown = json.loads(
        daemon.run("silence", "add", "bot=~.+", "--for", "2h", "--dry-run", "-o", "json").stdout
    )
    assert (shown["schema"], shown["matches"], shown["broad"]) == (1, 1, True)


def test_many_alerts_are_counted_and_some_are_named(daemon: Served) -> None:
    for number in range(12):
        daemon.do(daemon.api.fire(alertname="Down", bot="b1", n=str(number)))
    result = daemon.run("silence", "add", "bot=b1", "--for", "800h", "-m", "c")
    assert "  ... and 2 more" in result.stderr
    assert "Note: it matches all 12 alerts that fire now.\nNote: it lasts 33 days.\n" in result.stderr


def test_until_resolved_ends_with_what_it_matches_and_after_a_day_at_the_latest(daemon: Served) -> None:
    identity = add(daemon, "bot=b1", "--until", "resolved")
    (row,) = silences(daemon)
    assert row["annotations"] == {"until": "resolved"}
    lasts = datetime.fromisoformat(row["endsAt"]) - datetime.fromisoformat(row["startsAt"])
    assert timedelta(hours=23) < lasts < timedelta(hours=25)
    assert " or resolved" in daemon.run("silence", "list").stdout
    assert "or until all that it matches has resolved" in daemon.run("silence", "show", identity[:6]).stdout
    daemon.do(daemon.api.fire(alertname="Down", bot="b1"))
    daemon.do(daemon.api.alerts({"labels": {"alertname": "Down", "bot": "b1"}, "endsAt": daemon.api.at(0)}))
    assert silences(daemon) == []


def test_until_resolved_takes_a_latest_end(daemon: Served) -> None:
    add(daemon, "bot=b1", "--until", "resolved", "--for", "2h")
    (row,) = silences(daemon)
    lasts = datetime.fromisoformat(row["endsAt"]) - datetime.fromisoformat(row["startsAt"])
    assert lasts < timedelta(hours=3)


def test_an_update_makes_it_last_until_resolved_and_a_time_makes_it_end_then(daemon: Served) -> None:
    identity = add(daemon, "bot=b1", "--for", "2h")
    daemon.run("silence", "update", identity, "--until", "resolved")
    assert silences(daemon)[0]["annotations"] == {"until": "resolved"}
    daemon.run("silence", "update", identity, "--for", "5h")
    assert silences(daemon)[0]["annotations"] == {"until": "resolved"}
    daemon.run("silence", "update", identity, "--until", "1h")
    (row,) = silences(daemon)
    assert (row["id"], "annotations" in row) == (identity, False)


def test_those_that_end_soon(daemon: Served) -> None:
    add(daemon, "bot=b1", "--for", "1h")
    add(daemon, "bot=b2", "--for", "5h")
    ended = add(daemon, "bot=b3", "--for", "5h")
    daemon.run("silence", "expire", ended)
    assert len(silences(daemon, "--within", "2h")) == 1
    assert len(silences(daemon, "--within", "2h", "--expired")) == 2


def test_one_is_shown_with_what_it_silences(daemon: Served) -> None:
    daemon.do(daemon.api.fire(alertname="Down", bot="b1"))
    identity = add(daemon, "bot=b1", "--for", "1h", "--author", "li")
    lines = daemon.run("silence", "show", identity[:8]).stdout.splitlines()
    assert lines[0] == f"{identity} (active)"
    assert lines[1:3][0] == '  matchers  bot="b1"'
    assert lines[-2:] == ["It matches 1 of 1 alerts that fire now.", "  Down  bot=b1"]
    assert json.loads(daemon.run("silence", "show", identity, "-o", "json").stdout)["author"] == "li"
    assert "there is no silence 'nope'" in daemon.run("silence", "show", "nope", code=5).stderr
