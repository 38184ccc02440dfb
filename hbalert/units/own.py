"""hbalert's own alerts: what it has to say about itself.

A source is silent, a rule fails, slots were missed, a reload was refused, a silence is about to end.

Knows their names, labels and words. They are alerts like any other: routed, grouped, silenced. Must
not know when one is due (`loops/evaluate.py`, `units/endings.py`, `daemon.py`). Which of them fire is
read off the alerts themselves, so that an end is not forgotten over a restart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hbalert.core.alert import Alert, report
from hbalert.core.cap import Over
from hbalert.core.jump import Jump
from hbalert.core.labels import Labels
from hbalert.core.matcher import text
from hbalert.core.rule import Rule
from hbalert.core.silence import SUBJECT, Silence
from hbalert.memory import Draft
from hbalert.units.jump import says
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


@dataclass(frozen=True, slots=True)
class Own:
    """Makes the alerts. external: labels that every alert of ours carries."""

    external: Mapping[str, str]

    def _labels(self, name: str, severity: str, **more: str) -> Labels:
        own = {"alertname": name, "severity": severity, "hbalert": "true", **more}
        return Labels({**self.external, **own})

    def unreachable(self, source: str) -> Labels:
        """One per source, not one per rule."""
        return self._labels(UNREACHABLE, "critical", source=source)

    def failing(self, rule: Rule) -> Labels:
        return self._labels(FAILING, "warning", rule=rule.id, source=rule.source)

    def missed(self, group: str) -> Labels:
        return self._labels(MISSED, "warning", group=group)

    def stepped(self, jump: Jump) -> Labels:
        """One each way: a clock that comes back is news as well."""
        return self._labels(STEPPED, "warning", way="forward" if jump.by > timedelta() else "back")

    def ending(self, silence: Silence) -> Labels:
        """One per silence; a route on `author` brings it to whoever made it."""
        about = {"author": silence.created_by, SUBJECT: silence.id}
        return self._labels(ENDING, "info", **about)

    def refused(self, part: str) -> Labels:
        """part: "configuration" or "certificate"."""
        return self._labels(REFUSED, "warning", part=part)

    def too_many(self, why: Over, now: datetime) -> Alert:
        """Fires while senders are refused alerts; one for each limit that is reached."""
        more = {} if why.name is None else {"of": why.name}
        of = "" if why.name is None else f" of {why.name}"
        return report(
            self._labels(TOO_MANY, "warning", limit=why.key, **more),
            origin=ORIGIN,
            starts_at=now,
            ends_at=now + TOO_MANY_FOR,
            now=now,
            timed=True,
            annotations={
                "summary": f"New alerts{of} are refused: there are {why.limit} already ({why.key})",
                "description": (
                    "What is known goes on, and ends are taken. A label that takes a new value each time "
                    "is the usual reason: find its sender, or raise the limit."
                ),
            },
        )


def source_is_silent(labels: Labels, error: str, since: datetime, now: datetime) -> Alert:
    """Fires until the source answers."""
    source = labels["source"]
    return report(
        labels,
        origin=ORIGIN,
        starts_at=since,
        ends_at=None,
        now=now,
        annotations={
            "summary": f"Source {source} does not answer: none of its rules is evaluated, what fires is held",
            "description": error,
        },
    )


def rule_fails(labels: Labels, rule: Rule, error: str, since: datetime, now: datetime) -> Alert:
    """Fires until the rule can be evaluated, and within its limit."""
    where = f" ({rule.file}:{rule.line})" if rule.file else ""
    return report(
        labels,
        origin=ORIGIN,
        starts_at=since,
        ends_at=None,
        now=now,
        annotations={
            "summary": f"Rule {rule.id}{where} does not watch as it should; its alerts are held",
            "description": error,
        },
    )


def slots_were_missed(labels: Labels, slots: int, interval: timedelta, why: str, now: datetime) -> Alert:
    """Fires for a while: what was missed is not caught up."""
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=now + max(MISSED_FOR, 4 * interval),
        now=now,
        timed=True,
        annotations={
            "summary": f"{slots} evaluations of rule group {labels['group']} were skipped",
            "description": why,
        },
    )


def clock_stepped(labels: Labels, jump: Jump, now: datetime) -> Alert:
    """Fires for a while: what follows has been done already, but somebody should look at the machine."""
    said = says(jump)
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=now + STEPPED_FOR,
        now=now,
        timed=True,
        annotations={
            "summary": said[0].upper() + said[1:],
            "description": (
                "Waits go on as if it had not been set. Silences and time intervals go by the clock; a "
                "silence lasts no longer than it had left. Rules ask their sources for the time that "
                "this clock shows. See that the machine's time is kept by NTP."
            ),
        },
    )


def silence_ends(labels: Labels, silence: Silence, covered: Sequence[Labels], now: datetime) -> Alert:
    """Fires until the silence has ended, was extended, or has nothing left to silence.

    covered  what fires and will be told at its end
    """
    ends = silence.ends_at.astimezone(UTC)
    shown = ", ".join(map(str, covered[:MOST_NAMED]))
    more = f" and {len(covered) - MOST_NAMED} more" if len(covered) > MOST_NAMED else ""
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=None,
        now=now,
        annotations={
            "summary": f"The silence of {text(silence.matchers)} ends at {ends:%Y-%m-%d %H:%M} UTC, "
            "and what it matches still fires",
            "description": f"{shown}{more} will be told then. Its reason was: {silence.comment or '-'}. "
            f"To extend it: hbalert silence update {silence.id} --for 2h",
        },
    )


def reload_is_refused(labels: Labels, mistakes: Sequence[str], now: datetime) -> Alert:
    """Fires until what is on disk is taken.

    mistakes  as findings show them; they hold no secrets
    """
    more = len(mistakes) - MOST_NAMED
    shown = [*mistakes[:MOST_NAMED], *([f"and {more} more: hbalert check"] if more > 0 else [])]
    return report(
        labels,
        origin=ORIGIN,
        starts_at=now,
        ends_at=None,
        now=now,
        annotations={
            "summary": f"The {labels['part']} on disk is refused: hbalert runs on with the one before",
            "description": "\n".join(shown),
        },
    )


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
