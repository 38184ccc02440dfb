"""Seeding: what the notifiers of a new group have already been told of its alerts.

Knows log entries of groups that were. Must not know why groups change (a reload, an edited route).
An edit of the routing tree tells nobody anything again: a group made by it begins with entries that
say what each notifier was last told, whatever group that happened in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hbalert.core.notification import LogEntry


def told(entries: Iterable[LogEntry]) -> dict[bytes, dict[str, LogEntry]]:
    """Who was told that which alert fires: alert key -> notifier -> the latest entry that says so."""
    found: dict[bytes, dict[str, LogEntry]] = {}
    for entry in entries:
        for key in entry.firing:
            by_notifier = found.setdefault(key, {})
            known = by_notifier.get(entry.notifier)
            if known is None or known.at < entry.at:
                by_notifier[entry.notifier] = entry
    return found


def seed(
    group_id: str, members: Sequence[bytes], told_before: Mapping[bytes, Mapping[str, LogEntry]]
) -> list[LogEntry]:
    """The entries with which a new group begins: one for each notifier told of one of its members.

    Notifiers outside the group's receiver get one too: they have still to hear of the end.
    """
    by_notifier: dict[str, list[tuple[bytes, LogEntry]]] = {}
    for key in members:
        for notifier, entry in told_before.get(key, {}).items():
            by_notifier.setdefault(notifier, []).append((key, entry))
    return [
        LogEntry(
            group_id,
            notifier,
            firing=frozenset(key for key, _ in pairs),
            resolved=frozenset(),
            at=max(entry.at for _, entry in pairs),
            repeats=min(entry.repeats for _, entry in pairs),
            flapping=frozenset(key for key, entry in pairs if key in entry.flapping),
        )
        for notifier, pairs in sorted(by_notifier.items())
    ]
