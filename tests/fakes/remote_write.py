"""Samples pushed into a real Prometheus, native histograms among them: its remote write protocol, by hand.

Prometheus takes them with `--web.enable-remote-write-receiver` and `--enable-feature=native-histograms`.
Sources: prometheus/prometheus, prompb/remote.proto and types.proto; google/snappy, format_description.txt.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from hbalert.outbound import open_client, request

ARGUMENTS = ("--web.enable-remote-write-receiver", "--enable-feature=native-histograms")


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", number)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(
        _bytes(1, _bytes(1, name.encode()) + _bytes(2, value.encode()))
        for name, value in sorted(labels.items())
    )


def sample(labels: Mapping[str, str], value: float, at: datetime) -> bytes:
    """A series with one number."""
    return _labels(labels) + _bytes(2, _double(1, value) + _number(2, int(at.timestamp() * 1000)))


def histogram(labels: Mapping[str, str], count: int, total: float, at: datetime) -> bytes:
    """A series with one native histogram: `count` observations in one bucket."""
    span = _number(1, 0) + _number(2, 1)
    of = _number(1, count) + _double(3, total) + _number(4, 0) + _double(5, 1e-9) + _number(6, 0)
    of += _bytes(11, span) + _bytes(12, _varint(count << 1)) + _number(15, int(at.timestamp() * 1000))
    return _labels(labels) + _bytes(4, of)


async def push(url: str, series: Sequence[bytes]) -> None:
    """Writes series to the Prometheus at `url`."""
    plain = b"".join(_bytes(1, each) for each in series)
    # Snappy, literals only: nothing is compressed.
    packed = _varint(len(plain))
    for start in range(0, len(plain), 60):
        piece = plain[start : start + 60]
        packed += bytes([(len(piece) - 1) << 2]) + piece
    second = timedelta(seconds=10)
    headers = {
        "Content-Encoding": "snappy",
        "Content-Type": "application/x-protobuf",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    async with open_client() as client:
        reply = await request(
            client, "POST", f"{url}/api/v1/write", timeout=second, headers=headers, content=packed
        )
    assert reply.status in (200, 204), reply.body.decode()
