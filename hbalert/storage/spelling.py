"""Single values as a row spells them, and back.

Knows that times are integer microseconds UTC, maps JSON, sets of alert keys MessagePack, and which texts
SQLite cannot hold. Must not know which values stand together. Next: `rows.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from hbalert.core.labels import SEPARATOR, Labels

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exact. Raises TypeError for a time without a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The time so many microseconds after 1970. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=micros)


def micros_or_none(moment: datetime | None) -> int | None:
    """`micros`, where there may be no time."""
    return None if moment is None else micros(moment)


def moment_or_none(micros: int | None) -> datetime | None:
    """`moment`, where there may be no time."""
    return None if micros is None else moment(micros)


def text(value: str) -> str:
    r"""`value` as SQLite can hold it: lone surrogates become visible escapes.

    They come from answers that were not UTF-8 (smtplib and others decode with "surrogateescape"),
    and one such character must not cost the whole unit of work.

    >>> text("a\udc80") == "a" + chr(92) + "udc80"
    True
    """
    if value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode()


def _to_plain(value: Any) -> Any:
    """For msgspec: what it does not know itself (Labels and other mappings)."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_plain(kind: type, value: Any) -> Any:
    """For msgspec: the way back of what it does not know itself."""
    if kind is Labels:
        return Labels(value)
    raise TypeError(f"{kind.__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_to_plain)
read_map = msgspec.json.Decoder(dict[str, str]).decode
read_names = msgspec.json.Decoder(frozenset[str]).decode
read_numbers = msgspec.json.Decoder(list[int]).decode
read_keys = msgspec.msgpack.Decoder(frozenset[bytes]).decode
write_keys = msgspec.msgpack.Encoder().encode


def json_text(value: Any) -> str:
    """`value` as JSON; lone surrogates in it become visible escapes, see `text`."""
    try:
        return _encoder.encode(value).decode()
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(msgspec.to_builtins(value, enc_hook=_to_plain))).decode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item) for item in value]
    return value


def labels_of(key: bytes) -> Labels:
    """The labels whose `key` this is. Raises ValueError when it is none.

    >>> labels_of(Labels({"a": "1", "b": "2"}).key)
    Labels({a="1", b="2"})
    """
    *parts, rest = key.split(SEPARATOR)
    if rest or len(parts) % 2:
        raise ValueError("not the key of a label set")
    words = [part.decode() for part in parts]
    labels = Labels(zip(words[::2], words[1::2], strict=True))
    if labels.key != key:
        raise ValueError("not the key of a label set")
    return labels


def key_hash(key: bytes) -> int | None:
    """What finds the notes of an alert; None for no alert. Different keys may share it."""
    return zlib.crc32(key) if key else None
