"""Twilio Programmable Messaging: one number per call.

Knows the parameters, how long a text may be and every code with its class and remedy. Must not know
other gateways. `segments.py` counts and cuts.

There is no idempotency key: a message whose answer was lost is sent again.
Source: twilio.com/docs, "Message resource" and "Error and warning dictionary".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from hbalert.channels.answers import parse_object, retry_after
from hbalert.channels.sms.gateway import AT_ONCE, Fate, Line, Result, each, endpoint
from hbalert.channels.sms.segments import cut, to_gsm
from hbalert.config.channels.sms import TwilioGateway
from hbalert.outbound import Reply
from hbalert.ports import Message

_LONGEST = 1600  # characters of a body
_PART_GSM, _PART_UCS2 = 153, 67

_KEYS = "check account_sid, api_key_sid and auth_token"
_FROM = "check `from` or messaging_service_sid: the account must own it, and it must be able to send there"
_SUSPENDED = "the account is suspended; see the console"
_BROKEN: Mapping[int, tuple[str, str]] = {
    20003: ("auth", _KEYS),
    20404: ("auth", _KEYS),
    20005: ("auth", _SUSPENDED),
    30002: ("auth", _SUSPENDED),
    21603: ("client", _FROM),
    21606: ("client", _FROM),
    21212: ("client", _FROM),
    21659: ("client", _FROM),
}
_LATER: Mapping[int, timedelta] = {
    20429: timedelta(seconds=10),
    14107: timedelta(seconds=30),
    21611: timedelta(minutes=10),  # the number's own queue is full
    30001: timedelta(minutes=10),
    30022: timedelta(minutes=1),
}
_REFUSED: Mapping[int, str] = {
    21211: "this is no number that can be called",
    21614: "this is no mobile number",
    21610: "its owner has unsubscribed; they must send START",
    21408: "allow this region in the account's geo permissions",
    21612: "no way leads from the sender to this number",
    21608: "a trial account only reaches verified numbers",
    21617: "the text is too long",
    30003: "the phone cannot be reached",
    30004: "its owner or carrier blocks the message",
    30005: "the number does not exist",
    30006: "this is a landline",
    30007: "the carrier's filter took it for spam",
    30034: "the sender is not registered for A2P traffic",
}
_SOMETIMES = frozenset({30003, 30005})  # as a receipt: try once more; Twilio rarely says it at once


class TwilioSms:
    """Sends plain text through Twilio."""

    batch = AT_ONCE

    def __init__(self, settings: TwilioGateway, timeout: timedelta, *, language: str) -> None:
        self._settings = settings
        in_part = _PART_UCS2 * 3 if language == "zh" else _PART_GSM
        self.max_bytes = min(settings.max_segments * in_part, _LONGEST)
        self._auth = (settings.api_key_sid or settings.account_sid, settings.auth_token.reveal())
        self._line = Line("Twilio", timeout, [*self._auth, settings.account_sid])

    async def send(
        self, numbers: Sequence[str], message: Message, *, delivery_id: str, now: datetime
    ) -> Mapping[str, Result]:
        """See gateway.Gateway. The text is cut to the configured number of segments."""
        settings = self._settings
        if not settings.from_ and not settings.messaging_service_sid:
            nobody = "Twilio: nobody to send as; set `from` or messaging_service_sid"
            return dict.fromkeys(numbers, Result(Fate.BROKEN, nobody, reason="client"))
        text = message.text.encode("utf-8", "replace").decode().strip() or message.subject or "hbalert"
        fields = {
            "Body": cut(to_gsm(text), settings.max_segments)[:_LONGEST],
            "ValidityPeriod": str(min(max(int(settings.validity.total_seconds()), 1), 36_000)),
        }
        if settings.messaging_service_sid:
            fields["MessagingServiceSid"] = settings.messaging_service_sid
        else:
            fields["From"] = settings.from_

        async def one(number: str) -> Result:
            account = quote(settings.account_sid, safe="")
            base = endpoint(settings.url).geturl().rstrip("/")
            reply = await self._line.call(
                "POST",
                f"{base}/2010-04-01/Accounts/{account}/Messages.json",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                content=urlencode({"To": number, **fields}).encode(),
                auth=self._auth,
            )
            return self._judge(reply, number, now)

        return await each(numbers, self._line, one)

    async def close(self) -> None:
        await self._line.close()

    def _judge(self, reply: Reply, number: str, now: datetime) -> Result:
        """What an answer means for the number: a message that was made, or an error with a code."""
        fields = parse_object(reply.text)
        if fields is None:
            return self._line.unreadable(reply, [number], now)
        made = 200 <= reply.status < 300
        code = _number(fields.get("error_code") if made else fields.get("code"))
        state = str(fields.get("status") or "")
        if made and fields.get("sid") and code is None and state not in ("failed", "undelivered"):
            words = self._line.words(state or "accepted", [number])
            return Result(Fate.ACCEPTED, words, provider_id=str(fields["sid"]))
        words = self._line.words(fields.get("message") or fields.get("error_message") or state, [number])
        said = f"Twilio: {code or f'HTTP {reply.status}'}: {words}"
        asked = retry_after(reply.headers, now)
        if code in _LATER or reply.status == 429:
            wait = asked or _LATER.get(code or 0) or timedelta(seconds=10)
            return Result(Fate.LATER, said, reason="rate limit", retry_after=wait, whole=True)
        if code is not None and code in _BROKEN:
            reason, remedy = _BROKEN[code]
            return Result(Fate.BROKEN, f"{said}; {remedy}", reason=reason)
        if code is not None and code in _REFUSED and code not in _SOMETIMES:
            return Result(Fate.REFUSED, f"{said}; {_REFUSED[code]}", reason="client")
        if reply.status in (401, 403):
            return Result(Fate.BROKEN, f"{said}; {_KEYS}", reason="auth")
        if reply.status == 400:  # its answer to what will be wrong the next time, too
            return Result(Fate.REFUSED, said, reason="client")
        reason = "server" if reply.status >= 500 or made else "other"
        return Result(Fate.RETRY, said, reason=reason, retry_after=asked)


def _number(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
