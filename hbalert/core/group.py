"""Groups: alerts that are told together, and when the next look at them is due.

Knows group wait and group interval. Must not know why an alert fires or whether it is muted.
Next: `intake.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hbalert.core.alert import Alert
from hbalert.core.labels import Labels
from hbalert.core.route import Route


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts on one route that share their group labels.

    id             `route.group_id`
    next_flush_at  when to look at it again
    flushed        whether it has been looked at at least once
    """

    id: str
    route_id: str
    labels: Labels
    next_flush_at: datetime
    flushed: bool = False


def join(
    group: Group | None, group_id: str, route: Route, alert: Alert, labels: Labels, now: datetime
) -> Group:
    """The group after `alert` came to it; a new one when there was none.

    A new group waits for company (group wait) unless the alert has been firing that long already:
    then it is looked at now. The same holds for an alert that joins before the first flush.
    A group that was flushed keeps its rhythm: the alert waits for the next flush.
    """
    waited = alert.starts_at + route.group_wait <= now
    if group is None:
        due = now if waited else now + route.group_wait
        return Group(group_id, route.id, labels, due)
    if waited and not group.flushed and group.next_flush_at > now:
        return replace(group, next_flush_at=now)
    return group


def after_flush(group: Group, route: Route, now: datetime) -> Group:
    """The group after a look at it: the next one comes a group interval later."""
    return replace(group, next_flush_at=now + route.group_interval, flushed=True)


def rebound(group: Group, route: Route, now: datetime) -> Group:
    """The group under a route whose timers may have been edited: a shorter one holds at once.

    A longer one holds from the next look on: what was promised for then is kept.
    """
    longest = route.group_interval if group.flushed else route.group_wait
    return replace(group, next_flush_at=min(group.next_flush_at, now + longest))
