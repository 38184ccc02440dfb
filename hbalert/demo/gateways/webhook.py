"""A receiver of Alertmanager webhooks on loopback.

Knows what a careful receiver checks: method, content type, the shape of the payload, credentials, the
signature and its time, and repeats. Its code is its own; it must not import `hbalert.channels`. See
`server.py` for the faults all gateways share.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from hbalert.clock import Clock
from hbalert.demo.gateways.server import LoopbackGateway

SKEW_S = 300

_FIELDS: Mapping[str, type] = {
    "version": str,
    "groupKey": str,
    "truncatedAlerts": int,
    "status": str,
    "receiver": str,
    "groupLabels": dict,
    "commonLabels": dict,
    "commonAnnotations": dict,
    "externalURL": str,
    "alerts": list,
}
_ALERT_FIELDS: Mapping[str, type] = {
    "status": str,
    "labels": dict,
    "annotations": dict,
    "startsAt": str,
    "endsAt": str,
    "generatorURL": str,
    "fingerprint": str,
}


@dataclass(frozen=True, slots=True)
class Post:
    """A notification that was taken. `payload` is the parsed `body`; names of headers in any case."""

    at: datetime
    path: str
    headers: Mapping[str, str]
    body: bytes
    payload: dict[str, Any]

    @property
    def delivery_id(self) -> str:
        """What tells a repeat from news; "" for senders that give none, such as Alertmanager."""
        return self.headers.get("X-Hbalert-Delivery", "")


@dataclass(frozen=True, slots=True)
class _Scripted:
    status: int
    headers: Mapping[str, str]
    text: str


class WebhookSink(LoopbackGateway[Post]):
    """An HTTP receiver, to be entered with `async with`.

    bearer, basic   credentials it asks for
    signing_secret  with which the signature must have been made
    tls             makes it https
    repeats         posts whose delivery id it had taken before: answered 200, not kept again
    """

    def __init__(
        self,
        *,
        path: str = "/hook",
        bearer: str = "",
        basic: tuple[str, str] | None = None,
        signing_secret: str = "",
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(clock, port=port, tls=tls)
        self.repeats = 0
        self._path = path
        self._bearer = bearer
        self._basic = basic
        self._signing_secret = signing_secret
        self._script: list[_Scripted] = []

    @property
    def url(self) -> str:
        """Where to post to."""
        return self.base_url + self._path

    def modes(self) -> frozenset[str]:
        return super().modes() | {"scripted", "no http"}

    def reply(
        self, status: int, *, headers: Mapping[str, str] | None = None, text: str = "", times: int = 1
    ) -> None:
        """Answers the next `times` posts so, after what was asked for before, and keeps none of them."""
        self._script += [_Scripted(status, headers or {}, text)] * times
        self.behave("scripted", times)

    async def fault(self, mode: str, request: web.Request, body: bytes) -> web.Response:
        if mode == "scripted":
            script = self._script.pop(0)
            return web.Response(status=script.status, headers=dict(script.headers), text=script.text)
        if request.transport is not None:  # "no http"
            request.transport.write(b"220 mail.example.com ESMTP\r\n")
            request.transport.close()
        return web.Response()

    async def answer(self, request: web.Request, body: bytes) -> web.Response:
        complaint = self._complaint(request, body)
        if complaint is not None:
            status, text = complaint
            return web.Response(status=status, text=text)
        post = Post(self.clock.now(), request.path, request.headers, body, json.loads(body))
        if post.delivery_id and any(post.delivery_id == taken.delivery_id for taken in self.received):
            self.repeats += 1
            return web.Response(text="seen before")
        self.take(post)
        return web.Response(text="taken")

    def _complaint(self, request: web.Request, body: bytes) -> tuple[int, str] | None:
        if request.path != self._path:
            return 404, "nothing here"
        if request.method != "POST":
            return 405, "only POST"
        if request.content_type != "application/json":
            return 415, "only JSON"
        authorization = request.headers.get("Authorization", "")
        if self._bearer and authorization != f"Bearer {self._bearer}":
            return 401, "who are you?"
        if (
            self._basic
            and authorization != "Basic " + base64.b64encode(":".join(self._basic).encode()).decode()
        ):
            return 401, "who are you?"
        if self._signing_secret and (wrong := self._unsigned(request, body)):
            return 403, wrong
        if wrong := _malformed(body):
            return 400, wrong
        return None

    def _unsigned(self, request: web.Request, body: bytes) -> str:
        stamp = request.headers.get("X-Hbalert-Timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) - self.clock.now().timestamp()) > SKEW_S:
            return "the timestamp is not near our clock"
        mac = hmac.new(self._signing_secret.encode(), digestmod=hashlib.sha256)
        mac.update(f"{stamp}.".encode())
        mac.update(body)
        given = request.headers.get("X-Hbalert-Signature", "")
        return "" if hmac.compare_digest(f"v1={mac.hexdigest()}", given) else "the signature does not match"


def _malformed(body: bytes) -> str:
    """What is wrong with a payload; "" when nothing is."""
    try:
        payload = json.loads(body)
    except ValueError:
        return "no JSON"
    wrong = _wrong(payload, _FIELDS)
    if wrong:
        return wrong
    if payload["version"] != "4":
        return "not version 4"
    return next(filter(None, (_wrong(alert, _ALERT_FIELDS) for alert in payload["alerts"])), "")


def _wrong(found: Any, fields: Mapping[str, type]) -> str:
    if not isinstance(found, dict):
        return "not an object"
    bad = [name for name, kind in fields.items() if not isinstance(found.get(name), kind)]
    if bad:
        return f"missing or of another type: {', '.join(bad)}"
    texts = [found[name] for name, kind in fields.items() if kind is dict]
    whole = all(isinstance(value, str) for table in texts for value in table.values())
    return "" if whole else "a label or annotation is no text"
