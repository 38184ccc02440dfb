"""One alert mail as bytes: headers, threading, encodings.

Knows MIME and what mail programs make of headers. Must not know servers or replies. `email.py`
hands in who writes to whom.

Every header here is made of values that cannot break out of their line: addresses were parsed when
the configuration was read, and whatever alerts bring along (the subject, an operator's own headers) has
its control characters taken out first.
"""

from __future__ import annotations

import email.policy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from hbalert.channels.answers import excerpt
from hbalert.config.mailbox import Mailbox
from hbalert.ports import Message

SUBJECT_CHARS = 250
HEADER_CHARS = 900
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNSEEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(127, 160)])  # keeps \t \n \r


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who writes to whom. `to` lists everyone, also those who have the mail already."""

    sender: Mailbox
    to: Sequence[Mailbox]
    reply_to: Mailbox | None = None


class _Text(str):
    """What a header says that holds words of alerts."""

    __slots__ = ()


class _Policy(email.policy.EmailPolicy):
    """SMTP's rules, with two kinds of headers that the library folds wrongly folded here.

    Texts (the subject, an operator's own headers): the library's folding loses blanks between long
    words of mixed scripts, and takes "=?utf-8?..." in a label value for an encoding. Message ids: it
    encodes long ones, and mail programs then find no thread.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        ours = name in _IDS or isinstance(value, _Text)
        return (name, value) if ours else super().header_store_parse(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        is_text = isinstance(value, _Text)
        if name not in _IDS and not is_text:
            return super().fold_binary(name, value)
        if is_text and not (_PRINTABLE.fullmatch(value) and len(value) < 68 and "=?" not in value):
            value = Header(value, "utf-8", maxlinelen=76, header_name=name).encode(linesep="\r\n")
        return f"{name}: {value}\r\n".encode("ascii")


_IDS = frozenset({"Message-ID", "In-Reply-To", "References"})
_POLICY = _Policy(linesep="\r\n", cte_type="7bit")
"""7bit: quoted-printable or base64, whichever is shorter, so that any server takes it and no line is long."""


def build(
    message: Message, envelope: Envelope, *, delivery_id: str, now: datetime, with_html: bool = True
) -> bytes:
    """The mail, ready for DATA: plain text and, unless `with_html` is false, HTML as an alternative.

    delivery_id  becomes the Message-ID, so that the mail keeps it over all attempts and a store that
                 knows the id drops the second copy
    now          becomes the Date
    """
    domain = envelope.sender.domain
    notification = message.notification
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _address(envelope.sender)
    mail["To"] = [_address(mailbox) for mailbox in envelope.to]
    if envelope.reply_to is not None:
        mail["Reply-To"] = _address(envelope.reply_to)
    mail["Subject"] = _Text(excerpt(message.subject, limit=SUBJECT_CHARS) or notification.status)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_id(delivery_id)}@{domain}>"
    if message.thread:
        root = f"<thread-{_digest(message.thread)}@{domain}>"
        mail["In-Reply-To"] = root
        mail["References"] = root
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.urgent:
        mail["Importance"] = "high"
        mail["X-Priority"] = "1"
    mail["X-Hbalert-Status"] = notification.status
    mail["X-Hbalert-Reason"] = notification.reason.value
    mail["X-Hbalert-Delivery"] = _id(delivery_id)
    for name, text in message.headers.items():
        del mail[name]
        if value := excerpt(text, limit=HEADER_CHARS):
            mail[name] = _Text(value)
    mail.set_content(_body(message.text))
    if with_html and message.html:
        mail.add_alternative(_body(message.html), subtype="html")
    return mail.as_bytes()


def _address(mailbox: Mailbox) -> Address:
    return Address(excerpt(mailbox.name, limit=100), addr_spec=mailbox.address)


def _body(text: str) -> str:
    """Without characters that no mail may hold: controls, and halves of surrogate pairs."""
    return text.translate(_UNSEEN).encode("utf-8", "replace").decode()


def _id(text: str) -> str:
    return text if _ID.fullmatch(text) else _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
