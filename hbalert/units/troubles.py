"""Alerts about hbalert's own deliveries, rules and disk: they begin, go on and end with what is wrong.

Knows which alerts stand for which trouble, that a full disk keeps room for them, and that news of a
notifier that fails must not go to that notifier alone. Must not know when something is a trouble
(`core/trouble.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from hbalert.core.alert import Alert, report
from hbalert.core.delivery import QUOTA, Delivery, DeliveryState
from hbalert.core.labels import Labels
from hbalert.core.trouble import (
    DELIVERY_DEAD,
    DISK_LOW,
    EVALUATION_LATE,
    NOTIFIER_FAILING,
    OURS,
    QUEUE_OLD,
    QUOTA_LOW,
    QUOTA_USED_UP,
    SOURCE,
    STORE_DAMAGED,
    Trouble,
    Waiting,
)
from hbalert.memory import Draft
from hbalert.units import own, own_texts
from hbalert.units.own import ORIGIN, over

TOLD_FOR = timedelta(hours=1)
"""So long an alert fires about something that has happened and is over."""

WATCHED = frozenset({NOTIFIER_FAILING, QUEUE_OLD, DISK_LOW, EVALUATION_LATE, QUOTA_LOW})
"""Alerts that end when their trouble is not seen any more."""


def waiting(rows: Iterable[Delivery]) -> list[Waiting]:
    """What waits, by notifier."""
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.is_live:
            found.setdefault(row.notifier, []).append(row)
    return [_waiting(name, mine) for name, mine in sorted(found.items())]


def _waiting(name: str, rows: Sequence[Delivery]) -> Waiting:
    failing = [row for row in rows if row.attempts]
    oldest = min(failing or rows, key=lambda row: row.created_at)
    return Waiting(name, len(rows), oldest.created_at, len(failing), oldest.last_answer)


def watch(draft: Draft, found: Iterable[Trouble], external: Mapping[str, str]) -> list[Alert]:
    """Reports of what is wrong, and ends of what was and is not any more."""
    seen = {labels_of(each, external): each for each in found}
    reports = []
    for labels, trouble in seen.items():
        known = draft.alerts.get(labels.key)
        fires = known is not None and not known.resolved(draft.now)
        if not fires or (known is not None and known.annotations != words(trouble)):
            reports.append(
                report(
                    labels,
                    origin=ORIGIN,
                    starts_at=known.starts_at if known is not None and fires else draft.now,
                    ends_at=None,
                    now=draft.now,
                    annotations=words(trouble),
                )
            )
        draft.vital.add(labels.key)
    if any(map(draft.count, WATCHED)):
        for alert in list(draft.alerts.values()):
            if alert.labels.get("alertname") in WATCHED and alert.labels not in seen:
                reports += over(draft, alert.labels)
    return reports


def happened(draft: Draft, trouble: Trouble, external: Mapping[str, str]) -> Alert:
    """A report of something that is over already: it fires for a while, so that it is told."""
    labels = labels_of(trouble, external)
    draft.vital.add(labels.key)
    return report(
        labels,
        origin=ORIGIN,
        starts_at=draft.now,
        ends_at=draft.now + TOLD_FOR,
        now=draft.now,
        timed=True,
        annotations=words(trouble),
    )


def deaths(draft: Draft, external: Mapping[str, str]) -> list[Alert]:
    """Reports of the deliveries that this unit of work has given up, and of the gateways that have said
    that a quota is used up.

    That a notifier was not told of its own such troubles is no news: said again, it would be told to it
    again, die again, and never end.
    """
    given_up = [row for row in draft.deliveries.changed().values() if row and row.state is DeliveryState.DEAD]
    found = [died(row) for row in given_up if not _is_of_its_own_death(row)]
    for each in draft.attempts:
        row = draft.deliveries.get(each.delivery_id)
        if each.reason == QUOTA and row is not None and not _is_of_its_own_death(row):
            found.append(used_up(each.notifier, each.answer))
    return [happened(draft, trouble, external) for trouble in found]


def _is_of_its_own_death(delivery: Delivery) -> bool:
    names = {alert.labels.get("alertname") for alert in delivery.notification.alerts}
    return names <= {DELIVERY_DEAD, QUOTA_USED_UP} and is_told_to_others(delivery)


def died(delivery: Delivery) -> Trouble:
    """A delivery was given up."""
    facts: dict[str, str | Mapping[str, str]] = {
        "notifier": delivery.notifier,
        "news": _news(delivery),
        "answer": delivery.last_answer,
        "delivery": delivery.id[:8],
    }
    return Trouble(DELIVERY_DEAD, "critical", facts, {"notifier": delivery.notifier})


def _news(delivery: Delivery) -> dict[str, str]:
    """What was not told, by language."""
    from hbalert.render.words import words as catalogue  # with the first death: a start needs no messages

    said = delivery.notification
    number = "1 alert" if len(said.alerts) == 1 else f"{len(said.alerts)} alerts"
    chinese = catalogue("zh").reasons[said.reason]
    return {"en": f"{said.reason.value} of {number}", "zh": f"{chinese}（{len(said.alerts)} 条告警）"}


def used_up(notifier: str, answer: str) -> Trouble:
    """A gateway refused something because what it allows has been used up."""
    facts = {"notifier": notifier, "answer": answer}
    return Trouble(QUOTA_USED_UP, "critical", facts, {"notifier": notifier})


def repaired(repairs: Sequence[str]) -> Trouble:
    """The store's file was damaged when it was opened."""
    return Trouble(STORE_DAMAGED, "critical", {"repairs": "\n".join(repairs)})


def labels_of(trouble: Trouble, external: Mapping[str, str]) -> Labels:
    return own.labels_of(external, trouble.name, trouble.severity, trouble.labels)


def words(trouble: Trouble) -> dict[str, str]:
    return own_texts.texts(trouble.name, trouble.facts, trouble.kind)


def beyond(
    names: Sequence[str], members: Iterable[Alert], enabled: Iterable[str], unread: Collection[str]
) -> list[str]:
    """Whom a look at a group tells: those of its receiver, and everybody else who is not in trouble
    where all that people read of the receiver are the very notifiers that the group's alerts are about.

    names    notifiers of the receiver
    members  alerts of the group
    unread   notifiers that wake nobody up
    """
    about = {alert.labels["notifier"] for alert in members if _is_about_a_notifier(alert.labels)}
    if not about or not about.issuperset(name for name in names if name not in unread):
        return list(names)
    return [*names, *(name for name in sorted(enabled) if name not in about and name not in names)]


def is_told_to_others(delivery: Delivery) -> bool:
    """Whether this is about the very notifier that it is for: then nobody has to stand in for it."""
    labels = [alert.labels for alert in delivery.notification.alerts]
    return all(_is_about_a_notifier(each) and each["notifier"] == delivery.notifier for each in labels)


def _is_about_a_notifier(labels: Labels) -> bool:
    if labels.get("alertname") not in (NOTIFIER_FAILING, DELIVERY_DEAD, QUOTA_LOW, QUOTA_USED_UP):
        return False
    grave = labels.get("severity") == "critical"  # a quota that is not used up yet carries the news itself
    return grave and labels.get(SOURCE) == OURS and "notifier" in labels
