"""Somebody asks for quiet: silences are made, changed and ended.

Knows which rows a silence touches, and that a group is looked at again in the moment a silence over
one of its alerts ends. Must not know who may ask, nor when a silence is over (`core/silence.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from hbalert.core.alert import Alert
from hbalert.core.labels import Labels, key_part
from hbalert.core.matcher import Matcher, Op
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
from hbalert.core.silencer import Silencer
from hbalert.core.trouble import rfc3339
from hbalert.memory import Draft
from hbalert.regex import compile_many

NO_BOUNDS = Bounds(sys.maxsize, sys.maxsize)


def put(draft: Draft, posted: Silence, replaces: str | None, new_id: str, bounds: Bounds = NO_BOUNDS) -> str:
    """Stores a silence; returns the id that is now in force.

    replaces  id of the silence that this is a new version of; None for a new one
    bounds    how many may be kept, and how large one may be
    Raises KeyError when `replaces` is unknown, ValueError naming the field when it is not acceptable;
    the old silence is then as it was.
    """
    effects = Effects()
    identity = _put(draft, posted, replaces, new_id, bounds, len(draft.silences), effects)
    _follow(draft, effects)
    return identity


@dataclass(slots=True)
class Effects:
    """What follows from silences that were stored. Alerts are asked once for all of them, because a
    thousand silences over twenty thousand alerts would hold up everything else for a minute.

    begun    active from now on
    over     active until now
    changed  as they were before their times were changed
    """

    begun: list[Silence] = field(default_factory=list)
    over: list[Silence] = field(default_factory=list)
    changed: list[Silence] = field(default_factory=list)


def _put(
    draft: Draft,
    posted: Silence,
    replaces: str | None,
    new_id: str,
    bounds: Bounds,
    kept: int,
    effects: Effects,
) -> str:
    """`put` without what follows from it. kept: how many silences there are already."""
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
    if found := excess(posted, 1 + kept if is_new else 0, bounds):
        raise ValueError("; ".join(found))
    for row in rows:
        draft.put_silence(row)
    was_active = old is not None and state(old, draft.now) is SilenceState.ACTIVE
    if old is not None and not is_new:
        effects.changed.append(old)
    elif old is not None and was_active:
        effects.over.append(old)
    if state(rows[-1], draft.now) is SilenceState.ACTIVE and (is_new or not was_active):
        effects.begun.append(rows[-1])
    return rows[-1].id


def _follow(draft: Draft, effects: Effects) -> None:
    over(draft, effects.over)
    reopen(draft, effects.changed)
    begun(draft, effects.begun)


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

    def says(silence: Silence) -> str:
        until = rfc3339(silence.ends_at)
        why = f": {silence.comment}" if silence.comment else ""
        return f"{_whose(silence)} has begun, until {until}{why}"

    active = list(silences)
    _tell(draft, "silenced", {silence.id: says(silence) for silence in active}, active)


def over(draft: Draft, silences: Iterable[Silence]) -> None:
    """The timelines hear of silences that have ended, and their groups are looked at."""
    ended = list(silences)
    _tell(draft, "unsilenced", {each.id: f"{_whose(each)} has ended" for each in ended}, ended)
    reopen(draft, ended)


def _tell(draft: Draft, kind: str, lines: Mapping[str, str], silences: Sequence[Silence]) -> None:
    for key, found in _covered(draft, silences):
        alert = draft.alerts.get(key)
        if alert is not None and not alert.resolved(draft.now):
            for silence_id in found:
                draft.note(kind, lines[silence_id], alert_key=key)


def _covered(draft: Draft, silences: Sequence[Silence]) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    """Keys of the alerts that one of these covers, with the ids of those that do."""
    if not silences:
        return
    silenced_by = Silencer(silences, compile_many).silenced_by
    for key, alert in _worth_asking(draft, silences):
        if found := silenced_by(alert.labels):
            yield key, found


def _worth_asking(draft: Draft, silences: Sequence[Silence]) -> Iterator[tuple[bytes, Alert]]:
    """The alerts that one of these may cover. Of most no single silence has to ask more than the bytes of
    their keys, which takes an eighth of the time: somebody may make ten thousand, one after the other."""
    alerts = draft.alerts.items()
    if len(silences) != 1:
        return alerts
    (silence,) = silences
    equal = (each for each in silence.matchers if each.op is Op.EQUAL and each.value)
    part = max((key_part(each.name, each.value) for each in equal), key=len, default=b"")
    return ((key, alert) for key, alert in alerts if part in key)


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


def bring_in(
    draft: Draft, posted: Sequence[Silence], new_ids: Sequence[str], bounds: Bounds
) -> list[Imported]:
    """Silences from a file take effect, each for itself, unless they have ended or are in force already.

    posted   with the ids that they had where the file was written, or none
    new_ids  one for each
    """
    alike: dict[frozenset[Matcher], list[Silence]] = {}
    for silence in draft.silences.values():
        alike.setdefault(frozenset(silence.matchers), []).append(silence)
    kept, effects, results = len(draft.silences), Effects(), []
    for silence, new_id in zip(posted, new_ids, strict=True):
        among = alike.setdefault(frozenset(silence.matchers), [])
        result = _bring_in(draft, silence, new_id, bounds, kept, among, effects)
        results.append(result)
        if result.result in (Result.ADDED, Result.UPDATED):
            kept += result.id == new_id
            if (now := draft.silences.get(result.id)) is not None:
                among.append(now)
    _follow(draft, effects)
    return results


def _bring_in(
    draft: Draft,
    posted: Silence,
    new_id: str,
    bounds: Bounds,
    kept: int,
    alike: Iterable[Silence],
    effects: Effects,
) -> Imported:
    if posted.ends_at <= draft.now:
        return Imported(Result.ENDED)
    known = draft.silences.get(posted.id)
    for candidate in alike if known is None else [known]:
        silence = draft.silences.get(candidate.id)
        if silence is not None and says_the_same(silence, posted, draft.now):
            return Imported(Result.UNCHANGED, silence.id)
    try:
        identity = _put(draft, posted, known.id if known else None, new_id, bounds, kept, effects)
    except ValueError as error:
        return Imported(Result.REFUSED, why=str(error))
    return Imported(Result.UPDATED if known else Result.ADDED, identity)


def ends_of(alerts: Iterable[Alert]) -> dict[Labels, datetime]:
    """Labels and ends of alerts that have resolved."""
    return {alert.labels: alert.ends_at for alert in alerts if alert.ends_at is not None}


def resolved(draft: Draft, ended: Mapping[Labels, datetime]) -> list[str]:
    """Ends the silences that were to last until these alerts had resolved; returns their ids.

    ended  labels of alerts that have just ended, and when: by report now, or by the clock; in the unit
           of work that says so
    """
    lasting = draft.lasting_silences()
    if not lasting:
        return []
    left = []
    for silence in lasting:
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
    groups = {group_id for key, _ in _covered(draft, list(ended)) for group_id in draft.groups_with(key)}
    reopened = 0
    for group_id in groups:
        group = draft.groups.get(group_id)
        if group is not None and group.flushed and group.next_flush_at > draft.now:
            draft.groups.put(group_id, replace(group, next_flush_at=draft.now))
            reopened += 1
    return reopened
