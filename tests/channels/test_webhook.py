"""Webhooks, over real sockets, to a receiver that checks what it gets."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from hbalert.channels.webhook import DEFAULT_PAUSE, WebhookChannel, go_time, payload, signature
from hbalert.config.channels.webhook import WebhookSettings
from hbalert.core.labels import Labels, fingerprint
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.demo.gateways.webhook import WebhookSink
from hbalert.errors import NotNow, Permanent, Transient
from hbalert.ports import Channel
from tests.channels.wire import NOW, StoppedClock, failure, message, nobody_listening, send, words_of

TOKEN = "T0KEN-in-the-path-9f8e7d6c"


@asynccontextmanager
async def channel_to(url: str, **keys: Any) -> AsyncIterator[WebhookChannel]:
    settings = WebhookSettings.model_validate({"type": "webhook", "url": url, "timeout": "5s", **keys})
    channel = WebhookChannel(settings)
    try:
        yield channel
    finally:
        await channel.close()


def alert(
    name: str,
    *,
    ended: bool = False,
    starts_at: datetime = NOW,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> NotifiedAlert:
    return NotifiedAlert(
        Labels({"alertname": name, **labels}),
        annotations or {},
        starts_at,
        NOW + timedelta(minutes=5) if ended else None,
        generator_url="http://127.0.0.1:9090/graph?g0.expr=up",
    )


def notification(*alerts: NotifiedAlert, **keys: Any) -> Notification:
    fields: dict[str, Any] = {
        "receiver": "team.ops",
        "group_id": "g1",
        "group_key": '{}/{team="a"}:{alertname="X"}',
        "group_labels": Labels({"alertname": "X"}),
        "alerts": alerts,
        "reason": Reason.FIRST,
        "decided_at": NOW,
        "first_decided_at": NOW,
        "external_url": "https://alerts.example.com",
    }
    return Notification(**(fields | keys))


# --- the payload -----------------------------------------------------------------------------------


def test_the_payload_is_alertmanagers_key_by_key_and_in_its_order() -> None:
    whole = notification(
        alert("X", job="bots", bot="a", annotations={"summary": "down", "description": "订单 <失败>"}),
        alert("X", job="bots", bot="b", annotations={"summary": "down"}, ended=True),
        route_labels={"team": "a", "owner": "ops"},
    )
    text = payload(whole).decode()
    assert text == json.dumps(
        {
            "receiver": "team.ops",
            "status": "firing",
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"alertname": "X", "bot": "a", "job": "bots"},
                    "annotations": {"description": "订单 <失败>", "summary": "down"},
                    "startsAt": "2026-01-02T03:04:05Z",
                    "endsAt": "0001-01-01T00:00:00Z",
                    "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up",
                    "fingerprint": fingerprint({"alertname": "X", "job": "bots", "bot": "a"}),
                },
                {
                    "status": "resolved",
                    "labels": {"alertname": "X", "bot": "b", "job": "bots"},
                    "annotations": {"summary": "down"},
                    "startsAt": "2026-01-02T03:04:05Z",
                    "endsAt": "2026-01-02T03:09:05Z",
                    "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=up",
                    "fingerprint": fingerprint({"alertname": "X", "job": "bots", "bot": "b"}),
                },
            ],
            "notification_reason": "first notification",
            "groupLabels": {"alertname": "X"},
            "commonLabels": {"alertname": "X", "job": "bots"},
            "commonAnnotations": {"summary": "down"},
            "routeLabels": {"owner": "ops", "team": "a"},
            "externalURL": "https://alerts.example.com",
            "version": "4",
            "groupKey": '{}/{team="a"}:{alertname="X"}',
            "truncatedAlerts": 0,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def test_the_status_is_resolved_once_nothing_fires() -> None:
    found = json.loads(payload(notification(alert("X", ended=True), reason=Reason.ALL_RESOLVED)))
    assert (found["status"], found["notification_reason"]) == ("resolved", "all alerts resolved")


def test_the_fingerprint_is_alertmanagers_also_where_the_notification_holds_none() -> None:
    found = json.loads(payload(notification(alert("TestAlert"))))
    assert found["alerts"][0]["fingerprint"] == "dab43189276e5f48"
    given = notification(replace(alert("TestAlert"), fingerprint="0123456789abcdef"))
    assert json.loads(payload(given))["alerts"][0]["fingerprint"] == "0123456789abcdef"


def test_too_many_alerts_are_cut_after_the_first_ones_and_counted() -> None:
    """Status and common labels still speak of the whole group, which Alertmanager's do not."""
    whole = notification(alert("X", bot="a", ended=True), alert("X", bot="b"), alert("X", bot="c"))
    found = json.loads(payload(whole, max_alerts=1))
    assert [entry["labels"]["bot"] for entry in found["alerts"]] == ["a"]
    assert found["truncatedAlerts"] == 2
    assert found["status"] == "firing"
    assert found["commonLabels"] == {"alertname": "X"}
    assert json.loads(payload(whole, max_alerts=3))["truncatedAlerts"] == 0


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime(2026, 1, 2, 3, 4, 50, tzinfo=UTC), "2026-01-02T03:04:50Z"),
        (datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC), "2026-01-02T03:04:00Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC), "2026-01-02T03:04:05.12Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 1, tzinfo=UTC), "2026-01-02T03:04:05.000001Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        (datetime(2026, 1, 2, 11, 4, 5, tzinfo=timezone(timedelta(hours=8))), "2026-01-02T03:04:05Z"),
    ],
)
def test_times_are_printed_as_go_prints_them(at: datetime, expected: str) -> None:
    assert go_time(at) == expected


@pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None, reason="prometheus-alertmanager is not installed"
)
async def test_alertmanagers_own_payload_for_the_same_alert_has_the_same_shape(tmp_path: Path) -> None:
    async with WebhookSink() as sink:
        theirs = await _ask_alertmanager(tmp_path, sink)
        ours = notification(
            NotifiedAlert(
                Labels({"alertname": "X", "bot": "a"}),
                {"summary": "down"},
                datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=UTC),
                generator_url="http://example.com/g",
            ),
            receiver="hook",
            group_key='{}:{alertname="X"}',
            external_url=theirs["externalURL"],
        )
        async with channel_to(sink.url) as channel:
            await send(channel, replace(message(), notification=ours))
        mine = sink.received[-1].payload
    newer = {"notification_reason", "routeLabels"}  # since 0.32 and 0.34
    assert {name: mine[name] for name in mine if name not in newer} == theirs
    assert [name for name in mine if name not in newer] == list(theirs), "in the same order"
    assert list(mine["alerts"][0]) == list(theirs["alerts"][0])


async def _ask_alertmanager(folder: Path, sink: WebhookSink) -> dict[str, Any]:
    """What a real Alertmanager posts for one alert."""
    (folder / "am.yml").write_text(
        "route: {receiver: hook, group_by: [alertname], group_wait: 0s}\n"
        f"receivers: [{{name: hook, webhook_configs: [{{url: '{sink.url}'}}]}}]\n"
    )
    async with nobody_listening() as port:
        pass
    process = await asyncio.create_subprocess_exec(
        "prometheus-alertmanager",
        f"--config.file={folder / 'am.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    posted = [
        {
            "labels": {"alertname": "X", "bot": "a"},
            "annotations": {"summary": "down"},
            "startsAt": "2026-01-02T03:04:05.12Z",
            "generatorURL": "http://example.com/g",
        }
    ]
    try:
        async with asyncio.timeout(20), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    reply = await client.post(f"http://127.0.0.1:{port}/api/v2/alerts", json=posted)
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            assert reply.status_code == 200
            await sink.arrived()
    finally:
        process.terminate()
        await process.wait()
    return sink.received[0].payload


# --- the request -----------------------------------------------------------------------------------


async def test_it_is_a_channel_as_the_loops_know_it() -> None:
    async with channel_to("http://127.0.0.1:1/", concurrency=3) as opened:
        channel: Channel = opened
        assert (channel.style, channel.max_bytes, channel.pace, channel.concurrency) == ("data", 0, None, 3)


async def test_the_notification_arrives_as_json_with_its_delivery_id() -> None:
    async with WebhookSink() as sink, channel_to(sink.url) as channel:
        receipt = await send(channel)
    (post,) = sink.received
    assert post.body == payload(message().notification)
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["X-Hbalert-Delivery"] == post.delivery_id == "delivery-1"
    assert post.headers["X-Hbalert-Timestamp"] == "1767323045"
    assert "X-Hbalert-Signature" not in post.headers
    assert post.headers["User-Agent"].startswith("hbalert/")
    assert receipt.answer == "HTTP 200: taken"


