"""The verdict on a score that was played in one life or several: what must hold, whatever the point.

Knows the journal, the store's last state and what a score says must be heard. Must not know how hbalert
comes to its decisions. Each violation is a sentence.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hbalert.core.delivery import Delivery
from hbalert.core.notification import Reason
from hbalert.core.rule import RuleAlertState
from hbalert.core.trouble import OURS, SOURCE
from hbalert.memory import Memory
from hbalert.ports import Snapshot
from tests.chaos.outside import Line, name_of
from tests.chaos.scores import OWN, Score
from tests.core.say import labels

if TYPE_CHECKING:
    from tests.chaos.life import Life

REASONS = frozenset({"dropped", "silenced", "inhibited", "muted", "dead", "inactive"})
"""Kinds of timeline lines that say why nobody was told."""


@dataclass
class Verdict:
    """What must not be, and the points that explain what was told twice."""

    violations: list[str] = field(default_factory=list)
    explained: list[str] = field(default_factory=list)


async def judge(life: Life, folder: Path, *, in_time: bool) -> Verdict:
    """Called at the end of the last life, with its store still open.

    in_time  the lives followed each other closely, so that the score's exact news must come out
    """
    verdict = Verdict()
    lines = life.journal.lines()
    said: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line["kind"] == "heard" and line["notifier"] != "keeper":
            said[line["notifier"]].append(line)
    verdict.violations += [line["says"] for line in lines if line["kind"] == "wrong"]
    verdict.violations += [f"repaired: {repair}" for repair in life.store.repairs]
    verdict.violations += differ(life.engine.memory, await life.store.load(), life.clock.now())
    verdict.violations += _nothing_is_left(life)
    verdict.violations += _news(life.score, said, in_time)
    verdict.violations += await _reasons(life, said, in_time)
    verdict.violations += _in_its_time(life.score, lines, in_time)
    _once(life.score, lines, folder, verdict)
    return verdict


def _heard(messages: list[Line], alert: str) -> str:
    """What a notifier was told of an alert, the same again left out: "FR"."""
    told = ""
    for line in messages:
        for name, status, _ in line["alerts"]:
            if name == alert and not told.endswith(status):
                told += status
    return told


def _news(score: Score, said: dict[str, list[Line]], in_time: bool) -> Iterator[str]:
    """Everybody hears what the score says; in any case the end of whatever they were told of."""
    wants_ends = score.notifiers()
    for notifier, alerts in score.hears.items():
        for alert, wanted in alerts.items():
            told = _heard(said[notifier], alert)
            if in_time and told not in wanted.split("|"):
                yield f"{notifier} was told {told or 'nothing'} of {alert}, not {wanted}"
            last = score.configs[-1].notifiers.get(notifier)
            enabled = last is not None and last.enabled
            if told.endswith("F") and wants_ends[notifier] and enabled and "F" not in wanted.split("|"):
                yield f"{notifier} was told that {alert} fires and never that it ended"
    for notifier, messages in said.items():
        for line in messages:
            for name, _, _ in line["alerts"]:
                if name not in score.hears.get(notifier, {}):
                    yield f"{notifier} was told of {name}, which is none of its business"


async def _reasons(life: Life, said: dict[str, list[Line]], in_time: bool) -> list[str]:
    """Whoever was not told: the timeline says why.

    A notifier that came and went by edits while nobody was there had nothing to hear of; nor had a
    fallback.
    """
    found = []
    accepted = {name for line in life.journal.lines("did") if line["what"] == "fires" for name in line["who"]}
    notes = await life.store.notes(limit=0)
    for notifier, alerts in life.score.hears.items():
        for alert in alerts.keys() & accepted:
            stayed = all(notifier in config.receivers["team"] for config in life.score.configs)
            if _heard(said[notifier], alert) or not (in_time or stayed):
                continue
            key = _key(life.score, alert)
            kinds = {note.kind for note in notes if note.alert_key == key}
            if not kinds & REASONS:
                found.append(f"{notifier} was told nothing of {alert}, for no reason: {sorted(kinds)}")
    return found


def _key(score: Score, alert: str) -> bytes:
    return labels(score.alerts[alert]).key


def _in_its_time(score: Score, lines: list[Line], in_time: bool) -> Iterator[str]:
    """Nothing before its `for` or its silence has passed; and `for` is not begun anew by a restart."""
    first: dict[str, float] = {}
    for line in lines:
        for name, status, _ in line.get("alerts", ()):
            if status == "F":
                first.setdefault(name, line["at"])
    for name, (earliest, latest) in score.fires_from.items():
        at = first.get(name)
        if at is not None and at < earliest:
            yield f"{name} was told at {at:g} s, before {earliest:g} s"
        if in_time and (at is None or at > latest):
            yield f"{name} was told at {at} s, after {latest:g} s"
    for name, earliest in score.not_before.items():
        if first.get(name, earliest) < earliest:
            yield f"{name} was told at {first[name]:g} s and had to be kept quiet until {earliest:g} s"


def _once(score: Score, lines: list[Line], folder: Path, verdict: Verdict) -> None:
    """Nothing is told twice but what a death between acceptance and settlement explains."""
    wants_ends = score.notifiers()
    accepted: dict[tuple[str, str], int] = {}
    believed: dict[tuple[str, str, str], list[str]] = {}
    last_told: dict[tuple[str, str, str], float] = {}
    deaths = [(number, line) for number, line in enumerate(lines) if line["kind"] == "died"]
    for number, line in enumerate(lines):
        if line["kind"] != "heard" or line["notifier"] == "keeper":
            continue
        notifier, delivery = line["notifier"], line["delivery"]
        for who in line["recipients"] or [""]:
            before = accepted.get((delivery, who))
            accepted[delivery, who] = number
            # One that fired again and ended before anybody could be told of it is news as well.
            news = [each for each in line["alerts"] if believed.get((notifier, who, each[0])) != each[1:]]
            believed.update(((notifier, who, name), more) for name, *more in line["alerts"])
            since = line["at"] - last_told.get((notifier, who, line["group"]), -1e9)
            last_told[notifier, who, line["group"]] = line["at"]
            told = f"{notifier} {who}".strip() + f" was told {line['alerts']} again after {since:g} s"
            if before is not None:
                between = [
                    died["point"]
                    for place, (at, died) in enumerate(deaths, 1)
                    if before < at < number and _was_unsettled(folder / f"death-{place}", delivery)
                ]
                if between:
                    verdict.explained.append(between[0])
                else:
                    verdict.violations.append(f"{told}, the same delivery, unexplained")
            elif not news and wants_ends[notifier] and notifier not in score.asked_again:
                if line["reason"] == Reason.REPEAT.value and since >= score.repeat - 1:
                    continue
                verdict.violations.append(f"{told}, {line['reason']}")


def _was_unsettled(files: Path, delivery: str) -> bool:
    """Whether a dead process left this delivery marked as being sent."""
    with closing(sqlite3.connect(files / "hbalert.db")) as store:
        found = store.execute("SELECT state FROM delivery WHERE id = ?", (delivery,)).fetchone()
    return bool(found == ("sending",))


def differ(memory: Memory, snapshot: Snapshot, now: datetime) -> Iterator[str]:
    """Where memory is not what a new start would load, refreshes apart: those are not stored."""
    stored = Memory(snapshot, now)
    for name in ("alerts", "rule_alerts", "groups", "entries", "deliveries", "silences", "notifiers"):
        here, there = dict(getattr(memory, name).items()), dict(getattr(stored, name).items())
        if name == "rule_alerts":
            here, there = (
                {key: replace(row, value=0) for key, row in rows.items()} for rows in (here, there)
            )
        refreshed = memory.unwritten if name == "alerts" else set()
        for key in here.keys() | there.keys():
            if here.get(key) != there.get(key) and key not in refreshed:
                yield f"{name} {key!r}: {here.get(key)} in memory, {there.get(key)} in the store"


def _nothing_is_left(life: Life) -> Iterator[str]:
    """All has ended and has been told: no alert, group, log entry or live delivery remains, but those
    about hbalert itself, which live on for a while."""
    memory = life.engine.memory
    own = {key for key, alert in memory.alerts.items() if alert.labels.get(SOURCE) == OURS}
    left: dict[str, list[object]] = {
        "alerts": [alert for key, alert in memory.alerts.items() if key not in own],
        "members": [member for member, _ in memory.members.items() if member[1] not in own],
        "groups": [group for group in memory.groups.values() if group.route_id != OWN.id],
        "entries": [entry for entry in memory.entries.values() if entry.notifier != "keeper"],
        "deliveries": list(memory.deliveries.values()),
    }
    for name, rows in left.items():
        if rows:
            yield f"{len(rows)} {name} are left: {rows[:1]}"


def agree(snapshot: Snapshot, history: Iterable[Delivery], wants_ends: Mapping[str, bool]) -> Iterator[str]:
    """What must hold between the rows of a store at any moment at which a process may end.

    history  every delivery there is
    """
    alerts = {alert.labels.key for alert in snapshot.alerts}
    groups = {group.id for group in snapshot.groups}
    waiting: dict[tuple[str, str], list[str]] = defaultdict(list)
    told = {(entry.notifier, key) for entry in snapshot.entries for key in entry.firing}
    for row in snapshot.deliveries:
        waiting[row.group_id, row.notifier].append(row.state.value)
        for shown in row.notification.firing:
            key = shown.labels.key
            # Who wants no ends is forgotten with the end, though late news of it may still wait.
            if key in alerts and (row.notifier, key) not in told and wants_ends.get(row.notifier, True):
                yield f"{row.notifier} is to be told of {name_of(shown.labels)} and no log entry knows"
    for (group_id, notifier), states in waiting.items():
        if states.count("sending") > 1 or states.count("queued") > 1:
            yield f"{notifier} has {states} under way for {group_id}"
    spoken = {(row.notifier, shown.labels.key) for row in history for shown in row.notification.alerts}
    for entry in snapshot.entries:
        if entry.group_id not in groups:
            yield f"a log entry of {entry.notifier} speaks of {entry.group_id}, which is no group"
        for key in entry.firing:
            if (entry.notifier, key) not in spoken:
                yield f"{entry.notifier} counts as told of {key!r} and no delivery ever said it"
    for active in snapshot.rule_alerts:
        if active.state is RuleAlertState.FIRING and active.labels.key not in alerts:
            yield f"the rule {active.rule_id} fires and no alert stands for it"
