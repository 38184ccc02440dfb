"""What is live, in memory: a copy of the store that saves work, and the unit of work over it.

Knows how rows are found (`table.py`: by key, by group, by notifier; `agenda.py`: by due time) and what a
unit of work has written. Must not know what any of it means, nor how it is stored. Memory changes only
after the store has committed: a `Draft` is an overlay until then. Next: `desk.py`, which commits.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hbalert.agenda import Agenda
from hbalert.core.alert import Alert
from hbalert.core.delivery import Delivery
from hbalert.core.group import Group
from hbalert.core.maintenance import Window
from hbalert.core.notification import LogEntry
from hbalert.core.rule import RuleAlert
from hbalert.core.silence import Silence
from hbalert.ports import Attempt, Changes, Note, NotifierState, Snapshot
from hbalert.table import Table


class Rows:
    """The live tables, and the questions that every reader asks of them.

    members: (group id, alert key) -> True. It is not stored: the routing tree tells it again.
    lasting: ids of the silences that may end before their time, so that a resolve need not ask them all.
    """

    alerts: Table[bytes, Alert]
    rule_alerts: Table[tuple[str, bytes], RuleAlert]
    groups: Table[str, Group]
    members: Table[tuple[str, bytes], bool]
    entries: Table[tuple[str, str], LogEntry]
    deliveries: Table[str, Delivery]
    silences: Table[str, Silence]
    lasting: Table[str, bool]
    windows: Table[str, Window]
    notifiers: Table[str, NotifierState]

    def __init__(self, under: Rows | None = None) -> None:
        self.named: dict[str, int] = {}
        self.added = 0
        self._below = under

    def count(self, alertname: str | None = None) -> int:
        """How many alerts there are, with that name or in all; what a draft removes is counted until its
        commit."""
        mine = self.added if alertname is None else self.named.get(alertname, 0)
        return mine + (self._below.count(alertname) if self._below is not None else 0)

    def _named(self, alert: Alert, more: int) -> None:
        name = alert.labels.get("alertname", "")
        self.named[name] = self.named.get(name, 0) + more
        if not self.named[name]:
            del self.named[name]
        self.added += more

    def members_of(self, group_id: str) -> list[bytes]:
        """Keys of the alerts in a group."""
        return [key for (_, key), _ in self.members.found(group_id)]

    def groups_with(self, alert_key: bytes) -> list[str]:
        """Ids of the groups that an alert is in."""
        return [group_id for (group_id, _), _ in self.members.found(alert_key)]

    def entries_of(self, group_id: str) -> list[LogEntry]:
        return [entry for _, entry in self.entries.found(group_id)]

    def lasting_silences(self) -> list[Silence]:
        """Those that may end before their time: when what they match has resolved."""
        rows = (self.silences.get(silence_id) for silence_id, _ in self.lasting.items())
        return [row for row in rows if row is not None]

    def alerts_of_rule(self, rule_id: str) -> list[RuleAlert]:
        return [row for _, row in self.rule_alerts.found(rule_id)]

    def live_deliveries(self, group_id: str, notifier: str) -> list[Delivery]:
        """Unsettled deliveries of one (group, notifier), first come first."""
        rows = (row for _, row in self.deliveries.found((group_id, notifier)) if row.is_live)
        return sorted(rows, key=lambda row: row.sequence)


STORED = ("alerts", "rule_alerts", "groups", "entries", "deliveries", "silences", "windows", "notifiers")
TABLES = (*STORED, "members", "lasting")


class Draft(Rows):
    """A unit of work: reads what is live and what was written before it, writes here only.

    A table is laid over the one below when it is first asked for: most units need two of the ten.

    refreshed  keys of alerts whose change need not be stored yet (design: a refresh is no transition)
    refreshed_rows  the same of rule alerts: another value or text, kept in memory only
    seen_at  set by what moves the rows to another clock: a next start must not move them again
    vital    keys of alerts that are stored on a full disk as well: they tell that it is full
    """

    def __init__(self, under: Rows, now: datetime, sequence: int) -> None:
        super().__init__(under)
        self.now = now
        self.sequence = sequence
        self.refreshed: set[bytes] = set()
        self.refreshed_rows: set[tuple[str, bytes]] = set()
        self.attempts: list[Attempt] = []
        self.notes: list[Note] = []
        self.seen_at: datetime | None = None
        self.vital: set[bytes] = set()

    if not TYPE_CHECKING:  # else every misspelt name would be one

        def __getattr__(self, name: str) -> Any:
            if name not in TABLES:
                raise AttributeError(name)
            table = self.__dict__[name] = getattr(self._below, name).over()
            return table

    def written(self) -> dict[str, dict[Any, Any]]:
        """What differs from the rows below, of the tables that were asked for."""
        laid = self.__dict__
        return {name: laid[name].changed() for name in TABLES if name in laid}

    def put_alert(self, alert: Alert, *, refresh: bool = False) -> None:
        """The alert as it is now known. A refresh, of one that is known, stays in memory until it has to be
        written."""
        key = alert.labels.key
        if refresh and (key not in self.alerts.changed() or key in self.refreshed):
            self.refreshed.add(key)
        else:
            self.refreshed.discard(key)
            if self.alerts.get(key) is None:
                self._named(alert, 1)
        self.alerts.put(key, alert)

    def put_rule_alert(self, row: RuleAlert, *, refresh: bool = False) -> None:
        """An alert of a rule as its evaluation left it. A refresh is not stored."""
        key = (row.rule_id, row.labels.key)
        stored_before = key in self.rule_alerts.changed() and key not in self.refreshed_rows
        self.rule_alerts.put(key, row)
        if refresh and not stored_before:
            self.refreshed_rows.add(key)
        else:
            self.refreshed_rows.discard(key)

    def drop_rule_alert(self, row: RuleAlert) -> None:
        """The alert of a rule is no more."""
        key = (row.rule_id, row.labels.key)
        self.rule_alerts.drop(key)
        self.refreshed_rows.discard(key)

    def put_silence(self, silence: Silence) -> None:
        """The silence as it is now."""
        self.silences.put(silence.id, silence)
        if silence.until_resolved and self.now < silence.ends_at:
            self.lasting.put(silence.id, True)
        else:
            self.lasting.drop(silence.id)

    def drop_silence(self, silence_id: str) -> None:
        self.silences.drop(silence_id)
        self.lasting.drop(silence_id)

    def note(
        self,
        kind: str,
        text: str,
        *,
        alert_key: bytes = b"",
        group_id: str = "",
        delivery_id: str = "",
        notifier: str = "",
    ) -> None:
        """A line for the timeline."""
        self.notes.append(Note(self.now, kind, text, alert_key, group_id, delivery_id, notifier))

    def adds(self, to: Rows) -> bool:
        """Whether there is an alert or a silence in it that is not known there, and not vital."""
        alerts, silences = self.alerts.changed().items(), self.silences.changed().items()
        fresh = (key for key, row in alerts if row is not None and key not in self.vital)
        return any(to.alerts.get(key) is None for key in fresh) or any(
            row is not None and to.silences.get(name) is None for name, row in silences
        )

    def next_sequence(self) -> int:
        """The place of the next delivery in the outbox."""
        self.sequence += 1
        return self.sequence - 1

    def has_changes(self) -> bool:
        """Whether `changes` would be true, without making them: nearly every refresh is asked."""
        if self.notes or self.attempts or self.vital or self.seen_at is not None:
            return True
        for name, rows in self.written().items():
            if not rows or name not in STORED:
                continue
            refreshed: Collection[Any] = ()
            if name == "alerts":
                refreshed = self.refreshed
            elif name == "rule_alerts":
                refreshed = self.refreshed_rows
            if len(rows) > len(refreshed) or any(rows[key] is None for key in refreshed):
                return True
        return False

    def changes(self) -> Changes:
        """What the store has to write. Empty (false) when nothing needs to be written."""
        rows = self.written()
        for name, refreshed in (("alerts", self.refreshed), ("rule_alerts", self.refreshed_rows)):
            if refreshed:
                left = rows[name].items()
                rows[name] = {key: row for key, row in left if row is None or key not in refreshed}
        return Changes(
            **{name: rows[name] for name in STORED if name in rows},
            attempts=self.attempts,
            notes=self.notes,
            seen_at=self.seen_at,
            vital=frozenset(self.vital),
        )


class Memory(Rows):
    """The live rows as committed, with the times at which something is due.

    flushes    group id -> when to look at it
    unwritten  keys of alerts whose refresh is not in the store yet
    write_by   when such a refresh must be in the store at the latest
    to_write   the keys of those that have such a time, the earliest first
    sequence   place of the next delivery in the outbox
    """

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        super().__init__()
        self.alerts = Table()
        self.rule_alerts = Table(lambda key, _: (key[0],))
        self.groups = Table()
        self.members = Table(lambda key, _: key)
        self.entries = Table(lambda key, _: (key[0],))
        self.deliveries = Table(lambda _, row: (row.notifier, (row.group_id, row.notifier)))
        self.silences = Table()
        self.lasting = Table()
        self.windows = Table()
        self.notifiers = Table()
        self.flushes: Agenda[str] = Agenda()
        self.unwritten: set[bytes] = set()
        self.write_by: dict[bytes, datetime] = {}
        self.to_write: Agenda[bytes] = Agenda()
        self.sequence = snapshot.next_sequence
        for alert in snapshot.alerts:
            self.alerts.put(alert.labels.key, alert)
            self._named(alert, 1)
            self._stored(alert, now)
        for active in snapshot.rule_alerts:
            self.rule_alerts.put((active.rule_id, active.labels.key), active)
        for group in snapshot.groups:
            self.groups.put(group.id, group)
            self.flushes.set(group.id, group.next_flush_at)
        for entry in snapshot.entries:
            self.entries.put((entry.group_id, entry.notifier), entry)
        for delivery in snapshot.deliveries:
            self.deliveries.put(delivery.id, delivery)
        for silence in snapshot.silences:
            self.silences.put(silence.id, silence)
            if silence.until_resolved and now < silence.ends_at:
                self.lasting.put(silence.id, True)
        for window in snapshot.windows:
            self.windows.put(window.name, window)
        for state in snapshot.notifiers:
            self.notifiers.put(state.notifier, state)

    def _stored(self, alert: Alert, now: datetime) -> None:
        """A later end must be written before half of the stored end's remaining time has passed."""
        key, ends_at = alert.labels.key, alert.ends_at
        self.unwritten.discard(key)
        self.to_write.remove(key)
        if ends_at is None:
            self.write_by.pop(key, None)
        else:
            self.write_by[key] = now + (ends_at - now) / 2

    def absorb(self, draft: Draft) -> None:
        """Takes over what a draft wrote, after its commit."""
        written = draft.written()
        for key, alert in written.get("alerts", _NOTHING).items():
            if alert is not None and key in draft.refreshed:
                if key not in self.unwritten:
                    self.unwritten.add(key)
                    by = self.write_by.get(key)
                    if by is not None:
                        self.to_write.set(key, by)
                continue
            known = self.alerts.get(key)
            if known is None and alert is not None:
                self._named(alert, 1)
            elif known is not None and alert is None:
                self._named(known, -1)
            if alert is None:
                self.unwritten.discard(key)
                self.write_by.pop(key, None)
                self.to_write.remove(key)
            else:
                self._stored(alert, draft.now)
        for group_id, group in written.get("groups", _NOTHING).items():
            if group is None:
                self.flushes.remove(group_id)
            else:
                self.flushes.set(group_id, group.next_flush_at)
        _pour(written, self)
        for delivery_id, delivery in written.get("deliveries", _NOTHING).items():
            if delivery is not None and not delivery.is_live:
                self.deliveries.drop(delivery_id)
        self.sequence = draft.sequence


class Batch(Draft):
    """Drafts of one commit on top of each other: each sees what the ones before it wrote."""

    def absorb(self, draft: Draft) -> None:
        written = draft.written()
        for key in written.get("alerts", _NOTHING):
            if key in draft.refreshed and not (key in self.alerts.changed() and key not in self.refreshed):
                self.refreshed.add(key)
            else:
                self.refreshed.discard(key)
        for row in written.get("rule_alerts", _NOTHING):
            stored = row in self.rule_alerts.changed() and row not in self.refreshed_rows
            if row in draft.refreshed_rows and not stored:
                self.refreshed_rows.add(row)
            else:
                self.refreshed_rows.discard(row)
        _pour(written, self)
        for name, more in draft.named.items():
            self.named[name] = self.named.get(name, 0) + more
        self.added += draft.added
        self.attempts += draft.attempts
        self.notes += draft.notes
        self.seen_at = draft.seen_at or self.seen_at
        self.vital |= draft.vital
        self.sequence = draft.sequence


_NOTHING: dict[Any, Any] = {}


def _pour(written: dict[str, dict[Any, Any]], into: Rows) -> None:
    for name, rows in written.items():
        if rows:
            getattr(into, name).absorb(rows)
