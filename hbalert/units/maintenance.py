"""Maintenance windows take effect: the running occurrence and the next one are silences.

Knows which silences the windows ought to have and which are theirs no more. Must not know when a window
comes (`core/maintenance.py`). An occurrence is known by its id: one that is there, ended by hand or not,
is not made again, unless its window was gone meanwhile; one that nobody made in time is made as long as it
lasts, and not caught up later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from hbalert.core.maintenance import (
    Window,
    has_to_be_made,
    is_stale,
    occurrence_id,
    running_and_next,
    silence_of,
    withdraw,
)
from hbalert.core.silence import SilenceState, state
from hbalert.memory import Draft
from hbalert.recurrence import occurrences
from hbalert.units.silences import begun, over


def keep(draft: Draft, windows: Mapping[str, Window]) -> datetime | None:
    """Makes the silences that are missing and ends those of windows that are gone or changed.

    windows  all there are, by name
    Returns when to look again: the next start; None: no window will come any more.
    """
    starts = []
    for window in windows.values():
        for occurrence in running_and_next(occurrences(window.recurrence, draft.now), draft.now):
            if has_to_be_made(draft.silences.get(occurrence_id(window, occurrence.starts_at))):
                made = silence_of(window, occurrence, draft.now)
                draft.put_silence(made)
                if state(made, draft.now) is SilenceState.ACTIVE:
                    begun(draft, [made])
            if occurrence.starts_at > draft.now:
                starts.append(occurrence.starts_at)
    ended = []
    for silence in list(draft.silences.values()):
        now = state(silence, draft.now)
        if now is not SilenceState.EXPIRED and is_stale(silence, windows):
            draft.put_silence(withdraw(silence, draft.now))
            if now is SilenceState.ACTIVE:
                ended.append(silence)
    if ended:
        over(draft, ended)
    return min(starts, default=None)
