"""Placeholders in the description of a gateway: {to}, {text}, {id}, {timestamp} and its secrets.

Knows how to put values into a URL, a header, a form, JSON or XML so that none of them can become
more than a value. Must not know what a gateway answers. Next: `http_gateway.py`.

Only the known names are replaced, and only once: JSON is full of braces, and a text that holds
"{api_key}" must not be told the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape

from hbalert.config.channels.sms import HttpGateway

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class Placeholders:
    """The values of one request, by name."""

    def __init__(self, values: Mapping[str, str], charset: str) -> None:
        self._values = values
        self._charset = charset
        names = "|".join(re.escape(name) for name in sorted(values, key=len, reverse=True))
        self._pattern = re.compile(rf"\{{({names})\}}")

    def fill(self, template: str, spell: Callable[[str], str] = str) -> str:
        """The template with every value spelt as its place asks."""
        return self._pattern.sub(lambda found: spell(self._values[found[1]]), template)

    def url(self, template: str, query: Mapping[str, str]) -> str:
        """The URL with its values percent-encoded and `query` added."""
        url = self.fill(template, self._percent)
        if not query:
            return url
        pairs = {name: self.fill(text) for name, text in query.items()}
        more = urlencode(pairs, encoding=self._charset, errors="replace", quote_via=quote)
        return f"{url}{'&' if '?' in url else '?'}{more}"

    def header(self, template: str) -> str:
        """One line: a value cannot begin another header."""
        return _CONTROL.sub(" ", self.fill(template)).strip()

    def body(self, settings: HttpGateway) -> tuple[bytes | None, str]:
        """The body and the content type it has unless a header says otherwise."""
        template = settings.body
        if settings.body_format == "none" or not template:
            return None, ""
        if settings.body_format == "form":
            if isinstance(template, str):
                text = self.fill(
                    template, lambda value: quote_plus(value, encoding=self._charset, errors="replace")
                )
            else:
                pairs = {name: self.fill(_text(value)) for name, value in template.items()}
                text = urlencode(pairs, encoding=self._charset, errors="replace")
            return text.encode("ascii", "replace"), "application/x-www-form-urlencoded"
        if settings.body_format == "json":
            text = (
                self.fill(template, _in_json) if isinstance(template, str) else _json(self._filled(template))
            )
            return text.encode(self._charset, "replace"), "application/json"
        kind = next((text for name, text in settings.headers.items() if name.lower() == "content-type"), "")
        spell = _in_json if "json" in kind else escape if "xml" in kind else str
        text = self.fill(template if isinstance(template, str) else _json(template), spell)
        return text.encode(self._charset, "replace"), f"text/plain; charset={self._charset}"

    def _percent(self, value: str) -> str:
        return quote(value, safe="", encoding=self._charset, errors="replace")

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, Mapping):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._filled(inner) for inner in value]
        return value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)
