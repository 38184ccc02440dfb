"""Every function gives what Prometheus gives; `test_promtool.py` holds Prometheus to the same table."""

from __future__ import annotations

import pytest

from hbalert.core.labels import Labels
from hbalert.templating import compile
from hbalert.templating.functions import FUNCTIONS, first, sort_by_label
from tests.templating.cases import FAILING, LABELS, NEWER, RULES

URL = "http://prometheus.example.com:9090/path/prefix"


class Sample:
    def __init__(self, value: float, **labels: str) -> None:
        self.value = value
        self.labels = labels


def expand(text: str, value: float = 1.0) -> str:
    return compile(text).expand(Labels(LABELS), value, {"site": "home"}, URL)


@pytest.mark.parametrize(("text", "expected", "value"), RULES + NEWER)
def test_a_text_becomes_what_prometheus_makes_of_it(text: str, expected: str, value: float) -> None:
    assert expand(text, value) == expected


@pytest.mark.parametrize(("text", "complaint"), FAILING)
def test_a_text_that_fails_says_why(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:
        expand(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ externalURL }}", URL),
        ("{{ $externalURL }} {{ .ExternalURL }} {{ external_url }}", f"{URL} {URL} {URL}"),
        ("{{ pathPrefix }}", "/path/prefix"),
        ("{{ printf `%s/x` externalURL }}", f"{URL}/x"),
    ],
)
def test_the_address_of_prometheus_is_known_to_a_text(text: str, expected: str) -> None:
    """Not in the table: this promtool knows no external URL."""
    assert expand(text) == expected


def test_a_map_prints_with_its_names_sorted() -> None:
    labels = Labels({"job": "b", "bot": "a"})
    assert compile("{{ $labels }}").expand(labels, 1.0, {}, "") == "map[bot:a job:b]"


def test_samples_of_a_query_are_taken_apart_as_in_prometheus() -> None:
    samples = [Sample(2.0, bot="b", __value__="two"), Sample(1.0, bot="a")]
    ordered = sort_by_label("bot", samples)
    assert [FUNCTIONS["value"](sample) for sample in ordered] == [1.0, 2.0]
    assert FUNCTIONS["label"]("bot", first(samples)) == "b"
    assert FUNCTIONS["label"]("none", first(samples)) == ""
    assert FUNCTIONS["strvalue"](first(samples)) == "two"


@pytest.mark.parametrize("call", [lambda: first([]), lambda: FUNCTIONS["value"]("no sample")])
def test_what_is_no_sample_is_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{{ printf "%9999d" 1 }}', "at most 1000"),
        ('{{ printf "%.9999f" 1.0 }}', "at most 1000"),
        ('{{ printf "%*d" 99999999 1 }}', "at most 1000"),
        ('{{ printf "%[1]d" 1 }}', "not supported"),
        ('{{ printf "%x" 1.5 }}', "not supported"),
    ],
)
def test_printf_refuses_what_would_fill_the_memory_or_is_not_known(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="printf") as caught:
        expand(text)
    assert complaint in str(caught.value)


def test_a_duration_beyond_all_days_stays_in_seconds() -> None:
    """Not in the table: Prometheus' integers overflow here and it says -106751991167300d -15h."""
    assert expand("{{ humanizeDuration $value }}", 1e20) == "1e+20s"
