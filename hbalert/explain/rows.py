"""An explanation as plain values: what the API sends and the command line shows.

Knows names and shapes only. Must not know how anything in it was found (`outlook.py`).
"""

from __future__ import annotations

from typing import Any

from hbalert.core.delivery import Delivery
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.route import Step
from hbalert.core.silence import Silence
from hbalert.explain.outlook import Explanation, Outlook, Source, Told
from hbalert.units.quiet import Mute


def explanation_row(told: Explanation) -> dict[str, Any]:
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


def _rule(source: Source) -> dict[str, Any]:
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


def _step(step: Step, labels: Labels) -> dict[str, Any]:
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


def _group(outlook: Outlook) -> dict[str, Any]:
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


def _mute(mute: Mute) -> dict[str, Any]:
    return {"kind": mute.kind, "by": mute.by}


def _told(told: Told) -> dict[str, Any]:
    return {
        "name": told.notifier,
        "reason": told.reason or None,
        "told_at": told.told_at,
        "repeat_at": told.repeat_at,
        "unsent": _unsent(told.unsent) if told.unsent is not None else None,
        "held_until": told.held_until,
    }


def _unsent(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": delivery.id,
        "decided_at": delivery.notification.decided_at,
        "attempts": delivery.attempts,
        "last_answer": delivery.last_answer,
        "next_attempt_at": delivery.next_attempt_at,
    }


def _silence(silence: Silence) -> dict[str, Any]:
    return {
        "id": silence.id,
        "matchers": [str(each) for each in silence.matchers],
        "created_by": silence.created_by,
        "comment": silence.comment,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
    }