async def test_a_repeat_carries_the_same_id_so_that_the_receiver_can_drop_it() -> None:
    async with WebhookSink() as sink, channel_to(sink.url) as channel:
        sink.behave("lost answer")
        error = await failure(channel)
        assert isinstance(error, Transient)
        await send(channel)
    assert (len(sink.received), sink.repeats) == (1, 1)


@pytest.mark.parametrize(
    ("keys", "demands"),
    [
        pytest.param({"bearer_token": "tok-123456"}, {"bearer": "tok-123456"}, id="bearer token"),
        pytest.param(
            {"basic_auth": {"username": "u", "password": "pässwörd"}},
            {"basic": ("u", "pässwörd")},
            id="basic",
        ),
        pytest.param({"signing_secret": "密钥"}, {"signing_secret": "密钥"}, id="signature"),
    ],
)
async def test_the_receiver_is_shown_who_sends(keys: dict[str, Any], demands: dict[str, Any]) -> None:
    async with WebhookSink(clock=StoppedClock(), **demands) as sink:
        async with channel_to(sink.url, **keys) as channel:
            await send(channel)
        async with channel_to(sink.url) as channel:
            error = await failure(channel)
    assert len(sink.received) == 1
    assert isinstance(error, Permanent)
    assert error.reason == "auth"


def test_the_signature_is_an_hmac_over_time_and_body() -> None:
    expected = hmac.new(b"s3cret", b'1767323045.{"status":"firing"}', hashlib.sha256).hexdigest()
    assert signature("s3cret", "1767323045", b'{"status":"firing"}') == f"v1={expected}"


async def test_each_attempt_is_signed_for_its_own_time() -> None:
    clock = StoppedClock()
    async with (
        WebhookSink(clock=clock, signing_secret="s3cret") as sink,
        channel_to(sink.url, signing_secret="s3cret") as channel,
    ):
        clock.advance(hours=1)
        stale = await failure(channel, now=NOW)
        await send(channel, now=clock.now())
    assert isinstance(stale, Permanent)
    assert len(sink.received) == 1


async def test_headers_of_the_operator_go_along_and_do_not_replace_ours() -> None:
    headers = {"X-Scope-OrgID": "team-a", "x-hbalert-delivery": "forged", "content-type": "text/plain"}
    async with WebhookSink() as sink, channel_to(sink.url, headers=headers) as channel:
        await send(channel)
    (post,) = sink.received
    assert post.headers["X-Scope-OrgID"] == "team-a"
    assert post.delivery_id == "delivery-1"


async def test_user_info_in_the_url_is_sent_as_basic_authentication() -> None:
    async with WebhookSink(basic=("user", "from-the-url")) as sink:
        url = sink.url.replace("://", "://user:from-the-url@")
        async with channel_to(url) as channel:
            await send(channel)
    assert len(sink.received) == 1


async def test_a_token_that_no_header_can_hold_is_permanent_and_not_shown() -> None:
    async with WebhookSink() as sink, channel_to(sink.url, bearer_token="tok-123456\n") as channel:
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert "bearer_token" in error.answer
    assert "tok-123456" not in words_of(error)
    assert sink.calls == 0


async def test_notifications_at_once_use_as_many_connections_as_allowed() -> None:
    async with WebhookSink() as sink, channel_to(sink.url, concurrency=4) as channel:
        await asyncio.gather(*(send(channel, delivery_id=f"d{n}") for n in range(20)))
    assert {post.delivery_id for post in sink.received} == {f"d{n}" for n in range(20)}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", f"ftp://example.com/{TOKEN}"),
        ("url", f"https:///{TOKEN}"),
        ("url", f"https://example.com:99999/{TOKEN}"),
        ("url", f"https://example.com/{TOKEN} and more"),
        ("headers", {"X-Two words": "x"}),
        ("headers", {"X-Key": f"{TOKEN}\r\nX-Evil: 1"}),
        ("headers", {"X-Key": f"{TOKEN} 中文"}),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_configuration_and_not_repeated(key: str, value: Any) -> None:
    fields = {"type": "webhook", "url": "https://example.com/", key: value}
    with pytest.raises(ValidationError) as raised:
        WebhookSettings.model_validate(fields)
    (error,) = raised.value.errors()
    assert error["loc"] == (key,)
    assert TOKEN not in error["msg"]


