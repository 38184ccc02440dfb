"""What the templates of messages can do beyond those of rules: Alertmanager's functions.

Knows what each function answers, and how labels are listed in pairs. Must not know which variables a
message has (`render/own.py`) nor how texts written for Alertmanager are read (`gotemplates/`).

Source: prometheus/alertmanager template/template.go; the tests ask amtool for the same answers.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from hbalert.config.values import time_zone
from hbalert.templating.gofmt import number, show
from hbalert.templating.gotime import Moment
from hbalert.templating.sandbox import Names

_FIRST = "alertname"


class Pair(NamedTuple):
    """A label or an annotation."""

    name: str
    value: str


def pairs(names: Any) -> list[Pair]:
    """Labels by name, alertname before all others."""
    if isinstance(names, Mapping):
        return [Pair(name, names[name]) for name in sorted(names, key=lambda name: (name != _FIRST, name))]
    if isinstance(names, list) and all(isinstance(each, Pair) for each in names):
        return names
    raise ValueError(f"{show(names)[:80]!r} has no pairs; labels and annotations have")


def remove(names: Any, unwanted: Iterable[Any]) -> Names:
    """Labels without those of the given names."""
    if not isinstance(names, Mapping):
        raise ValueError(f"{show(names)[:80]!r} has no names; labels and annotations have")
    gone = set(map(show, unwanted))
    return Names({name: names[name] for name in names if name not in gone})


def _moment(value: Any) -> Moment:
    if not isinstance(value, Moment):
        raise ValueError(f"{show(value)[:80]!r} is not a time; an alert's start and end are")
    return value


def url_unescape(text: Any) -> str:
    """a%20b+c -> a b c."""
    return unquote_plus(show(text), errors="replace")


def to_json(value: Any) -> str:
    """JSON as Go writes it: names in order, and nothing that could end a script in HTML."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {show(name): _plain(value[name]) for name in sorted(value)}
    if isinstance(value, Pair):
        return {"Name": value.name, "Value": value.value}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Moment):
        return value.Format("2006-01-02T15:04:05.999999999Z07:00")
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else float(number(value))
    if value is None or isinstance(value, str | bool | int):
        return show(value) if isinstance(value, str) else value
    raise ValueError("toJson takes texts, numbers, labels and lists of them")


def base64_decode(text: Any) -> str:
    """The text that base64 hides, in either alphabet."""
    given = show(text)
    padded = given + "=" * (-len(given) % 4)
    try:
        data = urlsafe_b64decode(padded) if {"-", "_"} & set(given) else b64decode(padded, validate=True)
    except ValueError:
        raise ValueError(f"{given[:80]!r} is not base64") from None
    return data.decode("utf-8", "replace")


MESSAGE_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "base64decode": base64_decode,
    "base64encode": lambda text: urlsafe_b64encode(show(text).encode("utf-8", "replace")).decode(),
    "date": lambda layout, moment: _moment(moment).Format(show(layout)),
    "safeUrl": show,
    "toJson": to_json,
    "trimSpace": lambda text: show(text).strip(),
    "tz": lambda name, moment: _moment(moment).within(time_zone(show(name))),
    "urlUnescape": url_unescape,
}
"""By name, arguments in Go's order: as a filter, what is piped in is the last one."""

MESSAGE_FILTERS: Mapping[str, Callable[..., Any]] = {
    "pairs": pairs,
    "names": lambda names: [pair.name for pair in pairs(names)],
    "values": lambda names: [pair.value for pair in pairs(names)],
    "remove": remove,
}
"""In Jinja2's order: what is piped in is the first argument."""
