"""Alibaba Cloud SMS: signature V3, templates, every code, and a gateway that checks what it gets."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hbalert.channels.sms import SmsChannel
from hbalert.channels.sms.acs3 import EMPTY_SHA256, authorization, canonical_query
from hbalert.channels.sms.alibaba import AlibabaSms
from hbalert.channels.sms.gateway import Fate
from hbalert.config.channels.sms import AlibabaGateway, SmsSettings
from hbalert.demo.gateways.sms import AlibabaSmsGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply
from tests.channels.wire import NOW, StoppedClock, failure, message, nobody_listening, send, words_of

KEY_ID, KEY_SECRET = "LTAI5tHbAlertTestKey0001", "hbalertSecret0001"
QUERY = {
    "OutId": "alert/42",
    "PhoneNumbers": "13800138000",
    "SignName": "监控告警",
    "TemplateCode": "SMS_123456789",
    "TemplateParam": '{"name":"CPU 高","level":"P1"}',
}
HEADERS = {
    "host": "dysmsapi.aliyuncs.com",
    "x-acs-action": "SendSms",
    "x-acs-version": "2017-05-25",
    "x-acs-date": "2026-01-02T03:04:05Z",
    "x-acs-signature-nonce": "hbalertnonce0001",
    "x-acs-content-sha256": EMPTY_SHA256,
}
FORM_SHA256 = "3a012efb3c12663154c34bfe4fcd13a1210375293b922521dd94b8ac19c5d3b8"
TEMPLATES = {"SMS_FIRING": ("alert", "bot"), "SMS_OVER": ("alert", "bot"), "SMS_PLAIN": ()}
VARIABLES = {"alertname": "HummingbotDown", "bot": "bot_a", "summary": "bot_a is down"}


# --- signature -----------------------------------------------------------------------------------


def signature(**parts: Any) -> str:
    parts = {"key_id": KEY_ID, "key_secret": KEY_SECRET, "query": QUERY, "headers": HEADERS} | parts
    return authorization("POST", **parts).rpartition("Signature=")[2]


def test_vector_b1_the_example_of_alibaba() -> None:
    query = {
        "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
        "RegionId": "cn-shanghai",
    }
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-version": "2014-05-26",
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-content-sha256": EMPTY_SHA256,
    }
    assert authorization(
        "POST", query, headers, key_id="YourAccessKeyId", key_secret="YourAccessKeySecret"
    ) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
        "x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_vector_b2_a_message_with_its_parameters_in_the_query() -> None:
    assert signature() == "13b9aaa37426f50a6d730bdc7885852c387fead75ce86ed96778c9738dca31a7"


def test_vector_b3_the_same_parameters_as_a_form() -> None:
    assert hashlib.sha256(canonical_query(QUERY).encode()).hexdigest() == FORM_SHA256
    headers = HEADERS | {
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-content-sha256": FORM_SHA256,
    }
    found = signature(query={}, headers=headers, body_sha256=FORM_SHA256)
    assert found == "83f7a572927bd5dac5376eea1d172ec49ecbd3dbb3ae771704a3679dc76d51b1"


def test_vector_b4_with_every_header_of_the_official_client() -> None:
    headers = HEADERS | {
        "accept": "application/json",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2 x",
        "x-acs-credentials-provider": "static_ak",
    }
    assert signature(headers=headers) == "89b2c78c3ee063f98425a0be7924b836d00a66ca10ed557eb834972f899086c6"


# --- codes ---------------------------------------------------------------------------------------


def settings(url: str, **keys: Any) -> dict[str, Any]:
    return {
        "provider": "alibaba",
        "access_key_id": KEY_ID,
        "access_key_secret": KEY_SECRET,
        "sign_name": "监控告警",
        "template_code": "SMS_FIRING",
        "resolved_template_code": "SMS_OVER",
        "fallback_template_code": "SMS_PLAIN",
        "variables": {"alert": "{alertname}", "bot": "{bot}"},
        "url": url,
    } | keys


RETRY, LATER, REFUSED, BROKEN = Fate.RETRY, Fate.LATER, Fate.REFUSED, Fate.BROKEN


@pytest.mark.parametrize(
    ("code", "text", "status", "fate", "reason", "wait_s"),
    [
        ("isp.SYSTEM_ERROR", "", 200, RETRY, "server", None),
        ("isp.GATEWAY_ERROR", "", 200, RETRY, "server", None),
        ("ServiceUnavailable", "", 503, RETRY, "server", None),
        ("InternalError", "", 500, RETRY, "server", None),
        ("Throttling.User", "", 400, LATER, "rate limit", 5),
        ("Throttling.Api", "", 400, LATER, "rate limit", 5),
        ("Throttling", "", 400, LATER, "rate limit", 5),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1", 200, LATER, "rate limit", 60),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5", 200, LATER, "rate limit", 600),
        ("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10", 200, REFUSED, "rate limit", None),
        ("isv.DAY_LIMIT_CONTROL", "", 200, BROKEN, "quota", None),
        ("isv.MONTH_LIMIT_CONTROL", "", 200, BROKEN, "quota", None),
        ("isv.MOBILE_NUMBER_ILLEGAL", "", 200, REFUSED, "client", None),
        ("isv.MOBILE_COUNT_OVER_LIMIT", "", 200, REFUSED, "client", None),
        ("isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "", 200, REFUSED, "client", None),
        ("isv.BLACK_KEY_CONTROL_LIMIT", "", 200, REFUSED, "client", None),
        ("isv.TEMPLATE_MISSING_PARAMETERS", "", 200, REFUSED, "template", None),
        ("isv.INVALID_JSON_PARAM", "", 200, REFUSED, "template", None),
        ("isv.INVALID_PARAMETERS", "", 200, REFUSED, "template", None),
        ("isv.PARAM_LENGTH_LIMIT", "", 200, REFUSED, "template", None),
        ("isv.PARAM_NOT_SUPPORT_URL", "", 200, REFUSED, "template", None),
        ("isv.TEMPLATE_PARAMS_ILLEGAL", "", 200, REFUSED, "template", None),
        ("isv.SMS_CONTENT_ILLEGAL", "", 200, REFUSED, "template", None),
        ("isv.UNSUPPORTED_CONTENT", "", 200, REFUSED, "template", None),
        ("isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE", "", 200, REFUSED, "template", None),
        ("isv.SMS_TEMPLATE_ILLEGAL", "", 200, BROKEN, "template", None),
        ("isv.SMS_SIGNATURE_ILLEGAL", "", 200, BROKEN, "template", None),
        ("isv.SMS_SIGN_ILLEGAL", "", 200, BROKEN, "template", None),
        ("isv.SMS_SIGNATURE_SCENE_ILLEGAL", "", 200, BROKEN, "template", None),
        ("isv.SMS_TEST_SIGN_TEMPLATE_LIMIT", "", 200, BROKEN, "template", None),
        ("isv.SMS_TEST_NUMBER_LIMIT", "", 200, BROKEN, "template", None),
        ("isv.ONE_CODE_MULTIPLE_SIGN", "", 200, BROKEN, "template", None),
        ("isv.OUT_OF_SERVICE", "", 200, BROKEN, "quota", None),
        ("isv.AMOUNT_NOT_ENOUGH", "", 200, BROKEN, "quota", None),
        ("isv.PRODUCT_UN_SUBSCRIPT", "", 200, BROKEN, "auth", None),
        ("isv.PRODUCT_UNSUBSCRIBE", "", 200, BROKEN, "auth", None),
        ("isv.ACCOUNT_NOT_EXISTS", "", 200, BROKEN, "auth", None),
        ("isv.ACCOUNT_ABNORMAL", "", 200, BROKEN, "auth", None),
        ("isv.SECURITY_FROZEN_ACCOUNT", "", 200, BROKEN, "auth", None),
        ("isp.RAM_PERMISSION_DENY", "", 200, BROKEN, "auth", None),
        ("isv.DENY_IP_RANGE", "", 200, BROKEN, "auth", None),
        ("SignatureDoesNotMatch", "", 400, BROKEN, "auth", None),
        ("InvalidAccessKeyId.NotFound", "", 404, BROKEN, "auth", None),
        ("InvalidAccessKeyId.Inactive", "", 403, BROKEN, "auth", None),
        ("InvalidTimeStamp.Expired", "", 400, BROKEN, "auth", None),
        ("InvalidVersion", "", 400, BROKEN, "client", None),
        ("InvalidAction.NotFound", "", 404, BROKEN, "client", None),
        ("Forbidden.RAM", "", 403, BROKEN, "auth", None),
        ("NobodyKnows", "", 403, BROKEN, "auth", None),
        ("SignatureNonceUsed", "", 400, RETRY, "other", None),
        ("isv.NOBODY_KNOWS", "", 200, RETRY, "other", None),
        ("OK", "", 500, RETRY, "server", None),
    ],
)
async def test_a_code_of_alibaba_becomes_an_outcome(
    code: str, text: str, status: int, fate: Fate, reason: str, wait_s: int | None
) -> None:
    gateway = AlibabaSms(AlibabaGateway.model_validate(settings("http://h/")), timedelta(seconds=1))
    reply = Reply(status, httpx.Headers(), f'{{"Code":"{code}","Message":"{text}"}}'.encode())
    result = gateway._judge(reply, "+8613800138000", NOW)
    await gateway.close()
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (result.fate, result.reason, result.retry_after) == (fate, reason, wait)
    assert result.whole == code.startswith("Throttling")
    assert code in result.answer


@pytest.mark.parametrize(
    ("status", "body", "fate", "reason"),
    [
        pytest.param(200, "", RETRY, "server", id="empty"),
        pytest.param(200, "<html>blocked</html>", RETRY, "server", id="a web page"),
        pytest.param(200, "[]", RETRY, "server", id="a list"),
        pytest.param(200, "{}", RETRY, "server", id="no code"),
        pytest.param(200, '{"Code":null}', RETRY, "server", id="null"),
        pytest.param(403, "Forbidden", BROKEN, "auth", id="403"),
        pytest.param(404, "no", BROKEN, "client", id="404"),
        pytest.param(429, "", LATER, "rate limit", id="429"),
        pytest.param(504, "", RETRY, "timeout", id="504"),
    ],
)
async def test_an_answer_that_is_none_is_judged_by_its_status(
    status: int, body: str, fate: Fate, reason: str
) -> None:
    gateway = AlibabaSms(AlibabaGateway.model_validate(settings("http://h/")), timedelta(seconds=1))
    result = gateway._judge(Reply(status, httpx.Headers(), body.encode()), "+8613800138000", NOW)
    await gateway.close()
    assert (result.fate, result.reason) == (fate, reason)


async def test_the_wait_that_the_gateway_names_is_taken() -> None:
    gateway = AlibabaSms(AlibabaGateway.model_validate(settings("http://h/")), timedelta(seconds=1))
    headers = httpx.Headers({"x-acs-retry-after": "17"})
    result = gateway._judge(Reply(400, headers, b'{"Code":"Throttling.User"}'), "+8613800138000", NOW)
    await gateway.close()
    assert result.retry_after == timedelta(seconds=17)


# --- the gateway -----------------------------------------------------------------------------------


def cloud(**keys: Any) -> AlibabaSmsGateway:
    defaults: dict[str, Any] = {
        "key_id": KEY_ID,
        "key_secret": KEY_SECRET,
        "templates": TEMPLATES,
        "clock": StoppedClock(),
    }
    return AlibabaSmsGateway(**(defaults | keys))


def channel_to(
    url: str, *, to: tuple[str, ...] = ("13800138000",), timeout: str = "5s", **keys: Any
) -> SmsChannel:
    gateway = AlibabaGateway.model_validate(settings("http://h/", **keys)).model_copy(update={"url": url})
    return SmsChannel(
        SmsSettings.model_validate({"type": "sms", "to": to, "timeout": timeout, "gateway": gateway})
    )


async def test_a_firing_and_a_resolved_alert_go_out_by_their_templates() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url, to=("13800138000", "+15005550006"))
        receipt = await send(channel, message(variables=VARIABLES))
        await send(channel, message(resolved=True, variables=VARIABLES), delivery_id="delivery-2")
        await channel.close()
    assert {sms.number for sms in gateway.received} == {"+8613800138000", "+15005550006"}
    assert [sms.template for sms in gateway.received] == ["SMS_FIRING"] * 2 + ["SMS_OVER"] * 2
    first = gateway.received[0]
    assert (first.variables, first.our_id) == ({"alert": "HummingbotDown", "bot": "bot_a"}, "delivery-1")
    assert receipt.delivered == ("138****8000", "+150****0006")
    assert len(receipt.provider_id.split(",")) == 2


async def test_characters_that_url_libraries_disagree_on_are_signed_as_sent() -> None:
    """Blank, asterisk, tilde, quotes, brackets, plus, percent and Chinese, through the whole client."""
    async with cloud() as gateway:
        channel = channel_to(gateway.url, variables={"alert": "a *~'(1)+%25&=/?#;,:@!$ 高", "bot": '"q" [x]'})
        await send(channel, delivery_id="alert/42+a b%2F")
        await channel.close()
    assert gateway.received[0].our_id == "alert/42+a b%2F"
    assert gateway.received[0].variables == {"alert": "a *~'(1)+%25+=/?#;,:@!$ 高", "bot": '"q" [x]'}


async def test_hostile_values_are_cleaned_so_that_the_template_passes() -> None:
    values = {"alertname": "🔥【x】 http://evil.example.com/" + "高" * 99, "bot": "10.0.0.7"}
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        await send(channel, message(variables=values))
        await send(channel, message(variables={}), delivery_id="delivery-2")
        await channel.close()
    assert gateway.received[0].variables == {"alert": "x", "bot": "10-0-0-7"}
    assert gateway.received[1].variables == {"alert": "-", "bot": "-"}
    assert gateway.refused == []


async def test_a_content_that_is_refused_goes_once_by_the_fallback_template() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("content")
        receipt = await send(channel, message(variables=VARIABLES))
        gateway.behave("content", times=2)
        error = await failure(channel, message(variables=VARIABLES), delivery_id="delivery-2")
        await channel.close()
    (sms,) = gateway.received
    assert (sms.template, dict(sms.variables), gateway.calls) == ("SMS_PLAIN", {}, 4)
    assert "fallback template" in receipt.answer
    assert (type(error), error.reason) == (Permanent, "template")


async def test_without_a_fallback_template_a_refused_content_is_permanent() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url, fallback_template_code="")
        gateway.behave("content")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason, gateway.calls) == (Permanent, "template", 1)


async def test_a_nonce_that_is_taken_is_drawn_again_at_once() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        gateway.behave("nonce used")
        await send(channel)
        gateway.behave("nonce used", times=2)
        error = await failure(channel, delivery_id="delivery-2")
        await channel.close()
    assert (type(error), gateway.calls) == (Transient, 4)


@pytest.mark.parametrize(
    ("gateway_keys", "channel_keys", "reason", "remedy"),
    [
        pytest.param({"key_secret": "another"}, {}, "auth", "access_key_secret", id="wrong secret"),
        pytest.param({"key_id": "another"}, {}, "auth", "access_key_id", id="wrong key"),
        pytest.param({"sign_name": "另一个"}, {}, "template", "approved", id="signature not approved"),
        pytest.param({"templates": {}}, {}, "template", "approved", id="template not approved"),
        pytest.param({}, {"url": "ftp://h/"}, "client", "url", id="a URL of another kind"),
        pytest.param({}, {"url": "http://[::1/"}, "client", "url", id="a URL that is none"),
    ],
)
async def test_a_wrong_configuration_is_permanent_and_says_the_remedy(
    gateway_keys: dict[str, Any], channel_keys: dict[str, Any], reason: str, remedy: str
) -> None:
    async with cloud(**gateway_keys) as gateway:
        channel = channel_to(**({"url": gateway.url} | channel_keys))
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Permanent, reason)
    assert remedy in error.answer
    assert not gateway.received
    assert_no_secret(error)


async def test_a_clock_that_is_off_is_told_with_the_difference() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        await send(channel, now=NOW + timedelta(minutes=14))
        error = await failure(channel, now=NOW + timedelta(minutes=16))
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "auth")
    assert "960 s ahead of theirs" in error.answer


@pytest.mark.parametrize(
    ("mode", "kind", "reason", "wait_s"),
    [
        ("busy", Transient, "server", None),
        ("throttled", NotNow, "rate limit", 5),
        ("minute limit", NotNow, "rate limit", 60),
        ("hour limit", NotNow, "rate limit", 600),
        ("day limit", Permanent, "rate limit", None),
        ("arrears", Permanent, "quota", None),
        ("html", Transient, "server", None),
        ("empty", Transient, "server", None),
        ("garbage", Transient, "server", None),
        ("429", NotNow, "rate limit", 7),
        ("500", Transient, "server", None),
        ("503", Transient, "server", 7),
        ("reset", Transient, "network", None),
        ("lost answer", Transient, "network", None),
        ("slow", Transient, "timeout", None),
        ("slow answer", Transient, "timeout", None),
    ],
)
async def test_a_failing_gateway_gives_an_outcome_without_secrets(
    mode: str, kind: type[ChannelError], reason: str, wait_s: int | None
) -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url, timeout="300ms" if "slow" in mode else "5s")
        gateway.behave(mode)
        error = await failure(channel)
        await channel.close()
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)
    assert_no_secret(error)


async def test_a_number_gets_so_many_messages_by_one_template_in_a_day() -> None:
    async with cloud(per_day=2) as gateway:
        channel = channel_to(gateway.url)
        for n in range(2):
            await send(channel, delivery_id=f"d{n}")
        error = await failure(channel, delivery_id="d2")
        await send(channel, message(resolved=True), delivery_id="d3")
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "rate limit")


async def test_a_refused_connection_is_transient() -> None:
    async with nobody_listening() as port:
        channel = channel_to(f"http://127.0.0.1:{port}/")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "network")


# --- the gateway itself ----------------------------------------------------------------------------


async def test_the_gateway_refuses_a_request_that_was_changed_or_repeated() -> None:
    async with cloud() as gateway, httpx.AsyncClient(trust_env=False) as client:
        query = QUERY | {"TemplateCode": "SMS_PLAIN"}
        headers = HEADERS | {"host": gateway.url.split("/")[2]}
        headers["Authorization"] = authorization("POST", query, headers, key_id=KEY_ID, key_secret=KEY_SECRET)
        changed = canonical_query(query | {"PhoneNumbers": "13900139000"})
        codes = [
            (await client.post(f"{gateway.url}?{text}", headers=headers)).json()["Code"]
            for text in (changed, canonical_query(query), canonical_query(query))
        ]
        unsigned = {name: text for name, text in headers.items() if name != "x-acs-date"}
        unsigned["Authorization"] = authorization(
            "POST", query, unsigned, key_id=KEY_ID, key_secret=KEY_SECRET
        )
        unsigned["x-acs-date"] = HEADERS["x-acs-date"]
        codes.append(
            (await client.post(f"{gateway.url}?{canonical_query(query)}", headers=unsigned)).json()["Code"]
        )
    assert codes == ["SignatureDoesNotMatch", "OK", "SignatureNonceUsed", "SignatureDoesNotMatch"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("高" * 36, "isv.PARAM_LENGTH_LIMIT"),
        ("见 http://a.b/c", "isv.PARAM_NOT_SUPPORT_URL"),
        ("db1.example.com", "isv.PARAM_NOT_SUPPORT_URL"),
        ("10.0.0.7", "isv.PARAM_NOT_SUPPORT_URL"),
        ("🔥", "isv.UNSUPPORTED_CONTENT"),
        ("【x】", "isv.UNSUPPORTED_CONTENT"),
        ("", "isv.TEMPLATE_PARAMS_ILLEGAL"),
        (None, "isv.TEMPLATE_MISSING_PARAMETERS"),
    ],
)
async def test_the_gateway_refuses_variables_that_carriers_refuse(value: str | None, code: str) -> None:
    from hbalert.demo.gateways.alibaba_sms import _check_variable

    refusal = _check_variable("alert", value)
    assert refusal is not None
    assert refusal[0] == code


def assert_no_secret(error: ChannelError) -> None:
    for secret in (KEY_ID, KEY_SECRET, "13800138000"):
        assert secret not in words_of(error)
