"""The HTTP server: uvicorn inside our event loop.

Knows where we listen and how uvicorn is started and stopped without its own signal handling. Must not
know what is served, nor how connections are taken in (`connections.py`). Source: uvicorn.Server, whose
`serve` would take over the signals and whose `startup` would let asyncio accept.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from hbalert.api.connections import Connections, affordable
from hbalert.api.protocol import BoundedProtocol

GRACE_SECONDS = 3
"""How long a stop waits for requests that are being answered."""

IDLE_SECONDS = 75
"""How long a connection may stay open without a request; senders repeat every minute."""


class Server:
    """One listening socket and the application behind it.

    address  where it listens, as a client would write it: `http://127.0.0.1:9097` or `unix:/path`
    """

    def __init__(self) -> None:
        self.address = ""
        self._uvicorn: uvicorn.Server | None = None
        self._socket: socket.socket | None = None
        self._unix: Path | None = None
        self._connections: Connections | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(
        self,
        app: ASGIApp,
        listen: str,
        *,
        tls: ssl.SSLContext | None = None,
        connections: int = 800,
        refused: Callable[[str], None] = lambda why: None,
    ) -> None:
        """Listens on `host:port` (port 0: any free one) or `unix:/path` and serves `app`.

        app          may have a `prompt`: what it can answer without a task (`protocol.py`)
        tls          speak HTTPS; None: HTTP
        connections  open at once, as far as the system lets us
        refused      told why a connection came to nothing: "handshake", "full"
        Raises OSError, fit to show, when that address cannot be taken.
        """
        self._socket = self._unix_socket(listen[5:]) if listen.startswith("unix:") else _tcp_socket(listen)
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        config.load()
        self._uvicorn = uvicorn.Server(config)
        self._uvicorn.lifespan = config.lifespan_class(config)
        self._uvicorn.servers = []  # asyncio's, which would accept
        state, lifespan = self._uvicorn.server_state, self._uvicorn.lifespan.state
        prompt = getattr(app, "prompt", {})

        def protocol() -> asyncio.Protocol:
            kind: Any = config.http_protocol_class
            made: asyncio.Protocol = kind(
                config=config, server_state=state, app_state=lifespan, prompt=prompt
            )
            return made

        most = affordable(connections)
        self._connections = Connections(self._socket, protocol, state.connections, most, tls, refused)
        self._tasks = [
            asyncio.create_task(self._connections.accept(), name="http accept"),
            asyncio.create_task(self._connections.sweep(), name="http sweep"),
        ]
        self.address = listen if self._unix else _url(self._socket, "http" if tls is None else "https")

    def use(self, tls: ssl.SSLContext) -> None:
        """Another certificate for new connections; those that are open go on with theirs."""
        if self._connections is not None:
            self._connections.tls = tls

    async def stop(self) -> None:
        """Takes no more requests; those in work get a few seconds, then they are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._uvicorn is not None and self._socket is not None and self._connections is not None:
            await self._uvicorn.shutdown(sockets=[self._socket])
            self._connections.abort()
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)

    def _unix_socket(self, text: str) -> socket.socket:
        """A socket for this user and group; a stale one in its place is removed, a live one is not."""
        path = Path(text)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(text)
                except OSError:
                    path.unlink()
                else:
                    raise OSError(f"cannot listen on unix:{text}: somebody is listening there already")
        listening = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o117)
        try:
            listening.bind(text)
            listening.listen(2048)
        except OSError as error:
            listening.close()
            raise OSError(f"cannot listen on unix:{text}: {error.strerror or error}") from None
        finally:
            os.umask(mask)
        listening.setblocking(False)
        self._unix = path
        return listening


def _tcp_socket(listen: str) -> socket.socket:
    host, port = split_address(listen)
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # "localhost" is both; clients that are told 127.0.0.1 must find us.
        family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"cannot listen on {listen}: {error.strerror or error}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise OSError(f"cannot listen on {listen}: {error.strerror or error}") from None
    listening.setblocking(False)
    return listening


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[::1]:port` or `:port`. Raises OSError, fit to show."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise OSError(f"cannot listen on {listen!r}: write host:port or unix:/path")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _url(listening: socket.socket, scheme: str) -> str:
    host, port = listening.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
