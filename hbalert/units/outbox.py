"""Deliveries are claimed before they are sent and settled after.

Knows which rows a claim and a settlement touch. Must not know channels, text or the retry formula
(`core/delivery.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from hbalert.core.delivery import (
    Delivery,
    DeliveryState,
    Outcome,
    Pace,
    Result,
    RetryPolicy,
    earliest,
    next_step,
    part,
)
from hbalert.core.flush import replacing
from hbalert.core.notification import NotifiedAlert, Reason
from hbalert.memory import Draft
from hbalert.ports import Attempt, NotifierState
from hbalert.units.flush import enqueue, with_ends
from hbalert.units.troubles import is_told_to_others


def ready(rows: Sequence[Delivery]) -> list[Delivery]:
    """What may go out next, first come first.

    Of one group never two at once; and no news of an alert overtakes older news of it, also when an
    edited route has moved the alert to another group meanwhile.
    """
    found = []
    groups: set[str] = set()
    spoken: set[bytes] = set()
    for row in sorted(rows, key=lambda row: row.sequence):
        keys = [alert.labels.key for alert in row.notification.alerts]
        free = row.group_id not in groups and spoken.isdisjoint(keys)
        if free and row.state is DeliveryState.QUEUED:
            found.append(row)
        groups.add(row.group_id)
        spoken.update(keys)
    return found


def next_due(
    rows: Sequence[Delivery], state: NotifierState | None, pace: Pace | None, now: datetime
) -> datetime | None:
    """When a notifier has something to send; None when nothing waits."""
    waiting = ready(rows)
    if not waiting:
        return None
    at = min(row.next_attempt_at for row in waiting)
    if state is not None:
        at = max(at, state.held_until or at, earliest(pace, state.sends, now))
    return at


def claim(
    draft: Draft, notifier: str, pace: Pace | None, at_most: int, plan: Sequence[str] | None = None
) -> list[Delivery]:
    """Marks what is due as being sent and returns it; the sends count against the pace at once.

    plan  ids of what was `ready` a while ago, first come first: it still is if it is still queued,
          because what comes later stands behind. None: it is found out here

    A crash after this leaves rows in `sending`: the next start queues them again.
    """
    state = draft.notifiers.get(notifier) or NotifierState(notifier)
    if state.held_until is not None and draft.now < state.held_until:
        return []
    sends = list(state.sends)
    if pace is not None:
        sends = [at for at in sends if at > draft.now - pace.window]
    claimed: list[Delivery] = []
    if plan is None:
        rows = ready([row for _, row in draft.deliveries.found(notifier) if row.is_live])
    else:
        known = (draft.deliveries.get(each) for each in plan)
        rows = [row for row in known if row is not None and row.state is DeliveryState.QUEUED]
    for row in rows:
        if len(claimed) == at_most or earliest(pace, sends, draft.now) > draft.now:
            break
        if row.next_attempt_at > draft.now:
            continue
        sending = replace(row, state=DeliveryState.SENDING)
        draft.deliveries.put(row.id, sending)
        claimed.append(sending)
        if pace is not None:
            sends.append(draft.now)
    if claimed and pace is not None:
        draft.notifiers.put(notifier, NotifierState(notifier, tuple(sends[-pace.limit :])))
    return claimed


def settle(
    draft: Draft,
    delivery_id: str,
    outcome: Outcome,
    *,
    started_at: datetime,
    duration_ms: float,
    policy: RetryPolicy,
    jitter: float,
    fallback: Sequence[str] = (),
    new_ids: Sequence[str] = (),
) -> Delivery | None:
    """Writes down how an attempt ended; returns the delivery as it is now.

    fallback, new_ids  notifiers that take over when this one gives up, and ids for their deliveries and,
                       last, for what is given up of this one while the rest is tried again
    """
    delivery = draft.deliveries.get(delivery_id)
    if delivery is None:
        return None
    after = next_step(delivery, outcome, draft.now, policy, jitter=jitter)
    notifier = delivery.notifier
    draft.attempts.append(
        Attempt(
            delivery_id,
            notifier,
            started_at,
            duration_ms,
            outcome.result.value,
            outcome.reason,
            outcome.answer,
            outcome.provider_id,
        )
    )
    newer = [
        row for row in draft.live_deliveries(delivery.group_id, notifier) if row.sequence > delivery.sequence
    ]
    if after.state is DeliveryState.QUEUED and newer:
        # What waits behind it is newer news of the same group and takes its place.
        behind = newer[0]
        draft.deliveries.put(
            behind.id,
            replace(
                behind,
                created_at=after.created_at,
                next_attempt_at=after.next_attempt_at,
                attempts=after.attempts,
                notification=replacing(with_ends(draft, after.notification, notifier), behind.notification),
            ),
        )
        after = replace(after, state=DeliveryState.SUPERSEDED, settled_at=draft.now)
    old = None
    if after.state is DeliveryState.QUEUED:
        after, old = part(_true_now(draft, after), draft.now, policy)
    draft.deliveries.put(after.id, after)
    if old is not None:
        old = replace(old, id=new_ids[-1], sequence=draft.next_sequence())
        draft.deliveries.put(old.id, old)
        _gave_up(draft, old, fallback, new_ids)
    if outcome.result is Result.NOT_NOW and outcome.retry_after is not None:
        state = draft.notifiers.get(notifier) or NotifierState(notifier)
        until = draft.now + outcome.retry_after
        draft.notifiers.put(notifier, replace(state, held_until=max(until, state.held_until or until)))
    if after.state is DeliveryState.SENT:
        _accepted(draft, after)
    elif after.state is DeliveryState.DEAD:
        _gave_up(draft, after, fallback, new_ids)
    return after


def _accepted(draft: Draft, delivery: Delivery) -> None:
    """Repeats count from the far side's acceptance."""
    key = (delivery.group_id, delivery.notifier)
    entry = draft.entries.get(key)
    if entry is not None:
        draft.entries.put(key, replace(entry, at=draft.now))
    _note(draft, delivery, "sent", f"{delivery.notifier} accepted it: {delivery.last_answer}")


