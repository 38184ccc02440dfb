"""Tencent Cloud's request signature, TC3-HMAC-SHA256.

Knows the canonical request, the chain of keys and the Authorization header. Must not know which API
is called. The body is signed byte for byte: what is signed must be what is sent.
Source: cloud.tencent.com, "Signature algorithm v3".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"


def authorization(
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    timestamp: int,
    secret_id: str,
    secret_key: str,
    path: str = "/",
) -> str:
    """The Authorization header of a POST.

    headers    those that are signed: content-type and host; x-tc-action, too, in lower case
    timestamp  Unix seconds, the same as in X-TC-Timestamp; the date in it is that of UTC
    """
    lines = {name.lower(): value.strip() for name, value in headers.items()}
    names = ";".join(sorted(lines))
    signed_lines = "".join(f"{name}:{lines[name]}\n" for name in sorted(lines))
    canonical = "\n".join(("POST", path, "", signed_lines, names, hashlib.sha256(body).hexdigest()))
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{service}/tc3_request"
    text = "\n".join((ALGORITHM, str(timestamp), scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={names}, Signature={signature}"
