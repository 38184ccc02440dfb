"""A configuration that keeps less quiet is heard at once, and one that does not changes no rhythm."""

from dataclasses import replace
from datetime import UTC

from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import Span, TimeInterval
from hbalert.core.route import Route
from hbalert.memory import Draft
from hbalert.units.adopt import adopt
from hbalert.units.loosen import Regime, loosen
from hbalert.units.quiet import Quiet
from tests.core.say import fires, m
from tests.units.stage import ROOT, Stage

DOWN, SLOW = "alertname=Down bot=a", "alertname=Slow bot=a"
RULE = InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),), ("bot",))
ALWAYS = {"always": [TimeInterval(years=(Span(1, 9999),), location=UTC)]}
MUTED = replace(ROOT, mute_time_intervals=("always",))


def reload(stage: Stage, root: Route, quiet: Quiet, **notifiers: bool) -> int:
    before = Regime(stage.destinations, stage.quiet)
    stage.root, stage.quiet, stage.notifiers = root, quiet, notifiers or stage.notifiers

    def unit(draft: Draft) -> int:
        adopt(draft, root, stage.notifiers)
        return loosen(draft, before, Regime(stage.destinations, quiet))

    return stage.work(unit)[0]


def quiet_of(stage: Stage, *rules: InhibitRule) -> Quiet:
    return Quiet(rules, ALWAYS, [alert.labels for alert in stage.memory.alerts.values()])


def looked_at(root: Route = ROOT, *rules: InhibitRule) -> Stage:
    """Two alerts, whose groups were looked at once under these rules."""
    stage = Stage(root)
    stage.quiet = Quiet(rules, ALWAYS)
    stage.reports(fires(DOWN, 0), fires(SLOW, 0))
    stage.at(30).flush()
    stage.send()
    return stage.at(60)


def test_the_same_configuration_moves_nothing() -> None:
    stage = looked_at(ROOT, RULE)
    assert reload(stage, ROOT, quiet_of(stage, RULE)) == 0
    assert stage.at(329).flush() == 0


def test_an_inhibited_alert_is_told_when_the_rule_goes() -> None:
    stage = looked_at(ROOT, RULE)
    assert reload(stage, ROOT, quiet_of(stage)) == 1
    stage.flush()
    assert stage.send() == ["first notification: a firing"]


def test_a_route_that_is_not_muted_any_more_speaks() -> None:
    stage = looked_at(MUTED)
    assert reload(stage, ROOT, quiet_of(stage)) == 2
    assert stage.flush() == 2


def test_what_becomes_quiet_or_stays_so_waits() -> None:
    stage = looked_at(ROOT)
    assert reload(stage, MUTED, quiet_of(stage, RULE)) == 0
    assert reload(stage, MUTED, quiet_of(stage)) == 0, "still muted by the interval"


def test_a_notifier_that_joins_the_receiver_is_told_and_the_others_are_not() -> None:
    stage = looked_at()
    assert reload(stage, ROOT, quiet_of(stage), phone=True, mail=True) == 2
    assert stage.flush() == 2
    assert stage.send("mail") == ["first notification: a firing"] * 2
    assert stage.send("phone") == []


def test_a_group_in_which_nothing_fires_is_left_alone() -> None:
    stage = looked_at()
    stage.reports(fires(DOWN, 0, 60, at=60), fires(SLOW, 0, 60, at=60))
    assert reload(stage, ROOT, quiet_of(stage), phone=True, mail=True) == 0
