"""From the pieces of a Go template to its tree, and to the templates that it defines.

Knows Go's grammar of actions and pipelines. Must not know values, functions or Jinja2. Next: `jinja.py`.
Source: Go's text/template/parse/parse.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hbalert.neighbours.gotemplate.tokens import SPACE, Piece, Trim, Untranslatable, pieces
from hbalert.neighbours.gotemplate.tree import (
    Block,
    Branch,
    Call,
    Command,
    Comment,
    Dot,
    Expression,
    Fields,
    Literal,
    Node,
    Pipeline,
    Raw,
    Set,
    Show,
    Template,
    Use,
    Variable,
)
from hbalert.templating.expressions import Token

MOST_DEPTH = 50
"""Blocks within each other."""


@dataclass(slots=True)
class Parsed:
    """What a text holds: itself, and the templates that it defines."""

    template: Template
    defines: dict[str, Template] = field(default_factory=dict)


def parse(text: str, name: str, origin: str) -> Parsed:
    """The tree of a text. Raises Untranslatable."""
    parser = _Parser(origin, list(pieces(text, origin)))
    try:
        body, _ = parser.body("")
    except RecursionError:
        raise Untranslatable("it is nested too deeply", origin, 1) from None
    return Parsed(Template(name, origin, body), parser.defines)


class _Parser:
    """Goes through the pieces once."""

    def __init__(self, origin: str, found: Sequence[Piece]) -> None:
        self.defines: dict[str, Template] = {}
        self.origin = origin
        self.found = found
        self.at = 0
        self.depth = 0

    def wrong(self, what: str, piece: Piece) -> Untranslatable:
        return Untranslatable(what, self.origin, piece.line)

    def body(self, opened: str) -> tuple[tuple[Node, ...], Piece]:
        """What stands until the {{ end }} or {{ else }} of the block `opened`, and that tag.

        opened  "": until the end of the text
        """
        self.depth += 1
        out: list[Node] = []
        trim_next = False
        while self.at < len(self.found):
            piece = self.found[self.at]
            self.at += 1
            if self.depth > MOST_DEPTH:
                raise self.wrong("it is nested too deeply", piece)
            if piece.word in ("end", "else"):
                if not opened:
                    raise self.wrong(f"{{{{ {piece.word} }}}} without a block before it", piece)
                self.depth -= 1
                return tuple(out), piece
            if piece.word == "define":
                if piece.trim.left and out and isinstance(out[-1], Raw):
                    out[-1] = Raw(out[-1].text.rstrip(SPACE))
                trim_next = self.define(piece).right
                continue
            if piece.kind == "raw":
                out.append(Raw(piece.text.lstrip(SPACE) if trim_next else piece.text))
            else:
                out.append(self.node(piece))
            trim_next = False
        if opened:
            raise self.wrong(f"{{{{ {opened} }}}} is never closed", self.found[-1])
        return tuple(out), Piece("raw", 0)

    def node(self, piece: Piece) -> Node:
        """What a comment or an action is, with all that belongs to it."""
        words = piece.words
        if piece.kind == "comment":
            return Comment(piece.text, piece.trim)
        match piece.word:
            case "if" | "with" | "range":
                return self.block(piece)
            case "block":
                return self.block_definition(piece)
            case "template":
                name, value = self.named(piece)
                return Use(name, value, piece.line, piece.trim)
            case "break" | "continue":
                raise self.wrong(f"{{{{ {piece.word} }}}} does not exist in Jinja2", piece)
        if words[0].kind == "variable" and len(words) > 1 and words[1].text in (":=", "="):
            value = self.pipeline(words[2:], piece)
            return Set(words[0].text[1:], value, words[1].text == "=", piece.line, piece.trim)
        return Show(self.pipeline(words, piece), piece.line, piece.trim)

    def named(self, piece: Piece) -> tuple[str, Pipeline | None]:
        """The name and the value of template, define and block."""
        words = piece.words[1:]
        if not words or words[0].kind != "string":
            raise self.wrong(f"{{{{ {piece.word} }}}} needs a name between quotes", piece)
        return unquote(words[0].text), self.pipeline(words[1:], piece) if words[1:] else None

    def define(self, piece: Piece) -> Trim:
        """Reads a definition; how its {{ end }} trims what follows."""
        name, _ = self.named(piece)
        body, end = self.whole(piece)
        self.defines[name] = Template(name, self.origin, _trimmed(body, piece.trim, end))
        return end

    def block_definition(self, piece: Piece) -> Use:
        name, value = self.named(piece)
        body, end = self.whole(piece)
        self.defines.setdefault(name, Template(name, self.origin, _trimmed(body, piece.trim, end)))
        return Use(name, value, piece.line, Trim(piece.trim.left, end.right))

    def whole(self, piece: Piece) -> tuple[tuple[Node, ...], Trim]:
        """The body of a definition, and how its {{ end }} trims."""
        body, closing = self.body(piece.word)
        if closing.word != "end":
            raise self.wrong(f"{{{{ else }}}} does not belong to {{{{ {piece.word} }}}}", closing)
        return body, closing.trim

    def block(self, piece: Piece) -> Block:
        branches: list[Branch] = []
        opened = word = piece.word
        words = list(piece.words)[1:]
        while True:
            declares, rest = _declared(words)
            value = self.pipeline(rest, piece) if word else None
            body, closing = self.body(opened)
            branches.append(Branch(word, value, declares, piece.line, piece.trim, body))
            if closing.word == "end":
                return Block(tuple(branches), closing.trim)
            if not word:
                raise self.wrong("{{ else }} twice in one block", closing)
            piece, words = closing, list(closing.words)[1:]
            word = words.pop(0).text if words else ""
            if word not in ("", "if", "with") or (word and opened == "range"):
                raise self.wrong(f"{{{{ else {word} }}}} is not Go", piece)

    def pipeline(self, words: Sequence[Token], piece: Piece) -> Pipeline:
        reader = _Expressions(words, self, piece)
        value = reader.pipeline()
        if reader.at < len(words):
            raise self.wrong(f"unexpected {words[reader.at].text!r}", piece)
        return value


def _declared(words: list[Token]) -> tuple[tuple[str, ...], list[Token]]:
    """The variables before `:=`, and the words behind it."""
    at = next((index for index, word in enumerate(words[:5]) if word.text == ":="), -1)
    names = tuple(word.text[1:] for word in words[: at + 1] if word.kind == "variable")
    return names, words[at + 1 :]


def _trimmed(body: tuple[Node, ...], opening: Trim, closing: Trim) -> tuple[Node, ...]:
    """A definition's body without the blanks that its own tags take away."""
    out = list(body)
    if out and opening.right and isinstance(out[0], Raw):
        out[0] = Raw(out[0].text.lstrip(SPACE))
    if out and closing.left and isinstance(out[-1], Raw):
        out[-1] = Raw(out[-1].text.rstrip(SPACE))
    return tuple(out)


