"""Our own endpoints: history, queue, timeline, status."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hbalert.core.delivery import Outcome, Result, RetryPolicy
from hbalert.core.labels import Labels
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.units import outbox
from hbalert.views import SourceView
from tests.api.stand import Stand, stand, token

HB = "/api/hb/v1"


async def told(api: Stand, notifier: str = "mail") -> None:
    """One alert fires and its group is looked at: a delivery waits for `notifier`."""
    await api.fire(alertname="Down", bot="b1")
    await api.clock.advance(31)
    await api.flush()


async def settle(api: Stand, outcome: Outcome, notifier: str = "mail") -> str:
    """Claims what is due for a notifier and settles it; returns the id."""
    (claimed,) = await api.engine.desk.work(lambda draft: outbox.claim(draft, notifier, None, 1))
    started = api.now()
    await api.clock.advance(0.25)
    await api.engine.desk.work(
        lambda draft: outbox.settle(
            draft,
            claimed.id,
            outcome,
            started_at=started,
            duration_ms=250.0,
            policy=RetryPolicy(),
            jitter=0.5,
        )
    )
    return claimed.id


REFUSED = Outcome(Result.PERMANENT, "550 no such user", "client")


async def rows(api: Stand, path: str, **params: Any) -> Any:
    answer = await api.get(HB + path, **params)
    assert answer["schema"] == 1
    return answer["rows"]


async def test_what_waits_is_in_the_queue_with_what_it_will_say(api: Stand) -> None:
    await told(api)
    (row,) = await rows(api, "/queue")
    assert (row["state"], row["notifier"], row["receiver"]) == ("queued", "mail", "team")
    assert (row["status"], row["reason"]) == ("firing", "first notification")
    assert row["alerts"][0]["labels"] == {"alertname": "Down", "bot": "b1"}
    assert row["created_at"] == "2026-03-01T12:00:31Z"
    assert row["tries"] == []


async def test_history_tells_every_attempt_and_the_gateway_s_words(api: Stand) -> None:
    await told(api)
    identity = await settle(api, Outcome(Result.SENT, "250 ok queued as 7F", "sent", provider_id="7F"))
    assert await rows(api, "/queue") == []
    (row,) = await rows(api, "/history")
    assert (row["id"], row["state"], row["last_answer"]) == (identity, "sent", "250 ok queued as 7F")
    assert row["tries"] == [
        {
            "at": "2026-03-01T12:00:31Z",
            "ms": 250.0,
            "result": "sent",
            "reason": "sent",
            "answer": "250 ok queued as 7F",
            "provider_id": "7F",
        }
    ]


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"notifier": "mail"}, 1),
        ({"notifier": "phone"}, 0),
        ({"state": "sent"}, 1),
        ({"state": "dead"}, 0),
        ({"since": "2026-03-01T12:00:31Z"}, 1),
        ({"since": "2026-03-01T13:00:00Z"}, 0),
        ({"until": "2026-03-01T13:00:00Z"}, 1),
        ({"limit": "1"}, 1),
    ],
    ids=str,
)
async def test_history_is_chosen_by_parameters(api: Stand, params: dict[str, str], number: int) -> None:
    await told(api)
    await settle(api, Outcome(Result.SENT, "ok", "sent"))
    assert len(await rows(api, "/history", **params)) == number


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"state": "lost"}, "state: 'lost' is not one of queued, sending, sent, dead, superseded"),
        ({"since": "yesterday"}, "since: 'yesterday' is not a time"),
        ({"limit": "0"}, "limit: '0' is not a number from 1 to"),
        ({"limit": "²"}, "limit: '²' is not a number"),
    ],
    ids=str,
)
async def test_a_bad_parameter_is_named(api: Stand, params: dict[str, str], says: str) -> None:
    reply = await api.client.get(f"{HB}/history", params=params)
    assert reply.status_code == 400
    assert reply.json()["error"].startswith(says)


async def test_a_dead_delivery_is_tried_again_on_request(api: Stand) -> None:
    await told(api)
    identity = await settle(api, REFUSED)
    reply = await api.client.post(f"{HB}/queue/{identity[:8]}/retry")
    assert (reply.status_code, reply.json()["state"]) == (200, "queued")
    assert reply.json()["id"] == identity
    (row,) = await rows(api, "/queue")
    assert row["state"] == "queued"


async def test_what_is_not_dead_is_not_tried_again(api: Stand) -> None:
    await told(api)
    (row,) = await rows(api, "/queue")
    reply = await api.client.post(f"{HB}/queue/{row['id']}/retry")
    assert reply.status_code == 409
    assert "only a dead one" in reply.json()["error"]


async def test_a_notifier_that_is_gone_takes_nothing(api: Stand) -> None:
    await told(api)
    identity = await settle(api, REFUSED)
    config = api.engine.config
    disabled = config.notifiers["mail"].model_copy(update={"enabled": False})
    await api.engine.reload(config.model_copy(update={"notifiers": {**config.notifiers, "mail": disabled}}))
    reply = await api.client.post(f"{HB}/queue/{identity}/retry")
    assert reply.status_code == 409
    assert "'mail'" in reply.json()["error"]


async def test_what_waits_can_be_dropped(api: Stand) -> None:
    await told(api)
    (row,) = await rows(api, "/queue")
    assert (await api.client.delete(f"{HB}/queue/{row['id'][:12]}")).status_code == 200
    assert await rows(api, "/queue") == []
    (line,) = await rows(api, "/history")
    assert (line["state"], line["last_answer"]) == ("dead", "dropped by request")
    assert (await api.client.delete(f"{HB}/queue/{row['id']}")).status_code == 409


async def test_an_id_has_to_mean_one_delivery(api: Stand) -> None:
    assert (await api.client.delete(f"{HB}/queue/nope")).status_code == 404
    await api.fire(alertname="Bad", bot="b1", severity="critical")
    await api.clock.advance(11)
    await api.flush()
    reply = await api.client.delete(f"{HB}/queue/{''}%20")
    assert reply.status_code == 404
    ids = [row["id"] for row in await rows(api, "/queue")]
    common = ""
    while all(each.startswith(ids[0][: len(common) + 1]) for each in ids):
        common = ids[0][: len(common) + 1]
    if common:  # random ids begin alike only sometimes
        assert (await api.client.delete(f"{HB}/queue/{common}")).status_code == 409


async def test_alerts_show_what_fires_and_what_is_pending(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    await api.fire(alertname="Slow", bot="b2")
    identity = await api.silence("bot=b2")
    waiting = RuleAlert(
        "g/Wait/0", Labels({"alertname": "Wait", "bot": "b1"}), RuleAlertState.PENDING, api.now(), 0.5
    )
    await api.engine.desk.work(lambda draft: draft.rule_alerts.put(("g/Wait/0", waiting.labels.key), waiting))
    listed = {row["labels"]["alertname"]: row for row in await rows(api, "/alerts")}
    assert {name: row["state"] for name, row in listed.items()} == {
        "Down": "active",
        "Slow": "suppressed",
        "Wait": "pending",
    }
    assert listed["Slow"]["silenced_by"] == [identity]
    assert listed["Down"]["origins"] == ["api"]
    assert listed["Wait"]["origins"] == ["rule:g/Wait/0"]
    assert [row["labels"]["alertname"] for row in await rows(api, "/alerts", state="pending")] == ["Wait"]
    assert len(await rows(api, "/alerts", filter="bot=b1")) == 2


async def test_the_timeline_tells_why_somebody_was_told(api: Stand) -> None:
    await told(api)
    await settle(api, Outcome(Result.SENT, "250 ok queued as 7F", "sent"))
    (row,) = await rows(api, "/alerts")
    answer = await api.get(f"{HB}/alerts/{row['fingerprint'][:6]}/timeline")
    assert answer["labels"] == {"alertname": "Down", "bot": "b1"}
    kinds = [line["kind"] for line in answer["rows"]]
    assert kinds[0] == "firing"
    assert "enqueued" in kinds
    assert kinds[-1] == "sent"
    assert "250 ok queued as 7F" in answer["rows"][-1]["text"]


async def test_the_timeline_has_every_attempt_with_its_answer(api: Stand) -> None:
    await told(api)
    outcomes = [Outcome(Result.TRANSIENT, "503 busy", "server"), Outcome(Result.SENT, "ok", "sent")]
    for outcome in outcomes:
        await settle(api, outcome)
        await api.clock.advance(60)
    (row,) = await rows(api, "/alerts")
    lines = (await api.get(f"{HB}/alerts/{row['fingerprint']}/timeline"))["rows"]
    assert [(each["kind"], each["text"]) for each in lines[-2:]] == [
        ("attempt", "mail, after 250 ms: transient: 503 busy"),
        ("sent", "mail accepted it after 250 ms: ok"),
    ]


async def test_one_alert_is_shown_with_what_becomes_of_it(api: Stand) -> None:
    await api.alerts(
        {"labels": {"alertname": "Down"}, "annotations": {"summary": "it is"}, "endsAt": api.at(9000)}
    )
    (row,) = (await api.get(f"{HB}/alerts"))["rows"]
    whole = await api.get(f"{HB}/alerts/{row['fingerprint'][:5]}", limit=1)
    assert whole["annotations"] == {"summary": "it is"}
    assert whole["groups"][0]["notifiers"][0]["reason"] == "first notification"
    assert [line["kind"] for line in whole["timeline"]] == ["firing"]


async def test_the_timeline_tells_of_silences_that_come_and_go(api: Stand) -> None:
    await api.fire(alertname="Down", bot="a")
    identity = await api.silence("bot=a")
    await api.client.delete(f"/api/v2/silence/{identity}")
    (row,) = (await api.get(f"{HB}/alerts"))["rows"]
    lines = (await api.get(f"{HB}/alerts/{row['fingerprint']}/timeline"))["rows"]
    assert [each["kind"] for each in lines] == ["firing", "silenced", "unsilenced"]
    assert f"silence {identity} of li has begun" in lines[1]["text"]
    assert "upgrade" in lines[1]["text"]


async def test_the_timeline_of_an_alert_that_is_gone_is_still_told(api: Stand) -> None:
    await told(api)
    (row,) = await rows(api, "/alerts")
    await settle(api, Outcome(Result.SENT, "ok", "sent"))
    await api.alerts({"labels": {"alertname": "Down", "bot": "b1"}, "endsAt": api.at(0)})
    await api.clock.advance(301)
    await api.flush()
    assert list(api.engine.memory.alerts.values()) == []
    answer = await api.get(f"{HB}/alerts/{row['fingerprint']}/timeline")
    assert "resolved" in [line["kind"] for line in answer["rows"]]


async def test_an_unknown_alert_has_no_timeline(api: Stand) -> None:
    reply = await api.client.get(f"{HB}/alerts/ffff/timeline")
    assert reply.status_code == 404
    assert "hbalert alerts list" in reply.json()["error"]


async def test_the_status_is_one_screen(api: Stand) -> None:
    api.sources.append(SourceView("main", True, api.now()))
    await told(api)
    await api.silence("a=b")
    status = await api.get(f"{HB}/status")
    assert (status["healthy"], status["problems"]) == (True, [])
    assert status["alerts"] == {"active": 1, "suppressed": 0, "pending": 0}
    assert status["queue"] == {"length": 1, "oldest_at": "2026-03-01T12:00:31Z"}
    assert status["silences"] == 1
    assert status["sources"] == [{"name": "main", "up": True, "since": "2026-03-01T12:00:00Z", "error": ""}]
    assert [(each["name"], each["queued"]) for each in status["notifiers"]] == [("mail", 1), ("phone", 0)]


async def test_a_source_that_is_down_and_a_notifier_that_fails_are_problems(api: Stand) -> None:
    api.sources.append(SourceView("main", False, api.now(), "connection refused"))
    await told(api)
    await settle(api, Outcome(Result.TRANSIENT, "421 try later", "server"))
    status = await api.get(f"{HB}/status")
    assert status["healthy"] is False
    assert status["problems"] == [
        "source main does not answer: connection refused",
        "notifier mail fails: 1 waiting, the oldest since 2026-03-01T12:00:31Z: 421 try later",
    ]
    mail = status["notifiers"][0]
    assert (mail["failing"], mail["last_answer"]) == (1, "421 try later")


async def test_a_pause_that_a_far_side_asked_for_is_shown(api: Stand) -> None:
    await told(api)
    await settle(api, Outcome(Result.NOT_NOW, "too fast", "rate limit", retry_after=timedelta(minutes=2)))
    mail = (await api.get(f"{HB}/status"))["notifiers"][0]
    assert mail["held_until"] == "2026-03-01T12:02:31.250000Z"


async def test_only_an_admin_touches_the_queue(tmp_path: Path) -> None:
    tokens = [token("ops", "silence"), token("boss", "admin")]
    async with stand(tmp_path, tokens=tokens, headers={"Authorization": "Bearer ops-token"}) as api:
        assert (await api.client.get(f"{HB}/queue")).status_code == 200
        assert (await api.client.delete(f"{HB}/queue/x")).status_code == 403
        assert (await api.client.post(f"{HB}/queue/x/retry")).status_code == 403
        boss = {"Authorization": "Bearer boss-token"}
        assert (await api.client.delete(f"{HB}/queue/x", headers=boss)).status_code == 404
