"""Evaluate: rule groups whose slot has come are asked of their sources, and what follows is committed.

Knows what is due, which queries go out together, and that sources do not wait for each other. Must not
know what an answer means (`core/rule.py`) or how a source is asked. Next: `units/intake.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from hbalert.core.alert import Alert, report
from hbalert.core.labels import Labels
from hbalert.core.rule import Evaluation, Expand, Rule, RuleAlert, RuleAlertState, evaluate
from hbalert.core.slots import Due, due, evaluation_time
from hbalert.engine import Engine
from hbalert.errors import StoreError
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Answer, Source
from hbalert.views import SourceView

log = structlog.get_logger("hbalert.evaluate")

ITSELF = "hbalert"
"""Origin of the alerts that hbalert raises about itself."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the last evaluation of a rule went; `error` is empty when it was good."""

    at: datetime
    seconds: float
    samples: int
    error: str = ""


class Evaluator:
    """Evaluates what is due, each second.

    health  rule id -> how its last evaluation went
    """

    def __init__(
        self, engine: Engine, sources: Mapping[str, Source], expand: Expand, metrics: Metrics
    ) -> None:
        self.health: dict[str, Health] = {}
        self._engine = engine
        self._sources = sources
        self._expand = expand
        self._metrics = metrics
        self._last: dict[str, datetime] = {}
        self._running: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._views: dict[str, SourceView] = {}

    async def start(self) -> None:
        """Ends the alerts of rules that are gone; to be called before the first tick."""
        await self._engine.desk.work(self._end_what_is_gone)

    async def reload(self, sources: Mapping[str, Source], expand: Expand) -> None:
        """Uses other sources and templates, and the groups of the configuration now in force."""
        self._sources, self._expand = sources, expand
        names = {group.name for group in self._engine.config.groups}
        self._last = {name: slot for name, slot in self._last.items() if name in names}
        await self.start()

    async def tick(self, now: datetime) -> None:
        """Starts the evaluation of what is due; what still runs skips its slot."""
        together: dict[tuple[str, datetime], list[tuple[Due, Rule]]] = {}
        for each in due(self._engine.config.groups, self._last, now):
            group = each.group
            self._last[group.name] = each.slot
            for source in dict.fromkeys(rule.source for rule in group.rules):
                missed = each.missed + ((source, group.name) in self._running)
                if missed:
                    self._metrics.missed(source, group.name, missed)
                if (source, group.name) in self._running:
                    continue
                self._running.add((source, group.name))
                at = evaluation_time(each.slot, group.query_offset)
                rules = [(each, rule) for rule in group.rules if rule.source == source]
                together.setdefault((source, at), []).extend(rules)
        for (source, at), rules in together.items():
            task = asyncio.create_task(self._round(source, at, rules), name=f"evaluate {source}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ends what runs; nothing of it is committed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def source_views(self) -> list[SourceView]:
        """How the sources are, for status and metrics."""
        return list(self._views.values())

    async def _round(self, name: str, at: datetime, rules: Sequence[tuple[Due, Rule]]) -> None:
        clock = self._engine.clock
        begun = clock.monotonic()
        slot = rules[0][0].slot
        self._metrics.lagged(name, max(0.0, (clock.now() - slot).total_seconds()))
        try:
            exprs = list(dict.fromkeys(text for _, rule in rules for text in (rule.expr, rule.clear) if text))
            answers = dict(zip(exprs, await self._sources[name].query_many(exprs, at), strict=True))
            await self._source_is(name, list(answers.values()))
            outcomes = await self._engine.desk.work(lambda draft: self._decide(draft, rules, answers))
        except StoreError as error:
            log.error("evaluation_not_stored", source=name, error=str(error))
            return
        except Exception:
            log.exception("evaluation_failed", source=name)
            return
        finally:
            self._running.difference_update({(name, each.group.name) for each, _ in rules})
        self._count(name, slot, rules, outcomes, clock.monotonic() - begun)

    def _decide(
        self, draft: Draft, rules: Sequence[tuple[Due, Rule]], answers: Mapping[str, Answer | Exception]
    ) -> dict[str, Evaluation]:
        """One unit of work: a slot is evaluated as a whole. A query without an answer changes nothing."""
        outcomes = {}
        reports: list[Alert] = []
        for each, rule in rules:
            answer = answers[rule.expr]
            cleared = answers[rule.clear] if rule.clear else Answer(())
            wrong = next((a for a in (answer, cleared) if isinstance(a, Exception)), None)
            if not isinstance(answer, Answer) or not isinstance(cleared, Answer):
                outcomes[rule.id] = Evaluation(error=str(wrong))
                continue
            active = {row.labels.key: row for row in draft.alerts_of_rule(rule.id)}
            outcome = evaluate(rule, active, answer.samples, each.slot, self._expand, cleared=cleared.samples)
            outcomes[rule.id] = outcome
            reports += _apply(draft, rule, outcome, each.slot)
        self._engine.accept_into(draft, reports)
        return outcomes

    def _count(
        self,
        source: str,
        slot: datetime,
        rules: Sequence[tuple[Due, Rule]],
        outcomes: Mapping[str, Evaluation],
        seconds: float,
    ) -> None:
        groups: dict[str, list[Rule]] = {}
        for each, rule in rules:
            groups.setdefault(each.group.name, []).append(rule)
            error = outcomes[rule.id].error or ""
            before = self.health.get(rule.id)
            self.health[rule.id] = Health(
                slot, seconds, len(self._engine.memory.alerts_of_rule(rule.id)), error
            )
            if error and (before is None or before.error != error):
                log.warning("rule_failed", rule=rule.id, file=rule.file, line=rule.line, error=error)
        for name, members in groups.items():
            failed = sum(outcomes[rule.id].error is not None for rule in members)
            self._metrics.evaluated(source, name, seconds, rules=len(members), failed=failed, at=slot)

    async def _source_is(self, name: str, answers: Sequence[Answer | Exception]) -> None:
        """Follows whether a source answers; one that is silent for long raises an alert, one per source."""
        errors = [answer for answer in answers if isinstance(answer, Exception)]
        down = bool(answers) and len(errors) == len(answers)
        now = self._engine.clock.now()
        known = self._views.get(name)
        changed = known is None or known.up is down
        since = now if known is None or changed or known.since is None else known.since
        self._views[name] = SourceView(name, not down, since, str(errors[0]) if down else "")
        if changed and down:
            log.warning("source_down", source=name, error=str(errors[0]))
        elif changed and known is not None:
            log.info("source_up", source=name)
        labels = Labels({"alertname": "HbalertSourceUnreachable", "severity": "critical", "source": name})
        alert = self._engine.memory.alerts.get(labels.key)
        if down and alert is None and now - since >= self._engine.config.sources[name].down_after:
            summary = f"The source {name} does not answer: no rule of it is evaluated, what fires is held"
            notes = {"summary": summary, "description": str(errors[0])}
            await self._engine.accept(
                [report(labels, origin=ITSELF, starts_at=since, ends_at=None, now=now, annotations=notes)]
            )
        elif not down and alert is not None and not alert.resolved(now):
            ended = report(labels, origin=ITSELF, starts_at=alert.starts_at, ends_at=now, now=now)
            await self._engine.accept([ended])

    def _end_what_is_gone(self, draft: Draft) -> None:
        """A rule that is removed resolves its alerts, with that reason."""
        wanted = {rule.id for group in self._engine.config.groups for rule in group.rules}
        ended = []
        for key, row in list(draft.rule_alerts.items()):
            if row.rule_id in wanted:
                continue
            draft.rule_alerts.drop(key)
            if row.state is RuleAlertState.FIRING:
                text = f"the rule {row.rule_id} is no longer configured"
                draft.note("resolved", text, alert_key=row.labels.key)
                ended.append(_report(row, ends_at=draft.now, now=draft.now))
        self._engine.accept_into(draft, ended)


def _apply(draft: Draft, rule: Rule, outcome: Evaluation, slot: datetime) -> list[Alert]:
    """Writes the rows of an evaluation; returns what intake has to hear of."""
    for row in outcome.written:
        draft.rule_alerts.put((rule.id, row.labels.key), row)
    for key in outcome.removed:
        draft.rule_alerts.drop((rule.id, key))
    reports = []
    for change in outcome.transitions:
        row = change.alert
        if change.after is RuleAlertState.PENDING:
            draft.note("pending", f"rule {rule.id}: pending", alert_key=row.labels.key)
        if change.after is RuleAlertState.FIRING:
            reports.append(_report(row, ends_at=None, now=draft.now))
        elif change.before is RuleAlertState.FIRING:
            # Gone, or back to pending under a longer `for`: either way it does not fire any more.
            reports.append(_report(row, ends_at=row.resolved_at or slot, now=draft.now))
    for row in outcome.refreshed:
        if row.state is RuleAlertState.FIRING:
            reports.append(_report(row, ends_at=None, now=draft.now))
    return reports


def _report(row: RuleAlert, *, ends_at: datetime | None, now: datetime) -> Alert:
    return report(
        row.labels,
        origin=f"rule:{row.rule_id}",
        starts_at=row.fired_at or row.active_at,
        ends_at=ends_at,
        now=now,
        annotations=row.annotations,
    )
