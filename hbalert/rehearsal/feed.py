"""Samples into a Prometheus, by its remote write.

Knows the protocol on the wire, as little of it as is needed. Must not know what the samples are for.
Samples go in as they come of age, so that no query sees what lies in its future, and the mark that ends
a series goes in as such: no text format can say it. Source: the remote write specification 1.0, prompb,
and snappy's block format, of which a literal is enough.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hbalert.errors import Unavailable
from hbalert.outbound import Unreachable, request

if TYPE_CHECKING:
    from hbalert.outbound.client import Client

PATH = "/api/v1/write"
ARGUMENTS = ("--web.enable-remote-write-receiver",)
"""What a Prometheus needs to be told to take samples."""

_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_TIMEOUT = timedelta(seconds=30)
AT_ONCE = 5000
"""Samples of one request."""

Sample = tuple[Mapping[str, str], float, datetime]


class Feed:
    """Writes to one Prometheus. What was written for a moment once is not written again.

    url  its address
    """

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url + PATH
        self._last: dict[tuple[tuple[str, str], ...], int] = {}

    async def write(self, samples: Iterable[Sample]) -> None:
        """Those of one series in the order of time. Raises Unavailable when it does not take them."""
        parts: list[bytes] = []
        for labels, value, at in samples:
            at_ms = round(at.timestamp() * 1000)
            key = tuple(sorted((name, text) for name, text in labels.items() if text))
            if self._last.get(key, at_ms - 1) >= at_ms:
                continue
            self._last[key] = at_ms
            parts.append(_series(key, value, at_ms))
            if len(parts) == AT_ONCE:
                await self._send(b"".join(parts))
                parts.clear()
        if parts:
            await self._send(b"".join(parts))

    async def _send(self, message: bytes) -> None:
        try:
            reply = await request(
                self._client, "POST", self._url, timeout=_TIMEOUT, headers=_HEADERS, content=_snappy(message)
            )
        except Unreachable as error:
            raise Unavailable(f"Prometheus does not take samples: {error}") from None
        if reply.status >= 300:
            raise Unavailable(f"Prometheus does not take samples: {reply.text.strip()[:300]}")


def _series(labels: Iterable[tuple[str, str]], value: float, at_ms: int) -> bytes:
    """TimeSeries of one sample, as a field of WriteRequest."""
    pairs = (_field(1, name.encode()) + _field(2, text.encode()) for name, text in labels)
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at_ms & (2**64 - 1))
    return _field(1, b"".join(_field(1, pair) for pair in pairs) + _field(2, sample))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _snappy(data: bytes) -> bytes:
    """A block that is one literal: valid, and not compressed."""
    return _varint(len(data)) + b"\xfc" + struct.pack("<I", len(data) - 1) + data
