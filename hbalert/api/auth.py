"""Tokens and roles: who may do what.

Knows how a bearer token is checked against hashes, in the same time whether it is right, wrong or
missing. Must not know HTTP paths. Without configured tokens everybody may do everything: such a
daemon listens on loopback only (the configuration refuses anything else without tokens).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from enum import Enum

from hbalert.config.types import TokenSettings

OPEN = "open"
"""Needs no token: health."""

MAY: dict[str, frozenset[str]] = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"read"}),
    "silence": frozenset({"read", "silence"}),
    "admin": frozenset({"ingest", "read", "silence", "admin"}),
}
"""Role of a token -> what it may do."""


class Verdict(Enum):
    """UNKNOWN: no token, or one that nobody has (401). FORBIDDEN: a known one whose role is another (403)."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


class Gate:
    """Checks tokens against the configured hashes."""

    def __init__(self, tokens: Sequence[TokenSettings]) -> None:
        self._known = tuple((bytes.fromhex(each.hash.removeprefix("sha256:")), each) for each in tokens)

    @property
    def open(self) -> bool:
        return not self._known

    def check(self, authorization: bytes, needed: str) -> Verdict:
        """Whether the bearer of this Authorization header may do what needs the role `needed`.

        Every configured hash is compared with, also after one has matched, and a missing token is
        hashed like any other: the time taken tells nothing.
        """
        if needed == OPEN or not self._known:
            return Verdict.ALLOWED
        scheme, _, credentials = authorization.partition(b" ")
        token = credentials.strip() if scheme.lower() == b"bearer" else b""
        digest = hashlib.sha256(token).digest()
        bearer: TokenSettings | None = None
        for known, settings in self._known:
            if hmac.compare_digest(known, digest):
                bearer = settings
        if bearer is None or not token:
            return Verdict.UNKNOWN
        return Verdict.ALLOWED if needed in MAY[bearer.role] else Verdict.FORBIDDEN