@pytest.mark.parametrize(
    ("method", "path", "content", "kind", "status"),
    [
        ("POST", "/other", b"{}", "application/json", 404),
        ("GET", "/hook", b"", "application/json", 405),
        ("POST", "/hook", b"{}", "text/plain", 415),
        ("POST", "/hook", b"{", "application/json", 400),
        ("POST", "/hook", b"[]", "application/json", 400),
        ("POST", "/hook", b"{}", "application/json", 400),
        ("POST", "/hook", payload(message().notification), "application/json", 200),
        ("POST", "/hook", payload(message().notification).replace(b'"4"', b'"5"'), "application/json", 400),
        ("POST", "/hook", payload(message().notification).replace(b'"bot_a"', b"7"), "application/json", 400),
        (
            "POST",
            "/hook",
            payload(message().notification).replace(b'"startsAt"', b'"at"'),
            "application/json",
            400,
        ),
    ],
)
async def test_the_receiver_of_these_tests_takes_nothing_else(
    method: str, path: str, content: bytes, kind: str, status: int
) -> None:
    async with WebhookSink() as sink, httpx.AsyncClient(base_url=sink.base_url, trust_env=False) as client:
        reply = await client.request(method, path, content=content, headers={"Content-Type": kind})
    assert reply.status_code == status
    assert len(sink.received) == (1 if status == 200 else 0)


# --- TLS -------------------------------------------------------------------------------------------


async def test_https_with_an_authority_of_ones_own(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    async with WebhookSink(tls=server_tls) as sink, channel_to(sink.url, ca_file=ca_file) as channel:
        await send(channel)
    assert len(sink.received) == 1


async def test_a_certificate_nobody_vouches_for_stops_the_notification(server_tls: ssl.SSLContext) -> None:
    """Transient: it is the receiver's to renew, and what is told late is better than what is not told."""
    async with WebhookSink(tls=server_tls) as sink:
        async with channel_to(sink.url) as channel:
            error = await failure(channel)
        assert isinstance(error, Transient)
        assert "certificate" in error.answer
        assert "ca_file" in str(error)
        assert sink.received == []
        async with channel_to(sink.url, tls_verify=False) as channel:
            await send(channel)
        assert len(sink.received) == 1


async def test_a_client_certificate_is_shown_to_who_asks(
    mutual_tls: ssl.SSLContext, ca_file: Path, client_cert: Path
) -> None:
    async with WebhookSink(tls=mutual_tls) as sink:
        async with channel_to(sink.url, ca_file=ca_file, client_cert=client_cert) as channel:
            await send(channel)
        async with channel_to(sink.url, ca_file=ca_file) as channel:
            error = await failure(channel)
    assert isinstance(error, Transient)
    assert len(sink.received) == 1


@pytest.mark.parametrize("key", ["ca_file", "client_cert"])
async def test_a_certificate_file_that_cannot_be_used_is_permanent(key: str, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")
    for name in ("bad.pem", "missing.pem"):
        async with channel_to("https://127.0.0.1:1/", **{key: tmp_path / name}) as channel:
            error = await failure(channel)
        assert isinstance(error, Permanent)
        assert "cannot be used" in error.answer
        assert error.reason == "client"


# --- what the receiver answers ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_accepted(status: int) -> None:
    async with WebhookSink() as sink, channel_to(sink.url) as channel:
        sink.reply(status)
        receipt = await send(channel)
    assert receipt.answer == f"HTTP {status}"
    assert (receipt.delivered, receipt.refused, receipt.deferred) == ((), {}, {})


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, Permanent, "client"),
        (302, Permanent, "client"),
        (307, Permanent, "client"),
        (400, Permanent, "client"),
        (401, Permanent, "auth"),
        (403, Permanent, "auth"),
        (404, Transient, "client"),
        (408, Transient, "timeout"),
        (410, Permanent, "client"),
        (413, Permanent, "client"),
        (422, Permanent, "client"),
        (425, Transient, "server"),
        (429, NotNow, "rate limit"),
        (500, Transient, "server"),
        (502, Transient, "server"),
        (503, Transient, "server"),
        (504, Transient, "server"),
    ],
)
async def test_a_status_becomes(status: int, kind: type, reason: str) -> None:
    async with WebhookSink(path=f"/{TOKEN}") as sink, channel_to(sink.url) as channel:
        sink.reply(status, headers={"Location": f"{sink.base_url}/elsewhere/{TOKEN}"}, text=f"no: {sink.url}")
        error = await failure(channel)
        assert type(error) is kind
        assert error.reason == reason
        assert error.answer.startswith(f"{sink.base_url}: HTTP {status}: no: ")
        assert TOKEN not in words_of(error)
        assert sink.calls == 1, "no redirect is followed, nothing is retried here"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("7", timedelta(seconds=7), id="seconds"),
        pytest.param("Fri, 02 Jan 2026 03:05:35 GMT", timedelta(seconds=90), id="a date"),
        pytest.param("99999999999", timedelta(hours=1), id="far too long"),
        pytest.param("soon", None, id="nonsense"),
        pytest.param(None, None, id="none"),
    ],
)
async def test_the_receiver_says_when_to_come_back(
    status: int, header: str | None, expected: timedelta | None
) -> None:
    async with WebhookSink() as sink, channel_to(sink.url) as channel:
        sink.reply(status, headers={"Retry-After": header} if header else {})
        error = await failure(channel)
    assert error.retry_after == (expected or (DEFAULT_PAUSE if status == 429 else None))


