"""Which headers of a mail an operator may add, and which are ours.

Knows names of headers. Must not know what stands in them: that is a template's doing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST = 30

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")
_ELSEWHERE = {
    "from": "the key from says who writes",
    "sender": "the key from says who writes",
    "to": "the key to says who gets the mail",
    "cc": "write the addresses into to",
    "bcc": "write the addresses into to",
    "reply-to": "the key reply_to says where answers go",
    "subject": "the key subject is its template",
}
_OURS = re.compile(
    r"date|message-id|in-reply-to|references|mime-version|content-.*|return-path|received.*|resent-.*|"
    r"dkim-.*|arc-.*|authentication-results|x-hbalert-.*"
)


def check_mail_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, if all may be added. Raises ValueError with what is right."""
    if len(headers) > MOST:
        raise ValueError(f"there are more than {MOST} headers; keep the needed ones")
    for name in headers:
        if why := refusal(name):
            raise ValueError(why)
    lower = [name.lower() for name in headers]
    for name in lower:
        if lower.count(name) > 1:
            raise ValueError(f"{name!r} is there twice, in capitals and without; write it once")
    return headers


def refusal(name: str) -> str:
    """Why a header cannot be added, and what to do instead; nothing when it can.

    >>> refusal("X-Team")
    ''
    """
    if instead := _ELSEWHERE.get(name.lower()):
        return f"{name!r} is not set here; {instead}"
    if not _NAME.fullmatch(name):
        return f"{name!r} is not the name of a mail header; use letters, digits and dashes"
    if _OURS.fullmatch(name.lower()):
        return f"{name!r} is made for every mail by itself; remove it"
    return ""
