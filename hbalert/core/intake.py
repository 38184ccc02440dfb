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
