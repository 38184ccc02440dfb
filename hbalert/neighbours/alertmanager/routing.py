"""Routes, inhibition and time intervals: Alertmanager's YAML -> our TOML.

Knows the keys of routing in both, the old ones (`match`, `source_match_re`, `mute_time_intervals` at the
top) included. Must not know receivers beyond their names. Source of the rules: Alertmanager's
config/config.go, Route.UnmarshalYAML and Config.UnmarshalYAML.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hbalert.config import intervals
from hbalert.config.duration import format_duration
from hbalert.config.values import time_zone
from hbalert.core.matcher import Matcher, Op, make, parse_list
from hbalert.core.route import EVERYTHING
from hbalert.neighbours.keys import Keys, halves
from hbalert.neighbours.toml_text import TomlValue, pair, remark
from hbalert.regex import compile_regex
from hbalert.templating.expressions import meant

_TIMERS = ("group_wait", "group_interval", "repeat_interval")


class RouteTables:
    """The tree of routes as TOML tables.

    count  routes so far
    """

    def __init__(self, receivers: Collection[str], interval_names: Collection[str], file: str) -> None:
        self.count = 0
        self._receivers = receivers
        self._intervals = interval_names
        self._file = file

    def lines(self, route: Keys, header: str = "route") -> Iterator[str]:
        """The table of a route and of those below it."""
        self.count += 1
        root = header == "route"
        place = f"{remark(self._file)}:{route.line}"
        yield ""
        yield f"[{header}]" if root else f"[[{header}]]".ljust(37) + f" # {place}"
        yield from self._receiver(route, root)
        found = list(matchers(route, "match", "match_re", "matchers"))
        if found and not root:
            yield pair("matchers", [each.spell() for each in found])
        if found and root:
            route.report.refuse(route.line, route.path, "the first route must not have matchers")
        if labels := _group_by(route):
            yield pair("group_by", labels)
        for name in _TIMERS:
            if (time := route.duration(name)) is not None:
                if not time and name != "group_wait":
                    route.refuse(name, "must be longer than 0")
                yield pair(name, format_duration(time))
        if route.flag("continue"):
            if root:
                route.refuse("continue", "the first route must not have it")
            yield pair("continue", True)
        for name in ("mute_time_intervals", "active_time_intervals"):
            if names := list(self._interval_names(route, name)):
                if root:
                    route.refuse(name, "the first route must not have it")
                yield pair(name, names)
        children = route.tables("routes")
        if "labels" in route:
            route.lacks("labels", "labels of a route have no equal")
        route.rest()
        for child in children:
            yield from self.lines(child, f"{header}.routes")

    def _receiver(self, route: Keys, root: bool) -> Iterator[str]:
        name = route.text("receiver")
        if not name and root:
            route.report.refuse(route.line, route.path, "the first route has no receiver")
        if name and name not in self._receivers:
            near = meant(name, self._receivers)
            route.refuse("receiver", f'there is no receiver "{name}"{near}')
        if name:
            yield pair("receiver", name)

    def _interval_names(self, route: Keys, key: str) -> Iterator[str]:
        for name, line, path in route.texts(key):
            if name not in self._intervals:
                route.report.refuse(
                    line, path, f'there is no time interval "{name}"{meant(name, self._intervals)}'
                )
            yield name


def _group_by(route: Keys) -> list[str]:
    """Nothing where nothing is given: an empty list means the parent's, as in Alertmanager."""
    labels: list[str] = []
    for label, line, path in route.texts("group_by"):
        if not label or any(char.isspace() or char in '{}"=,' for char in label):
            route.report.lacks(line, path, f"{label!r} cannot be a label's name here")
        elif label in labels:
            route.report.refuse(line, path, f'"{label}" is there twice')
        else:
            labels.append(label)
    if EVERYTHING in labels and len(labels) > 1:
        route.refuse("group_by", f'"{EVERYTHING}" means every label and stands alone')
    return labels


