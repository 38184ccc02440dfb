"""Mail addresses and mail servers as people write them: "Ops <ops@example.com>", "smtp.example.com:587".

Knows their grammar. Must not know who gets what, or how mail is sent.
"""

from __future__ import annotations

import email.policy
import re
from dataclasses import dataclass
from email.errors import MessageError

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.%]{2,60}\]")
_EXAMPLE = 'write "ops@example.com" or "Ops <ops@example.com>"'


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mail address; `name` is what mail programs show instead of it, and may be empty."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def parse_mailbox(text: str) -> Mailbox:
    """The one address that the text is. Raises ValueError with what is right.

    A domain in other letters than ASCII is turned into its IDNA form. Before the @ only ASCII is
    taken: an address beyond that reaches few servers, and an alert must reach its reader.

    >>> parse_mailbox("Ops <ops@example.com>")
    Mailbox(name='Ops', address='ops@example.com')
    """
    try:
        header = email.policy.SMTP.header_factory("to", text)
        (group,) = header.groups
        (found,) = group.addresses
    except (ValueError, IndexError, MessageError):  # the parser stumbles over "ops@"
        raise ValueError(f"{text!r} is not one mail address; {_EXAMPLE}") from None
    if group.display_name is not None or header.defects:
        raise ValueError(f"{text!r} is not a mail address; {_EXAMPLE}")
    try:
        domain = found.domain if found.domain.isascii() else found.domain.encode("idna").decode()
    except UnicodeError:
        raise ValueError(f"{text!r}: the domain cannot be written in IDNA; {_EXAMPLE}") from None
    address = f"{found.username}@{domain}"
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"{text!r}: letters, digits and dots only, please, around the @; {_EXAMPLE}")
    return Mailbox(found.display_name, address)


def parse_smarthost(text: str) -> tuple[str, int | None]:
    """Host and port of a mail server; None when it names no port. Raises ValueError with what is right.

    >>> parse_smarthost("[::1]:25"), parse_smarthost("smtp.example.com")
    (('::1', 25), ('smtp.example.com', None))
    """
    example = 'write "smtp.example.com:587"'
    host, colon, port = text.strip().rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text.strip(), ""
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not a mail server; {example}")
    if colon and port == "" and not host.endswith("]"):
        raise ValueError(f"{text!r} ends where its port should stand; {example}")
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(f"{text!r}: {port!r} is not a port; {example}")
    return host.strip("[]"), int(port) if port else None
