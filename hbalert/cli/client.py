"""How verbs talk to the daemon: its HTTP API, over TCP or a Unix socket.

Knows where the daemon is, how a token is sent along, and which exit code an answer means: 4 when
nobody answers, 5 when it refuses. Must not know what is asked.

Where the daemon is, the first that is given: --server URL, $HBALERT_CLIENT_URL, `listen` of the
configuration file (or $HBALERT_SERVER__LISTEN), http://127.0.0.1:9097. Only `listen` and `tls_cert` are
read, so that the verbs work while the rest of the file is wrong or its secrets are not ours to read.
The token: --token-file FILE, else $HBALERT_CLIENT_TOKEN. Whose certificate is believed: `trust.py`.
"""

from __future__ import annotations

import functools
import http.client
import json
import os
import socket
import ssl
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlencode, urlsplit

import click

from hbalert import __version__
from hbalert.cli.config_path import find_config
from hbalert.cli.output import plain
from hbalert.cli.trust import Trust
from hbalert.clock import SystemClock

UNREACHABLE = 4
REFUSED = 5

OWN = "/api/hb/"
"""Answers under this path say so: each is an object with a `schema`."""

DEFAULT_LISTEN = "127.0.0.1:9097"
DEFAULT = f"http://{DEFAULT_LISTEN}"
SECONDS = 30.0
"""How long an answer may take to begin, and to go on."""

WHOLE_SECONDS = 120.0
"""How long it may take in all: somebody waits at a terminal."""


class Unreachable(click.ClickException):
    """Nobody answers there. Exit code 4."""

    exit_code = UNREACHABLE


class Refused(click.ClickException):
    """The daemon answered that it will not. Exit code 5."""

    exit_code = REFUSED

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Answer(dict[str, Any]):
    """An object in an answer. What is not in it is a daemon of another version, not a mistake in a verb."""

    def __missing__(self, key: str) -> NoReturn:
        raise Unreachable(
            f"the daemon's answer has no {plain(key)!r}: it is of another version than this program "
            f"({__version__}); restart it"
        )


class Client:
    """One daemon. Every answer is JSON; errors are exceptions with the exit code in them.

    configured  the address came from the configuration of this machine, not from the user
    """

    def __init__(
        self, url: str, token: str = "", *, configured: bool = False, trust: Trust | None = None
    ) -> None:
        self.url, password = _apart(url)
        self._below = "" if url.startswith("unix:") else _path_of(self.url)
        self.configured = configured
        self._trust = trust or Trust()
        self._token = token or password

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The answer. Parameters that are None or "" are left out; a list is repeated."""
        given = {name: value for name, value in (params or {}).items() if value not in (None, "", ())}
        query = urlencode(given, doseq=True)
        return self._ask("GET", f"{path}?{query}" if query else path)

    def post(self, path: str, body: Any = None) -> Any:
        return self._ask("POST", path, body)

    def delete(self, path: str) -> Any:
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"User-Agent": f"hbalert/{__version__}", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None
        if method == "POST":
            content = json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        connection = self._connect()
        try:
            connection.request(method, self._below + path, content, headers)
            reply = connection.getresponse()
            text = _whole(reply)
        except ssl.SSLError as error:
            raise Unreachable(f"{self.url}: TLS failed: {_tls_reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if isinstance(error, ConnectionResetError):  # asyncio closes before TLS could say why
                asked = "; if it asks for a client certificate: --client-cert FILE or HBALERT_CLIENT_CERT"
                reason += (
                    asked if self.url.startswith("https://") else "; where it speaks TLS, write https://"
                )
            raise Unreachable(
                f"no daemon answers at {self.url}: {reason}. Start it with `hbalert run`, "
                "or name another one with --server URL"
            ) from None
        finally:
            connection.close()
        return self._read(path, reply.status, text)

    def _read(self, path: str, status: int, text: bytes) -> Any:
        try:
            read = json.loads(text, object_hook=Answer) if text.strip() else None
        except (ValueError, RecursionError):
            read = text.decode("utf-8", "replace").strip()
            if status < 300:
                raise self._stranger() from None
        if status < 300:
            ours = isinstance(read, dict) and "schema" in read
            if path.startswith(OWN) and not ours:
                raise self._stranger()
            return read
        told = read.get("error") or read.get("message") or read if isinstance(read, dict) else read
        said = "\n".join(map(plain, str(told or "").splitlines()[:100])) or f"HTTP {status}"
        if status == 401:
            said += "; give it with --token-file FILE or HBALERT_CLIENT_TOKEN"
        raise Refused(said, status)

    def _stranger(self) -> Unreachable:
        return Unreachable(f"what answers at {self.url} is not hbalert; --server URL names another address")

    def _connect(self) -> http.client.HTTPConnection:
        if self.url.startswith("unix:"):
            return _UnixConnection(self.url.removeprefix("unix:"))
        try:
            parts = urlsplit(self.url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host is None or parts.scheme not in ("http", "https"):
            raise click.UsageError(
                f"{self.url!r} is no address of a daemon; write http(s)://host:port or unix:/path"
            )
        if parts.scheme == "https":
            return self._trust.connection(host, port, SECONDS)
        return http.client.HTTPConnection(host, port, timeout=SECONDS)


def _apart(url: str) -> tuple[str, str]:
    """The address as it may be shown, and the token that stands in it as amtool takes it: http://x:TOKEN@host."""
    scheme, between, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not at:
        return url, ""
    return f"{scheme}{between}{host}{slash}{path}", unquote(user.partition(":")[2])


