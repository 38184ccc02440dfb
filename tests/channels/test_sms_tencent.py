"""Tencent Cloud SMS: signature TC3, mixed answers, every code, and a gateway that checks what it gets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hbalert.channels.sms import SmsChannel
from hbalert.channels.sms.gateway import Fate
from hbalert.channels.sms.tc3 import authorization
from hbalert.channels.sms.tencent import TencentSms
from hbalert.config.channels.sms import SmsSettings, TencentGateway
from hbalert.demo.gateways.sms import TencentSmsGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply
from tests.channels.wire import NOW, StoppedClock, failure, message, nobody_listening, send, words_of

SECRET_ID, SECRET_KEY = "AKIDhbalertTestKey000000000000000001", "hbalertSecret0001"
VARIABLES = {"alertname": "BotDown", "bot": "bot_a"}
CVM = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
CVM_HEADERS = {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"}
SMS_HOST = "sms.tencentcloudapi.com"


# --- signature -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "timestamp", "key", "headers", "body", "expected"),
    [
        pytest.param(
            "cvm",
            1551113065,
            "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
            CVM_HEADERS,
            CVM,
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
            id="T1, the example of Tencent",
        ),
        pytest.param(
            "cvm",
            1551113065,
            "*" * 32,
            CVM_HEADERS | {"x-tc-action": "describeinstances"},
            CVM,
            "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
            id="T2, its newer example, with the action",
        ),
        pytest.param(
            "sms",
            1767323045,
            SECRET_KEY,
            {"content-type": "application/json", "host": SMS_HOST},
            b'{"PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400006666", "TemplateId": "1110", '
            b'"SignName": "\\u76d1\\u63a7\\u544a\\u8b66", "TemplateParamSet": ["CPU\\u9ad8", "P1"], '
            b'"SessionContext": "alert-42"}',
            "fab69676a5bbb3a337b2014a8807859ed09e0b754b2e200bb2d67b40abf379e2",
            id="T3, a message with escapes",
        ),
        pytest.param(
            "sms",
            1767323045,
            SECRET_KEY,
            {"content-type": "application/json", "host": SMS_HOST},
            b'{"PhoneNumberSet": ["+8613800138000", "+8613900139000"], "SmsSdkAppId": "1400006666", '
            b'"TemplateId": "449739", "SignName": "Ops"}',
            "16d27263805bc64f9c795f91cfa8f051cdfbc21ad1cf0a51ef90390c18a32179",
            id="T4, two numbers",
        ),
        pytest.param(
            "sms",
            1767323045,
            SECRET_KEY,
            {"content-type": "application/json; charset=utf-8", "host": SMS_HOST, "x-tc-action": "sendsms"},
            '{"PhoneNumberSet":["+8613800138000"],"SmsSdkAppId":"1400006666","SignName":"监控告警","TemplateId":"1110",'
            '"TemplateParamSet":["CPU高","P1"],"SessionContext":"alert-42"}'.encode(),
            "971e0f562ecb740cd7c293afee4caf03376c2e57be6f60862743a49311fe2589",
            id="T5, compact UTF-8 with the action",
        ),
    ],
)
def test_the_signature_is_that_of_the_published_vectors(
    service: str, timestamp: int, key: str, headers: dict[str, str], body: bytes, expected: str
) -> None:
    text = authorization(
        headers, body, service=service, timestamp=timestamp, secret_id=SECRET_ID, secret_key=key
    )
    assert text.endswith(f"SignedHeaders={';'.join(headers)}, Signature={expected}")
    assert text.startswith(f"TC3-HMAC-SHA256 Credential={SECRET_ID}/")


def test_the_date_of_the_signature_is_that_of_utc() -> None:
    text = authorization(
        {"host": "h"}, b"", service="sms", timestamp=1767311999, secret_id="i", secret_key="k"
    )
    assert "Credential=i/2026-01-01/sms/tc3_request" in text


# --- codes ---------------------------------------------------------------------------------------

RETRY, LATER, REFUSED, BROKEN = Fate.RETRY, Fate.LATER, Fate.REFUSED, Fate.BROKEN
CODES = [
    ("LimitExceeded.PhoneNumberThirtySecondLimit", LATER, "rate limit", 30),
    ("LimitExceeded.PhoneNumberOneHourLimit", LATER, "rate limit", 600),
    ("LimitExceeded.DeliveryFrequencyLimit", LATER, "rate limit", 60),
    ("LimitExceeded.PhoneNumberDailyLimit", REFUSED, "rate limit", None),
    ("LimitExceeded.PhoneNumberSameContentDailyLimit", REFUSED, "rate limit", None),
    ("LimitExceeded.AppDailyLimit", BROKEN, "quota", None),
    ("LimitExceeded.AppMainlandChinaDailyLimit", BROKEN, "quota", None),
    ("LimitExceeded.AppGlobalDailyLimit", BROKEN, "quota", None),
    ("LimitExceeded.DailyLimit", BROKEN, "quota", None),
    ("LimitExceeded.PhoneNumberCountLimit", REFUSED, "client", None),
    ("RequestLimitExceeded", LATER, "rate limit", 1),
    ("RequestLimitExceeded.UinLimitExceeded", LATER, "rate limit", 1),
    ("InternalError", RETRY, "server", None),
    ("InternalError.Timeout", RETRY, "timeout", None),
    ("InternalError.SendAndRecvFail", RETRY, "server", None),
    ("InternalError.OtherError", RETRY, "server", None),
    ("InternalError.UnknownError", RETRY, "server", None),
    ("InternalError.ParseBackendResponseFail", RETRY, "server", None),
    ("InvalidParameterValue.IncorrectPhoneNumber", REFUSED, "client", None),
    ("FailedOperation.PhoneNumberInBlacklist", REFUSED, "client", None),
    ("FailedOperation.PhoneNumberParseFail", REFUSED, "client", None),
    ("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", REFUSED, "client", None),
    ("FailedOperation.ContainSensitiveWord", REFUSED, "template", None),
    ("InvalidParameterValue.ContentLengthLimit", REFUSED, "template", None),
    ("InvalidParameterValue.TemplateParameterLengthLimit", REFUSED, "template", None),
    ("InvalidParameterValue.TemplateParameterFormatError", REFUSED, "template", None),
    ("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", REFUSED, "template", None),
    ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", REFUSED, "template", None),
    ("UnsupportedOperation.UnsupportedTemplateVariable", REFUSED, "template", None),
    ("FailedOperation.SignatureIncorrectOrUnapproved", BROKEN, "template", None),
    ("FailedOperation.TemplateIncorrectOrUnapproved", BROKEN, "template", None),
    ("FailedOperation.TemplateUnapprovedOrNotExist", BROKEN, "template", None),
    ("InvalidParameterValue.SdkAppIdNotExist", BROKEN, "auth", None),
    ("FailedOperation.InsufficientBalanceInSmsPackage", BROKEN, "quota", None),
    ("UnauthorizedOperation.RequestIpNotInWhitelist", BROKEN, "auth", None),
    ("UnauthorizedOperation.ServiceSuspendDueToArrears", BROKEN, "auth", None),
    ("AuthFailure.SignatureFailure", BROKEN, "auth", None),
    ("AuthFailure.SecretIdNotFound", BROKEN, "auth", None),
    ("AuthFailure.TokenFailure", BROKEN, "auth", None),
    ("AuthFailure.SignatureExpire", BROKEN, "auth", None),
    ("InternalError.RequestTimeException", BROKEN, "auth", None),
    ("NobodyKnows.This", RETRY, "other", None),
]


def settings(url: str, **keys: Any) -> dict[str, Any]:
    return {
        "provider": "tencent",
        "secret_id": SECRET_ID,
        "secret_key": SECRET_KEY,
        "sdk_app_id": "1400006666",
        "sign_name": "监控告警",
        "template_id": "1110",
        "resolved_template_id": "1111",
        "fallback_template_id": "1112",
        "variables": ["{alertname}", "{bot}"],
        "url": url,
    } | keys


async def judged(answer: object, *numbers: str, status: int = 200) -> dict[str, Any]:
    gateway = TencentSms(TencentGateway.model_validate(settings("http://h/")), timedelta(seconds=1))
    text = answer if isinstance(answer, str) else json.dumps(answer)
    results = gateway._judge(Reply(status, httpx.Headers(), text.encode()), numbers, NOW)
    await gateway.close()
    return results


@pytest.mark.parametrize(("code", "fate", "reason", "wait_s"), CODES)
async def test_a_code_of_tencent_becomes_an_outcome_for_a_number_and_for_a_request(
    code: str, fate: Fate, reason: str, wait_s: int | None
) -> None:
    number = "+8613800138000"
    status = {"SerialNo": "", "PhoneNumber": number, "Code": code, "Message": "x"}
    one = (await judged({"Response": {"SendStatusSet": [status]}}, number))[number]
    every = (await judged({"Response": {"Error": {"Code": code, "Message": "x"}}}, number))[number]
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert one == every
    assert (one.fate, one.reason, one.retry_after) == (fate, reason, wait)
    assert one.whole == code.startswith("RequestLimitExceeded")
    assert code in one.answer


@pytest.mark.parametrize(
    ("answer", "status", "fate"),
    [
        pytest.param("", 200, RETRY, id="empty"),
        pytest.param("<html/>", 200, RETRY, id="a web page"),
        pytest.param({"Response": None}, 200, RETRY, id="null"),
        pytest.param({"Response": {}}, 200, RETRY, id="nothing said"),
        pytest.param({"Response": {"SendStatusSet": "Ok"}}, 200, RETRY, id="no list"),
        pytest.param({"Response": {"SendStatusSet": [None, {}]}}, 200, RETRY, id="no numbers"),
        pytest.param("no", 403, BROKEN, id="403"),
    ],
)
async def test_an_answer_that_is_none_is_never_taken_for_success(
    answer: object, status: int, fate: Fate
) -> None:
    results = await judged(answer, "+8613800138000", "+8613900139000", status=status)
    assert [result.fate for result in results.values()] == [fate, fate]


async def test_a_number_is_found_however_the_answer_spells_it() -> None:
    spelt = ["8613900139000", "13800138000", "+8613700137000"]
    statuses = [{"PhoneNumber": number, "Code": "Ok", "SerialNo": f"s-{number}"} for number in spelt]
    numbers = ["+8613800138000", "+8613900139000", "+8613700137000", "+8613600136000"]
    results = await judged({"Response": {"SendStatusSet": statuses}}, *numbers)
    assert [results[number].provider_id for number in numbers] == [
        "s-13800138000",
        "s-8613900139000",
        "s-+8613700137000",
        "",
    ]
    assert results[numbers[3]].fate is Fate.RETRY


# --- the gateway -----------------------------------------------------------------------------------


def cloud(**keys: Any) -> TencentSmsGateway:
    defaults: dict[str, Any] = {
        "secret_id": SECRET_ID,
        "secret_key": SECRET_KEY,
        "templates": {"1110": 2, "1111": 2, "1112": 0},
        "clock": StoppedClock(),
    }
    return TencentSmsGateway(**(defaults | keys))


def channel_to(
    url: str, *, to: tuple[str, ...] = ("13800138000",), timeout: str = "5s", **keys: Any
) -> SmsChannel:
    gateway = TencentGateway.model_validate(settings("http://h/", **keys)).model_copy(update={"url": url})
    return SmsChannel(
        SmsSettings.model_validate({"type": "sms", "to": to, "timeout": timeout, "gateway": gateway})
    )


async def test_many_numbers_go_out_in_one_call_and_foreign_ones_in_another() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url, to=("13800138000", "+15005550006", "13900139000"))
        receipt = await send(channel, message(variables=VARIABLES))
        await channel.close()
    assert gateway.calls == 2
    assert [sms.number for sms in gateway.received] == ["+8613800138000", "+8613900139000", "+15005550006"]
    assert receipt.delivered == ("138****8000", "+150****0006", "139****9000")
    first = gateway.received[0]
    assert (first.template, first.text, first.our_id) == ("1110", "BotDown bot_a", "delivery-1")


async def test_a_resolve_goes_out_by_its_own_template() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        await send(channel, message(resolved=True, variables=VARIABLES))
        await channel.close()
    assert gateway.received[0].template == "1111"


async def test_a_mixed_answer_is_told_apart_number_by_number() -> None:
    outcomes = {
        "+8613900139000": "FailedOperation.PhoneNumberInBlacklist",
        "+8613700137000": "InternalError.OtherError",
    }
    async with cloud(outcomes=outcomes) as gateway:
        channel = channel_to(gateway.url, to=("13800138000", "13900139000", "13700137000"))
        receipt = await send(channel, message(variables=VARIABLES))
        gateway.outcomes.clear()
        done = frozenset(receipt.delivered) | frozenset(receipt.refused)
        again = await send(channel, message(variables=VARIABLES), skip=done)
        await channel.close()
    assert receipt.delivered == ("138****8000",)
    assert list(receipt.refused) == ["139****9000"]
    assert list(receipt.deferred) == ["137****7000"]
    assert "13900139000" not in str(receipt)
    assert again.delivered == ("137****7000",)
    assert [sms.number for sms in gateway.received] == ["+8613800138000", "+8613700137000"]


async def test_two_hundred_and_one_numbers_are_two_calls() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url, to=tuple(f"138{n:08}" for n in range(201)))
        receipt = await send(channel, message(variables=VARIABLES))
        await channel.close()
    assert (gateway.calls, len(receipt.delivered)) == (2, 201)


async def test_a_content_that_is_refused_goes_once_by_the_fallback_template() -> None:
    async with cloud(max_variable_chars=6) as gateway:
        channel = channel_to(gateway.url, to=("13800138000", "13900139000"))
        receipt = await send(channel, message(variables=VARIABLES))
        gateway.outcomes = dict.fromkeys(
            ["+8613800138000", "+8613900139000"], "FailedOperation.ContainSensitiveWord"
        )
        error = await failure(channel, message(variables=VARIABLES), delivery_id="delivery-2")
        await channel.close()
    assert [(sms.template, sms.text) for sms in gateway.received] == [("1112", "")] * 2
    assert "fallback template" in receipt.answer
    assert (type(error), error.reason, gateway.calls) == (Permanent, "template", 4)


async def test_a_second_message_within_thirty_seconds_waits() -> None:
    clock = StoppedClock()
    async with cloud(clock=clock) as gateway:
        channel = channel_to(gateway.url)
        await send(channel, message(variables=VARIABLES))
        error = await failure(channel, message(variables=VARIABLES), delivery_id="delivery-2")
        assert (type(error), error.retry_after) == (NotNow, timedelta(seconds=30))
        clock.advance(seconds=30)
        await send(channel, message(variables=VARIABLES), delivery_id="delivery-2", now=clock.now())
        await channel.close()


@pytest.mark.parametrize(
    ("gateway_keys", "channel_keys", "reason", "remedy"),
    [
        pytest.param({"secret_key": "another"}, {}, "auth", "secret_key", id="wrong key"),
        pytest.param({"secret_id": "another"}, {}, "auth", "secret_id", id="wrong id"),
        pytest.param({"app_id": "1"}, {}, "auth", "sdk_app_id", id="wrong application"),
        pytest.param({"sign_name": "另一个"}, {}, "template", "approved", id="signature not approved"),
        pytest.param({"templates": {}}, {}, "template", "approved", id="template not approved"),
        pytest.param({}, {"url": "sms.tencentcloudapi.com"}, "client", "url", id="a URL that is none"),
    ],
)
async def test_a_wrong_configuration_is_permanent_and_says_the_remedy(
    gateway_keys: dict[str, Any], channel_keys: dict[str, Any], reason: str, remedy: str
) -> None:
    async with cloud(**gateway_keys) as gateway:
        channel = channel_to(**({"url": gateway.url} | channel_keys))
        error = await failure(channel, message(variables=VARIABLES))
        await channel.close()
    assert (type(error), error.reason) == (Permanent, reason)
    assert remedy in error.answer
    assert not gateway.received
    assert_no_secret(error)


async def test_a_clock_that_is_off_is_told_with_the_difference() -> None:
    async with cloud() as gateway:
        channel = channel_to(gateway.url)
        error = await failure(channel, now=NOW - timedelta(minutes=6))
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "auth")
    assert "360 s behind theirs" in error.answer


@pytest.mark.parametrize(
    ("mode", "kind", "reason", "wait_s"),
    [
        ("busy", Transient, "server", None),
        ("throttled", NotNow, "rate limit", 1),
        ("arrears", Permanent, "auth", None),
        ("html", Transient, "server", None),
        ("empty", Transient, "server", None),
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
    async with cloud() as gateway:
        channel = channel_to(gateway.url, timeout="300ms" if mode == "slow" else "5s")
        gateway.behave(mode)
        error = await failure(channel, message(variables=VARIABLES))
        await channel.close()
    wait = timedelta(seconds=wait_s) if wait_s else None
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)
    assert_no_secret(error)


async def test_a_refused_connection_is_transient() -> None:
    async with nobody_listening() as port:
        channel = channel_to(f"http://127.0.0.1:{port}/")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "network")


async def test_the_gateway_refuses_a_body_that_was_changed() -> None:
    async with cloud() as gateway, httpx.AsyncClient(trust_env=False) as client:
        host = gateway.url.split("/")[2]
        signed = {"content-type": "application/json", "host": host}
        body = b'{"PhoneNumberSet":["+8613800138000"]}'
        headers = {
            **signed,
            "X-TC-Timestamp": "1767323045",
            "Authorization": authorization(
                signed, body, service="sms", timestamp=1767323045, secret_id=SECRET_ID, secret_key=SECRET_KEY
            ),
        }
        answer = await client.post(gateway.url, headers=headers, content=body.replace(b"138", b"139"))
    assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.SignatureFailure"


def assert_no_secret(error: ChannelError) -> None:
    for secret in (SECRET_ID, SECRET_KEY, "13800138000"):
        assert secret not in words_of(error)
