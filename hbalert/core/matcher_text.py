r"""How people write matchers: `severity="critical"`, `{bot=~"mm-.*", env!=dev}`.

Knows both of Alertmanager's dialects and its fallback between them. Must not know what a matcher does
(`matcher.py`, next).

The classic dialect takes names of ASCII letters and nearly anything as a bare value; in quotes only
`\n`, `\"` and `\\` are escapes. The UTF-8 dialect takes any name, bare texts without blanks and without
any of ``{}!=~,\"'` ``, and in quotes the escapes of a Go string. Both are tried: what one of them alone
accepts counts; where they read a text differently, the classic reading counts.
Source: Alertmanager, matcher/compat, matcher/parse and pkg/labels/parse.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

REMEDY = 'write name="value", with one of =, !=, =~, !~'


class Condition(NamedTuple):
    """What a matcher's text says: a label name, one of `= != =~ !~`, a value."""

    name: str
    op: str
    value: str


class Verdict(Enum):
    """What the two dialects made of a text."""

    SAME = "both dialects read it alike"
    ONLY_UTF8 = "only the UTF-8 dialect accepts it"
    ONLY_CLASSIC = "only the classic dialect accepts it"
    DIFFERENT = "the dialects read it differently; the classic reading counts"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text means.

    candidates  the readings that count, best first; more than one only when the dialects differ: then
                a pattern that is no valid regular expression leaves the next one
    """

    verdict: Verdict
    candidates: tuple[tuple[Condition, ...], ...]


def read_one(text: str) -> Reading:
    """The one matcher that `text` spells, without braces. Raises ValueError, fit to show."""
    _check_utf8(text)
    if text.startswith("{") or text.endswith("}"):
        raise ValueError(f"{text!r}: a single matcher stands without braces; {REMEDY}")
    return _fall_back(text, single=True)


def read_list(text: str) -> Reading:
    """The matchers that `text` spells, braces optional; `{}` is none. Raises ValueError, fit to show."""
    _check_utf8(text)
    return _fall_back(text, single=False)


def spell(condition: Condition) -> str:
    """The text that both dialects read as this condition; a name beyond ASCII only the UTF-8 one can.

    Nothing is escaped but what both know: a control character stands as it is.

    >>> spell(Condition("a", "=", 'say "hi"'))
    'a="say \\\\"hi\\\\""'
    """
    name, op, value = condition
    bare = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    return f"{name if bare else _quoted(name)}{op}{_quoted(value)}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _check_utf8(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("the matcher is not valid UTF-8") from None


def _fall_back(text: str, *, single: bool) -> Reading:
    try:
        classic: tuple[Condition, ...] | None = (_classic(text),) if single else _classic_list(text)
        complaint = ""
    except ValueError as error:
        classic, complaint = None, str(error)
    try:
        modern: tuple[Condition, ...] | None = _utf8_list(text)
        if single and modern is not None and len(modern) != 1:
            modern = None
    except ValueError:
        modern = None
    if classic is None:
        if modern is None:
            raise ValueError(complaint)
        return Reading(Verdict.ONLY_UTF8, (modern,))
    if modern is None:
        return Reading(Verdict.ONLY_CLASSIC, (classic,))
    if classic != modern:
        return Reading(Verdict.DIFFERENT, (classic, modern))
    return Reading(Verdict.SAME, (classic,))


# --- the classic dialect -----------------------------------------------------------------------

_ASCII_BLANKS = "\t\n\f\r "
_CLASSIC = re.compile(r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)")


def _classic(text: str) -> Condition:
    found = _CLASSIC.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not a matcher; {REMEDY}")
    raw = text[found.end() :].strip(_ASCII_BLANKS)
    quoted = raw.startswith('"')
    value: list[str] = []
    chars = iter(raw[1:] if quoted else raw)
    for char in chars:
        if char == '"':
            # Only the quote that closes the value may stand unescaped, and nothing may follow it.
            if quoted and next(chars, None) is None:
                return Condition(found[1], found[2], "".join(value))
            if raw.startswith("="):
                raise ValueError(f"{text!r} has two equals signs; {REMEDY}")
            raise ValueError(f"{text!r}: a double quote inside the value needs a backslash before it")
        if char == "\\":
            value.append(_CLASSIC_ESCAPES.get(follower := next(chars, ""), "\\" + follower))
        else:
            value.append(char)
    if quoted:
        raise ValueError(f"{text!r}: the closing double quote is missing")
    return Condition(found[1], found[2], "".join(value))


_CLASSIC_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
"""Any other backslash stands for itself."""


def _classic_list(text: str) -> tuple[Condition, ...]:
    pieces: list[str] = []
    piece: list[str] = []
    in_quotes = escaped = False
    for char in text.removeprefix("{").removesuffix("}"):
        if char == "," and not in_quotes:
            pieces.append("".join(piece))
            piece = []
            continue
        if char == '"':
            in_quotes, escaped = (in_quotes if escaped else not in_quotes), False
        else:
            escaped = char == "\\" and not escaped
        piece.append(char)
    last = "".join(piece)
    if last.strip(_BLANKS):
        pieces.append(last)
    return tuple(map(_classic, pieces))


# --- the UTF-8 dialect -------------------------------------------------------------------------

_BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_TOKEN = re.compile(
    rf"(?P<blank>[{_BLANKS}]+)|(?P<open>{{)|(?P<close>}})|(?P<comma>,)|(?P<op>=~|!=|!~|=)"
    rf"|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<bare>[^{_BLANKS}{{}}!=~,\\\"'`]+)|(?P<wrong>.)",
    re.DOTALL,
)
_TEXTS = {"bare", "quoted"}


def _utf8_list(text: str) -> tuple[Condition, ...]:
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(text)]
    tokens = [token for token in tokens if token[0] != "blank"]
    if tokens and tokens[0][0] == "open":
        if tokens[-1][0] != "close":
            raise ValueError("the closing brace is missing")
        tokens = tokens[1:-1]
    conditions = []
    while tokens:
        kinds = [kind for kind, _ in tokens[:3]]
        if len(kinds) < 3 or kinds[1] != "op" or not {kinds[0], kinds[2]} <= _TEXTS:
            raise ValueError(f"not a matcher; {REMEDY}")
        name, (_, op), value = tokens[:3]
        conditions.append(Condition(_unquote(*name), op, _unquote(*value)))
        if not conditions[-1].name:
            raise ValueError("a label name must not be empty")
        if len(tokens) > 3 and tokens[3][0] != "comma":
            raise ValueError("a comma is missing between two matchers")
        tokens = tokens[4:]
    return tuple(conditions)


_QUOTED_PART = re.compile(
    r'\\(?P<plain>[abfnrtv\\"])|\\x(?P<byte>[0-9a-fA-F]{2})|\\(?P<octal>[0-3][0-7]{2})'
    r'|\\u(?P<short>[0-9a-fA-F]{4})|\\U(?P<long>00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|(?P<text>[^\\"\n]+)'
)
_PLAIN_ESCAPES = dict(zip('abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def _unquote(kind: str, token: str) -> str:
    """The text that a token stands for, as Go's strconv.Unquote reads it. Raises ValueError."""
    if kind == "bare":
        return token
    out, at, end = bytearray(), 1, len(token) - 1
    while at < end:
        found = _QUOTED_PART.match(token, at, end)
        if found is None:
            raise ValueError("an escape that does not exist")
        part, at = found[found.lastgroup or 0], found.end()
        match found.lastgroup:
            case "text":
                out += part.encode()
            case "plain":
                out.append(_PLAIN_ESCAPES[part])
            case "byte" | "octal":
                out.append(int(part, 16 if found.lastgroup == "byte" else 8))
            case _:
                out += chr(int(part, 16)).encode()  # ValueError: half a surrogate pair
    return out.decode()
