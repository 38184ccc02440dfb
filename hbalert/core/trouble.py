"""Troubles of hbalert's own that its deliveries and its disk show, before anybody else can.

Knows from when on waiting is a trouble and little room is one. Must not know how alerts about them are
made or told (`units/troubles.py`), nor where the facts come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FAILING_AFTER = timedelta(minutes=5)
OLD_AFTER = timedelta(minutes=15)
GIB = 1 << 30
LEAST_PART, LEAST_BYTES = 0.05, GIB
"""Less free than both of these is little: a twentieth of a small disk, a gibibyte of a large one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a notifier has not been told yet.

    oldest_at  when the oldest of it was decided
    failing    how many of the deliveries have failed at least once
    answer     what the far side, or we, last said about them
    """

    notifier: str
    number: int
    oldest_at: datetime
    failing: int
    answer: str


@dataclass(frozen=True, slots=True)
class Room:
    """What is left on the disk of the store.

    full  new alerts are refused already
    """

    free_bytes: int
    total_bytes: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: the name and severity of its alert, its other labels, and words."""

    name: str
    severity: str
    summary: str
    description: str
    labels: dict[str, str] = field(default_factory=dict)


NOTIFIER_FAILING = "HbalertNotifierFailing"
QUEUE_OLD = "HbalertQueueOld"
DISK_LOW = "HbalertDiskLow"
STORE_DAMAGED = "HbalertStoreDamaged"
DELIVERY_DEAD = "HbalertDeliveryDead"


def troubles(waiting: Sequence[Waiting], room: Room | None, now: datetime) -> Iterator[Trouble]:
    """What is wrong at `now`.

    waiting  one for each notifier for which something waits
    room     None: not known, and nothing is said of it
    """
    for each in waiting:
        yield from _of_notifier(each, now)
    if room is not None:
        yield from _of_room(room)


def _of_notifier(waiting: Waiting, now: datetime) -> Iterator[Trouble]:
    age, name, number = now - waiting.oldest_at, waiting.notifier, waiting.number
    since = waiting.oldest_at.isoformat(timespec="seconds")
    wait = "1 notification waits" if number == 1 else f"{number} notifications wait"
    labels = {"notifier": name}
    if waiting.failing and age >= FAILING_AFTER:
        summary = f"{name} does not get through: {wait}, the oldest since {since}"
        yield Trouble(NOTIFIER_FAILING, "critical", summary, waiting.answer or "no answer", labels)
    elif age >= OLD_AFTER:
        summary = f"{name} is late: {wait}, the oldest since {since}"
        said = waiting.answer or "its rate limit, or a pause it asked for, holds them back"
        yield Trouble(QUEUE_OLD, "warning", summary, said, labels)


def _of_room(room: Room) -> Iterator[Trouble]:
    left = f"{room.free_bytes / GIB:.1f} of {room.total_bytes / GIB:.1f} GiB are free"
    if room.full:
        summary = "The disk of the store is full: new alerts are refused until there is room"
        yield Trouble(DISK_LOW, "critical", summary, f"{left}; senders keep what is refused and try again")
    elif room.free_bytes < min(LEAST_BYTES, LEAST_PART * room.total_bytes):
        summary = "The disk of the store is nearly full"
        yield Trouble(DISK_LOW, "warning", summary, f"{left}; when it is full, new alerts are refused")
