"""DingTalk's robot webhook on loopback.

Knows what the real one checks: token, security settings, size, body, rate, quota, `msgUuid`. Its
code is its own; it must not import `hbalert.channels`. See `server.py` for the faults all gateways
share.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.server import LoopbackGateway

_SUB_FIELDS = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "link": ("title", "text", "messageUrl"),
    "actionCard": ("title", "text"),
    "feedCard": ("links",),
}
_MODES: dict[str, dict[str, Any]] = {
    "string errcode": {"errcode": "0", "errmsg": "ok"},  # taken, and answered as in the documentation
    "busy": {"errcode": -1, "errmsg": "system busy"},
    "blocked": {"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "0a1b2c"},
    "too fast": {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"},
    "quota": {"errcode": 90030, "errmsg": "webhook over limit"},
    "unsafe link": {"errcode": 430101, "errmsg": "unsafe link"},
    "unsafe content": {"errcode": 430104, "errmsg": "unsafe content"},
    "too long": {"errcode": 460101, "errmsg": "message too long, exceed 20000 bytes"},
    "robot off": {"errcode": 400102, "errmsg": "robot disabled"},
}


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """A message that the group sees.

    mentioned  whom it really calls: in the `at` object and named in the text
    unheard    who is in the `at` object only
    """

    at: datetime
    kind: str
    title: str
    text: str
    uuid: str
    mentioned: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    everyone: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    size: int = 0


class DingTalkGateway(LoopbackGateway[GroupMessage]):
    """A robot in a group.

    refused  every (errcode, text) it answered other than 0
    swallowed  repeats of a msgUuid: answered ok, not shown again
    """

    def __init__(
        self,
        *,
        token: str = "demo-token",  # noqa: S107  the demonstration's
        secret: str = "",
        keyword: str = "",
        allow: Sequence[str] = (),
        clock: Clock | None = None,
        per_minute: int = 20,
        penalty: timedelta = timedelta(minutes=10),
        month_quota: int = 5000,
        port: int = 0,
    ) -> None:
        super().__init__(clock, port=port)
        self._token, self._secret, self._keyword = token, secret, keyword
        self._allow = [ipaddress.ip_network(text) for text in allow]
        self._per_minute, self._penalty, self._quota = per_minute, penalty, month_quota
        self._times: deque[datetime] = deque()
        self._limited_until: datetime | None = None
        self._seen: set[str] = set()
        self.refused: list[tuple[int, str]] = []
        self.swallowed = 0

    @property
    def url(self) -> str:
        """The webhook's URL, as the group's settings show it."""
        return f"{self.base_url}/robot/send?access_token={self._token}"

    def modes(self) -> frozenset[str]:
        return super().modes() | frozenset(_MODES)

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        answer = _MODES[mode]
        if mode == "string errcode":
            code, text = self._receive(request, body)
            return self.json({"errcode": str(code), "errmsg": text})
        self.refused.append((int(answer.get("errcode", 1111)), mode))
        return self.json(answer)

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        code, text = self._receive(request, body)
        return self.json({"errcode": code, "errmsg": text})

    def _receive(self, request: web.Request, body: bytes) -> tuple[int, str]:
        code, text = self._check_caller(request) or self._check_rate() or self._check_body(request, body)
        if code:
            self.refused.append((code, text))
        return code, text

    def _check_caller(self, request: web.Request) -> tuple[int, str] | None:
        """The token, then the security settings, as far as they need no body."""
        query = request.rel_url.query
        if request.method != "POST" or request.path != "/robot/send":
            return 404, "no such interface"
        if query.getall("access_token", []) != [self._token]:
            return 300005, "token is not exist"
        address = ipaddress.ip_address(request.remote or "0.0.0.0")
        if self._allow and not any(address in network for network in self._allow):
            return 310000, f"ip {address} not in whitelist"
        if not self._secret:
            return None
        times, signs = query.getall("timestamp", []), query.getall("sign", [])
        if len(times) != 1 or not times[0].isdigit():
            return 310000, "invalid timestamp"
        if abs(self.clock.now().timestamp() * 1000 - int(times[0])) > 3_600_000:
            return 310000, "invalid timestamp"
        digest = hmac.new(self._secret.encode(), digestmod=hashlib.sha256)
        digest.update(times[0].encode() + b"\n" + self._secret.encode())
        try:
            given = base64.b64decode(signs[0] if len(signs) == 1 else "", validate=True)
        except binascii.Error:
            given = b""
        return None if hmac.compare_digest(given, digest.digest()) else (310000, "sign not match")

    def _check_rate(self) -> tuple[int, str] | None:
        """The 21st message within a minute closes the robot for ten; so does every try meanwhile."""
        now = self.clock.now()
        while self._times and now - self._times[0] >= timedelta(minutes=1):
            self._times.popleft()
        limited = self._limited_until is not None and now < self._limited_until
        if limited or len(self._times) >= self._per_minute:
            self._limited_until = now + self._penalty
            return 130101, "send too fast, exceed 20 times per minute"
        self._times.append(now)
        self._quota -= 1
        return (90030, "webhook over limit") if self._quota < 0 else None

    def _check_body(self, request: web.Request, body: bytes) -> tuple[int, str]:
        if request.content_type != "application/json":
            return 43004, "invalid Content-Type"
        if len(body) > 20_000:
            return 460101, "message too long, exceed 20000 bytes"
        try:
            message = json.loads(body)
            kind = str(message["msgtype"])
        except (ValueError, TypeError, KeyError):
            return 40035, "missing parameter json"
        if kind not in _SUB_FIELDS:
            return 400105, "unsupported msgtype"
        content = message.get(kind)
        for name in _SUB_FIELDS[kind]:
            if not isinstance(content, dict) or not content.get(name):
                return 400602, f"miss param : {kind}->{name}"
        text = str(content.get("content") or content.get("text") or "")
        if self._keyword and self._keyword not in text:
            return 310000, "keywords not in content"
        self._show(message, kind, content, text, len(body))
        return 0, "ok"

    def _show(
        self, message: dict[str, Any], kind: str, content: dict[str, Any], text: str, size: int
    ) -> None:
        uuid = str(message.get("msgUuid", ""))
        if uuid and uuid in self._seen:
            self.swallowed += 1
            return
        self._seen.add(uuid)
        at = message.get("at", {})
        called = [str(name) for name in (*at.get("atMobiles", ()), *at.get("atUserIds", ()))][:50]
        self.take(
            GroupMessage(
                at=self.clock.now(),
                kind=kind,
                title=str(content.get("title", "")),
                text=text,
                uuid=uuid,
                mentioned=tuple(name for name in called if f"@{name}" in text),
                unheard=tuple(name for name in called if f"@{name}" not in text),
                everyone=bool(at.get("isAtAll")),
                body=message,
                size=size,
            )
        )
