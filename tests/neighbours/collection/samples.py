"""Series for whatever a collection of rules reads, so that a good part of it fires.

Two instances of everything that an expression selects, with the labels that its matchers ask for. What the
values are follows from the names alone, so that every run plays the same.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

from hbalert.config.expression import grouping, selectors

STEP = 15
SAMPLES = 50
"""So many, one every STEP seconds, the last one now."""

_SLOPES = (0.0, 0.001, 0.3, 2.0, 500.0)
_LEVELS = (0.0, 1.0, 0.07, 3.0, 97.0, 1e4, 5e9)
_COUNTS = re.compile(
    r"_(total|count|sum|seen|failed_count|bucket|commit|rollback|hit|read|queries|kill)$|Errors$|Octets$"
)
_BOUNDS = ("0.1", "1", "10", "+Inf")


def series_of(exprs: Iterable[str]) -> list[dict[str, str]]:
    """The label sets that these expressions could read, each once."""
    found: dict[tuple[tuple[str, str], ...], None] = {}
    for expr in exprs:
        groups = {label for label in grouping(expr) if label not in ("le", "job", "instance")}
        for selector in selectors(expr):
            if not selector.name or (selector.may_lack and len(selector.name) % 2):
                continue
            wanted = {label: meant for label, op, value in selector.matchers if (meant := _meets(op, value))}
            for instance in ("a.example.org:9100", "b:9100"):
                labels = {"instance": instance, "job": "odd" if "odd" in selector.name else "service"}
                labels |= dict.fromkeys(groups, "one") | wanted | {"__name__": selector.name}
                for bound in _BOUNDS if selector.name.endswith("_bucket") else ("",):
                    each = {"le": bound, **labels} if bound and "le" not in labels else labels
                    found[tuple(sorted(each.items()))] = None
    return [dict(labels) for labels in found]


def _meets(op: str, value: str) -> str:
    """A value of a label that satisfies a matcher."""
    if op == "=":
        return value
    if op == "=~":
        return (
            re.sub(r"^\^|[()$]", "", value)
            .split("|")[0]
            .replace("[.]", ".")
            .replace("..", "00")
            .rstrip(".+*")
        )
    return "some"


def at(labels: Mapping[str, str], now: float, back: int) -> float:
    """The value of a series `back` seconds ago."""
    luck = zlib.crc32(repr(sorted((k, v) for k, v in labels.items() if k != "le")).encode())
    name = labels["__name__"]
    if name == "up" or "_up" in name or name.endswith("success"):
        return float(luck % 3 > 0)
    if re.search(r"(timestamp|_start_time|boot_time|handshake|last_auto|cert_expiry|last_save)", name):
        return now + (luck % 7 - 4) * 86400.0
    if _COUNTS.search(name):
        grown = 1e6 + _SLOPES[luck % len(_SLOPES)] * (SAMPLES * STEP - back)
        share = {"0.1": 0.3, "1": 0.6, "10": 0.9}.get(labels.get("le", ""), 1.0)
        return grown * share
    level = _LEVELS[luck % len(_LEVELS)]
    return level + (luck // 7 % 3 - 1) * level * 0.01 * ((SAMPLES * STEP - back) / STEP)


def samples(
    series: Iterable[Mapping[str, str]], now: float, back: int
) -> Iterator[tuple[Mapping[str, str], float]]:
    """What there was `back` seconds ago."""
    return ((labels, at(labels, now, back)) for labels in series)
