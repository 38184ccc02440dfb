"""A word to whoever asked for quiet, before the quiet ends while there is still something to hear.

Knows which silences are about to end and what they cover. Must not know when that is soon enough
(`core/silence.py`) nor the words (`own.py`). Which of these alerts fire is read off the alerts
themselves: nothing else has to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from hbalert.core.alert import Alert
from hbalert.core.labels import Labels
from hbalert.core.silence import Silence, SilenceState, ends_soon, state
from hbalert.core.silencer import Silencer
from hbalert.memory import Draft
from hbalert.regex import compile_many
from hbalert.units.own import ENDING, Own, over, silence_ends


def endings(draft: Draft, own: Own, notice: timedelta) -> list[Alert]:
    """Reports of the alerts that have to begin, and of those that have to end.

    notice  so long before the end of a silence its author hears of it; none: never
    """
    soon = {each.id: each for each in draft.silences.values() if ends_soon(each, draft.now, notice)}
    if not soon and not draft.count(ENDING):
        return []
    firing = [alert for alert in draft.alerts.values() if not alert.resolved(draft.now)]
    known = {alert.labels.key: alert for alert in firing if alert.labels.get("alertname") == ENDING}
    covered = _will_be_heard(draft, soon, firing) if soon else {}
    reports = []
    for silence_id, labels_of in covered.items():
        labels = own.ending(soon[silence_id])
        said = silence_ends(labels, soon[silence_id], labels_of, draft.now)
        there = known.pop(labels.key, None)
        # What it covers may change all the time; only another end is worth another word.
        if there is None or there.annotations.get("summary") != said.annotations["summary"]:
            reports.append(said)
    for alert in known.values():
        reports += over(draft, alert.labels)
    return reports


def _will_be_heard(
    draft: Draft, soon: Mapping[str, Silence], firing: Iterable[Alert]
) -> dict[str, list[Labels]]:
    """What is told at the end of each of these silences: what no other one covers for longer."""
    ends = {
        each.id: each.ends_at
        for each in draft.silences.values()
        if state(each, draft.now) is SilenceState.ACTIVE
    }
    about_to_end = Silencer(soon.values(), compile_many)
    active = Silencer([row for each in ends if (row := draft.silences.get(each))], compile_many)
    found: dict[str, list[Labels]] = {}
    for alert in firing:
        mine = about_to_end.silenced_by(alert.labels)
        last = max(ends[each] for each in active.silenced_by(alert.labels)) if mine else draft.now
        for silence_id in mine:
            if ends[silence_id] == last:
                found.setdefault(silence_id, []).append(alert.labels)
    return found
