"""One unit test, played from time 0 to the last moment that it asks about.

Knows the order of each step: samples that have come of age, rules in the order of their groups, then what
is asked at that time. Every group is evaluated at every step, whatever its interval, because promtool does
so. Must not know how a state follows from an answer (`loops/watch.py`) nor what counts as the same
(`verdict.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from hbalert.config.types import SourceSettings
from hbalert.core.labels import Labels
from hbalert.core.rule import Expand, Rule, RuleAlert, RuleAlertState
from hbalert.core.slots import evaluation_time
from hbalert.errors import SourceError
from hbalert.health import RuleHealth
from hbalert.loops.lookup import LookedUp, look_up, looks_up
from hbalert.loops.watch import Answers, Watch, watch
from hbalert.neighbours.prometheus.rule_file import RecordingRule
from hbalert.neighbours.prometheus.series import STALE
from hbalert.neighbours.prometheus.unit_file import UnitTest
from hbalert.outbound import open_client
from hbalert.ports import Answer
from hbalert.programs.prometheus import Prometheus
from hbalert.rehearsal import verdict
from hbalert.rehearsal.feed import ARGUMENTS, Feed
from hbalert.rehearsal.script import Scene, Script
from hbalert.rehearsal.verdict import Verdict
from hbalert.sources.prometheus import PrometheusSource
from hbalert.templating import expander
from hbalert.units.own import Own

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG = timedelta(seconds=60)
_FOREVER = (
    "--storage.tsdb.retention.time=200y",
    "--storage.tsdb.min-block-duration=10000d",
    "--storage.tsdb.max-block-duration=10000d",
)
"""The made-up series are more than fifty years old, and nothing is to be tidied away below a test."""


class Broken(Exception):
    """A rule cannot be evaluated; the test ends there, as in promtool."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule


@dataclass(slots=True)
class Recorder:
    """A recording rule, and the series that it has made."""

    rule: RecordingRule
    more: Mapping[str, str]
    made: set[Labels] = field(default_factory=set)


@dataclass(slots=True)
class Watched:
    """An alert rule with all that is known of it between evaluations."""

    watch: Watch
    rows: dict[bytes, RuleAlert] = field(default_factory=dict)
    health: RuleHealth | None = None

    def firing(self) -> Iterator[RuleAlert]:
        return (row for row in self.rows.values() if row.state is RuleAlertState.FIRING)


Part: TypeAlias = "tuple[timedelta, Recorder | Watched]"
"""How far back a rule looks, and the rule."""


async def play(
    test: UnitTest, script: Script, interval: timedelta, folder: Path, *, fuzzy: bool
) -> list[Verdict]:
    """The verdict on everything that the test asks, in the order of its file.

    interval  between evaluations
    folder    exists; takes a Prometheus' data
    Raises NoPrometheus, and Unavailable when that Prometheus stops to answer.
    """
    config = f"global: {{scrape_interval: 1h, evaluation_interval: {max(1, interval // _MILLISECOND)}ms}}\n"
    async with (
        Prometheus(config, folder, arguments=(*ARGUMENTS, *_FOREVER)) as prometheus,
        open_client() as client,
    ):
        source = PrometheusSource("test", SourceSettings(url=prometheus.url, timeout=_LONG))
        try:
            stage = _Stage(test, script, source, Feed(client, prometheus.url))
            return await stage.play(interval, fuzzy=fuzzy)
        finally:
            await source.close()


_MILLISECOND = timedelta(milliseconds=1)


