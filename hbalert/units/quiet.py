"""Who keeps an alert quiet: silences, inhibition, and the time intervals of its route.

Knows where each reason to be quiet is found, and keeps what was arranged for looking up. Must not know
what follows from it: that an end is told all the same is decided in `core/flush.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hbalert.core.inhibit import Inhibitor, InhibitRule
from hbalert.core.interval import TimeInterval, contains, next_change
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.route import Route
from hbalert.core.silencer import Silencer
from hbalert.memory import Draft, Rows
from hbalert.regex import compile_many


@dataclass(frozen=True, slots=True)
class Mute:
    """One reason to be quiet.

    kind  "silenced", "inhibited" or "muted"
    by    ids of silences, fingerprints of alerts, or names of time intervals
    """

    kind: str
    by: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} by {', '.join(self.by)}"


@dataclass(frozen=True, slots=True)
class _Arranged:
    """When the silences in force were last looked for: nothing has changed while `version` is that of the
    table (`Table.version`) and the time lies between."""

    version: tuple[int, ...]
    since: datetime
    until: datetime


_NEVER = datetime.max.replace(tzinfo=UTC)


class Quiet:
    """What keeps alerts quiet under one configuration.

    The alerts that may inhibit others are followed commit by commit (`follow`); whether one still fires
    is asked when it matters, so that an end by the clock needs no bookkeeping.
    """

    def __init__(
        self,
        inhibit_rules: Iterable[InhibitRule] = (),
        time_intervals: Mapping[str, Sequence[TimeInterval]] | None = None,
        known: Iterable[Labels] = (),
    ) -> None:
        self._rules = tuple(inhibit_rules)
        self._intervals = time_intervals or {}
        self._silencer = Silencer(())
        self._arranged = _Arranged((), _NEVER, _NEVER)
        self._inhibitor = Inhibitor(self._rules, known, compile_many)

    def follow(self, draft: Draft) -> None:
        """Takes note of the alerts that a commit brought or removed."""
        if not self._rules:
            return
        for key, alert in draft.alerts.changed().items():
            if alert is None:
                self._inhibitor.remove(Labels.from_key(key))
            elif key not in draft.refreshed:
                self._inhibitor.add(alert.labels)

    def of(self, labels: Labels, rows: Rows, now: datetime) -> tuple[Mute, ...]:
        """Every reason why an alert with these labels is kept quiet now; empty when there is none."""
        return self.at(rows, now)(labels)

    def at(self, rows: Rows, now: datetime) -> Callable[[Labels], tuple[Mute, ...]]:
        """`of` for many alerts at one moment: what is the same for all of them is looked up once."""
        silenced_by = self.silencer(rows, now).silenced_by

        def of(labels: Labels) -> tuple[Mute, ...]:
            found = []
            if silences := silenced_by(labels):
                found.append(Mute("silenced", silences))
            if alerts := self.inhibited_by(labels, rows, now):
                found.append(Mute("inhibited", alerts))
            return tuple(found)

        return of

    def silencer(self, rows: Rows, now: datetime) -> Silencer:
        """The silences in force at a moment, arranged; the same object as long as they are the same."""
        arranged, version = self._arranged, rows.silences.version
        if version == arranged.version and arranged.since <= now < arranged.until:
            return self._silencer
        silences = list(rows.silences.values())
        active = [each for each in silences if each.starts_at <= now < each.ends_at]
        if not self._silencer.holds(active):
            self._silencer = Silencer(active, compile_many)
        changes = (at for each in silences for at in (each.starts_at, each.ends_at) if at > now)
        self._arranged = _Arranged(version, now, min(changes, default=_NEVER))
        return self._silencer

    def inhibited_by(self, labels: Labels, rows: Rows, now: datetime) -> tuple[str, ...]:
        """Fingerprints of the alerts that fire and inhibit an alert with these labels."""
        if not self._rules:
            return ()
        sources = self._inhibitor.inhibited_by(labels)
        if not sources:
            return ()
        known = [alert for key in sources if (alert := rows.alerts.get(key)) is not None]
        return tuple(fingerprint(alert.labels) for alert in known if not alert.resolved(now))

    def of_route(self, route: Route, now: datetime) -> Mute | None:
        """Why a whole route is quiet now: one of its mute intervals holds, or none of its active ones."""
        mutes = tuple(name for name in route.mute_time_intervals if contains(self._intervals[name], now))
        if mutes:
            return Mute("muted", mutes)
        active = route.active_time_intervals
        if active and not any(contains(self._intervals[name], now) for name in active):
            return Mute("muted", tuple(f"not {name}" for name in active))
        return None

    def ends(self, route: Route, now: datetime) -> datetime | None:
        """When the time intervals of a route that is quiet now may let it speak again."""
        names = (*route.mute_time_intervals, *route.active_time_intervals)
        changes = [change for name in names if (change := next_change(self._intervals[name], now))]
        return min(changes, default=None)