def matchers(table: Keys, equal: str, regex: str, modern: str) -> list[Matcher]:
    """The conditions of a route, or of one side of an inhibition, from the old keys and the new one.

    Where a merge key (`<<`) brought conditions, Alertmanager asks for those too; so does this.
    """
    found: list[Matcher] = []
    for key, op in ((equal, Op.EQUAL), (regex, Op.REGEX)):
        for name, value in table.names(key, joined=True).items():
            place = f"{table.at(key)}.{name}"
            if value.is_null and op is Op.REGEX:
                table.report.refuse(value.line, place, "a pattern must not be null")
                continue
            text = "" if value.is_null else value.text
            try:
                found.append(make(name, op, text, compile_regex))
            except ValueError as error:
                table.report.refuse(value.line, place, *halves(error))
    for text, line, path in table.texts(modern, joined=True):
        try:
            found += parse_list(text, compile_regex)
        except ValueError as error:
            table.report.refuse(line, path, *halves(error))
    return sorted(found, key=lambda each: (each.name, each.value, each.op.value))


def inhibit_rules(top: Keys) -> Iterator[str]:
    """[[inhibit_rules]], each side of which must say something here."""
    for rule in top.tables("inhibit_rules"):
        sides = {
            side: matchers(rule, f"{side}_match", f"{side}_match_re", f"{side}_matchers")
            for side in ("source", "target")
        }
        equal = [label for label, _, _ in rule.texts("equal")]
        rule.text("name")
        rule.rest()
        if empty := [side for side, found in sides.items() if not found]:
            what = f"the {empty[0]} has no matchers: it is every alert"
            rule.report.lacks(
                rule.line, rule.path, what, "name what is meant, in [[inhibit_rules]] of config.toml"
            )
            continue
        yield ""
        yield "[[inhibit_rules]]"
        for side, found in sides.items():
            yield pair(f"{side}_matchers", [each.spell() for each in found])
        if equal:
            yield pair("equal", list(dict.fromkeys(equal)))


# --- time intervals ----------------------------------------------------------------------------


def interval_names(top: Keys) -> dict[str, Keys]:
    """The named intervals of both lists, the old one included."""
    found: dict[str, Keys] = {}
    for key in ("time_intervals", "mute_time_intervals"):
        for table in top.tables(key):
            name = table.text("name")
            if not name:
                table.report.refuse(table.line, table.path, "a time interval needs a name")
            elif name in found:
                table.refuse("name", f'there is a time interval "{name}" already')
            found.setdefault(name, table)
    return found


def time_intervals(named: dict[str, Keys]) -> Iterator[str]:
    """[[time_intervals]]."""
    for name, table in named.items():
        yield ""
        yield "[[time_intervals]]"
        yield pair("name", name)
        for part in table.tables("time_intervals"):
            yield "[[time_intervals.time_intervals]]"
            yield from _interval(part)
        table.rest()


def _interval(part: Keys) -> Iterator[str]:
    times: list[TomlValue] = []
    for span in part.tables("times"):
        start, end = span.text("start_time"), span.text("end_time")
        try:
            intervals.times(start, end)
        except ValueError as error:
            span.report.refuse(span.line, span.path, *halves(error))
        times.append({"start_time": start, "end_time": end})
        span.rest()
    if times:
        yield pair("times", times)
    for key in ("weekdays", "days_of_month", "months", "years"):
        ranges = []
        for text, line, path in part.texts(key):
            try:
                getattr(intervals, key)(text)
            except ValueError as error:
                part.report.refuse(line, path, *halves(error))
            ranges.append(text)
        if ranges:
            yield pair(key, ranges)
    yield from _location(part)
    part.rest()


def _location(part: Keys) -> Iterator[str]:
    name = part.text("location")
    if name == "Local":
        part.lacks(
            "location", "which zone Local is depends on the machine; UTC stands there", "name the zone"
        )
    elif name:
        try:
            time_zone(name)
        except ValueError as error:
            part.refuse("location", *halves(error))
        yield pair("location", name)
