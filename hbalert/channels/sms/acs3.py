"""Alibaba Cloud's request signature V3, ACS3-HMAC-SHA256.

Knows the canonical request and the Authorization header. Must not know which API is called.
Source: help.aliyun.com, "Request structure and signature V3".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def canonical_query(query: Mapping[str, str]) -> str:
    """The query in the only form that is signed: sorted, percent-encoded as RFC 3986 says.

    >>> canonical_query({"b": "a b*~", "a": "/"})
    'a=%2F&b=a%20b%2A~'
    """
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in encoded)


def authorization(
    method: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    *,
    key_id: str,
    key_secret: str,
    path: str = "/",
    body_sha256: str = EMPTY_SHA256,
) -> str:
    """The Authorization header of a request.

    headers  all that are to be signed: host, every x-acs-* one, content-type when there is a body
    """
    lines = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    names = ";".join(sorted(lines))
    canonical = "\n".join(
        (
            method,
            path,
            canonical_query(query),
            "".join(f"{name}:{lines[name]}\n" for name in sorted(lines)),
            names,
            body_sha256,
        )
    )
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"
