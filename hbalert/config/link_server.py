"""[server] and [[tokens]]: where we listen, how that is protected, and against whom.

Knows which addresses need tokens or TLS, and tries the certificate that would be served with. Must not
know how a token is checked (`api/auth.py`) nor how TLS is spoken (`tls.py`, `api/server.py`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hbalert.config.document import Document
from hbalert.config.findings import Finding
from hbalert.config.types import ServerSettings
from hbalert.config.values import is_web_address
from hbalert.config.written import MainFile

if TYPE_CHECKING:
    from hbalert import tls
    from hbalert.certificate import Certificate

SOON = timedelta(days=14)
"""A certificate or a token that ends within this time is worth a warning."""


def problems(main: MainFile, at: Document, now: datetime) -> Iterator[Finding]:
    """What is wrong with the door: address, TLS, tokens."""
    server = main.server
    host = address_of(server.listen)
    if host is None:
        instead = 'write "127.0.0.1:9097" or "unix:/run/hbalert.sock"'
        yield at.finding(("server", "listen"), f"{server.listen!r} is nothing to listen on", instead)
    elif host and not is_loopback(host) and not server.insecure:
        yield from _reachable(main, at)
    if server.external_url and not is_web_address(server.external_url):
        yield at.finding(("server", "external_url"), "this is not a web address", 'write "https://host/path"')
    yield from _tls(server, at, now)
    for index, token in enumerate(main.tokens):
        if token.expires is not None and token.expires <= now:
            what, instead = (
                f"the token of {token.name} has expired",
                "make a new one with `hbalert token new`",
            )
            yield at.warning(("tokens", index, "expires"), what, instead, code="expired")
        elif token.expires is not None and token.expires <= now + SOON:
            what = f"the token of {token.name} expires soon"
            instead = "make a new one with `hbalert token new`; both may be there for a while"
            yield at.warning(("tokens", index, "expires"), what, instead, code="expired")


def _reachable(main: MainFile, at: Document) -> Iterator[Finding]:
    """The address is open to other machines."""
    server = main.server
    here = ("server", "listen")
    if not main.tokens and server.tls_client_ca is None:
        what = f"{server.listen} can be reached from other machines, and there are no tokens"
        instead = "listen on 127.0.0.1, add [[tokens]] (hbalert token new), or set insecure = true"
        yield at.finding(here, what, instead, code="insecure")
    elif server.tls_cert is None and not _is_given("tls_cert", at):
        what = (
            f"{server.listen} can be reached from other machines, and tokens cross the network in clear text"
        )
        instead = "set tls_cert and tls_key, listen on 127.0.0.1 behind a proxy, or set insecure = true"
        yield at.warning(here, what, instead, code="insecure")


# --- TLS ---------------------------------------------------------------------------------------


def _is_given(key: str, at: Document) -> bool:
    """Whether it is written, be it right or wrong: what is wrong has been taken out and reported."""
    return ("server", key) in at.lines or ("server", key) in at.environment


def _tls(server: ServerSettings, at: Document, now: datetime) -> Iterator[Finding]:
    given = [key for key in ("tls_cert", "tls_key", "tls_client_ca") if _is_given(key, at)]
    if not given:
        return
    if server.listen.startswith("unix:"):
        what = "a socket file is for this machine only and does not speak TLS"
        instead = f"remove {' and '.join(given)}, or listen on host:port"
        yield at.finding(("server", given[0]), what, instead)
        return
    for key in ("tls_cert", "tls_key"):
        if key not in given:
            instead = f'write {key} = "..."; a certificate and its key go together'
            yield at.finding(("server", given[0]), f"{key} is missing", instead, code="missing")
    files = tls_files(server)
    if files is not None and len(given) == 2 + (files.client_ca is not None):
        yield from _certificate(server, files, at, now)


def tls_files(server: ServerSettings) -> tls.Files | None:
    """What the port is served with; None: plain HTTP."""
    if server.tls_cert is None or server.tls_key is None:
        return None
    from hbalert import tls

    return tls.Files(server.tls_cert, server.tls_key, server.tls_client_ca)


def _certificate(server: ServerSettings, files: tls.Files, at: Document, now: datetime) -> Iterator[Finding]:
    from hbalert import tls

    try:
        identity = tls.load(files)
    except tls.Unusable as error:
        named = {"cert": files.cert, "key": files.key, "client_ca": files.client_ca}[error.which]
        what = f"{named}: {error}"
        yield at.finding(("server", f"tls_{error.which}"), what, error.remedy, code="certificate")
        return
    found = identity.certificate
    here = ("server", "tls_cert")
    renew = "renew it; the running daemon takes a new file over by itself"
    if found.not_after <= now:
        yield at.warning(
            here, f"this certificate ended at {found.not_after:%Y-%m-%d %H:%M} UTC", renew, code="certificate"
        )
    elif found.not_after <= now + SOON:
        days = (found.not_after - now).days
        yield at.warning(here, f"this certificate ends in {days} days", renew, code="certificate")
    elif found.not_before > now:
        what = f"this certificate is not valid before {found.not_before:%Y-%m-%d %H:%M} UTC"
        yield at.warning(here, what, "look at the clock of this machine", code="certificate")
    if identity.key_is_loose:
        what, instead = f"everybody on this machine can read {files.key}", f"chmod o-r {files.key}"
        yield at.warning(("server", "tls_key"), what, instead, code="loose-secret")
    yield from _names(server, found, at)


def _names(server: ServerSettings, certificate: Certificate, at: Document) -> Iterator[Finding]:
    """Whether clients find the name under which they reach us in the certificate.

    An external URL may be that of a proxy with a certificate of its own: only one with our port is ours.
    """
    url = urlsplit(server.external_url) if is_web_address(server.external_url) else None
    port = server.listen.rpartition(":")[2]
    host = address_of(server.listen) or ""
    if url is not None and url.hostname and url.scheme == "https" and str(url.port or 443) == port:
        key, host = "external_url", url.hostname
    elif host in ("*", "0.0.0.0", "::", ""):
        return
    else:
        key = "listen"
    if not certificate.covers(host):
        listed = ", ".join(certificate.names[:5]) or "no name at all"
        what = f"the certificate is not for {host}, but for {listed}"
        instead = "clients refuse it; make one with this name (subjectAltName)"
        yield at.warning(("server", key), what, instead, code="certificate")


# --- addresses ---------------------------------------------------------------------------------


def address_of(listen: str) -> str | None:
    """The host to listen on; "" for a socket file; None when `listen` is neither.

    >>> address_of("[::1]:9097"), address_of("unix:/run/x.sock"), address_of("9097")
    ('::1', '', None)
    """
    if listen.startswith("unix:"):
        return "" if re.fullmatch(r"/.+", listen.removeprefix("unix:")) else None
    host, colon, port = listen.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.%]+\]", host):
        return None
    return host.strip("[]") or "*"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def external_url(server: ServerSettings) -> str:
    """What links begin with: as configured, else how this machine reaches us; "" when it cannot."""
    if server.external_url:
        return server.external_url.rstrip("/")
    host = address_of(server.listen)
    if not host:
        return ""
    scheme = "https" if server.tls_cert is not None else "http"
    port = server.listen.rpartition(":")[2]
    shown = "localhost" if host in ("*", "0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"
