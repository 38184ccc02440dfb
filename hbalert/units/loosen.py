"""A configuration that keeps less quiet, or tells more notifiers, is heard at once.

Knows which groups have something to say that the configuration before kept back. Must not know whether
there is news: the look that it asks for decides that (`flush.py`). Next: nothing; the group is due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hbalert.core.group import Group
from hbalert.core.route import Route
from hbalert.memory import Draft
from hbalert.units.flush import Destinations
from hbalert.units.quiet import Quiet


@dataclass(frozen=True, slots=True)
class Regime:
    """Who is told, and what is kept quiet, under one configuration."""

    to: Destinations
    quiet: Quiet

    def told(self, route: Route) -> frozenset[str]:
        """The notifiers that hear what fires on a route."""
        return frozenset(self.to.receivers.get(route.receiver, ()))

    def route_is_quiet(self, route: Route, now: datetime) -> bool:
        return self.quiet.of_route(route, now) is not None


def loosen(draft: Draft, before: Regime, after: Regime) -> int:
    """Groups that may say more than before are due now; returns how many.

    Called when the groups are those of the new routing tree. A group that was not looked at yet is on
    its way to everybody already, and what is as quiet as before keeps its rhythm: a reload without a
    change moves nothing.
    """
    of_before, of_after = before.quiet.at(draft, draft.now), after.quiet.at(draft, draft.now)

    def may_say_more(group: Group) -> bool:
        old, new = before.to.routes.get(group.route_id), after.to.routes[group.route_id]
        if old is None or after.route_is_quiet(new, draft.now):
            return False
        firing = [
            alert.labels
            for key in draft.members_of(group.id)
            if (alert := draft.alerts.get(key)) is not None and not alert.resolved(draft.now)
        ]
        if after.told(new) - before.told(old) or before.route_is_quiet(old, draft.now):
            return bool(firing)
        return any(of_before(labels) and not of_after(labels) for labels in firing)

    waiting = [
        group for _, group in draft.groups.items() if group.flushed and group.next_flush_at > draft.now
    ]
    freed = [group for group in waiting if may_say_more(group)]
    for group in freed:
        draft.groups.put(group.id, replace(group, next_flush_at=draft.now))
    return len(freed)
