"""DingTalk's markdown: headings, lists, quotes, bold and links, nothing else.

Knows that subset and its rule for line breaks. Must not know tokens, mentions or the robot's limits:
`limit` is told. Everything that others wrote goes through `clean.markdown`. Next: `sms.py`.
"""

from __future__ import annotations

from hbalert.render.clean import markdown
from hbalert.render.outline import Item, Outline, Rows
from hbalert.render.text import fit

DETAILED = 5
"""Alerts told in full; behind them one line each: a phone shows no more at once."""

BREAK = "  \n  "
"""A line break within a paragraph, as DingTalk documents it."""

_ICONS = {"critical": "🔴", "error": "🔴", "page": "🔴", "emergency": "🔴", "warning": "🟠"}


def icon(firing: bool, severity: str) -> str:
    """How bad, at a glance."""
    return _ICONS.get(severity.lower(), "🔵") if firing else "✅"


def markdown_text(told: Outline, limit: int = 0) -> str:
    """The whole outline in at most `limit` bytes."""
    words = told.words
    firing = told.status == "firing"
    head = [f"### {icon(firing, told.severity)} {markdown(told.headline)}"]
    if sum(told.counts) == 1:
        head.append(f"**{words.firing if firing else words.resolved}** {markdown(told.name)}")
    head += [f"> {markdown(note)}" for note in told.notes]
    tail = [f"- {words.common_labels}{words.colon}{_joined(told.common)}"] if told.common else []
    tail.append(f"- {words.why_now}{words.colon}{told.why}")
    foot = "\n".join(tail) + (f"\n\n[{words.console}]({told.console})" if told.console else "")
    if sum(told.counts) == 1:
        blocks = [(_details(told.items[0], told), markdown(told.items[0].when))]
    else:
        blocks = _sections(told)
    return fit(told, "\n\n".join(head), blocks, foot, limit, detailed=DETAILED)


def _sections(told: Outline) -> list[tuple[str, str]]:
    blocks = []
    for heading, items in told.sections:
        for index, item in enumerate(items):
            above = f"#### {heading}\n\n" if index == 0 else ""
            sign, title = icon(item.firing, item.severity), markdown(item.title)
            full = f"{above}{sign} **{title}**\n\n{_details(item, told)}"
            blocks.append((full, f"{above}- {sign} {title} ({markdown(item.when)})"))
    return blocks


def _details(item: Item, told: Outline) -> str:
    words = told.words
    lines = [f"- **{markdown(word)}**{words.colon}{markdown(text)}" for word, text in item.rows]
    if item.labels:
        lines.append(f"- **{words.labels}**{words.colon}{_joined(item.labels)}")
    parts = []
    if item.description:
        parts.append(BREAK.join(markdown(line) for line in item.description.split("\n") if line.strip()))
    parts.append("\n".join(lines))
    if item.links:
        parts.append(" · ".join(f"[{markdown(word)}]({url})" for word, url in item.links))
    return "\n\n".join(parts)


def _joined(rows: Rows) -> str:
    return ", ".join(f"{markdown(name)}={markdown(value)}" for name, value in rows)


def markdown_subject(told: Outline) -> str:
    """The title that the phone shows: our tag, and the rest without any markup of others."""
    return f"{told.tag} {markdown(told.name)}"
