"""The clock has jumped: every row that holds a time is made to agree with it, in one unit of work.

Knows which rows hold times. Must not know how a time moves (`core/jump.py`) or how a jump is noticed
(`desk.py`, which runs this before it decides anything else).
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from datetime import datetime, timedelta

from hbalert.core import jump as core
from hbalert.core.group import Group
from hbalert.core.jump import Jump
from hbalert.core.silence import Silence
from hbalert.core.trouble import rfc3339
from hbalert.memory import Draft

MovedSilences = MutableMapping[str, tuple[Silence, Silence, timedelta]]
"""By id: a silence as a clock that was set back has left it, as it was written, and how far back the
clock is since."""


def follow(
    draft: Draft,
    jump: Jump,
    *,
    resolve_timeout: timedelta,
    is_quiet: Callable[[Group, datetime], bool],
    moved: MovedSilences,
) -> None:
    """Writes what a jump changes.

    is_quiet  whether a time interval kept the whole group quiet at a moment: it waits for the calendar
    moved     kept by the caller from jump to jump: a clock that comes back brings silences back
    """
    for _, alert in list(draft.alerts.items()):
        after = core.alert(alert, jump, resolve_timeout)
        if after != alert:
            draft.put_alert(after)
    if not jump.by:
        return
    # With the rows, or a start after a crash would find the old time and move them a second time.
    draft.seen_at = draft.now
    for _, row in list(draft.rule_alerts.items()):
        draft.put_rule_alert(core.rule_alert(row, jump))
    for group_id, group in list(draft.groups.items()):
        quiet = group.flushed and is_quiet(group, jump.since)
        draft.groups.put(
            group_id, replace(group, next_flush_at=draft.now) if quiet else core.group(group, jump)
        )
    for key, entry in list(draft.entries.items()):
        draft.entries.put(key, core.entry(entry, jump))
    for identity, delivery in list(draft.deliveries.items()):
        draft.deliveries.put(identity, core.delivery(delivery, jump))
    for name, state in list(draft.notifiers.items()):
        sends = tuple(map(jump.wait, state.sends))
        held = None if state.held_until is None else jump.wait(state.held_until)
        draft.notifiers.put(name, replace(state, sends=sends, held_until=held))
    _silences(draft, jump, moved)
    draft.note("clock", says(jump))


def _silences(draft: Draft, jump: Jump, moved: MovedSilences) -> None:
    if jump.by > timedelta():
        for identity, (left, written, back) in list(moved.items()):
            # A small step forward is not the way back: what is written would last too long by the rest.
            if back - jump.by > jump.by:
                moved[identity] = left, written, back - jump.by
                continue
            if draft.silences.get(identity) == left:
                draft.put_silence(written)
            del moved[identity]
        return
    for identity, silence in list(draft.silences.items()):
        after = core.silence(silence, jump)
        if after != silence:
            left, written, back = moved.get(identity, (silence, silence, timedelta()))
            if left != silence:
                written, back = silence, timedelta()
            moved[identity] = after, written, back - jump.by
            draft.put_silence(after)


def says(jump: Jump) -> str:
    """What happened, as a sentence for people."""
    if not jump.by:
        return f"nobody was at work for {spell(jump.now - jump.since)}, until {rfc3339(jump.now)}"
    way = "forward" if jump.by > timedelta() else "back"
    return (
        f"the clock was set {way} by {spell(abs(jump.by))}: "
        f"from {rfc3339(jump.expected)} to {rfc3339(jump.now)}"
    )


def spell(span: timedelta) -> str:
    """A length of time to the second: `1:00:02`."""
    return str(timedelta(seconds=round(span.total_seconds())))
