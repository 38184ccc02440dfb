"""What an X.509 certificate says of itself: how long it is valid, and for which names.

Knows which of its fields matter here. Must not know keys, trust or TLS (`tls.py`): whether a certificate
is to be believed is decided by OpenSSL, here it is only read. A leaf.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


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
    from cryptography import x509  # 40 ms, for those who serve TLS

    content = der(pem)
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is deprecated in old certificates
            found = x509.load_der_x509_certificate(content)
            return Certificate(found.not_valid_before_utc, found.not_valid_after_utc, _names(found))
    except (ValueError, TypeError, x509.DuplicateExtension, x509.InvalidVersion):
        raise ValueError("its first certificate cannot be read") from None


def der(pem: bytes) -> bytes:
    """The first certificate of a PEM file in binary form. Raises ValueError, fit to show."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    return ssl.PEM_cert_to_DER_cert(found[0].decode("ascii"))


def _names(found: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        listed = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, listed.get_values_for_type(x509.IPAddress))
    return (*listed.get_values_for_type(x509.DNSName), *addresses)


def _canonical(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.lower().rstrip(".")
