"""Rules: from the answer of a query to alerts that are pending, firing or resolved.

Knows the transition table, `for`, `keep_firing_for`, `clear`, `limit` and `no_data`. Must not know
routes, receivers, or that Prometheus exists. Next: `route.py`.

A resolved alert is not remembered here: whoever is told of the evaluation takes its end over in the
same unit of work, so nothing has to be said again later (Prometheus keeps it for 15 minutes because
its message may be lost).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import cast

from hbalert.core.labels import Labels


class RuleAlertState(Enum):
    """pending: true for less than `for`. resolved: only after firing. Inactive is absence."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule.

    id           group name, alert name and position among equals: survives renaming a file
    labels, annotations   template texts; those of the group are already merged into `labels`
    limit        at most so many alerts of this rule; 0 = no limit
    no_data      what an answer without data means: "ok" (nothing is wrong), "keep" (what fires goes
                 on firing) or "alert" (the same, and one more alert says so)
    clear        expression that must hold before a firing alert resolves; "" = the absence of `expr`
    file, line   where it is written
    """

    id: str
    alert: str
    expr: str
    source: str
    hold: timedelta = timedelta()
    keep_firing_for: timedelta = timedelta()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    limit: int = 0
    no_data: str = "ok"
    clear: str = ""
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules evaluated together at one `now`, every `interval`.

    query_offset  how far back the rules look, for sources whose data arrives late
    """

    name: str
    interval: timedelta
    rules: tuple[Rule, ...]
    query_offset: timedelta = timedelta()
    limit: int = 0
    file: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled value of an instant query's answer (labels as answered, with __name__)."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class RuleAlert:
    """One alert of one rule, between evaluations. Stored, so that `for` survives a restart.

    labels               of the alert: series labels less __name__, rule labels, alertname
    active_at            since when the expression holds
    fired_at             when it turned firing; None while pending
    keep_firing_since    first evaluation at which a firing one was missing; None while present
    resolved_at          None until resolved
    value, annotations   of the last real sample
    """

    rule_id: str
    labels: Labels
    state: RuleAlertState
    active_at: datetime
    value: float
    annotations: Mapping[str, str] = field(default_factory=dict)
    fired_at: datetime | None = None
    keep_firing_since: datetime | None = None
    resolved_at: datetime | None = None


Expand = Callable[[str, Labels, float], str]
"""(template text, series labels, value) -> text. Raises ValueError, fit to show, when it fails."""


NO_DATA_LABEL = "hbalert_no_data"
"""Marks the alert of a rule with `no_data = "alert"` whose data are missing: its value is "true"."""


