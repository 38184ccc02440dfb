"""Intake: what a report changes. Page one of the story.

Knows what is known of an alert and what is reported of it. Must not know who reports, which groups
exist or where anything is stored. Next: `route.py` and `group.py` for what has news; `flush.py` is
page two.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import NamedTuple

from hbalert.core.alert import Alert, merge


class Change(Enum):
    """What a report means for what is known.

    Transitions are committed before they are acknowledged. A refresh (a later end, another value,
    other annotations) lives in memory and is written in bulk. Nothing: the end of an alert that
    nobody knows; senders repeat resolves for a while.
    """

    APPEARED = "appeared"
    FIRES_AGAIN = "fires again"
    RESOLVED = "resolved"
    REFRESHED = "refreshed"
    NOTHING = "nothing"


class Taken(NamedTuple):
    """What is known after a report, and how that differs from before."""

    alert: Alert
    change: Change


def goes_on(known: Alert, reported: Alert, now: datetime) -> bool:
    """Whether a report says of an alert that fires what is known, but for a later end and other words.

    Nearly every report does. `take` would find a refresh then, and the report is what is known from now on.
    """
    if len(known.claims) != 1:
        return False
    old, new = known.claims[0], reported.claims[0]
    return (
        old.starts_at == new.starts_at
        and old.ends_at is not None
        and new.ends_at is not None
        and now < old.ends_at <= new.ends_at
        and old.origin == new.origin
        and old.flapping == new.flapping
    )


def take(known: Alert | None, reported: Alert, now: datetime) -> Taken:
    """What one report makes of what is known.

    reported  one claim, as `alert.report` makes it
    """
    merged = merge(known, reported, now)
    ended = merged.resolved(now)
    if known is None:
        return Taken(merged, Change.NOTHING if ended else Change.APPEARED)
    if known.resolved(now):
        return Taken(merged, Change.NOTHING if ended else Change.FIRES_AGAIN)
    if ended:
        return Taken(merged, Change.RESOLVED)
    return Taken(merged, Change.REFRESHED)
