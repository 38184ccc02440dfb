"""What Alertmanager's values are called in our templates, and what can be asked of each.

Knows the kinds of values, their fields and methods. Must not know Go's syntax (`tree.py`), functions
(`calls.py`) or blocks (`jinja.py`). Source: prometheus/alertmanager template.Data.

A value is a piece of Jinja2 source with its kind. Some exist only while translating: the whole
notification, a pair of a label, a `dict`; those have parts, but nothing that could be shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from hbalert.templating.expressions import meant


class Kind(Enum):
    """What a value is, as far as its parts matter."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOL = "true or false"
    NIL = "nil"
    TIME = "a time"
    DURATION = "a duration"
    NAMES = "labels"
    PAIRS = "pairs of labels"
    ALERT = "an alert"
    ALERTS = "alerts"
    LIST = "a list"
    PARTS = "something of several parts"


class Bind(Enum):
    """How tightly the source of a value holds together; what is tighter needs no brackets."""

    LOGIC = 0
    COMPARE = 1
    SUM = 2
    FILTER = 3
    NAME = 4


@dataclass(frozen=True, slots=True)
class Value:
    """Jinja2 source and what it is. `of` is the kind of a list's items; `parts` those of PARTS."""

    source: str
    kind: Kind
    bind: Bind = Bind.NAME
    of: Kind = Kind.TEXT
    parts: Mapping[str, Value] = field(default_factory=dict)

    def at_least(self, bind: Bind) -> str:
        """The source, in brackets where it would fall apart."""
        return self.source if self.bind.value >= bind.value else f"({self.source})"

    def filtered(self, name: str, kind: Kind, *arguments: str, of: Kind = Kind.TEXT) -> Value:
        """This value through a filter."""
        brackets = f"({', '.join(arguments)})" if arguments else ""
        return Value(f"{self.at_least(Bind.FILTER)}|{name}{brackets}", kind, Bind.FILTER, of)


class NoSuchField(ValueError):
    """A value does not have what is asked of it."""


def text(value: str) -> str:
    """A string of Jinja2."""
    return json.dumps(value, ensure_ascii=False)


def notification() -> Value:
    """What `.` is where a template begins."""
    kinds = {
        "Receiver": ("receiver", Kind.TEXT),
        "Status": ("status", Kind.TEXT),
        "Alerts": ("alerts", Kind.ALERTS),
        "GroupLabels": ("group_labels", Kind.NAMES),
        "CommonLabels": ("common_labels", Kind.NAMES),
        "CommonAnnotations": ("common_annotations", Kind.NAMES),
        "RouteLabels": ("route_labels", Kind.NAMES),
        "ExternalURL": ("external_url", Kind.TEXT),
        "NotificationReason": ("notification_reason", Kind.TEXT),
    }
    return Value("", Kind.PARTS, parts={name: Value(source, kind) for name, (source, kind) in kinds.items()})


_ALERT = {
    "Status": ("status", Kind.TEXT),
    "Labels": ("labels", Kind.NAMES),
    "Annotations": ("annotations", Kind.NAMES),
    "StartsAt": ("start", Kind.TIME),
    "EndsAt": ("end", Kind.TIME),
    "GeneratorURL": ("generator_url", Kind.TEXT),
    "Fingerprint": ("fingerprint", Kind.TEXT),
}
_TIME = {
    **dict.fromkeys(("UTC", "Local"), Kind.TIME),
    **dict.fromkeys(("Unix", "Year", "Day", "Hour", "Minute", "Second", "YearDay"), Kind.NUMBER),
    **dict.fromkeys(("Month", "Weekday"), Kind.TEXT),
    "IsZero": Kind.BOOL,
}
_TIME_METHODS = {"Format": Kind.TEXT, "Add": Kind.TIME, "Sub": Kind.DURATION}
_DURATION = dict.fromkeys(("Seconds", "Minutes", "Hours"), Kind.NUMBER)
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def part(value: Value, name: str, arguments: Sequence[Value] = ()) -> Value:
    """`.name` of a value, called with the arguments where it is a method. Raises NoSuchField."""
    made = _KINDS.get(value.kind, _nothing)(value, name, arguments)
    if made is None:
        raise _unknown(value, name)
    if arguments and name not in _TAKES:
        raise NoSuchField(f".{name} takes no arguments")
    return made


