"""[[maintenance]]: windows as they are written, in a file and alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hbalert.config.link_maintenance import read_window
from hbalert.core.interval import Span
from hbalert.core.maintenance import Recurrence
from hbalert.core.matcher import text
from hbalert.regex import compile_regex
from tests.config.folder import MAIN, config

WINDOWS = """\
[[maintenance]]
name = "exchange"
matchers = ['bot =~ "mm-.*"', 'env = "live"']
cron = "0 2 * * sun"
duration = "2h"
location = "Europe/Berlin"
comment = "weekly upgrade of the exchange"
created_by = "li"

[[maintenance]]
name = "night"
matchers = ['severity = "info"']
weekdays = ["monday:friday", "sunday"]
start_time = "22:00"
end_time = "06:00"
"""


def test_both_kinds_of_windows_are_read(tmp_path: Path) -> None:
    exchange, night = config(tmp_path, {"config.toml": MAIN + WINDOWS}).maintenance
    assert text(exchange.matchers) == '{bot=~"mm-.*",env="live"}'
    assert exchange.recurrence == Recurrence("Europe/Berlin", "0 2 * * sun", timedelta(hours=2))
    assert (exchange.comment, exchange.created_by) == ("weekly upgrade of the exchange", "li")
    weekly = Recurrence("UTC", weekdays=(Span(1, 5), Span(0, 0)), start=22 * 60, end=6 * 60)
    assert night.recurrence == weekly
    assert (night.comment, night.created_by) == ("maintenance window night", "config.toml")
    assert night.made_at is None


def test_the_hash_of_the_configuration_changes_with_a_window(tmp_path: Path) -> None:
    before = config(tmp_path, {"config.toml": MAIN + WINDOWS}).hash
    after = config(tmp_path, {"config.toml": MAIN + WINDOWS.replace("2h", "3h")}).hash
    assert before != after


NIGHT: dict[str, Any] = {"name": "n", "matchers": ["a=b"], "start_time": "22:00", "end_time": "06:00"}


def test_a_window_alone_is_read_like_one_in_a_file() -> None:
    window, found = read_window(NIGHT, compile_regex)
    assert found == []
    assert window is not None
    assert str(window.recurrence) == "daily 22:00-06:00 (UTC)"


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        pytest.param({"name": 5}, "name", "must be a text", id="a name that is a number"),
        pytest.param({"name": ""}, "name", "is missing", id="no name"),
        pytest.param({"matchers": "a=b"}, "matchers", "must be a list", id="matchers that are no list"),
        pytest.param({"matchers": ["a"]}, "matchers[0]", "is not a matcher", id="a matcher that is none"),
        pytest.param({"matchers": []}, "matchers", "at least one", id="no matchers"),
        pytest.param({"cronn": "x"}, "cronn", "there is no such key", id="a key misspelt"),
        pytest.param({"cron": None}, "cron", "must be a text", id="null"),
        pytest.param({"cron": {"a": []}}, "cron", "must be a text", id="a table for a text"),
        pytest.param({"location": "Nowhere"}, "location", "not a time zone", id="a place that is none"),
        pytest.param({"start_time": 7}, "start_time", "must be a text", id="a time that is a number"),
    ],
)
def test_what_is_wrong_with_it_names_the_key(change: dict[str, Any], key: str, says: str) -> None:
    window, found = read_window({**NIGHT, **change}, compile_regex)
    assert window is None
    assert [(each.key, says in each.what) for each in found] == [(key, True)]
