"""The same rule files, evaluated by a real Prometheus and, imported, by hbalert, on the same series.

Each of our rules is evaluated for the very moment for which Prometheus evaluated it last, so that alerts,
labels, texts and values can be compared one by one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from hbalert.clock import SystemClock
from hbalert.config.types import SourceSettings
from hbalert.core.rule import Rule, RuleGroup
from hbalert.loops.lookup import look_up, looks_up
from hbalert.loops.watch import watch
from hbalert.neighbours.prometheus.rule_file import AlertRule, RecordingRule, RuleFile, read
from hbalert.neighbours.prometheus.translate import Translation, linked, translate
from hbalert.outbound import open_client
from hbalert.ports import Answer
from hbalert.programs.prometheus import Prometheus
from hbalert.rehearsal.feed import ARGUMENTS, Feed
from hbalert.sources.prometheus import PrometheusSource
from hbalert.templating import expander
from hbalert.units.own import Own
from tests.neighbours.collection.samples import SAMPLES, STEP, samples, series_of

WITHIN = 120.0
"""Seconds in which Prometheus has evaluated every group."""

Fired = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass
class Numbers:
    """What came of it.

    alerting, recording  rules in the files
    imported, left_out   of the alerting ones
    named                notes about what has no equal
    failed               rule -> why our evaluation of it failed
    theirs, ours         active alerts
    firing_rules         rules that have one
    differing            rule -> what only one side has
    """

    alerting: int = 0
    recording: int = 0
    imported: int = 0
    left_out: int = 0
    named: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    theirs: int = 0
    ours: int = 0
    firing_rules: int = 0
    differing: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"{self.alerting} alert rules and {self.recording} recording rules: {self.imported} imported, "
            f"{len(self.named)} named ({self.left_out} of them rules left out), {len(self.failed)} failed; "
            f"{self.firing_rules} rules have alerts: {self.theirs} in Prometheus, {self.ours} in hbalert, "
            f"{len(self.differing)} rules differ"
        )


async def play(files: Mapping[str, str], folder: Path, ours: Mapping[str, str] | None = None) -> Numbers:
    """Both sides of all files.

    folder  exists; takes what is written
    ours    other files for our side, to see that a difference is seen
    """
    theirs = [read(text.encode(), name) for name, text in (ours or files).items()]
    for each in theirs:
        assert not each.report.refused, each.report.refused
    done, numbers = _imported(theirs)
    groups, found = linked(done.text, "imported.toml")
    wrong = [str(each) for each in found if each.severity.value == "error"]
    assert wrong == []
    rules = folder / "rules"
    rules.mkdir()
    for name, text in _bare(files).items():
        (rules / name).write_text(text, "utf-8")
    config = f"global: {{scrape_interval: 1h, evaluation_interval: 2s}}\nrule_files: ['{rules}/*.yml']\n"
    exprs = [rule.expr.text for file in theirs for group in file.groups for rule in group.rules]
    async with (
        Prometheus(config, folder, arguments=ARGUMENTS) as prometheus,
        open_client() as client,
        aiohttp.ClientSession() as session,
    ):
        source = PrometheusSource("main", SourceSettings(url=prometheus.url))
        made = series_of(exprs)
        recorded = {
            rule.record
            for file in theirs
            for group in file.groups
            for rule in group.rules
            if isinstance(rule, RecordingRule)
        }
        made = [labels for labels in made if labels["__name__"] not in recorded]
        now = SystemClock().now()
        feed = Feed(client, prometheus.url)
        for back in range((SAMPLES - 1) * STEP, -1, -STEP):
            then = now - timedelta(seconds=back)
            await feed.write((*each, then) for each in samples(made, now.timestamp(), back))
        answers = await _settled(session, prometheus.url, SystemClock().now())
        await _compare(groups, answers, source, numbers, prometheus.url)
        await source.close()
    return numbers


def _bare(files: Mapping[str, str]) -> dict[str, str]:
    """For Prometheus: what stands in an object of Kubernetes, without that object."""
    import yaml

    out = {}
    for name, text in files.items():
        content = yaml.safe_load(text)
        out[name] = yaml.safe_dump(content["spec"], allow_unicode=True) if "spec" in content else text
    return out


def _imported(files: Sequence[RuleFile]) -> tuple[Translation, Numbers]:
    done = translate(files)
    every = [rule for file in files for group in file.groups for rule in group.rules]
    numbers = Numbers(
        alerting=sum(isinstance(rule, AlertRule) for rule in every),
        recording=sum(isinstance(rule, RecordingRule) for rule in every),
        imported=done.alerts,
        left_out=done.left_out,
        named=[str(note) for report in done.reports for note in report.missing],
    )
    return done, numbers


async def _settled(session: aiohttp.ClientSession, url: str, since: datetime) -> list[dict[str, Any]]:
    """Prometheus' groups, each evaluated twice since then: what is recorded is there."""
    clock = SystemClock()
    until = clock.monotonic() + WITHIN
    seen: Counter[str] = Counter()
    last: dict[str, str] = {}
    while True:
        async with session.get(f"{url}/api/v1/rules") as reply:
            groups: list[dict[str, Any]] = (await reply.json())["data"]["groups"]
        for group in groups:
            name, at = f"{group['file']};{group['name']}", group["lastEvaluation"]
            if at != last.get(name) and _time(at) > since:
                seen[name] += 1
            last[name] = at
        busy = [rule for group in groups for rule in group["rules"] if rule["health"] == "unknown"]
        if groups and not busy and all(seen[name] >= 3 for name in last):
            return groups
        assert clock.monotonic() < until, f"not evaluated within {WITHIN} s: {seen}"
        await asyncio.sleep(0.2)


