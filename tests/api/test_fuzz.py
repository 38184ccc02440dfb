"""Whatever is sent, nothing is answered with a 5xx, a traceback or silence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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

READ = [
    "/api/v2/alerts",
    "/api/v2/alerts/groups",
    "/api/v2/silences",
    "/api/v2/silence/{}",
    "/api/v2/receivers",
    "/api/v2/status",
    "/api/hb/v1/status",
    "/api/hb/v1/history",
    "/api/hb/v1/queue",
    "/api/hb/v1/alerts",
    "/api/hb/v1/alerts/{}/timeline",
    "/metrics",
]
PARAMETERS = ["filter", "active", "receiver", "since", "until", "state", "notifier", "limit", "id", "expired"]


class Fuzzed:
    """A stand that lives as long as all examples of a test, in an event loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._open = stand(folder)
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


@pytest.mark.parametrize("path", READ)
@FUZZED
@given(
    identity=TEXTS,
    params=st.lists(
        st.tuples(st.sampled_from(PARAMETERS), TEXTS | st.sampled_from(["a=~b", "{}", "10"])), max_size=3
    ),
)
def test_any_parameter_is_taken_or_refused(
    fuzzed: Fuzzed, path: str, identity: str, params: list[tuple[str, str]]
) -> None:
    sane(
        fuzzed.ask(
            "GET", path.replace("{}", httpx.QueryParams({"": identity}).__str__()[1:] or "x"), params=params
        )
    )


@FUZZED
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
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
