"""`hbalert maintenance`, and silences in files, against a real API."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.daemon import Served


def rows(daemon: Served, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(daemon.run(*arguments, "-o", "json").stdout)["rows"]
    return found


def add(daemon: Served, *arguments: str, code: int = 0) -> str:
    return daemon.run("maintenance", "add", *arguments, code=code).output


NIGHTLY = (
    "nightly",
    "bot=b1",
    "--start",
    "23:30",
    "--end",
    "00:30",
    "--location",
    "Asia/Shanghai",
    "-m",
    "x",
)


def test_a_window_is_made_listed_shown_ahead_and_removed(daemon: Served) -> None:
    daemon.do(daemon.api.fire(alertname="Down", bot="b1"))
    said = daemon.run("maintenance", "add", *NIGHTLY, "--author", "li")
    assert said.stdout == "nightly\n"
    assert "23:30 +0800 to" in said.stderr
    (row,) = rows(daemon, "maintenance", "list")
    assert (row["name"], row["created_by"], row["from"]) == ("nightly", "li", "api")
    found = rows(daemon, "maintenance", "next", "-n", "3", "nightly")
    assert [datetime.fromisoformat(each["starts_at"]).strftime("%H:%M %z") for each in found] == [
        "23:30 +0800"
    ] * 3
    assert {each["matches"] for each in found} == {1}
    table = daemon.run("maintenance", "next").stdout.splitlines()
    assert table[0].split() == ["WINDOW", "BEGINS", "ENDS", "LOCATION", "HERE", "STATE", "MATCHES"]
    assert len(table) == 6
    assert "Asia/Shanghai" in daemon.run("maintenance", "list").stdout
    daemon.run("maintenance", "remove", "nightly")
    empty = daemon.run("maintenance", "list")
    assert (empty.stdout, empty.stderr) == ("", "No maintenance window.\n")


def test_cron_and_weekdays(daemon: Served) -> None:
    add(daemon, "weekly", "bot=b1", "--cron", "0 2 * * sun", "--for", "2h", "-m", "upgrade")
    add(
        daemon,
        "office",
        "bot=b2",
        "--start",
        "09:00",
        "--end",
        "17:00",
        "--weekdays",
        "monday:friday",
        "-m",
        "x",
    )
    when = {row["name"]: row["when"] for row in rows(daemon, "maintenance", "list")}
    assert when == {
        "weekly": "0 2 * * sun for 2:00:00 (UTC)",
        "office": "monday:friday 09:00-17:00 (UTC)",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["w", "a=b", "--cron", "0 2 * * *", "--for", "2h"], 2, "say why", id="no comment"),
        pytest.param(["w", "a", "--start", "1", "-m", "c"], 2, "is not a matcher", id="no matcher"),
        pytest.param(
            ["w", "a=b", "--cron", "0 2 * *", "--for", "2h", "-m", "c"], 5, "five fields", id="cron"
        ),
        pytest.param(["w", "a=b", "-m", "c"], 5, "not said when it comes", id="no calendar"),
        pytest.param(
            ["w", "a=b", "--start", "1:00", "--end", "02:00", "-m", "c"], 5, "'1:00' is not a time", id="time"
        ),
        pytest.param(
            ["w", "a=~.+", "--start", "01:00", "--end", "02:00", "-m", "c"], 5, "nearly every", id="broad"
        ),
    ],
)
def test_what_cannot_be_meant(daemon: Served, arguments: list[str], code: int, says: str) -> None:
    assert says in add(daemon, *arguments, code=code)
    assert rows(daemon, "maintenance", "list") == []


def test_a_window_that_is_not_there_is_exit_code_5(daemon: Served) -> None:
    for verb in ("remove", "next"):
        assert "no maintenance window 'x'" in daemon.run("maintenance", verb, "x", code=5).stderr


# --- silences in files -------------------------------------------------------------------------


def silence(daemon: Served, *arguments: str) -> str:
    return daemon.run("silence", "add", *arguments, "-m", "upgrade").stdout.strip()


def test_what_is_exported_is_imported_elsewhere_once(daemon: Served, tmp_path: Path) -> None:
    silence(daemon, "bot=b1", "--until", "resolved")
    silence(daemon, 'bot=~"b.*"', "--for", "2h")
    file = tmp_path / "silences.json"
    file.write_text(daemon.run("silence", "export").stdout)
    again = daemon.run("silence", "import", str(file))
    assert again.stderr == "2 unchanged.\n"
    entries = [{**each, "id": "", "comment": "copied"} for each in json.loads(file.read_text())]
    taken = daemon.run("silence", "import", "-", input=json.dumps(entries))
    assert taken.stderr == "2 added.\n"
    listed = rows(daemon, "silence", "list")
    copied = [each for each in listed if each["comment"] == "copied"]
    assert sorted(bool("annotations" in each) for each in copied) == [False, True]


def test_bad_entries_are_named_by_index_and_the_others_taken(daemon: Served) -> None:
    silence(daemon, "bot=b1", "--for", "2h")
    (good,) = json.loads(daemon.run("silence", "export").stdout)
    entries = [{"matchers": []}, {**good, "id": "", "comment": "copied"}, 7]
    result = daemon.run("silence", "import", input=json.dumps(entries), code=1)
    assert result.stderr == "1 added, 2 refused.\n"
    head, first, second, third = result.stdout.splitlines()
    assert head.split() == ["INDEX", "RESULT", "ID", "WHY"]
    assert "comment in body is required" in first
    assert second.split()[:2] == ["1", "added"]
    assert third.split()[:2] == ["2", "refused"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("{", "is no JSON", id="half a file"),
        pytest.param("7", "holds no list of silences", id="a number"),
        pytest.param('{"a": 1}', "holds no list of silences", id="an object"),
    ],
)
def test_a_file_that_is_none_is_wrong_usage(daemon: Served, text: str, says: str) -> None:
    assert says in daemon.run("silence", "import", input=text, code=2).stderr


def test_an_empty_file_is_fine(daemon: Served) -> None:
    assert daemon.run("silence", "import", input="[]").stderr == "Nothing to import.\n"
