"""Prometheus' template functions, with Prometheus' results to the letter.

Knows what each function answers; arguments come in Go's order, so a value that is piped in is the
last one. Must not know the template language or what alerts are. What is looked up while a
template runs (`query`, `now`) is not here. Next: `dialect.py`.

Source: prometheus/prometheus template/template.go; the tests ask promtool for the same answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote_plus

from hbalert.config.duration import parse_duration
from hbalert.regex import compile_re2
from hbalert.templating.budget import MAX_TEXT, checked
from hbalert.templating.gofmt import number, show, sprint, sprintf
from hbalert.templating.gotime import Duration, Moment, moment

_FLOAT = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan)", re.I | re.ASCII)
_GROUP = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


class BadPattern(ValueError):
    """A regular expression that RE2 does not take."""


# --- numbers for people ------------------------------------------------------------------------


def _float(value: Any) -> float:
    """What Go's convertToFloat makes of a value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Duration):
        raise ValueError(f"can't convert {show(value)!r} to a number")
    if isinstance(value, str) and not _FLOAT.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is not a number")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _scaled_down(value: float, prefixes: Sequence[str], step: float) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(value) < step:
            break
        prefix, value = larger, value / step
    return f"{_four(value)}{prefix}"


def _scaled_up(value: float) -> str:
    prefix = ""
    for smaller in "munpfazy":
        if abs(value) >= 1:
            break
        prefix, value = smaller, value * 1000
    return f"{_four(value)}{prefix}"