class Condition(Enum):
    """What one evaluation says of one alert.

    TRUE  its series is in the answer, but has not been for as long as `for`
    HELD  its series is in the answer, and has been for at least `for`
    KEPT  its series is missing; keep_firing_for, `clear` or `no_data` do not let it end yet
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
    removed      label keys of rows that are no more: inactive or resolved
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
) -> Evaluation:
    """What the answer to a rule's expression makes of its alerts.

    active    the rule's rows by label key
    samples   the answer, in any order
    now       the evaluation's time: of the slot, not of the answer
    cleared   the answer to `rule.clear`: a series ends every alert that carries its labels
    has_data  whether the data behind the expression were there; None: there are samples, or there
              were none
    Source: Prometheus, rules/alerting.go; `limit`, `no_data` and `clear` are our own.
    """
    try:
        found = _alerts(rule, samples, expand)
    except _Ambiguous as error:
        return Evaluation(error=str(error))
    known = {key: row for key, row in active.items() if row.state is not RuleAlertState.RESOLVED}
    blind = rule.no_data != "ok" and not samples and not has_data
    if blind and rule.no_data == "alert":
        sample = Sample(Labels(), float("nan"))
        labels = _labels(rule, sample, expand).with_({NO_DATA_LABEL: "true"})
        found[labels.key] = labels, sample
    after: dict[bytes, RuleAlert | None] = dict.fromkeys(active)
    for key in known.keys() - found.keys():
        after[key] = _missing(rule, known[key], now, cleared, blind=blind)
    staying = sum(row is not None and row.state is RuleAlertState.FIRING for row in after.values())
    chosen = _within(rule.limit, found, known, staying)
    for key in chosen:
        after[key] = _present(rule, known.get(key), *found[key], now, expand)
    return _changes(known, after, overflow=len(found) - len(chosen))


class _Ambiguous(Exception):
    """Two series of an answer would be the same alert."""


def _alerts(rule: Rule, samples: Sequence[Sample], expand: Expand) -> dict[bytes, tuple[Labels, Sample]]:
    found: dict[bytes, tuple[Labels, Sample]] = {}
    for sample in samples:
        labels = _labels(rule, sample, expand)
        if labels.key in found:
            raise _Ambiguous(
                f"two series of the answer have the labels {labels} once the rule's labels are applied;"
                " let the expression or the labels keep them apart"
            )
        found[labels.key] = labels, sample
    return found


def _labels(rule: Rule, sample: Sample, expand: Expand) -> Labels:
    """Of the series, then of the rule (which may overwrite), then the name, which nothing overwrites."""
    pairs = sample.labels.as_dict()
    pairs.pop("__name__", None)
    for name, text in rule.labels.items():
        pairs[name] = _text(expand, text, sample)
    pairs["alertname"] = rule.alert
    return Labels(pairs)


def _text(expand: Expand, text: str, sample: Sample) -> str:
    """A template that fails must not lose the alert."""
    try:
        return expand(text, sample.labels, sample.value)
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
    rule: Rule, old: RuleAlert | None, labels: Labels, sample: Sample, now: datetime, expand: Expand
) -> RuleAlert:
    """The alert of a series that is in the answer.

    The wall clock may step back. A pending alert then begins anew rather than wait for it, and a
    firing one is judged by how long it had held when it fired: only a longer `for` sends it back.
    """
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
    annotations = {name: _text(expand, text, sample) for name, text in rule.annotations.items()}
    return RuleAlert(rule.id, labels, state, active_at, sample.value, annotations, fired_at)


def _missing(
    rule: Rule, old: RuleAlert, now: datetime, cleared: Sequence[Sample], *, blind: bool
) -> RuleAlert | None:
    """What becomes of an alert whose series is not in the answer; None: it is inactive.

    A firing one keeps the value and the annotations of the last real sample.
    blind  there were no data, and the rule says that this ends nothing
    """
    since = old.keep_firing_since
    if blind:
        condition = Condition.KEPT
    elif rule.clear and NO_DATA_LABEL not in old.labels and not _is_clear(rule, old.labels, cleared):
        condition, since = Condition.KEPT, None
    else:
        since = min(since or now, now)
        condition = Condition.KEPT if now - since < rule.keep_firing_for else Condition.OVER
    match TRANSITIONS[old.state, condition]:
        case RuleAlertState.FIRING:
            return replace(old, keep_firing_since=since)
        case RuleAlertState.RESOLVED:
            return replace(old, state=RuleAlertState.RESOLVED, resolved_at=now)
        case _:
            return None


def _is_clear(rule: Rule, labels: Labels, cleared: Sequence[Sample]) -> bool:
    """Whether a series of the clear expression speaks of this alert: the alert carries its labels.

    Labels that the rule itself sets are not compared; a series without labels speaks of all alerts.
    """
    own = {"__name__", "alertname", *rule.labels}
    return any(
        all(labels.get(name) == value for name, value in sample.labels.items() if name not in own)
        for sample in cleared
    )


def _changes(
    known: Mapping[bytes, RuleAlert], after: Mapping[bytes, RuleAlert | None], overflow: int
) -> Evaluation:
    written, refreshed, removed, transitions = [], [], [], []
    for key, new in sorted(after.items()):
        old = known.get(key)
        before, state = (row.state if row else None for row in (old, new))
        last = new or old
        if before is not state and last is not None:
            transitions.append(Transition(before, state, last))
        if new is None or state is RuleAlertState.RESOLVED:
            removed.append(key)
        elif old is None or _times(old) != _times(new):
            written.append(new)
        elif old.annotations != new.annotations or not _same(old.value, new.value):
            refreshed.append(new)
    return Evaluation(tuple(written), tuple(refreshed), tuple(removed), tuple(transitions), overflow)


def _times(row: RuleAlert) -> tuple[RuleAlertState, datetime | None, datetime | None, datetime | None]:
    return row.state, row.active_at, row.fired_at, row.keep_firing_since


def _same(one: float, other: float) -> bool:
    """NaN is not equal to itself, but it is not news either."""
    return one == other or (one != one and other != other)
