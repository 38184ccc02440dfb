"""Whatever is sent, nothing is answered with a 5xx, a traceback or silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbalert.ports import Passed
from tests.api.stand import Stand, stand

FUZZED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "\x00",
        "\ud7ff",
        "👾",
        "2026-03-01T12:00:00Z",
        "9999-12-31T23:59:59+23:59",
        "0001-01-01T00:00:00Z",
        "(",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def nearly(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which each field is right, wrong or missing."""
    return st.fixed_dictionaries(
        {}, optional={name: each | SCALARS | ANYTHING for name, each in fields.items()}
    )


LABELS = st.dictionaries(st.sampled_from(["alertname", "bot", "", "é", "a b"]) | TEXTS, TEXTS, max_size=4)
ALERT = nearly(
    labels=LABELS, annotations=LABELS, startsAt=TEXTS, endsAt=TEXTS, generatorURL=TEXTS, status=TEXTS
)
MATCHER = nearly(name=TEXTS, value=TEXTS, isRegex=st.booleans(), isEqual=st.booleans())
SILENCE = nearly(
    matchers=st.lists(MATCHER, max_size=3),
    startsAt=TEXTS,
    endsAt=TEXTS,
    createdBy=TEXTS,
    comment=TEXTS,
    id=TEXTS,
    annotations=LABELS,
)
HOOK = nearly(alerts=st.lists(ALERT, max_size=3), receiver=TEXTS, status=TEXTS, version=TEXTS)

BODIES = {
    "/api/v2/alerts": st.lists(ALERT, max_size=4) | ANYTHING,
    "/api/v2/silences": SILENCE | ANYTHING,
    "/webhook/alertmanager": HOOK | ANYTHING,
    "/webhook/grafana": HOOK | ANYTHING,
}

PARAMETERS = [
    "filter",
    "active",
    "receiver",
    "receiver_matchers",
    "since",
    "until",
    "state",
    "notifier",
    "limit",
    "id",
    "expired",
    "label",
    "at",
    "type",
    "exclude_alerts",
    "rule_name[]",
    "query",
    "time",
    "name",
    "health",
]
VALUES = TEXTS | st.sampled_from(["a=~b", "{}", "10", "true", "a=b", "up", "dead", "alert", "resolved"])
PAIRS = st.tuples(st.sampled_from(PARAMETERS), VALUES)
WINDOW = nearly(
    name=TEXTS,
    matchers=st.lists(TEXTS | st.just("a=b"), max_size=2),
    cron=TEXTS | st.just("0 3 * * *"),
    duration=TEXTS | st.just("2h"),
    comment=TEXTS,
    created_by=TEXTS,
    broad=st.booleans(),
)


async def _source(path: str, form: bytes) -> Passed:
    return Passed(200, b'{"status":"success","data":{}}')