async def test_an_answer_without_end_is_read_for_a_page_only_and_shown_short() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"word " * 2000)
        await reader.read()  # until they hang up
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, channel_to(f"http://127.0.0.1:{port}/x", timeout="5s") as channel:
        receipt = await send(channel)
    assert receipt.answer.startswith("HTTP 200: word word")
    assert len(receipt.answer) < 250


async def test_an_answer_cannot_break_the_line_it_is_shown_on() -> None:
    async with WebhookSink() as sink, channel_to(sink.url) as channel:
        sink.reply(500, text="boom\r\n2026 error forged\x1b[31m\x00")
        error = await failure(channel)
    assert error.answer == f"{sink.base_url}: HTTP 500: boom 2026 error forged [31m"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("slow", "timeout"), ("slow answer", "timeout"), ("reset", "network"), ("lost answer", "network")],
)
async def test_no_answer_is_transient(mode: str, reason: str) -> None:
    async with WebhookSink() as sink, channel_to(sink.url, timeout="300ms") as channel:
        sink.behave(mode)
        error = await failure(channel)
        assert isinstance(error, Transient)
        assert error.reason == reason


async def test_a_receiver_that_drips_its_answer_is_cut_off() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, channel_to(f"http://127.0.0.1:{port}/x", timeout="300ms") as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "timeout"


async def test_nobody_listening_is_a_network_matter() -> None:
    async with nobody_listening() as port, channel_to(f"http://127.0.0.1:{port}/{TOKEN}") as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "network"
    assert error.answer == f"http://127.0.0.1:{port}: cannot connect: Connection refused"


# --- secrets ---------------------------------------------------------------------------------------


async def test_no_failure_shows_a_secret() -> None:
    """The receiver repeats the whole request; a library may print the URL; neither may be seen."""
    keys: dict[str, Any] = {
        "bearer_token": "bearer-0123456789",
        "signing_secret": "signing-0123456789",
        "headers": {"X-Api-Key": "api-key-0123456789"},
    }
    hidden = [
        TOKEN,
        "query-0123456789",
        "user-0123456789",
        "pass%2F0123456789",
        "pass/0123456789",
        keys["bearer_token"],
        keys["signing_secret"],
        "api-key-0123456789",
    ]
    async with WebhookSink(path=f"/{TOKEN}") as sink:
        url = sink.url.replace("://", "://user-0123456789:pass%2F0123456789@") + "?key=query-0123456789"
        async with channel_to(url, timeout="300ms", **keys) as channel:
            sink.behave("slow")
            words = words_of(await failure(channel))
            assert [secret for secret in hidden if secret in words] == []
        async with channel_to(url, timeout="20s", **keys) as channel:
            echo = " ".join([url, *hidden])
            for mode in ("no http", "reset", "502", "503", "html"):
                sink.behave(mode)
                words = words_of(await failure(channel)) if mode != "html" else (await send(channel)).answer
                assert [secret for secret in hidden if secret in words] == [], mode
            for status in (200, 302, 401, 404, 429, 500):
                sink.reply(status, text=echo, headers={"Location": url})
                words = (await send(channel)).answer if status == 200 else words_of(await failure(channel))
                assert [secret for secret in hidden if secret in words] == [], status
                assert "***" in words
        async with nobody_listening() as port:
            gone = url.replace(sink.base_url.rpartition(":")[2], str(port))
            async with channel_to(gone, **keys) as channel:
                words = words_of(await failure(channel))
                assert [secret for secret in hidden if secret in words] == []
