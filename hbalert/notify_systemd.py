"""A word to systemd: ready, reloading, stopping, still alive.

Knows the sd_notify protocol: one datagram to the socket that $NOTIFY_SOCKET names. Does nothing
where there is none. Source: the manual page sd_notify(3).
"""

from __future__ import annotations

import os
import socket

from hbalert.clock import SystemClock


def _send(text: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect(address)
            to.sendall(text.encode())
    except OSError:
        pass  # systemd is not there any more: there is nobody to tell


def ready() -> None:
    _send("READY=1")


def reloading() -> None:
    """systemd waits for a READY that is later than this moment of its monotonic clock."""
    _send(f"RELOADING=1\nMONOTONIC_USEC={int(SystemClock().monotonic() * 1_000_000)}")


def stopping() -> None:
    _send("STOPPING=1")


def watchdog() -> None:
    """Called by the tick: the loop moves."""
    _send("WATCHDOG=1")
