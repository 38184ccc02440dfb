"""Flush: one look at a due group. Page two of the story.

Knows the members of a group, who mutes which of them, and what each notifier was last told. Decides
for each notifier whether there is news and what it says. Must not know text, templates, addresses or
where anything is stored. Next: `delivery.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hbalert.core.alert import Alert
from hbalert.core.labels import fingerprint
from hbalert.core.notification import (
    Decision,
    LogEntry,
    Notification,
    NotifiedAlert,
    Reason,
    decide,
    message_order,
)


@dataclass(frozen=True, slots=True)
class Listener:
    """A notifier that a flush decides for.

    in_receiver  False for one that was told of this group earlier but is not (or no longer) in the
                 receiver of its route: it hears of ends only, so that nobody is left with an alert
                 that never resolves
    """

    name: str
    send_resolved: bool = True
    in_receiver: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one flush means for one notifier.

    entry   the new log entry; None when it stays as it is (see `forget`)
    forget  the entry is of no use any more: nothing fires that this notifier was told of
    alerts  what to say, in message order; empty when there is nothing to say
    """

    listener: Listener
    decision: Decision
    entry: LogEntry | None = None
    forget: bool = False
    alerts: tuple[NotifiedAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class Flush:
    """The whole outcome of a look at a group.

    verdicts  one for each listener
    leaving   keys of members that have resolved: every listener has been decided for
    untold    keys of those that come and go without anybody having been told
    """

    verdicts: tuple[Verdict, ...]
    leaving: frozenset[bytes]
    untold: frozenset[bytes]


def flush(
    group_id: str,
    members: Sequence[Alert],
    muted: frozenset[bytes],
    listeners: Sequence[Listener],
    entries: Mapping[str, LogEntry],
    now: datetime,
    *,
    repeat_intervals: Sequence[timedelta],
) -> Flush:
    """Decides what a due group has to say to each of its listeners.

    members  every alert of the group, firing or resolved
    muted    keys of the members that are silenced, inhibited or otherwise to be kept quiet
    entries  by notifier: what was last said

    An alert that has resolved is told to whoever was told that it fired, muted or not: to be left
    with an alert that never ends is worse than a message in a quiet time. A muted alert that fires
    is not told, and one that was told before it was muted does not count as resolved.
    """
    firing: dict[bytes, Alert] = {}
    ended: dict[bytes, Alert] = {}
    for alert in members:
        (ended if alert.resolved(now) else firing)[alert.labels.key] = alert
    known = firing.keys() | ended.keys()
    verdicts = []
    for listener in listeners:
        entry = entries.get(listener.name)
        told = _still_known(entry.firing, known) if entry else frozenset()
        loud = frozenset(key for key in firing if key not in muted)
        if not listener.in_receiver:
            loud &= told
        still = told & firing.keys()
        resolved = frozenset(key for key in ended if entry and key in told | entry.resolved)
        current = entry.about(told) if entry and told is not entry.firing else entry
        decision = decide(
            current,
            loud | still,
            resolved,
            now,
            send_resolved=listener.send_resolved,
            repeat_intervals=repeat_intervals,
            flaps=_flaps([firing[key] for key in loud & told], entry) if listener.in_receiver else None,
        )
        verdicts.append(
            _verdict(group_id, listener, decision, current, loud, still, resolved, firing, ended, now)
        )
    leaving = frozenset(ended)
    untold = leaving.difference(*(entry.firing | entry.resolved for entry in entries.values() if leaving))
    return Flush(tuple(verdicts), leaving, untold)


def _still_known(told: frozenset[bytes], known: Set[bytes]) -> frozenset[bytes]:
    """The set itself when nothing of it has gone: at nearly every look."""
    return told if told <= known else told & known


def _flaps(alerts: Iterable[Alert], entry: LogEntry | None) -> Reason | None:
    """What is new about the pace of alerts that were told already."""
    told = entry.flapping if entry else frozenset[bytes]()
    news = [each for each in alerts if each.flapping is not (each.labels.key in told)]
    if not news:
        return None
    return Reason.FLAPPING if any(each.flapping for each in news) else Reason.CALM


def _verdict(
    group_id: str,
    listener: Listener,
    decision: Decision,
    entry: LogEntry | None,
    loud: frozenset[bytes],
    still: frozenset[bytes],
    resolved: frozenset[bytes],
    firing: Mapping[bytes, Alert],
    ended: Mapping[bytes, Alert],
    now: datetime,
) -> Verdict:
    over = resolved if listener.send_resolved else frozenset[bytes]()
    # Nothing to repeat: all that this listener was told of is muted by now.
    if decision.reason is Reason.REPEAT and (not loud or not listener.in_receiver):
        decision = Decision(None)
    if decision.reason is None or not (loud or over):
        ends_unheard = entry is not None and bool(entry.firing - still)
        if entry is None or not (decision.record or ends_unheard):
            return Verdict(listener, Decision(None))
        quiet = replace(entry.about(still), resolved=frozenset())
        return Verdict(listener, Decision(None, record=True), quiet, forget=not still)
    repeats = 0 if entry is None else entry.repeats
    match decision.reason:
        case Reason.REPEAT:
            repeats += 1
        case Reason.FIRST | Reason.NEW_ALERTS:
            repeats = 0
        case _:
            pass
    shown = [notified(firing[key], ended=False) for key in loud]
    alerts = in_message_order([*shown, *(notified(ended[key], ended=True) for key in over)])
    flapping = frozenset(key for key in loud if firing[key].flapping)
    flapping |= entry.flapping & (still - loud) if entry else frozenset()
    fresh = LogEntry(group_id, listener.name, loud | still, resolved, now, repeats, flapping)
    return Verdict(listener, decision, fresh, forget=not fresh.firing, alerts=alerts)


def in_message_order(alerts: Iterable[NotifiedAlert]) -> tuple[NotifiedAlert, ...]:
    """The alerts as a message lists them."""
    return tuple(sorted(alerts, key=lambda alert: message_order(alert.labels)))


def notified(alert: Alert, *, ended: bool) -> NotifiedAlert:
    """The alert as a message shows it; an end that lies ahead is not shown."""
    return NotifiedAlert(
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at if ended else None,
        generator_url=alert.generator_url,
        fingerprint=fingerprint(alert.labels),
    )


def replacing(unsent: Notification, new: Notification) -> Notification:
    """The notification that takes the place of one that has not got out yet.

    It says as well what the older one would have said of alerts that it does not speak of: what was
    decided to be told is told, also when an alert has ended or was muted meanwhile. Otherwise it would
    count as told and never be. News keeps its age: what the older one spoke of is as old as it was
    there, what is new begins to age now, and so does an alert that fires again.

    unsent  with the ends that have come since
    """
    older = {alert.labels.key: alert for alert in unsent.alerts}

    def aged(alert: NotifiedAlert) -> NotifiedAlert:
        known = older.pop(alert.labels.key, None)
        again = known is not None and known.ends_at is not None and alert.ends_at is None
        if known is None or again:
            return replace(alert, decided_at=new.decided(alert))
        return replace(alert, decided_at=unsent.decided(known))

    spoken = [aged(alert) for alert in new.alerts]
    carried = [replace(alert, decided_at=unsent.decided(alert)) for alert in older.values()]
    return replace(
        new,
        alerts=in_message_order([*spoken, *carried]),
        first_decided_at=unsent.first_decided_at,
    )
