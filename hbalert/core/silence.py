"""Silences: somebody asked for quiet, for a while, about what matches.

Knows matchers, start, end and the life of a silence. Must not know routes, channels or the
notification log. Answers *who* silences an alert, not yes or no. Next: `notification.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from hbalert.core.matcher import Matcher, matches


class SilenceState(Enum):
    """pending before its start, active until its end, expired after."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Matchers (all must hold), a time span [starts_at, ends_at), an author and a reason."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)


def state(silence: Silence, now: datetime) -> SilenceState:
    """Which part of its life a silence is in at `now`."""
    if now < silence.starts_at:
        return SilenceState.PENDING
    return SilenceState.ACTIVE if now < silence.ends_at else SilenceState.EXPIRED


def silenced_by(labels: Mapping[str, str], silences: Iterable[Silence], now: datetime) -> list[str]:
    """The ids of the active silences that match, sorted."""
    return sorted(
        silence.id
        for silence in silences
        if silence.starts_at <= now < silence.ends_at and matches(silence.matchers, labels)
    )


def problems(silence: Silence, now: datetime) -> list[str]:
    """Why this silence cannot be accepted; empty when it can. Texts name the field.

    The rules are Alertmanager's: at least one matcher, at least one that does not match the empty
    string (`!=` and `!~` count as such), start before end, an end that is not past.
    """
    found = []
    if not silence.matchers:
        found.append("matchers: at least one is required")
    elif all(matcher.is_equal and matcher.test("") for matcher in silence.matchers):
        found.append("matchers: at least one must not match the empty string")
    if silence.ends_at <= silence.starts_at:
        found.append("endsAt: must be after startsAt")
    elif silence.ends_at <= now:
        found.append("endsAt: must not be in the past")
    return found


def update(old: Silence | None, new: Silence, new_id: str, now: datetime) -> list[Silence]:
    """The silences to store when `new` is posted; the last one is the one now in force.

    old     the silence with the posted id, or None when none was given
    new     what was posted; its id is ignored
    new_id  used when the result is a silence of its own

    A change that only moves times which lie ahead keeps its id; any other change ends the old one
    now and makes a new one. The past cannot be rewritten. Source: Alertmanager silence.Set.
    """
    if old is not None and _in_place(old, new, now):
        return [replace(new, id=old.id, updated_at=now)]
    begun = replace(new, id=new_id, starts_at=max(new.starts_at, now), updated_at=now)
    if old is not None and state(old, now) is not SilenceState.EXPIRED:
        return [expire(old, now), begun]
    return [begun]


def _in_place(old: Silence, new: Silence, now: datetime) -> bool:
    if old.matchers != new.matchers:
        return False
    match state(old, now):
        case SilenceState.ACTIVE:
            same_start = old.starts_at.replace(microsecond=0) == new.starts_at.replace(microsecond=0)
            return same_start and new.ends_at >= now
        case SilenceState.PENDING:
            return new.starts_at >= now
        case _:
            return False


def expire(silence: Silence, now: datetime) -> Silence:
    """The silence ended now: an active one ends, a pending one never was, an expired one stays."""
    match state(silence, now):
        case SilenceState.ACTIVE:
            return replace(silence, ends_at=now, updated_at=now)
        case SilenceState.PENDING:
            return replace(silence, starts_at=now, ends_at=now, updated_at=now)
        case _:
            return silence
