"""A configuration takes effect: at the start, and at every reload.

Knows that membership of groups follows from the routing tree, so that it is never stored. Must not
know how a configuration is read. Nobody is told anything again because a route was edited: new
groups are seeded with what their notifiers were last told (`core/seed.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from hbalert.core.notification import LogEntry
from hbalert.core.route import Route
from hbalert.core.seed import seed, told
from hbalert.memory import Draft
from hbalert.units.intake import join_groups
from hbalert.units.outbox import give_up


def adopt(draft: Draft, root: Route, notifiers: Mapping[str, bool]) -> int:
    """Puts every alert into the groups that the routing tree has for it; returns the number of groups.

    notifiers  every notifier there is -> whether it is enabled
    """
    before = dict(draft.entries.items())
    told_before = told(before.values())
    for member, _ in list(draft.members.items()):
        draft.members.drop(member)
    known = {group_id for group_id, _ in draft.groups.items()}
    members: dict[str, list[bytes]] = {}
    fresh = set()
    for key, alert in list(draft.alerts.items()):
        for group_id in join_groups(draft, alert, root):
            members.setdefault(group_id, []).append(key)
            if group_id not in known:
                fresh.add(group_id)
    for group_id in fresh:
        for entry in seed(group_id, members[group_id], told_before):
            draft.entries.put((group_id, entry.notifier), entry)
    for group_id, _ in list(draft.groups.items()):
        if group_id not in members:
            draft.groups.drop(group_id)
    _tidy_entries(draft, before, members, notifiers)
    for delivery in [row for row in draft.deliveries.values() if row.is_live]:
        if not notifiers.get(delivery.notifier, False):
            state = "is disabled" if delivery.notifier in notifiers else "is no longer configured"
            give_up(draft, delivery, f"the notifier {delivery.notifier} {state}")
    return len(members)


def _tidy_entries(
    draft: Draft,
    before: Mapping[tuple[str, str], LogEntry],
    members: Mapping[str, list[bytes]],
    notifiers: Mapping[str, bool],
) -> None:
    """Entries of groups that are gone, and of notifiers that are gone, say nothing to anybody."""
    for group_id, notifier in before:
        if group_id not in members or notifier not in notifiers:
            draft.entries.drop((group_id, notifier))