class Fuzzed:
    """A stand that lives as long as all examples of a test, in an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._open = stand(folder, pass_on=_source)
        self.api: Stand = self.loop.run_until_complete(self._open.__aenter__())

    def close(self) -> None:
        self.loop.run_until_complete(self._open.__aexit__(None, None, None))
        self.loop.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.loop.run_until_complete(self.api.client.request(method, path, **more))


@pytest.fixture
def fuzzed(tmp_path: Path) -> Iterator[Fuzzed]:
    made = Fuzzed(tmp_path)
    yield made
    made.close()


def sane(reply: httpx.Response) -> None:
    assert reply.status_code < 500, reply.text
    assert "Traceback" not in reply.text
    assert 'File "' not in reply.text


@pytest.mark.parametrize("path", BODIES)
@FUZZED
@given(data=st.data())
def test_any_json_is_taken_or_refused(fuzzed: Fuzzed, path: str, data: st.DataObject) -> None:
    body = data.draw(BODIES[path])
    sane(
        fuzzed.ask(
            "POST", path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
    )
    sane(fuzzed.ask("GET", "/api/v2/alerts"))
    sane(fuzzed.ask("GET", "/api/v2/silences"))


@pytest.mark.parametrize("path", BODIES)
@FUZZED
@given(body=st.binary(max_size=60) | st.integers(1, 200_000).map(lambda deep: b"[" * deep))
def test_any_bytes_are_taken_or_refused(fuzzed: Fuzzed, path: str, body: bytes) -> None:
    reply = fuzzed.ask("POST", path, content=body)
    sane(reply)
    assert reply.status_code in (200, 400, 422)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"labels":{"a":"\\ud800"}}]',
        b'[{"labels":{"a":"\xff"}}]',
        b'[{"labels":{"\\ud800":"a"}}]',
        b'[{"labels":{"a":"b"},"x":' + b"[" * 100_000,
        b'[{"labels":' + b'{"a":' * 100_000,
    ],
    ids=["lone surrogate", "no UTF-8", "surrogate in a name", "deep in what is ignored", "deep in labels"],
)
def test_what_is_no_text_is_refused(fuzzed: Fuzzed, body: bytes) -> None:
    reply = fuzzed.ask("POST", "/api/v2/alerts", content=body)
    assert reply.status_code == 400
    assert fuzzed.ask("GET", "/api/v2/alerts").json() == []


STORM = settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Authorization", "Origin", "Content-Type", "Accept", "Content-Encoding", "Cookie", "Expect", "Range"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
    | st.sampled_from(["application/json", "application/x-www-form-urlencoded", "gzip", "*/*"]),
    max_size=3,
)
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"]
JSON_BODIES = st.lists(ALERT, max_size=4) | SILENCE | st.lists(SILENCE, max_size=2) | HOOK | WINDOW | ANYTHING


@STORM
@given(data=st.data())
def test_a_storm_over_everything_that_is_served(fuzzed: Fuzzed, data: st.DataObject) -> None:
    """Whatever path there is: its methods and others, its parameters and others, bodies of all kinds."""
    path = data.draw(st.sampled_from(sorted(fuzzed.api.app.resources)), label="path")
    resource = fuzzed.api.app.resources[path]
    method = data.draw(st.sampled_from(sorted(resource.actions)) | st.sampled_from(METHODS), label="method")
    while "{" in path:
        begin, _, rest = path.partition("{")
        path = begin + quote(data.draw(TEXTS, label="id"), safe="") + rest.partition("}")[2]
    params = data.draw(st.lists(PAIRS, max_size=4), label="parameters")
    headers = data.draw(HEADERS, label="headers")
    body = data.draw(
        JSON_BODIES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), label="body"
    )
    with structlog.testing.capture_logs() as logs:
        reply = fuzzed.ask(method, path, params=params, headers=headers, content=body)
    if reply.status_code == 503:
        assert reply.headers["Retry-After"].isdigit()
    else:
        sane(reply)
    assert [line for line in logs if line["event"] in ("request_failed", "unit_failed")] == []


def test_after_a_storm_everything_valid_is_still_there(fuzzed: Fuzzed) -> None:
    garbage: list[Any] = [
        {},
        None,
        7,
        {"labels": {"": "x"}},
        {"labels": {"a": 1}},
        {"labels": {"a": "b"}, "endsAt": "x"},
    ]
    for number in range(60):
        batch = [
            {"labels": {"kept": str(number)}},
            *garbage[: number % 7],
            {"labels": {"kept": f"{number}b"}},
        ]
        reply = fuzzed.ask("POST", "/api/v2/alerts", json=batch)
        assert reply.status_code == (200 if len(batch) == 2 else 422)
        fuzzed.ask("POST", "/api/v2/silences", json=garbage[number % 6])
        fuzzed.ask("POST", "/webhook/grafana", content=b"{" * number)
    kept = {each["labels"]["kept"] for each in fuzzed.ask("GET", "/api/v2/alerts?filter=kept!=%22%22").json()}
    assert kept == {f"{number}{half}" for number in range(60) for half in ("", "b")}


@FUZZED
@given(
    method=st.sampled_from(METHODS),
    path=st.text("abcvw012/-%{}é\\. ", max_size=20),
    headers=st.dictionaries(
        st.sampled_from(["Authorization", "Origin", "Content-Type", "Accept", "Content-Encoding"]),
        st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
        max_size=3,
    ),
)
def test_any_path_and_header_is_answered(
    fuzzed: Fuzzed, method: str, path: str, headers: dict[str, str]
) -> None:
    sane(fuzzed.ask(method, "/" + path.lstrip("/"), headers=headers))
