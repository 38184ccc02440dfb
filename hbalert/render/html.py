"""What operators' own HTML protects: every value, and the addresses in it.

Knows how Go's html/template writes a value into text, into an attribute and into an address, and does
the same. Must not know templates or mail. The built-in page is `mail.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from hbalert.render.clean import harmless, safe_url
from hbalert.render.markup import Markup
from hbalert.templating.gofmt import show

REFUSED = "#"
"""In place of an address that is none: `javascript:` and the like."""

REFUSED_CSS = "inherit"

_CSS = re.compile(r"[\w #%.,+-]*")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "+": "&#43;"})
_SCHEME = re.compile(r"([^:/?#]*):")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = "!#$%&*+,/:;=?@[]~"


def escape(text: str) -> str:
    """A value in text or in an attribute between quotes."""
    return harmless(text).translate(_ESCAPES)


def url(value: Any) -> Markup:
    """A value that is a whole address: `<a href="{{ alert.generator_url|url }}">`."""
    text = harmless(show(value)).strip()
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() not in ("http", "https", "mailto"):
        return Markup(REFUSED)
    return url_path(text)


def url_path(value: Any) -> Markup:
    """A value within an address, before its question mark."""
    return Markup(escape(quote(_PERCENT.sub("%25", show(value)), safe=_RESERVED, errors="replace")))


def url_query(value: Any) -> Markup:
    """A value behind the question mark of an address: `?receiver={{ receiver|url_query }}`."""
    return Markup(quote(show(value), safe="", errors="replace"))


def css(value: Any) -> Markup:
    """A value within a style attribute: a colour, a number, a word; nothing that could begin another rule."""
    text = harmless(show(value))
    return Markup(escape(text) if _CSS.fullmatch(text) else REFUSED_CSS)


def link(address: Any, text: Any = "") -> Markup:
    """`{{ url|link("Runbook") }}`: a link where the address is one that may be followed."""
    target, words = safe_url(show(address)), escape(show(text))
    return Markup(f'<a href="{escape(target)}">{words or escape(target)}</a>') if target else Markup(words)


HTML_FILTERS: Mapping[str, Callable[..., Any]] = {
    "css": css,
    "link": link,
    "url": url,
    "url_path": url_path,
    "url_query": url_query,
}
"""What a page's template has besides."""

HTML_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"safeHtml": lambda value: Markup(show(value))}
"""Functions that mean more in a page: the template's author vouches for the value."""


def with_notes(page: str, notes: tuple[str, ...]) -> str:
    """A page of the operator's with what is unusual about the message at its end."""
    if not notes:
        return page
    added = "".join(f'<p style="font-size:14px;line-height:20px">{escape(note)}</p>' for note in notes)
    end = page.lower().rfind("</body>")
    return page + added if end < 0 else page[:end] + added + page[end:]
