"""An explanation as plain values: what the API sends and the command line shows.

Knows names and shapes only. Must not know how anything in it was found (`outlook.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from hbalert.core.delivery import Delivery
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.route import Step
from hbalert.core.silence import Silence
from hbalert.explain.outlook import Explanation, Outlook, Source, Told
from hbalert.units.quiet import Mute


class RuleRow(TypedDict):
    """A rule that says so, or would. state: inactive, pending, firing, resolved."""

    id: str
    file: str
    line: int
    source: str
    expr: str
    for_seconds: float
    state: str
    since: datetime | None
    value: str | None


class FailedRow(TypedDict):
    """The label that a matcher of the route does not accept, with its value."""

    name: str
    value: str


StepRow = TypedDict(
    "StepRow",
    {
        "depth": int,
        "line": int,
        "matchers": list[str],
        "receiver": str,
        "continue": bool,
        "failed": FailedRow | None,
        "taken": bool,
    },
)
"""A route that was tried, in the order of the tree."""


class MuteRow(TypedDict):
    """What keeps it quiet, and by whom."""

    kind: str
    by: Sequence[str]


class UnsentRow(TypedDict):
    """A delivery that has not got out, or never did."""

    delivery: str
    decided_at: datetime
    attempts: int
    last_answer: str
    next_attempt_at: datetime | None


class NotifierRow(TypedDict):
    """What a notifier would be told at the next look, and why; reason null: nothing."""

    name: str
    reason: str | None
    told_at: datetime | None
    repeat_at: datetime | None
    unsent: UnsentRow | None
    given_up: UnsentRow | None
    held_until: datetime | None


class GroupRow(TypedDict):
    """The group it is in, or would be in, at one receiver."""

    receiver: str
    line: int
    key: str
    labels: dict[str, str]
    known: bool
    due: datetime | None
    muted_by: list[MuteRow]
    quiet_until: datetime | None
    notifiers: list[NotifierRow]
    disabled: Sequence[str]


class SilenceRow(TypedDict):
    """A silence that matches."""

    id: str
    matchers: list[str]
    created_by: str
    comment: str
    starts_at: datetime
    ends_at: datetime


class InhibitorRow(TypedDict):
    """An alert that inhibits it."""

    fingerprint: str
    labels: dict[str, str]


class ExplanationRow(TypedDict):
    """What becomes of an alert, and why."""

    schema: NotRequired[int]
    fingerprint: str
    labels: dict[str, str]
    at: datetime
    fires_since: datetime | None
    origins: Sequence[str]
    rules: list[RuleRow]
    routes: list[StepRow]
    groups: list[GroupRow]
    silences: list[SilenceRow]
    inhibitors: list[InhibitorRow]


def explanation_row(told: Explanation) -> ExplanationRow:
    """The whole answer; times are datetimes, which the encoder writes as RFC 3339."""
    return {
        "fingerprint": told.fingerprint,
        "labels": told.labels.as_dict(),
        "at": told.at,
        "fires_since": told.fires,
        "origins": told.origins,
        "rules": [_rule(each) for each in told.sources],
        "routes": [_step(each, told.labels) for each in told.steps],
        "groups": [_group(each) for each in told.outlooks],
        "silences": [_silence(each) for each in told.silences],
        "inhibitors": [
            {"fingerprint": fingerprint(each), "labels": each.as_dict()} for each in told.inhibitors
        ],
    }


def _rule(source: Source) -> RuleRow:
    rule, row = source.rule, source.row
    return {
        "id": rule.id,
        "file": rule.file,
        "line": rule.line,
        "source": rule.source,
        "expr": rule.expr,
        "for_seconds": rule.hold.total_seconds(),
        "state": row.state.value if row is not None else "inactive",
        "since": row.active_at if row is not None else None,
        "value": format(row.value, "g") if row is not None else None,
    }


def _step(step: Step, labels: Labels) -> StepRow:
    """failed: the label that a matcher of the route does not accept, with its value."""
    route, failed = step.route, step.failed
    return {
        "depth": step.depth,
        "line": route.line,
        "matchers": [str(each) for each in route.matchers],
        "receiver": route.receiver,
        "continue": route.continue_,
        "failed": {"name": failed.name, "value": labels.get(failed.name, "")} if failed is not None else None,
        "taken": step.taken,
    }


def _group(outlook: Outlook) -> GroupRow:
    return {
        "receiver": outlook.route.receiver,
        "line": outlook.route.line,
        "key": outlook.key,
        "labels": outlook.group.labels.as_dict(),
        "known": outlook.known,
        "due": outlook.due,
        "muted_by": [_mute(each) for each in outlook.mutes],
        "quiet_until": outlook.quiet_until,
        "notifiers": [_told(each) for each in outlook.told],
        "disabled": outlook.disabled,
    }


def _mute(mute: Mute) -> MuteRow:
    return {"kind": mute.kind, "by": mute.by}


def _told(told: Told) -> NotifierRow:
    return {
        "name": told.notifier,
        "reason": told.reason or None,
        "told_at": told.told_at,
        "repeat_at": told.repeat_at,
        "unsent": _unsent(told.unsent) if told.unsent is not None else None,
        "given_up": _unsent(told.given_up) if told.given_up is not None else None,
        "held_until": told.held_until,
    }


def _unsent(delivery: Delivery) -> UnsentRow:
    return {
        "delivery": delivery.id,
        "decided_at": delivery.notification.decided_at,
        "attempts": delivery.attempts,
        "last_answer": delivery.last_answer,
        "next_attempt_at": delivery.next_attempt_at if delivery.is_live else None,
    }


def _silence(silence: Silence) -> SilenceRow:
    return {
        "id": silence.id,
        "matchers": [str(each) for each in silence.matchers],
        "created_by": silence.created_by,
        "comment": silence.comment,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
    }
