"""Evaluate: rule groups whose slot has come are asked of their sources, and what follows is committed.

Knows what is due, which queries go out together, that sources do not wait for each other, and how the
last evaluations went. Must not know what is asked for a rule and what the answers mean (`watch.py`), how
a source is asked, or which rows are written (`units/rules.py`, next).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from hbalert.core.alert import Alert
from hbalert.core.jump import Jump
from hbalert.core.rule import Expand, RuleAlert, RuleAlertState, RuleGroup
from hbalert.core.slots import Due, due, evaluation_time, next_slot, slot_at
from hbalert.core.trouble import Lateness, is_late
from hbalert.engine import Engine
from hbalert.errors import Incomplete, StoreError, Unavailable
from hbalert.health import GroupHealth, RuleHealth
from hbalert.loops.lookup import NO_LOOKUPS, LookedUp, look_up, looks_up
from hbalert.loops.watch import Answers, Watch, quiet, watch_of
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Answer, Source
from hbalert.units import own, rules
from hbalert.views import SourceView

log = structlog.get_logger("hbalert.evaluate")


_NO_ROWS: Mapping[bytes, RuleAlert] = {}


@dataclass(frozen=True, slots=True)
class Round:
    """What is asked of one source for one slot."""

    name: str
    source: Source
    slot: datetime
    at: datetime
    watches: Sequence[Watch]


class Evaluator:
    """Evaluates what is due, each second.

    health  rule id -> how its last evaluation went
    groups  group -> the same
    """

    def __init__(
        self, engine: Engine, sources: Mapping[str, Source], expand: Expand, metrics: Metrics
    ) -> None:
        self.health: dict[str, RuleHealth] = {}
        self.groups: dict[str, GroupHealth] = {}
        self._engine = engine
        self._metrics = metrics
        self._last: dict[str, datetime] = {}
        self._steps = 0
        self._busy: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._views: dict[str, SourceView] = {}
        self._late: dict[tuple[str, str], Lateness] = {}
        self._use(sources, expand)

    def _use(self, sources: Mapping[str, Source], expand: Expand) -> None:
        # Kept, because the engine's changes a moment earlier when there is a reload.
        config = self._config = self._engine.config
        external = config.evaluation.external_labels
        self._sources = dict(sources)
        self._expand = expand
        self._own = own.Own(external)
        self._watches: dict[str, Watch] = {}
        for group in config.groups:
            for rule in group.rules:
                self._watches[rule.id] = watch_of(rule, group, config, self._own)
        names = {group.name for group in config.groups}
        self._last = {name: slot for name, slot in self._last.items() if name in names}
        self.groups = {name: health for name, health in self.groups.items() if name in names}
        self.health = {name: health for name, health in self.health.items() if name in self._watches}
        self._views = {name: view for name, view in self._views.items() if name in self._sources}
        asked = {(watch.rule.source, watch.group.name) for watch in self._watches.values()}
        self._late = {where: late for where, late in self._late.items() if where in asked}

    async def start(self) -> None:
        """Makes the alerts agree with the rules there are; to be called before the first tick."""
        await self._engine.desk.work(self._reconcile)

    async def reload(self, sources: Mapping[str, Source], expand: Expand) -> None:
        """Uses other sources and templates, and the groups of the configuration now in force.

        Rules keep their alerts by id, groups their slots by name. Answers that are still on their way
        are used only for rules that did not change.
        """
        self._use(sources, expand)
        await self.start()

    def stepped(self, jump: Jump) -> None:
        """The clock was set: each group's next slot is the first of its grid after the time since its last
        one. What is being asked was asked for a time that is not this clock's: it is not used."""
        self._steps += 1
        for group in self._config.groups:
            if group.name in self._last:
                self._last[group.name] = slot_at(group, jump.wait(self._last[group.name]))
        self.health = {rule_id: health.moved(jump.wait) for rule_id, health in self.health.items()}
        self.groups = {name: health.moved(jump.wait) for name, health in self.groups.items()}
        self._views = {name: view.moved(jump.wait) for name, view in self._views.items()}
        for where, late in self._late.items():
            self._late[where] = replace(late, since=jump.wait(late.since))

    async def stop(self) -> None:
        """Ends what runs; nothing of it is committed."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def source_views(self) -> list[SourceView]:
        """How the sources are, for status and metrics."""
        return list(self._views.values())

    def late(self) -> list[Lateness]:
        """The groups whose evaluations come late now, by the source that has been so for longest."""
        longest_last = sorted(self._late.values(), key=lambda late: late.since, reverse=True)
        return list({late.group: late for late in longest_last}.values())

    async def run_once(self, now: datetime) -> None:
        """A tick, and all that runs then."""
        await self.tick(now)
        await asyncio.gather(*self._tasks)

    async def tick(self, now: datetime) -> None:
        """Begins the evaluation of what is due and returns; what still runs skips its slot."""
        found = due(self._config.groups, self._last, now)
        self._last.update((each.group.name, each.slot) for each in found)
        late = [(each, skipped) for each in found if (skipped := self._count_missed(each))]
        for each in self._rounds(found):
            task = asyncio.create_task(self._run(each), name=f"evaluate {each.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if late:
            try:
                await self._engine.desk.work(partial(self._tell_missed, late=late))
            except StoreError as error:
                log.error("missed_not_stored", error=str(error))

    def _rounds(self, found: Iterable[Due]) -> list[Round]:
        """What is asked together: one query time of one source."""
        together: dict[tuple[str, datetime, datetime], list[Watch]] = {}
        for each in found:
            at = evaluation_time(each.slot, each.group.query_offset)
            for watch in self._of(each.group):
                if (watch.rule.source, each.group.name) not in self._busy:
                    together.setdefault((watch.rule.source, each.slot, at), []).append(watch)
        rounds = []
        for (name, slot, at), watches in together.items():
            self._busy.update((name, watch.group.name) for watch in watches)
            rounds.append(Round(name, self._sources[name], slot, at, watches))
        return rounds

    def _of(self, group: RuleGroup) -> list[Watch]:
        return [self._watches[rule.id] for rule in group.rules]

    # --- slots that were missed ---

    def _count_missed(self, each: Due) -> int:
        """Slots of a group that nobody evaluates: missed before, or still busy with an earlier one."""
        name = each.group.name
        sources = {rule.source for rule in each.group.rules}
        busy = {source for source in sources if (source, name) in self._busy}
        for source in sources:
            self._metrics.missed(source, name, each.missed + (source in busy))
        before = self.groups.get(name, GroupHealth())
        skipped = each.missed + bool(busy)
        following = next_slot(each.group, each.slot)
        self.groups[name] = replace(before, missed=before.missed + skipped, next_at=following)
        return skipped

    def _tell_missed(self, draft: Draft, late: Sequence[tuple[Due, int]]) -> None:
        reports = []
        for each, skipped in late:
            silent = [name for name in {rule.source for rule in each.group.rules} if self._is_down(name)]
            if silent and not each.missed:
                continue  # said already, by the alert about the source
            why = "slept" if each.missed else "busy"
            reports.append(
                own.slots_were_missed(
                    self._own.missed(each.group.name), skipped, each.group.interval, why, draft.now
                )
            )
        self._engine.accept_into(draft, reports)

    def _is_down(self, source: str) -> bool:
        view = self._views.get(source)
        return view is not None and not view.up

    # --- one round ---

    async def _run(self, this: Round) -> None:
        clock = self._engine.clock
        begun, steps = clock.monotonic(), self._steps
        self._metrics.lagged(this.name, max(0.0, (clock.now() - this.slot).total_seconds()))
        try:
            answers = await self._ask(this)
            texts = await self._look_up(this, answers)
            if self._sources.get(this.name) is not this.source:
                return  # a reload has replaced it meanwhile
            decide = partial(self._decide, this=this, answers=answers, texts=texts, steps=steps)
            went = await self._engine.desk.work(decide)
        except StoreError as error:
            # Nothing is lost: what the answers meant will be true, or not, in the next slot.
            log.error("evaluation_not_stored", source=this.name, error=str(error))
            went = {watch.rule.id: f"not stored: {error}" for watch in this.watches}
        except Exception as error:
            log.exception("evaluation_failed", source=this.name)
            went = {watch.rule.id: f"unexpected: {type(error).__name__}" for watch in this.watches}
        finally:
            self._busy.difference_update((this.name, watch.group.name) for watch in this.watches)
        self._remember(this, went, clock.monotonic() - begun)

    async def _ask(self, this: Round) -> Answers:
        # The expressions of the rules come first, so that their batches are the same each time.
        exprs = [watch.rule.expr for watch in this.watches]
        asking = [watch for watch in this.watches if watch.asks_more]
        if asking:
            firing = {
                rule_id
                for (rule_id, _), row in self._engine.memory.rule_alerts.items()
                if row.state is RuleAlertState.FIRING
            }
            exprs += [expr for watch in asking for expr in watch.more(watch.rule.id in firing)]
        answers = await this.source.query_many(exprs, this.at)
        return dict(zip(exprs, answers, strict=True))

    def _follow(self, this: Round, answers: Answers) -> None:
        """Whether the source answers at all: one good word, or a refusal, is an answer."""
        errors = [each for each in answers.values() if isinstance(each, (Unavailable, Incomplete))]
        up = len(errors) < len(answers)
        known = self._views.get(this.name)
        if known is not None and known.up is up and known.since is not None:
            since = known.since
        else:
            since = this.slot
            if not up:
                log.warning("source_down", source=this.name, error=str(errors[0]))
            elif known is not None:
                log.info("source_up", source=this.name)
        self._views[this.name] = SourceView(this.name, up, since, "" if up else str(errors[0]))

    async def _look_up(self, this: Round, answers: Answers) -> Mapping[str, LookedUp]:
        """By rule: what the queries in its texts have answered."""
        asked = {
            watch.rule.id: look_up(watch.rule, answer.samples, this.source, this.at, this.slot, self._expand)
            for watch in this.watches
            if isinstance(answer := answers.get(watch.rule.expr), Answer)
            and answer.samples
            and looks_up(watch.rule)
        }
        return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))

    def _decide(
        self, draft: Draft, this: Round, answers: Answers, texts: Mapping[str, LookedUp], steps: int
    ) -> dict[str, RuleHealth | str]:
        """One unit of work: the slot is evaluated as a whole. A query without an answer changes nothing.

        texts  by rule: what the queries in its texts have answered
        steps  of the clock that were known when it was asked: since then the slot may have become another
        """
        if self._steps != steps:
            return {}
        self._follow(this, answers)
        active: dict[str, dict[bytes, RuleAlert]] = {}
        for (rule_id, key), row in draft.rule_alerts.items():
            active.setdefault(rule_id, {})[key] = row
        went: dict[str, RuleHealth | str] = {}
        reports: list[Alert] = []
        for watch in this.watches:
            rule_id = watch.rule.id
            known = self._watches.get(rule_id)
            if known is not watch and known != watch:
                continue  # a reload has changed or removed it meanwhile
            rows, before = active.get(rule_id, _NO_ROWS), self.health.get(rule_id)
            looked_up = texts.get(rule_id, NO_LOOKUPS)
            health, outcome = watch.judge(answers, rows, before, this.slot, self._expand, looked_up)
            went[rule_id] = health
            if outcome is not None:
                reports += rules.settle(draft, watch.outlook, outcome, this.slot)
            if health.failing_since or before is None or before.failing_since:
                reports += self._about_rule(draft, watch, health)
        self._engine.accept_into(draft, [*reports, *self._about_source(draft, this)])
        return went

    def _about_rule(self, draft: Draft, watch: Watch, health: RuleHealth) -> list[Alert]:
        """Our own alert about a rule that fails for long; one that is over its limit is told at once.

        While the source itself is at fault there is an alert about that, and no word of its rules.
        """
        since = health.failing_since
        if since is None:
            before = self.health.get(watch.rule.id)
            was_well = before is not None and before.failing_since is None
            return [] if was_well or health.error else own.over(draft, watch.failing)
        patience = self._config.sources[watch.rule.source].down_after
        early = not health.overflow and health.at - since < patience
        if early or self._is_down(watch.rule.source):
            return []
        said = health.error or health.warnings[-1]
        return [own.rule_fails(watch.failing, watch.rule, said, since, draft.now)]

    def _about_source(self, draft: Draft, this: Round) -> list[Alert]:
        """Our own alert about a source that is silent for long: one, whatever the number of its rules."""
        view, labels = self._views[this.name], self._own.unreachable(this.name)
        if view.up or view.since is None:
            return own.over(draft, labels)
        if this.slot - view.since < self._config.sources[this.name].down_after:
            return []
        return [own.source_is_silent(labels, view.error, view.since, draft.now)]

    # --- afterwards ---

    def _remember(self, this: Round, went: Mapping[str, RuleHealth | str], seconds: float) -> None:
        groups: dict[str, list[bool]] = {}
        the_quiet = quiet(this.slot)
        shared: dict[str, RuleHealth] = {}
        for watch in this.watches:
            rule, name = watch.rule, watch.group.name
            how = went.get(rule.id)
            if how is None or rule.id not in self._watches:
                continue
            if name not in groups:
                next_at = next_slot(watch.group, this.slot)
                groups[name] = []
                shared[name] = RuleHealth(this.slot, seconds, next_at=next_at)
            if how is the_quiet:  # one value for all such rules of a group
                self.health[rule.id] = shared[name]
                groups[name].append(False)
                continue
            before = self.health.get(rule.id)
            if isinstance(how, str):
                how = RuleHealth(
                    this.slot, 0, error=how, failing_since=before.failing_since if before else None
                )
            self.health[rule.id] = replace(how, seconds=seconds, next_at=shared[name].next_at)
            groups[name].append(bool(how.error))
            if how.error and (before is None or before.error != how.error) and not self._is_down(this.name):
                log.warning("rule_failed", rule=rule.id, file=rule.file, line=rule.line, error=how.error)
        behind = self._engine.clock.now() - this.slot
        intervals = {watch.group.name: watch.group.interval for watch in this.watches}
        for name, failed in groups.items():
            known = self.groups.get(name, GroupHealth())
            self._follow_lateness(this, name, intervals[name], behind)
            self.groups[name] = replace(known, at=this.slot, seconds=seconds)
            self._metrics.evaluated(
                this.name, name, seconds, rules=len(failed), failed=sum(failed), at=this.slot
            )

    def _follow_lateness(self, this: Round, group: str, interval: timedelta, behind: timedelta) -> None:
        """Each source for itself: that another one is quick makes nothing of it known in time."""
        known = self._late.pop((this.name, group), None)
        # A source that does not answer is told as such; that it takes its time-out is no news beside it.
        if is_late(behind, interval) and not self._is_down(this.name):
            since = known.since if known is not None else this.slot
            self._late[this.name, group] = Lateness(group, interval, since, behind)

    def _reconcile(self, draft: Draft) -> None:
        """A rule or source that is removed takes its alerts along, with that reason."""
        outlooks = {rule_id: watch.outlook for rule_id, watch in self._watches.items()}
        reports = rules.reconcile(draft, outlooks)
        wanted = {watch.failing.key for watch in self._watches.values()}
        used = {watch.rule.source for watch in self._watches.values()}
        wanted |= {self._own.unreachable(name).key for name in used}
        self._engine.accept_into(draft, [*reports, *own.end_stale(draft, wanted)])
