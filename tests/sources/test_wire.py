"""The wire: bytes of the query API, as servers really write them, and who is to blame."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.errors import BadQuery, SourceError, TooMuch, Unavailable
from hbalert.sources.wire import MAX_TEXT, body, form, is_of_the_way, read, without_histograms


def ok(kind: str, result: object, **more: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def failed(kind: object, text: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


def test_a_body_holds_the_query_the_time_to_the_millisecond_and_the_time_out() -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    assert body(form('a{b="c d"} + 1\n# é'), at, 10_000) == (
        b"query=a%7Bb%3D%22c+d%22%7D+%2B+1%0A%23+%C3%A9&time=1767225600.250&timeout=10000ms"
    )


def test_a_vector_is_label_sets_with_values() -> None:
    answer = read(
        200,
        ok(
            "vector",
            [
                {"metric": {"__name__": "up", "a": 'x"y'}, "value": [1.5, "1"]},
                {"metric": {}, "value": [2, "-2.5e-3"]},
            ],
        ),
    )
    assert answer.series == [({"__name__": "up", "a": 'x"y'}, 1.0), ({}, -0.0025)]
    assert answer.warnings == ()


@pytest.mark.parametrize(
    ("written", "value"), [("NaN", math.nan), ("+Inf", math.inf), ("-Inf", -math.inf), ("1e-300", 1e-300)]
)
def test_values_that_json_has_no_number_for(written: str, value: float) -> None:
    ((_, found),) = read(200, ok("vector", [{"metric": {}, "value": [1, written]}])).series
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_a_scalar_is_one_value_without_labels() -> None:
    assert read(200, ok("scalar", [1.5, "3"])).series == [({}, 3.0)]


@pytest.mark.parametrize("result", [[], None])
def test_an_empty_answer_is_an_answer(result: object) -> None:
    assert read(200, ok("vector", result)).series == []


@pytest.mark.parametrize(
    ("kind", "result", "says"),
    [
        pytest.param("string", [1, "x"], "gives a string", id="string"),
        pytest.param("matrix", [], "gives a range vector.*rate", id="range vector"),
    ],
)
def test_what_is_no_instant_vector_is_the_fault_of_the_query(kind: str, result: object, says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        read(200, ok(kind, result))


def test_histograms_are_told_apart_from_numbers() -> None:
    answer = read(
        200,
        ok(
            "vector",
            [
                {"metric": {"a": "1"}, "histogram": [1, {"count": "3", "sum": "4", "buckets": []}]},
                {"metric": {"a": "2"}, "value": [1, "5"]},
            ],
        ),
    )
    assert answer.series == [({"a": "2"}, 5.0)]
    assert answer.histograms == ({"a": "1"},)
    assert "3 native histograms were left out" in without_histograms(3)[0]
    assert not answer.doubted, "the source is sure of it"


@pytest.mark.parametrize(
    ("more", "is_doubted"),
    [
        pytest.param({}, False, id="no warning: whole"),
        pytest.param({"warnings": ["a store is away"]}, True, id="a warning of Thanos"),
        pytest.param({"isPartial": True}, True, id="VictoriaMetrics says so"),
        pytest.param({"warnings": ["PromQL warning: bad quantile (1:3)"]}, False, id="about the expression"),
        pytest.param({"warnings": ["PromQL warning: x (1:3)", "away"]}, True, id="one of each"),
    ],
)
def test_an_answer_is_doubted_when_the_server_says_that_series_may_be_missing(
    more: dict[str, object], is_doubted: bool
) -> None:
    assert read(200, ok("vector", [], **more)).doubted is is_doubted


def test_warnings_are_kept_and_so_is_that_an_answer_is_partial() -> None:
    answer = read(200, ok("vector", [], warnings=["a store\nis away"], isPartial=True, infos=["ignored"]))
    assert answer.warnings == ("a store is away", "the answer is partial")
    assert answer.doubted


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        pytest.param(502, b"<html>Bad Gateway</html>", True, id="a proxy whose server is gone"),
        pytest.param(503, b"Service Unavailable", True, id="one that has nobody to ask"),
        pytest.param(503, failed("timeout", "query timed out"), False, id="the server has worked on it"),
        pytest.param(504, b"<html>Gateway Time-out</html>", False, id="a proxy that has waited"),
        pytest.param(500, b"oops", False, id="a server that fails"),
        pytest.param(200, b"<html>Log in</html>", False, id="a page"),
    ],
)
def test_whether_nobody_has_worked_on_a_query(status: int, content: bytes, expected: bool) -> None:
    assert is_of_the_way(status, content) is expected


@pytest.mark.parametrize(
    ("status", "content", "kind", "says"),
    [
        pytest.param(
            400, failed("bad_data", "1:4: parse error"), BadQuery, "1:4: parse error", id="bad_data"
        ),
        pytest.param(
            422, failed("execution", "many-to-many matching not allowed"), BadQuery, "many-to-many", id="422"
        ),
        pytest.param(422, failed("422", "cannot parse"), BadQuery, "cannot parse", id="VictoriaMetrics 422"),
        pytest.param(400, failed(400, "cannot parse"), BadQuery, "cannot parse", id="a number as errorType"),
        pytest.param(200, failed("bad_data", "no"), BadQuery, "no", id="an error under status 200"),
        pytest.param(200, failed("timeout", "late"), Unavailable, "late", id="a time-out under status 200"),
        pytest.param(
            422,
            failed(
                "execution", "query processing would load too many samples into memory in query execution"
            ),
            TooMuch,
            "too many samples",
            id="Prometheus: too many samples",
        ),
        pytest.param(
            400,
            failed(
                "400", "too long query; got 20000 bytes; mustn't exceed `-search.maxQueryLen=16384` bytes"
            ),
            TooMuch,
            "too long query",
            id="VictoriaMetrics: query too long",
        ),
        pytest.param(
            422,
            failed("execution", "the query exceeded the maximum number of series"),
            TooMuch,
            "exceeded",
            id="Mimir: too many series",
        ),
        pytest.param(413, b"<html>413</html>", TooMuch, "too long for a proxy", id="413 of a proxy"),
        pytest.param(413, failed("x", "big"), TooMuch, "big", id="413 of the server"),
        pytest.param(
            503, failed("timeout", "query timed out"), Unavailable, "503: query timed out", id="503"
        ),
        pytest.param(500, failed("internal", "disk"), Unavailable, "500: disk", id="500"),
        pytest.param(429, failed("too_many_requests", "wait"), Unavailable, "429: wait", id="429"),
        pytest.param(401, b"", Unavailable, "401; check the credentials", id="401"),
        pytest.param(403, failed("x", "no"), Unavailable, "403: no; check the credentials", id="403"),
        pytest.param(302, b"", Unavailable, "a redirect, which is not followed", id="302"),
        pytest.param(404, b"404 page not found", Unavailable, "without /api/v1/query", id="404"),
        pytest.param(502, b"<html>Bad Gateway</html>", Unavailable, "answered 502", id="502 of a proxy"),
        pytest.param(
            400, b"<html>", Unavailable, "answered 400", id="400 of a proxy is no word on the query"
        ),
        pytest.param(200, b"<html>login</html>", Unavailable, "cut off or not of the query API", id="HTML"),
        pytest.param(200, b"", Unavailable, "cut off", id="nothing"),
        pytest.param(200, ok("vector", [])[:-5], Unavailable, "cut off", id="cut off"),
        pytest.param(200, b"\xff\xfe", Unavailable, "cut off", id="no text"),
        pytest.param(200, b"[]", Unavailable, "cut off", id="other JSON"),
        pytest.param(200, b'{"status":"success"}', Unavailable, "without data", id="success without data"),
        pytest.param(200, ok("vector", {"a": 1}), Unavailable, "promises", id="not a list"),
        pytest.param(
            200, ok("vector", [{"value": [1, 2]}]), Unavailable, "promises", id="a value of a number"
        ),
        pytest.param(
            200, ok("vector", [{"value": [1, "x"]}]), Unavailable, "promises", id="a value of letters"
        ),
        pytest.param(
            200, ok("vector", [{"metric": {"a": 1}}]), Unavailable, "promises", id="a label of a number"
        ),
        pytest.param(200, ok("scalar", []), Unavailable, "promises", id="an empty scalar"),
    ],
)
def test_who_is_to_blame(status: int, content: bytes, kind: type[SourceError], says: str) -> None:
    with pytest.raises(SourceError, match=says) as caught:
        read(status, content)
    assert type(caught.value) is kind


def test_long_words_of_a_server_are_cut() -> None:
    with pytest.raises(BadQuery) as caught:
        read(400, failed("bad_data", "x" * 10_000))
    assert len(str(caught.value)) < MAX_TEXT + 50


@given(status=st.sampled_from([200, 204, 301, 400, 422, 500]), content=st.binary(max_size=60))
def test_no_bytes_do_worse_than_a_source_error(status: int, content: bytes) -> None:
    with pytest.raises(SourceError):
        read(status, content)


@given(
    cut=st.integers(0, 200),
    content=st.just(ok("vector", [{"metric": {"a": "b"}, "value": [1, "1"]}] * 3)),
)
def test_an_answer_that_is_cut_off_anywhere_is_unavailable(cut: int, content: bytes) -> None:
    with pytest.raises(Unavailable):
        read(200, content[: min(cut, len(content) - 1)])
