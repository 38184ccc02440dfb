"""Notifications: is there something to say to this notifier, and why.

Knows the last log entry of a (group, notifier) and the sets that fire and are resolved now. Must
not know text, templates or addresses. Next: `flush.py`, which asks; `delivery.py`, which carries
what was decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from hbalert.core.labels import Labels, listing_order


class Reason(Enum):
    """Why a notification is sent; the texts are Alertmanager's `notification_reason`."""

    FIRST = "first notification"
    NEW_ALERTS = "new alerts added"
    SOME_RESOLVED = "some alerts resolved"
    ALL_RESOLVED = "all alerts resolved"
    FLAPPING = "alert is flapping"
    CALM = "alert has calmed down"
    REPEAT = "repeat interval elapsed"
    TEST = "test notification"
    FALLBACK = "fallback for a notifier that failed"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a notifier was last told about a group.

    firing    keys of the alerts it believes to be firing
    resolved  keys of the alerts it was told have resolved, in the last notification
    flapping  those of `firing` that it was told are flapping
    at        when the far side accepted the last notification (until it has: when it was decided)
    repeats   how many times in a row the same was said again
    """

    group_id: str
    notifier: str
    firing: frozenset[bytes]
    resolved: frozenset[bytes]
    at: datetime
    repeats: int = 0
    flapping: frozenset[bytes] = frozenset()

    def about(self, firing: frozenset[bytes]) -> LogEntry:
        """The same entry, with these as the alerts that the notifier believes to be firing."""
        return replace(self, firing=firing, flapping=self.flapping & firing)

    def and_of(self, other: LogEntry) -> LogEntry:
        """The same entry, with what another one holds as well."""
        return replace(self, firing=self.firing | other.firing, flapping=self.flapping | other.flapping)


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of `decide`.

    reason  why to notify; None: stay quiet
    record  the entry changes although nothing is said (a resolve that this notifier does not want)
    """

    reason: Reason | None
    record: bool = False


QUIET = Decision(None)


def decide(
    entry: LogEntry | None,
    firing: frozenset[bytes],
    resolved: frozenset[bytes],
    now: datetime,
    *,
    send_resolved: bool,
    repeat_intervals: Sequence[timedelta],
    flaps: Reason | None = None,
) -> Decision:
    """Whether a flush of this group has news for this notifier.

    firing    what fires and is not muted, and what fires muted but was told before: to be muted is
              not to be resolved
    resolved  what has resolved and this notifier was told of
    flaps     FLAPPING or CALM when something it was told of has begun or ceased to flap since

    The rows are those of Alertmanager's dedup stage (docs/notifications.md shows the table). The
    repeat interval is compared strictly and only at a flush, so that the real period is the interval
    rounded up to the next flush.
    """
    told_firing = entry.firing if entry else frozenset()
    told_resolved = entry.resolved if entry else frozenset()
    if not firing <= told_firing:
        return Decision(Reason.NEW_ALERTS if told_firing else Reason.FIRST)
    if entry is None:
        return QUIET
    if not firing:
        if not told_firing:
            return QUIET
        return Decision(Reason.ALL_RESOLVED) if send_resolved else Decision(None, record=True)
    if send_resolved and not resolved <= told_resolved:
        return Decision(Reason.SOME_RESOLVED)
    if flaps is not None:
        return Decision(flaps)
    if repeats_after(entry, repeat_intervals) < now:
        return Decision(Reason.REPEAT)
    return QUIET


def repeats_after(entry: LogEntry, repeat_intervals: Sequence[timedelta]) -> datetime:
    """The moment after which a flush says the same again."""
    return entry.at + repeat_intervals[min(entry.repeats, len(repeat_intervals) - 1)]


@dataclass(frozen=True, slots=True)
class NotifiedAlert:
    """An alert as a message shows it, frozen at the moment of the decision.

    ends_at     None while it fires
    decided_at  when it was first decided to tell this; None: with the whole notification
    """

    labels: Labels
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = ""
    fingerprint: str = ""
    decided_at: datetime | None = None

    @property
    def status(self) -> str:
        return "firing" if self.ends_at is None else "resolved"


@dataclass(frozen=True, slots=True)
class Notification:
    """What we decided to say to one notifier about one group. The outbox keeps it whole.

    receiver  the name in the route, not the notifier's
    alerts    never empty; in the order in which messages list them
    decided_at  when the flush decided; `first_decided_at` is older when this replaced a notification
              that had not got out yet: the age of the news
    besides   notifiers outside the receiver that are told of the same ends in their own right
    """

    receiver: str
    group_id: str
    group_key: str
    group_labels: Labels
    alerts: tuple[NotifiedAlert, ...]
    reason: Reason
    decided_at: datetime
    first_decided_at: datetime
    external_url: str = ""
    repeat: int = 0
    route_labels: Mapping[str, str] = field(default_factory=dict)
    besides: tuple[str, ...] = ()

    def decided(self, alert: NotifiedAlert) -> datetime:
        """When it was first decided to tell this of one of its alerts."""
        return alert.decided_at or self.first_decided_at

    @property
    def status(self) -> str:
        """ "firing" as long as one alert fires, else "resolved"."""
        return "firing" if any(alert.ends_at is None for alert in self.alerts) else "resolved"

    @property
    def firing(self) -> tuple[NotifiedAlert, ...]:
        return tuple(alert for alert in self.alerts if alert.ends_at is None)

    @property
    def resolved(self) -> tuple[NotifiedAlert, ...]:
        return tuple(alert for alert in self.alerts if alert.ends_at is not None)

    @property
    def common_labels(self) -> Labels:
        """The labels that every alert of this notification has, with the same value."""
        if len(self.alerts) == 1:
            return self.alerts[0].labels
        return Labels(_common([alert.labels for alert in self.alerts]))

    @property
    def common_annotations(self) -> Mapping[str, str]:
        return _common([alert.annotations for alert in self.alerts])


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = maps
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def message_order(labels: Labels) -> tuple[object, ...]:
    """Sort key of alerts in a message: by job, then instance, then all labels; without comes last."""
    job, instance = labels.get("job", ""), labels.get("instance", "")
    return (not job, job, not instance, instance, listing_order(labels))
