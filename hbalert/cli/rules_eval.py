"""One rule evaluated now, as the daemon would, with nothing stored and nobody told.

Knows what has to be asked for a person's answer: the rule's own queries, and the series behind its
condition. Must not know how the answer is shown (`rules.py`) or how a state follows (`core/`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from hbalert.cli.client import Client, Refused, Unreachable, segment
from hbalert.cli.config_path import find_config
from hbalert.cli.output import plain
from hbalert.cli.when import past
from hbalert.clock import SystemClock
from hbalert.config.load import load
from hbalert.config.nearest import did_you_mean
from hbalert.config.types import Config
from hbalert.core.evaluation import Evaluation
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.route import match
from hbalert.core.rule import Rule, RuleAlert, RuleAlertState, RuleGroup, Sample
from hbalert.core.slots import evaluation_time
from hbalert.errors import ConfigError, Unavailable
from hbalert.explain.rulebook import alert_of, find, whole_row
from hbalert.loops.lookup import LookedUp, look_up
from hbalert.loops.watch import Answers, Watch, watch_of
from hbalert.ports import Answer
from hbalert.promql import series_query, threshold
from hbalert.sources.prometheus import PrometheusSource
from hbalert.templating import expander
from hbalert.units.own import Own


def run(called: str, at: str | None, path: Path | None, client: Client | None) -> dict[str, Any]:
    """What would come of the rule that is called so, as plain values. client: None: nothing is known.

    Raises click's exceptions: UsageError for a wrong configuration or name.
    """
    try:
        config = load(find_config(path), os.environ)
    except ConfigError as error:
        raise click.UsageError(f"the configuration is wrong; `hbalert check` tells more:\n{error}") from None
    group, rule = _rule(config, called)
    now = SystemClock().now()
    moment = (past(at, now) if at else now).replace(microsecond=0)
    known = _known(rule, client) if client is not None else {}
    watch = watch_of(rule, group, config, Own(config.evaluation.external_labels))
    return asyncio.run(_Trial(config, group, watch, moment, known).run())


def _rule(config: Config, called: str) -> tuple[RuleGroup, Rule]:
    found = find(config.groups, called)
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(rule.id for _, rule in found[:5])
        raise click.UsageError(f"{len(found)} rules are called {called!r}: {some}; give the id")
    names = {rule.alert for group in config.groups for rule in group.rules}
    near = did_you_mean(called, names)
    raise click.UsageError(f"the configuration has no rule {called!r}{f'; {near}' if near else ''}")


def _known(rule: Rule, client: Client) -> dict[bytes, RuleAlert]:
    """What the daemon knows of the rule's alerts; without it nothing, and that is said."""
    try:
        said = client.get(f"/api/hb/v1/rules/{segment(rule.id)}")
        rows = [alert_of(rule.id, each) for each in said["alerts"]] if said["id"] == rule.id else []
        return {row.labels.key: row for row in rows}
    except (Unreachable, Refused) as error:
        reason = error.message
    except (LookupError, TypeError, ValueError):
        reason = "the daemon answers in a way this version does not know"
    click.echo(f"as if nothing had been seen before: {reason}", err=True)
    return {}