def _path_of(url: str) -> str:
    """Below which path a proxy has put the daemon: of https://example.com/alerts/ it is /alerts."""
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""  # `_connect` says so


def _whole(reply: http.client.HTTPResponse) -> bytes:
    """The body; a far side that drips does not hold us for ever. Raises TimeoutError."""
    clock = SystemClock()
    until = clock.monotonic() + WHOLE_SECONDS
    body = bytearray()
    while piece := reply.read1():
        body += piece
        if clock.monotonic() > until:
            raise TimeoutError(f"no whole answer within {WHOLE_SECONDS:g} s")
    if reply.length:  # `read` would have said so, `read1` does not
        raise http.client.IncompleteRead(bytes(body), reply.length)
    return bytes(body)


def _tls_reason(error: ssl.SSLError) -> str:
    """Why, in words; what most often helps, where that is known."""
    verified = getattr(error, "verify_message", "")
    if verified:
        return f"{verified}; --ca-file FILE or HBALERT_CLIENT_CA names whom to trust"
    reason = getattr(error, "reason", None) or ""
    if "ALERT" in reason and "CERTIFICATE" in reason:
        return "it asks for a client certificate: --client-cert FILE or HBALERT_CLIENT_CERT"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return "what answers there does not speak TLS; write http://"
    return reason.replace("_", " ").lower() or str(error)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def segment(text: str) -> str:
    """An id as one segment of a path. Raises UsageError for an empty one, which would name all of them."""
    if not text:
        raise click.UsageError("the id is empty; its first letters will do")
    return quote(text, safe="")


def connect(
    config: Path | None,
    server: str | None,
    token_file: Path | None,
    environ: Mapping[str, str] | None = None,
    *,
    ca_file: Path | None = None,
    client_cert: Path | None = None,
) -> Client:
    """The client for the daemon that is meant. Raises UsageError for what cannot be read."""
    variables = os.environ if environ is None else environ
    named = server or variables.get("HBALERT_CLIENT_URL", "")
    url, pinned = (named, None) if named else _configured(config, variables)
    trust = Trust(
        ca_file=ca_file or _path(variables.get("HBALERT_CLIENT_CA", "")),
        own=client_cert or _path(variables.get("HBALERT_CLIENT_CERT", "")),
        pinned=pinned,
    )
    return Client(url, _token(token_file, variables), configured=not named, trust=trust)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def listening(config: Path | None, environ: Mapping[str, str]) -> str:
    """Where the daemon of this machine's configuration listens, as a client reaches it."""
    return _configured(config, environ)[0]


