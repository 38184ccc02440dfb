"""What others wrote, made fit to stand in a message: no controls, no markup, not too long.

Knows which characters do harm in plain text, in DingTalk's markdown and in links. Must not know
what a message says. Next: `outline.py`.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_HARMFUL = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # signs that turn the direction of what follows
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff]"  # halves of characters: cannot be encoded
)
_SPACES = re.compile(r"[ \t\u00a0]+")

_MARKDOWN = str.maketrans({
    "@": "＠", "[": "［", "]": "］", "`": "ˋ", "*": "＊", "<": "＜", "|": "｜", "~": "～", "\\": "＼",
})  # fmt: skip
_LEADING = {"#": "＃", ">": "＞", "-": "－", "+": "＋", "=": "＝", "_": "＿", "!": "！"}
_ENTITY = re.compile(r"&(?=#?\w+;)")
_URL = re.compile(r"(https?://[\w.\-]+(?::\d+)?|https?://\[[0-9a-fA-F:.]+\](?::\d+)?)([/?#].*)?", re.I)
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s)")

MORE = "…"


def clean(text: str, limit: int = 0) -> str:
    """Text of several lines without what does harm; longer than `limit` characters it is cut."""
    return cut(harmless(text[: limit * 4 + 4096] if limit else text).strip(), limit)


def harmless(text: str) -> str:
    """The same with the blanks and empty lines at its ends."""
    return _HARMFUL.sub("", _BREAKS.sub("\n", text))


def one_line(text: str, limit: int = 0) -> str:
    """The same in one line."""
    if text.isprintable() and "  " not in text:  # the usual case: nothing to be done
        return cut(text.strip(), limit)
    line = _BREAKS.sub(" ", text[: limit * 4 + 4096] if limit else text)
    return cut(_SPACES.sub(" ", _HARMFUL.sub("", line)).strip(), limit)


def cut(text: str, limit: int, more: str = MORE) -> str:
    """At most `limit` characters (0: any number), the end marked when something is missing."""
    if not limit or len(text) <= limit:
        return text
    return (text[: limit - len(more)].rstrip() + more) if limit > len(more) else text[:limit]


def size(text: str) -> int:
    """How many bytes it takes in UTF-8."""
    return len(text.encode("utf-8", "replace"))


def cut_bytes(text: str, limit: int, more: str = MORE) -> str:
    """At most `limit` bytes (0: any number), never half a character."""
    if not limit or size(text) <= limit:
        return text
    room = limit - size(more)
    if room < 1:
        return text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
    return text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore").rstrip() + more


def markdown(text: str) -> str:
    """One line of what others wrote that says the same in markdown and does nothing there.

    DingTalk documents no escape, so what mentions, links, quotes or formats is replaced by its
    full-width twin: people read the same, the robot does not act on it.
    """
    line = _ENTITY.sub("＆", one_line(text).translate(_MARKDOWN))
    line = _NUMBERED.sub(r"\1．", line)
    return _LEADING[line[0]] + line[1:] if line[:1] in _LEADING else line


def safe_url(url: str) -> str:
    """`url` if a person may follow it from a message, else nothing.

    http or https, a plain host (no name and password before it), and what would end a link in
    markdown or an attribute in HTML, or mention somebody, spelt in percent.
    """
    url = url.strip()
    if not url or len(url) > 2000 or _HARMFUL.search(url) or _BREAKS.search(url):
        return ""
    found = _URL.fullmatch(url)
    return found[1] + quote(found[2] or "", safe="!#$%&+,-./:;=?_~") if found else ""
