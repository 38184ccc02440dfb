"""Plain text: the first part of a mail, the log, and what other styles fall back on.

Knows how an outline is laid out in lines, and how a long one is shortened. Must not know mail.
Next: `markdown.py`, which lays out the same in DingTalk's markdown.
"""

from __future__ import annotations

from collections.abc import Sequence

from hbalert.render.clean import cut_bytes, size
from hbalert.render.outline import Item, Outline, Rows

LONGEST = 512 * 1024
"""Bytes of a text for a channel that sets no limit."""

BETWEEN = "\n\n"


def plain_text(told: Outline, limit: int = 0) -> str:
    """The whole outline in plain text, in at most `limit` bytes."""
    words = told.words
    head = "\n\n".join((told.headline, *told.notes))
    tail = []
    if told.common:
        tail.append(f"{words.common_labels}{words.colon}{_joined(told.common)}")
    tail.append(f"{words.why_now}{words.colon}{told.why}")
    if told.console:
        tail.append(f"{words.console}{words.colon}{told.console}")
    if sum(told.counts) == 1:
        blocks = [(_details(told.items[0], told, ""), told.items[0].when)]
    else:
        blocks = _sections(told)
    return fit(told, head, blocks, "\n".join(tail), limit)


def _sections(told: Outline) -> list[tuple[str, str]]:
    """Every alert in full and in brief; the first of each status under its heading."""
    blocks = []
    for heading, items in told.sections:
        for index, item in enumerate(items):
            above = f"{heading}\n\n" if index == 0 else ""
            full = f"{above}* {item.title}\n{_details(item, told, '  ')}"
            blocks.append((full, f"{above}* {item.title} ({item.when})"))
    return blocks


def _details(item: Item, told: Outline, indent: str) -> str:
    words = told.words
    lines = item.description.split("\n") if item.description else []
    lines += [f"{word}{words.colon}{text}" for word, text in item.rows]
    lines += [f"{word}{words.colon}{url}" for word, url in item.links]
    if item.labels:
        lines.append(f"{words.labels}{words.colon}{_joined(item.labels)}")
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def _joined(rows: Rows) -> str:
    return ", ".join(f"{name}={value}" for name, value in rows)


def fit(
    told: Outline,
    head: str,
    blocks: Sequence[tuple[str, str]],
    tail: str,
    limit: int,
    *,
    detailed: int = 0,
) -> str:
    """Head, as many blocks as fit, a line for the others, tail: at most `limit` bytes.

    blocks    (in full, in brief) of each alert, the most important first; the brief form is taken
              where the full one does not fit, and behind the first `detailed` ones (0: for none)
    """
    limit = min(limit or LONGEST, LONGEST)
    gap = len(BETWEEN)
    room = limit - size(head) - (gap + size(tail) if tail else 0)
    parts = [head]
    left = len(blocks) + told.hidden
    for index, (full, brief) in enumerate(blocks):
        reserve = gap + size(_more(told, left - 1)) if left > 1 else 0
        forms = (full, brief) if not detailed or index < detailed else (brief,)
        form = next((form for form in forms if gap + size(form) + reserve <= room), None)
        if form is None:
            break
        parts.append(form)
        room -= gap + size(form)
        left -= 1
    if left and sum(told.counts) > 1:
        parts.append(_more(told, left))
    parts.append(tail)
    return cut_bytes(BETWEEN.join(part for part in parts if part), limit)


def _more(told: Outline, count: int) -> str:
    return told.words.more.format(count=count)
