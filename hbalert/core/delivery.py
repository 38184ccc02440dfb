"""Deliveries: a decided notification on its way to one notifier.

Knows attempts, outcomes, deadlines and the pace a far side allows. Must not know HTTP codes, SMTP
codes or what a message says: channels turn those into outcomes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from hbalert.core.notification import Notification, NotifiedAlert


class DeliveryState(Enum):
    """queued and sending are the live ones; the others are history.

    sent        the far side accepted it
    dead        given up: refused for good, or too old; visible, retried only on request
    superseded  newer news of the same group took its place before it got out
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    SUPERSEDED = "superseded"


LIVE = frozenset({DeliveryState.QUEUED, DeliveryState.SENDING})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of the outbox.

    id              goes to the far side as idempotency key where it takes one
    sequence        order within the outbox: of two for one (group, notifier) the lower goes first
    created_at      of the oldest of its news; how long we are patient is counted for each alert
    attempts        failed ones so far; a NotNow is not one
    reached         recipients that have accepted it already (email, SMS): not asked again
    refused         recipients that never will, with their reason
    last_answer     the gateway's own words, or our reason when there was no answer
    """

    id: str
    sequence: int
    group_id: str
    notifier: str
    notification: Notification
    state: DeliveryState
    created_at: datetime
    next_attempt_at: datetime
    attempts: int = 0
    reached: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)
    last_answer: str = ""
    settled_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class Result(Enum):
    """How one attempt ended."""

    SENT = "sent"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    NOT_NOW = "not now"


QUOTA = "quota"
"""Reason of an outcome: what the far side allows in a day or a month, or has been paid for, is used up."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt.

    answer       the gateway's words, shortened, without secrets; or why there is no answer
    reason       one word for metrics: "sent", "auth", "rate limit", "quota", "client", "server",
                 "network", "timeout", "template", "other"
    retry_after  how long the far side asked us to stay away (NOT_NOW; also TRANSIENT if it said)
    provider_id  the far side's id of the accepted message
    delivered, refused, deferred   per recipient, where the channel has several
    """

    result: Result
    answer: str
    reason: str
    retry_after: timedelta | None = None
    provider_id: str = ""
    delivered: Sequence[str] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    deferred: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient we are. An alert that is told late is better than one that is not told."""

    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(minutes=5)
    give_up_after: timedelta = timedelta(days=3)


def backoff(attempt: int, *, base: timedelta, cap: timedelta, jitter: float) -> timedelta:
    """How long to wait after a failed attempt before trying the same delivery again.

    Doubles from `base` up to `cap`, then spreads by 10 % either way, so that deliveries that failed
    together when a gateway went down do not come back together.

    attempt    failed attempts so far, 1 or more; a NotNow outcome is not one of them
    base, cap  0 < base <= cap
    jitter     drawn by the caller from [0, 1): drawing it here would make this impure
    Returns a duration in (0, 1.1 * cap].
    Raises ValueError when attempt < 1: a bug in the caller, never a failed delivery.

    >>> backoff(3, base=timedelta(seconds=10), cap=timedelta(minutes=5), jitter=0.5)
    datetime.timedelta(seconds=40)
    """
    if attempt < 1:
        raise ValueError(f"attempt must be 1 or more, not {attempt}")
    plain = min(base * (1 << min(attempt - 1, 24)), cap)
    return plain * (0.9 + 0.2 * jitter)


def next_step(
    delivery: Delivery, outcome: Outcome, now: datetime, policy: RetryPolicy, *, jitter: float
) -> Delivery:
    """The delivery after an attempt: sent, queued again with a later time, or dead.

    A NotNow costs no attempt. Both it and a transient failure are tried again until all of its news is
    older than `policy.give_up_after` (`part` says what becomes of the older part before). One that
    reached somebody is sent, though others refused it. Recipients that accepted are never asked again.
    """
    is_sent = outcome.result is Result.SENT and not outcome.deferred
    after = replace(
        delivery,
        reached=delivery.reached.union(outcome.delivered),
        refused={**delivery.refused, **outcome.refused},
        last_answer=outcome.answer,
        state=DeliveryState.SENT if is_sent else delivery.state,
        settled_at=now if is_sent else delivery.settled_at,
    )
    if is_sent:
        return after
    if outcome.result is Result.PERMANENT and after.reached:
        return replace(after, state=DeliveryState.SENT, settled_at=now)
    if outcome.result is Result.PERMANENT:
        return replace(after, state=DeliveryState.DEAD, attempts=after.attempts + 1, settled_at=now)
    attempts = after.attempts + (outcome.result is not Result.NOT_NOW)
    if all(_too_old(delivery.notification, alert, now, policy) for alert in delivery.notification.alerts):
        return replace(after, state=DeliveryState.DEAD, attempts=attempts, settled_at=now)
    if outcome.result is Result.NOT_NOW:
        wait = outcome.retry_after or policy.base
        return replace(after, state=DeliveryState.QUEUED, next_attempt_at=now + wait)
    wait = backoff(attempts, base=policy.base, cap=policy.cap, jitter=jitter)
    wait = max(wait, outcome.retry_after or timedelta())
    return replace(after, state=DeliveryState.QUEUED, attempts=attempts, next_attempt_at=now + wait)


def part(delivery: Delivery, now: datetime, policy: RetryPolicy) -> tuple[Delivery, Delivery | None]:
    """What of a delivery that waits is still worth a try, and what of it is given up for its age.

    Newer news that took the place of older has the patience that it would have had alone; the older
    part does not live on with it. The second has the same id: its row needs one of its own.
    """
    said = delivery.notification
    old = [alert for alert in said.alerts if _too_old(said, alert, now, policy)]
    young = [alert for alert in said.alerts if not _too_old(said, alert, now, policy)]
    if not old or not young:
        return delivery, None
    since = min(map(said.decided, young))
    return (
        replace(
            delivery,
            created_at=since,
            notification=replace(said, alerts=tuple(young), first_decided_at=since),
        ),
        replace(
            delivery,
            state=DeliveryState.DEAD,
            settled_at=now,
            notification=replace(said, alerts=tuple(old)),
        ),
    )


def _too_old(said: Notification, alert: NotifiedAlert, now: datetime, policy: RetryPolicy) -> bool:
    return now - said.decided(alert) >= policy.give_up_after


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `limit` sends in any `window`: what the far side allows one sender."""

    limit: int
    window: timedelta


def earliest(pace: Pace | None, sends: Sequence[datetime], now: datetime) -> datetime:
    """When the next send is allowed, given the times of the last ones (oldest first).

    >>> from datetime import UTC
    >>> t = datetime(2026, 1, 1, tzinfo=UTC)
    >>> earliest(Pace(2, timedelta(minutes=1)), [t, t], t) - t
    datetime.timedelta(seconds=60)
    """
    if pace is None or len(sends) < pace.limit:
        return now
    return max(now, sends[-pace.limit] + pace.window)
