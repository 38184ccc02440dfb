"""HTTP out: the one place that owns the client library.

Knows httpx, and that it runs over aiohttp's transport (several times the requests per CPU second of
httpx's own). Must not know what is asked or what an answer means. `open_client` makes a client,
`request` makes one call with a deadline for the whole of it and a limit on the answer's size. Next:
`client.py`, which says how a request goes the short way.

The libraries are imported with the first client: they cost as much as all the rest of a start.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hbalert import __version__

if TYPE_CHECKING:
    import httpx

    from hbalert.outbound.client import Client

USER_AGENT = f"hbalert/{__version__}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the far side answered; `truncated` when the body was longer than asked for."""

    status: int
    headers: httpx.Headers
    body: bytes
    truncated: bool = False

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Unreachable(Exception):
    """There was no answer.

    reason  "timeout", "network" or "tls"
    sent    whether the request may have reached the far side all the same
    """

    def __init__(self, text: str, *, reason: str, sent: bool) -> None:
        super().__init__(text)
        self.reason = reason
        self.sent = sent


class Unsendable(Unreachable, ValueError):
    """A host that is no name, or a header with what no header holds: to try again is of no use."""


def open_client(
    *,
    ca_file: Path | None = None,
    client_cert: Path | None = None,
    client_key: Path | None = None,
    verify: bool = True,
    connections: int = 32,
) -> Client:
    """A client that follows no redirect, keeps no cookie and reads nothing from the environment. Close it.

    connections  open at once; who asks for one more waits
    Raises OSError or ssl.SSLError when a certificate file cannot be read.
    """
    from hbalert.outbound.client import Client, Transport

    trust = partial(tls_context, ca_file, client_cert, client_key, verify)
    if ca_file is not None or client_cert is not None:
        trust()  # what is wrong with the files is said now
    return Client(Transport(trust, connections=connections), user_agent=USER_AGENT)


@lru_cache(maxsize=64)
def tls_context(
    ca_file: Path | None = None, cert: Path | None = None, key: Path | None = None, verify: bool = True
) -> ssl.SSLContext:
    """What to trust, and as whom to appear; the system's certificates unless `ca_file` says otherwise.

    Cached, and made with the first request over TLS: reading the system's certificates takes 20 ms.
    Raises OSError or ssl.SSLError when a file cannot be read.
    """
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if ca_file is None and not context.get_ca_certs():
        import certifi

        context.load_verify_locations(certifi.where())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


async def request(
    client: Client,
    method: str,
    url: str,
    *,
    timeout: timedelta,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    data: Mapping[str, Any] | None = None,
    auth: tuple[str, str] | None = None,
    max_bytes: int = 1 << 20,
) -> Reply:
    """One call: the whole answer, or Unreachable.

    timeout    for the whole call, however slowly the far side drips
    url        used as it is; a query belongs in it already percent-encoded; user info in it is sent
               as basic authentication, unless there is other authentication
    max_bytes  of the body that are kept; the rest is not read
    """
    import aiohttp
    import httpx

    started = False
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            outgoing = client.make(method, url, headers=headers or {}, content=content, data=data, auth=auth)
            started = True
            response = await client.exchange(outgoing)
            try:
                body, truncated = await _read(response, max_bytes)
            finally:
                await response.aclose()
            return Reply(response.status_code, response.headers, body, truncated)
    except TimeoutError:
        raise Unreachable(
            f"no answer within {timeout.total_seconds():g} s", reason="timeout", sent=started
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
        raise _unreachable(error) from None
    except ValueError:
        # Its words may hold what is secret.
        raise Unsendable("the URL or a header is not valid", reason="network", sent=False) from None


async def _read(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    size = 0
    # httpx undoes an encoding; where there is none, its layers of iterators cost more than the reading.
    is_encoded = "content-encoding" in response.headers
    stream = response.aiter_bytes() if is_encoded else cast("httpx.AsyncByteStream", response.stream)
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            parts[-1] = part[: len(part) - (size - max_bytes)]
            return b"".join(parts), True
    return b"".join(parts), False


def not_connected(error: OSError) -> str:
    """Why a connection could not be made, in the system's words; asyncio's repeat the address instead."""
    said = error.strerror or str(error)
    is_asyncios = said.startswith("Connect call failed") and error.errno
    return os.strerror(error.errno) if is_asyncios and error.errno else said


def _unreachable(error: Exception) -> Unreachable:
    """The transport maps a lost connection to a time-out; the cause underneath tells the truth."""
    import aiohttp
    import httpx

    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return Unreachable(
            f"the certificate is not trusted: {cause.certificate_error}", reason="tls", sent=False
        )
    if isinstance(cause, aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return Unreachable(f"TLS failed: {cause}", reason="tls", sent=False)
    if isinstance(cause, aiohttp.ClientConnectorError):
        return Unreachable(f"cannot connect: {not_connected(cause)}", reason="network", sent=False)
    if isinstance(cause, TimeoutError | httpx.TimeoutException):
        return Unreachable("no answer in time", reason="timeout", sent=True)
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return Unreachable("the connection was closed before an answer came", reason="network", sent=True)
    if isinstance(cause, aiohttp.ClientPayloadError):
        return Unreachable("the answer broke off", reason="network", sent=True)
    if isinstance(cause, aiohttp.http_exceptions.HttpProcessingError):
        # It has a number, which looks like one that the far side has said, and repeats what was received.
        what = cause.message.strip().partition(":")[0]
        return Unreachable(f"the answer is not valid HTTP: {what}", reason="network", sent=True)
    if isinstance(cause, httpx.InvalidURL | aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return Unreachable("the URL is not valid", reason="network", sent=False)
    return Unreachable(f"{type(cause).__name__}: {cause}", reason="network", sent=True)
