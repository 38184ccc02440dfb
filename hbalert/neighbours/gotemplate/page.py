"""Where in HTML a value stands: in text, in an attribute, in an address.

Knows tags, attributes and which of them hold addresses. Must not know templates. Go's html/template
decides by this how a value is escaped; so do we, once, when a template is translated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_ADDRESSES = frozenset({
    "action", "background", "cite", "data", "formaction", "href", "longdesc", "manifest", "poster", "profile",
    "src", "usemap", "xmlns",
})  # fmt: skip
_LOUD = ("script", "style")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*)")
_ATTRIBUTE = re.compile(r"\s*([^\s=>\"'/]+)\s*(=\s*([\"']?))?")


class NoPlace(ValueError):
    """No value can stand here safely."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page has got to.

    inside     "" in text, "<" in a tag, "=" in an attribute, "!" in a comment, or script or style
    attribute  its name; quote: the sign that ends it; so_far: what stands in it
    tag        the tag that is open
    """

    inside: str = ""
    attribute: str = ""
    quote: str = ""
    so_far: str = ""
    tag: str = ""

    def after(self, text: str) -> Place:
        """The place behind a piece of raw text."""
        place, at = self, 0
        while at < len(text):
            place, at = place._step(text, at)
        return place

    def after_value(self) -> Place:
        """The place behind a value."""
        return replace(self, so_far=self.so_far + "v") if self.inside == "=" else self

    def filter(self) -> str:
        """The filter that a value needs here; "" where escaping is enough. Raises NoPlace."""
        if self.inside in ("", "!"):
            return ""
        if self.inside in _LOUD:
            raise NoPlace(f"a value inside <{self.inside}> cannot be made harmless")
        if self.inside == "<":
            raise NoPlace("a value inside a tag, but in no attribute, cannot be made harmless")
        if not self.quote:
            raise NoPlace(f'the attribute {self.attribute} needs quotes: {self.attribute}="..."')
        name = self.attribute.removeprefix("data-")
        if name.startswith("on") or name == "srcset":
            raise NoPlace(f"a value in the attribute {self.attribute} cannot be made harmless")
        if name == "style":
            return "css"
        if name in _ADDRESSES or any(part in name for part in ("src", "uri", "url")):
            if not self.so_far.strip():
                return "url"
            return "url_query" if "?" in self.so_far or "#" in self.so_far else "url_path"
        return ""

    def _step(self, text: str, at: int) -> tuple[Place, int]:
        match self.inside:
            case "":
                return self._text(text, at)
            case "!":
                end = text.find("-->", at)
                return (self, len(text)) if end < 0 else (Place(), end + 3)
            case "<":
                return self._tag(text, at)
            case "=":
                return self._value(text, at)
        end = text.lower().find(f"</{self.inside}", at)
        return (self, len(text)) if end < 0 else (Place(), end)

    def _text(self, text: str, at: int) -> tuple[Place, int]:
        start = text.find("<", at)
        if start < 0:
            return self, len(text)
        if text.startswith("<!--", start):
            return Place("!"), start + 4
        found = _TAG.match(text, start)
        if found is None:
            return self, start + 1
        return Place("<", tag=found[1] + found[2].lower()), found.end()

    def _tag(self, text: str, at: int) -> tuple[Place, int]:
        if text[at] == ">":
            return Place(self.tag if self.tag in _LOUD else ""), at + 1
        found = _ATTRIBUTE.match(text, at)
        if found is None or not found[2]:
            return self, found.end() if found else at + 1
        return Place("=", found[1].lower(), found[3], tag=self.tag), found.end()

    def _value(self, text: str, at: int) -> tuple[Place, int]:
        ends = re.compile(re.escape(self.quote) if self.quote else r"\s|(?=>)").search(text, at)
        if ends is None:
            return replace(self, so_far=self.so_far + text[at:]), len(text)
        return Place("<", tag=self.tag), ends.end()
