"""Somebody asks for quiet: silences are made, changed and ended.

Knows which rows a silence touches, and that a group is looked at again in the moment a silence over
one of its alerts ends. Must not know who may ask, nor when a silence is over (`core/silence.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from hbalert.core.alert import Alert
from hbalert.core.silence import (
    Bounds,
    Silence,
    SilenceState,
    excess,
    expire,
    has_nothing_left,
    problems,
    says_the_same,
    state,
    update,
)
from hbalert.memory import Draft

NO_BOUNDS = Bounds(sys.maxsize, sys.maxsize)


def put(draft: Draft, posted: Silence, replaces: str | None, new_id: str, bounds: Bounds = NO_BOUNDS) -> str:
    """Stores a silence; returns the id that is now in force.

    replaces  id of the silence that this is a new version of; None for a new one
    bounds    how many may be kept, and how large one may be
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
    is_new = rows[-1].id == new_id
    if found := excess(posted, 1 + sum(1 for _ in draft.silences.items()) if is_new else 0, bounds):
        raise ValueError("; ".join(found))
    for row in rows:
        draft.put_silence(row)
    if is_new and old is not None:
        over(draft, [old])
    elif old is not None:
        reopen(draft, [old])
    if is_new and state(rows[-1], draft.now) is SilenceState.ACTIVE:
        begun(draft, [rows[-1]])
    return rows[-1].id


def end(draft: Draft, silence_id: str) -> bool:
    """Ends a silence now; False when there is none with this id."""
    silence = draft.silences.get(silence_id)
    if silence is None:
        return False
    ended = expire(silence, draft.now)
    if ended != silence:
        draft.put_silence(ended)
        if state(silence, draft.now) is SilenceState.ACTIVE:
            over(draft, [silence])
    return True


def begun(draft: Draft, silences: Iterable[Silence]) -> None:
    """The timelines of what fires and is covered hear of silences that have begun."""
    for silence in silences:
        until = silence.ends_at.isoformat(timespec="seconds")
        why = f": {silence.comment}" if silence.comment else ""
        _tell(draft, silence, "silenced", f"{_whose(silence)} has begun, until {until}{why}")


def over(draft: Draft, silences: Iterable[Silence]) -> None:
    """The timelines hear of silences that have ended, and their groups are looked at."""
    ended = list(silences)
    for silence in ended:
        _tell(draft, silence, "unsilenced", f"{_whose(silence)} has ended")
    reopen(draft, ended)


def _tell(draft: Draft, silence: Silence, kind: str, text: str) -> None:
    for key, alert in draft.alerts.items():
        if not alert.resolved(draft.now) and silence.covers(alert.labels):
            draft.note(kind, text, alert_key=key)


def _whose(silence: Silence) -> str:
    return f"silence {silence.id} of {silence.created_by or 'nobody'}"


class Result(Enum):
    """What became of a silence that was brought in from a file."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    ENDED = "ended"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one; `id` is that in force, `why` says what is wrong with one that was refused."""

    result: Result
    id: str = ""
    why: str = ""


def bring_in(draft: Draft, posted: Silence, new_id: str, bounds: Bounds) -> Imported:
    """A silence from a file takes effect, unless it has ended or is in force already.

    posted  with the id that it had where the file was written, or none
    """
    if posted.ends_at <= draft.now:
        return Imported(Result.ENDED)
    known = draft.silences.get(posted.id)
    candidates = draft.silences.values() if known is None else iter([known])
    for silence in candidates:
        if says_the_same(silence, posted, draft.now):
            return Imported(Result.UNCHANGED, silence.id)
    try:
        identity = put(draft, posted, known.id if known else None, new_id, bounds)
    except ValueError as error:
        return Imported(Result.REFUSED, why=str(error))
    return Imported(Result.UPDATED if known else Result.ADDED, identity)


def resolved(draft: Draft, alerts: Iterable[Alert]) -> list[str]:
    """Ends the silences that were to last until these had resolved; returns their ids.

    alerts  that have just ended, by report or by the clock; in the unit of work that says so
    """
    lasting = draft.lasting_silences()
    if not lasting:
        return []
    gone = list(alerts)
    left = []
    for silence in lasting:
        ended = [alert.labels for alert in gone]
        firing = (alert.labels for alert in draft.alerts.values() if not alert.resolved(draft.now))
        if has_nothing_left(silence, ended, firing, draft.now):
            left.append(silence)
            draft.put_silence(expire(silence, draft.now))
            said = f"{_whose(silence)} has ended: all it matches has resolved"
            for labels in filter(silence.covers, ended):
                draft.note("unsilenced", said, alert_key=labels.key)
    reopen(draft, left)
    return [silence.id for silence in left]


def reopen(draft: Draft, ended: Iterable[Silence]) -> int:
    """Groups with an alert that was silenced are due now; returns how many.

    What still fires when its silence ends is heard then, not at the group's next interval.
    """
    silences = list(ended)
    groups = set()
    for key, alert in draft.alerts.items():
        if any(silence.covers(alert.labels) for silence in silences):
            groups.update(draft.groups_with(key))
    reopened = 0
    for group_id in groups:
        group = draft.groups.get(group_id)
        if group is not None and group.flushed and group.next_flush_at > draft.now:
            draft.groups.put(group_id, replace(group, next_flush_at=draft.now))
            reopened += 1
    return reopened
