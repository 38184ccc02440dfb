"""Silences: somebody asked for quiet, for a while, about what matches.

Knows matchers, start, end and the life of a silence, and what makes one too broad. Must not know
routes, channels or the notification log. Answers *who* silences an alert, not yes or no. Next:
`maintenance.py` (silences that come again) and `notification.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, matches

UNTIL, RESOLVED = "until", "resolved"
"""The annotation with which a silence says that it ends when nothing that it matches fires any more."""

SUBJECT = "silence"
"""Label of an alert that speaks of a silence, by its id: what has to be said of a silence, it cannot hush."""

LONG = timedelta(days=30)

PROBE = "a value that nobody uses"
"""Who matches this in every label that it asks for, matches nearly everything."""


class SilenceState(Enum):
    """pending before its start, active until its end, expired after."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Silence:
    """Matchers (all must hold), a time span [starts_at, ends_at), an author and a reason.

    window      name of the maintenance window that it is an occurrence of; "": of none
    kept_until  not forgotten before then, however early it ended: an occurrence that was ended by hand
                must not be made again
    """

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    window: str = ""
    kept_until: datetime | None = None

    @property
    def until_resolved(self) -> bool:
        """Whether it ends when nothing that it matches fires any more, at the latest at `ends_at`."""
        return self.annotations.get(UNTIL) == RESOLVED

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether it silences an alert with these labels while it is active."""
        return matches(self.matchers, labels) and labels.get(SUBJECT) != self.id


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
        if silence.starts_at <= now < silence.ends_at and silence.covers(labels)
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


def has_nothing_left(
    silence: Silence, ended: Mapping[Labels, datetime], firing: Iterable[Labels], now: datetime
) -> bool:
    """Whether a silence that lasts until what it matches has resolved is over.

    ended   labels of alerts that have just resolved, and when
    firing  labels of all that fire; suppressed ones fire, too

    It is over in the moment in which the last alert that it matches resolves. As long as none has, it
    waits: one that is made ahead of the trouble is not over before it has begun, and what had ended
    before it began does not count.
    """
    return (
        silence.until_resolved
        and state(silence, now) is SilenceState.ACTIVE
        and any(at >= silence.starts_at and silence.covers(labels) for labels, at in ended.items())
        and not any(map(silence.covers, firing))
    )


def ends_soon(silence: Silence, now: datetime, notice: timedelta) -> bool:
    """Whether its author should hear now that it ends.

    notice  so long before the end; none: never

    Not for one that is short beside the notice: whoever made it knows. Not for an occurrence of a
    maintenance window: it ends as planned.
    """
    return (
        not silence.window
        and silence.starts_at <= now < silence.ends_at <= now + notice
        and silence.ends_at - silence.starts_at > 2 * notice
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be kept.

    limit      silences, those that have ended and are not forgotten yet included
    max_bytes  of the texts of one
    """

    limit: int = 10_000
    max_bytes: int = 65_536


def excess(silence: Silence, kept: int, bounds: Bounds) -> list[str]:
    """Why a silence is more than the bounds allow; the texts name the setting.

    kept  how many there will be with it
    """
    found = []
    if (bytes_ := size(silence)) > bounds.max_bytes:
        found.append(
            f"its texts have {bytes_} bytes, more than silences.max_bytes = {bounds.max_bytes} allows"
        )
    if kept > bounds.limit:
        found.append(
            f"silences.limit = {bounds.limit} are kept already; "
            "ended ones count until storage.retention has passed"
        )
    return found


def is_broad(matchers: Iterable[Matcher]) -> bool:
    """Whether these match nearly every alert: each of them accepts a value that nobody uses."""
    return all(matcher.test(PROBE) for matcher in matchers)


def is_long(silence: Silence) -> bool:
    """Whether it lasts so long that whoever made it will have forgotten it."""
    return silence.ends_at - silence.starts_at > LONG


def size(silence: Silence) -> int:
    """How many bytes its texts have: matchers, author, comment and annotations, in UTF-8."""
    texts = [silence.created_by, silence.comment]
    for matcher in silence.matchers:
        texts += matcher.name, matcher.op.value, matcher.value
    for name, value in silence.annotations.items():
        texts += name, value
    return sum(len(text.encode(errors="replace")) for text in texts)


def update(old: Silence | None, new: Silence, new_id: str, now: datetime) -> list[Silence]:
    """The silences to store when `new` is posted; the last one is the one now in force.

    old     the silence with the posted id, or None when none was given
    new     what was posted; its id is ignored
    new_id  used when the result is a silence of its own

    A change that only moves times which lie ahead keeps its id; any other change ends the old one
    now and makes a new one. The past cannot be rewritten. What was changed by hand is no occurrence of
    a maintenance window any more. Source: Alertmanager silence.Set.
    """
    if old is not None and _in_place(old, new, now):
        return [replace(new, id=old.id, updated_at=now, kept_until=old.kept_until)]
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


def says_the_same(silence: Silence, other: Silence, now: datetime) -> bool:
    """Whether a silence that has not ended would be no other if `other` took its place.

    Times are compared to the millisecond: that is as far as Alertmanager's API carries them.
    """
    begun = silence.starts_at <= now and other.starts_at <= now
    return (
        now < silence.ends_at
        and _milliseconds(silence.ends_at) == _milliseconds(other.ends_at)
        and (begun or _milliseconds(silence.starts_at) == _milliseconds(other.starts_at))
        and set(silence.matchers) == set(other.matchers)
        and (silence.created_by, silence.comment) == (other.created_by, other.comment)
        and silence.annotations == other.annotations
    )


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def expire(silence: Silence, now: datetime) -> Silence:
    """The silence ended now: an active one ends, a pending one never was, an expired one stays."""
    match state(silence, now):
        case SilenceState.ACTIVE:
            return replace(silence, ends_at=now, updated_at=now)
        case SilenceState.PENDING:
            return replace(silence, starts_at=now, ends_at=now, updated_at=now)
        case _:
            return silence
