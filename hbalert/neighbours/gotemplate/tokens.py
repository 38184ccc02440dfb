"""A Go template in pieces: raw text, comments, and actions taken apart into words.

Knows `{{`, `}}`, the signs that trim, comments and strings. Must not know what an action means.
Next: `tree.py`. Source: Go's text/template/parse/lex.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hbalert.templating.expressions import TOKEN, Token

SPACE = " \t\r\n"
"""What a sign that trims takes away."""

_COMMENT = re.compile(r"\{\{(-[ \t\r\n])?\s*/\*(.*?)\*/(\s*[ \t\r\n]-)?\s*\}\}", re.DOTALL)
_TRIM_LEFT = re.compile(r"-(?=[ \t\r\n])")
_TRIM_RIGHT = re.compile(r"[ \t\r\n]+-\}\}")


class Untranslatable(ValueError):
    """A template that cannot be said in Jinja2.

    origin, line  where: the name of the file or of the key, and the line in it
    """

    def __init__(self, what: str, origin: str = "", line: int = 0) -> None:
        super().__init__(what)
        self.origin, self.line = origin, line


class Trim(NamedTuple):
    """Whether an action takes away the blanks before it and behind it."""

    left: bool = False
    right: bool = False


NO_TRIM = Trim()


@dataclass(frozen=True, slots=True)
class Piece:
    """Raw text, a comment or an action.

    line   where it begins, from 1
    text   of raw text and comments
    words  of an action
    """

    kind: Literal["raw", "comment", "action"]
    line: int
    text: str = ""
    words: Sequence[Token] = ()
    trim: Trim = NO_TRIM

    @property
    def word(self) -> str:
        """The name that an action begins with; nothing where it begins with anything else."""
        return self.words[0].text if self.words and self.words[0].kind == "name" else ""


def pieces(text: str, origin: str) -> Iterator[Piece]:
    """The pieces of a template. Raises Untranslatable."""
    position, line = 0, 1
    while (start := text.find("{{", position)) >= 0:
        if start > position:
            yield Piece("raw", line, text[position:start])
        line += text.count("\n", position, start)
        if comment := _COMMENT.match(text, start):
            trim = Trim(bool(comment[1]), bool(comment[3]))
            yield Piece("comment", line, comment[2].strip(), trim=trim)
            end = comment.end()
        else:
            piece, end = _action(text, start, line, origin)
            yield piece
        line += text.count("\n", start, end)
        position = end
    if position < len(text):
        yield Piece("raw", line, text[position:])


def _action(text: str, start: int, line: int, origin: str) -> tuple[Piece, int]:
    """The action that begins at `start`, and where it ends."""
    position = start + 2
    left = _TRIM_LEFT.match(text, position) is not None
    position += left
    words: list[Token] = []
    spaced = True
    while not text.startswith("}}", position):
        if right := _TRIM_RIGHT.match(text, position):
            return Piece("action", line, "", words, Trim(left, True)), right.end()
        found = TOKEN.match(text, position)
        if found is None:
            raise Untranslatable("{{ is never closed", origin, line)
        if found.lastgroup == "space":
            spaced = True
        else:
            word = Token(str(found.lastgroup), found[0], spaced)
            if word.kind == "op" and word.text in "\"'`":
                raise Untranslatable(f"a string that begins with {word.text} is never closed", origin, line)
            words.append(word)
            spaced = False
        position = found.end()
    if not words:
        raise Untranslatable("{{ }} holds nothing", origin, line)
    return Piece("action", line, "", words, Trim(left)), position + 2
