"""Kept quiet by inhibition and by the calendar, and heard when it ends."""

from dataclasses import replace
from datetime import UTC, datetime

from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import TimeInterval, TimeSpan
from hbalert.core.silence import Silence
from hbalert.memory import Draft
from hbalert.units.quiet import Mute, Quiet
from tests.core.say import fires, labels, m, s, t
from tests.units.stage import ROOT, Stage

DOWN = "alertname=Down bot=a"
SLOW = "alertname=Slow bot=a"
RULE = InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),), ("bot",))

# t(0) is 12:00 UTC; quiet from 12:05 to 12:15
LUNCH = {"lunch": [TimeInterval((TimeSpan(12 * 60 + 5, 12 * 60 + 15),))]}


def test_an_inhibited_alert_is_not_told_and_comes_when_its_source_has_ended() -> None:
    stage = Stage()
    stage.quiet = Quiet([RULE])
    stage.reports(fires(DOWN, 0), fires(SLOW, 0))
    stage.at(30).flush()
    assert [each.split(": ")[1] for each in stage.send()] == ["a firing"]
    assert sorted(note.kind for note in stage.notes) == ["enqueued", "firing", "firing", "inhibited", "sent"]
    stage.at(100).reports(fires(DOWN, 0, 100, at=100))
    stage.at(330).flush()
    assert sorted(stage.send()) == ["all alerts resolved: a resolved", "first notification: a firing"]


def test_a_source_that_ended_by_the_clock_inhibits_no_more() -> None:
    stage = Stage()
    quiet = stage.quiet = Quiet([RULE])
    stage.reports(fires(DOWN, 0, 50), fires(SLOW, 0))
    assert [mute.kind for mute in quiet.of(labels(SLOW), stage.memory, t(49))] == ["inhibited"]
    assert quiet.of(labels(SLOW), stage.memory, t(50)) == ()


def test_after_a_restart_the_sources_are_known() -> None:
    stage = Stage()
    stage.reports(fires(DOWN, 0))
    quiet = Quiet([RULE], known=[alert.labels for alert in stage.memory.alerts.values()])
    assert [mute.kind for mute in quiet.of(labels(SLOW), stage.memory, t(1))] == ["inhibited"]


def muted_stage(**intervals: tuple[str, ...]) -> Stage:
    stage = Stage(replace(ROOT, group_wait=s(0), **intervals))  # type: ignore[arg-type]
    stage.quiet = Quiet(time_intervals=LUNCH)
    return stage


def test_a_muted_route_is_quiet_and_speaks_in_the_minute_the_interval_ends() -> None:
    stage = muted_stage(mute_time_intervals=("lunch",))
    stage.at(301).reports(fires(DOWN, 301))
    assert stage.flush() == 0
    assert [note.text for note in stage.notes if note.kind == "muted"] == ["not told: muted by lunch"]
    assert stage.at(601).flush() == 0
    assert stage.at(900).flush() == 1, "12:15, not a group interval later"
    assert stage.send() == ["first notification: a firing"]


def test_what_comes_and_goes_in_a_muted_time_is_not_told() -> None:
    stage = muted_stage(mute_time_intervals=("lunch",))
    stage.at(301).reports(fires(DOWN, 301))
    stage.flush()
    stage.at(400).reports(fires(DOWN, 301, 400, at=400))
    assert stage.at(601).flush() == 0
    assert stage.notes[-1].kind == "dropped"
    assert len(stage.memory.groups) == 0


def test_an_end_in_a_muted_time_is_told_when_it_is_over() -> None:
    stage = muted_stage(mute_time_intervals=("lunch",))
    stage.reports(fires(DOWN, 0))
    stage.flush()
    stage.send()
    stage.at(310).reports(fires(DOWN, 0, 310, at=310))
    assert stage.at(320).flush() == 0
    assert stage.at(620).flush() == 0
    assert stage.at(900).flush() == 1
    assert stage.send() == ["all alerts resolved: a resolved"]


def test_an_active_interval_mutes_outside_of_it() -> None:
    stage = muted_stage(active_time_intervals=("lunch",))
    stage.reports(fires(DOWN, 0))
    assert stage.flush() == 0
    assert stage.quiet.of_route(stage.root, stage.now) == Mute("muted", ("not lunch",))
    assert stage.at(300).flush() == 1


def test_a_route_without_intervals_is_never_quiet() -> None:
    assert Quiet().of_route(ROOT, datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert Quiet().ends(ROOT, datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_a_silence_that_changes_within_a_unit_of_work_counts_at_once() -> None:
    stage = Stage()
    silence = Silence("s1", (m("bot=a"),), t(0), t(90), "li", "why", t(0))

    def unit(draft: Draft) -> list[int]:
        found = [len(stage.quiet.of(labels(DOWN), draft, t(1)))]
        for each in (silence, replace(silence, ends_at=t(1))):
            draft.put_silence(each)
            found.append(len(stage.quiet.of(labels(DOWN), draft, t(1))))
        return found

    assert stage.work(unit)[0] == [0, 1, 0]
    assert stage.quiet.of(labels(DOWN), stage.memory, t(1)) == ()
