"""The book: the views of all alerts, kept between readers.

Knows when a view still holds: a view is the same object as long as nothing about it changes, so that
whoever encodes it can keep that work, too. Must not know what a view is shown as (`views.py`), HTTP or JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from hbalert.core.alert import Alert
from hbalert.core.labels import Labels, fingerprint, listing_order
from hbalert.core.matcher import Matcher
from hbalert.core.notification import message_order
from hbalert.core.route import Route, match
from hbalert.core.silencer import Silencer
from hbalert.engine import Engine
from hbalert.views import AlertView, GroupView


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts somebody asks for.

    receiver  a test whether a whole receiver name is wanted; None: any
    """

    matchers: tuple[Matcher, ...] = ()
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    receiver: Callable[[str], bool] | None = None

    def of(self, views: Iterable[AlertView]) -> list[AlertView]:
        """Those of `views` that are asked for, in their order. The rules are Alertmanager's."""
        for matcher in self.matchers:
            name, test = matcher.name, matcher.test
            views = [view for view in views if test(view.labels.get(name, ""))]
        every = self.active and self.silenced and self.inhibited and self.receiver is None
        return list(views) if every else [view for view in views if self._shows(view)]

    def _shows(self, view: AlertView) -> bool:
        if view.silenced_by and not self.silenced:
            return False
        if view.inhibited_by and not self.inhibited:
            return False
        if not self.active and not view.silenced_by and not view.inhibited_by:
            return False
        return self.receiver is None or any(map(self.receiver, view.receivers))


_NEVER = datetime.max.replace(tzinfo=UTC)

_editions = count(1)


