"""DingTalk's robot signature and the URL that carries it.

Knows the formula and the query of the webhook. Must not know what is posted. Next: `__init__.py`.
Source: open.dingtalk.com, "Custom robot security settings".
"""

from __future__ import annotations

import base64
import hmac
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit


def sign(timestamp_ms: int, secret: str) -> str:
    """The robot's signature, base64: the secret is the key and also a part of the text.

    Valid for an hour around DingTalk's clock.

    >>> sign(1577262236757, "this is a secret")
    'DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA='
    """
    text = f"{timestamp_ms}\n{secret}"
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()


def signed_url(url: str, secret: str, now: datetime) -> str:
    """The webhook's URL as it is called at `now`.

    A timestamp and a sign that were copied along with the URL are taken out: DingTalk would check
    the old ones. Without a secret nothing is signed. Raises ValueError for what is no URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("webhook_url is not an http or https URL")
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in ("timestamp", "sign")
    ]
    if secret:
        timestamp_ms = round(now.timestamp() * 1000)
        query += [("timestamp", str(timestamp_ms)), ("sign", sign(timestamp_ms, secret))]
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote, safe=""), fragment=""))