class _Stage:
    """A test while it is played."""

    def __init__(self, test: UnitTest, script: Script, source: PrometheusSource, feed: Feed) -> None:
        self._test = test
        self._source = source
        self._feed = feed
        self._expand: Expand = expander(test.external_labels, test.external_url)
        self._own = Own(test.external_labels)
        self._parts = [part for scene in script.scenes for part in self._scene(scene)]
        # The last one of a name counts.
        self._series = {Labels(each.labels): each for each in test.series}
        self._longest = max((len(each.values) for each in self._series.values()), default=0)
        self._fed = 0

    def _scene(self, scene: Scene) -> Iterator[Part]:
        group = scene.group
        for entry in scene.entries:
            if isinstance(entry, Rule):
                made = watch(entry, group, self._test.external_labels, "", self._own)
                yield group.query_offset, Watched(made)
            else:
                labels = {name: text.text for name, text in entry.labels.items()}
                yield group.query_offset, Recorder(entry, labels)

    async def play(self, interval: timedelta, *, fuzzy: bool) -> list[Verdict]:
        test = self._test
        alerts = sorted(test.alerts, key=lambda case: case.at)
        verdicts: dict[int, Verdict] = {}
        since = timedelta()
        try:
            while since <= test.ends:
                await self._step(EPOCH + since)
                for case in alerts:
                    if since <= case.at < since + interval:
                        verdicts[id(case)] = verdict.of_alerts(case, self._firing(case.alert))
                since += interval
        except Broken as broken:
            wrong = Verdict(broken.rule, since, test.line, passed=False, error=str(broken))
            return [*(verdicts[id(case)] for case in test.alerts if id(case) in verdicts), wrong]
        found = [verdicts[id(case)] for case in test.alerts]
        for each in test.exprs:
            try:
                answer = await self._source.query(each.expr, EPOCH + each.at)
                found.append(verdict.of_answer(each, answer, fuzzy=fuzzy))
            except SourceError as error:
                found.append(verdict.failed(each, str(error)))
        return found

    def _firing(self, alert: str) -> list[RuleAlert]:
        return [
            row
            for _, part in self._parts
            if isinstance(part, Watched) and part.watch.rule.alert == alert
            for row in part.firing()
        ]

    # --- one step ---

    async def _step(self, now: datetime) -> None:
        await self._samples(now)
        waiting: list[tuple[timedelta, Watched]] = []
        for offset, part in self._parts:
            if isinstance(part, Watched):
                waiting.append((offset, part))
            else:
                await self._evaluate(waiting, now)
                waiting = []
                await self._record(part, offset, now)
        await self._evaluate(waiting, now)

    async def _samples(self, now: datetime) -> None:
        """Feeds what has come of age since the last step."""
        interval = self._test.interval
        begin, self._fed = self._fed, min((now - EPOCH) // interval + 1, self._longest)
        await self._feed.write(
            (labels, value, EPOCH + index * interval)
            for index in range(begin, self._fed)
            for labels, value in self._values(index)
        )

    def _values(self, index: int) -> Iterator[tuple[Mapping[str, str], float]]:
        for each in self._series.values():
            value = each.values[index] if index < len(each.values) else None
            if value is not None:
                yield each.labels, value

    async def _evaluate(self, some: Sequence[tuple[timedelta, Watched]], now: datetime) -> None:
        """Alert rules that nothing stands between: they do not see each other, so they are asked together."""
        for offset in dict.fromkeys(offset for offset, _ in some):
            together = [each for other, each in some if other == offset]
            at = evaluation_time(now, offset)
            exprs = [expr for each in together for expr in each.watch.exprs(any(each.firing()))]
            answers: Answers = dict(zip(exprs, await self._source.query_many(exprs, at), strict=True))
            for each in together:
                await self._judge(each, answers, at, now)

    async def _judge(self, this: Watched, answers: Answers, at: datetime, now: datetime) -> None:
        rule = this.watch.rule
        answer = answers.get(rule.expr)
        texts: LookedUp = {}
        if looks_up(rule) and isinstance(answer, Answer):
            texts = await look_up(rule, answer.samples, self._source, at, now, self._expand)
        health, outcome = this.watch.judge(answers, this.rows, this.health, now, self._expand, texts)
        this.health = health
        if health.error or health.overflow:
            raise Broken(rule.alert, health.error or health.warnings[-1])
        if outcome is not None:
            this.rows.update({row.labels.key: row for row in (*outcome.written, *outcome.refreshed)})
            for key in outcome.removed:
                this.rows.pop(key, None)

    async def _record(self, this: Recorder, offset: timedelta, now: datetime) -> None:
        """What Prometheus does for a recording rule, the end of a series that it makes no more included."""
        try:
            answer = await self._source.query(this.rule.expr.text, evaluation_time(now, offset))
        except SourceError as error:
            raise Broken(this.rule.record, str(error)) from None
        made: dict[Labels, float] = {}
        for sample in answer.samples:
            labels = Labels({**sample.labels.as_dict(), "__name__": this.rule.record, **this.more})
            if labels in made:
                raise Broken(this.rule.record, f"two series have the labels {labels}")
            made[labels] = sample.value
        ended = dict.fromkeys(this.made - made.keys(), STALE)
        await self._feed.write((labels.as_dict(), value, now) for labels, value in (made | ended).items())
        this.made = set(made)
