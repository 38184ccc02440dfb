"""Tencent Cloud SMS: SendSms 2021-01-11, many numbers per call, each with an outcome of its own.

Knows the parameters, the approved templates and every code with its class and remedy. Must not know
other gateways. `tc3.py` signs.

A call takes numbers of the mainland or of elsewhere, never both. There is no idempotency key:
`SessionContext` only comes back in receipts.
Source: cloud.tencent.com, "SendSms" and "Error codes" of Short Message Service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hbalert.channels.answers import clock_difference, parse_object
from hbalert.channels.sms.gateway import BadUrl, Fate, Line, Result, endpoint
from hbalert.channels.sms.numbers import is_mainland
from hbalert.channels.sms.tc3 import authorization
from hbalert.channels.sms.wording import clean, fill, values_of
from hbalert.config.channels.sms import TencentGateway
from hbalert.config.phone import parse_phone
from hbalert.outbound import Reply, Unreachable
from hbalert.ports import Message

_TEXT_BYTES = 1500  # 500 characters
_CONTENT_TYPE = "application/json; charset=utf-8"

_WAITS: Mapping[str, timedelta] = {
    "LimitExceeded.PhoneNumberThirtySecondLimit": timedelta(seconds=30),
    "LimitExceeded.DeliveryFrequencyLimit": timedelta(minutes=1),
    "LimitExceeded.PhoneNumberOneHourLimit": timedelta(minutes=10),  # the window rolls: look again soon
}
_NUMBER_S_DAY = frozenset(
    {"LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit"}
)
_NUMBER = frozenset(
    {
        "InvalidParameterValue.IncorrectPhoneNumber",
        "FailedOperation.PhoneNumberInBlacklist",
        "FailedOperation.PhoneNumberParseFail",
        "LimitExceeded.PhoneNumberCountLimit",
    }
)
_CONTENT = frozenset(
    {
        "FailedOperation.ContainSensitiveWord",
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
        "InvalidParameterValue.ContentLengthLimit",
        "InvalidParameterValue.TemplateParameterLengthLimit",
        "InvalidParameterValue.TemplateParameterFormatError",
        "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter",
        "UnsupportedOperation.UnsupportedTemplateVariable",
        "InvalidParameterValue.UnsupportedTemplateVariable",
        "FailedOperation.UnsupportedTemplateVariable",
    }
)
_CAP = "the day's limit set in the console is reached; raise it there"
_APPROVAL = "see in the console whether the signature and the template are approved"
_BROKEN: Mapping[str, tuple[str, str]] = {  # code, or its beginning -> (reason, remedy)
    "LimitExceeded.AppDailyLimit": ("quota", _CAP),
    "LimitExceeded.AppMainlandChinaDailyLimit": ("quota", _CAP),
    "LimitExceeded.AppGlobalDailyLimit": ("quota", _CAP),
    "LimitExceeded.DailyLimit": ("quota", _CAP),
    "FailedOperation.SignatureIncorrectOrUnapproved": ("template", _APPROVAL),
    "FailedOperation.TemplateIncorrectOrUnapproved": ("template", _APPROVAL),
    "FailedOperation.TemplateUnapprovedOrNotExist": ("template", _APPROVAL),
    "InvalidParameterValue.SdkAppIdNotExist": ("auth", "check sdk_app_id"),
    "FailedOperation.InsufficientBalanceInSmsPackage": ("quota", "buy a package of messages"),
    "UnauthorizedOperation": ("auth", "see in the console: allowed addresses, balance, permissions"),
    "AuthFailure": ("auth", "check secret_id and secret_key"),
}
_CLOCK = frozenset({"AuthFailure.SignatureExpire", "InternalError.RequestTimeException"})


class TencentSms:
    """Sends approved templates through Tencent Cloud."""

    batch = 200
    max_bytes = _TEXT_BYTES

    def __init__(self, settings: TencentGateway, timeout: timedelta) -> None:
        self._settings = settings
        self._line = Line("Tencent SMS", timeout, [settings.secret_key.reveal(), settings.secret_id])

    async def send(
        self, numbers: Sequence[str], message: Message, *, delivery_id: str, now: datetime
    ) -> Mapping[str, Result]:
        """See gateway.Gateway. Numbers whose content is refused get the fallback template."""
        settings, values = self._settings, values_of(message)
        resolved = message.notification.status == "resolved" and settings.resolved_template_id
        template = resolved or settings.template_id
        variables = [clean(fill(text, values), settings.max_variable_chars) for text in settings.variables]
        results: dict[str, Result] = {}
        for group in (
            [number for number in numbers if is_mainland(number)],
            [number for number in numbers if not is_mainland(number)],
        ):
            if not group:
                continue
            first = await self._send_set(group, template, variables, delivery_id, now)
            results |= first
            refused = [number for number in group if first[number].content]
            if refused and settings.fallback_template_id:
                again = await self._send_set(refused, settings.fallback_template_id, [], delivery_id, now)
                for number, result in again.items():
                    remark = f"by the fallback template, because: {first[number].answer}"
                    results[number] = result.with_remark(remark)
        return results

    async def close(self) -> None:
        await self._line.close()

    async def _send_set(
        self, numbers: Sequence[str], template: str, variables: Sequence[str], delivery_id: str, now: datetime
    ) -> dict[str, Result]:
        fields: dict[str, Any] = {
            "PhoneNumberSet": list(numbers),
            "SmsSdkAppId": self._settings.sdk_app_id,
            "SignName": self._settings.sign_name,
            "TemplateId": template,
            "TemplateParamSet": list(variables),
            "SessionContext": delivery_id,
        }
        body = json.dumps(
            {name: value for name, value in fields.items() if value},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode("utf-8", "replace")
        try:
            reply = await self._line.call(
                "POST", self._settings.url, headers=self._headers(body, now), content=body
            )
        except Unreachable as error:
            return dict.fromkeys(numbers, self._line.unanswered(error, numbers))
        except BadUrl as error:
            return dict.fromkeys(numbers, self._line.misdirected(error))
        return self._judge(reply, numbers, now)

    def _headers(self, body: bytes, now: datetime) -> dict[str, str]:
        parts = endpoint(self._settings.url)
        timestamp = int(now.timestamp())
        signed = {"content-type": _CONTENT_TYPE, "host": parts.netloc, "x-tc-action": "sendsms"}
        return {
            "Authorization": authorization(
                signed,
                body,
                service="sms",
                timestamp=timestamp,
                secret_id=self._settings.secret_id,
                secret_key=self._settings.secret_key.reveal(),
                path=parts.path or "/",
            ),
            "Content-Type": _CONTENT_TYPE,
            "Host": parts.netloc,
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Region": self._settings.region,
        }

    def _judge(self, reply: Reply, numbers: Sequence[str], now: datetime) -> dict[str, Result]:
        """The outcome of every number: one error for all, or a status for each."""
        response = (parse_object(reply.text) or {}).get("Response")
        if not isinstance(response, dict):
            return dict.fromkeys(numbers, self._line.unreadable(reply, numbers, now))
        error = response.get("Error")
        if isinstance(error, dict):
            return dict.fromkeys(numbers, self._outcome(error, numbers, reply, now))
        statuses = response.get("SendStatusSet")
        told = [entry for entry in statuses if isinstance(entry, dict)] if isinstance(statuses, list) else []
        by_digits = {digits: entry for entry in told for digits in _digits(str(entry.get("PhoneNumber")))}
        silence = Result(Fate.RETRY, "Tencent SMS: its answer does not mention the number", reason="server")
        return {
            number: self._outcome(by_digits[number[1:]], [number], reply, now)
            if number[1:] in by_digits
            else silence
            for number in numbers
        }

    def _outcome(
        self, fields: Mapping[str, Any], numbers: Sequence[str], reply: Reply, now: datetime
    ) -> Result:
        code = str(fields.get("Code") or "")
        words = self._line.words(fields.get("Message") or "", numbers)
        if code.lower() == "ok":
            return Result(Fate.ACCEPTED, words or "Ok", provider_id=str(fields.get("SerialNo") or ""))
        said = f"Tencent SMS: {self._line.words(code, numbers) or 'no code'}: {words}"
        if code in _WAITS:
            return Result(Fate.LATER, said, reason="rate limit", retry_after=_WAITS[code])
        if code.startswith("RequestLimitExceeded"):
            wait = timedelta(seconds=1)
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if code in _NUMBER_S_DAY:
            return Result(Fate.REFUSED, f"{said}; no more for this number today", reason="rate limit")
        if code in _CLOCK:
            return Result(Fate.BROKEN, f"{said}; {clock_difference(reply.headers, now)}", reason="auth")
        if code in _CONTENT:
            said = f"{said}; shorten or change the variables"
            return Result(Fate.REFUSED, said, reason="template", content=True)
        if code in _NUMBER or code.startswith("UnsupportedOperation"):
            return Result(Fate.REFUSED, said, reason="client")
        if code in _BROKEN or code.split(".")[0] in _BROKEN:
            reason, remedy = _BROKEN.get(code) or _BROKEN[code.split(".")[0]]
            return Result(Fate.BROKEN, f"{said}; {remedy}", reason=reason)
        if code == "InternalError.Timeout":
            return Result(Fate.RETRY, said, reason="timeout")
        reason = "server" if code.startswith("InternalError") or reply.status >= 500 else "other"
        return Result(Fate.RETRY, said, reason=reason)


def _digits(text: str) -> set[str]:
    """Country code and number, however the answer spells it."""
    try:
        return {text.removeprefix("+"), parse_phone(text).removeprefix("+")}
    except ValueError:
        return {text}
