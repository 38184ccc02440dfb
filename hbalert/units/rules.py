"""Evaluations become rows, reports and lines of the timeline, in one unit of work.

Knows which rows an evaluation touches, and which alerts outside stand for them. Must not know how a
state follows (`core/evaluation.py`) or how reports merge (`intake.py`, next).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote_plus, urlsplit, urlunsplit

from hbalert.config.duration import format_duration
from hbalert.core.alert import Alert, Claim, report
from hbalert.core.evaluation import Evaluation, Transition
from hbalert.core.labels import Labels
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState
from hbalert.core.trouble import rfc3339
from hbalert.memory import Draft

ORIGIN = "rule:"

FLAPPING = "flapping"
"""Annotation of an alert that is held as firing because it starts and ends too often."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How a rule's alerts look from outside.

    external  labels that every alert of ours carries, unless it has its own of that name
    link      where a person can look at the expression
    """

    rule: Rule
    external: Mapping[str, str]
    link: str = ""

    @property
    def origin(self) -> str:
        return ORIGIN + self.rule.id

    def labels(self, of: Labels) -> Labels:
        """The identity under which routes and people know an alert of the rule."""
        return Labels({**self.external, **of.as_dict()}) if self.external else of

    def report(
        self, row: RuleAlert, *, starts_at: datetime, ends_at: datetime | None, now: datetime
    ) -> Alert:
        flapping = row.flaps.since is not None
        return report(
            self.labels(row.labels),
            origin=self.origin,
            starts_at=starts_at,
            ends_at=ends_at,
            now=now,
            annotations={**row.annotations, **self._said_of_flapping} if flapping else row.annotations,
            generator_url=self.link,
            flapping=flapping,
        )

    @property
    def held(self) -> str:
        """What is said of an alert that flaps."""
        return self._said_of_flapping[FLAPPING]

    @property
    def _said_of_flapping(self) -> dict[str, str]:
        """The same as annotations, by language."""
        limits = self.rule.flapping
        window, calm = format_duration(limits.window), format_duration(limits.calm_after)
        return {
            FLAPPING: f"fired {limits.starts} times within {window}; "
            f"held as firing until nothing has changed for {calm}",
            f"{FLAPPING}_zh": f"{window} 内触发了 {limits.starts} 次；在 {calm} 内不再变化之前视为持续告警",
        }


def link(source_url: str, expr: str) -> str:
    """The page of a source that shows an expression. Credentials in its address are left out."""
    try:
        parts = urlsplit(source_url)
    except ValueError:
        return ""
    query = f"g0.expr={quote_plus(expr)}&g0.tab=1"
    path = parts.path.rstrip("/") + "/graph"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, query, ""))


def settle(draft: Draft, outlook: Outlook, outcome: Evaluation, slot: datetime) -> list[Alert]:
    """Writes what an evaluation changed; returns what intake has to hear of."""
    rule_id = outlook.rule.id
    reports = []
    for change in outcome.transitions:
        before = draft.rule_alerts.get((rule_id, change.alert.labels.key))
        reports += _report(outlook, before, change, slot, draft.now)
        kind, says = _line(outlook.rule, change)
        draft.note(kind, f"rule {rule_id}: {says}", alert_key=outlook.labels(change.alert.labels).key)
        if change.after is RuleAlertState.FIRING and change.alert.flaps.since is not None:
            key = outlook.labels(change.alert.labels).key
            draft.note("flapping", f"rule {rule_id}: {outlook.held}", alert_key=key)
    changed = {change.alert.labels.key for change in outcome.transitions}
    for row in (*outcome.written, *outcome.refreshed):
        before = draft.rule_alerts.get((rule_id, row.labels.key))
        again = row.state is RuleAlertState.FIRING and row.labels.key not in changed
        if not again or not row.fired_at or before is None:
            continue
        calm = before.flaps.since is not None and row.flaps.since is None
        if calm or before.annotations != row.annotations:
            reports.append(outlook.report(row, starts_at=row.fired_at, ends_at=None, now=draft.now))
        if calm:
            says = f"rule {rule_id}: has calmed down, and fires on"
            draft.note("flapping", says, alert_key=outlook.labels(row.labels).key)
    for row in outcome.written:
        draft.put_rule_alert(row)
    for row in outcome.refreshed:
        draft.put_rule_alert(row, refresh=True)
    for key in outcome.removed:
        gone = draft.rule_alerts.get((rule_id, key))
        if gone is not None:
            draft.drop_rule_alert(gone)
    return reports


def _report(
    outlook: Outlook, before: RuleAlert | None, change: Transition, slot: datetime, now: datetime
) -> list[Alert]:
    row = change.alert
    if change.after is RuleAlertState.FIRING:
        return [outlook.report(row, starts_at=row.fired_at or slot, ends_at=None, now=now)]
    if before is not None and before.fired_at is not None:
        # Over, or back to pending under a longer `for`: either way it does not fire any more.
        return [outlook.report(row, starts_at=before.fired_at, ends_at=slot, now=now)]
    return []


def _line(rule: Rule, change: Transition) -> tuple[str, str]:
    """(kind, text) for the timeline; that an alert fires or has resolved is said by intake as well."""
    row = change.alert
    since, hold = rfc3339(row.active_at), format_duration(rule.hold)
    match change.after:
        case RuleAlertState.PENDING if change.before is RuleAlertState.FIRING:
            return "pending", f"`for` is longer now ({hold}): true since {since}, pending again"
        case RuleAlertState.PENDING:
            return "pending", f"true since {since}, value {row.value:g}; fires after {hold}"
        case RuleAlertState.FIRING:
            return "evaluated", f"true since {since}, value {row.value:g}"
        case RuleAlertState.RESOLVED:
            return "evaluated", f"not true any more; the last value was {row.value:g}"
        case _:
            return "inactive", "not true any more before `for` had passed; nobody is told"


def reconcile(draft: Draft, outlooks: Mapping[str, Outlook]) -> list[Alert]:
    """Makes alerts agree with the rules there are: at the start, and after each reload.

    outlooks  by rule id: what is configured now
    Returns the reports that are missing: of alerts whose rule is gone, with that reason; of alerts
    whose labels outside have changed; and of what fires and nobody was told of (a crash between two
    versions of the configuration).
    """
    moved = _rehome(draft, outlooks)
    expected: dict[tuple[str, bytes], tuple[Outlook, RuleAlert]] = {}
    for row in list(draft.rule_alerts.values()):
        outlook = outlooks.get(row.rule_id)
        if outlook is None:
            draft.drop_rule_alert(row)
        elif row.state is RuleAlertState.FIRING:
            expected[outlook.origin, outlook.labels(row.labels).key] = outlook, row
    ends = []
    for key, alert in list(draft.alerts.items()):
        for claim in alert.claims:
            if not claim.origin.startswith(ORIGIN) or claim.resolved(draft.now):
                continue
            if expected.pop((claim.origin, key), None) is not None:
                continue
            rule_id = claim.origin.removeprefix(ORIGIN)
            if (new_id := moved.get((rule_id, key))) is not None:
                draft.note("moved", f"the rule {rule_id} is now {new_id}", alert_key=key)
                ends.append(end(alert, claim, draft.now))
                continue
            why = (
                "fires with other labels or not at all" if rule_id in outlooks else "is no longer configured"
            )
            draft.note("resolved", f"the rule {rule_id} {why}", alert_key=key)
            ends.append(end(alert, claim, draft.now))
    # What fires comes first: an alert that has only changed its rule must not seem to end in between.
    fires = [
        outlook.report(row, starts_at=row.fired_at, ends_at=None, now=draft.now)
        for outlook, row in expected.values()
        if row.fired_at is not None
    ]
    return [*fires, *ends]


def _rehome(draft: Draft, outlooks: Mapping[str, Outlook]) -> dict[tuple[str, bytes], str]:
    """Rows go to the rule that they belong to, when rules of one name have changed places in their group.

    Rules of one name are told apart by their place, and most often differ in a label (severity). A row that
    does not carry the labels of the rule in its place, but those of exactly one other, is that one's.
    Returns (former rule id, key of the alert outside) -> the new rule id.
    """
    siblings: dict[str, list[Outlook]] = {}
    for outlook in outlooks.values():
        siblings.setdefault(_shared(outlook.rule.id), []).append(outlook)
    moved = {}
    for row in list(draft.rule_alerts.values()):
        here = outlooks.get(row.rule_id)
        if here is not None and _fits(here.rule, row):
            continue
        others = [each for each in siblings.get(_shared(row.rule_id), ()) if _fits(each.rule, row)]
        if len(others) == 1:
            (there,) = others
            draft.drop_rule_alert(row)
            draft.put_rule_alert(replace(row, rule_id=there.rule.id))
            moved[row.rule_id, there.labels(row.labels).key] = there.rule.id
    return moved


def _shared(rule_id: str) -> str:
    """What rules of one name in one group have in common: the id without the place among equals."""
    return "/".join(rule_id.split("/")[:2])


def _fits(rule: Rule, row: RuleAlert) -> bool:
    """Whether the row carries the labels that the rule gives to all of its alerts."""
    fixed = {name: text for name, text in rule.labels.items() if "{{" not in text and "{%" not in text}
    return all(row.labels.get(name, "") == text for name, text in fixed.items() if name != "alertname")


def end(alert: Alert, claim: Claim, now: datetime) -> Alert:
    """A report that one origin's part in an alert is over; its texts stay."""
    return report(
        alert.labels,
        origin=claim.origin,
        starts_at=claim.starts_at,
        ends_at=now,
        now=now,
        annotations=alert.annotations,
        generator_url=alert.generator_url,
    )
