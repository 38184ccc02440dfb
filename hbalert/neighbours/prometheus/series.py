"""promtool's notation of series: `up{job="a"}` and `1 1 _ 0+5x10 stale`.

Knows the grammar. Must not know what the values are for. Source: promql/parser, series descriptions.

    _        no sample          _xN       N times
    stale    the series ends here
    AxN      A, and N times again
    A+BxN    A, A+B, ... : N more      A-BxN   likewise
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import promql_parser

from hbalert.promql import parse

STALE: float = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
"""The NaN by which Prometheus marks the end of a series."""

MAX_VALUES = 1_000_000
"""Of one series."""

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ITEM = re.compile(
    rf"(?P<blank>_)(?:x(?P<blanks>\d+))?|(?P<stale>stale)|(?P<word>[+-]?(?i:inf|nan))"
    rf"|(?P<first>[+-]?{_NUMBER})(?:(?P<step>[+-]{_NUMBER})?x(?P<more>\d+))?"
)


def values(text: str) -> list[float | None]:
    """The values of a series, one for each interval; None: no sample. Raises ValueError, fit to show.

    >>> values("1 _x2 0+5x2")
    [1.0, None, None, 0.0, 5.0, 10.0]
    """
    found: list[float | None] = []
    for item in text.split():
        for value in _item(item):
            found.append(value)
            if len(found) > MAX_VALUES:
                raise ValueError(f"this is more than {MAX_VALUES} values")
    return found


def is_stale(value: float) -> bool:
    """Whether a value is that mark, and not any other NaN."""
    return struct.pack("<d", value) == struct.pack("<d", STALE)


def _item(item: str) -> Iterator[float | None]:
    found = _ITEM.fullmatch(item)
    if found is None:
        if "{{" in item or "}}" in item:
            raise ValueError("native histograms are not read; a rule judges numbers")
        raise ValueError(f"{item!r} is no value; write for example 1, _x3, stale, 5x10 or 0+5x10")
    if found["blank"]:
        for _ in range(int(found["blanks"] or 1)):
            yield None
    elif found["stale"]:
        yield STALE
    else:
        value = float(found["word"] or found["first"])
        yield value
        for _ in range(int(found["more"] or 0)):
            value += float(found["step"] or 0)
            yield value


def metric(text: str) -> dict[str, str]:
    """The labels of a series, its name as __name__. Raises ValueError, fit to show.

    >>> metric('up{job="a"}') == {"__name__": "up", "job": "a"}
    True
    """
    if re.fullmatch(r"\s*\{\s*\}\s*", text):
        return {}
    try:
        tree = parse(text)
    except ValueError:
        tree = None
    if not isinstance(tree, promql_parser.VectorSelector) or tree.offset or tree.at:
        raise ValueError(f"{text!r} is no series; write for example 'up{{job=\"a\"}}'")
    labels = {"__name__": tree.name} if tree.name else {}
    for each in tree.matchers.matchers:
        if str(each.op) != "MatchOp.Equal":
            raise ValueError(f"{text!r} is no series: its labels are given by =")
        labels[each.name] = each.value
    return labels
