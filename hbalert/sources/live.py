"""What the sources say of the rules: do their series exist, would they fire, are they asked too much.

Knows which answers of a source are a finding. Must not know how a source is asked (`discovery.py`) nor
how findings are shown. What follows from an expression's text alone is found without any source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hbalert.clock import Clock
from hbalert.config.document import Document
from hbalert.config.duration import format_duration
from hbalert.config.expression import Selector, Window, grouping, problems, selectors, windows
from hbalert.config.findings import Finding, Severity
from hbalert.config.nearest import did_you_mean
from hbalert.config.types import Config
from hbalert.core.rule import Rule, RuleGroup
from hbalert.sources.discovery import Discovery, Endless, Late, Refused, Silent

DAY = timedelta(days=1)
FINEST = timedelta(minutes=1)
"""Step of the look at the last day, where rules are not evaluated less often."""

MANY_NOW, MANY_A_DAY = 100, 200
"""More alerts of one rule than these are not read by anybody."""

_SLOPES = frozenset({
    "rate", "irate", "increase", "delta", "idelta", "deriv", "predict_linear", "changes", "resets",
    "double_exponential_smoothing", "holt_winters",
})  # fmt: skip
"""They compare samples, and need two."""

_OF_COUNTERS = frozenset({"rate", "irate", "increase", "resets"})
_OF_GAUGES = frozenset({"delta", "idelta", "deriv", "predict_linear"})


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a rule would do on the data of today.

    now      alerts that its expression has at this moment, `for` aside
    day      times an alert would have fired over the last day; None: that could not be asked
    seconds  one evaluation took
    """

    rule: Rule
    now: int
    day: int | None
    seconds: float


@dataclass(slots=True)
class Live:
    """Everything that was learnt."""

    findings: list[Finding] = field(default_factory=list)
    outlooks: list[Outlook] = field(default_factory=list)


def ask_sources(config: Config, at: Document, clock: Clock) -> Live:
    """Asks the sources about every rule. A source that does not answer is one finding, not one per rule.

    at  config.toml, where sources stand
    """
    live = Live()
    used = dict.fromkeys(rule.source for group in config.groups for rule in group.rules)
    for name in used or config.sources:
        discovery = Discovery(config.sources[name], clock)
        try:
            discovery.metrics()
            for group in config.groups:
                for rule in group.rules:
                    if rule.source == name:
                        _ask(rule, group, discovery, live)
        except (Silent, Refused) as error:
            what, instead = f"the source does not answer: {error}", "check its url, and whether it runs"
            live.findings.append(at.finding(("sources", name, "url"), what, instead, code="source-down"))
        finally:
            discovery.close()
    return live


def _ask(rule: Rule, group: RuleGroup, discovery: Discovery, live: Live) -> None:
    for key, expr in (("expr", rule.expr), ("clear", rule.clear)):
        if not expr:
            continue
        where = f"{rule.alert}.{key}"

        def warn(what: str, instead: str, code: str, where: str = where) -> None:
            live.findings.append(Finding(rule.file, rule.line, where, what, instead, code, Severity.WARNING))

        try:
            tried = discovery.try_out(expr)
        except Refused as error:
            what = f"the source refuses this: {error}"
            instead = "correct it, or remove what this server does not know"
            live.findings.append(Finding(rule.file, rule.line, where, what, instead, "refused"))
            continue
        except Late:
            warn("the source does not answer this in time", "ask for fewer series or a shorter range", "slow")
            continue
        except Endless as error:
            warn(str(error), "aggregate more: a daemon refuses such an answer, too", "noisy")
            continue
        # A metric may be too large to be looked through for a day: the rest is judged all the same.
        with suppress(Late, Endless):
            for found in _about(expr, discovery):
                warn(*found)
        if tried.seconds > group.interval.total_seconds():
            what = f"one evaluation took {tried.seconds:.1f} s, more than the interval of its group"
            warn(what, "ask for less, or evaluate it less often", "slow")
        if key == "expr":
            outlook = Outlook(rule, len(tried.series), _day(rule, group, discovery), tried.seconds)
            live.outlooks.append(outlook)
            for found in _noise(outlook):
                warn(*found)


Found = tuple[str, str, str]
"""What is wrong, what would be right, code."""


