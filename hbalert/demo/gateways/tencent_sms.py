"""Tencent Cloud SMS on loopback: SendSms with signature TC3.

Knows what the real one checks: the signature over the raw body and the headers that the caller
lists, its date and clock, numbers, templates, variables and the limit of a number. Its code is its
own; it must not import `hbalert.channels`. See `server.py` for the faults all gateways share.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.phones import MAINLAND, TextMessage, full
from hbalert.demo.gateways.server import LoopbackGateway

_MODES: dict[str, tuple[str, str]] = {  # mode -> (code, message); for the whole request
    "busy": ("InternalError.OtherError", "其他错误"),
    "throttled": ("RequestLimitExceeded", "请求的次数超过了频率限制"),
    "arrears": ("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId 校验失败"),
}


class TencentSmsGateway(LoopbackGateway[TextMessage]):
    """Templates: id -> how many variables it has.

    outcomes  number -> code that it gets instead of "Ok", for mixed answers
    refused   every code it answered other than Ok
    """

    def __init__(
        self,
        *,
        secret_id: str = "demo-secret-id",  # noqa: S107  the demonstration's
        secret_key: str = "demo-secret-key",  # noqa: S107  the demonstration's
        app_id: str = "1400006666",
        sign_name: str = "监控告警",
        templates: Mapping[str, int] | None = None,
        max_variable_chars: int = 12,
        outcomes: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock, port=port)
        self._secret_id, self._secret_key = secret_id, secret_key
        self._app_id, self._sign_name = app_id, sign_name
        self._templates = templates if templates is not None else {"1110": 0}
        self._max_variable_chars = max_variable_chars
        self.outcomes = dict(outcomes or {})
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"{self.base_url}/"

    def modes(self) -> frozenset[str]:
        return super().modes() | frozenset(_MODES)

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        return self._refuse(*_MODES[mode])

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        refusal = self._check_caller(request, body)
        if refusal:
            return self._refuse(*refusal)
        try:
            fields = json.loads(body)
            numbers = [str(number) for number in fields["PhoneNumberSet"]]
        except (ValueError, TypeError, KeyError):
            return self._refuse("InvalidParameter", "请求参数不合法")
        refusal = self._check_request(fields, numbers)
        if refusal:
            return self._refuse(*refusal)
        statuses = [self._deliver(number, fields) for number in numbers]
        return self.json({"Response": {"SendStatusSet": statuses, "RequestId": "0a1b-2c3d"}})

    def _refuse(self, code: str, message: str) -> web.Response:
        self.refused.append(code)
        error = {"Code": code, "Message": message}
        return self.json({"Response": {"Error": error, "RequestId": "0a1b-2c3d"}})

    def _check_caller(self, request: web.Request, body: bytes) -> tuple[str, str] | None:
        """The signature over exactly the headers that are listed and the bytes that came."""
        pattern = (
            r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/sms/tc3_request, "
            r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
        )
        found = re.fullmatch(pattern, request.headers.get("Authorization", ""))
        seconds = request.headers.get("X-TC-Timestamp", "")
        if found is None or not seconds.isdigit():
            return "AuthFailure.InvalidAuthorization", "请求头部的 Authorization 不符合规范"
        secret_id, date, names, signature = found.groups()
        if secret_id != self._secret_id:
            return "AuthFailure.SecretIdNotFound", "密钥不存在"
        at = datetime.fromtimestamp(int(seconds), UTC)
        if abs(self.clock.now() - at) > timedelta(minutes=5):
            return "AuthFailure.SignatureExpire", "签名过期"
        signed = names.split(";")
        lines = "".join(f"{name}:{_signed_value(request, name)}\n" for name in signed)
        hashed = hashlib.sha256(body).hexdigest()
        canonical = f"{request.method}\n{request.path}\n\n{lines}\n{names}\n{hashed}"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"TC3-HMAC-SHA256\n{seconds}\n{date}/sms/tc3_request\n{hashed}"
        key = hmac.new(b"TC3" + self._secret_key.encode(), date.encode(), hashlib.sha256).digest()
        for word in (b"sms", b"tc3_request"):
            key = hmac.new(key, word, hashlib.sha256).digest()
        right = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        complete = {"content-type", "host"} <= set(signed) and date == at.strftime("%Y-%m-%d")
        if not complete or not hmac.compare_digest(right, signature):
            return "AuthFailure.SignatureFailure", "签名错误"
        called = (request.headers.get("X-TC-Action"), request.headers.get("X-TC-Version"))
        if called != ("SendSms", "2021-01-11") or not request.headers.get("X-TC-Region"):
            return "InvalidAction", "接口不存在"
        return None

    def _check_request(self, fields: Mapping[str, Any], numbers: list[str]) -> tuple[str, str] | None:
        if len(numbers) > 200:
            return "LimitExceeded.PhoneNumberCountLimit", "手机号码数量超过上限"
        if len({bool(MAINLAND.fullmatch(number)) for number in numbers}) > 1:
            return (
                "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
                "群发请求里既有国内手机号也有国际手机号",
            )
        if fields.get("SmsSdkAppId") != self._app_id:
            return "InvalidParameterValue.SdkAppIdNotExist", "SmsSdkAppId 不存在"
        return None

    def _deliver(self, number: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """One number's status: what was scripted for it, what is wrong, or "Ok"."""
        code = self.outcomes.get(number) or self._wrong(number, fields) or "Ok"
        status = {"PhoneNumber": number, "Fee": 0, "SessionContext": "", "Code": code, "IsoCode": "CN"}
        if code != "Ok":
            self.refused.append(code)
            return {**status, "SerialNo": "", "Message": f"send to {number} failed"}
        identity = f"2028:f825e6b16e23f73f81f{len(self.received):x}"
        variables = {str(place): text for place, text in enumerate(fields.get("TemplateParamSet", ()), 1)}
        self.take(
            TextMessage(
                at=self.clock.now(),
                number=full(number),
                text=" ".join(variables.values()),
                id=identity,
                our_id=str(fields.get("SessionContext", "")),
                template=fields["TemplateId"],
                variables=variables,
                fields={"SignName": fields.get("SignName", "")},
            )
        )
        return {**status, "SerialNo": identity, "Fee": 1, "Message": "send success"}

    def _wrong(self, number: str, fields: Mapping[str, Any]) -> str:
        mainland = MAINLAND.fullmatch(number)
        if not mainland and not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if mainland and fields.get("SignName") != self._sign_name:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        expected = self._templates.get(str(fields.get("TemplateId")))
        if expected is None:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        variables = fields.get("TemplateParamSet", [])
        if len(variables) != expected:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if any("://" in text for text in variables):
            return "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
        if any(not text or len(text) > self._max_variable_chars for text in variables):
            return "InvalidParameterValue.TemplateParameterLengthLimit"
        since = self.clock.now() - timedelta(seconds=30)
        if any(sms.number == full(number) and sms.at > since for sms in self.received):
            return "LimitExceeded.PhoneNumberThirtySecondLimit"
        return ""


def _signed_value(request: web.Request, name: str) -> str:
    value = request.headers.get(name, "").strip()
    return value.lower() if name == "x-tc-action" else value