def _configured(config: Path | None, environ: Mapping[str, str]) -> tuple[str, Path | None]:
    """Where it listens, and the certificate that it shows there."""
    listen, cert = environ.get("HBALERT_SERVER__LISTEN", ""), environ.get("HBALERT_SERVER__TLS_CERT", "")
    folder = Path()
    try:
        path = find_config(config, environ)
    except click.UsageError:
        if not listen and (config is not None or environ.get("HBALERT_CONFIG")):
            raise
    else:
        folder = path.parent
        if not listen or not cert:
            listen, cert = listen or _server_key(path, "listen"), cert or _server_key(path, "tls_cert")
    listen = listen or DEFAULT_LISTEN
    if listen.startswith("unix:"):
        return listen, None
    host, _, port = listen.rpartition(":")
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    return f"{'https' if cert else 'http'}://{reachable}:{port}", folder / cert if cert else None


MOST_BYTES = 8 * 1024 * 1024
"""So much of a configuration is read."""


def _server_key(path: Path, key: str) -> str:
    from hbalert.config.files import read_file

    try:
        server = tomllib.loads(read_file(path, MOST_BYTES).decode("utf-8")).get("server", {})
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}; name the daemon with --server URL") from None
    text = server.get(key, "") if isinstance(server, dict) else ""
    return text if isinstance(text, str) else ""


def _token(file: Path | None, environ: Mapping[str, str]) -> str:
    if file is None:
        token = environ.get("HBALERT_CLIENT_TOKEN", "").strip()
    else:
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise click.UsageError(f"the token file {file} cannot be read: {error}") from None
    if not token.isascii() or any(char <= " " for char in token):
        raise click.UsageError("the token holds characters that no token has; a token is one word")
    return token


def client_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a verb the options that say where the daemon is, and hands it a `client`."""

    @click.option("-c", "--config", type=click.Path(path_type=Path), help="Configuration file.")
    @click.option("--server", metavar="URL", help="Where the daemon is: https://host:port or unix:/path.")
    @click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        help="File with the token; else $HBALERT_CLIENT_TOKEN.",
    )
    @click.option(
        "--ca-file",
        type=click.Path(path_type=Path),
        help="Whom to trust, in PEM form; else $HBALERT_CLIENT_CA.",
    )
    @click.option(
        "--client-cert",
        type=click.Path(path_type=Path),
        help="Our certificate and its key, where they are asked for; else $HBALERT_CLIENT_CERT.",
    )
    @functools.wraps(verb)
    def with_client(
        *args: Any,
        config: Path | None,
        server: str | None,
        token_file: Path | None,
        ca_file: Path | None,
        client_cert: Path | None,
        **more: Any,
    ) -> Any:
        client = connect(config, server, token_file, ca_file=ca_file, client_cert=client_cert)
        return verb(*args, client=client, **more)

    return with_client


def one_of(rows: list[dict[str, Any]], begin: str, what: str, key: str = "id") -> dict[str, Any]:
    """The one row whose id begins so. Raises Refused when there is none, or more than one."""
    found = [row for row in rows if str(row[key]).startswith(begin)]
    exact = [row for row in found if row[key] == begin]
    if exact:
        return exact[0]
    if not found:
        refuse(f"there is no {what} {begin!r}")
    if len(found) > 1:
        some = ", ".join(str(row[key])[: len(begin) + 4] for row in found[:5])
        refuse(f"{len(found)} {what}s begin with {begin!r} ({some}...); give more of the id")
    return found[0]


def refuse(text: str) -> NoReturn:
    """Ends the verb: exit code 5."""
    raise Refused(text, 404)
