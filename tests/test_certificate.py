"""What a certificate says of itself."""

from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbalert.certificate import first
from tests.fakes.authority import Authority


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param(("alerts.lan",), id="one name"),
        pytest.param(("alerts.lan", "*.example.com", "192.168.1.5", "::1"), id="all kinds"),
        pytest.param(tuple(f"host{n}.lan" for n in range(40)), id="lengths of more than one byte"),
    ],
)
@pytest.mark.parametrize("year", [2030, 2049, 2050, 2077], ids=str)
def test_its_end_and_its_names_are_read(tmp_path: Path, hosts: tuple[str, ...], year: int) -> None:
    """Until 2049 the year has two digits, from 2050 on four."""
    files = Authority(tmp_path).issue("a", *hosts, not_after=datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC))
    found = first(files.cert.read_bytes())
    assert found.not_after == datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert found.not_before < found.not_after
    assert sorted(found.names) == sorted(hosts)


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("alerts.lan", True),
        ("ALERTS.lan.", True),
        ("x.example.com", True),
        ("example.com", False),
        ("x.y.example.com", False),
        ("192.168.1.5", True),
        ("192.168.1.6", False),
        ("[::1]", True),
        ("0:0:0:0:0:0:0:1", True),
        ("lan", False),
        ("", False),
    ],
)
def test_a_certificate_is_for_the_names_it_lists(tmp_path: Path, host: str, covered: bool) -> None:
    files = Authority(tmp_path).issue("a", "alerts.lan", "*.example.com", "192.168.1.5", "::1")
    assert first(files.cert.read_bytes()).covers(host) is covered


def test_the_first_of_a_chain_counts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("a", "alerts.lan")
    chain = b"# a comment\n" + files.cert.read_bytes() + authority.pem.read_bytes()
    assert first(chain).names == ("alerts.lan",)


def test_authorities_without_names_are_read_too() -> None:
    """Whatever this system trusts: old forms of names, times and extensions."""
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None:
        pytest.skip("this system has no list of authorities in one file")
    parts = Path(bundle).read_bytes().split(b"-----END CERTIFICATE-----")
    read = [first(part + b"-----END CERTIFICATE-----") for part in parts if b"BEGIN" in part]
    assert len(read) > 20


@pytest.mark.parametrize(
    "pem", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_explained(pem: bytes) -> None:
    with pytest.raises(ValueError, match=r"it holds no certificate|cannot be read"):
        first(pem)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    return authority.issue("a", "a.lan", "10.0.0.1").cert.read_bytes()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_stands_there_is_read_or_refused(data: st.DataObject, good: bytes) -> None:
    at = data.draw(st.integers(0, len(good) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    with suppress(ValueError):
        first(data.draw(st.sampled_from([good[:at], good[:at] + other + good[at + 1 :]])))
