"""Label sets: the identity of everything.

Knows how labels are ordered, compared, printed and hashed. Must not know what any particular label
means. Next: `matcher.py`.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import lru_cache
from typing import TypeVar, overload

T = TypeVar("T")

SEPARATOR = b"\xff"
"""Stands after each name and each value; cannot occur in UTF-8, so no two label sets look alike."""

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_MASK = 0xFFFFFFFFFFFFFFFF


class Labels(Mapping[str, str]):
    """An immutable label set, sorted by name, without empty values.

    A label with an empty value is the same as a label that is not there (Prometheus' rule), so it
    is dropped here, once.

    `key` is the canonical byte string `name 0xff value 0xff ...`: equal exactly when the label sets
    are equal, and therefore the identity of an alert inside hbalert.

    >>> Labels({"b": "2", "a": "1", "c": ""}) == Labels({"a": "1", "b": "2"})
    True
    """

    __slots__ = ("_fingerprint", "_map", "key")
    key: bytes
    _map: dict[str, str]
    _fingerprint: str

    def __init__(self, pairs: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self._map = {name: value for name, value in sorted(items) if value != ""}
        parts = [text.encode() for pair in self._map.items() for text in pair]
        parts.append(b"")
        self.key = SEPARATOR.join(parts)
        self._fingerprint = ""

    @classmethod
    def from_key(cls, key: bytes) -> Labels:
        """The label set that has this key."""
        parts = [part.decode() for part in key.split(SEPARATOR)[:-1]]
        return cls(zip(parts[::2], parts[1::2], strict=True))

    def __getitem__(self, name: str) -> str:
        return self._map[name]

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str | T) -> str | T: ...
    def get(self, key: str, /, default: str | T | None = None) -> str | T | None:
        """As of any mapping; every matcher asks this, and Mapping's own takes ten times as long."""
        return self._map.get(key, default)

    def keys(self) -> KeysView[str]:
        return self._map.keys()

    def values(self) -> ValuesView[str]:
        return self._map.values()

    def items(self) -> ItemsView[str, str]:
        """As of any mapping, like `keys` and `values`; Mapping's own look each value up."""
        return self._map.items()

    def as_dict(self) -> dict[str, str]:
        """A copy as a plain dict, for encoders; `dict(labels)` takes several times as long."""
        return self._map.copy()

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __len__(self) -> int:
        return len(self._map)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Labels):
            return self.key == other.key
        return NotImplemented

    def __repr__(self) -> str:
        return f"Labels({self})"

    def __str__(self) -> str:
        """As Prometheus prints it: `{a="1", b="2"}`, values quoted as Go quotes them."""
        return "{" + ", ".join(f"{name}={quote(value)}" for name, value in self._map.items()) + "}"

    def with_(self, more: Mapping[str, str]) -> Labels:
        """These labels and `more`; `more` wins, and an empty value in it removes a label."""
        return Labels({**self._map, **more})

    def without(self, *names: str) -> Labels:
        """These labels less the named ones."""
        return Labels({name: value for name, value in self._map.items() if name not in names})


def key_part(name: str, value: str) -> bytes:
    """What stands in the key of every label set that has this label.

    A cheap question to ask of many keys first: those without the part lack the label. With it, it may still
    be the end of a longer name.

    >>> key_part("bot", "a") in Labels({"bot": "a", "site": "b"}).key
    True
    """
    return SEPARATOR.join((name.encode(), value.encode(), b""))


def listing_order(labels: Labels) -> tuple[int, tuple[tuple[bytes, str], ...]]:
    """Sort key: the order in which Alertmanager lists label sets (prometheus/common, LabelSet.Before).

    Fewer labels come first; among as many, the first name that only one of them has puts it last, and
    the first value that differs decides.
    """
    return len(labels), tuple((_later_names_first(name), value) for name, value in labels.items())


@lru_cache(maxsize=4096)
def _later_names_first(name: str) -> bytes:
    """A name as a sort key that turns its order round: the 0xff at the end stands above every letter."""
    return name.encode().translate(_TURNED) + SEPARATOR


_TURNED = bytes(255 - byte for byte in range(256))


def fingerprint(labels: Mapping[str, str]) -> str:
    """The identity that is shown to the world: Alertmanager's, 16 hexadecimal digits.

    FNV-1a, 64 bits, over the sorted labels, each name and each value followed by 0xff
    (prometheus/common, model/signature.go). Costs about 11 us in Python, so it is computed when
    asked for, once; inside, `Labels.key` is the identity, because a collision must not merge two alerts.

    >>> fingerprint({"alertname": "TestAlert"})
    'dab43189276e5f48'
    """
    known = labels if isinstance(labels, Labels) else Labels(labels)
    if not known._fingerprint:
        value = _FNV_OFFSET
        for byte in known.key:
            value = ((value ^ byte) * _FNV_PRIME) & _MASK
        known._fingerprint = f"{value:016x}"
    return known._fingerprint


def quote(text: str, *, beyond_ascii: bool = True) -> str:
    r"""`text` between double quotes, escaped as Go's strconv.Quote does.

    What cannot be printed is escaped; `str.isprintable` goes by the same categories of Unicode as Go.

    beyond_ascii  False leaves all but ASCII as it is: for readers who do not know \u and \U

    >>> print(quote('say "hi"\n'))
    "say \"hi\"\n"
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escaped(char) if beyond_ascii or char < "\x80" else char for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
