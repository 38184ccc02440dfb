"""Tokens and roles: who may do what.

Knows how a token comes along with a request and is checked against hashes, in the same time whether it
is right, wrong or missing. Must not know HTTP paths. Without configured tokens everybody who can
connect may do everything: the configuration refuses that where other machines can.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from hbalert.config.types import TokenSettings

OPEN = "open"
"""Needs no token: health."""

ANY = "any"
"""Needs some token, whatever its role: to hear that there is nothing here."""

MAY: dict[str, frozenset[str]] = {
    "ingest": frozenset({"ingest", ANY}),
    "read": frozenset({"read", ANY}),
    "silence": frozenset({"read", "silence", ANY}),
    "admin": frozenset({"ingest", "read", "silence", "admin", ANY}),
}
"""Role of a token -> what it may do."""


class Verdict(Enum):
    """How a request stands with its token. Only FORBIDDEN is told apart from the other refusals: it is a
    token that we know, whose role is another (403); all others are 401."""

    ALLOWED = "allowed"
    MISSING = "missing"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks. name: of the token, "" when there is none that we know."""

    verdict: Verdict
    name: str = ""


class Gate:
    """Checks tokens against the configured hashes."""

    def __init__(self, tokens: Sequence[TokenSettings]) -> None:
        self._known = tuple((bytes.fromhex(each.hash.removeprefix("sha256:")), each) for each in tokens)

    @property
    def open(self) -> bool:
        return not self._known

    def check(self, authorization: bytes, needed: str, now: datetime) -> Bearer:
        """Whether the bearer of this Authorization header may do what needs the role `needed`.

        Every configured hash is compared with, also after one has matched, and a missing token is
        hashed like any other: the time taken tells nothing.
        """
        if needed == OPEN or not self._known:
            return Bearer(Verdict.ALLOWED)
        token = carried(authorization)
        digest = hashlib.sha256(token).digest()
        found: TokenSettings | None = None
        for known, settings in self._known:
            if hmac.compare_digest(known, digest):
                found = settings
        if not token:
            return Bearer(Verdict.MISSING)
        if found is None:
            return Bearer(Verdict.UNKNOWN)
        if found.expires is not None and found.expires <= now:
            return Bearer(Verdict.EXPIRED, found.name)
        allowed = needed in MAY[found.role]
        return Bearer(Verdict.ALLOWED if allowed else Verdict.FORBIDDEN, found.name)


def carried(authorization: bytes) -> bytes:
    """The token in an Authorization header; empty when there is none.

    `Bearer TOKEN`, or `Basic` with the token as password and any user name, for senders that know
    nothing else (RFC 6750, 2.1; RFC 7617).
    """
    scheme, _, credentials = authorization.partition(b" ")
    credentials = credentials.strip()
    match scheme.lower():
        case b"bearer":
            return credentials
        case b"basic":
            try:
                return base64.b64decode(credentials, validate=True).partition(b":")[2]
            except binascii.Error:
                return b""
    return b""
