"""The running configuration as Alertmanager's YAML, as far as the two have the same things.

Knows the keys of Alertmanager's configuration. Must not know how ours is read. `amtool config show`
and `amtool config routes test` work with it; receivers have names only: addresses and secrets are
not shown. Every text is a JSON string, which is a YAML string, too. `hbalert import alertmanager` reads it
back. What Alertmanager cannot say is left out: a list of repeat intervals is its first one, and a route
that groups by nothing below one that groups by something seems to inherit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from hbalert.config.duration import format_duration
from hbalert.config.types import Config
from hbalert.core.interval import TimeInterval
from hbalert.core.matcher import Matcher
from hbalert.core.route import Route

_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def alertmanager_yaml(config: Config) -> str:
    """The whole document."""
    return "\n".join(_document(config)) + "\n"


def _document(config: Config) -> Iterator[str]:
    yield "global:"
    yield f"  resolve_timeout: {format_duration(config.alerts.resolve_timeout)}"
    yield "route:"
    yield from _route(config.route, "  ", root=True)
    if config.inhibit_rules:
        yield "inhibit_rules:"
        for rule in config.inhibit_rules:
            yield f"- source_matchers: {_matchers(rule.source)}"
            yield f"  target_matchers: {_matchers(rule.target)}"
            if rule.equal:
                yield f"  equal: {_list(rule.equal)}"
    if config.time_intervals:
        yield "time_intervals:"
        for name, intervals in config.time_intervals.items():
            yield f"- name: {_text(name)}"
            yield "  time_intervals:"
            for interval in intervals:
                yield from _interval(interval)
    yield "receivers:"
    for name in sorted({*config.receivers, *(route.receiver for route in _walk(config.route))}):
        yield f"- name: {_text(name)}"


def _walk(route: Route) -> Iterator[Route]:
    yield route
    for child in route.routes:
        yield from _walk(child)


def _route(route: Route, indent: str, *, root: bool = False) -> Iterator[str]:
    yield f"{indent}receiver: {_text(route.receiver)}"
    if route.group_by:
        yield f"{indent}group_by: {_list(route.group_by)}"
    if route.matchers:
        yield f"{indent}matchers: {_matchers(route.matchers)}"
    if route.continue_ and not root:
        yield f"{indent}continue: true"
    yield f"{indent}group_wait: {format_duration(route.group_wait)}"
    yield f"{indent}group_interval: {format_duration(route.group_interval)}"
    yield f"{indent}repeat_interval: {format_duration(route.repeat_intervals[0])}"
    if not root:  # ours may have them, Alertmanager's may not
        for key, names in (
            ("mute_time_intervals", route.mute_time_intervals),
            ("active_time_intervals", route.active_time_intervals),
        ):
            if names:
                yield f"{indent}{key}: {_list(names)}"
    if route.routes:
        yield f"{indent}routes:"
        for child in route.routes:
            lines = _route(child, indent + "  ")
            yield f"{indent}- {next(lines).lstrip()}"
            yield from lines


_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


def _interval(interval: TimeInterval) -> Iterator[str]:
    lines = []
    if interval.times:
        spans = (
            f'{{start_time: "{_clock(span.start)}", end_time: "{_clock(span.end)}"}}'
            for span in interval.times
        )
        lines.append(f"times: [{', '.join(spans)}]")
    if interval.weekdays:
        days = (f"{_WEEKDAYS[span.first]}:{_WEEKDAYS[span.last]}" for span in interval.weekdays)
        lines.append(f"weekdays: {_list(days)}")
    for key, spans_of in (
        ("days_of_month", interval.days_of_month),
        ("months", interval.months),
        ("years", interval.years),
    ):
        if spans_of:
            lines.append(f"{key}: {_list(f'{span.first}:{span.last}' for span in spans_of)}")
    lines.append(f"location: {_text(str(interval.location))}")
    yield f"  - {lines[0]}"
    yield from (f"    {line}" for line in lines[1:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _matchers(matchers: Sequence[Matcher]) -> str:
    return _list(matcher.spell() for matcher in matchers)


def _list(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"


def _text(text: str) -> str:
    """JSON as YAML takes it: characters beyond the basic plane as they are, no unprintable ones."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _NOT_PRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