def _four(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else number(value)


def humanize(value: Any) -> str:
    """1234567 -> 1.235M, 0.12 -> 120m."""
    v = _float(value)
    if v == 0 or not math.isfinite(v):
        return _four(v)
    return _scaled_down(v, "kMGTPEZY", 1000.0) if abs(v) >= 1 else _scaled_up(v)


def humanize1024(value: Any) -> str:
    """1048576 -> 1Mi."""
    v = _float(value)
    if abs(v) <= 1 or not math.isfinite(v):
        return _four(v)
    return _scaled_down(v, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"), 1024.0)


def humanize_duration(value: Any) -> str:
    """Seconds: 3600 -> 1h 0m 0s, 0.1 -> 100ms."""
    v = _float(value)
    if not math.isfinite(v):
        return _four(v)
    if v == 0 or abs(v) >= 2**63:  # beyond that Go's integers overflow into nonsense
        return f"{_four(v)}s"
    if abs(v) < 1:
        return f"{_scaled_up(v)}s"
    sign = "-" if v < 0 else ""
    minutes, seconds = divmod(int(abs(v)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_four(abs(v))}s"


def humanize_percentage(value: Any) -> str:
    """0.1234567 -> 12.35%."""
    return f"{_four(_float(value) * 100)}%"


def humanize_timestamp(value: Any) -> str:
    """1435065584.128 -> 2015-06-23 13:19:44.128 +0000 UTC."""
    v = _float(value)
    return str(moment(v)) if math.isfinite(v) else _four(v)


def to_time(value: Any) -> Moment:
    """Seconds since 1970 as a moment, for `.Format`."""
    v = _float(value)
    if not math.isfinite(v):
        raise ValueError(f"{number(v)} is not a time")
    return moment(v)


# --- text --------------------------------------------------------------------------------------


def title(value: Any) -> str:
    """The first letter of each word in upper case; the rest stays."""
    out, before = [], " "
    for char in show(value):
        out.append(char.title() if _separates(before) and len(char.title()) == 1 else char)
        before = char
    return "".join(out)


def _separates(char: str) -> bool:
    if char == "_" or char.isalnum():
        return False
    return char.isascii() or char.isspace()


def to_upper(value: Any) -> str:
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in show(value))


def to_lower(value: Any) -> str:
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in show(value))


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> Any:
    try:
        return compile_re2(pattern)
    except ValueError as error:
        raise BadPattern(str(error)) from None


def match(pattern: Any, text: Any) -> bool:
    """Whether the regular expression is found anywhere in the text."""
    return _compile(show(pattern)).search(show(text)) is not None


def re_replace_all(pattern: Any, replacement: Any, text: Any) -> str:
    """Every match replaced; $1 and ${name} stand for groups, $$ for a dollar sign."""
    compiled, template, subject = _compile(show(pattern)), show(replacement), show(text)
    out: list[str] = []
    size, position, last_end = len(subject), 0, -1
    for found in compiled.finditer(subject):
        if found.start() == found.end() == last_end:
            continue  # Go does not match the empty text right behind a match
        piece = _filled(template, found)
        size += len(piece)
        if size > MAX_TEXT * 2:
            break
        out += (subject[position : found.start()], piece)
        position = last_end = found.end()
    out.append(subject[position:])
    return checked("".join(out))


def _filled(template: str, found: Any) -> str:
    def group(name: re.Match[str]) -> str:
        key = name[1] or name[2]
        if key is None:
            return "$"
        try:
            return found.group(int(key) if key.isdigit() else key) or ""
        except (IndexError, KeyError):
            return ""

    return _GROUP.sub(group, template)


# --- addresses ---------------------------------------------------------------------------------


def _split_host_port(text: str) -> tuple[str, str] | None:
    """Go's net.SplitHostPort; None where that gives an error."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return None
    if host.startswith("["):
        if not host.endswith("]"):
            return None
        host = host[1:-1]
    elif ":" in host:
        return None
    return None if "[" in host + port or "]" in host + port else (host, port)


def strip_port(address: Any) -> str:
    """foo.example.com:12345 -> foo.example.com."""
    text = show(address)
    parts = _split_host_port(text)
    return parts[0] if parts else text


def strip_domain(address: Any) -> str:
    """foo.example.com:12345 -> foo:12345; an IP address stays."""
    text = show(address)
    host, port = _split_host_port(text) or (text, "")
    try:
        if "/" not in host and "%" not in host:
            ip_address(host)
            return text
    except ValueError:
        pass
    host = host.split(".")[0]
    return f"{host}:{port}" if port else host


def query_escape(text: Any) -> str:
    return quote_plus(show(text), safe="", errors="replace")


def graph_link(expr: Any) -> str:
    return f"/graph?g0.expr={query_escape(expr)}&g0.tab=0"


def table_link(expr: Any) -> str:
    return f"/graph?g0.expr={query_escape(expr)}&g0.tab=1"


def html(*values: Any) -> str:
    text = values[0] if len(values) == 1 and isinstance(values[0], str) else sprint(*values)
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&#34;"), ("'", "&#39;")):
        text = text.replace(char, name)
    return text


# --- values and samples ------------------------------------------------------------------------


def first(values: Sequence[Any]) -> Any:
    if not isinstance(values, Sequence) or not values:
        raise ValueError("first() called on vector with no elements")
    return values[0]


def _labels(sample: Any) -> Mapping[str, str]:
    if not hasattr(sample, "labels"):
        raise ValueError(f"{show(sample)!r} is not a sample of a query's answer")
    labels: Mapping[str, str] = sample.labels
    return labels


def sort_by_label(name: str, samples: Sequence[Any]) -> list[Any]:
    return sorted(samples, key=lambda sample: _labels(sample).get(name, ""))


def index(values: Any, *keys: Any) -> Any:
    """An item of an item ...; a label that is not there is empty."""
    for key in keys:
        try:
            values = values.get(key, "") if isinstance(values, Mapping) else values[key]
        except (LookupError, TypeError):
            raise ValueError(f"index: {show(values)!r} has no item {show(key)!r}") from None
    return values


def length(values: Any) -> int:
    """Items; of a text its bytes, as Go counts."""
    return len(values.encode("utf-8", "replace")) if isinstance(values, str) else len(values)


def _equal(left: Any, *others: Any) -> bool:
    return any(left == other for other in others)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    # Prometheus
    "args": lambda *values: {f"arg{index}": value for index, value in enumerate(values)},
    "first": first,
    "graphLink": graph_link,
    "humanize": humanize,
    "humanize1024": humanize1024,
    "humanizeDuration": humanize_duration,
    "humanizePercentage": humanize_percentage,
    "humanizeTimestamp": humanize_timestamp,
    "label": lambda name, sample: _labels(sample).get(name, ""),
    "match": match,
    "parseDuration": lambda text: parse_duration(show(text)).total_seconds(),
    "reReplaceAll": re_replace_all,
    "safeHtml": show,
    "sortByLabel": sort_by_label,
    "stripDomain": strip_domain,
    "stripPort": strip_port,
    "strvalue": lambda sample: _labels(sample).get("__value__", ""),
    "tableLink": table_link,
    "title": title,
    "toDuration": lambda value: Duration(_float(value)),
    "toLower": to_lower,
    "toTime": to_time,
    "toUpper": to_upper,
    "urlQueryEscape": query_escape,
    "value": lambda sample: sample.value if hasattr(sample, "value") else _labels(sample),
    # Go's own
    "eq": _equal,
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "html": html,
    "index": index,
    "le": lambda left, right: left <= right,
    "len": length,
    "lt": lambda left, right: left < right,
    "ne": lambda left, right: left != right,
    "print": sprint,
    "printf": lambda text, *values: sprintf(show(text), *values),
    "println": lambda *values: sprint(*values, line=True),
    "slice": lambda text, start=0, end=None: text[start:end],
    "urlquery": lambda *values: query_escape(sprint(*values)),
}
"""Every function by its name in templates, arguments in Go's order."""

UNAVAILABLE: Mapping[str, str] = {
    "tmpl": "tmpl is not available; write the text in place",
    "call": "call is not available",
    "js": "js is not available",
}
"""Names that are known and cannot be had, with what to do instead."""
