"""Every shape of our own answers and of Prometheus' API, as typed dictionaries.

Knows field names and types as they stand on the wire; times are datetimes, which the encoder writes as
RFC 3339. Must not know where a value comes from. The OpenAPI document is made of these, so that what
is not written here is not promised. Alertmanager's shapes are in `wire.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NotRequired, TypedDict

from hbalert.api.wire import Stamp
from hbalert.explain.rows import ExplanationRow
from hbalert.explain.rulebook import WholeRule

# --- /api/hb/v1 ---------------------------------------------------------------------------------


class SaidRow(TypedDict):
    """An alert as a message shows it."""

    fingerprint: str
    status: str
    labels: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None


class TryRow(TypedDict):
    """One attempt at a delivery. result: sent, transient, permanent, not now; ms: how long it took."""

    at: datetime
    ms: float
    result: str
    reason: str
    answer: str
    provider_id: str


class DeliveryRow(TypedDict):
    """A delivery: what was to be said to whom, how far it got, and every answer."""

    id: str
    state: str
    notifier: str
    receiver: str
    group: str
    status: str
    reason: str
    alerts: list[SaidRow]
    decided_at: datetime
    created_at: datetime
    next_attempt_at: datetime | None
    settled_at: datetime | None
    attempts: int
    last_answer: str
    reached: list[str]
    refused: dict[str, str]
    tries: list[TryRow]


class AlertRow(TypedDict):
    """An alert that fires, or is about to (state pending). origins: who says so."""

    fingerprint: str
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime | None
    updated_at: datetime
    origins: list[str]
    receivers: Sequence[str]
    silenced_by: Sequence[str]
    inhibited_by: Sequence[str]
    generator_url: str


class NoteRow(TypedDict):
    """A line of a timeline."""

    at: datetime
    kind: str
    text: str
    group: str
    delivery: str
    notifier: str


class Timeline(TypedDict):
    """Everything that was decided about one alert."""

    schema: int
    fingerprint: str
    labels: dict[str, str]
    rows: list[NoteRow]


class AlertShown(ExplanationRow):
    """One alert: what it says, what becomes of it, and the end of its timeline."""

    annotations: dict[str, str]
    generator_url: str
    timeline: list[NoteRow]


class RuleShownWhole(WholeRule):
    """Everything about one rule."""

    schema: int


class Settled(TypedDict):
    """What became of a delivery that was retried or given up."""

    schema: int
    id: str
    state: str


class ReachedAlert(TypedDict):
    """An alert that a silence covers."""

    fingerprint: str
    state: str
    labels: dict[str, str]
    starts_at: datetime


class ReachedGroup(TypedDict):
    """A group that a silence touches, and how many of its alerts."""

    group: str
    receiver: str
    alerts: int


class ReachRow(TypedDict):
    """What a silence covers now. matches: of `firing` alerts; broad: nearly every alert."""

    matches: int
    firing: int
    alerts: list[ReachedAlert]
    groups: list[ReachedGroup]
    group_count: int
    broad: bool
    warnings: Sequence[str]


class SilenceRow(TypedDict):
    """A silence. until: "resolved" or ""; window: the maintenance window that made it, or ""."""

    id: str
    state: str
    matchers: list[str]
    starts_at: datetime
    ends_at: datetime
    until: str
    window: str
    author: str
    comment: str
    updated_at: datetime
    annotations: dict[str, str]
    matches: int


class Preview(ReachRow):
    """What a silence would cover."""

    schema: int


class SilencePut(ReachRow):
    """The silence that is in force now, and what it covers."""

    schema: int
    id: str


class SilenceShown(SilenceRow, ReachRow):
    """One silence, with what it covers."""

    schema: int


class ImportedRow(TypedDict):
    """What became of one silence of a file: result, its id now, why not."""

    index: int
    result: str
    id: str
    why: str


class ComingRow(TypedDict):
    """An occurrence of a maintenance window, in the time of its place."""

    window: str
    starts_at: datetime
    ends_at: datetime
    location: str
    silence: str
    state: str
    matches: int


WindowRow = TypedDict(
    "WindowRow",
    {
        "schema": NotRequired[int],
        "name": str,
        "matchers": list[str],
        "when": str,
        "location": str,
        "comment": str,
        "created_by": str,
        "from": str,
        "made_at": datetime | None,
        "next": ComingRow | None,
    },
)
"""A maintenance window; `next` is its running or coming occurrence."""


class Removed(TypedDict):
    """A maintenance window that is no more."""

    schema: int
    name: str


class QueueLength(TypedDict):
    """What waits."""

    length: int
    oldest_at: datetime | None


class SourceRow(TypedDict):
    """Whether a source answers. since: null while it was not asked yet."""

    name: str
    up: bool
    since: datetime | None
    error: str


class NotifierRow(TypedDict):
    """A notifier and what waits for it."""

    name: str
    type: str
    enabled: bool
    queued: int
    oldest_at: datetime | None
    failing: int
    held_until: datetime | None
    last_sent_at: datetime | None
    last_answer: str


class Status(TypedDict):
    """One screen: what runs, what fires, what waits, what is wrong."""

    schema: int
    version: str
    started_at: datetime
    now: datetime
    healthy: bool
    problems: list[str]
    config_hash: str
    rule_groups: int
    rules: int
    alerts: dict[str, int]
    silences: int
    queue: QueueLength
    sources: list[SourceRow]
    notifiers: list[NotifierRow]


class HbError(TypedDict):
    """Why a request to /api/hb/v1 was not carried out."""

    schema: int
    error: str


# --- Prometheus ---------------------------------------------------------------------------------


class RuleAlertShown(TypedDict):
    """An alert of a rule; value is a number as Go prints it."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    activeAt: datetime
    value: str
    keepFiringSince: NotRequired[datetime]


class RuleShown(TypedDict):
    """A rule and how its last evaluation went; durations in seconds."""

    state: str
    name: str
    query: str
    duration: float
    keepFiringFor: float
    labels: dict[str, str]
    annotations: dict[str, str]
    alerts: list[RuleAlertShown]
    health: str
    evaluationTime: float
    lastEvaluation: Stamp
    type: str
    lastError: NotRequired[str]


class RuleGroupShown(TypedDict):
    """Rules that are evaluated together; durations in seconds."""

    name: str
    file: str
    rules: list[RuleShown]
    interval: float
    limit: int
    evaluationTime: float
    lastEvaluation: Stamp


class GroupsShown(TypedDict):
    groups: list[RuleGroupShown]


class AlertsShown(TypedDict):
    alerts: list[RuleAlertShown]


class RulesAnswer(TypedDict):
    """GET /api/v1/rules."""

    status: str
    data: GroupsShown


class AlertsAnswer(TypedDict):
    """GET /api/v1/alerts."""

    status: str
    data: AlertsShown


class SourceAnswer(TypedDict):
    """What the default source answered, as it is."""

    status: str
    data: Any


class PromError(TypedDict):
    """Why a request to /api/v1 was not carried out, in Prometheus' words."""

    status: str
    errorType: str
    error: str
