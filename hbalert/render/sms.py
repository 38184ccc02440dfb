"""Short messages: one text of a few hundred characters, and the variables of approved templates.

Knows how much a phone shows and what each variable is called. Must not know gateways: each cuts the
variables to its own limit. Next: `mail.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from hbalert.core.notification import Notification
from hbalert.render.clean import cut, cut_bytes, one_line
from hbalert.render.outline import Outline, bot_of, lateness, severity_word
from hbalert.render.times import local, spell_duration

LONGEST = 300
"""Characters of a text: two parts of GSM-7, five of UCS-2."""

TITLES = 3
"""Alerts that are named; the others are counted."""

VARIABLE = 60
"""Characters of a variable."""

DOTS = "..."
"""Not the one-character ellipsis: it is outside GSM-7 and would double the price of the message."""


def sms_text(told: Outline, notification: Notification, now: datetime, limit: int = 0) -> str:
    """[FIRING:2] alpha: no fills for 30 min (critical) since 03:04, 12 min; beta: ... +1 more, 1 resolved."""
    words = told.words

    def more(count: int) -> str:
        return f" {words.sms_more.format(count=count)}" if count else ""

    firing, resolved = told.counts
    items = told.firing or told.resolved
    severity = severity_word(told.severity, words) if told.severity else ""
    text = f"{told.tag} {items[0].title}"
    text += words.brackets.format(text=severity) if severity else ""
    text += f" {items[0].when}"
    if late := lateness(notification, now):
        text += words.brackets.format(text=words.sms_late.format(duration=spell_duration(late, words)))
    end = f"{words.count_joint}{words.count_resolved.format(count=resolved)}" if firing and resolved else ""
    left = (firing or resolved) - 1
    for item in items[1:TITLES]:
        if len(text) + len(item.title) + 2 + len(more(left - 1) + end) > LONGEST:
            break
        text += f"; {item.title}"
        left -= 1
    end = more(left) + end
    text = cut(text.replace("…", DOTS), LONGEST - len(end), DOTS) + end
    return cut_bytes(text, limit, DOTS)


def sms_variables(told: Outline, notification: Notification, where: tzinfo) -> Mapping[str, str]:
    """alertname, severity, status, summary, count, bot, host, time: short, plain, never empty."""
    words = told.words
    first = (notification.firing or notification.resolved)[0]
    shown = notification.firing or notification.resolved
    at = local(first.ends_at or first.starts_at, where)
    host = first.labels.get("instance", "") or first.labels.get("host", "")
    variables = {
        "alertname": first.labels.get("alertname", ""),
        "severity": severity_word(told.severity, words),
        "status": words.firing if told.status == "firing" else words.resolved,
        "summary": told.items[0].title,
        "count": str(len(shown)),
        "bot": first.labels.get("bot", "") or bot_of(first.labels),
        "host": _host(host),
        "time": f"{at:%m-%d %H:%M}",
    }
    return {name: one_line(text, VARIABLE) or words.nothing for name, text in variables.items()}


def _host(instance: str) -> str:
    """The machine without its port; an IPv6 address stays whole."""
    host, colon, port = instance.rpartition(":")
    return host if colon and port.isdigit() and (":" not in host or host.endswith("]")) else instance
