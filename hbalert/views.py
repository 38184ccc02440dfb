"""Read models: what a person or a program is shown of the live state.

Knows how alerts, groups, silences and the outbox look from outside: which state an alert is in, who
mutes it, whom it reaches. Must not know HTTP, JSON or HTML; the API and the metrics read the same
views. Next: `book.py`, which keeps those of alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hbalert.core.alert import Alert
from hbalert.core.delivery import Delivery
from hbalert.core.group import Group
from hbalert.core.labels import Labels
from hbalert.core.route import Route
from hbalert.core.rule import RuleAlertState
from hbalert.core.silence import Silence, SilenceState, state
from hbalert.core.trouble import NOTIFIER_FAILING, OURS, SOURCE, rfc3339
from hbalert.core.value import value
from hbalert.engine import Engine
from hbalert.health import RuleHealth
from hbalert.metrics import Live
from hbalert.units.own import UNREACHABLE


@value(frozen=True, slots=True)
class AlertView:
    """A firing alert as it is shown.

    ends_at       of the alert, worked out once; None: no end in sight
    receivers     the names its routes point to, in the order of the tree
    silenced_by   ids of silences
    inhibited_by  fingerprints of the alerts that inhibit it
    edition       a number that no other view has, of this alert or another
    alike         the edition since which nothing else has changed than annotations, end, time of the report
    """

    alert: Alert
    labels: Labels
    fingerprint: str
    ends_at: datetime | None
    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    edition: int
    alike: int

    @property
    def state(self) -> str:
        """ "suppressed" while somebody mutes it, else "active" ("unprocessed" does not occur)."""
        return "suppressed" if self.silenced_by or self.inhibited_by else "active"


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with those of its alerts that are shown, in the order of messages."""

    group: Group
    route: Route
    alerts: tuple[AlertView, ...]
    muted_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SilenceView:
    silence: Silence
    state: SilenceState


@dataclass(frozen=True, slots=True)
class SourceView:
    """Whether a source answers.

    since  since when it is as it is; None: it was not asked yet
    error  its last words when it does not answer
    """

    name: str
    up: bool
    since: datetime | None = None
    error: str = ""

    def moved(self, to: Callable[[datetime], datetime]) -> SourceView:
        """The same on a clock that was set."""
        return replace(self, since=to(self.since) if self.since else None)


Sources = Callable[[], Sequence[SourceView]]


def silences(rows: Iterable[Silence], now: datetime) -> list[SilenceView]:
    """Silences as Alertmanager lists them: active (soonest end first), pending (soonest start first),
    expired (latest end first)."""
    views = [SilenceView(row, state(row, now)) for row in rows]
    return sorted(views, key=_silence_order)


_SILENCE_ORDER = {SilenceState.ACTIVE: 0, SilenceState.PENDING: 1, SilenceState.EXPIRED: 2}


def _silence_order(view: SilenceView) -> tuple[int, float, str]:
    row = view.silence
    match view.state:
        case SilenceState.ACTIVE:
            when = row.ends_at.timestamp()
        case SilenceState.PENDING:
            when = row.starts_at.timestamp()
        case _:
            when = -row.ends_at.timestamp()
    return (_SILENCE_ORDER[view.state], when, row.id)


def queue(rows: Iterable[Delivery]) -> list[Delivery]:
    """What has not got out, the oldest news first."""
    return sorted((row for row in rows if row.is_live), key=lambda row: (row.created_at, row.sequence))


def unhealthy(engine: Engine, sources: Sequence[SourceView], now: datetime) -> list[str]:
    """What is wrong with this daemon, one sentence each; empty when it does its work."""
    found = [
        f"source {source.name} does not answer: "
        f"{source.error.removeprefix(f'source {source.name} ') or 'no reason given'}"
        for source in sources
        if not source.up and source.since is not None
    ]
    for notifier, rows in _by_notifier(engine.memory.deliveries.values()).items():
        failing = [row for row in rows if row.attempts > 0]
        if failing:
            oldest = min(failing, key=lambda row: row.created_at)
            found.append(
                f"notifier {notifier} fails: {len(failing)} waiting, the oldest since "
                f"{rfc3339(oldest.created_at)}: {oldest.last_answer or 'no answer'}"
            )
    return found + [
        alert.annotations.get("summary", "")
        for alert in engine.memory.alerts.values()
        if alert.labels.get(SOURCE) == OURS
        and alert.labels.get("severity") != "info"
        and alert.labels.get("alertname") not in (UNREACHABLE, NOTIFIER_FAILING)  # said above, sooner
        and not alert.resolved(now)
    ]


def _by_notifier(rows: Iterable[Delivery]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for row in rows:
        if row.is_live:
            found.setdefault(row.notifier, []).append(row)
    return found


def live(
    engine: Engine,
    alerts: Iterable[AlertView],
    sources: Sequence[SourceView],
    health: Mapping[str, RuleHealth],
    now: datetime,
) -> Live:
    """What a scrape of the metrics reads off the live state.

    alerts  the views of all there are
    health  of each rule, by its id
    """
    states = {"active": 0, "suppressed": 0, "unprocessed": 0}
    for view in alerts:
        states[view.state] += 1
    by_state = {each.value: 0 for each in SilenceState}
    for silence in engine.memory.silences.values():
        by_state[state(silence, now).value] += 1
    pending = firing = 0
    for row in engine.memory.rule_alerts.values():
        pending += row.state is RuleAlertState.PENDING
        firing += row.state is RuleAlertState.FIRING
    waiting = _by_notifier(engine.memory.deliveries.values())
    config = engine.config
    enabled = [name for name, notifier in config.notifiers.items() if notifier.enabled]
    queues = {}
    for name in enabled:
        rows = waiting.get(name, [])
        oldest = min((row.created_at for row in rows), default=now)
        queues[name] = (len(rows), max(0.0, (now - oldest).total_seconds()))
    return Live(
        alerts=states,
        rule_alerts={"pending": pending, "firing": firing},
        silences=by_state,
        queue=queues,
        sources={source.name: source.up for source in sources},
        groups=len(engine.memory.groups),
        rules=sum(len(group.rules) for group in config.groups),
        rule_groups=len(config.groups),
        group_rules={group.name: len(group.rules) for group in config.groups},
        group_interval={group.name: group.interval.total_seconds() for group in config.groups},
        group_samples={
            group.name: sum(health[rule.id].samples for rule in group.rules if rule.id in health)
            for group in config.groups
        },
        receivers=len(config.receivers),
        notifiers=len(enabled),
        inhibition_rules=len(config.inhibit_rules),
        config_hash=config.hash,
        shown=_shown(engine),
    )


def _shown(engine: Engine) -> Iterator[dict[str, str]]:
    """Prometheus' ALERTS series of our rules."""
    for row in engine.memory.rule_alerts.values():
        if row.state is not RuleAlertState.RESOLVED:
            yield {**row.labels.as_dict(), "alertstate": row.state.value}