def _gave_up(draft: Draft, delivery: Delivery, fallback: Sequence[str], new_ids: Sequence[str]) -> None:
    _note(draft, delivery, "dead", f"{delivery.notifier} was not told: {delivery.last_answer}")
    if delivery.notification.reason is Reason.FALLBACK or is_told_to_others(delivery):
        return
    for name, new_id in zip(fallback, new_ids, strict=False):
        alerts = delivery.notification.alerts
        if name in delivery.notification.besides:
            # It heard of the ends in its own right, in the same look at the group.
            alerts = delivery.notification.firing
        if not alerts:
            continue
        instead = replace(
            delivery.notification,
            alerts=_from_now(alerts, draft.now),
            reason=Reason.FALLBACK,
            decided_at=draft.now,
        )
        waiting = [
            row for row in draft.live_deliveries(delivery.group_id, name) if row.state is DeliveryState.QUEUED
        ]
        enqueue(draft, instead, name, new_id, waiting[-1] if waiting else None)
        entry = draft.entries.get((delivery.group_id, delivery.notifier))
        if entry is not None:
            # Who hears of the firing instead has to hear of the end as well.
            known = draft.entries.get((delivery.group_id, name))
            heard = entry.about(entry.firing.intersection(alert.labels.key for alert in alerts))
            heard = heard.and_of(known) if known is not None else heard
            draft.entries.put((delivery.group_id, name), replace(heard, notifier=name))


def _from_now(alerts: Sequence[NotifiedAlert], now: datetime) -> tuple[NotifiedAlert, ...]:
    """The same news, with patience anew."""
    return tuple(replace(alert, decided_at=now) for alert in alerts)


def _note(draft: Draft, delivery: Delivery, kind: str, text: str) -> None:
    for alert in delivery.notification.alerts:
        draft.note(
            kind,
            text,
            alert_key=alert.labels.key,
            group_id=delivery.group_id,
            delivery_id=delivery.id,
            notifier=delivery.notifier,
        )


def release(draft: Draft, ids: Collection[str] | None = None) -> int:
    """After a start: what was being sent when the process ended is queued again; returns how many.

    ids  only these: what a sender that has been replaced leaves behind

    Whether the far side took it is not known. A repeat carries the same delivery id, so that a
    gateway with an idempotency key says it once.
    """
    if ids is None:
        rows = list(draft.deliveries.values())
    else:
        rows = [row for each in ids if (row := draft.deliveries.get(each)) is not None]
    found = [row for row in rows if row.state is DeliveryState.SENDING]
    for row in found:
        queued = replace(row, state=DeliveryState.QUEUED, next_attempt_at=draft.now)
        draft.deliveries.put(row.id, _true_now(draft, queued))
    return len(found)


def _true_now(draft: Draft, delivery: Delivery) -> Delivery:
    """With the ends that came while it was being sent: who wants no ends gets no newer news of them."""
    return replace(delivery, notification=with_ends(draft, delivery.notification, delivery.notifier))


def retry(draft: Draft, delivery: Delivery) -> Delivery:
    """A dead delivery is queued again, by request; one that has been so already is left alone.

    It says what has ended since. News that waits for the same group and notifier takes it along: there
    is never more than one message waiting.
    """
    known = draft.deliveries.get(delivery.id)
    if known is not None and known.is_live:
        return known
    said = with_ends(draft, delivery.notification, delivery.notifier)
    said = replace(said, alerts=_from_now(said.alerts, draft.now))
    rows = draft.live_deliveries(delivery.group_id, delivery.notifier)
    waiting = [row for row in rows if row.state is DeliveryState.QUEUED]
    if waiting:
        ahead = replace(
            waiting[0], notification=replacing(said, waiting[0].notification), next_attempt_at=draft.now
        )
        draft.deliveries.put(ahead.id, ahead)
        draft.deliveries.put(delivery.id, replace(delivery, state=DeliveryState.SUPERSEDED))
        return ahead
    again = replace(
        delivery,
        notification=said,
        state=DeliveryState.QUEUED,
        sequence=draft.next_sequence(),
        created_at=draft.now,
        next_attempt_at=draft.now,
        attempts=0,
        settled_at=None,
    )
    draft.deliveries.put(again.id, again)
    return again


def give_up(draft: Draft, delivery: Delivery, why: str) -> None:
    """A live delivery is given up, by request or because its notifier is gone."""
    draft.deliveries.put(
        delivery.id,
        replace(delivery, state=DeliveryState.DEAD, settled_at=draft.now, last_answer=why),
    )
    _note(draft, delivery, "dead", f"{delivery.notifier} was not told: {why}")