def _time(text: str) -> datetime:
    """To the millisecond below, as Prometheus asks."""
    moment = (
        datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")
        if "." in text
        else datetime.fromisoformat(text)
    )
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


async def _compare(
    groups: Sequence[RuleGroup],
    answers: Sequence[dict[str, Any]],
    source: PrometheusSource,
    numbers: Numbers,
    url: str,
) -> None:
    theirs = {group["name"]: group for group in answers}
    expand, own = expander({}, url), Own({})
    for group in groups:
        other = theirs[group.name]
        said = [rule for rule in other["rules"] if rule["type"] == "alerting"]
        assert len(said) == len(group.rules), group.name
        grid = [_time(alert["activeAt"]) for rule in said for alert in rule["alerts"]]
        step = timedelta(seconds=float(other["interval"]))
        for rule, their in zip(group.rules, said, strict=True):
            assert their["name"] == rule.alert
            name = f"{group.name}/{rule.alert}"
            if their["health"] != "ok":
                numbers.failed[name] = f"in Prometheus: {their['lastError']}"
                continue
            at = _time(their["lastEvaluation"])
            if grid:
                at = max(grid[0] + (at - grid[0]) // step * step, grid[0])
            mine, why = await _evaluate(rule, group, source, at, expand, own)
            if why:
                numbers.failed[name] = why
                continue
            kept = set(rule.annotations)
            listed = [_fired(alert["labels"], alert["annotations"], kept) for alert in their["alerts"]]
            numbers.theirs += len(listed)
            numbers.ours += len(mine)
            numbers.firing_rules += bool(listed)
            if sorted(listed) != sorted(mine):
                only = (
                    [each for each in listed if each not in mine],
                    [each for each in mine if each not in listed],
                )
                numbers.differing[name] = f"only in Prometheus: {only[0][:1]}; only here: {only[1][:1]}"


async def _evaluate(
    rule: Rule, group: RuleGroup, source: PrometheusSource, at: datetime, expand: Any, own: Own
) -> tuple[list[Fired], str]:
    """The active alerts of one of our rules at a moment, or why there are none."""
    watched = watch(rule, group, {}, "", own)
    exprs = list(watched.exprs(False))
    asked = dict(zip(exprs, await source.query_many(exprs, at), strict=True))
    answer = asked[rule.expr]
    texts = {}
    if looks_up(rule) and isinstance(answer, Answer):
        texts = dict(await look_up(rule, answer.samples, source, at, at, expand))
    health, outcome = watched.judge(asked, {}, None, at, expand, texts)
    if health.error:
        return [], health.error
    rows = outcome.written if outcome else ()
    return [_fired(row.labels.as_dict(), row.annotations, set(rule.annotations)) for row in rows], ""


def _fired(labels: Mapping[str, str], annotations: Mapping[str, str], kept: set[str]) -> Fired:
    """An alert as it can be compared; annotations that were left out here do not count."""
    return (
        tuple(sorted(f"{name}={value}" for name, value in labels.items())),
        tuple(sorted(f"{name}={value}" for name, value in annotations.items() if name in kept)),
    )
