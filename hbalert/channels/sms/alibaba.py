"""Alibaba Cloud SMS: SendSms of Dysmsapi 2017-05-25, one number per call.

Knows the parameters, the approved templates and every code with its class and remedy. Must not know
other gateways. `acs3.py` signs.

One number per call, because an answer about several has one status for all of them. There is no
idempotency key: `OutId` only comes back in receipts.
Source: help.aliyun.com, "SendSms" and "API error codes" of Short Message Service.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hbalert.channels.answers import clock_difference, parse_object, retry_after
from hbalert.channels.sms.acs3 import EMPTY_SHA256, authorization, canonical_query
from hbalert.channels.sms.gateway import AT_ONCE, Fate, Line, Result, each, endpoint
from hbalert.channels.sms.numbers import dialled
from hbalert.channels.sms.wording import clean, fill, values_of
from hbalert.config.channels.sms import AlibabaGateway
from hbalert.outbound import Reply
from hbalert.ports import Message

_TEXT_BYTES = 1500  # 500 characters

_BUSY = frozenset({"isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "ServiceUnavailable", "InternalError"})
_NUMBER = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.BLACK_KEY_CONTROL_LIMIT",
    }
)
_CONTENT = frozenset(
    {
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.INVALID_JSON_PARAM",
        "isv.INVALID_PARAMETERS",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.UNSUPPORTED_CONTENT",
        "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
    }
)
_APPROVAL = "see in the console whether the signature and the template are approved for this account"
_ACCOUNT = "see in the console whether the account is in order and has a balance"
_KEYS = "check access_key_id and access_key_secret"
_CAP = "the limit set in the console is reached; raise it there"
_BROKEN: Mapping[str, tuple[str, str]] = {  # code -> (reason, remedy)
    **dict.fromkeys(("isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"), ("quota", _CAP)),
    **dict.fromkeys(("isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH"), ("quota", _ACCOUNT)),
    **dict.fromkeys(
        (
            "isv.SMS_TEMPLATE_ILLEGAL",
            "isv.SMS_SIGNATURE_ILLEGAL",
            "isv.SMS_SIGN_ILLEGAL",
            "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
            "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
            "isv.SMS_TEST_NUMBER_LIMIT",
            "isv.ONE_CODE_MULTIPLE_SIGN",
        ),
        ("template", _APPROVAL),
    ),
    **dict.fromkeys(
        (
            "isv.PRODUCT_UN_SUBSCRIPT",
            "isv.PRODUCT_UNSUBSCRIBE",
            "isv.ACCOUNT_NOT_EXISTS",
            "isv.ACCOUNT_ABNORMAL",
            "isv.SECURITY_FROZEN_ACCOUNT",
        ),
        ("auth", _ACCOUNT),
    ),
    "isp.RAM_PERMISSION_DENY": ("auth", "give the key's user the permission dysms:SendSms"),
    "isv.DENY_IP_RANGE": ("auth", "calls from outside the mainland are refused; call from inside"),
    "SignatureDoesNotMatch": ("auth", _KEYS),
    "InvalidAccessKeyId.NotFound": ("auth", _KEYS),
    "InvalidAccessKeyId.Inactive": ("auth", "the access key is disabled; enable it or take another"),
    "InvalidVersion": ("client", "check the gateway's `url`"),
    "InvalidAction.NotFound": ("client", "check the gateway's `url`"),
}


class AlibabaSms:
    """Sends approved templates through Alibaba Cloud."""

    batch = AT_ONCE
    max_bytes = _TEXT_BYTES

    def __init__(self, settings: AlibabaGateway, timeout: timedelta) -> None:
        self._settings = settings
        secret = settings.access_key_secret.reveal()
        self._line = Line("Alibaba SMS", timeout, [secret, settings.access_key_id])

    async def send(
        self, numbers: Sequence[str], message: Message, *, delivery_id: str, now: datetime
    ) -> Mapping[str, Result]:
        """See gateway.Gateway. A content that is refused goes once more by the fallback template."""
        settings, values = self._settings, values_of(message)
        resolved = message.notification.status == "resolved" and settings.resolved_template_code
        template = resolved or settings.template_code
        variables = {
            name: clean(fill(text, values), settings.max_variable_chars)
            for name, text in settings.variables.items()
        }

        async def one(number: str) -> Result:
            result = await self._send_one(number, template, variables, delivery_id, now)
            if not result.content or not settings.fallback_template_code:
                return result
            again = await self._send_one(number, settings.fallback_template_code, {}, delivery_id, now)
            return again.with_remark(f"by the fallback template, because: {result.answer}")

        return await each(numbers, self._line, one)

    async def close(self) -> None:
        await self._line.close()

    async def _send_one(
        self, number: str, template: str, variables: Mapping[str, str], delivery_id: str, now: datetime
    ) -> Result:
        query = {
            "OutId": delivery_id,
            "PhoneNumbers": dialled(number),
            "SignName": self._settings.sign_name,
            "TemplateCode": template,
        }
        if variables:
            query["TemplateParam"] = json.dumps(variables, ensure_ascii=False, separators=(",", ":"))
        for _ in range(2):
            url, headers = self._signed(query, now)
            reply = await self._line.call("POST", url, headers=headers)
            if "SignatureNonceUsed" not in reply.text[:2000]:  # else another call drew the same nonce
                break
        return self._judge(reply, number, now)

    def _signed(self, query: Mapping[str, str], now: datetime) -> tuple[str, dict[str, str]]:
        """URL and headers of one call; each has a nonce of its own."""
        parts = endpoint(self._settings.url)
        path = parts.path or "/"
        headers = {
            "Host": parts.netloc,
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": EMPTY_SHA256,
            "x-acs-date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        headers["Authorization"] = authorization(
            "POST",
            query,
            headers,
            key_id=self._settings.access_key_id,
            key_secret=self._settings.access_key_secret.reveal(),
            path=path,
        )
        return f"{parts.scheme}://{parts.netloc}{path}?{canonical_query(query)}", headers

    def _judge(self, reply: Reply, number: str, now: datetime) -> Result:
        """What an answer means for the number. HTTP 200 is no success here; only Code "OK" is."""
        fields = parse_object(reply.text) or {}
        code = str(fields.get("Code") or "")
        if not code:
            return self._line.unreadable(reply, [number], now)
        words = self._line.words(fields.get("Message") or "", [number])
        if code == "OK" and reply.status < 300:
            return Result(Fate.ACCEPTED, words or "OK", provider_id=str(fields.get("BizId") or ""))
        said = f"Alibaba SMS: {self._line.words(code, [number])}: {words}"
        asked = retry_after(reply.headers, now) or _acs_wait(reply)
        if code.startswith("Throttling"):
            wait = asked or timedelta(seconds=5)
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if code == "isv.BUSINESS_LIMIT_CONTROL":
            return _number_limit(said, words)
        if code in _NUMBER:
            return Result(Fate.REFUSED, said, reason="client")
        if code in _CONTENT:
            said = f"{said}; shorten or change the variables"
            return Result(Fate.REFUSED, said, reason="template", content=True)
        if code in _BROKEN:
            reason, remedy = _BROKEN[code]
            return Result(Fate.BROKEN, f"{said}; {remedy}", reason=reason)
        if code.startswith("InvalidTimeStamp"):
            return Result(Fate.BROKEN, f"{said}; {clock_difference(reply.headers, now)}", reason="auth")
        if reply.status in (401, 403) or code.startswith(("Forbidden", "InvalidAccessKeyId")):
            return Result(Fate.BROKEN, f"{said}; {_KEYS}", reason="auth")
        reason = "server" if code in _BUSY or reply.status >= 500 else "other"
        return Result(Fate.RETRY, said, reason=reason, retry_after=asked)


def _acs_wait(reply: Reply) -> timedelta | None:
    text = reply.headers.get("x-acs-retry-after", "")
    return timedelta(seconds=min(int(text), 3600)) if re.fullmatch("[0-9]{1,6}", text) else None


def _number_limit(said: str, words: str) -> Result:
    """A number has had enough: the text says whether for a minute, an hour or a day.

    Windows roll, so that an hour's limit is worth a look after ten minutes. A day's is not: then
    another notifier has to tell.
    """
    if re.search(r"天级|day", words, re.IGNORECASE):
        text = f"{said}; no more for this number today"
        return Result(Fate.REFUSED, text, reason="rate limit")
    hourly = re.search(r"小时|hour", words, re.IGNORECASE)
    wait = timedelta(minutes=10) if hourly else timedelta(minutes=1)
    return Result(Fate.LATER, said, reason="rate limit", retry_after=wait)
