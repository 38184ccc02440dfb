"""Jumps: the wall clock was set, or nobody was at work for a while, and what follows for stored times.

Knows two clocks, and which stored times are waits, which are dates. Must not know who reads a clock or
where a time is stored. Next: `units/jump.py`, which rewrites the rows.

A *wait* (the next look at a group, the next attempt, a pause, a repeat, `for`) is as long as it was, so
it moves with the clock. A *date* is what somebody wrote down: what is past stays past. Set forward, a
date that lies ahead is what it says; set back, it keeps the distance it had, because a silence that
lasts an hour longer than was asked for, or an alert that fires an hour longer than its sender said, is
an hour in which the wrong thing is told. Time zones are no jump: all times here are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hbalert.core.alert import Alert, Claim, grace
from hbalert.core.delivery import Delivery
from hbalert.core.flap import Flaps
from hbalert.core.group import Group
from hbalert.core.notification import LogEntry, Notification
from hbalert.core.rule import RuleAlert
from hbalert.core.silence import Silence
from hbalert.core.value import value

TOLERANCE = timedelta(seconds=2)
"""Smaller differences are nothing: a clock is slewed, a leap second passes, a machine is busy."""

STANDSTILL = timedelta(seconds=30)
"""After so long without a look at the clock the process stood still: the machine slept, or paused it."""


@value(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment.

    wall       may be set at any time
    monotonic  seconds since any moment; never set, and counts the sleep of the machine
    """

    wall: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class Jump:
    """What happened between two readings.

    since     the last moment at which this process is known to have been at work
    expected  what the clock would show now, had nobody set it
    now       what it shows
    """

    since: datetime
    expected: datetime
    now: datetime

    @property
    def by(self) -> timedelta:
        """How far the clock was set, forward or (negative) back; zero for a mere standstill."""
        by = self.now - self.expected
        return by if abs(by) >= TOLERANCE else timedelta()

    def wait(self, at: datetime) -> datetime:
        """The moment that is as far away as `at` was before."""
        return at + self.by

    def date(self, at: datetime) -> datetime:
        """The moment that is past if `at` was, and ahead if it was."""
        if self.by >= timedelta():
            return at
        return at + self.by if at > self.expected else min(at, self.now)


def find(last: Reading, this: Reading) -> Jump | None:
    """What happened between two readings, when it matters; None otherwise."""
    elapsed = timedelta(seconds=this.monotonic - last.monotonic)
    expected = last.wall + elapsed
    if abs(this.wall - expected) < TOLERANCE and elapsed < STANDSTILL:
        return None
    return Jump(last.wall, expected, this.wall)


def at_start(last_seen: datetime | None, now: datetime) -> Jump | None:
    """The same over a restart. Only a clock that was set back can be told from a long down time."""
    if last_seen is None or last_seen - now < TOLERANCE:
        return None
    return Jump(last_seen, last_seen, now)


def alert(row: Alert, jump: Jump, resolve_timeout: timedelta) -> Alert:
    """The alert after a jump.

    An end that nobody had a chance to put off gets one resolve timeout, as after a start.
    """
    kept = grace(
        row, down_since=jump.since, now=max(jump.expected, jump.now), resolve_timeout=resolve_timeout
    )
    if jump.by >= timedelta():
        return kept
    return replace(kept, claims=tuple(_claim(claim, jump) for claim in kept.claims))


def _claim(claim: Claim, jump: Jump) -> Claim:
    """What began at a time that has not come now, moves as a whole: its length is right, if nothing else."""
    moved = jump.wait if claim.starts_at > jump.now else jump.date
    return replace(
        claim,
        starts_at=moved(claim.starts_at),
        ends_at=None if claim.ends_at is None else moved(claim.ends_at),
        updated_at=moved(claim.updated_at),
    )


def rule_alert(row: RuleAlert, jump: Jump) -> RuleAlert:
    """The row after a jump: `for`, `keep_firing_for` and flapping go on counting. Slots are whole seconds."""
    by = timedelta(seconds=round(jump.by.total_seconds()))

    def moved(at: datetime | None) -> datetime | None:
        return None if at is None else at + by

    return replace(
        row,
        active_at=row.active_at + by,
        fired_at=moved(row.fired_at),
        keep_firing_since=moved(row.keep_firing_since),
        resolved_at=moved(row.resolved_at),
        flaps=Flaps(
            tuple(at + by for at in row.flaps.starts), moved(row.flaps.since), moved(row.flaps.calm_since)
        ),
    )


def group(row: Group, jump: Jump) -> Group:
    """The group after a jump: its next look comes when it would have come."""
    return replace(row, next_flush_at=jump.wait(row.next_flush_at))


def entry(row: LogEntry, jump: Jump) -> LogEntry:
    """The log entry after a jump: the repeat interval goes on counting."""
    return replace(row, at=jump.wait(row.at))


def delivery(row: Delivery, jump: Jump) -> Delivery:
    """The delivery after a jump: its next attempt comes when it would have come, its age stays."""
    return replace(
        row,
        created_at=jump.wait(row.created_at),
        next_attempt_at=jump.wait(row.next_attempt_at),
        notification=_notification(row.notification, jump),
    )


def _notification(said: Notification, jump: Jump) -> Notification:
    """The age of the news moves along; the times that people read are facts."""
    aged = tuple(replace(shown, decided_at=jump.wait(said.decided(shown))) for shown in said.alerts)
    return replace(said, alerts=aged)


def silence(row: Silence, jump: Jump) -> Silence:
    """The silence after a jump. Set back, one that had begun moves along: one that is over does not
    come back, one in force lasts no longer than it had left. An occurrence of a maintenance window goes
    by the calendar, unless it is over."""
    by_the_calendar = row.window and row.ends_at > jump.expected
    if jump.by >= timedelta() or row.starts_at > jump.expected or by_the_calendar:
        return row
    moved = jump.wait if row.starts_at > jump.now else jump.date
    return replace(
        row,
        starts_at=moved(row.starts_at),
        ends_at=moved(row.ends_at),
        updated_at=jump.date(row.updated_at),
    )
