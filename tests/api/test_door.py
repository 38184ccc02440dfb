"""What every request passes: tokens, origins, sizes, errors."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hbalert.config.types import Limits
from hbalert.errors import StoreError, StoreFull
from tests.api.stand import Stand, stand, token

TOKENS = [token("prom", "ingest"), token("viewer", "read"), token("ops", "silence"), token("boss", "admin")]

SILENCE = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": "",
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "upgrade",
}

MAY = [
    ("POST", "/api/v2/alerts", [], {"prom", "boss"}),
    ("POST", "/webhook/alertmanager", {"alerts": []}, {"prom", "boss"}),
    ("GET", "/api/v2/alerts", None, {"viewer", "ops", "boss"}),
    ("GET", "/api/v2/silences", None, {"viewer", "ops", "boss"}),
    ("GET", "/api/v2/status", None, {"viewer", "ops", "boss"}),
    ("POST", "/api/v2/silences", SILENCE, {"ops", "boss"}),
    ("GET", "/api/hb/v1/status", None, {"viewer", "ops", "boss"}),
    ("GET", "/api/hb/v1/history", None, {"viewer", "ops", "boss"}),
    ("GET", "/metrics", None, {"viewer", "ops", "boss"}),
    ("POST", "/-/reload", None, {"boss"}),
    ("GET", "/-/healthy", None, {"prom", "viewer", "ops", "boss", ""}),
    ("GET", "/-/ready", None, {"prom", "viewer", "ops", "boss", ""}),
]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), MAY, ids=[f"{m} {p}" for m, p, _, _ in MAY])
async def test_a_role_may_do_this_and_nothing_else(
    tmp_path: Path, method: str, path: str, body: Any, allowed: set[str]
) -> None:
    async with stand(tmp_path, tokens=TOKENS) as api:
        codes = {}
        for name in ("prom", "viewer", "ops", "boss", ""):
            headers = {"Authorization": f"Bearer {name}-token"} if name else {}
            codes[name] = (await api.client.request(method, path, json=body, headers=headers)).status_code
        assert {name for name, code in codes.items() if code == 200} == allowed
        assert set(codes.values()) <= {200, 401, 403}
        assert codes[""] in (200, 401)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer wrong", "Basic Ym9zczp0b2tlbg==", "boss-token", "Bearer boss-token x"],
)
async def test_what_is_no_token_of_ours_is_401(tmp_path: Path, header: str) -> None:
    async with stand(tmp_path, tokens=TOKENS) as api:
        reply = await api.client.get("/api/v2/alerts", headers={"Authorization": header})
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in reply.json()


async def test_a_token_may_come_in_any_case_of_the_scheme(tmp_path: Path) -> None:
    async with stand(tmp_path, tokens=TOKENS, headers={"Authorization": "bearer boss-token"}) as api:
        assert (await api.client.get("/api/v2/alerts")).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, 200, id="a program"),
        pytest.param({"Origin": "http://127.0.0.1:{port}"}, 200, id="our own page"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="a page of another origin"),
        pytest.param({"Origin": "null"}, 403, id="a page without an origin"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, 403, id="another port"),
        pytest.param(
            {"Origin": "http://evil.example", "Host": "evil.example"}, 403, id="a name that points here"
        ),
        pytest.param({"Origin": "https://alerts.example.com"}, 200, id="the external URL, through a proxy"),
        pytest.param({"Origin": "http://["}, 403, id="no URL"),
    ],
)
async def test_a_browser_may_change_something_from_our_own_pages_only(
    tmp_path: Path, headers: dict[str, str], code: int
) -> None:
    async with stand(tmp_path, external_url="https://alerts.example.com") as api:
        port = api.url.rsplit(":", 1)[1]
        sent = {name: value.replace("{port}", port) for name, value in headers.items()}
        assert (await api.client.post("/api/v2/alerts", json=[], headers=sent)).status_code == code
        assert (await api.client.get("/api/v2/alerts", headers=sent)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({"Content-Type": "application/json"}, 200, id="JSON"),
        pytest.param({"Content-Type": "application/json; charset=utf-8"}, 200, id="with a charset"),
        pytest.param({}, 200, id="nothing said"),
        pytest.param({"Content-Type": "text/plain"}, 415, id="what a form of another page can send"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="curl -d"),
        pytest.param({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, id="packed"),
    ],
)
async def test_a_body_has_to_be_json(api: Stand, headers: dict[str, str], code: int) -> None:
    reply = await api.client.post("/api/v2/alerts", content=b"[]", headers=headers)
    assert reply.status_code == code


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_a_body_over_the_limit_is_413_and_names_it(tmp_path: Path, chunked: bool) -> None:
    async with stand(tmp_path, limits=Limits(body_bytes=1000)) as api:

        async def parts() -> Any:
            for _ in range(20):
                yield b" " * 100

        body: Any = parts() if chunked else b" " * 2000
        reply = await api.client.post("/api/v2/alerts", content=body)
        assert reply.status_code == 413
        assert "limit of 1000 bytes" in reply.json()
        assert (await api.client.post("/api/v2/alerts", content=b"[]" + b" " * 998)).status_code == 200


async def test_too_many_alerts_in_one_request_are_400_and_none_is_stored(tmp_path: Path) -> None:
    async with stand(tmp_path, limits=Limits(alerts=2)) as api:
        reply = await api.alerts(*[{"labels": {"n": str(n)}} for n in range(3)])
        assert reply.status_code == 400
        assert "3 alerts are more than the limit of 2" in reply.json()
        assert await api.get("/api/v2/alerts") == []


async def test_overload_is_503_with_a_time_to_come_back(tmp_path: Path) -> None:
    """Alertmanager's webhook drops what is answered with 429; 503 it sends again."""
    async with stand(tmp_path, limits=Limits(busy_requests=1)) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rsplit(":", 1)[1]))
        writer.write(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[")
        await writer.drain()
        while (reply := await api.client.post("/api/v2/alerts", json=[])).status_code == 200:
            await asyncio.sleep(0)  # the first request may not have been read yet
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        writer.write(b"]")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
        assert (await api.client.post("/api/v2/alerts", json=[])).status_code == 200


async def test_a_body_that_never_ends_is_408(tmp_path: Path) -> None:
    async with stand(tmp_path, limits=Limits(body_seconds=0.05)) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rsplit(":", 1)[1]))
        writer.write(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n[")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 408")
        assert b"connection: close" in head.lower()
        writer.close()


@pytest.mark.parametrize(
    ("error", "retry_after"), [(StoreFull("the disk is full"), "30"), (StoreError("it is locked"), "5")]
)
async def test_what_the_store_does_not_take_is_503(
    api: Stand, monkeypatch: pytest.MonkeyPatch, error: Exception, retry_after: str
) -> None:
    async def refuse(changes: Any) -> None:
        raise error

    monkeypatch.setattr(api.engine.store, "commit", refuse)
    for path, body in (
        ("/api/v2/alerts", [{"labels": {"a": "b"}}]),
        ("/webhook/alertmanager", {"alerts": [{"labels": {"a": "b"}, "status": "firing"}]}),
        ("/api/v2/silences", SILENCE),
    ):
        reply = await api.post(path, body)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, retry_after), path
        assert str(error) in reply.text
    assert await api.get("/api/v2/alerts") == []


