"""Tokens: how they come along, what they may do, and that nothing tells how near a wrong one was."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.api.auth import ANY, MAY, OPEN, Bearer, Gate, Verdict, carried
from tests.api.stand import token
from tests.fakes.clock import START

TOKENS = [token("prom", "ingest"), token("viewer", "read"), token("ops", "silence"), token("boss", "admin")]


def basic(text: str) -> bytes:
    return b"Basic " + b64encode(text.encode())


@pytest.mark.parametrize(
    ("header", "sent"),
    [
        (b"Bearer abc", b"abc"),
        (b"bearer  abc ", b"abc"),
        (b"BEARER abc", b"abc"),
        (basic("whoever:abc"), b"abc"),
        (basic(":abc"), b"abc"),
        (basic("a:b:c"), b"b:c"),
        (b"", b""),
        (b"Bearer", b""),
        (b"abc", b""),
        (b"Digest abc", b""),
        (basic("abc"), b""),
        (b"Basic", b""),
        (b"Basic abc", b""),
        (b"Basic \xff\xff", b""),
    ],
)
def test_a_token_comes_as_bearer_or_as_password(header: bytes, sent: bytes) -> None:
    assert carried(header) == sent


@given(st.binary(max_size=200))
def test_whatever_stands_in_the_header_is_no_mistake_of_ours(header: bytes) -> None:
    for sent in (header, b"Basic " + header, b"Bearer " + header):
        assert Gate(TOKENS).check(sent, "admin", START).verdict in (Verdict.MISSING, Verdict.UNKNOWN)


@pytest.mark.parametrize(
    ("header", "bearer"),
    [
        pytest.param(b"Bearer boss-token", Bearer(Verdict.ALLOWED, "boss"), id="a token that may"),
        pytest.param(basic("x:boss-token"), Bearer(Verdict.ALLOWED, "boss"), id="as a password"),
        pytest.param(b"Bearer prom-token", Bearer(Verdict.FORBIDDEN, "prom"), id="one of another role"),
        pytest.param(b"Bearer boss-toke", Bearer(Verdict.UNKNOWN), id="half right"),
        pytest.param(b"Bearer boss-token x", Bearer(Verdict.UNKNOWN), id="two words"),
        pytest.param(b"Basic boss-token", Bearer(Verdict.MISSING), id="not encoded"),
        pytest.param(b"", Bearer(Verdict.MISSING), id="none"),
    ],
)
def test_what_a_token_is_worth(header: bytes, bearer: Bearer) -> None:
    assert Gate(TOKENS).check(header, "admin", START) == bearer


def test_a_role_may_what_its_line_says_and_whoever_has_a_token_may_hear_that_nothing_is_there() -> None:
    gate = Gate(TOKENS)
    for each in TOKENS:
        header = f"Bearer {each.name}-token".encode()
        for needed in ("ingest", "read", "silence", "admin"):
            is_allowed = gate.check(header, needed, START).verdict is Verdict.ALLOWED
            assert is_allowed is (needed in MAY[each.role])
        for needed in (OPEN, ANY):
            assert gate.check(header, needed, START).verdict is Verdict.ALLOWED
    assert gate.check(b"", OPEN, START).verdict is Verdict.ALLOWED
    assert gate.check(b"", ANY, START).verdict is Verdict.MISSING


def test_from_the_moment_on_at_which_it_expires_a_token_is_worth_nothing() -> None:
    ends = START + timedelta(hours=1)
    gate = Gate([token("guest", "admin").model_copy(update={"expires": ends})])
    header = b"Bearer guest-token"
    assert gate.check(header, "read", ends - timedelta(seconds=1)) == Bearer(Verdict.ALLOWED, "guest")
    assert gate.check(header, "read", ends) == Bearer(Verdict.EXPIRED, "guest")


def test_every_token_is_compared_with_every_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of an answer must not tell whether a token was near to a right one, or which one it was."""
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(known: bytes, given: bytes) -> bool:
        compared.append(known)
        return real(known, given)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    gate = Gate(TOKENS)
    for header in (b"", b"Bearer", b"Bearer x", b"Bearer prom-token", b"Bearer boss-token", basic("a:x")):
        compared.clear()
        gate.check(header, "admin", START)
        assert len(compared) == len(set(compared)) == len(TOKENS)
