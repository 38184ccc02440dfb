"""hbalert's own alerts: what it has to say about itself.

A source is silent, a rule fails, slots were missed, a reload was refused, a silence is about to end.

Knows their names, labels and facts. They are alerts like any other: routed, grouped, silenced. Must
not know their words (`own_texts.py`) nor when one is due (`loops/evaluate.py`, `units/endings.py`,
`daemon.py`). Which of them fire is read off the alerts themselves, so that an end is not forgotten over a
restart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hbalert.core.alert import Alert, report
from hbalert.core.cap import Over
from hbalert.core.jump import Jump
from hbalert.core.labels import Labels
from hbalert.core.matcher import text
from hbalert.core.rule import Rule
from hbalert.core.silence import SUBJECT, Silence
from hbalert.core.trouble import OURS, SOURCE, rfc3339
from hbalert.memory import Draft
from hbalert.units.jump import spell
from hbalert.units.own_texts import texts
from hbalert.units.rules import end

ORIGIN = "hbalert"
UNREACHABLE = "HbalertSourceUnreachable"
FAILING = "HbalertRuleFailing"
MISSED = "HbalertEvaluationMissed"
STEPPED = "HbalertClockStepped"
ENDING = "HbalertSilenceEnding"
REFUSED = "HbalertReloadFailed"
TOO_MANY = "HbalertTooManyAlerts"

MISSED_FOR = timedelta(minutes=15)
"""So long the alert fires after the last missed slot."""

STEPPED_FOR = timedelta(minutes=15)
"""So long the alert fires after a step of the clock."""

TOO_MANY_FOR = timedelta(minutes=15)
"""So long the alert fires after the last alert that was kept out."""


MOST_NAMED = 5
"""Alerts or mistakes that are named where there may be any number."""


def labels_of(external: Mapping[str, str], name: str, severity: str, more: Mapping[str, str]) -> Labels:
    """Labels of one of these alerts.

    external  labels that every alert of ours carries
    """
    return Labels({**external, "alertname": name, "severity": severity, **more, SOURCE: OURS})


@dataclass(frozen=True, slots=True)
class Own:
    """Makes their labels. external: labels that every alert of ours carries."""

    external: Mapping[str, str]

    def _labels(self, name: str, severity: str, **more: str) -> Labels:
        return labels_of(self.external, name, severity, more)

    def unreachable(self, source: str) -> Labels:
        """One per source, not one per rule."""
        return self._labels(UNREACHABLE, "critical", data_source=source)

    def failing(self, rule: Rule) -> Labels:
        return self._labels(FAILING, "warning", rule=rule.id, data_source=rule.source)

    def missed(self, group: str) -> Labels:
        return self._labels(MISSED, "warning", group=group)

    def stepped(self, jump: Jump) -> Labels:
        """One each way: a clock that comes back is news as well."""
        return self._labels(STEPPED, "warning", way=_way(jump))

    def ending(self, silence: Silence) -> Labels:
        """One per silence; a route on `author` brings it to whoever made it."""
        about = {"author": silence.created_by, SUBJECT: silence.id}
        return self._labels(ENDING, "info", **about)

    def refused(self, part: str) -> Labels:
        """part: "configuration" or "certificate"."""
        return self._labels(REFUSED, "warning", part=part)

    def too_many(self, why: Over, now: datetime) -> Alert:
        """Fires while senders are refused alerts; one for each limit that is reached."""
        of = {} if why.name is None else {"of": why.name}
        return report(
            self._labels(TOO_MANY, "warning", limit=why.key, **of),
            origin=ORIGIN,
            starts_at=now,
            ends_at=now + TOO_MANY_FOR,
            now=now,
            timed=True,
            annotations=texts(
                TOO_MANY, {"number": str(why.limit), "limit": why.key, **of}, "of" if of else ""
            ),
        )


def source_is_silent(labels: Labels, error: str, since: datetime, now: datetime) -> Alert:
    """Fires until the source answers."""
    return report(
        labels,
        origin=ORIGIN,
        starts_at=since,
        ends_at=None,
        now=now,
        annotations=texts(UNREACHABLE, {"data_source": labels["data_source"], "error": error}),
    )


def rule_fails(labels: Labels, rule: Rule, error: str, since: datetime, now: datetime) -> Alert:
    """Fires until the rule can be evaluated, and within its limit."""
    where = f"{rule.id} ({rule.file}:{rule.line})" if rule.file else rule.id
    return report(
        labels,
        origin=ORIGIN,
        starts_at=since,
        ends_at=None,
        now=now,
        annotations=texts(FAILING, {"rule": where, "error": error}),
    )


def slots_were_missed(labels: Labels, slots: int, interval: timedelta, why: str, now: datetime) -> Alert:
    """Fires for a while: what was missed is not caught up.

    why  "busy": the one before was still running; "slept": the machine slept or was busy
    """
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=now + max(MISSED_FOR, 4 * interval),
        now=now,
        timed=True,
        annotations=texts(MISSED, {"group": labels["group"], "slots": str(slots)}, why),
    )


def clock_stepped(labels: Labels, jump: Jump, now: datetime) -> Alert:
    """Fires for a while: what follows has been done already, but somebody should look at the machine."""
    facts = {
        "length": spell(abs(jump.by)),
        "expected": rfc3339(jump.expected),
        "now": rfc3339(jump.now),
    }
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=now + STEPPED_FOR,
        now=now,
        timed=True,
        annotations=texts(STEPPED, facts, _way(jump)),
    )


def _way(jump: Jump) -> str:
    return "forward" if jump.by > timedelta() else "back"


def silence_ends(labels: Labels, silence: Silence, covered: Sequence[Labels], now: datetime) -> Alert:
    """Fires until the silence has ended, was extended, or has nothing left to silence.

    covered  what fires and will be told at its end
    """
    facts = {
        "matchers": text(silence.matchers),
        "ends": rfc3339(silence.ends_at),
        "alerts": ", ".join(_few(list(map(str, covered)))),
        "comment": silence.comment or "-",
        "silence": silence.id,
    }
    return report(
        labels, origin=ORIGIN, starts_at=now, ends_at=None, now=now, annotations=texts(ENDING, facts)
    )


def reload_is_refused(labels: Labels, mistakes: Sequence[str], now: datetime) -> Alert:
    """Fires until what is on disk is taken.

    mistakes  as findings show them; they hold no secrets
    """
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=None,
        now=now,
        annotations=texts(REFUSED, {"mistakes": "\n".join(_few(mistakes))}, labels["part"]),
    )


def _few(lines: Sequence[str]) -> list[str]:
    """The first few, and how many more there are."""
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], *([f"... (+{more})"] if more > 0 else [])]


def accepted(draft: Draft, part: str) -> list[Alert]:
    """The ends of what fires because this part was refused, under whatever external labels."""
    found = []
    for _, alert in list(draft.alerts.items()):
        if alert.labels.get("alertname") == REFUSED and alert.labels.get("part") == part:
            found += over(draft, alert.labels)
    return found


def over(draft: Draft, labels: Labels) -> list[Alert]:
    """The end of one of these alerts, if it fires."""
    alert = draft.alerts.get(labels.key)
    claims = alert.claims if alert is not None else ()
    return [
        end(alert, claim, draft.now)
        for claim in claims
        if alert is not None and claim.origin == ORIGIN and not claim.resolved(draft.now)
    ]


def end_stale(draft: Draft, wanted: Collection[bytes]) -> list[Alert]:
    """Ends of those about sources and rules that are not configured any more.

    wanted  label keys of those that may fire
    """
    found = []
    for key, alert in list(draft.alerts.items()):
        if key not in wanted and alert.labels.get("alertname") in (UNREACHABLE, FAILING):
            found += over(draft, alert.labels)
    return found
