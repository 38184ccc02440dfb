"""Twilio on loopback: Messages.json with basic authentication.

Knows what the real one checks: account and token, sender, number, length, validity. Its code is its
own; it must not import `hbalert.channels`. See `server.py` for the faults all gateways share.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qs

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.phones import TextMessage
from hbalert.demo.gateways.server import LoopbackGateway

_MODES: dict[str, tuple[int, int, str]] = {  # mode -> (status, code, message)
    "throttled": (429, 20429, "Too Many Requests"),
    "queue full": (400, 21611, "This From number has exceeded the maximum number of queued messages"),
    "unsubscribed": (400, 21610, "Attempt to send to unsubscribed recipient"),
    "suspended": (401, 20005, "Account not active"),
}


class TwilioSmsGateway(LoopbackGateway[TextMessage]):
    """One account with one sender.

    refused  every code it answered
    """

    def __init__(
        self,
        *,
        account_sid: str = "AC00000000000000000000000000000001",
        api_key_sid: str = "",
        auth_token: str = "demo-token",  # noqa: S107  the demonstration's
        sender: str = "+15005550001",
        service_sid: str = "",
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock, port=port)
        self._account_sid, self._sender, self._service_sid = account_sid, sender, service_sid
        self._login = f"{api_key_sid or account_sid}:{auth_token}"
        self.refused: list[int] = []

    @property
    def url(self) -> str:
        return f"{self.base_url}/"

    def modes(self) -> frozenset[str]:
        return super().modes() | frozenset(_MODES)

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        return self._refuse(*_MODES[mode])

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            login = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            login = b""
        if kind != "Basic" or not hmac.compare_digest(login, self._login.encode()):
            return self._refuse(401, 20003, "Authenticate")
        if (request.method, request.path) != (
            "POST",
            f"/2010-04-01/Accounts/{self._account_sid}/Messages.json",
        ):
            return self._refuse(404, 20404, "The requested resource was not found")
        fields = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        wrong = self._wrong(request, fields)
        if wrong:
            return self._refuse(400, *wrong)
        sid = f"SM{len(self.received) + 1:032x}"
        self.take(
            TextMessage(self.clock.now(), number=fields["To"], text=fields["Body"], id=sid, fields=fields)
        )
        answer = {"sid": sid, "status": "queued", "num_segments": "1", "error_code": None, "to": fields["To"]}
        return self.json(answer, status=201)

    def _refuse(self, status: int, code: int, message: str) -> web.Response:
        self.refused.append(code)
        answer = {"code": code, "message": message, "more_info": f"https://x/{code}", "status": status}
        return self.json(answer, status=status, headers={"Retry-After": "7"} if status == 429 else {})

    def _wrong(self, request: web.Request, fields: Mapping[str, str]) -> tuple[int, str] | None:
        to, text = fields.get("To", ""), fields.get("Body", "")
        if request.content_type != "application/x-www-form-urlencoded" or not text:
            return 21602, "Message body is required"
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            return 21211, f"The 'To' number {to} is not a valid phone number"
        if len(text) > 1600:
            return 21617, "The concatenated message body exceeds the 1600 character limit"
        sender = fields.get("From") == self._sender
        service = bool(self._service_sid) and fields.get("MessagingServiceSid") == self._service_sid
        if not sender and not service:
            return 21606, "The 'From' phone number provided is not a valid message-capable Twilio number"
        if not 1 <= int(fields.get("ValidityPeriod", "36000")) <= 36_000:
            return 21621, "The validity period is out of range"
        return None