async def test_a_mistake_of_ours_is_500_without_a_word_about_it(
    api: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reports: Any) -> None:
        raise ZeroDivisionError("the secret of the inside")

    monkeypatch.setattr(api.engine, "take", fail)
    reply = await api.alerts({"labels": {"a": "b"}})
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("DELETE", "/api/v2/alerts", 405),
        ("POST", "/metrics", 405),
        ("PATCH", "/api/v2/silence/x", 405),
        ("GET", "/-/reload", 405),
        ("GET", "/api/v2/nothing", 404),
        ("GET", "/", 404),
        ("HEAD", "/-/healthy", 200),
        ("HEAD", "/api/v2/alerts", 200),
    ],
)
async def test_methods_and_paths_that_do_not_exist(api: Stand, method: str, path: str, code: int) -> None:
    reply = await api.client.request(method, path)
    assert reply.status_code == code
    if code == 405:
        assert method not in reply.headers["Allow"]


async def test_tokens_of_a_new_configuration_count_at_once(tmp_path: Path) -> None:
    async with stand(tmp_path) as api:
        assert (await api.client.get("/api/v2/alerts")).status_code == 200
        before = api.engine.config
        await api.engine.reload(before.model_copy(update={"tokens": (token("boss", "admin"),)}))
        assert (await api.client.get("/api/v2/alerts")).status_code == 401
        await api.engine.reload(before)
        assert (await api.client.get("/api/v2/alerts")).status_code == 200


async def test_every_answer_is_counted_by_path_and_code_never_by_what_was_asked(api: Stand) -> None:
    await api.client.get("/api/v2/silence/0b1f1f4e-0000-4000-8000-000000000000")
    await api.client.post("/api/v2/alerts", json={})
    await api.client.request("PATCH", "/api/v2/alerts")
    text = (await api.client.get("/metrics")).text
    total = "hbalert_http_requests_total"
    assert f'{total}{{code="404",handler="/api/v2/silence/{{id}}",method="GET"}} 1.0' in text
    assert f'{total}{{code="400",handler="/api/v2/alerts",method="POST"}} 1.0' in text
    assert f'{total}{{code="405",handler="/api/v2/alerts",method="other"}} 1.0' in text
    assert "some-id" not in text


async def test_two_clients_at_once_do_not_wait_for_each_other_s_bodies(api: Stand) -> None:
    replies = await asyncio.gather(*[api.alerts({"labels": {"n": str(n)}}) for n in range(50)])
    assert {reply.status_code for reply in replies} == {200}
    assert len(await api.get("/api/v2/alerts")) == 50


async def test_a_client_that_goes_away_gives_its_place_back(tmp_path: Path) -> None:
    async with stand(tmp_path, limits=Limits(busy_requests=1)) as api:
        _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rsplit(":", 1)[1]))
        writer.write(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n[")
        await writer.drain()
        while (await api.client.post("/api/v2/alerts", json=[])).status_code != 503:
            await asyncio.sleep(0)  # the first request may not have been read yet
        writer.close()
        await writer.wait_closed()
        while (reply := await api.client.post("/api/v2/alerts", json=[])).status_code == 503:
            await asyncio.sleep(0)
        assert reply.status_code == 200
