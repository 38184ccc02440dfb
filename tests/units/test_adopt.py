"""A configuration takes effect: nobody is told again because of it."""

from dataclasses import replace
from datetime import timedelta

from hbalert.core.delivery import DeliveryState
from hbalert.core.route import Route, child_key
from hbalert.memory import Memory
from hbalert.ports import Snapshot
from hbalert.units.adopt import adopt
from tests.core.say import fires, m, t
from tests.units.stage import ROOT, Stage

A = "alertname=Down bot=a"


def told_stage(**notifiers: bool) -> Stage:
    stage = Stage(**notifiers)
    stage.reports(fires(A, 0, 99999))
    stage.at(30).flush()
    for name in stage.notifiers:
        stage.send(name)
    return stage


def use(stage: Stage, root: Route, **notifiers: bool) -> None:
    stage.root = root
    stage.notifiers = notifiers or stage.notifiers
    stage.work(lambda draft: adopt(draft, root, stage.notifiers))


def test_an_edit_that_keeps_the_destination_tells_nobody_again() -> None:
    stage = told_stage()
    child = Route("{}/x/0", child_key("{}", (m("bot=a"),)), "team", (m("bot=a"),), group_by=("bot",))
    use(stage.at(60), replace(ROOT, routes=(child,)))
    assert [group.route_id for group in stage.memory.groups.values()] == ["{}/x/0"]
    assert stage.flush() == 0, "an old alert is looked at now, and there is no news"
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(5000).flush()
    assert stage.send() == ["all alerts resolved: a resolved"]


def test_who_was_told_by_the_old_route_hears_of_the_end() -> None:
    stage = told_stage(phone=True, mail=True)
    stage.root = replace(ROOT, receiver="phone")
    use(stage.at(60), replace(ROOT, receiver="phone", group_by=("bot",)))
    assert stage.flush() == 0
    stage.at(100).reports(fires(A, 0, 100, at=100))
    stage.at(5000).flush()
    assert stage.send("mail") == ["all alerts resolved: a resolved"]


def test_the_same_configuration_again_changes_nothing() -> None:
    stage = told_stage()
    before = dict(stage.memory.groups.items()), dict(stage.memory.entries.items())
    use(stage, ROOT)
    assert (dict(stage.memory.groups.items()), dict(stage.memory.entries.items())) == before


def test_a_group_interval_that_becomes_shorter_holds_for_groups_that_are_there() -> None:
    stage = told_stage()
    stage.at(40).reports(fires("alertname=Down bot=b", 40, 99999, at=40))
    use(stage.at(50), replace(ROOT, group_interval=timedelta(seconds=60)))
    assert stage.at(109).flush() == 0
    assert stage.at(110).flush() == 1


def test_what_waits_for_a_notifier_that_is_gone_is_given_up_with_that_reason() -> None:
    stage = Stage()
    stage.reports(fires(A, 0, 99999))
    stage.at(30).flush()
    use(stage, replace(ROOT, receiver="mail"), mail=True)
    (dead,) = stage.settled
    assert (dead.state, dead.last_answer) == (
        DeliveryState.DEAD,
        "the notifier phone is no longer configured",
    )
    assert stage.flush() == 0
    assert stage.at(330).flush() == 1
    assert stage.queued("mail") == ["first notification: a firing"]


def test_after_a_restart_membership_follows_from_the_routing_tree() -> None:
    stage = told_stage()
    memory = stage.memory
    stage.memory = Memory(
        Snapshot(
            alerts=list(memory.alerts.values()),
            groups=list(memory.groups.values()),
            entries=list(memory.entries.values()),
            next_sequence=memory.sequence,
        ),
        t(60),
    )
    use(stage.at(60), ROOT)
    assert stage.at(330).flush() == 0
    stage.at(400).reports(fires(A, 0, 400, at=400))
    stage.at(630).flush()
    assert stage.send() == ["all alerts resolved: a resolved"]
