"""Connections: taking them in, counting them, ending those that only cost.

Knows sockets, TLS handshakes and when a connection of uvicorn's is idle. Must not know what is served
nor where we listen (`server.py`). uvicorn would let asyncio accept; then nobody could count what is
still in its handshake, nor give new connections another certificate while old ones go on.
"""

from __future__ import annotations

import asyncio
import fcntl
import resource
import socket
import ssl
import struct
import termios
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import structlog

log = structlog.get_logger("hbalert.api")

HANDSHAKE_SECONDS = 10.0
"""How long a TLS handshake may take."""

GOODBYE_SECONDS = 2.0
"""How long the other side has to say goodbye in TLS when we close."""

HEADER_SECONDS = 20.0
"""How long a request may take until its headers are complete."""

UNREAD_SECONDS = 60.0
"""How long the other side may take nothing of an answer."""

SWEEP_SECONDS = 5.0

OTHER_FILES = 200
"""Open files that are no connections to us: the store, sources, notifiers."""

PAUSE_SECONDS = 1.0
"""How long nothing is accepted after the system refused to: it has no descriptor left, say."""


_Unread = tuple[int, int]

NOTHING: _Unread = (0, 0)


class Connections:
    """All connections of one listening socket.

    listening  bound, listening, not blocking
    protocol   makes uvicorn's protocol for one connection
    alive      the protocols whose connection stands; uvicorn keeps them
    most       open at once, handshakes included
    tls        what new connections begin with; None: plain HTTP. Open ones keep what they began with
    refused    told why a connection came to nothing: "handshake", "full"
    """

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        alive: Collection[Any],
        most: int,
        tls: ssl.SSLContext | None,
        refused: Callable[[str], None],
    ) -> None:
        self.tls = tls
        self._listening = listening
        self._protocol = protocol
        self._alive = alive
        self._most = most
        self._refused = refused
        self._opening: dict[asyncio.Protocol, asyncio.Task[None]] = {}
        self._opened: dict[Any, None] = {}  # in the order in which they came
        self._silent: dict[Any, int] = {}
        self._unread: dict[Any, tuple[_Unread, int]] = {}
        self._is_full = False

    async def accept(self) -> None:
        """Takes connections in until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listening)
            except OSError as error:
                log.error("accept_failed", error=error.strerror or str(error))
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._has_room():
                protocol = self._protocol()
                task = loop.create_task(self._open(connection, protocol), name="connection")
                self._opening[protocol] = task
                task.add_done_callback(partial(self._is_open, protocol, connection))
            else:
                connection.close()
                self._refused("full")
            await asyncio.sleep(0)  # where many wait, sock_accept does not let others in

    async def _open(self, connection: socket.socket, protocol: asyncio.Protocol) -> None:
        tls = self.tls
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=GOODBYE_SECONDS if tls else None,
            )
        except OSError as error:  # TLS errors and time-outs are some
            if tls is not None:
                self._refused("handshake")
                log.debug("handshake_failed", error=str(error))
        else:
            self._opened[protocol] = None

    def _is_open(
        self, protocol: asyncio.Protocol, connection: socket.socket, opened: asyncio.Task[None]
    ) -> None:
        self._opening.pop(protocol, None)
        if opened.cancelled():
            connection.close()

    # --- room ---

    def _has_room(self) -> bool:
        """Whether there is room for one more, made by ending one that is idle, if need be.

        Those that have not asked for anything go before those that may ask again: a crowd of silent
        connections pushes itself out. No request in work is ever given up, and an answer that is still
        on its way only where nothing else is left to end.
        """
        begun = sum(each not in self._alive for each in self._opening)
        full = len(self._alive) + begun >= self._most
        if full and not self._is_full:
            log.warning("connections_full", connections=self._most, hint="[server.limits] connections")
        self._is_full = full
        return not full or self._end_one()

    def _end_one(self) -> bool:
        for gone in [each for each in self._opened if each not in self._alive]:
            del self._opened[gone]
        begun = next((each for each in self._opened if _in_headers(each)), None)
        waiting = [each for each in self._opened if _between_requests(each)]
        answered = [each for each in waiting if _unread(each) == NOTHING]
        if begun is not None:
            return self._end(begun)
        if answered:
            return self._end(min(answered, key=_silent_since))
        for protocol, task in self._opening.items():
            if protocol not in self._alive and not task.cancelling():
                return task.cancel()
        return bool(waiting) and self._end(min(waiting, key=_silent_since))

    def _end(self, connection: Any) -> bool:
        del self._opened[connection]
        connection.transport.abort()
        return True

    # --- time ---

    async def sweep(self) -> None:
        """Ends connections that get nowhere, until it is cancelled.

        Those whose request does not come to the end of its headers, and those that take nothing of their
        answer. uvicorn has a time limit between requests only; without others, whoever opens connections
        and says nothing, or asks and does not listen, would keep them.
        """
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for gone in [each for each in self._opened if each not in self._alive]:
                del self._opened[gone]
            silent = [each for each in self._alive if _in_headers(each)]
            self._silent = {each: self._silent.get(each, 0) + 1 for each in silent}
            unread = {each: left for each in self._alive if (left := _unread(each)) != NOTHING}
            self._unread = {each: self._still_unread(each, left) for each, left in unread.items()}
            gone = [each for each, sweeps in self._silent.items() if sweeps > HEADER_SECONDS / SWEEP_SECONDS]
            gone += [each for each, (_, n) in self._unread.items() if n > UNREAD_SECONDS / SWEEP_SECONDS]
            for connection in gone:
                connection.transport.abort()

    def _still_unread(self, connection: Any, left: _Unread) -> tuple[_Unread, int]:
        """What is left of an answer now, and in how many sweeps that has been the same."""
        before, sweeps = self._unread.get(connection, (left, 0))
        return left, sweeps + 1 if before == left else 0

    def abort(self) -> None:
        """Ends all of them."""
        for task in self._opening.values():
            task.cancel()
        for connection in list(self._alive):
            connection.transport.abort()


def affordable(most: int) -> int:
    """So many connections of `most` as this process may have files open for.

    The soft limit, 1,024 by custom, is raised where the hard one allows it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most
    fewer = max(soft - OTHER_FILES, soft // 2)
    log.warning(
        "few_files", connections=fewer, wanted=most, hint="raise the limit of open files (LimitNOFILE)"
    )
    return fewer


def _between_requests(connection: Any) -> bool:
    return connection.timeout_keep_alive_task is not None


def _unread(connection: Any) -> _Unread:
    """Bytes of answers that the other side has not taken: in our memory, and in the system's.

    With TLS ours are in a place that asyncio does not tell of; the system's are never 0 then.
    """
    here: int = connection.transport.get_write_buffer_size()
    try:
        asked = fcntl.ioctl(connection.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"0000")
    except (OSError, ValueError):  # it is closed
        return here, 0
    (sent,) = struct.unpack("i", asked)
    return here, sent


def _silent_since(connection: Any) -> float:
    """When the last answer was complete, as far as two of them are compared: all wait equally long."""
    when: float = connection.timeout_keep_alive_task.when()
    return when


def _in_headers(connection: Any) -> bool:
    """Whether a connection has neither a request in work nor the timer that runs between requests."""
    cycle = connection.cycle
    return connection.timeout_keep_alive_task is None and (cycle is None or cycle.response_complete)
