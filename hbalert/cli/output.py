"""How listings are printed: tables for people, JSON for programs.

Knows columns, the width of characters and the local time zone. Must not know what a row means. Data
goes to stdout, talk to stderr.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TextIO

import click

SCHEMA = 1
"""Version of what `-o json` prints: {"schema": 1, "rows": [...]}."""

GAP = "  "
"""Between two columns of a table."""

NARROWEST = 25
"""No column is made narrower than this: as wide as a time with its zone."""

WIDEST = 160
"""No column takes more room than this for the sake of one long cell."""

LEAST_SEEN = 12
"""A column of which less than this can be seen stands on a line of its own."""

output_option: Callable[[Any], Any] = click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "jsonl"]),
    default="table",
    show_default=True,
    help="table for people; json (one object, versioned) or jsonl (one row per line) for programs.",
)


def show(
    rows: Iterable[Mapping[str, Any]],
    output: str,
    *,
    columns: Sequence[str] = (),
    empty: str = "",
    wrap: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Prints rows in the form that was asked for.

    columns  which keys the table shows, in this order; all of the first row when none is named.
             JSON always has all of them.
    empty    said on stderr when there is nothing to show in a table
    wrap     the last column of a table is a text to be read whole
    """
    out = stream or sys.stdout
    listed = list(rows)
    if output == "json":
        print(as_json({"schema": SCHEMA, "rows": listed}, indent=2), file=out)
    elif output == "jsonl":
        for row in listed:
            print(as_json(row), file=out)
    elif listed:
        print(table(listed, columns or tuple(listed[0]), wrap=wrap), file=out)
    elif empty:
        click.echo(empty, err=True)


def show_one(fields: Mapping[str, Any], output: str, text: str, *, stream: TextIO | None = None) -> None:
    """Prints one thing: `text` for people, `fields` for programs."""
    out = stream or sys.stdout
    if output == "table":
        print(text, file=out)
    else:
        indent = 2 if output == "json" else None
        print(as_json({"schema": SCHEMA, **fields}, indent=indent), file=out)


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON that a terminal may show as well: what could move its cursor or turn a line round is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if text.isascii() else _UNSEEN.sub(_escaped, text)


_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0001-\U000e007f]"
)
"""Control and format characters that JSON itself leaves as they are; `plain` asks Unicode for all of them."""


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, wrap: bool = False) -> str:
    """Columns aligned by what a terminal really shows; headings in capitals.

    A cell of several lines is put on one. Where the terminal has no room for all columns the widest ones
    give way; columns for which there is no room at all stand on a line of their own below each row. Elsewhere
    every cell is whole, and one that is longer than WIDEST pushes what follows it aside in its own line only.

    wrap  the last column is a text to be read whole: it goes on in further lines of a terminal
    """
    cells = [[column.replace("_", " ").upper() for column in columns]]
    cells += [[cell(row.get(column)) for column in columns] for row in rows]
    widths = [max(width(line[index]) for line in cells) for index in range(len(columns))]
    room = shutil.get_terminal_size((0, 0)).columns if sys.stdout.isatty() else 0
    last = len(columns)
    if room:
        *before, _ = widths
        left = room - sum(before) - len(GAP) * len(before)
        if wrap and left >= NARROWEST:
            widths = [*before, min(widths[-1], left)]
        else:
            widths = narrowed(widths, room)
            while last > 1 and _together(widths[:last]) - room > max(0, widths[last - 1] - LEAST_SEEN):
                last -= 1
    else:
        widths = [min(each, WIDEST) for each in widths]
    lines = []
    for number, line in enumerate(cells):
        lines += _beside(line[:last], widths, room, wrap=wrap and last == len(columns))
        if number and last < len(columns):
            rest = zip(columns[last:], line[last:], strict=True)
            lines += _below("; ".join(f"{name}: {text}" for name, text in rest if text != "-"), room)
    return "\n".join(lines)


def _together(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _beside(line: Sequence[str], widths: Sequence[int], room: int, *, wrap: bool) -> list[str]:
    """The cells of one row beside each other; the last one goes on below when it is to be read whole."""
    *before, last = line
    shown = [cut(text, most) if room else text for text, most in zip(before, widths, strict=False)]
    padded = [text + " " * (most - width(text)) for text, most in zip(shown, widths, strict=False)]
    most = widths[len(before)]
    if not room:
        return [GAP.join([*padded, last]).rstrip()]
    parts = folded(last, most) if wrap else [cut(last, most)]
    gap = " " * (_together([*widths[: len(before)], 0]) if before else 0)
    lines = [GAP.join([*padded, parts[0]]).rstrip(), *(gap + part for part in parts[1:])]
    return [cut(text, room) for text in lines]


def _below(text: str, room: int) -> list[str]:
    return ["    " + part for part in folded(text, max(1, room - 4))] if text else []


def folded(text: str, columns: int) -> list[str]:
    """A text in lines of at most so many columns, broken at blanks where there are any.

    >>> folded("one two three", 8)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer) <= columns:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if width(lines[-1] + char) > columns:
                lines.append("")
            lines[-1] += char
    return lines


def narrowed(widths: Sequence[int], room: int) -> list[int]:
    """Widths of columns that fit beside each other into `room`, if need be; the widest ones give way.

    None gets narrower than a time is.

    >>> narrowed([8, 200, 60], 100)
    [8, 44, 44]
    """
    most = max(widths, default=0)
    while most > NARROWEST and sum(min(each, most) + len(GAP) for each in widths) - len(GAP) > room:
        most -= 1
    return [min(each, most) for each in widths]


def cell(value: Any) -> str:
    """A value as one line of plain text; nothing in it can move the cursor or end the line."""
    if value is None or value == "" or value == [] or value == {}:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return plain(", ".join(f"{name}={inner}" for name, inner in value.items()))
    if isinstance(value, list | tuple):
        return plain(", ".join(str(inner) for inner in value))
    return plain(str(value))


def plain(text: str) -> str:
    """`text` on one line, control characters and changes of reading direction made visible."""
    out = []
    for char in text:
        if char in "\n\r\t\x0b\x0c\x85\u2028\u2029":
            out.append(" ")
        elif unicodedata.category(char) in ("Cc", "Cf", "Cs"):
            out.append(f"\\u{ord(char):04x}")
        else:
            out.append(char)
    return "".join(out)


def width(text: str) -> int:
    """How many columns a terminal needs: two for CJK, none for marks that sit on another character.

    >>> width("机器人a")
    7
    """
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or char in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """`text`, shortened with an ellipsis to so many columns."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for char in text:
        used += _columns(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + "…"


def local(text: str | None) -> str:
    """A time from the API as people here read it, with the zone: `2026-03-01 20:00:00 +0800`."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


_MOMENT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})")


def on_clock(text: str) -> str:
    """A text of hbalert's own, in which moments are RFC 3339, with local times in their place."""
    return _MOMENT.sub(lambda found: _local(found[0]), text)


def _local(text: str) -> str:
    try:
        return local(text)
    except ValueError:  # it only looks like one
        return text


def ago(seconds: float) -> str:
    """A length of time in one or two units.

    >>> ago(3725)
    '1h 2m'
    """
    rest = int(timedelta(seconds=max(0.0, seconds)).total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts[:2]) or "0s"
