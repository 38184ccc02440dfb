"""Watch: one rule as it is evaluated, what has to be asked for it, and how that went.

Knows which queries a rule needs beside its own expression, and when a failure is the rule's own fault.
Must not know when a rule is due, what is asked together (`evaluate.py`), or how a state follows from an
answer (`core/evaluation.py`, next).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import structlog

from hbalert.config.types import Config
from hbalert.core.evaluation import Evaluation, evaluate
from hbalert.core.labels import Labels
from hbalert.core.rule import Expand, Occasion, Rule, RuleAlert, RuleGroup
from hbalert.errors import Unavailable
from hbalert.health import RuleHealth
from hbalert.loops.lookup import NO_LOOKUPS, LookedUp
from hbalert.ports import NO_SERIES, Answer
from hbalert.promql import data_query, series_query
from hbalert.units.own import Own
from hbalert.units.rules import Outlook, link

log = structlog.get_logger("hbalert.evaluate")

Answers = Mapping[str, Answer | Exception]


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule as it is evaluated.

    group    it belongs to, for its slots; other rules in it do not make it another
    data     query that tells whether the data behind the rule are there; "": its own answer does
    series   query for the series that the rule judges; "": nobody needs to know, or nobody can tell
    failing  labels of the alert that it fails
    """

    rule: Rule
    group: RuleGroup = field(compare=False)
    outlook: Outlook
    data: str
    series: str
    failing: Labels

    @property
    def asks_more(self) -> bool:
        """Whether it may need answers beside that to its own expression."""
        return bool(self.data or self.series or self.rule.clear)

    def exprs(self, fires: bool) -> Iterator[str]:
        """What has to be asked, the rule's own expression first."""
        yield self.rule.expr
        yield from self.more(fires)

    def more(self, fires: bool) -> Iterator[str]:
        """What has to be asked beside the rule's own expression."""
        if self.data:
            yield self.data
        if self.rule.clear and fires:
            yield self.rule.clear
        if self.series and fires:
            yield self.series

    def judge(
        self,
        answers: Answers,
        active: Mapping[bytes, RuleAlert],
        before: RuleHealth | None,
        slot: datetime,
        expand: Expand,
        looked_up: LookedUp = NO_LOOKUPS,
    ) -> tuple[RuleHealth, Evaluation | None]:
        """How the evaluation went, and what came of it; None: nothing, the rule's state is kept.

        before     how the last one went
        looked_up  what the queries in the rule's texts have answered
        """
        rule = self.rule
        own = answers.get(rule.expr)
        if own is NO_SERIES and not active and not self.asks_more and rule.no_data != "alert":
            return quiet(slot), None  # as most are, most of the time
        failing_since = (before.failing_since if before else None) or slot
        got: list[Answer] = []
        for expr in (rule.expr, rule.clear, self.data):
            each = answers.get(expr, _NOTHING)
            if isinstance(each, Answer):
                got.append(each)
                continue
            silent = isinstance(each, Unavailable)
            blame = (before.failing_since if before else None) if silent else failing_since
            return RuleHealth(slot, 0, error=str(each), failing_since=blame), None
        answer, cleared, data = got
        warnings = answer.warnings
        if not answer.samples and not active and rule.no_data != "alert":
            return RuleHealth(slot, 0, warnings=warnings), None
        has_data = bool(data.samples) if self.data else None
        # Who cannot be told from missing is missing: it is held a little longer, never ended early.
        series = answers.get(self.series)
        if isinstance(series, Exception):
            warnings += (f"which of its series are there could not be asked: {series}",)
        try:
            outcome = evaluate(
                rule,
                active,
                answer.samples,
                slot,
                _with(looked_up, answer.partial, expand) if looked_up or answer.partial else expand,
                cleared=cleared.samples,
                has_data=has_data,
                behind=series.samples if self.series and isinstance(series, Answer) else None,
            )
        except Exception as error:
            log.exception("rule_broke", rule=rule.id)
            outcome = Evaluation(error=f"unexpected: {type(error).__name__}")
        if outcome.overflow:
            warnings += (f"{outcome.overflow} alerts were kept out by limit = {rule.limit}",)
        health = RuleHealth(
            slot,
            0,
            samples=len(answer.samples),
            error=outcome.error or "",
            warnings=warnings,
            overflow=outcome.overflow,
            failing_since=failing_since if outcome.error or outcome.overflow else None,
        )
        return health, None if outcome.error else outcome


_NOTHING = Answer(())


@lru_cache(maxsize=4)
def quiet(slot: datetime) -> RuleHealth:
    """How an evaluation went of which nothing can be said: the same value for all rules of a slot."""
    return RuleHealth(slot, 0)


def _with(answers: LookedUp, partial: bool, expand: Expand) -> Expand:
    def expand_with(text: str, labels: Labels, value: float, when: Occasion) -> str:
        return expand(text, labels, value, replace(when, answers=answers, partial=partial))

    return expand_with


def watch_of(rule: Rule, group: RuleGroup, config: Config, own: Own) -> Watch:
    """A rule of the configuration in force as it is evaluated."""
    page = link(config.sources[rule.source].url, rule.expr)
    return watch(rule, group, config.evaluation.external_labels, page, own)


def watch(rule: Rule, group: RuleGroup, external: Mapping[str, str], page: str, own: Own) -> Watch:
    """A rule as it is evaluated.

    external  labels that every alert of ours carries
    page      where a person can look at the expression
    """
    limited = replace(rule, limit=rule.limit or group.limit)
    return Watch(
        limited,
        group,
        Outlook(limited, external, page),
        "" if rule.no_data == "ok" else data_query(rule.expr) or "",
        (series_query(rule.expr) or "") if rule.missing_evaluations else "",
        own.failing(rule),
    )
