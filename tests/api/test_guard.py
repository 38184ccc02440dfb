"""Without a token nothing is to be had or to be learned, whatever is asked for and how."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from tests.api.stand import Stand, stand, token
from tests.fakes.clock import START
from tests.roles_page import HEAD, PAGE, table, with_table

TOKENS = [
    token("prom", "ingest"),
    token("viewer", "read"),
    token("ops", "silence"),
    token("boss", "admin"),
    token("gone", "admin").model_copy(update={"expires": START - timedelta(days=1)}),
]

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
OPEN_PATHS = {("GET", "/-/healthy"), ("HEAD", "/-/healthy"), ("GET", "/-/ready"), ("HEAD", "/-/ready")}
UNKNOWN_PATHS = (
    "/",
    "/x",
    "/metrics/",
    "/-/",
    "/-/healthy/x",
    "/-/healthy/../../metrics",
    "//metrics",
    "/%2e%2e/metrics",
    "/api",
    "/api/v2/",
    "/api/v2/nope",
    "/api/v2/silence/a/b",
    "/api/v1/nope",
    "/api/hb/v1/nope",
    "/webhook/nope",
    "/favicon.ico",
    "/é",
)
REFUSED = {
    "no token": {},
    "an empty one": {"Authorization": ""},
    "a wrong one": {"Authorization": "Bearer wrong"},
    "a half right one": {"Authorization": "Bearer boss-toke"},
    "an expired one": {"Authorization": "Bearer gone-token"},
    "a malformed one": {"Authorization": "Basic ???"},
    "one in the query": {},
}


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path, tokens=TOKENS) as api:
        yield api


def paths(api: Stand) -> list[str]:
    """Every path of the application, with something where parameters stand."""
    return [re.sub(r"\{[^}]*\}", "0123", path) for path in api.app.resources]


def told(reply: httpx.Response) -> Any:
    """All that an answer tells, but for the moment in which it was given."""
    return (reply.status_code, sorted(reply.headers.items()), reply.content)


async def test_nothing_but_health_is_to_be_had_without_a_token(guarded: Stand) -> None:
    asked = 0
    for path in [*paths(guarded), *UNKNOWN_PATHS]:
        for method in METHODS:
            for why, headers in REFUSED.items():
                query = {"token": "boss-token", "access_token": "boss-token"} if "query" in why else None
                reply = await guarded.client.request(method, path, headers=headers, params=query)
                expected = 200 if (method, path) in OPEN_PATHS else 401
                assert reply.status_code == expected, (method, path, why)
                asked += 1
    assert asked > 1000


async def test_an_answer_does_not_tell_whether_there_is_something(guarded: Stand) -> None:
    """Below one root what exists, what does not, and a method it has not are answered alike."""
    for root in ("/api/v2/", "/api/v1/", "/api/hb/", "/webhook/", "/-/", "/m"):
        below = [path for path in [*paths(guarded), *UNKNOWN_PATHS] if path.startswith(root)]
        answers = {
            str(told(await guarded.client.request(method, path, headers=headers)))
            for path in [*below, f"{root}surely-not"]
            for method in ("GET", "POST", "DELETE")
            for headers in REFUSED.values()
            if (method, path) not in OPEN_PATHS
        }
        assert len(answers) == 1, (root, answers)


async def test_whoever_has_a_token_is_told_what_is_wrong(guarded: Stand) -> None:
    for name in ("prom", "viewer", "ops", "boss"):
        headers = {"Authorization": f"Bearer {name}-token"}
        assert (await guarded.client.get("/nope", headers=headers)).status_code == 404
        assert (await guarded.client.get("/api/v2/nope", headers=headers)).json()["code"] == 404
        reply = await guarded.client.request("PATCH", "/api/v2/alerts", headers=headers)
        assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD, POST")


async def test_a_browser_is_asked_for_a_password_and_programs_are_told_of_both_ways(guarded: Stand) -> None:
    asked = (await guarded.client.get("/api/v2/status")).headers["WWW-Authenticate"]
    assert asked == 'Bearer realm="hbalert", Basic realm="hbalert", charset="UTF-8"'


@pytest.mark.parametrize("user", ["", "boss", "anybody"])
async def test_a_token_may_be_the_password_of_any_user(guarded: Stand, user: str) -> None:
    assert (await guarded.client.get("/api/v2/alerts", auth=(user, "boss-token"))).status_code == 200
    assert (await guarded.client.get("/api/v2/alerts", auth=("boss-token", ""))).status_code == 401


async def test_tokens_follow_a_reload_while_requests_are_in_work(guarded: Stand) -> None:
    headers = {"Authorization": "Bearer boss-token"}

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        await guarded.client.get("/-/healthy")  # once this is answered, what came before it has been let in
        await guarded.engine.reload(
            guarded.engine.config.model_copy(update={"tokens": (token("new", "admin"),)})
        )
        yield b"]"

    reply = await guarded.client.post("/api/v2/alerts", content=slow(), headers=headers)
    assert reply.status_code == 200
    assert (await guarded.client.get("/api/v2/alerts", headers=headers)).status_code == 401
    new = {"Authorization": "Bearer new-token"}
    assert (await guarded.client.get("/api/v2/alerts", headers=new)).status_code == 200


async def test_a_token_that_expires_while_it_is_used_is_refused_then(guarded: Stand) -> None:
    guest = token("guest", "read").model_copy(update={"expires": START + timedelta(minutes=1)})
    await guarded.engine.reload(guarded.engine.config.model_copy(update={"tokens": (guest,)}))
    headers = {"Authorization": "Bearer guest-token"}
    assert (await guarded.client.get("/api/v2/alerts", headers=headers)).status_code == 200
    await guarded.clock.advance(60)
    assert (await guarded.client.get("/api/v2/alerts", headers=headers)).status_code == 401


# --- audit -------------------------------------------------------------------------------------


async def test_who_changes_something_is_written_down_and_what_they_post_is_not(
    guarded: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "hbalert.audit")
    body = {
        "matchers": [{"name": "a", "value": "b", "isRegex": False}],
        "startsAt": guarded.at(0),
        "endsAt": guarded.at(60),
        "createdBy": "li",
        "comment": "a secret reason",
    }
    with structlog.testing.capture_logs() as lines:
        ops = {"Authorization": "Bearer ops-token"}
        reply = await guarded.post("/api/v2/silences", body, headers=ops)
        identity = reply.json()["silenceID"]
        await guarded.client.delete(f"/api/v2/silence/{identity}", headers=ops)
        await guarded.post("/api/v2/silences", {}, headers=ops)
        await guarded.client.get("/api/v2/silences", headers=ops)
        await guarded.post("/api/v2/alerts", [], headers={"Authorization": "Bearer prom-token"})
    written = [each for each in lines if each["event"] in ("changed", "not_changed", "posted")]
    assert [
        (each["event"], each["by"], each["method"], each["path"], each["status"]) for each in written
    ] == [
        ("changed", "ops", "POST", "/api/v2/silences", 200),
        ("changed", "ops", "DELETE", f"/api/v2/silence/{identity}", 200),
        ("not_changed", "ops", "POST", "/api/v2/silences", 422),
        ("posted", "prom", "POST", "/api/v2/alerts", 200),
    ]
    assert [each["log_level"] for each in written] == ["info", "info", "info", "debug"]
    assert {each["remote"] for each in written} == {"127.0.0.1"}
    assert "secret" not in str(written)
    assert "token" not in str(written)


async def test_who_is_turned_away_is_written_down_now_and_then_and_counted_always(guarded: Stand) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            await guarded.client.get("/metrics?token=hidden", headers={"Authorization": "Bearer guessed"})
        await guarded.clock.advance(61)
        await guarded.client.get("/metrics", headers={"Authorization": "Bearer gone-token"})
    first, second = [each for each in lines if each["event"] == "turned_away"]
    assert (first["reason"], first["path"], first["remote"]) == ("unknown", "/metrics", "127.0.0.1")
    assert (second["reason"], second["by"], second["unsaid_before"]) == ("expired", "gone", 49)
    assert not {"guessed", "hidden", "gone-token"} & set(re.findall(r"[\w-]+", str([first, second])))
    counted = guarded.metrics.exposition()[0].decode()
    assert 'hbalert_http_refused_total{reason="unknown"} 50.0' in counted
    assert 'hbalert_http_refused_total{reason="expired"} 1.0' in counted


# --- the page ----------------------------------------------------------------------------------


async def test_the_page_says_which_role_each_path_needs(api: Stand) -> None:
    """`make docs` writes it."""
    page = PAGE.read_text("utf-8")
    assert table(api.app) in page
    assert with_table(page, HEAD) != page
