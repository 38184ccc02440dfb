"""A due group is looked at: log entries and outbox rows are written together, or not at all.

Knows which rows a flush reads and writes. Must not know whether there is news (`core/flush.py`) or
how a delivery travels (`outbox.py`, next).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hbalert.core.alert import Alert
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.flush import Listener, Verdict, flush, replacing
from hbalert.core.group import Group, after_flush
from hbalert.core.notification import LogEntry, Notification, NotifiedAlert
from hbalert.core.route import Route, group_key
from hbalert.memory import Draft
from hbalert.units import silences
from hbalert.units.quiet import Mute, Quiet
from hbalert.units.troubles import beyond


@dataclass(frozen=True, slots=True)
class Destinations:
    """What a flush has to know of the configuration.

    routes         by id
    receivers      name -> the enabled notifiers behind it
    send_resolved  notifier -> whether it wants to hear of ends; only enabled notifiers are in it
    unread         notifiers that wake nobody up: the daemon's own log
    """

    routes: Mapping[str, Route]
    receivers: Mapping[str, Sequence[str]]
    send_resolved: Mapping[str, bool]
    external_url: str = ""
    unread: frozenset[str] = frozenset()


def flush_group(draft: Draft, group: Group, to: Destinations, quiet: Quiet, new_ids: Iterable[str]) -> int:
    """Looks at one group; returns how many deliveries it enqueued.

    new_ids  ids for deliveries, at least one for each notifier; drawn only when there is something to say
    """
    route = to.routes[group.route_id]
    mute = quiet.of_route(route, draft.now)
    if mute is not None:
        _wait(draft, group, route, mute, quiet.ends(route, draft.now))
        return 0
    members = [alert for key in draft.members_of(group.id) if (alert := draft.alerts.get(key)) is not None]
    entries = {entry.notifier: entry for entry in draft.entries_of(group.id)}
    names = beyond(to.receivers[route.receiver], members, to.send_resolved, to.unread)
    listeners = [Listener(name, to.send_resolved[name]) for name in names]
    listeners += [
        Listener(name, to.send_resolved[name], in_receiver=False)
        for name in sorted(entries.keys() - set(names))
        if name in to.send_resolved
    ]
    muted = _muted(draft, group, members, entries, quiet)
    outcome = flush(
        group.id,
        members,
        frozenset(muted),
        listeners,
        entries,
        draft.now,
        repeat_intervals=route.repeat_intervals,
    )
    ids = iter(new_ids)
    enqueued = 0
    besides = tuple(
        verdict.listener.name
        for verdict in outcome.verdicts
        if not verdict.listener.in_receiver and any(alert.ends_at for alert in verdict.alerts)
    )
    for verdict in outcome.verdicts:
        _remember(draft, group, verdict)
        enqueued += _enqueue(draft, group, route, verdict, to.external_url, ids, besides)
    if outcome.leaving:  # an end by the clock may be noticed here first
        silences.resolved(
            draft, silences.ends_of(alert for alert in members if alert.labels.key in outcome.leaving)
        )
    _part(draft, group, outcome.leaving, outcome.untold)
    if (members and not outcome.leaving) or draft.members_of(group.id):
        draft.groups.put(group.id, after_flush(group, route, draft.now))
    else:
        _forget(draft, group)
    return enqueued


def _wait(draft: Draft, group: Group, route: Route, mute: Mute, ends: datetime | None) -> None:
    """The whole route is quiet: nothing is decided until it may speak, and that moment is not missed.

    Who was told that an alert fires hears of its end then. What comes and goes meanwhile is not told.
    """
    told = frozenset().union(*(entry.firing for entry in draft.entries_of(group.id)))
    for key in draft.members_of(group.id):
        alert = draft.alerts.get(key)
        if alert is None or key in told:
            continue
        if alert.resolved(draft.now):
            silences.resolved(draft, silences.ends_of([alert]))
            _part(draft, group, frozenset({key}), frozenset({key}))
        elif not group.flushed:
            draft.note(mute.kind, f"not told: {mute}", alert_key=key, group_id=group.id)
    if not draft.members_of(group.id):
        _forget(draft, group)
        return
    again = after_flush(group, route, draft.now)
    if ends is not None:
        again = replace(again, next_flush_at=min(ends, again.next_flush_at))
    draft.groups.put(group.id, again)


def _muted(
    draft: Draft, group: Group, members: Sequence[Alert], entries: Mapping[str, LogEntry], quiet: Quiet
) -> dict[bytes, tuple[Mute, ...]]:
    """Who is kept quiet, and by whom. The timeline hears of it at the first look at the group."""
    muted = {}
    first = not group.flushed
    told = frozenset().union(*(entry.firing for entry in entries.values())) if first else frozenset()
    mutes = quiet.at(draft, draft.now)
    for alert in members:
        by = mutes(alert.labels)
        if not by:
            continue
        key = alert.labels.key
        muted[key] = by
        if first and key not in told and not alert.resolved(draft.now):
            for mute in by:
                draft.note(mute.kind, f"not told: {mute}", alert_key=key, group_id=group.id)
    return muted


def _remember(draft: Draft, group: Group, verdict: Verdict) -> None:
    """The log entry goes with the delivery row: one transaction."""
    if verdict.forget:
        draft.entries.drop((group.id, verdict.listener.name))
    elif verdict.entry is not None:
        draft.entries.put((group.id, verdict.listener.name), verdict.entry)


def _enqueue(
    draft: Draft,
    group: Group,
    route: Route,
    verdict: Verdict,
    external_url: str,
    ids: Iterator[str],
    besides: tuple[str, ...],
) -> int:
    """Writes the delivery row of a verdict that has something to say; returns how many."""
    name = verdict.listener.name
    waiting = [row for row in draft.live_deliveries(group.id, name) if row.state is DeliveryState.QUEUED]
    unsent = waiting[-1] if waiting else None
    alerts, reason = verdict.alerts, verdict.decision.reason
    if reason is None and verdict.decision.record and unsent is not None:
        # What waits says that something fires which has ended: late news should be true news.
        alerts, reason = with_ends(draft, unsent.notification, name).alerts, unsent.notification.reason
    if reason is None or not alerts:
        return 0
    notification = Notification(
        receiver=route.receiver,
        group_id=group.id,
        group_key=group_key(route, group.labels),
        group_labels=group.labels,
        alerts=alerts,
        reason=reason,
        decided_at=draft.now,
        first_decided_at=draft.now,
        external_url=external_url,
        repeat=verdict.entry.repeats if verdict.entry else 0,
        besides=besides,
    )
    enqueue(draft, notification, name, next(ids), unsent)
    return 1


def enqueue(
    draft: Draft, notification: Notification, notifier: str, delivery_id: str, unsent: Delivery | None = None
) -> Delivery:
    """The outbox row for a notification. It takes the place of `unsent`, and keeps its age."""
    delivery = Delivery(
        id=delivery_id,
        sequence=draft.next_sequence(),
        group_id=notification.group_id,
        notifier=notifier,
        notification=notification,
        state=DeliveryState.QUEUED,
        created_at=draft.now,
        next_attempt_at=draft.now,
    )
    if unsent is not None:
        delivery = replace(
            delivery,
            notification=replacing(with_ends(draft, unsent.notification, notifier), notification),
            created_at=unsent.created_at,
            next_attempt_at=unsent.next_attempt_at,
            attempts=unsent.attempts,
        )
        draft.deliveries.put(
            unsent.id,
            replace(
                unsent,
                state=DeliveryState.SUPERSEDED,
                settled_at=draft.now,
                last_answer=unsent.last_answer or "newer news took its place before it was sent",
            ),
        )
    draft.deliveries.put(delivery.id, delivery)
    for alert in notification.alerts:
        draft.note(
            "enqueued",
            f"{notification.receiver}: {notification.reason.value}, to {notifier}",
            alert_key=alert.labels.key,
            group_id=notification.group_id,
            delivery_id=delivery.id,
            notifier=notifier,
        )
    return delivery


def with_ends(draft: Draft, waiting: Notification, notifier: str) -> Notification:
    """A notification that waits, with the ends of its alerts that a look at the group has seen since.

    An end that no look has seen is not said yet: the log entry still holds that the notifier believes in
    the alert, and if it fires again meanwhile that would be no news. An alert that nobody knows any more
    has ended and left; since when is not known here, only by now.
    """

    def is_believed(key: bytes) -> bool:
        groups = (waiting.group_id, *draft.groups_with(key))  # a route edit may have moved it
        entries = (draft.entries.get((group_id, notifier)) for group_id in groups)
        return any(entry is not None and key in entry.firing for entry in entries)

    def now_known(shown: NotifiedAlert) -> NotifiedAlert:
        alert = draft.alerts.get(shown.labels.key)
        if alert is None:
            return replace(shown, ends_at=shown.ends_at or draft.now)
        seen = alert.resolved(draft.now) and not is_believed(shown.labels.key)
        return replace(shown, ends_at=alert.ends_at) if seen else shown

    return replace(waiting, alerts=tuple(map(now_known, waiting.alerts)))


def _part(draft: Draft, group: Group, leaving: frozenset[bytes], untold: frozenset[bytes]) -> None:
    """Resolved alerts leave the group, and memory when no other group has still to look at them."""
    for key in leaving:
        draft.members.drop((group.id, key))
        if key in untold:
            draft.note(
                "dropped",
                "came and went before it was told: nobody was told",
                alert_key=key,
                group_id=group.id,
            )
        if not draft.groups_with(key):
            draft.alerts.drop(key)


def _forget(draft: Draft, group: Group) -> None:
    draft.groups.drop(group.id)
    for entry in draft.entries_of(group.id):
        draft.entries.drop((group.id, entry.notifier))
