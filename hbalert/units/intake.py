"""Reports come in: alerts merge, transitions are noted, groups are joined, silences that waited for it end.

Knows which rows a report touches. Must not know who reports. Next: `flush.py`, when a group is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hbalert.core.alert import Alert
from hbalert.core.cap import Cap, Over, over
from hbalert.core.group import join
from hbalert.core.intake import Change, goes_on, take
from hbalert.core.route import Route, group_id, group_labels, match
from hbalert.memory import Draft, Memory
from hbalert.units import silences

NOTES = {
    Change.APPEARED: ("firing", "fires"),
    Change.FIRES_AGAIN: ("firing", "fires again"),
    Change.RESOLVED: ("resolved", "has resolved"),
}


def accept(
    draft: Draft, reports: Sequence[Alert], root: Route, memory: Memory, cap: Cap | None = None
) -> dict[int, Over]:
    """Takes reports in: the alerts as they are then known, and their groups.

    reports  one claim each, as `core.alert.report` makes them
    memory   tells which refreshes must be written with this commit
    cap      keeps out what is not known yet, when there are too many
    Returns why a report was kept out, by its place.
    """
    kept_out = {}
    now = draft.now
    ended = {}
    for place, reported in enumerate(reports):
        key = reported.labels.key
        known = draft.alerts.get(key)
        if known is not None and goes_on(known, reported, now):
            draft.put_alert(reported, refresh=not _is_overdue(memory, key, now))
            continue
        taken = take(known, reported, now)
        if taken.change is Change.NOTHING:
            continue
        if taken.change is Change.REFRESHED:
            overdue = _is_overdue(memory, key, now)
            other = known is not None and _whole(known) != _whole(taken.alert)
            draft.put_alert(taken.alert, refresh=not (overdue or other))
            continue
        if cap is not None and taken.change is Change.APPEARED:
            name = reported.labels.get("alertname", "")
            why = over(cap, name, total=draft.count(), of_name=draft.count(name))
            if why is not None:
                kept_out[place] = why
                continue
        draft.put_alert(taken.alert)
        kind, says = NOTES[taken.change]
        draft.note(kind, f"{_origin(reported)}: {says}", alert_key=key)
        if taken.change is Change.RESOLVED:
            ended[taken.alert.labels] = now
        else:
            join_groups(draft, taken.alert, root)
    if ended:
        silences.resolved(draft, ended)
    return kept_out


def _is_overdue(memory: Memory, key: bytes, now: datetime) -> bool:
    """Whether a refresh must be written with this commit."""
    write_by = memory.write_by.get(key)
    return write_by is not None and write_by <= now


def _whole(alert: Alert) -> list[object]:
    """What of an alert is stored at once, also when it only goes on firing."""
    return [(claim.origin, claim.starts_at, claim.flapping) for claim in alert.claims]


def join_groups(draft: Draft, alert: Alert, root: Route) -> list[str]:
    """The alert becomes a member of the group that each of its routes has for it; returns their ids."""
    joined = []
    for route in match(root, alert.labels):
        labels = group_labels(route, alert.labels)
        identity = group_id(route, labels)
        known = draft.groups.get(identity)
        group = join(known, identity, route, alert, labels, draft.now)
        if group != known:
            draft.groups.put(identity, group)
        draft.members.put((identity, alert.labels.key), True)
        joined.append(identity)
    return joined


def _origin(reported: Alert) -> str:
    origin = reported.claims[0].origin
    return {"api": "posted", "hbalert": "hbalert itself"}.get(origin, origin.replace(":", " ", 1))
