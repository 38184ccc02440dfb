"""The JSON body of a robot's message: never longer than DingTalk takes.

Knows the message types "markdown" and "text", mentions, the keyword, and how to cut or to strip a
text. Must not know URLs, signatures or codes. Next: `__init__.py`, which posts it.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hbalert.config.phone import parse_phone

BODY_LIMIT = 18_000
"""Bytes of the whole body. DingTalk refuses more than 20,000 and does not say what it counts."""

TITLE_CHARS = 100
_MENTIONS = 50  # people whom one message may call by name
_CUT = "\n\n…"
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(13, 32), 127])

_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)")  # bounded: a text may be all brackets
_URL = re.compile(r"(?:\b[A-Za-z][A-Za-z0-9+.-]{1,20}://|\bwww\.)[^\s<>()]+")
_MARK = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?)|\*\*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Whom a message calls: a mention only counts when the text names the person, too."""

    mobiles: tuple[str, ...] = ()
    user_ids: tuple[str, ...] = ()
    everyone: bool = False

    @classmethod
    def of(cls, mobiles: Sequence[str], user_ids: Sequence[str], *, everyone: bool) -> Mentions:
        """The mentions as configured, at most as many as DingTalk takes."""
        numbers = tuple(dict.fromkeys(_mobile(text) for text in mobiles))[:_MENTIONS]
        return cls(numbers, tuple(dict.fromkeys(user_ids))[: _MENTIONS - len(numbers)], everyone)

    @property
    def tail(self) -> str:
        names = [f"@{name}" for name in (*self.mobiles, *self.user_ids)]
        return "\n\n" + " ".join(names) if names else ""

    @property
    def at(self) -> dict[str, Any]:
        fields = {"atMobiles": self.mobiles, "atUserIds": self.user_ids, "isAtAll": self.everyone}
        return {name: value for name, value in fields.items() if value}


NOBODY = Mentions()


def _mobile(text: str) -> str:
    """The number as DingTalk knows it: without +86; what is no number stays as it was written."""
    try:
        return parse_phone(text).removeprefix("+86")
    except ValueError:
        return "".join(text.split()).lstrip("@")


def compose(
    kind: Literal["markdown", "text"],
    title: str,
    text: str,
    *,
    uuid: str,
    mentions: Mentions = NOBODY,
    keyword: str = "",
    limit: int = BODY_LIMIT,
) -> bytes:
    """The body of one message, at most `limit` bytes: a text that is too long is cut at its end.

    uuid     DingTalk shows a second message with the same one to nobody
    keyword  put under the text unless the text holds it already
    """
    text = text.translate(_CONTROL).strip()
    for ending in (mentions.tail, f"{mentions.tail}\n\n{keyword}"):
        room = limit - len(_encode(kind, title, ending, uuid, mentions))
        whole = _shorten(text, room) + ending
        if keyword in whole:
            break
    return _encode(kind, title, whole, uuid, mentions)


def _encode(kind: str, title: str, text: str, uuid: str, mentions: Mentions) -> bytes:
    r"""UTF-8 as it is: a `\u` escape would need six bytes for a Chinese character instead of three."""
    content = {"title": title, "text": text} if kind == "markdown" else {"content": text}
    body: dict[str, Any] = {"msgtype": kind, kind: content, "msgUuid": uuid}
    if mentions.at:
        body["at"] = mentions.at
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _shorten(text: str, room: int) -> str:
    """The text, or as much of its beginning as takes `room` bytes inside a JSON string."""
    if _size(text) <= room:
        return text
    room -= _size(_CUT)
    count = bisect_right(range(1, len(text)), room, key=lambda n: _size(text[:n]))
    line_end = text.rfind("\n", count * 4 // 5, count)  # a link cut in two would show its bare half
    return text[: line_end if line_end > 0 else count].rstrip() + _CUT


def _size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2


def without_links(text: str) -> str:
    """The text without links, pictures and marks, for a robot that thinks them unsafe.

    >>> without_links("### **Down**\\n> see [runbook](https://wiki.example.com/x) or https://a.example")
    'Down\\nsee runbook or'
    """
    plain = _MARK.sub("", _URL.sub("", _LINK.sub(r"\1", text)))
    return "\n".join(line.rstrip() for line in plain.splitlines()).strip()
