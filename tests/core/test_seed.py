"""Seeding: a route edit tells nobody anything again."""

from dataclasses import replace

from hbalert.core.notification import LogEntry
from hbalert.core.seed import seed, told
from tests.core.say import t


def entry(group: str, notifier: str, firing: set[bytes], at: float, repeats: int = 0) -> LogEntry:
    return LogEntry(group, notifier, frozenset(firing), frozenset(), t(at), repeats)


def test_the_latest_entry_that_says_so_counts() -> None:
    old, new = entry("g1", "n", {b"A"}, 10), entry("g2", "n", {b"A"}, 20)
    assert told([new, old])[b"A"]["n"] is new
    assert told([old, new])[b"A"]["n"] is new


def test_a_new_group_begins_with_what_its_notifiers_were_told_elsewhere() -> None:
    before = told(
        [entry("g1", "n", {b"A"}, 10, repeats=2), entry("g2", "n", {b"B"}, 20), entry("g2", "m", {b"B"}, 5)]
    )
    assert seed("new", [b"A", b"B", b"C"], before) == [
        entry("new", "m", {b"B"}, 5),
        entry("new", "n", {b"A", b"B"}, 20),
    ]


def test_who_was_told_that_an_alert_flaps_is_not_told_again() -> None:
    before = replace(entry("g1", "n", {b"A", b"B"}, 10), flapping=frozenset({b"A", b"B"}))
    (fresh,) = seed("new", [b"A"], told([before]))
    assert fresh.firing == fresh.flapping == {b"A"}


def test_a_group_nobody_was_told_of_begins_empty() -> None:
    assert seed("new", [b"A"], told([])) == []