_TAKES = {*_TIME_METHODS, "Remove"}


def item(names: Value, name: str) -> Value:
    """One label."""
    bare = _BARE.fullmatch(name)
    tail = f".{name}" if bare else f"[{text(name)}]"
    return Value(names.at_least(Bind.NAME) + tail, Kind.TEXT)


def pair(name: str, value: str) -> Value:
    """A label of which two names of variables hold name and value."""
    return Value("", Kind.PARTS, parts={"Name": Value(name, Kind.TEXT), "Value": Value(value, Kind.TEXT)})


def _parts(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    return value.parts.get(name)


def _attribute(value: Value, name: str, kind: Kind) -> Value:
    return Value(f"{value.at_least(Bind.NAME)}.{name}", kind)


def _of_alert(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    return _attribute(value, *_ALERT[name]) if name in _ALERT else None


def _of_alerts(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    if name not in ("Firing", "Resolved"):
        return None
    if value.source == "alerts":
        return Value(name.lower(), Kind.ALERTS)
    return value.filtered("selectattr", Kind.ALERTS, text("status"), text("eq"), text(name.lower())).filtered(
        "list", Kind.ALERTS
    )


def _of_names(value: Value, name: str, arguments: Sequence[Value]) -> Value | None:
    if name == "SortedPairs":
        return value.filtered("pairs", Kind.PAIRS)
    if name in ("Names", "Values"):
        return value.filtered(name.lower(), Kind.LIST)
    if name == "Remove":
        if len(arguments) != 1:
            raise NoSuchField(".Remove takes one list")
        return value.filtered("remove", Kind.NAMES, arguments[0].source)
    return item(value, name)


def _of_pairs(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    return value.filtered(name.lower(), Kind.LIST) if name in ("Names", "Values") else None


def _of_time(value: Value, name: str, arguments: Sequence[Value]) -> Value | None:
    if name in _TIME:
        return _attribute(value, name, _TIME[name])
    if name == "String":
        return value.filtered("string", Kind.TEXT)
    if name not in _TIME_METHODS:
        return None
    if len(arguments) != 1:
        raise NoSuchField(f".{name} takes one argument")
    source = f"{value.at_least(Bind.NAME)}.{name}({arguments[0].source})"
    return Value(source, _TIME_METHODS[name])


def _of_duration(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    if name == "String":
        return value.filtered("string", Kind.TEXT)
    return _attribute(value, name, _DURATION[name]) if name in _DURATION else None


def _nothing(value: Value, name: str, _: Sequence[Value]) -> Value | None:
    return None


_KINDS: Mapping[Kind, Callable[[Value, str, Sequence[Value]], Value | None]] = {
    Kind.PARTS: _parts,
    Kind.ALERT: _of_alert,
    Kind.ALERTS: _of_alerts,
    Kind.NAMES: _of_names,
    Kind.PAIRS: _of_pairs,
    Kind.TIME: _of_time,
    Kind.DURATION: _of_duration,
}

_KNOWN: Mapping[Kind, Sequence[str]] = {
    Kind.ALERT: list(_ALERT),
    Kind.ALERTS: ["Firing", "Resolved"],
    Kind.PAIRS: ["Names", "Values"],
    Kind.TIME: [*_TIME, *_TIME_METHODS, "String"],
    Kind.DURATION: [*_DURATION, "String"],
}


def _unknown(value: Value, name: str) -> NoSuchField:
    known = list(value.parts) if value.kind is Kind.PARTS else _KNOWN.get(value.kind, ())
    if value.kind is Kind.ALERTS and name in _ALERT:
        return NoSuchField(f".{name} belongs to one alert, and this is a list; use {{{{ range .Alerts }}}}")
    if "Receiver" in value.parts and name in _ALERT:
        hint = {"Labels": "CommonLabels", "Annotations": "CommonAnnotations"}.get(name, "Alerts")
        return NoSuchField(f".{name} belongs to one alert; did you mean .{hint}?")
    what = value.kind.value if value.kind is not Kind.PARTS else "this"
    return NoSuchField(f"{what} has no .{name}{meant(name, known, '.')}")
