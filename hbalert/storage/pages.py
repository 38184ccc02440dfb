"""Rows straight from the pages of a damaged database, when no table leads to them any more.

Knows SQLite's file format, as far as rows go. Must not know what a table is for. When the page from
which a table's other pages are found is hit, SQLite reads nothing of it; the rows are all still there.

Source: sqlite.org/fileformat2.html, 1.5 (free pages), 1.6 (leaf pages, overflow), 2.1 (records).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hbalert.storage.queries.sqlite import PAGE_BYTES

_LEAF = 13
_MOST_LOCAL = PAGE_BYTES - 35
_LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Column = tuple[type, bool]
"""What a column holds (str, bytes, int or float), and whether it may be NULL."""


class Unreadable(Exception):
    """What lies there is no row."""


def lost_rows(path: Path, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
    """Rows of that shape, number first, from every page that holds rows and is not free.

    columns  those after the number; tables of one shape cannot be told apart
    Rows that a table still leads to come too. None at all when it cannot be known which pages are free:
    there lie rows that have been deleted. Raises OSError, ValueError when the file cannot be read.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        pages = _Pages(content)
        try:
            free = pages.free()
        except Unreadable:
            return
        for number in range(1, pages.count + 1):
            if number not in free:
                yield from pages.rows(number, columns)


class _Pages:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self.count = len(content) // PAGE_BYTES

    def _page(self, number: int) -> bytes:
        if not 1 <= number <= self.count:
            raise Unreadable
        return self._content[(number - 1) * PAGE_BYTES : number * PAGE_BYTES]

    def free(self) -> set[int]:
        """The pages that hold nothing any more. Raises Unreadable when their list is not whole."""
        trunk, count = struct.unpack_from(">II", self._page(1), 32)
        free: set[int] = set()
        while trunk:
            page = self._page(trunk)
            following, leaves = struct.unpack_from(">II", page)
            if trunk in free or leaves > PAGE_BYTES // 4 - 2:
                raise Unreadable
            free |= {trunk, *struct.unpack_from(f">{leaves}I", page, 8)}
            trunk = following
        if len(free) != count:
            raise Unreadable
        return free

    def rows(self, number: int, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
        """The rows of one page if they have that shape; all rows of a page belong to one table."""
        page = self._page(number)
        header = 100 if number == 1 else 0
        if page[header] != _LEAF:
            return
        (cells,) = struct.unpack_from(">H", page, header + 3)
        if cells > PAGE_BYTES // 4:
            return
        for place in struct.unpack_from(f">{cells}H", page, header + 8):
            try:
                row = self._row(page, place)
            except (Unreadable, IndexError, struct.error, UnicodeError):
                continue  # the next may be whole
            # A record begins with the NULL that stands for its number.
            if row[1:2] != (None,) or not has_shape(row[2:], columns):
                return
            yield (row[0], *row[2:])

    def _row(self, page: bytes, place: int) -> tuple[Any, ...]:
        """The number and the columns of one row; that of the number itself is NULL."""
        size, place = _varint(page, place)
        number, place = _varint(page, place)
        signed = number - (1 << 64) if number >> 63 else number
        return (signed, *_record(self._payload(page, place, size)))

    def _payload(self, page: bytes, place: int, size: int) -> bytes:
        """The bytes of a row, the first ones here, the others on pages of their own."""
        if size <= _MOST_LOCAL:
            return page[place : place + size]
        local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE_BYTES - 4)
        if local > _MOST_LOCAL:
            local = _LEAST_LOCAL
        if size > self.count * PAGE_BYTES:
            raise Unreadable
        parts, have = [page[place : place + local]], local
        (overflow,) = struct.unpack_from(">I", page, place + local)
        while have < size:
            following = self._page(overflow)
            parts.append(following[4 : 4 + size - have])
            have += len(parts[-1])
            (overflow,) = struct.unpack_from(">I", following)
        return b"".join(parts)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for length in range(8):
        byte = data[place + length]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + length + 1
    return value << 8 | data[place + 8], place + 9


def _record(payload: bytes) -> list[Any]:
    end, place = _varint(payload, 0)
    kinds = []
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
    if place != end:
        raise Unreadable
    values = []
    for kind in kinds:
        value, place = _value(payload, place, kind)
        values.append(value)
    if place != len(payload):
        raise Unreadable
    return values


def _value(payload: bytes, place: int, kind: int) -> tuple[Any, int]:
    """One value of a record, by its serial type, and where it ends."""
    if kind == 0:
        return None, place
    if kind in (8, 9):
        return kind - 8, place
    if kind == 7:
        return struct.unpack_from(">d", payload, place)[0], place + 8
    if size := _INTEGER_BYTES.get(kind, 0):
        return int.from_bytes(payload[place : place + size], "big", signed=True), place + size
    if kind < 12:
        raise Unreadable
    end = place + (kind - 12) // 2
    if end > len(payload):
        raise Unreadable
    raw = payload[place:end]
    return (raw.decode() if kind % 2 else raw), end


def has_shape(values: Sequence[Any], columns: Sequence[Column]) -> bool:
    """Whether the values after a row's number are such as these columns hold."""
    return len(values) == len(columns) and all(
        nullable if value is None else isinstance(value, (int, float) if kind is float else kind)
        for value, (kind, nullable) in zip(values, columns, strict=True)
    )
