"""Explain: what would become of an alert with these labels, and why.

Knows that an answer needs no second set of rules: the alert is taken in and its groups are looked at
as always, on a draft that nobody commits. Must not know how anything is decided (`units/`, `core/`),
nor how the answer is shown (`rows.py`, next).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from hbalert.config.types import Config
from hbalert.core.alert import Alert, report
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.group import Group, join
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.notification import repeats_after
from hbalert.core.route import Route, Step, group_id, group_key, group_labels, match, trace
from hbalert.core.rule import Rule, RuleAlert
from hbalert.core.silence import Silence
from hbalert.engine import destinations, new_id
from hbalert.memory import Draft, Memory
from hbalert.ports import Snapshot
from hbalert.units.flush import Destinations, flush_group
from hbalert.units.intake import accept
from hbalert.units.quiet import Mute, Quiet

ORIGIN = "explain"


class World(Protocol):
    """What an explanation looks at; an `Engine` is one."""

    config: Config
    memory: Memory
    destinations: Destinations
    quiet: Quiet


class Unborn:
    """A configuration that nothing has happened to yet: for explanations without a daemon."""

    def __init__(self, config: Config, now: datetime) -> None:
        self.config = config
        self.memory = Memory(Snapshot(), now)
        self.destinations = destinations(config)
        self.quiet = Quiet(config.inhibit_rules, config.time_intervals)


@dataclass(frozen=True, slots=True)
class Source:
    """A rule that makes such alerts.

    row  its alert with exactly these labels, if it has one now
    """

    rule: Rule
    row: RuleAlert | None


@dataclass(frozen=True, slots=True)
class Told:
    """What one notifier would hear.

    reason      why it would be told, in the words of the notification; "": it would not
    told_at     when it was last told that this alert fires
    given_up    what it was to be told instead, and never was (`with_deaths`)
    repeat_at   from when on the same is said again
    unsent      news of this very alert that has not got through yet
    held_until  it asked us to stay away until then
    """

    notifier: str
    reason: str = ""
    told_at: datetime | None = None
    repeat_at: datetime | None = None
    unsent: Delivery | None = None
    held_until: datetime | None = None
    given_up: Delivery | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a look at one of the alert's groups would come to.

    group     as it would be with the alert in it; `known`: it exists already
    due       when it is looked at
    mutes     who keeps the alert or its whole route quiet at that moment
    quiet_until  when the earliest of the route's time intervals may change that
    disabled  notifiers of the receiver that are switched off
    """

    route: Route
    group: Group
    key: str
    known: bool
    due: datetime
    mutes: tuple[Mute, ...]
    quiet_until: datetime | None
    told: tuple[Told, ...]
    disabled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about an alert with these labels, at one moment.

    fires      since when it fires; None: it does not, and the answer is about what if
    sources    rules whose alerts have its name
    steps      the routes that were asked, in their order
    silences, inhibitors  what the mutes of all outlooks name by id and fingerprint
    """

    labels: Labels
    fingerprint: str
    at: datetime
    fires: datetime | None
    origins: tuple[str, ...]
    sources: tuple[Source, ...]
    steps: tuple[Step, ...]
    outlooks: tuple[Outlook, ...]
    silences: tuple[Silence, ...]
    inhibitors: tuple[Labels, ...]


def explain(world: World, labels: Labels, at: datetime) -> Explanation:
    """What becomes of an alert with these labels that fires at `at`, and why.

    at  now, or later: silences and time intervals are those of then, everything else is as it is now
    """
    alert = world.memory.alerts.get(labels.key)
    fires = alert is not None and not alert.resolved(at)
    draft = Draft(world.memory, at, world.memory.sequence)
    # A claim of ours beside those there are: by the time its group is looked at it still fires.
    started = alert.starts_at if alert is not None and fires else at
    claim = report(
        labels,
        origin=ORIGIN,
        starts_at=started,
        ends_at=None,
        now=at,
        annotations=alert.annotations if alert is not None else {},
    )
    accept(draft, [claim], world.config.route, world.memory)
    outlooks = tuple(_outlook(world, draft, route, claim) for route in match(world.config.route, labels))
    mutes = [mute for outlook in outlooks for mute in outlook.mutes]
    silences = {each for mute in mutes if mute.kind == "silenced" for each in mute.by}
    inhibitors = {each for mute in mutes if mute.kind == "inhibited" for each in mute.by}
    return Explanation(
        labels=labels,
        fingerprint=fingerprint(labels),
        at=at,
        fires=started if fires else None,
        origins=tuple(each.origin for each in alert.claims) if alert is not None and fires else (),
        sources=tuple(_sources(world, labels)),
        steps=tuple(trace(world.config.route, labels)),
        outlooks=outlooks,
        silences=tuple(row for row in world.memory.silences.values() if row.id in silences),
        inhibitors=tuple(
            row.labels
            for row in (world.memory.alerts.values() if inhibitors else ())
            if fingerprint(row.labels) in inhibitors
        ),
    )


def last_told(explanation: Explanation) -> datetime | None:
    """When the first of those who know of the alert was last told; None when nobody knows."""
    times = (told.told_at for outlook in explanation.outlooks for told in outlook.told)
    return min((at for at in times if at is not None), default=None)


def with_deaths(explanation: Explanation, dead: Iterable[Delivery]) -> Explanation:
    """The same, where news that was given up does not count as told.

    dead  deliveries that were given up: history, which no memory holds. The notification log names the
          moment of the decision until the far side has accepted it
    """
    given_up = {(row.group_id, row.notifier, row.notification.decided_at): row for row in dead}

    def true(outlook: Outlook, told: Told) -> Told:
        row = given_up.get((outlook.group.id, told.notifier, told.told_at)) if told.told_at else None
        return told if row is None else replace(told, told_at=None, given_up=row)

    return replace(
        explanation,
        outlooks=tuple(
            replace(outlook, told=tuple(true(outlook, told) for told in outlook.told))
            for outlook in explanation.outlooks
        ),
    )


def _sources(world: World, labels: Labels) -> Iterator[Source]:
    external = world.config.evaluation.external_labels
    inner = Labels({name: value for name, value in labels.items() if external.get(name) != value})
    for group in world.config.groups:
        for rule in group.rules:
            if rule.alert == labels.get("alertname"):
                rows = (world.memory.rule_alerts.get((rule.id, each.key)) for each in (labels, inner))
                yield Source(rule, next((row for row in rows if row is not None), None))


def _outlook(world: World, draft: Draft, route: Route, alert: Alert) -> Outlook:
    labels = alert.labels
    shared = group_labels(route, labels)
    identity = group_id(route, shared)
    group = join(draft.groups.get(identity), identity, route, alert, shared, draft.now)
    due = max(group.next_flush_at, draft.now)
    mutes = world.quiet.of(labels, draft, due)
    whole = world.quiet.of_route(route, due)
    members = world.config.receivers[route.receiver]
    return Outlook(
        route=route,
        group=group,
        key=group_key(route, shared),
        known=world.memory.groups.get(group.id) is not None,
        due=due,
        mutes=(*mutes, whole) if whole else mutes,
        quiet_until=world.quiet.ends(route, due) if whole else None,
        told=tuple(_told(world, draft, route, replace(group, next_flush_at=due), labels)),
        disabled=tuple(name for name in members if not world.config.notifiers[name].enabled),
    )


def _told(world: World, draft: Draft, route: Route, group: Group, labels: Labels) -> Iterator[Told]:
    """Looks at the group at its due time, on a draft over the draft, and reads what was written."""
    look = Draft(draft, group.next_flush_at, draft.sequence)
    look.groups.put(group.id, group)
    flush_group(look, group, world.destinations, world.quiet, iter(new_id, ""))
    said = {
        row.notifier: row.notification.reason.value
        for row in look.deliveries.changed().values()
        if row is not None
        and row.state is DeliveryState.QUEUED
        and any(each.labels == labels for each in row.notification.alerts)
    }
    for name in world.destinations.receivers[route.receiver]:
        entry = draft.entries.get((group.id, name))
        waiting = [
            row
            for row in draft.live_deliveries(group.id, name)
            if any(each.labels == labels for each in row.notification.alerts)
        ]
        known = entry is not None and labels.key in entry.firing and not waiting
        state = draft.notifiers.get(name)
        yield Told(
            name,
            reason=said.get(name, ""),
            told_at=entry.at if entry is not None and known else None,
            repeat_at=repeats_after(entry, route.repeat_intervals) if entry is not None and known else None,
            unsent=waiting[-1] if waiting else None,
            held_until=state.held_until
            if state is not None and state.held_until is not None and state.held_until > look.now
            else None,
        )
