"""What an X.509 certificate says of itself: how long it is valid, and for which names.

Knows as much of DER as that takes (RFC 5280, section 4.1). Must not know keys, trust or TLS (`tls.py`):
whether a certificate is to be believed is decided by OpenSSL, here it is only read. A leaf.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")

INTEGER, OCTETS, OID, SEQUENCE = 0x02, 0x04, 0x06, 0x30
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
EXTENSIONS, DNS_NAME, IP_ADDRESS = 0xA3, 0x82, 0x87
ALTERNATIVE_NAMES = bytes.fromhex("551d11")


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate.

    not_before, not_after  when it is valid
    names                  host names (a leading "*." stands for one label) and addresses it is for
    """

    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]

    def covers(self, host: str) -> bool:
        """Whether it is for this host, name or address (RFC 6125; the common name does not count)."""
        wanted = _canonical(host)
        rest = wanted.partition(".")[2]
        return any(name == wanted or (rest and name == f"*.{rest}") for name in map(_canonical, self.names))


def first(pem: bytes) -> Certificate:
    """The first certificate of a PEM file: the one that is shown, before those that lead to its root.

    Raises ValueError, fit to show, when there is none or it cannot be read.
    """
    content = der(pem)
    try:
        return read(content)
    except (ValueError, IndexError, StopIteration):
        raise ValueError("its first certificate cannot be read") from None


def der(pem: bytes) -> bytes:
    """The first certificate of a PEM file in binary form. Raises ValueError, fit to show."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    return base64.b64decode(found[1])


def read(der: bytes) -> Certificate:
    """A certificate in DER form. Raises ValueError or IndexError when it is none."""
    (whole,) = _values(der)
    signed = next(_inside(whole, SEQUENCE))
    fields = list(_inside(signed, SEQUENCE))
    begin = next(
        at for at, (tag, _) in enumerate(fields) if tag == INTEGER
    )  # the version before it is optional
    not_before, not_after = (_time(*each) for each in _inside(fields[begin + 3], SEQUENCE))
    names: tuple[str, ...] = ()
    for tag, content in fields[begin + 6 :]:
        if tag == EXTENSIONS:
            names = tuple(_names(content))
    return Certificate(not_before, not_after, names)


def _names(extensions: bytes) -> Iterator[str]:
    (listed,) = _values(extensions)
    for each in _inside(listed, SEQUENCE):
        (_, identity), *_, (_, value) = _inside(each, SEQUENCE)
        if identity == ALTERNATIVE_NAMES:
            (names,) = _values(value)
            for tag, name in _inside(names, SEQUENCE):
                if tag == DNS_NAME:
                    yield name.decode("ascii", "replace")
                elif tag == IP_ADDRESS:
                    yield str(ipaddress.ip_address(name))


def _time(tag: int, content: bytes) -> datetime:
    """UTCTime has two digits of the year, of which 50 and more are those of 1950 (RFC 5280, 4.1.2.5.1)."""
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if text >= "50" else "20") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _inside(value: tuple[int, bytes], wanted: int) -> Iterator[tuple[int, bytes]]:
    tag, content = value
    if tag != wanted:
        raise ValueError(f"tag {tag:#x} where {wanted:#x} was expected")
    return _values(content)


def _values(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other in `data`: tag and content of each."""
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            digits = length & 0x7F
            length = int.from_bytes(data[at : at + digits], "big")
            at += digits
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length


def _canonical(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.lower().rstrip(".")