@dataclass(frozen=True)
class _Trial:
    """One evaluation. known: the rule's rows as the daemon has them."""

    config: Config
    group: RuleGroup
    watch: Watch
    now: datetime
    known: Mapping[bytes, RuleAlert]

    async def run(self) -> dict[str, Any]:
        rule, config = self.watch.rule, self.config
        at = evaluation_time(self.now, self.group.query_offset)
        expand = expander(config.evaluation.external_labels, config.server.external_url)
        source = PrometheusSource(rule.source, config.sources[rule.source])
        behind = series_query(rule.expr)
        fires = any(row.state is RuleAlertState.FIRING for row in self.known.values())
        exprs = list(dict.fromkeys([*self.watch.exprs(fires), *([behind] if behind else [])]))
        clock = SystemClock()
        begun = clock.monotonic()
        texts: LookedUp = {}
        try:
            answers: Answers = dict(zip(exprs, await source.query_many(exprs, at), strict=True))
            seconds = clock.monotonic() - begun
            answer = answers[rule.expr]
            if isinstance(answer, Answer):
                texts = await look_up(rule, answer.samples, source, at, self.now, expand)
        finally:
            await source.close()
        health, outcome = self.watch.judge(answers, self.known, None, self.now, expand, texts)
        if health.error or not isinstance(answer, Answer):
            raise _failed(rule, health.error, answers)
        return {
            "rule": whole_row(self.group, rule, [], None),
            "at": self.now.isoformat(),
            "asked_at": at.isoformat(),
            "address": source.address,
            "seconds": seconds,
            "samples": len(answer.samples),
            "warnings": list(health.warnings),
            "threshold": dict(zip(("is", "bound"), threshold(rule.expr) or (), strict=False)),
            "series": _series(answer, answers.get(behind or "")),
            "alerts": list(self._alerts(outcome)),
        }

    # --- what would come of it ---

    def _alerts(self, outcome: Evaluation | None) -> Iterator[dict[str, Any]]:
        """The rule's alerts afterwards, and those that would end."""
        changes = outcome or Evaluation()
        rows = {key: row for key, row in self.known.items() if row.state is not RuleAlertState.RESOLVED}
        rows.update({row.labels.key: row for row in (*changes.written, *changes.refreshed)})
        ended = {each.alert.labels.key: each.alert for each in changes.transitions if _is_over(each.after)}
        for key in sorted({*rows, *ended}):
            row = ended.get(key) or rows[key]
            if key in ended or row.state is not RuleAlertState.RESOLVED:
                yield self._alert(row, over=key in ended)

    def _alert(self, row: RuleAlert, *, over: bool) -> dict[str, Any]:
        labels = self.watch.outlook.labels(row.labels)
        fires_at = row.active_at + self.watch.rule.hold
        before = self.known.get(row.labels.key)
        return {
            "fingerprint": fingerprint(labels),
            "verdict": self._verdict(row, before, over=over),
            "state": "inactive" if over else row.state.value,
            "state_before": before.state.value if before is not None else "inactive",
            "value": format(row.value, "g"),
            "since": row.active_at.isoformat(),
            "fires_at": fires_at.isoformat() if row.state is RuleAlertState.PENDING and not over else None,
            "labels": labels.as_dict(),
            "annotations": dict(row.annotations),
            "told": [] if over else self._told(labels),
        }

    def _verdict(self, row: RuleAlert, before: RuleAlert | None, *, over: bool) -> str:
        """One sentence; {since} and {fires_at} are put in as local times by whoever shows it."""
        fired = before is not None and before.state is RuleAlertState.FIRING
        if over:
            return "would resolve" if fired else "would be forgotten: it is not true any more"
        if row.state is RuleAlertState.PENDING:
            return "would be pending, and fire at {fires_at} if it goes on (true since {since})"
        if row.flaps.since is not None:
            return f"would fire, held as flapping: {self.watch.outlook.held}"
        if row.keep_firing_since is not None or row.missed:
            return "would fire on, although its series is not in the answer (true since {since})"
        return "fires (true since {since})" if fired else "would fire now"

    def _told(self, labels: Labels) -> list[dict[str, Any]]:
        config = self.config
        return [
            {
                "receiver": route.receiver,
                "notifiers": [
                    name for name in config.receivers[route.receiver] if config.notifiers[name].enabled
                ],
            }
            for route in match(config.route, labels)
        ]


class _Silent(click.ClickException):
    """The source does not answer. Exit code 1."""

    exit_code = 1


class _Wrong(click.ClickException):
    """The rule cannot be evaluated as it is. Exit code 2."""

    exit_code = 2


def _failed(rule: Rule, error: str, answers: Answers) -> click.ClickException:
    said = plain(f"{rule.id} could not be evaluated: {error}")
    if any(isinstance(each, Unavailable) for each in answers.values()):
        return _Silent(f"{said}; while this is so, a daemon keeps the rule's alerts as they are")
    return _Wrong(f"{rule.file}:{rule.line}: {said}" if rule.file else said)


def _is_over(after: RuleAlertState | None) -> bool:
    return after is None or after is RuleAlertState.RESOLVED


def _series(answer: Answer, behind: Answer | Exception | None) -> list[dict[str, Any]]:
    """Every series that the condition judges, those for which it holds first."""
    holding = {_name(each): each for each in answer.samples}
    known: dict[str, Sample] = {}
    if isinstance(behind, Answer):
        known = {_name(each): each for each in behind.samples}
    # `bool` and joins change names or labels: what holds is then not among the series behind it.
    rows = [(name, known.get(name, each), True) for name, each in sorted(holding.items())]
    rows += [(name, each, False) for name, each in sorted(known.items()) if name not in holding]
    return [
        {"name": name, "labels": each.labels.as_dict(), "value": format(each.value, "g"), "holds": holds}
        for name, each, holds in rows
    ]


def _name(sample: Sample) -> str:
    """A series as PromQL writes it."""
    labels = sample.labels
    name = labels.get("__name__", "")
    rest = labels.without("__name__")
    return f"{name}{rest}" if len(rest) or not name else name
