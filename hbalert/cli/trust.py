"""Whom the verbs believe that it is the daemon: TLS from the client's side.

Knows authorities, client certificates, and the daemon's own certificate where its configuration is at
hand. Must not know what is asked (`client.py`, next).

The first that is given: --ca-file FILE or $HBALERT_CLIENT_CA; the certificate that `tls_cert` of the
configuration names, when the address comes from there: whoever shows it is the daemon, whatever name
stands in it and however old it is, so that the verbs work on the machine itself also on the day on
which it has run out; the authorities that this system trusts.
"""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

import click

from hbalert.certificate import der


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe, and who we are.

    ca_file  PEM: authorities, or the very certificate
    own      PEM: our certificate and its key, for daemons that ask for one
    pinned   the daemon's own certificate, by its configuration
    """

    ca_file: Path | None = None
    own: Path | None = None
    pinned: Path | None = None

    def connection(self, host: str, port: int | None, seconds: float) -> http.client.HTTPSConnection:
        """A connection that does not speak to anybody else. Raises UsageError: a file is no good."""
        pin = None if self.ca_file else self._pin()
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise click.UsageError(f"{self.ca_file} holds no certificates that can be read") from None
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the file may name the daemon's own
        if pin is not None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE  # `_Pinned` compares it byte by byte
        if self.own is not None:
            try:
                context.load_cert_chain(self.own, password=lambda: "")
            except (OSError, ssl.SSLError) as error:
                said = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
                what = f"{self.own} has to hold a certificate and its key in PEM form: {said}"
                raise click.UsageError(what) from None
        if pin is None:
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        return _Pinned(host, port, seconds, context, pin)

    def _pin(self) -> bytes | None:
        """What the daemon shows; None: not known to us, the usual checks have to do."""
        try:
            return der(self.pinned.read_bytes()) if self.pinned is not None else None
        except (OSError, ValueError):
            return None


class _Pinned(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int | None, seconds: float, context: ssl.SSLContext, pin: bytes):
        super().__init__(host, port, timeout=seconds, context=context)
        self._pin = pin

    def connect(self) -> None:
        super().connect()
        shown = self.sock.getpeercert(binary_form=True) if isinstance(self.sock, ssl.SSLSocket) else None
        if shown != self._pin:
            self.close()
            raise ssl.SSLCertVerificationError(
                "it shows another certificate than tls_cert of the configuration. A new file is taken over "
                "within a minute, a broken one never (`hbalert check` tells); --ca-file FILE names another"
            )
