"""hbalert's own troubles become alerts, and end with what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from hbalert.core.alert import Alert
from hbalert.core.delivery import QUOTA, DeliveryState, Outcome, Result, RetryPolicy
from hbalert.core.trouble import DISK_LOW, NOTIFIER_FAILING, QUOTA_LOW, QUOTA_USED_UP, Trouble, troubles
from hbalert.memory import Draft
from hbalert.units.intake import accept
from hbalert.units.outbox import settle
from hbalert.units.troubles import (
    TOLD_FOR,
    beyond,
    deaths,
    died,
    happened,
    labels_of,
    repaired,
    waiting,
    watch,
    words,
)
from tests.core.say import fires, t
from tests.units.stage import Stage

LOW = Trouble(DISK_LOW, "warning", {"free": "0.4", "total": "10.0"})


def failing(notifier: str) -> Trouble:
    facts = {"notifier": notifier, "number": "1", "since": "2026-03-01T12:00:00Z", "answer": "503"}
    return Trouble(NOTIFIER_FAILING, "critical", facts, {"notifier": notifier})


def look(stage: Stage, found: Iterable[Trouble]) -> None:
    reports = stage.work(lambda draft: watch(draft, found, {"site": "home"}))[0]
    stage.reports(*reports)


def firing(stage: Stage) -> list[str]:
    alive = [alert for alert in stage.memory.alerts.values() if not alert.resolved(stage.now)]
    return sorted(f"{alert.labels['alertname']}: {alert.annotations['summary']}" for alert in alive)


def test_an_alert_lives_as_long_as_its_trouble() -> None:
    stage = Stage()
    look(stage, [LOW])
    assert firing(stage) == ["HbalertDiskLow: The disk of the store is nearly full"]
    (alert,) = stage.memory.alerts.values()
    assert alert.labels.as_dict() == {
        "alertname": "HbalertDiskLow",
        "severity": "warning",
        "site": "home",
        "source": "hbalert",
    }
    look(stage.at(60), [LOW])
    assert [each.starts_at for each in stage.memory.alerts.values()] == [t(0)]
    look(stage.at(90), [Trouble(DISK_LOW, "warning", {"free": "0.1", "total": "10.0"})])
    (alert,) = stage.memory.alerts.values()
    assert alert.annotations["description"].startswith("0.1 of 10.0 GiB are free")
    look(stage.at(120), [])
    assert firing(stage) == []


def test_an_end_is_not_forgotten_when_the_external_labels_change() -> None:
    stage = Stage()
    look(stage, [LOW])
    reports = stage.work(lambda draft: watch(draft, [], {"site": "other"}))[0]
    stage.reports(*reports)
    assert firing(stage) == []


def test_what_waits_is_counted_by_notifier() -> None:
    stage = Stage(phone=True, mail=True)
    stage.reports(fires("alertname=Down bot=a", 0, 99999))
    stage.at(30).flush()
    (sending,) = stage.claim("phone")
    stage.settle(sending, Outcome(Result.TRANSIENT, "503 busy", "server"))
    phone, mail = waiting(stage.memory.deliveries.values())[::-1]
    assert (phone.notifier, phone.number, phone.failing, phone.answer) == ("phone", 1, 1, "503 busy")
    assert (mail.notifier, mail.number, mail.failing, mail.oldest_at) == ("mail", 1, 0, t(30))
    found = list(troubles([phone, mail], None, t(330)))
    assert [each.labels["notifier"] for each in found] == ["phone"]


def test_what_has_happened_fires_for_a_while() -> None:
    stage = Stage()
    stage.reports(fires("alertname=Down bot=a", 0, 99999))
    stage.at(30).flush()
    (sending,) = stage.claim("phone")
    dead = stage.settle(sending, Outcome(Result.PERMANENT, "410 gone", "client"))
    assert dead.state is DeliveryState.DEAD
    alert = stage.work(lambda draft: happened(draft, died(dead), {}))[0]
    assert (alert.starts_at, alert.ends_at) == (t(30), t(30) + TOLD_FOR)
    assert alert.annotations["summary"] == "phone was not told: first notification of 1 alert"
    assert "hbalert queue retry" in alert.annotations["description"]
    assert words(repaired(["the tail was lost"]))["description"] == "the tail was lost"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(["phone", "mail"], ["phone", "mail"], id="somebody else hears of it anyway"),
        pytest.param(["phone"], ["phone", "desk", "log", "mail"], id="only that one would: everybody does"),
        pytest.param(["phone", "log"], ["phone", "log", "desk", "mail"], id="a log is nobody"),
    ],
)
def test_a_failing_notifier_is_not_the_only_one_to_hear_of_it(names: list[str], expected: list[str]) -> None:
    about = failing("phone")
    member = fires(" ".join(f"{name}={value}" for name, value in labels_of(about, {}).items()))
    assert beyond(names, [member], ["desk", "log", "mail", "phone"], {"log"}) == expected
    assert beyond(names, [fires("alertname=Down")], ["desk", "mail", "phone"], {"log"}) == names


def test_who_stands_in_hears_of_the_end_as_well() -> None:
    stage = Stage(phone=True, mail=True)
    stage.root = stage.root.__class__("{}", "{}", "phone")
    about = failing("phone")
    look(stage, [about])
    stage.at(30).flush()
    assert stage.send("mail") == ["first notification: - firing"]
    look(stage.at(60), [])
    stage.at(330).flush()
    assert stage.send("mail") == ["all alerts resolved: - resolved"]


def test_nobody_stands_in_for_a_notifier_that_cannot_be_told_of_its_own_trouble() -> None:
    """The others hear of it in their own right."""
    stage = Stage(phone=True, mail=True)
    stage.root = stage.root.__class__("{}", "{}", "phone")
    look(stage, [failing("phone")])
    stage.at(30).flush()
    (sending,) = stage.claim("phone")
    stage.settle(sending, Outcome(Result.PERMANENT, "410", "client"), fallback=["mail"], new_ids=["x", "y"])
    assert stage.send("mail") == ["first notification: - firing"]


def test_somebody_stands_in_when_the_trouble_is_another_notifiers() -> None:
    stage = Stage(phone=True, mail=True, desk=True)
    stage.root = replace(stage.root, receiver="phone")
    look(stage, [failing("mail")])
    stage.at(30).flush()
    (sending,) = stage.claim("phone")
    stage.settle(sending, Outcome(Result.PERMANENT, "410", "client"), fallback=["desk"], new_ids=["x", "y"])
    assert stage.send("desk") == ["fallback for a notifier that failed: - firing"]


REFUSED = Outcome(Result.PERMANENT, "410 gone", "client")


def given_up(stage: Stage, outcome: Outcome = REFUSED) -> list[str]:
    """Claims what is due and has the far side refuse it for good; returns the own alerts about it."""
    found = []
    for sending in stage.claim("phone"):

        def unit(draft: Draft, delivery: str = sending.id) -> list[Alert]:
            settle(draft, delivery, outcome, started_at=t(0), duration_ms=1, policy=RetryPolicy(), jitter=0.5)
            reports = deaths(draft, {})
            accept(draft, reports, stage.root, stage.memory)
            return reports

        found += [alert.annotations["summary"] for alert in stage.work(unit)[0]]
    return found


def test_that_a_notifier_was_not_told_of_its_own_dead_deliveries_is_no_news() -> None:
    """Otherwise its end would die as well, be told, end, die: for ever, to everybody who stands in."""
    stage = Stage(phone=True, mail=True)
    stage.root = replace(stage.root, receiver="phone")
    stage.reports(fires("alertname=Down bot=a", 0, 99999))
    stage.at(30).flush()
    assert given_up(stage) == ["phone was not told: first notification of 1 alert"]
    stage.at(60).flush()
    assert stage.send("mail") == ["first notification: - firing"]
    assert given_up(stage) == []
    stage.at(30 + TOLD_FOR.total_seconds() + 300).flush()
    assert stage.send("mail") == ["all alerts resolved: - resolved"]
    assert given_up(stage) == []
    assert [alert.labels["alertname"] for alert in stage.memory.alerts.values()] == ["Down"]


@pytest.mark.parametrize(
    ("severity", "others"),
    [
        pytest.param("warning", [], id="one that is nearly used up carries the news itself"),
        pytest.param("critical", ["mail"], id="one that is used up does not"),
    ],
)
def test_who_hears_of_a_quota(severity: str, others: list[str]) -> None:
    member = fires(f"alertname={QUOTA_LOW} source=hbalert notifier=phone period=day severity={severity}")
    assert beyond(["phone"], [member], ["mail", "phone"], set()) == ["phone", *others]


def test_a_gateway_that_says_that_its_quota_is_used_up_is_told_to_others_once() -> None:
    """Also where the news of it cannot reach the notifier itself, for the same reason."""
    stage = Stage(phone=True, mail=True)
    stage.root = replace(stage.root, receiver="phone")
    stage.reports(fires("alertname=Down bot=a", 0, 99999))
    stage.at(30).flush()
    outcome = Outcome(Result.PERMANENT, "90030 webhook over limit", QUOTA)
    assert given_up(stage, outcome) == [
        "phone was not told: first notification of 1 alert",
        "phone is refused by its gateway: the quota is used up",
    ]
    used_up = [each for each in stage.memory.alerts.values() if each.labels["alertname"] == QUOTA_USED_UP]
    assert [each.labels["severity"] for each in used_up] == ["critical"]
    assert [each.annotations["description"] for each in used_up] == ["90030 webhook over limit"]
    stage.at(60).flush()
    assert stage.send("mail") == ["first notification: - firing", "first notification: - firing"]
    assert given_up(stage, outcome) == []


def test_the_part_of_a_delivery_that_is_given_up_for_its_age_is_told() -> None:
    stage = Stage()
    old, young = RetryPolicy().give_up_after.total_seconds(), 60
    stage.reports(fires("alertname=Down bot=a", 0, 9e6))
    stage.at(30).flush()
    stage.at(old - young).reports(fires("alertname=Down bot=b", old - young, 9e6))
    stage.flush()
    (sending,) = stage.claim("phone")

    def unit(draft: Draft) -> list[Alert]:
        outcome = Outcome(Result.TRANSIENT, "503 busy", "server")
        more = {"started_at": t(0), "duration_ms": 1, "policy": RetryPolicy(), "jitter": 0.5}
        settle(draft, sending.id, outcome, **more, new_ids=["rest"])  # type: ignore[arg-type]
        return deaths(draft, {})

    (alert,) = stage.at(old + young).work(unit)[0]
    assert alert.annotations["summary"] == "phone was not told: new alerts added of 1 alert"
