"""promtool's notation of series, apart from promtool; `test_beside_promtool.py` asks it about the same."""

from __future__ import annotations

import math

import pytest

from hbalert.neighbours.prometheus.series import MAX_VALUES, is_stale, metric, values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("1 2", [1, 2]),
        ("_ 1 _x2", [None, 1, None, None]),
        ("3x2", [3, 3, 3]),
        ("1+2x3", [1, 3, 5, 7]),
        ("1-2x2", [1, -1, -3]),
        ("-1-1x1", [-1, -2]),
        ("0x1", [0, 0]),
        ("1e1+1e0x1", [10, 11]),
        ("Inf -inf", [math.inf, -math.inf]),
    ],
)
def test_values_are_read(text: str, expected: list[float | None]) -> None:
    assert values(text) == expected


def test_stale_is_a_nan_of_its_own() -> None:
    stale, nan = values("stale NaN")
    assert stale is not None
    assert nan is not None
    assert (is_stale(stale), is_stale(nan), math.isnan(stale)) == (True, False, True)


@pytest.mark.parametrize(
    "text", ["x", "1x", "1+1", "1 +", "stalex2", "NaNx2", "1,2", "0x1f", "{{schema:1}}", "1x-1"]
)
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        values(text)


def test_too_many_values_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        values(f"1x{MAX_VALUES} 1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up", {"__name__": "up"}),
        ("up{a=\"b\",c='d'}", {"__name__": "up", "a": "b", "c": "d"}),
        ('{__name__="up"}', {"__name__": "up"}),
        ("{}", {}),
        ('a{b="x \\" \\\\ y"}', {"__name__": "a", "b": 'x " \\ y'}),
    ],
)
def test_the_labels_of_a_series_are_read(text: str, expected: dict[str, str]) -> None:
    assert metric(text) == expected


@pytest.mark.parametrize("text", ["", "a > 1", 'a{b!="c"}', "a offset 5m", "a[5m]", "a{", "sum(a)", "1"])
def test_what_is_no_series_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        metric(text)
