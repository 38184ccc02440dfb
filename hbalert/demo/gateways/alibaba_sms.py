"""Alibaba Cloud SMS on loopback: SendSms with signature V3.

Knows what the real one checks: signature over the headers that the caller lists, the clock, nonces,
signature name and template, variables, and how many messages a number gets. Its code is its own; it
must not import `hbalert.channels`. See `server.py` for the faults all gateways share.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.phones import MAINLAND, TextMessage, full
from hbalert.demo.gateways.server import LoopbackGateway

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
_MUST_BE_SIGNED = frozenset({"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"})
_LINK = re.compile(r"://|\bwww\.|\b[\w-]+(\.[\w-]+)*\.(com|cn|net|org|io)\b", re.IGNORECASE | re.ASCII)
_MODES: dict[str, tuple[int, str, str]] = {  # mode -> (status, code, message)
    "busy": (200, "isp.SYSTEM_ERROR", "系统错误"),
    "throttled": (400, "Throttling.User", "Request was denied due to user flow control."),
    "minute limit": (200, "isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"),
    "hour limit": (200, "isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5"),
    "day limit": (200, "isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10"),
    "arrears": (200, "isv.AMOUNT_NOT_ENOUGH", "账户余额不足"),
    "content": (200, "isv.SMS_CONTENT_ILLEGAL", "短信内容包含禁止发送内容"),
    "nonce used": (400, "SignatureNonceUsed", "Specified signature nonce was used already."),
}


class AlibabaSmsGateway(LoopbackGateway[TextMessage]):
    """Templates: code -> names of its variables.

    refused  every code it answered other than OK
    """

    def __init__(
        self,
        *,
        key_id: str = "demo-key-id",
        key_secret: str = "demo-key-secret",  # noqa: S107  the demonstration's
        sign_name: str = "监控告警",
        templates: Mapping[str, Sequence[str]] | None = None,
        per_day: int = 50,
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock, port=port)
        self._key_id, self._key_secret, self._sign_name = key_id, key_secret, sign_name
        self._templates = templates if templates is not None else {"SMS_1": ()}
        self._per_day = per_day
        self._nonces: set[str] = set()
        self.refused: list[str] = []

    @property
    def url(self) -> str:
        return f"{self.base_url}/"

    def modes(self) -> frozenset[str]:
        return super().modes() | frozenset(_MODES)

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        return self._refuse(*_MODES[mode])

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        query = dict(request.rel_url.query)
        refusal = self._check_caller(request, query, body) or self._check_message(query)
        if refusal:
            return self._refuse(*refusal)
        variables: dict[str, str] = json.loads(query.get("TemplateParam", "{}"))
        identity = f"{900_000_000_000 + len(self.received)}^0"
        self.take(
            TextMessage(
                at=self.clock.now(),
                number=full(query["PhoneNumbers"]),
                text=" ".join(f"{name}={value}" for name, value in variables.items()),
                id=identity,
                our_id=query.get("OutId", ""),
                template=query["TemplateCode"],
                variables=variables,
                fields=query,
            )
        )
        return self.json({"Code": "OK", "Message": "OK", "BizId": identity, "RequestId": "0A1B-2C3D"})

    def _refuse(self, status: int, code: str, message: str) -> web.Response:
        self.refused.append(code)
        return self.json({"Code": code, "Message": message, "RequestId": "0A1B-2C3D"}, status=status)

    def _check_caller(
        self, request: web.Request, query: Mapping[str, str], body: bytes
    ) -> tuple[int, str, str] | None:
        """Signature, clock and nonce; the signature over exactly the headers that are listed."""
        pattern = r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
        found = re.fullmatch(pattern, request.headers.get("Authorization", ""))
        if found is None:
            return 400, "IncompleteSignature", "The request signature does not conform to standards."
        key_id, names, signature = found[1], found[2].split(";"), found[3]
        if key_id != self._key_id:
            return 404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."
        try:
            written = datetime.strptime(request.headers.get("x-acs-date", ""), "%Y-%m-%dT%H:%M:%S%z")
        except ValueError:
            return 400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        if abs(self.clock.now() - written) > timedelta(minutes=15):
            return 400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
        lines = [f"{name}:{request.headers.get(name, '').strip()}\n" for name in names]
        pairs = sorted((_encoded(name), _encoded(value)) for name, value in query.items())
        canonical = [
            request.method,
            request.path,
            "&".join("=".join(pair) for pair in pairs),
            "".join(lines),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        right = hmac.digest(self._key_secret.encode(), text.encode(), "sha256").hex()
        if not hmac.compare_digest(right, signature) or not _MUST_BE_SIGNED.issubset(names):
            return 400, "SignatureDoesNotMatch", "Specified signature does not match our calculation."
        nonce = request.headers.get("x-acs-signature-nonce", "")
        if not nonce or nonce in self._nonces:
            return 400, "SignatureNonceUsed", "Specified signature nonce was used already."
        self._nonces.add(nonce)
        action, version = request.headers.get("x-acs-action"), request.headers.get("x-acs-version")
        if (action, version) != ("SendSms", "2017-05-25"):
            return 404, "InvalidAction.NotFound", "Specified api is not found."
        return None

    def _check_message(self, query: Mapping[str, str]) -> tuple[int, str, str] | None:
        number, template = query.get("PhoneNumbers", ""), query.get("TemplateCode", "")
        if not MAINLAND.fullmatch(number) and not re.fullmatch("(?:00)?[1-9][0-9]{6,14}", number):
            return 200, "isv.MOBILE_NUMBER_ILLEGAL", f"{number}非法手机号"
        if query.get("SignName") != self._sign_name:
            return 200, "isv.SMS_SIGNATURE_ILLEGAL", "短信签名不合法"
        if template not in self._templates:
            return 200, "isv.SMS_TEMPLATE_ILLEGAL", "短信模板不合法"
        try:
            variables = json.loads(query.get("TemplateParam", "{}"))
        except ValueError:
            return 200, "isv.INVALID_JSON_PARAM", "JSON参数不合法"
        if not isinstance(variables, dict):
            return 200, "isv.INVALID_JSON_PARAM", "JSON参数不合法"
        for name in self._templates[template]:
            refusal = _check_variable(name, variables.get(name))
            if refusal:
                return (200, *refusal)
        day_ago = self.clock.now() - timedelta(days=1)
        same = [
            sms
            for sms in self.received
            if sms.number == full(number) and sms.template == template and sms.at > day_ago
        ]
        if len(same) >= self._per_day:
            return 200, "isv.BUSINESS_LIMIT_CONTROL", f"触发天级流控Permits:{self._per_day}"
        return None


def _check_variable(name: str, value: object) -> tuple[str, str] | None:
    if value is None:
        return "isv.TEMPLATE_MISSING_PARAMETERS", f"模板变量缺少参数:{name}"
    if not isinstance(value, str) or not value:
        return "isv.TEMPLATE_PARAMS_ILLEGAL", f"模板变量中存在非法参数:{name}"
    if len(value) > 35:
        return "isv.PARAM_LENGTH_LIMIT", "参数超过长度限制"
    if _LINK.search(value) or re.search(r"\d+\.\d+\.\d+\.\d+", value):
        return "isv.PARAM_NOT_SUPPORT_URL", "不支持URL"
    if any(unicodedata.category(char) in ("So", "Cc", "Cs") or char in "【】" for char in value):
        return "isv.UNSUPPORTED_CONTENT", "短信内容包含不支持的字符"
    return None


def _encoded(text: str) -> str:
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
