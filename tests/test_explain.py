"""What would become of an alert: worked out by the same code that does it, and never committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hbalert.api.explain import work_out
from hbalert.core.delivery import Outcome, Result, RetryPolicy
from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import TimeInterval, TimeSpan
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup
from hbalert.explain.outlook import Explanation, Told, Unborn, explain, last_told, with_deaths
from hbalert.ports import HistoryQuery
from hbalert.units import outbox
from tests.api.stand import ROOT, Stand, config, stand
from tests.core.say import labels, m

DOWN = "alertname=Down bot=alpha"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path) as made:
        yield made


def ask(at: Stand, text: str = DOWN, after: float = 0) -> Explanation:
    return explain(at.engine, labels(text), at.now() + timedelta(seconds=after))


async def accept(at: Stand, notifier: str) -> None:
    """The far side takes what waits for a notifier."""

    def send(draft: object) -> None:
        for row in outbox.claim(draft, notifier, None, 9):  # type: ignore[arg-type]
            outbox.settle(
                draft,  # type: ignore[arg-type]
                row.id,
                Outcome(Result.SENT, "ok", "sent"),
                started_at=at.now(),
                duration_ms=1,
                policy=RetryPolicy(),
                jitter=0.5,
            )

    await at.engine.desk.work(send)


async def test_an_alert_that_does_not_fire_is_followed_to_the_people(at: Stand) -> None:
    told = ask(at, "alertname=Down bot=alpha severity=critical")
    (outlook,) = told.outlooks
    assert told.fires is None
    assert [step.route.receiver for step in told.steps if step.taken] == ["oncall"]
    assert (outlook.key, outlook.known) == ('{}/{severity="critical"}:{alertname="Down", bot="alpha"}', False)
    assert outlook.due == at.now() + timedelta(seconds=10)
    assert outlook.told == (Told("phone", "first notification"), Told("mail", "first notification"))


async def test_nothing_is_changed_by_asking(at: Stand) -> None:
    ask(at)
    memory = at.engine.memory
    assert [len(table) for table in (memory.alerts, memory.groups, memory.members, memory.deliveries)] == [
        0
    ] * 4
    assert memory.flushes.next() is None


async def test_one_that_was_told_hears_again_after_the_repeat_interval(at: Stand) -> None:
    await at.fire(alertname="Down", bot="alpha")
    await at.clock.advance(30)
    await at.flush()
    await accept(at, "mail")
    (outlook,) = ask(at).outlooks
    assert outlook.due == at.now() + ROOT.group_interval
    assert outlook.told == (Told("mail", told_at=at.now(), repeat_at=at.now() + timedelta(hours=4)),)


async def test_what_waits_is_said_to_wait(at: Stand) -> None:
    await at.fire(alertname="Down", bot="alpha")
    await at.clock.advance(30)
    await at.flush()
    (outlook,) = ask(at, "alertname=Down bot=beta").outlooks
    assert outlook.told == (Told("mail", "new alerts added"),)
    (row,) = at.engine.memory.deliveries.values()
    (outlook,) = ask(at).outlooks
    assert outlook.told == (Told("mail", unsent=row),)


async def test_a_silence_keeps_it_quiet_only_while_it_lasts(at: Stand) -> None:
    identity = await at.silence("bot=alpha", seconds=600)
    now, later = ask(at), ask(at, after=700)
    assert [str(mute) for mute in now.outlooks[0].mutes] == [f"silenced by {identity}"]
    assert [row.comment for row in now.silences] == ["upgrade"]
    assert now.outlooks[0].told == (Told("mail"),)
    assert (later.outlooks[0].mutes, later.silences) == ((), ())
    assert later.outlooks[0].told == (Told("mail", "first notification"),)


async def test_the_alert_that_inhibits_is_named(at: Stand) -> None:
    rule = InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),), ("bot",))
    await at.engine.reload(at.engine.config.model_copy(update={"inhibit_rules": (rule,)}))
    await at.fire(alertname="Down", bot="alpha")
    told = ask(at, "alertname=Slow bot=alpha")
    assert told.inhibitors == (labels("alertname=Down bot=alpha"),)
    assert told.outlooks[0].told == (Told("mail"),)


async def test_a_quiet_route_says_until_when(at: Stand) -> None:
    route = replace(ROOT, mute_time_intervals=("noon",))
    noon = {"noon": (TimeInterval(times=(TimeSpan(12 * 60, 13 * 60),)),)}
    await at.engine.reload(at.engine.config.model_copy(update={"route": route, "time_intervals": noon}))
    (outlook,) = ask(at).outlooks
    assert [str(mute) for mute in outlook.mutes] == ["muted by noon"]
    assert outlook.quiet_until == at.now().replace(hour=13, minute=0)
    assert outlook.told == (Told("mail"),)


async def test_an_alert_with_a_timed_end_is_taken_to_be_repeated(at: Stand) -> None:
    await at.alerts(
        {"labels": {"alertname": "Down", "bot": "alpha"}, "startsAt": at.at(0), "endsAt": at.at(5)}
    )
    told = ask(at)
    assert told.fires == at.now()
    assert told.outlooks[0].told == (Told("mail", "first notification"),)


async def test_rules_with_its_name_are_shown_with_their_alert(at: Stand) -> None:
    rule = Rule("bots/Down", "Down", "up == 0", "main", file="rules/bots.toml", line=7)
    group = RuleGroup("bots", timedelta(seconds=15), (rule, replace(rule, id="bots/Other", alert="Other")))
    await at.engine.reload(at.engine.config.model_copy(update={"groups": (group,)}))
    row = RuleAlert("bots/Down", labels(DOWN), RuleAlertState.PENDING, at.now(), 0.0)
    await at.engine.desk.work(lambda draft: draft.put_rule_alert(row))
    (source,) = ask(at).sources
    assert (source.rule, source.row) == (rule, row)


def test_a_configuration_alone_can_be_asked(tmp_path: Path) -> None:
    from tests.fakes.clock import START

    told = explain(Unborn(config(tmp_path), START), labels(DOWN), START)
    assert told.outlooks[0].told == (Told("mail", "first notification"),)


async def test_the_api_refuses_the_past_and_conditions(at: Stand) -> None:
    path = "/api/hb/v1/explain"
    for query, says in (
        ({"label": "a=~b"}, "is a condition"),
        ({}, "at least one label"),
        ({"label": "a=b", "at": "2020-01-01T00:00:00Z"}, "the past"),
    ):
        reply = await at.client.get(path, params=query)
        assert (reply.status_code, says in reply.json()["error"]) == (400, True), reply.text
    answer = await at.get(path, label=["alertname=Down", "bot=alpha"])
    assert answer["groups"][0]["notifiers"][0]["reason"] == "first notification"


async def test_news_that_was_given_up_does_not_count_as_told(at: Stand) -> None:
    await at.fire(alertname="Down", bot="alpha")
    await at.clock.advance(30)
    await at.flush()
    (row,) = at.engine.memory.deliveries.values()
    await at.engine.desk.work(lambda draft: outbox.give_up(draft, row, "410 gone"))
    (line,) = await at.engine.store.history(HistoryQuery(state="dead"))
    repeats = at.now() + timedelta(hours=4)
    found = ask(at)
    assert last_told(found) == at.now(), "the notification log alone cannot tell"
    (outlook,) = with_deaths(found, [line.delivery]).outlooks
    assert outlook.told == (Told("mail", repeat_at=repeats, given_up=line.delivery),)
    other = replace(line.delivery, notifier="phone")
    assert with_deaths(found, [other]) == found
    shown = await work_out(at.engine, labels(DOWN), at.now())
    assert shown.outlooks[0].told == outlook.told
    await at.engine.retry_delivery(row.id)
    await accept(at, "mail")
    (outlook,) = (await work_out(at.engine, labels(DOWN), at.now())).outlooks
    assert outlook.told == (Told("mail", told_at=at.now(), repeat_at=repeats),)
