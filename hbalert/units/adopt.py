"""A configuration takes effect: at the start, and at every reload.

Knows that membership of groups follows from the routing tree, so that it is never stored. Must not
know how a configuration is read. Nobody is told anything again because a route was edited: new
groups are seeded with what their notifiers were last told (`core/seed.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hbalert.core.group import rebound
from hbalert.core.notification import LogEntry
from hbalert.core.route import Route, walk
from hbalert.core.seed import seed, told
from hbalert.memory import Draft
from hbalert.units.intake import join_groups
from hbalert.units.outbox import give_up


def adopt(draft: Draft, root: Route, notifiers: Mapping[str, bool]) -> int:
    """Puts every alert into the groups that the routing tree has for it; returns the number of groups.

    notifiers  every notifier there is -> whether it is enabled
    """
    before = list(draft.entries.values())
    known = {group_id for group_id, _ in draft.groups.items()}
    for member, _ in list(draft.members.items()):
        draft.members.drop(member)
    members: dict[str, list[bytes]] = {}
    for key, alert in list(draft.alerts.items()):
        for group_id in join_groups(draft, alert, root):
            members.setdefault(group_id, []).append(key)
    for group_id in known - members.keys():
        draft.groups.drop(group_id)
    routes = {route.id: route for route in walk(root)}
    for group_id in known & members.keys():
        group = draft.groups.get(group_id)
        if group is not None and group != (moved := rebound(group, routes[group.route_id], draft.now)):
            draft.groups.put(group_id, moved)
    _trim(draft, before, members, notifiers)
    _seed(draft, before, members, known)
    for delivery in [row for row in draft.deliveries.values() if row.is_live]:
        if not notifiers.get(delivery.notifier, False):
            state = "is disabled" if delivery.notifier in notifiers else "is no longer configured"
            give_up(draft, delivery, f"the notifier {delivery.notifier} {state}")
    return len(members)


def _trim(
    draft: Draft,
    before: Sequence[LogEntry],
    members: Mapping[str, list[bytes]],
    notifiers: Mapping[str, bool],
) -> None:
    """An entry speaks of its group's members only, and to a notifier that exists."""
    for entry in before:
        firing = entry.firing.intersection(members.get(entry.group_id, ()))
        if not firing or entry.notifier not in notifiers:
            draft.entries.drop((entry.group_id, entry.notifier))
        elif firing != entry.firing:
            draft.entries.put((entry.group_id, entry.notifier), entry.about(firing))


def _seed(
    draft: Draft, before: Sequence[LogEntry], members: Mapping[str, list[bytes]], known: set[str]
) -> None:
    """Whoever was told of an alert in the group it came from counts as told in the group it is in now.

    A group that was there before learns only of alerts that have moved to it: those that another of its
    notifier's groups still holds are told once per group.
    """
    moved = [entry.about(entry.firing.difference(members.get(entry.group_id, ()))) for entry in before]
    told_anywhere, told_elsewhere = told(before), told(moved)
    for group_id, keys in members.items():
        for fresh in seed(group_id, keys, told_elsewhere if group_id in known else told_anywhere):
            mine = draft.entries.get((group_id, fresh.notifier))
            if mine is not None:
                fresh = mine.and_of(fresh)
            draft.entries.put((group_id, fresh.notifier), fresh)
