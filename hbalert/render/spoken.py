"""A notification as its reader should hear it: his language, his clock, the worst first.

Knows which annotations are translations of others, what times in hbalert's own texts look like, and which
severity is graver. Must not know what a message makes of it. Next: `outline.py`.

`summary_zh` is what a Chinese reader is told in the place of `summary`; any annotation may have such
siblings, one for each language there are words for. A text without one is told as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo

from hbalert.core.notification import Notification, NotifiedAlert
from hbalert.core.trouble import OURS, SOURCE
from hbalert.render.times import spell_moment
from hbalert.render.words import CATALOGUES

_RANKS = ("info", "notice", "warning", "error", "high", "critical", "page", "emergency")
_SUFFIXES = tuple(f"_{language}" for language in CATALOGUES)
_MOMENT = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def spoken(said: Notification, language: str, where: tzinfo) -> Notification:
    """The same notification in a language and a zone, the gravest alerts first.

    Among equals the order stays: that of Alertmanager (`message_order`).
    """
    alerts = sorted(said.alerts, key=lambda alert: -rank(alert.labels.get("severity", "")))
    told = tuple(_spoken(alert, language, where) for alert in alerts)
    return said if told == said.alerts else replace(said, alerts=told)


def rank(severity: str) -> int:
    """How grave a severity is: more is graver; 0 for one that is in no list.

    >>> rank("critical") > rank("warning") > rank("info") > rank("mine")
    True
    """
    grade = severity.lower()
    return _RANKS.index(grade) + 1 if grade in _RANKS else 0


def _spoken(alert: NotifiedAlert, language: str, where: tzinfo) -> NotifiedAlert:
    texts = alert.annotations
    if any(name.endswith(_SUFFIXES) for name in texts):
        texts = _in_language(texts, language)
    if alert.labels.get(SOURCE) == OURS:
        texts = {name: _on_clock(text, where) for name, text in texts.items()}
    return alert if texts is alert.annotations else replace(alert, annotations=texts)


def _in_language(texts: Mapping[str, str], language: str) -> dict[str, str]:
    told = {}
    for name, text in texts.items():
        base, _, tongue = name.rpartition("_")
        if tongue in CATALOGUES and (base in texts or f"{base}_{language}" in texts):
            continue  # a translation: told in the place of what it translates, or to somebody else
        told[name] = texts.get(f"{name}_{language}") or text
    for name, text in texts.items():
        if name.endswith(f"_{language}"):
            told.setdefault(name.removesuffix(f"_{language}"), text)
    return told


def _on_clock(text: str, where: tzinfo) -> str:
    return _MOMENT.sub(lambda found: _moment(found[0], where), text)


def _moment(text: str, where: tzinfo) -> str:
    try:
        return spell_moment(datetime.fromisoformat(text), where)
    except ValueError:  # the 31st of February, in a text that only looks like ours
        return text
