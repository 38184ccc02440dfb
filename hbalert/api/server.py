"""The HTTP server: uvicorn inside our event loop.

Knows sockets and how uvicorn is started and stopped without its own signal handling. Must not know
what is served. Source: uvicorn.Server.startup/shutdown; its `serve` would take over the signals.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

GRACE_SECONDS = 3
"""How long a stop waits for requests that are being answered."""

IDLE_SECONDS = 75
"""How long a connection may stay open without a request; senders repeat every minute."""

HEADER_SECONDS = 20.0
"""How long a request may take until its headers are complete."""

SWEEP_SECONDS = 5.0


class Server:
    """One listening socket and the application behind it.

    address  where it listens, as a client would write it: `http://127.0.0.1:9097` or `unix:/path`
    """

    def __init__(self) -> None:
        self.address = ""
        self._uvicorn: uvicorn.Server | None = None
        self._socket: socket.socket | None = None
        self._unix: Path | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, app: ASGIApp, listen: str) -> None:
        """Listens on `host:port` (port 0: any free one) or `unix:/path` and serves `app`.

        Raises OSError, fit to show, when that address cannot be taken.
        """
        self._socket = self._unix_socket(listen[5:]) if listen.startswith("unix:") else _tcp_socket(listen)
        config = uvicorn.Config(
            app,
            http="httptools",
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
        await self._uvicorn.startup(sockets=[self._socket])
        self.address = listen if self._unix else _url(self._socket)
        self._sweeper = asyncio.create_task(_sweep(self._uvicorn), name="http sweep")

    async def stop(self) -> None:
        """Takes no more requests; those in work get a few seconds, then they are cancelled."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        if self._uvicorn is not None and self._socket is not None:
            await self._uvicorn.shutdown(sockets=[self._socket])
            for connection in list(self._uvicorn.server_state.connections):
                connection.transport.abort()
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


async def _sweep(server: uvicorn.Server) -> None:
    """Ends connections whose request does not come to the end of its headers.

    uvicorn has a time limit between requests only; without one inside, whoever opens connections and
    says nothing would use up all file descriptors.
    """
    waiting: dict[Any, int] = {}
    allowed = int(HEADER_SECONDS / SWEEP_SECONDS)
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        silent = [each for each in server.server_state.connections if _in_headers(each)]
        waiting = {each: waiting.get(each, 0) + 1 for each in silent}
        for connection, sweeps in waiting.items():
            if sweeps > allowed:
                connection.transport.abort()


def _in_headers(connection: Any) -> bool:
    """Whether a connection has neither a request in work nor the timer that runs between requests."""
    cycle = connection.cycle
    return connection.timeout_keep_alive_task is None and (cycle is None or cycle.response_complete)


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


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
