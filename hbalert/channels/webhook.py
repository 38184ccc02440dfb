"""Webhook: notifications as data, POSTed in Alertmanager's webhook format, version 4.

Knows that format, the headers that prove who sent it, and what an HTTP status asks for. Must not know
routes, retry policy or the store; `now` is handed in for the signature.

Receivers written for Alertmanager work unchanged. Two things are better: status and common labels
speak of the whole group also when `max_alerts` cuts the list, and `X-Hbalert-Delivery` is the same
over all attempts, so that a receiver can drop a repeat. Whatever the receiver answers, its URL is
never shown beyond scheme and host: the rest of it is often the only secret there is.

Source: Alertmanager's template.Data and notify/webhook.Message (0.34), whose order of fields this keeps.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from hbalert.channels.answers import excerpt, no_answer, retry_after
from hbalert.config.channels.webhook import WebhookSettings
from hbalert.core.delivery import Pace
from hbalert.core.labels import fingerprint
from hbalert.core.notification import Notification, NotifiedAlert
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.outbound import Reply, Unreachable, open_client, request
from hbalert.ports import Message, Receipt

if TYPE_CHECKING:
    from hbalert.outbound.client import Client

DEFAULT_PAUSE = timedelta(seconds=30)
"""How long a 429 without Retry-After keeps us away."""

ZERO_TIME = "0001-01-01T00:00:00Z"
"""What Go prints for no time: the end of an alert that fires."""

_ANSWER_BYTES = 4096
_AGAIN = {404: "client", 408: "timeout", 425: "server"}
"""Worth another attempt, though the code says that the fault is ours. 404: a proxy in front of a receiver
that is being replaced says so; one that is wrong for good is seen in the queue."""


class _Alert(msgspec.Struct, rename="camel"):
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(name="generatorURL")
    fingerprint: str


class _Payload(msgspec.Struct, rename="camel"):
    receiver: str
    status: str
    alerts: list[_Alert]
    notification_reason: str = msgspec.field(name="notification_reason")
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    common_annotations: dict[str, str]
    route_labels: dict[str, str]
    external_url: str = msgspec.field(name="externalURL")
    version: str
    group_key: str
    truncated_alerts: int


def payload(notification: Notification, max_alerts: int = 0) -> bytes:
    """The JSON that is sent.

    max_alerts  how many alerts to send at most, the first ones; 0 = all
    """
    alerts = notification.alerts[:max_alerts] if max_alerts else notification.alerts
    whole = _Payload(
        receiver=notification.receiver,
        status=notification.status,
        alerts=[_alert(alert) for alert in alerts],
        notification_reason=notification.reason.value,
        group_labels=notification.group_labels.as_dict(),
        common_labels=notification.common_labels.as_dict(),
        common_annotations=dict(sorted(notification.common_annotations.items())),
        route_labels=dict(sorted(notification.route_labels.items())),
        external_url=notification.external_url,
        version="4",
        group_key=notification.group_key,
        truncated_alerts=len(notification.alerts) - len(alerts),
    )
    return msgspec.json.encode(whole)


def _alert(alert: NotifiedAlert) -> _Alert:
    return _Alert(
        status=alert.status,
        labels=alert.labels.as_dict(),
        annotations=dict(sorted(alert.annotations.items())),
        starts_at=go_time(alert.starts_at),
        ends_at=go_time(alert.ends_at) if alert.ends_at is not None else ZERO_TIME,
        generator_url=alert.generator_url,
        fingerprint=alert.fingerprint or fingerprint(alert.labels),
    )


def go_time(at: datetime) -> str:
    """The time as Go's encoding/json prints it in UTC: no zeros at the end of a fraction.

    >>> go_time(datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC))
    '2026-01-02T03:04:05.12Z'
    """
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return text.rstrip("0").rstrip(".") + "Z"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The X-Hbalert-Signature header: HMAC-SHA256 over "<timestamp>.<body>".

    timestamp  as in X-Hbalert-Timestamp: Unix seconds. A receiver recomputes the signature over the
               raw body and refuses timestamps more than a few minutes away from its own clock.
    """
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={digest.hexdigest()}"


