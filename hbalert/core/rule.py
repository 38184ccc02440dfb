"""Rules: what they are, and what is known of their alerts between evaluations.

Knows the values. Must not know what an evaluation makes of them (`evaluation.py`, next), or that
Prometheus exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from hbalert.core.flap import NEVER, UNLIMITED, Flapping, Flaps
from hbalert.core.labels import Labels


class RuleAlertState(Enum):
    """pending: true for less than `for`. resolved: only after firing; such a row is a memory of starts.
    Inactive is absence."""

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
    missing_evaluations   so many evaluations in a row may find no data of a firing alert's series
                 before that counts as its end
    flapping     how often it may start to fire before it is held
    interval     that of its group: texts may name it
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
    missing_evaluations: int = 0
    flapping: Flapping = UNLIMITED
    interval: timedelta = timedelta()
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
    missed               evaluations in a row that found no data of its series
    flaps                how often it has started to fire of late
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
    missed: int = 0
    flaps: Flaps = NEVER


@dataclass(frozen=True, slots=True)
class Occasion:
    """On which occasion a text of a rule is expanded.

    now        the evaluation's time
    active_at  since when the expression holds; None for a label, which must not depend on it
    answers    what the queries in the text have answered, by expression; a text says why one has not
    partial    the source says that a part is missing in its answer
    alert      labels of the alert; None while they are being made
    """

    rule: Rule
    now: datetime
    active_at: datetime | None = None
    answers: Mapping[str, Sequence[Sample] | str] = field(default_factory=dict)
    partial: bool = False
    alert: Labels | None = None


class Unasked(ValueError):
    """A text needs the answers to queries that nobody has asked yet."""

    def __init__(self, exprs: Iterable[str]) -> None:
        self.exprs = tuple(sorted(exprs))
        super().__init__(f"the query {self.exprs[0]!r} was not asked")


Expand = Callable[[str, Labels, float, Occasion], str]
"""(template text, series labels, value, occasion) -> text. Raises ValueError, fit to show, when it fails."""