def _about(expr: str, discovery: Discovery) -> Iterator[Found]:
    """What an expression reads and the source does not have, or has otherwise."""
    if any(problem.is_error for problem in problems(expr)):
        return
    present: dict[str, frozenset[str]] = {}
    for selector in dict.fromkeys(selectors(expr)):
        name = selector.name
        if not name or selector.may_lack:
            continue
        if name not in discovery.metrics():
            yield _unknown_metric(name, discovery.metrics())
            continue
        present[name] = discovery.labels(name)
        unknown = list(_unknown_labels(selector, present[name]))
        yield from unknown or _unknown_values(selector, discovery)
    kept = frozenset().union(*present.values())
    for label in sorted(grouping(expr)):
        if present and label not in kept:
            names = ", ".join(sorted(present))
            what = f"no series of {names} has the label {label} that the result is grouped by"
            yield what, did_you_mean(label, kept), "unknown-label"
    for window in dict.fromkeys(windows(expr)):
        if window.selector.name in present:
            yield from _window(window, discovery)


def _unknown_metric(name: str, known: frozenset[str]) -> Found:
    if f"{name}_total" in known:
        return f"there is no metric {name}", f"it is a counter: write {name}_total", "counter-name"
    near = did_you_mean(name, known) if len(known) < 50_000 else ""
    instead = near if near.startswith("did you mean") else "is what exports it being scraped?"
    return f"the source has no metric {name}", instead, "unknown-metric"


def _unknown_labels(selector: Selector, labels: frozenset[str]) -> Iterator[Found]:
    for label, op, value in selector.matchers:
        if label not in labels and op in ("=", "=~") and value not in ("", ".*"):
            what = f"no series of {selector.name} has the label {label}"
            yield what, did_you_mean(label, labels - {"__name__"}), "unknown-label"


def _unknown_values(selector: Selector, discovery: Discovery) -> Iterator[Found]:
    """A condition on a label that no series of today or of the last day meets."""
    if not selector.matchers or _exists(selector, discovery):
        return
    for label, op, value in selector.matchers:
        alone = Selector(selector.name, ((label, op, value),))
        if op in ("=", "=~") and value and not _exists(alone, discovery):
            values = discovery.values(selector.name, label)
            near = did_you_mean(value, values) if op == "=" else f"its values are {_some(values)}"
            yield f'no series of {selector.name} has {label}{op}"{value}"', near, "unknown-value"


def _exists(selector: Selector, discovery: Discovery) -> bool:
    return bool(
        discovery.try_out(f"count({selector})").series
        or discovery.try_out(f"count(last_over_time({selector}[1d]))").series
    )


def _some(values: frozenset[str]) -> str:
    listed = sorted(values)
    return ", ".join(listed[:5]) + (", ..." if len(listed) > 5 else "")


def _window(window: Window, discovery: Discovery) -> Iterator[Found]:
    name, function = window.selector.name, window.function
    kind = discovery.kind(name)
    if kind == "gauge" and function in _OF_COUNTERS:
        yield f"{name} is a gauge: {function}() takes a fall for a restart", "use deriv() or delta()", "kind"
    elif kind == "counter" and function in _OF_GAUGES:
        yield f"{name} is a counter: {function}() is wrong at a restart", "use rate() or increase()", "kind"
    if function in _SLOPES:
        interval = discovery.scrape_interval(name)
        if interval is not None and window.span < 2 * interval:
            said = f"{function}({name}[{format_duration(window.span)}])"
            what = f"{said} sees fewer than two samples: they come every {format_duration(interval)}"
            yield what, f"take at least [{format_duration(4 * interval)}]", "short-range"


# --- how often it would fire -------------------------------------------------------------------


def _day(rule: Rule, group: RuleGroup, discovery: Discovery) -> int | None:
    step = max(group.interval, FINEST)
    try:
        return sum(firings(moments, step, rule.hold) for moments in discovery.over(rule.expr, DAY, step))
    except (Refused, Late, Endless):
        return None  # too many samples for one look back, mostly; `now` tells enough then


def firings(moments: Sequence[datetime], step: timedelta, hold: timedelta) -> int:
    """How often an alert with answers at these moments would have fired.

    >>> at = datetime(2026, 1, 1)
    >>> minute = timedelta(minutes=1)
    >>> firings([at, at + minute, at + 2 * minute, at + 9 * minute], minute, 2 * minute)
    1
    """
    fired, since, before, told = 0, None, None, False
    for moment in moments:
        if since is None or before is None or moment - before > step * 1.5:
            since, told = moment, False
        if not told and moment - since >= hold:
            fired, told = fired + 1, True
        before = moment
    return fired


def _noise(outlook: Outlook) -> Iterator[Found]:
    limit, now, day = outlook.rule.limit, outlook.now, outlook.day
    if limit and now > limit:
        what, instead = f"it would have {now} alerts now, over its limit of {limit}", "aggregate, or raise it"
    elif now > MANY_NOW:
        what, instead = f"it would have {now} alerts now", "aggregate, so that one alert tells it"
    elif day is not None and day > MANY_A_DAY:
        what = f"it would have fired {day} times over the last day"
        instead = "a longer `for`, or `clear`, would calm it"
    else:
        return
    yield what, instead, "noisy"
