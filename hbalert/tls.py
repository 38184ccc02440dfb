"""TLS on our own port: which certificate we show, and whom we let in.

Knows Python's ssl and what can be wrong with a certificate, its key and a list of authorities. Must not
know configuration keys, sockets or HTTP. A leaf: the configuration tries a pair before it is put in
force, `api/server.py` serves with it. What stands in a certificate is read by `certificate.py`.
"""

from __future__ import annotations

import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from hbalert.certificate import Certificate, first

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL"
"""For TLS 1.2: forward secrecy and authenticated encryption only. TLS 1.3 has nothing else."""

MAX_BYTES = 1 << 20

_KEY = re.compile(rb"-----BEGIN (?:(ENCRYPTED )|[A-Z]+ )?PRIVATE KEY-----(?:\s*(Proc-Type: 4,ENCRYPTED))?")
_READABLE_BY_ALL = stat.S_IROTH


class Unusable(Exception):
    """These files make no TLS server. which: "cert", "key" or "client_ca"; the text is fit to show."""

    def __init__(self, which: str, text: str, remedy: str = "") -> None:
        super().__init__(text)
        self.which = which
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Files:
    """What a server needs.

    cert       PEM: the server's certificate, then those that lead to its root
    key        PEM: its private key, without a password
    client_ca  PEM: only clients with a certificate from one of these authorities may connect
    """

    cert: Path
    key: Path
    client_ca: Path | None = None

    def marks(self) -> tuple[object, ...]:
        """Changes whenever one of the files is written, replaced or given to others; OSError: one is gone."""
        marks: list[object] = []
        for path in (self.cert, self.key, self.client_ca):
            if path is not None:
                status = path.stat()
                marks += [path, status.st_ino, status.st_size, status.st_ctime_ns]
        return tuple(marks)


@dataclass(frozen=True, slots=True)
class Identity:
    """What can be served with.

    context       what new connections are made with
    key_is_loose  everybody on this machine can read the key
    """

    context: ssl.SSLContext
    certificate: Certificate
    key_is_loose: bool


def load(files: Files) -> Identity:
    """What these files make. Raises Unusable with the file that is to blame.

    A new context each time: what goes wrong with new files leaves the one in use as it is, and
    connections that are open keep what they began with.
    """
    pem = _read("cert", files.cert)
    try:
        certificate = first(pem)
    except ValueError as error:
        raise Unusable("cert", str(error)) from None
    key = _KEY.search(_read("key", files.key))
    if key is None:
        raise Unusable("key", "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)")
    if key[1] or key[2]:
        remedy = "write it without: openssl pkey -in FILE -out NEW_FILE"
        raise Unusable("key", "it is locked with a password, which nobody can type here", remedy)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(files.cert, files.key, password=lambda: "")
    except ssl.SSLError as error:
        raise _unusable_pair(error) from None
    except OSError as error:
        raise Unusable("key", f"cannot be read: {error.strerror or error}") from None
    if files.client_ca is not None:
        _require_clients(context, files.client_ca)
    return Identity(context, certificate, bool(files.key.stat().st_mode & _READABLE_BY_ALL))


def _unusable_pair(error: ssl.SSLError) -> Unusable:
    if error.reason == "KEY_VALUES_MISMATCH":
        return Unusable("key", "it does not belong to the certificate", "name the key it was made with")
    said = re.sub(r"\[\w*\]|\(_ssl.*\)", "", error.reason or str(error)).replace("_", " ").lower().strip()
    # The certificate has been read already, so that what cannot be read is the key.
    which = "cert" if "ee key" in said or "ca md" in said else "key"
    return Unusable(which, f"OpenSSL does not take it ({said})")


def _require_clients(context: ssl.SSLContext, authorities: Path) -> None:
    _read("client_ca", authorities)
    try:
        context.load_verify_locations(authorities)
    except (ssl.SSLError, OSError):
        raise Unusable("client_ca", "it holds no certificates in PEM form") from None
    context.verify_mode = ssl.CERT_REQUIRED


def _read(which: str, path: Path) -> bytes:
    try:
        if not path.is_file():
            raise Unusable(which, "it is no file" if path.exists() else "it does not exist")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unusable(which, f"cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise Unusable(which, f"it is larger than {MAX_BYTES} bytes")
    return content
