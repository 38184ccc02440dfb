"""Silences in the units of work: until resolved, bounds, files, a word before the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hbalert.core.alert import Alert
from hbalert.core.matcher import Matcher
from hbalert.core.silence import Bounds, Silence
from hbalert.table import Table
from hbalert.units import silences
from hbalert.units.endings import endings
from hbalert.units.own import Own
from hbalert.units.silences import Imported, Result
from tests.core.say import fires, m, s, t
from tests.units.stage import Stage

A, B, C = "alertname=Down bot=a", "alertname=Down bot=b", "alertname=Slow bot=c"
WIDE = Bounds(100, 1000)


def asked(
    matcher: Matcher, start: float = 0, end: float = 10_000, *, lasting: bool = False, name: str = ""
) -> Silence:
    more = {"until": "resolved"} if lasting else {}
    return Silence(name, (matcher,), t(start), t(end), "li", "why", t(start), more)


def put(stage: Stage, silence: Silence, name: str = "s1", bounds: Bounds = WIDE) -> str:
    return stage.work(lambda draft: silences.put(draft, silence, None, name, bounds))[0]


def active(stage: Stage) -> list[str]:
    return [each.id for each in stage.memory.silences.values() if each.starts_at <= stage.now < each.ends_at]


# --- until resolved ----------------------------------------------------------------------------


def test_a_silence_until_resolved_ends_with_the_last_alert_that_it_matches() -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires(B, 0), fires(C, 0))
    put(stage, asked(m("alertname=Down"), lasting=True))
    stage.at(100).reports(fires(A, 0, 100, at=100))
    assert active(stage) == ["s1"]
    changes = stage.at(200).reports(fires(B, 0, 200, at=200))
    assert active(stage) == []
    assert changes.silences["s1"] == stage.memory.silences.get("s1"), "in the same unit of work"
    (line,) = [note for note in changes.notes if note.kind == "unsilenced"]
    assert line.text == "silence s1 of li has ended: all it matches has resolved"
    assert line.alert_key == fires(B).labels.key
    assert len(stage.memory.lasting) == 0


def test_it_waits_for_trouble_that_has_not_come_yet() -> None:
    stage = Stage()
    put(stage, asked(m("alertname=Down"), lasting=True))
    stage.reports(fires(C, 0))
    stage.at(50).reports(fires(C, 0, 50, at=50))
    assert active(stage) == ["s1"]


def test_two_ends_in_one_post_end_it() -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires(B, 0))
    put(stage, asked(m("alertname=Down"), lasting=True))
    stage.at(10).reports(fires(A, 0, 10, at=10), fires(B, 0, 10, at=10))
    assert active(stage) == []


def test_whoever_was_told_hears_of_the_end_at_once() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    stage.at(30).flush()
    stage.send()
    put(stage.at(40), asked(m("bot=a"), 40, lasting=True))
    stage.at(100).reports(fires(A, 0, 100, at=100))
    assert stage.flush() == 1
    assert stage.send() == ["all alerts resolved: a resolved"]


def test_what_fires_again_is_heard() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    put(stage, asked(m("bot=a"), lasting=True))
    stage.at(10).reports(fires(A, 0, 10, at=10))
    stage.at(20).reports(fires(A, 20))
    stage.at(60).flush()
    assert stage.send() == ["first notification: a firing"]


def test_an_end_by_the_clock_is_noticed_at_the_latest_when_the_alert_leaves_its_group() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, 20))
    put(stage, asked(m("bot=a"), lasting=True))
    stage.at(30).flush()
    assert len(stage.memory.alerts) == 0
    assert active(stage) == []


def test_one_made_ahead_does_not_end_with_what_had_resolved_before_it_was_made() -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires(B, 0, 50))
    stage.at(30).flush()
    stage.send()
    stage.at(40).reports(fires(A, 0, 40, at=40))
    put(stage.at(60), asked(m("alertname=Down"), 60, lasting=True))
    stage.at(330).flush()
    assert len(stage.memory.alerts) == 0, "both have left their group by now"
    assert active(stage) == ["s1"]


def test_a_silence_that_is_changed_to_last_until_resolved_does() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    put(stage, asked(m("bot=a")))
    changed = asked(m("bot=a"), lasting=True)
    stage.at(5).work(lambda draft: silences.put(draft, changed, "s1", "s2"))
    stage.at(10).reports(fires(A, 0, 10, at=10))
    assert active(stage) == []


def test_a_pending_silence_that_is_moved_to_now_begins_in_the_timeline() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    put(stage, asked(m("bot=a"), 100))
    stage.at(50).work(lambda draft: silences.put(draft, asked(m("bot=a"), 50), "s1", "s2"))
    assert active(stage) == ["s1"]
    assert [note.kind for note in stage.notes] == ["firing", "silenced"]


def test_one_that_had_ended_does_not_end_again_when_it_is_made_anew() -> None:
    stage = Stage()
    stage.reports(fires(A, 0))
    put(stage, asked(m("bot=a"), end=50))
    stage.at(60).work(lambda draft: silences.put(draft, asked(m("bot=a"), 60), "s1", "s2"))
    assert [note.kind for note in stage.notes] == ["firing", "silenced", "silenced"]


# --- many at once ------------------------------------------------------------------------------


class Counted(Table[bytes, Alert]):
    """The alerts, and how often somebody has gone through all of them."""

    passes = 0

    def items(self) -> Iterator[tuple[bytes, Alert]]:
        self.passes += 1
        return super().items()


@pytest.mark.parametrize("number", [1, 50])
def test_alerts_are_gone_through_once_however_many_silences_begin_or_end(number: int) -> None:
    stage = Stage()
    stage.memory.alerts = alerts = Counted()
    stage.reports(fires(A, 0), fires(B, 0))
    stage.at(30).flush()
    alerts.passes = 0
    posted = [asked(m(f"bot={name}"), 30, 100) for name in ["a", *map(str, range(1, number))]]
    names = [f"s{place}" for place in range(number)]
    stage.work(lambda draft: silences.bring_in(draft, posted, names, WIDE))
    assert len(active(stage)) == number
    assert alerts.passes == 1
    stage.at(100).work(lambda draft: silences.over(draft, list(draft.silences.values())))
    assert alerts.passes == 3, "once for the timelines, once for the groups"
    said = [note.text for note in stage.notes if note.kind in ("silenced", "unsilenced")]
    assert [text.split(" has ")[0] for text in said] == ["silence s0 of li"] * 2


@pytest.mark.parametrize(
    ("matchers", "covered"),
    [
        pytest.param("alertname=Down", {A, B}, id="an equality"),
        pytest.param("alertname=Down bot=a", {A}, id="two of them"),
        pytest.param("name=Down", set(), id="a name that another one ends with"),
        pytest.param("bot=~a|c", {A, C}, id="a pattern alone"),
        pytest.param("bot=~a|c alertname=Slow", {C}, id="a pattern and an equality"),
        pytest.param("site= bot!=a", {B, C}, id="a label that is not there"),
        pytest.param("", {A, B, C}, id="no matcher at all"),
    ],
)
def test_the_timelines_of_what_it_covers_hear_of_one_silence(matchers: str, covered: set[str]) -> None:
    stage = Stage()
    stage.reports(fires(A, 0), fires(B, 0), fires(C, 0))
    silence = replace(asked(m("a=b")), id="s1", matchers=tuple(map(m, matchers.split())))
    stage.work(lambda draft: silences.begun(draft, [silence]))
    said = [note.alert_key for note in stage.notes if note.kind == "silenced"]
    assert sorted(said) == sorted(fires(labels).labels.key for labels in covered)


def test_of_two_alike_in_a_file_the_second_changes_nothing() -> None:
    stage = Stage()
    twice = [asked(m("bot=a")), asked(m("bot=a"))]
    found = stage.work(lambda draft: silences.bring_in(draft, twice, ["s1", "s2"], WIDE))[0]
    assert found == [Imported(Result.ADDED, "s1"), Imported(Result.UNCHANGED, "s1")]


def test_a_file_stops_at_the_limit() -> None:
    stage = Stage()
    posted = [asked(m(f"bot={name}")) for name in "abc"]
    names = ["s1", "s2", "s3"]
    found = stage.work(lambda draft: silences.bring_in(draft, posted, names, Bounds(2, 1000)))[0]
    assert [each.result for each in found] == [Result.ADDED, Result.ADDED, Result.REFUSED]


# --- bounds ------------------------------------------------------------------------------------


def test_one_silence_too_many_is_refused_by_the_name_of_the_limit() -> None:
    stage = Stage()
    put(stage, asked(m("bot=a"), 0, 50), "s1", Bounds(2, 1000))
    put(stage, asked(m("bot=b")), "s2", Bounds(2, 1000))
    stage.at(60)
    with pytest.raises(ValueError, match=r"silences.limit = 2 are kept already; ended ones count"):
        put(stage, asked(m("bot=c"), 60), "s3", Bounds(2, 1000))
    assert sorted(each.id for each in stage.memory.silences.values()) == ["s1", "s2"]


def test_a_change_in_place_is_none_too_many_but_a_replacement_is_and_leaves_the_old_one_active() -> None:
    stage = Stage()
    put(stage, asked(m("bot=a")), "s1", Bounds(1, 1000))
    longer = asked(m("bot=a"), 0, 20_000)
    assert (
        stage.at(10).work(lambda draft: silences.put(draft, longer, "s1", "s2", Bounds(1, 1000)))[0] == "s1"
    )
    with pytest.raises(ValueError, match=r"silences.limit"):
        stage.work(lambda draft: silences.put(draft, asked(m("bot=b")), "s1", "s2", Bounds(1, 1000)))
    assert active(stage) == ["s1"]


def test_a_silence_that_is_too_large_is_refused_with_its_size() -> None:
    stage = Stage()
    put(stage, asked(m("bot=a")), "s1")
    large = replace(asked(m("bot=a")), comment="x" * 1000)
    with pytest.raises(ValueError, match=r"have 1007 bytes, more than silences.max_bytes = 1000"):
        stage.work(lambda draft: silences.put(draft, large, "s1", "s2", WIDE))
    kept = stage.memory.silences.get("s1")
    assert kept is not None
    assert kept.comment == "why"


# --- files -------------------------------------------------------------------------------------


def bring_in(stage: Stage, silence: Silence, bounds: Bounds = WIDE) -> Imported:
    return stage.work(lambda draft: silences.bring_in(draft, [silence], ["new"], bounds))[0][0]


def test_a_file_is_taken_once_however_often_it_is_read() -> None:
    stage = Stage().at(10)
    posted = asked(m("bot=a"), 0, 100, name="id of another machine")
    assert bring_in(stage, posted) == Imported(Result.ADDED, "new")
    assert bring_in(stage.at(20), posted) == Imported(Result.UNCHANGED, "new")
    assert len(stage.memory.silences) == 1


@pytest.mark.parametrize(
    ("change", "now", "expected"),
    [
        pytest.param({}, 10, Imported(Result.UNCHANGED, "s1"), id="as it is"),
        pytest.param({"ends_at": t(200)}, 10, Imported(Result.UPDATED, "s1"), id="another end: in place"),
        pytest.param(
            {"matchers": (m("bot=b"),)}, 10, Imported(Result.UPDATED, "new"), id="others: a new one"
        ),
        pytest.param({}, 110, Imported(Result.ENDED), id="its end is past"),
        pytest.param({"ends_at": t(200)}, 110, Imported(Result.UPDATED, "new"), id="ours has ended"),
    ],
)
def test_one_whose_id_is_known(change: dict[str, object], now: float, expected: Imported) -> None:
    stage = Stage()
    put(stage, asked(m("bot=a"), 0, 100))
    posted = replace(asked(m("bot=a"), 0, 100, name="s1"), **change)  # type: ignore[arg-type]
    assert bring_in(stage.at(now), posted) == expected


def test_one_that_cannot_be_accepted_says_why() -> None:
    found = bring_in(Stage(), replace(asked(m("bot=a")), matchers=()))
    assert found == Imported(Result.REFUSED, why="matchers: at least one is required")


# --- a word before the end ---------------------------------------------------------------------

OWN = Own({"site": "home"})
NOTICE = s(600)


def look(stage: Stage, now: float, notice: timedelta = NOTICE) -> list[str]:
    """Plays the chore; returns the alerts about silences that fire then."""
    stage.at(now)
    reports = stage.work(lambda draft: endings(draft, OWN, notice))[0]
    stage.reports(*reports)
    return [
        alert.labels["silence"]
        for alert in stage.memory.alerts.values()
        if alert.labels["alertname"] == "HbalertSilenceEnding" and not alert.resolved(stage.now)
    ]


def test_its_author_hears_before_it_ends_while_something_is_silenced() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None))
    put(stage, asked(m("bot=~.*a"), 0, 3600))
    assert look(stage, 2999) == []
    assert look(stage, 3000) == ["s1"]
    (alert,) = [each for each in stage.memory.alerts.values() if each.labels.get("silence")]
    assert alert.labels.as_dict() == {
        "alertname": "HbalertSilenceEnding",
        "author": "li",
        "severity": "info",
        "silence": "s1",
        "site": "home",
        "source": "hbalert",
    }
    assert alert.annotations["summary"] == (
        'The silence of {bot=~".*a"} ends at 2026-03-01T13:00:00Z, and what it matches still fires'
    )
    assert (
        'Will be told then: {alertname="Down", bot="a"}. Its reason was: why.'
        in alert.annotations["description"]
    )
    assert stage.work(lambda draft: endings(draft, OWN, NOTICE))[0] == [], "once is enough"
    assert look(stage, 3600) == [], "it has ended"


@pytest.mark.parametrize(
    ("matcher", "end", "notice"),
    [
        pytest.param("bot=z", 3600, 600, id="it silences nothing"),
        pytest.param("bot=a", 1200, 600, id="it is short beside the notice"),
        pytest.param("bot=a", 3600, 0, id="nobody wants to hear"),
    ],
)
def test_no_word_is_said_when(matcher: str, end: float, notice: float) -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None))
    put(stage, asked(m(matcher), 0, end))
    assert look(stage, end - 1, s(notice)) == []


def test_no_word_is_said_of_an_occurrence_of_a_window() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None))
    silence = replace(asked(m("bot=a"), 0, 3600, name="w1"), window="weekly")
    stage.work(lambda draft: draft.put_silence(silence))
    assert look(stage, 3500) == []


def test_it_is_over_when_the_silence_was_extended_or_has_nothing_left() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None), fires(B, 0, None))
    put(stage, asked(m("bot=a"), 0, 3600), "s1")
    put(stage, asked(m("bot=b"), 0, 3600), "s2")
    assert sorted(look(stage, 3000)) == ["s1", "s2"]
    stage.at(3100).work(lambda draft: silences.put(draft, asked(m("bot=a"), 0, 9000), "s1", "new"))
    stage.reports(fires(B, 0, 3100, at=3100))
    assert look(stage, 3101) == []


def test_only_at_the_last_end_is_an_alert_told() -> None:
    """What another silence covers for longer is not told when the first ends."""
    stage = Stage()
    stage.reports(fires(A, 0, None), fires(B, 0, None))
    put(stage, asked(m("alertname=Down"), 0, 3600), "s1")
    put(stage, asked(m("bot=a"), 0, 9000), "s2")
    assert look(stage, 3000) == ["s1"]
    (about,) = [each for each in stage.memory.alerts.values() if each.labels.get("silence")]
    assert about.annotations["description"].startswith('Will be told then: {alertname="Down", bot="b"}.')
    stage.at(3100).reports(fires(B, 0, 3100, at=3100))
    assert look(stage, 3101) == [], "the other one goes on being silenced"


def test_another_end_is_another_word() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None))
    put(stage, asked(m("bot=a"), 0, 3600))
    look(stage, 3000)
    stage.at(3100).work(lambda draft: silences.put(draft, asked(m("bot=a"), 0, 3660), "s1", "new"))
    (said,) = stage.work(lambda draft: endings(draft, OWN, NOTICE))[0]
    assert "13:01:00Z" in said.annotations["summary"]


def test_a_silence_of_everything_does_not_silence_the_word_about_it() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, None))
    put(stage, asked(m("alertname=~.+"), 0, 3600))
    look(stage, 3000)
    stage.at(3030).flush()
    (said,) = [each for each in stage.claim() if "silence" in each.notification.alerts[0].labels]
    assert said.notification.alerts[0].labels["author"] == "li"


def test_many_are_counted_and_the_first_are_named() -> None:
    stage = Stage()
    stage.reports(*(fires(f"alertname=Down bot=a n={n}", 0, None) for n in range(7)))
    put(stage, asked(m("bot=a"), 0, 3600))
    look(stage, 3000)
    (alert,) = [each for each in stage.memory.alerts.values() if each.labels.get("silence")]
    assert ", ... (+2). Its reason" in alert.annotations["description"]
