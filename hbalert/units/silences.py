"""Somebody asks for quiet: silences are made, changed and ended.

Knows which rows a silence touches, and that a group is looked at again in the moment a silence over
one of its alerts ends. Must not know who may ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hbalert.core.matcher import matches
from hbalert.core.silence import Silence, SilenceState, expire, problems, state, update
from hbalert.memory import Draft


def put(draft: Draft, posted: Silence, replaces: str | None, new_id: str) -> str:
    """Stores a silence; returns the id that is now in force.

    replaces  id of the silence that this is a new version of; None for a new one
    Raises KeyError when `replaces` is unknown, ValueError naming the field when it is not acceptable;
    the old silence is then as it was.
    """
    old = None
    if replaces is not None:
        old = draft.silences.get(replaces)
        if old is None:
            raise KeyError(replaces)
    found = problems(posted, draft.now)
    if found:
        raise ValueError("; ".join(found))
    rows = update(old, posted, new_id, draft.now)
    for row in rows:
        draft.silences.put(row.id, row)
    if old is not None:
        reopen(draft, [old])
    return rows[-1].id


def end(draft: Draft, silence_id: str) -> bool:
    """Ends a silence now; False when there is none with this id."""
    silence = draft.silences.get(silence_id)
    if silence is None:
        return False
    ended = expire(silence, draft.now)
    if ended != silence:
        draft.silences.put(silence_id, ended)
        if state(silence, draft.now) is SilenceState.ACTIVE:
            reopen(draft, [silence])
    return True


def reopen(draft: Draft, ended: Iterable[Silence]) -> int:
    """Groups with an alert that was silenced are due now; returns how many.

    What still fires when its silence ends is heard then, not at the group's next interval.
    """
    silences = list(ended)
    groups = set()
    for key, alert in draft.alerts.items():
        if any(matches(silence.matchers, alert.labels) for silence in silences):
            groups.update(draft.groups_with(key))
    reopened = 0
    for group_id in groups:
        group = draft.groups.get(group_id)
        if group is not None and group.flushed and group.next_flush_at > draft.now:
            draft.groups.put(group_id, replace(group, next_flush_at=draft.now))
            reopened += 1
    return reopened
