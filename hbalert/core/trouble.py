"""Troubles of hbalert's own that its deliveries, its rules and its disk show, before anybody else can.

Knows from when on waiting is a trouble, when an evaluation is late, and when there is little left. Must
not know how alerts about them are made, worded or told (`units/troubles.py`), nor where the facts come
from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

FAILING_AFTER = timedelta(minutes=5)
OLD_AFTER = timedelta(minutes=15)
GIB = 1 << 30
LEAST_PART, LEAST_BYTES = 0.05, GIB
"""Less free than both of these is little: a twentieth of a small disk, a gibibyte of a large one."""

LATE_PART, LATE_AFTER = 0.75, timedelta(minutes=2)
"""An outcome that comes later than this part of the interval is late; so long in a row is a trouble."""

QUOTA_PART = 0.8
"""From this part of a quota on its end is near."""


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
class Lateness:
    """A rule group whose evaluations come late.

    since   slot of the first one in a row that did
    behind  from its last slot to the commit of what came of it
    """

    group: str
    interval: timedelta
    since: datetime
    behind: timedelta


@dataclass(frozen=True, slots=True)
class Spent:
    """What a notifier has sent of what its gateway allows.

    period  "day" or "month", on the notifier's own calendar
    """

    notifier: str
    period: str
    number: int
    quota: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong: the name and severity of its alert, its other labels, and the facts.

    facts  what the texts are filled in with (`units/own_texts.py`); a mapping: by language. Times are
           RFC 3339: whoever shows them knows the reader's time zone
    kind   which of the texts of that alert, where it has several
    """

    name: str
    severity: str
    facts: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


SOURCE, OURS = "source", "hbalert"
"""The label, and its value, that every alert of hbalert's own carries."""

NOTIFIER_FAILING = "HbalertNotifierFailing"
QUEUE_OLD = "HbalertQueueOld"
QUOTA_LOW = "HbalertQuotaLow"
QUOTA_USED_UP = "HbalertQuotaUsedUp"
EVALUATION_LATE = "HbalertEvaluationLate"
DISK_LOW = "HbalertDiskLow"
STORE_DAMAGED = "HbalertStoreDamaged"
DELIVERY_DEAD = "HbalertDeliveryDead"


def troubles(
    waiting: Sequence[Waiting],
    room: Room | None,
    now: datetime,
    *,
    late: Sequence[Lateness] = (),
    spent: Sequence[Spent] = (),
) -> Iterator[Trouble]:
    """What is wrong at `now`.

    waiting  one for each notifier for which something waits
    room     None: not known, and nothing is said of it
    """
    for each in waiting:
        yield from _of_notifier(each, now)
    for group in late:
        yield from _of_group(group, now)
    for one in spent:
        yield from _of_quota(one)
    if room is not None:
        yield from _of_room(room)


def is_late(behind: timedelta, interval: timedelta) -> bool:
    """Whether an evaluation came so late that the next slot is as good as missed."""
    return behind > LATE_PART * interval


def period_began(period: str, now: datetime, where: tzinfo) -> datetime:
    """The first moment of this "day" or "month" on the calendar of a place."""
    day = now.astimezone(where).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (day.replace(day=1) if period == "month" else day).astimezone(UTC)


def rfc3339(at: datetime) -> str:
    """A moment as the facts hold it: `2026-03-01T12:00:00Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _of_notifier(waiting: Waiting, now: datetime) -> Iterator[Trouble]:
    age, labels = now - waiting.oldest_at, {"notifier": waiting.notifier}
    facts = {**labels, "number": str(waiting.number), "since": rfc3339(waiting.oldest_at)}
    if waiting.failing and age >= FAILING_AFTER:
        yield Trouble(NOTIFIER_FAILING, "critical", {**facts, "answer": waiting.answer}, labels)
    elif age >= OLD_AFTER:
        yield Trouble(QUEUE_OLD, "warning", {**facts, "answer": waiting.answer}, labels)


def _of_group(late: Lateness, now: datetime) -> Iterator[Trouble]:
    if now - late.since < LATE_AFTER:
        return
    facts = {
        "group": late.group,
        "behind": f"{late.behind.total_seconds():.1f}s",
        "interval": f"{late.interval.total_seconds():g}s",
        "since": rfc3339(late.since),
    }
    yield Trouble(EVALUATION_LATE, "warning", facts, {"group": late.group})


def _of_quota(spent: Spent) -> Iterator[Trouble]:
    """Warns while there is time to buy more or to tell less; what is used up is critical."""
    if spent.number < QUOTA_PART * spent.quota:
        return
    labels = {"notifier": spent.notifier, "period": spent.period}
    facts = {**labels, "number": str(spent.number), "quota": str(spent.quota)}
    if spent.number < spent.quota:
        yield Trouble(QUOTA_LOW, "warning", facts, labels, kind=spent.period)
    else:
        yield Trouble(QUOTA_LOW, "critical", facts, labels, kind=f"{spent.period} over")


def _of_room(room: Room) -> Iterator[Trouble]:
    facts = {"free": f"{room.free_bytes / GIB:.1f}", "total": f"{room.total_bytes / GIB:.1f}"}
    if room.full:
        yield Trouble(DISK_LOW, "critical", facts, kind="full")
    elif room.free_bytes < min(LEAST_BYTES, LEAST_PART * room.total_bytes):
        yield Trouble(DISK_LOW, "warning", facts)