class WebhookChannel:
    """One URL that takes notifications."""

    style: str = "data"
    max_bytes: int = 0
    pace: Pace | None = None

    def __init__(self, settings: WebhookSettings) -> None:
        self.concurrency = settings.concurrency
        self._settings = settings
        self._hidden = _secrets(settings)
        self._who = _origin(settings.url.reveal())
        self._client: Client | None = None

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        """POSTs the notification. See `ports.Channel`."""
        settings = self._settings
        body = payload(message.notification, settings.max_alerts)
        basic = settings.basic_auth
        try:
            reply = await request(
                self._open(),
                "POST",
                settings.url.reveal(),
                headers=self._headers(delivery_id, body, now),
                content=body,
                auth=(basic.username, basic.password.reveal()) if basic else None,
                timeout=settings.timeout,
                max_bytes=_ANSWER_BYTES,
            )
        except Unreachable as error:
            failure = no_answer(error, self._who, hide=self._hidden)
            if error.reason == "tls":
                remedy = "check the receiver's certificate, ca_file and client_cert"
                failure = Transient(f"{failure.answer}; {remedy}", reason=failure.reason)
            raise failure from None
        if 200 <= reply.status < 300:
            return Receipt(self._words(reply))
        raise self._refusal(reply, now)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _open(self) -> Client:
        """Opened at the first send, so that a bad certificate file fails a delivery and not a start."""
        if self._client is None:
            settings = self._settings
            try:
                self._client = open_client(
                    ca_file=settings.ca_file,
                    client_cert=settings.client_cert,
                    client_key=settings.client_key,
                    verify=settings.tls_verify,
                    connections=settings.concurrency,
                )
            except OSError as error:  # ssl.SSLError is one
                why = error.strerror or type(error).__name__
                where = error.filename or "ca_file, client_cert or client_key"
                raise Permanent(f"{where} cannot be used: {why}", reason="client") from None
        return self._client

    def _headers(self, delivery_id: str, body: bytes, now: datetime) -> dict[str, str]:
        settings = self._settings
        timestamp = str(int(now.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "X-Hbalert-Delivery": delivery_id,
            "X-Hbalert-Timestamp": timestamp,
        }
        if settings.signing_secret:
            headers["X-Hbalert-Signature"] = signature(settings.signing_secret.reveal(), timestamp, body)
        if settings.bearer_token:
            token = settings.bearer_token.reveal()
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise Permanent(
                    "bearer_token holds what no HTTP header may hold; look for a line break in it",
                    reason="auth",
                )
            headers["Authorization"] = f"Bearer {token}"
        ours = {name.lower() for name in headers}
        return headers | {name: text for name, text in settings.headers.items() if name.lower() not in ours}

    def _words(self, reply: Reply) -> str:
        said = excerpt(reply.text, hide=self._hidden)
        return f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"

    def _refusal(self, reply: Reply, now: datetime) -> ChannelError:
        """What a status other than 2xx asks for."""
        status = reply.status
        text = f"{self._who}: {self._words(reply)}"
        wait = retry_after(reply.headers, now)
        if status == 429:
            return NotNow(text, reason="rate limit", retry_after=wait or DEFAULT_PAUSE)
        if status >= 500 or status in _AGAIN:
            return Transient(text, reason=_AGAIN.get(status, "server"), retry_after=wait)
        if status in (401, 403):
            return Permanent(f"{text}; check the credentials of this webhook", reason="auth")
        if 300 <= status < 400:
            return Permanent(f"{text}; redirects are not followed: set url to the final one", reason="client")
        return Permanent(text, reason="client")


def _origin(url: str) -> str:
    """Scheme and host of a URL: as much of it as may be shown."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _secrets(settings: WebhookSettings) -> dict[str, str]:
    """What a receiver or a library might repeat and nobody may see."""
    url = settings.url.reveal()
    hidden = {url: _origin(url)}
    parts = urlsplit(url)
    pieces = [parts.path + ("?" + parts.query if parts.query else ""), parts.query, parts.fragment]
    pieces += [piece for piece in parts.path.split("/") if len(piece) > 7]
    pieces += [value for _, value in parse_qsl(parts.query)]
    pieces += [
        parts.password or "",
        parts.username or "",
        settings.basic_auth.password.reveal() if settings.basic_auth else "",
    ]
    pieces += [secret.reveal() for secret in (settings.bearer_token, settings.signing_secret) if secret]
    pieces += [text for text in settings.headers.values() if len(text) > 7]
    for piece in pieces:
        hidden |= dict.fromkeys((piece, unquote(piece)), "***")
    return {piece: shown for piece, shown in hidden.items() if piece}
