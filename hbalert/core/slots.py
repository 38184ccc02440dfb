"""Slots: at which moments a rule group is evaluated.

Knows the grid and what was missed. Must not know what an evaluation is.

The grid has one second. A group keeps its slots over restarts: they follow from its name and its
interval alone. There are at most four per interval, so that groups share them and their queries can
travel together; they are spread, so that a source is not asked for everything at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zlib import crc32

from hbalert.core.rule import RuleGroup

PER_INTERVAL = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """A group to evaluate.

    slot    the moment it is evaluated for: `now` of its rules
    missed  slots between the last one and this one; they are not caught up
    """

    group: RuleGroup
    slot: datetime
    missed: int


@lru_cache(maxsize=1024)
def step(interval: timedelta) -> timedelta:
    """The interval on the grid: whole seconds, at least one."""
    return max(_SECOND, -(-interval // _SECOND) * _SECOND)


@lru_cache(maxsize=16384)
def offset(name: str, interval: timedelta) -> timedelta:
    """How long after a multiple of the interval (counted from 1970) the group's slots are.

    >>> {str(offset(name, timedelta(minutes=1))) for name in "abcdefgh"} <= {
    ...     "0:00:00", "0:00:15", "0:00:30", "0:00:45"}
    True
    """
    seconds = step(interval) // _SECOND
    places = min(PER_INTERVAL, seconds)
    return crc32(name.encode()) % places * seconds // places * _SECOND


def slot_at(group: RuleGroup, now: datetime) -> datetime:
    """The group's latest slot that has come."""
    interval, shift = step(group.interval), offset(group.name, group.interval)
    return _EPOCH + (now - _EPOCH - shift) // interval * interval + shift


def next_slot(group: RuleGroup, now: datetime) -> datetime:
    """The group's first slot after `now`."""
    return slot_at(group, now) + step(group.interval)


def due(groups: Iterable[RuleGroup], last: Mapping[str, datetime], now: datetime) -> list[Due]:
    """The groups to evaluate now.

    last  name -> the slot for which the group was evaluated last

    A group that was never evaluated is due at once, outside its grid: after a start nobody wants to
    wait an interval, and all of them at one moment make full batches. When the clock was set back by
    more than an interval, a group is due at once too; by less, it waits until its time has come again.
    """
    found = []
    for group in groups:
        before = last.get(group.name)
        if before is None:
            found.append(Due(group, _EPOCH + (now - _EPOCH) // _SECOND * _SECOND, 0))
            continue
        slot, interval = slot_at(group, now), step(group.interval)
        if slot > before:
            found.append(Due(group, slot, -((before - slot) // interval) - 1))
        elif before - slot > interval:
            found.append(Due(group, slot, 0))
    return found


def evaluation_time(slot: datetime, query_offset: timedelta) -> datetime:
    """The moment that the queries of a slot ask for: data that arrive late have arrived by then."""
    return slot - query_offset