class Book:
    """The views of all alerts, kept up to date when somebody reads them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._root: Route | None = None
        self._silencer = Silencer(())
        self._seen: dict[bytes, AlertView] = {}
        self._as_found: list[AlertView] = []
        self._order: list[int] = []
        self._sorted: list[AlertView] = []
        self._version = 0
        # While nothing of this changes and the time lies between, another look would find the same.
        self._state: tuple[object, ...] = ()
        self._since = self._until = _NEVER

    def alerts(self, now: datetime) -> list[AlertView]:
        """Every alert that fires, by fingerprint."""
        self._look(now)
        return self._sorted

    def version(self, now: datetime) -> int:
        """The same number as long as `alerts` would answer the same."""
        self._look(now)
        return self._version

    def found(self, now: datetime) -> tuple[list[AlertView], list[int]]:
        """As `alerts`, in the order in which they came, and the places there of `alerts`, in its order.

        Whoever works on all of them finds close together in memory what came together.
        """
        self._look(now)
        return self._as_found, self._order

    def wanted(self, wanted: Wanted, now: datetime) -> list[AlertView]:
        """The firing alerts that are asked for, by fingerprint."""
        return wanted.of(self.alerts(now))

    def groups(self, wanted: Wanted, now: datetime) -> list[GroupView]:
        """The groups that have an alert that is asked for, in Alertmanager's order."""
        self._look(now)
        engine = self._engine
        found = []
        for group in engine.memory.groups.values():
            route = engine.destinations.routes.get(group.route_id)
            if route is None:  # a reload has just begun: its groups come with its commit
                continue
            if wanted.receiver is not None and not wanted.receiver(route.receiver):
                continue
            mute = engine.quiet.of_route(route, now)
            if mute is not None and not wanted.muted:
                continue
            members = map(self._seen.get, engine.memory.members_of(group.id))
            shown = wanted.of(view for view in members if view and _fires(view, now))
            if shown:
                shown.sort(key=lambda view: message_order(view.labels))
                found.append(GroupView(group, route, tuple(shown), mute.by if mute else ()))
        found.sort(key=lambda view: (listing_order(view.group.labels), view.route.receiver, view.group.id))
        return found

    def known(self, now: datetime) -> Iterator[tuple[str, Labels]]:
        """Fingerprint and labels of every alert that is live: firing, just resolved, pending."""
        self._look(now)
        for view in self._seen.values():
            yield view.fingerprint, view.labels
        for row in self._engine.memory.rule_alerts.values():
            if row.labels.key not in self._seen:
                yield fingerprint(row.labels), row.labels

    def _look(self, now: datetime) -> None:
        memory, config = self._engine.memory, self._engine.config
        quiet = self._engine.quiet
        silencer = quiet.silencer(memory, now)
        same_silences, self._silencer = silencer is self._silencer, silencer
        state = (config.route, config.inhibit_rules, memory.alerts.version)
        if same_silences and state == self._state and self._since <= now < self._until:
            return
        if config.route is not self._root:
            self._root = config.route
            self._seen.clear()
        # Inhibition depends on what else fires, so it is asked each time; silences only when they change.
        inhibits = bool(config.inhibit_rules)
        seen = self._seen
        until = _NEVER
        found = []
        for key, alert in memory.alerts.items():
            view = seen.get(key)
            if view is not None and same_silences and not inhibits:
                if view.alert is not alert:
                    view = seen[key] = _other(view, alert, view.silenced_by, view.inhibited_by)
            else:
                known = view is not None and same_silences
                silenced_by = view.silenced_by if view and known else silencer.silenced_by(alert.labels)
                inhibited_by = quiet.inhibited_by(alert.labels, memory, now) if inhibits else ()
                view = seen[key] = _view(alert, view, self._root, silenced_by, inhibited_by)
            ends_at = view.ends_at
            if ends_at is None:
                found.append(view)
            elif ends_at > now:
                found.append(view)
                if ends_at < until:
                    until = ends_at
        if len(seen) > len(memory.alerts):
            self._seen = {key: seen[key] for key, _ in memory.alerts.items()}
        if found != self._as_found:  # the same objects in the same order are found equal at once
            self._as_found = found
            self._version += 1
            self._sort()
        self._state, self._since, self._until = state, now, until

    def _sort(self) -> None:
        """By fingerprint. Nearly always nothing has come or gone, and the order is that of the last time."""
        found = self._as_found
        names = [view.fingerprint for view in found]
        if len(self._order) == len(found):
            ordered = [names[place] for place in self._order]
        if len(self._order) != len(found) or ordered != sorted(ordered):
            self._order = sorted(range(len(found)), key=names.__getitem__)
        self._sorted = [found[place] for place in self._order]


def _view(
    alert: Alert,
    old: AlertView | None,
    root: Route,
    silenced_by: tuple[str, ...],
    inhibited_by: tuple[str, ...],
) -> AlertView:
    """The view of an alert; the old one itself when nothing about it has changed."""
    if old is None:
        edition, name = next(_editions), fingerprint(alert.labels)
        receivers = tuple(dict.fromkeys(route.receiver for route in match(root, alert.labels)))
        ends_at = alert.ends_at
        return AlertView(
            alert, alert.labels, name, ends_at, receivers, silenced_by, inhibited_by, edition, edition
        )
    if old.alert is alert and old.silenced_by == silenced_by and old.inhibited_by == inhibited_by:
        return old
    return _other(old, alert, silenced_by, inhibited_by)


def _other(
    old: AlertView, alert: Alert, silenced_by: tuple[str, ...], inhibited_by: tuple[str, ...]
) -> AlertView:
    """Another edition of a view."""
    edition, before = next(_editions), old.alert
    is_alike = (
        before.starts_at == alert.starts_at
        and before.generator_url == alert.generator_url
        and old.silenced_by == silenced_by
        and old.inhibited_by == inhibited_by
    )
    return AlertView(
        alert,
        alert.labels,
        old.fingerprint,
        alert.ends_at,
        old.receivers,
        silenced_by,
        inhibited_by,
        edition,
        old.alike if is_alike else edition,
    )


def _fires(view: AlertView, now: datetime) -> bool:
    return view.ends_at is None or view.ends_at > now
