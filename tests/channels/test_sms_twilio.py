"""Twilio: authentication, segments, every code, and a gateway that checks what it gets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hbalert.channels.sms import SmsChannel
from hbalert.channels.sms.gateway import Fate
from hbalert.channels.sms.segments import split
from hbalert.channels.sms.twilio import TwilioSms
from hbalert.config.channels.sms import SmsSettings, TwilioGateway
from hbalert.demo.gateways.sms import PlainSmsGateway, TwilioSmsGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply
from tests.channels.wire import NOW, StoppedClock, failure, message, nobody_listening, send, words_of

ACCOUNT, TOKEN = "AC00000000000000000000000000000001", "hbalerttwiliotoken"
NUMBER = "+15005550006"
RETRY, LATER, REFUSED, BROKEN = Fate.RETRY, Fate.LATER, Fate.REFUSED, Fate.BROKEN


def settings(url: str, sender: str = "+15005550001", **keys: Any) -> dict[str, Any]:
    return {
        "provider": "twilio",
        "account_sid": ACCOUNT,
        "auth_token": TOKEN,
        "from": sender,
        "url": url,
    } | keys


def channel_to(
    url: str, *, to: tuple[str, ...] = (NUMBER,), timeout: str = "5s", language: str = "en", **keys: Any
) -> SmsChannel:
    gateway = TwilioGateway.model_validate(settings("http://h/", **keys)).model_copy(update={"url": url})
    keys = {"type": "sms", "to": to, "timeout": timeout, "language": language, "gateway": gateway}
    return SmsChannel(SmsSettings.model_validate(keys))


def twilio(**keys: Any) -> TwilioSmsGateway:
    defaults: dict[str, Any] = {"account_sid": ACCOUNT, "auth_token": TOKEN, "clock": StoppedClock()}
    return TwilioSmsGateway(**(defaults | keys))


async def judged(status: int, body: object, headers: dict[str, str] | None = None) -> Any:
    gateway = TwilioSms(
        TwilioGateway.model_validate(settings("http://h/")), timedelta(seconds=1), language="en"
    )
    text = body if isinstance(body, str) else json.dumps(body)
    result = gateway._judge(Reply(status, httpx.Headers(headers or {}), text.encode()), NUMBER, NOW)
    await gateway.close()
    return result


@pytest.mark.parametrize(
    ("status", "code", "fate", "reason", "wait_s"),
    [
        (401, 20003, BROKEN, "auth", None),
        (401, 20005, BROKEN, "auth", None),
        (400, 30002, BROKEN, "auth", None),
        (404, 20404, BROKEN, "auth", None),
        (400, 21606, BROKEN, "client", None),
        (400, 21212, BROKEN, "client", None),
        (400, 21659, BROKEN, "client", None),
        (429, 20429, LATER, "rate limit", 10),
        (400, 21611, LATER, "rate limit", 600),
        (400, 14107, LATER, "rate limit", 30),
        (400, 30001, LATER, "rate limit", 600),
        (400, 30022, LATER, "rate limit", 60),
        (500, 20500, RETRY, "server", None),
        (503, 0, RETRY, "server", None),
        (400, 21211, REFUSED, "client", None),
        (400, 21614, REFUSED, "client", None),
        (400, 21610, REFUSED, "client", None),
        (400, 21408, REFUSED, "client", None),
        (400, 21612, REFUSED, "client", None),
        (400, 21608, REFUSED, "client", None),
        (400, 21617, REFUSED, "client", None),
        (400, 30004, REFUSED, "client", None),
        (400, 30006, REFUSED, "client", None),
        (400, 30007, REFUSED, "client", None),
        (400, 30034, REFUSED, "client", None),
        (400, 99999, REFUSED, "client", None),
        (403, 99999, BROKEN, "auth", None),
        (418, 99999, RETRY, "other", None),
    ],
)
async def test_a_code_of_twilio_becomes_an_outcome(
    status: int, code: int, fate: Fate, reason: str, wait_s: int | None
) -> None:
    result = await judged(status, {"code": code, "message": "x", "status": status})
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (result.fate, result.reason, result.retry_after) == (fate, reason, wait)
    assert str(code or status) in result.answer


@pytest.mark.parametrize(
    ("body", "fate", "reason"),
    [
        pytest.param(
            {"sid": "SM1", "status": "failed", "error_code": 30008}, RETRY, "server", id="failed at once"
        ),
        pytest.param(
            {"sid": "SM1", "status": "undelivered", "error_code": None}, RETRY, "server", id="undelivered"
        ),
        pytest.param(
            {"sid": "SM1", "status": "failed", "error_code": 30005}, RETRY, "server", id="perhaps unknown"
        ),
        pytest.param(
            {"sid": "SM1", "status": "failed", "error_code": "30006"}, REFUSED, "client", id="a landline"
        ),
        pytest.param({"status": "queued"}, RETRY, "server", id="no sid"),
        pytest.param("<html/>", RETRY, "server", id="a web page"),
        pytest.param("", RETRY, "server", id="empty"),
    ],
)
async def test_a_2xx_is_a_success_only_with_a_message_that_lives(
    body: object, fate: Fate, reason: str
) -> None:
    result = await judged(201, body)
    assert (result.fate, result.reason) == (fate, reason)


async def test_the_authorization_is_that_of_the_published_vector() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.base_url)
        gateway.say({"sid": "SM1", "status": "accepted"}, status=201)
        await send(channel)
        await channel.close()
    expected = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpoYmFsZXJ0dHdpbGlvdG9rZW4="
    assert gateway.received[0].headers["authorization"] == expected
    assert gateway.received[0].path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


async def test_every_number_gets_the_text_within_its_validity() -> None:
    async with twilio() as gateway:
        channel = channel_to(gateway.url, to=(NUMBER, "13800138000"), validity="10m")
        receipt = await send(channel, message("bot_a is down & out = 100%"))
        await channel.close()
    assert {sms.number for sms in gateway.received} == {NUMBER, "+8613800138000"}
    assert {sms.text for sms in gateway.received} == {"bot_a is down & out = 100%"}
    assert {sms.fields["ValidityPeriod"] for sms in gateway.received} == {"600"}
    assert receipt.delivered == ("+150****0006", "138****8000")
    assert receipt.provider_id.count("SM") == 2


async def test_an_api_key_and_a_messaging_service_are_used_where_they_are_given() -> None:
    async with twilio(api_key_sid="SK01", service_sid="MG01", sender="") as gateway:
        channel = channel_to(gateway.url, api_key_sid="SK01", messaging_service_sid="MG01", sender="")
        await send(channel)
        await channel.close()
    assert "From" not in gateway.received[0].fields


async def test_without_a_sender_nothing_is_sent() -> None:
    async with twilio() as gateway:
        channel = channel_to(gateway.url, sender="")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason, gateway.calls) == (Permanent, "client", 0)
    assert "messaging_service_sid" in error.answer


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a" * 2000, 2, id="GSM-7"),
        pytest.param("界" * 2000, 2, id="UCS-2"),
        pytest.param("👻" * 2000, 2, id="surrogate pairs"),
        pytest.param("“a” " * 60, 2, id="typographic quotes cost nothing"),
        pytest.param("\ud800", 1, id="half a character"),
        pytest.param(" ", 1, id="no text"),
    ],
)
async def test_a_text_is_cut_to_its_segments(text: str, parts: int) -> None:
    async with twilio() as gateway:
        channel = channel_to(gateway.url, max_segments=2)
        await send(channel, message(text))
        await channel.close()
    assert len(split(gateway.received[0].text)) == parts


async def test_a_long_text_of_ten_segments_stays_within_what_twilio_takes() -> None:
    async with twilio() as gateway:
        channel = channel_to(gateway.url, max_segments=10)
        await send(channel, message("a" * 5000))
        await channel.close()
    assert len(gateway.received[0].text) == 1530


async def test_the_longest_text_is_told_in_the_alphabet_of_the_language() -> None:
    english, chinese = (
        channel_to("http://h/", max_segments=2),
        channel_to("http://h/", max_segments=2, language="zh"),
    )
    assert (english.max_bytes, chinese.max_bytes) == (2 * 153, 2 * 67 * 3)
    await english.close()
    await chinese.close()


@pytest.mark.parametrize(
    ("mode", "kind", "reason", "wait_s"),
    [
        ("throttled", NotNow, "rate limit", 7),
        ("queue full", NotNow, "rate limit", 600),
        ("unsubscribed", Permanent, "client", None),
        ("suspended", Permanent, "auth", None),
        ("html", Transient, "server", None),
        ("429", NotNow, "rate limit", 7),
        ("500", Transient, "server", None),
        ("reset", Transient, "network", None),
        ("lost answer", Transient, "network", None),
        ("slow", Transient, "timeout", None),
    ],
)
async def test_a_failing_gateway_gives_an_outcome_without_secrets(
    mode: str, kind: type[ChannelError], reason: str, wait_s: int | None
) -> None:
    async with twilio() as gateway:
        channel = channel_to(gateway.url, timeout="300ms" if mode == "slow" else "5s")
        gateway.behave(mode)
        error = await failure(channel)
        await channel.close()
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)
    assert_no_secret(error)


@pytest.mark.parametrize(
    ("gateway_keys", "channel_keys", "reason"),
    [
        pytest.param({"auth_token": "another"}, {}, "auth", id="wrong token"),
        pytest.param({"account_sid": "AC2"}, {}, "auth", id="wrong account"),
        pytest.param({"sender": "+15005550009"}, {}, "client", id="a sender it does not own"),
        pytest.param({}, {"account_sid": "AC/../x?"}, "auth", id="an account that is none"),
        pytest.param({}, {"url": "nowhere"}, "client", id="a URL that is none"),
    ],
)
async def test_a_wrong_configuration_is_permanent(
    gateway_keys: dict[str, Any], channel_keys: dict[str, Any], reason: str
) -> None:
    async with twilio(**gateway_keys) as gateway:
        channel = channel_to(**({"url": gateway.url} | channel_keys))
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Permanent, reason)
    assert_no_secret(error)


async def test_the_number_in_twilio_s_own_words_is_masked() -> None:
    result = await judged(400, {"code": 21211, "message": f"The 'To' number {NUMBER} is not valid"})
    assert "+150****0006" in result.answer
    assert NUMBER not in result.answer


async def test_a_refused_connection_is_transient() -> None:
    async with nobody_listening() as port:
        channel = channel_to(f"http://127.0.0.1:{port}/")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "network")


def assert_no_secret(error: ChannelError) -> None:
    for secret in (TOKEN, ACCOUNT, NUMBER, NUMBER[1:]):
        assert secret not in words_of(error)