class _Expressions:
    """Recursive descent over the words of one action."""

    def __init__(self, words: Sequence[Token], parser: _Parser, piece: Piece) -> None:
        self.words = words
        self.parser = parser
        self.piece = piece
        self.at = 0

    def peek(self) -> Token:
        return self.words[self.at] if self.at < len(self.words) else Token("end", "", True)

    def pipeline(self) -> Pipeline:
        commands = [self.command()]
        while self.peek().text == "|":
            self.at += 1
            commands.append(self.command())
        return Pipeline(tuple(commands))

    def command(self) -> Command:
        operands: list[Expression] = []
        while self.peek().kind != "end" and self.peek().text not in ("|", ")"):
            operands.append(self.operand())
        if not operands:
            raise self.parser.wrong("an expression is missing", self.piece)
        return Command(operands[0], tuple(operands[1:]))

    def operand(self) -> Expression:
        value = self.term()
        names: list[str] = []
        while self.peek().kind == "field" and not self.peek().spaced:
            names.append(self.peek().text[1:])
            self.at += 1
        return Fields(value, tuple(names)) if names else value

    def term(self) -> Expression:
        word = self.peek()
        self.at += 1
        match word.kind:
            case "string" | "number":
                return Literal(word)
            case "variable":
                return Variable(word.text[1:])
            case "field":
                return Fields(Dot(), (word.text[1:],))
            case "name":
                return Literal(word) if word.text in ("true", "false", "nil") else Call(word.text)
        if word.text == ".":
            return Dot()
        if word.text == "(":
            value = self.pipeline()
            if self.peek().text != ")":
                raise self.parser.wrong("( is never closed", self.piece)
            self.at += 1
            return value
        if word.text in ("-", "+") and self.peek().kind == "number" and not self.peek().spaced:
            self.at += 1
            return Literal(Token("number", word.text + self.words[self.at - 1].text, word.spaced))
        raise self.parser.wrong(f"unexpected {word.text!r}", self.piece)


_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
}
_DIGITS = {"x": 2, "u": 4, "U": 8}


def unquote(spelt: str) -> str:
    """What a Go string says. What is no escape stays as it is."""
    if spelt[0] == "`":
        return spelt[1:-1].replace("\r", "")
    out: list[str] = []
    text, at = spelt[1:-1], 0
    while at < len(text):
        char = text[at]
        if char != "\\" or at + 1 == len(text):
            out.append(char)
            at += 1
            continue
        sign = text[at + 1]
        digits = text[at + 2 : at + 2 + _DIGITS.get(sign, 0)]
        if (
            sign in _DIGITS
            and len(digits) == _DIGITS[sign]
            and all(d in "0123456789abcdefABCDEF" for d in digits)
        ):
            code = int(digits, 16)
            out.append(chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd")
            at += 2 + len(digits)
        else:
            out.append(_ESCAPES.get(sign, "\\" + sign))
            at += 2
    return "".join(out)
