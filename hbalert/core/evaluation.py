"""Evaluation: from the answer of a query to alerts that are pending, firing or resolved.

Knows the transition table, `for`, `keep_firing_for`, `missing_evaluations`, `clear`, `limit` and
`no_data`. Must not know routes, receivers, or that Prometheus exists. Next: `route.py`.

A resolved alert has nothing left to say: whoever is told of the evaluation takes its end over in the
same unit of work (Prometheus keeps it for 15 minutes because its message may be lost). What stays is
a row that remembers when it fired, for as long as that counts for flapping (`flap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import cast

from hbalert.core.flap import NEVER, calmed, holds, remembered, started
from hbalert.core.labels import Labels
from hbalert.core.rule import Expand, Occasion, Rule, RuleAlert, RuleAlertState, Sample

NO_DATA_LABEL = "hbalert_no_data"
"""Marks the alert of a rule with `no_data = "alert"` whose data are missing: its value is "true"."""


class Condition(Enum):
    """What one evaluation says of one alert.

    TRUE  its series is in the answer, but has not been for as long as `for`
    HELD  its series is in the answer, and has been for at least `for`
    KEPT  its series is missing; keep_firing_for, `clear`, `no_data`, `missing_evaluations` or flapping
          do not let it end yet
    OVER  its series is missing, and nothing keeps it
    """

    TRUE = "true"
    HELD = "held"
    KEPT = "kept"
    OVER = "over"


TRANSITIONS: Mapping[tuple[RuleAlertState | None, Condition], RuleAlertState | None] = {
    (None, Condition.TRUE): RuleAlertState.PENDING,
    (None, Condition.HELD): RuleAlertState.FIRING,
    (RuleAlertState.PENDING, Condition.TRUE): RuleAlertState.PENDING,
    (RuleAlertState.PENDING, Condition.HELD): RuleAlertState.FIRING,
    (RuleAlertState.PENDING, Condition.KEPT): None,
    (RuleAlertState.PENDING, Condition.OVER): None,
    (RuleAlertState.FIRING, Condition.TRUE): RuleAlertState.PENDING,  # a reload raised `for`
    (RuleAlertState.FIRING, Condition.HELD): RuleAlertState.FIRING,
    (RuleAlertState.FIRING, Condition.KEPT): RuleAlertState.FIRING,
    (RuleAlertState.FIRING, Condition.OVER): RuleAlertState.RESOLVED,
}
"""(state, condition) -> state; None is inactive. Resolved is the end: what fires again begins anew."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One alert changed its state. `alert` is the row after it, or the last one if it is inactive."""

    before: RuleAlertState | None
    after: RuleAlertState | None
    alert: RuleAlert


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation of one rule changes.

    written      rows that are new or differ in state or times
    refreshed    rows that differ in value or annotations only
    removed      label keys of rows that are no more: inactive, or resolved and forgotten
    transitions  changes of state, in the order of the labels
    overflow     how many alerts `limit` kept out
    error        why nothing could be evaluated; then all else is empty and the state stays as it was
    """

    written: tuple[RuleAlert, ...] = ()
    refreshed: tuple[RuleAlert, ...] = ()
    removed: tuple[bytes, ...] = ()
    transitions: tuple[Transition, ...] = ()
    overflow: int = 0
    error: str | None = None


def evaluate(
    rule: Rule,
    active: Mapping[bytes, RuleAlert],
    samples: Sequence[Sample],
    now: datetime,
    expand: Expand,
    *,
    cleared: Sequence[Sample] = (),
    has_data: bool | None = None,
    behind: Sequence[Sample] | None = None,
) -> Evaluation:
    """What the answer to a rule's expression makes of its alerts.

    active    the rule's rows by label key
    samples   the answer, in any order
    now       the evaluation's time: of the slot, not of the answer
    cleared   the answer to `rule.clear`: a series ends every alert that carries its labels
    has_data  whether the data behind the expression were there; None: there are samples, or there
              were none
    behind    the series that the expression judges, whatever it finds of them; None: not known, and
              what is not in the answer counts as missing. Looked at for `missing_evaluations` only
    Source: Prometheus, rules/alerting.go; `limit`, `no_data` and `clear` are our own.
    """
    try:
        found = _alerts(rule, samples, Occasion(rule, now), expand)
    except _Ambiguous as error:
        return Evaluation(error=str(error))
    known = {key: row for key, row in active.items() if row.state is not RuleAlertState.RESOLVED}
    blind = rule.no_data != "ok" and not samples and not has_data
    if blind and rule.no_data == "alert":
        sample = Sample(Labels(), float("nan"))
        labels = _labels(rule, sample, Occasion(rule, now), expand).with_({NO_DATA_LABEL: "true"})
        found[labels.key] = labels, sample
    after: dict[bytes, RuleAlert | None] = dict.fromkeys(active)
    for key in known.keys() - found.keys():
        row = known[key]
        gone = behind is None or not _speaks_of(rule, row.labels, behind)
        after[key] = _missing(rule, row, now, cleared, blind=blind, gone=gone)
    staying = sum(row is not None and row.state is RuleAlertState.FIRING for row in after.values())
    chosen = _within(rule.limit, found, known, staying)
    for key in chosen:
        after[key] = _present(rule, active.get(key), *found[key], now, expand)
    return _changes(rule, active, after, now, overflow=len(found) - len(chosen))


class _Ambiguous(Exception):
    """Two series of an answer would be the same alert."""


def _alerts(
    rule: Rule, samples: Sequence[Sample], when: Occasion, expand: Expand
) -> dict[bytes, tuple[Labels, Sample]]:
    found: dict[bytes, tuple[Labels, Sample]] = {}
    for sample in samples:
        labels = _labels(rule, sample, when, expand)
        if labels.key in found:
            raise _Ambiguous(
                f"two series of the answer have the labels {labels} once the rule's labels are applied;"
                " let the expression or the labels keep them apart"
            )
        found[labels.key] = labels, sample
    return found


def _labels(rule: Rule, sample: Sample, when: Occasion, expand: Expand) -> Labels:
    """Of the series, then of the rule (which may overwrite), then the name, which nothing overwrites."""
    pairs = sample.labels.as_dict()
    pairs.pop("__name__", None)
    for name, text in rule.labels.items():
        pairs[name] = _text(expand, text, sample, when)
    pairs["alertname"] = rule.alert
    return Labels(pairs)


def _text(expand: Expand, text: str, sample: Sample, when: Occasion) -> str:
    """A template that fails must not lose the alert."""
    try:
        return expand(text, sample.labels, sample.value, when)
    except ValueError as error:
        return f"<error expanding template: {error}>"


def _within(
    limit: int,
    found: Mapping[bytes, tuple[Labels, Sample]],
    known: Mapping[bytes, RuleAlert],
    staying: int,
) -> list[bytes]:
    """The series that the limit lets in: all that fire already, then what is pending, then by labels.

    staying  how many alerts fire on without a series; they take room as well
    """
    ordered = sorted(found)
    if not limit or len(ordered) + staying <= limit:
        return ordered
    rank = {RuleAlertState.FIRING: 0, RuleAlertState.PENDING: 1}
    ordered.sort(key=lambda key: rank[known[key].state] if key in known else 2)
    firing = sum(key in known and known[key].state is RuleAlertState.FIRING for key in ordered)
    return ordered[: max(limit - staying, firing)]


def _present(
    rule: Rule, known: RuleAlert | None, labels: Labels, sample: Sample, now: datetime, expand: Expand
) -> RuleAlert:
    """The alert of a series that is in the answer.

    known  its row, also one that only remembers it

    The wall clock may step back. A pending alert then begins anew rather than wait for it, and a
    firing one is judged by how long it had held when it fired: only a longer `for` sends it back.
    """
    old = known if known is not None and known.state is not RuleAlertState.RESOLVED else None
    before = old.state if old else None
    active_at, seen_at = now, now
    if old is not None and old.fired_at is not None:
        active_at, seen_at = old.active_at, max(now, old.fired_at)
    elif old is not None:
        active_at = min(old.active_at, now)
    condition = Condition.HELD if seen_at - active_at >= rule.hold else Condition.TRUE
    # The table leads to no absence from a series that is there.
    state = cast(RuleAlertState, TRANSITIONS[before, condition])
    fired_at = None
    if state is RuleAlertState.FIRING:
        fired_at = (old.fired_at if old else None) or now
    when = Occasion(rule, now, active_at, alert=labels)
    annotations = {name: _text(expand, text, sample, when) for name, text in rule.annotations.items()}
    flaps = known.flaps if known is not None else NEVER
    if state is RuleAlertState.FIRING:
        back = old is not None and old.keep_firing_since is not None and flaps.since is not None
        if before is not RuleAlertState.FIRING or back:
            flaps = started(flaps, now, rule.flapping)
        elif not holds(flaps, None, now, rule.flapping):
            flaps = calmed(flaps, now)
    else:
        flaps = calmed(flaps, now)
    return RuleAlert(rule.id, labels, state, active_at, sample.value, annotations, fired_at, flaps=flaps)


def _missing(
    rule: Rule, old: RuleAlert, now: datetime, cleared: Sequence[Sample], *, blind: bool, gone: bool
) -> RuleAlert | None:
    """What becomes of an alert whose series is not in the answer; None: it is inactive.

    A firing one keeps the value and the annotations of the last real sample. What keeps it: first that
    nothing is known, then the rule's own conditions, then the waiting that they begin.
    blind  there were no data, and the rule says that this ends nothing
    gone   there are no data of its series, or nobody can tell
    """
    since, missed, flaps = old.keep_firing_since, 0, old.flaps
    own = NO_DATA_LABEL in old.labels
    if blind:
        condition, missed = Condition.KEPT, old.missed
    elif rule.clear and not own and not _speaks_of(rule, old.labels, cleared):
        condition, since = Condition.KEPT, None
    elif gone and not own and old.missed < rule.missing_evaluations:
        condition, missed = Condition.KEPT, old.missed + 1
    else:
        missed = old.missed
        since = min(since or now, now)
        if held := holds(flaps, since, now, rule.flapping):
            condition = Condition.KEPT
        else:
            condition = Condition.KEPT if now - since < rule.keep_firing_for else Condition.OVER
        flaps = flaps if held else calmed(flaps, now)
    match TRANSITIONS[old.state, condition]:
        case RuleAlertState.FIRING:
            return replace(old, keep_firing_since=since, missed=missed, flaps=flaps)
        case RuleAlertState.RESOLVED:
            return replace(old, state=RuleAlertState.RESOLVED, resolved_at=now, flaps=flaps)
        case _:
            return None


def _speaks_of(rule: Rule, labels: Labels, samples: Sequence[Sample]) -> bool:
    """Whether one of the series is about this alert: the alert carries its labels.

    Labels that the rule itself sets are not compared; a series without labels speaks of all alerts.
    """
    own = {"__name__", "alertname", *rule.labels}
    return any(
        all(labels.get(name) == value for name, value in sample.labels.items() if name not in own)
        for sample in samples
    )


def _changes(
    rule: Rule,
    active: Mapping[bytes, RuleAlert],
    after: Mapping[bytes, RuleAlert | None],
    now: datetime,
    overflow: int,
) -> Evaluation:
    written, refreshed, removed, transitions = [], [], [], []
    for key, new in sorted(after.items()):
        row = active.get(key)
        old = row if row is not None and row.state is not RuleAlertState.RESOLVED else None
        before, state = (each.state if each else None for each in (old, new))
        last = new or old
        if before is not state and last is not None:
            transitions.append(Transition(before, state, last))
        if new is None or state is RuleAlertState.RESOLVED:
            memory = _memory(rule, new or row, now)
            if memory is None:
                removed.append(key)
            elif memory is not row:
                written.append(memory)
        elif old is None or _times(old) != _times(new):
            written.append(new)
        elif old.annotations != new.annotations or not _same(old.value, new.value):
            refreshed.append(new)
    return Evaluation(tuple(written), tuple(refreshed), tuple(removed), tuple(transitions), overflow)


def _memory(rule: Rule, last: RuleAlert | None, now: datetime) -> RuleAlert | None:
    """The row that stays of an alert that is over, for as long as its starts count."""
    if last is None or not remembered(last.flaps, now, rule.flapping):
        return None
    if last.state is RuleAlertState.RESOLVED and last.flaps.since is None and last.flaps.calm_since is None:
        return last
    flaps = replace(last.flaps, since=None, calm_since=None)
    return replace(last, state=RuleAlertState.RESOLVED, resolved_at=last.resolved_at or now, flaps=flaps)


def _times(row: RuleAlert) -> tuple[object, ...]:
    return row.state, row.active_at, row.fired_at, row.keep_firing_since, row.missed, row.flaps


def _same(one: float, other: float) -> bool:
    """NaN is not equal to itself, but it is not news either."""
    return one == other or (one != one and other != other)
