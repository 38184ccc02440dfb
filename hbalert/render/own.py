"""An operator's own template for the body of a message, in Jinja2.

Knows which names such a template has and how each style protects what others wrote. Must not know
what the built-in texts say. `render` falls back on those when a template fails: a mistake in a
template never loses a message.

    status, receiver, reason, subject, external_url
    alerts, firing, resolved     lists of: status, severity, title, labels, annotations, starts_at,
                                 ends_at, duration, generator_url, fingerprint
    group_labels, common_labels, common_annotations

Times are texts in the notifier's zone. Every function and filter of a rule's text is there too. What
`{{ }}` shows is made harmless for the style: in markdown nothing of a label mentions, links or quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from hbalert.core.notification import Notification, NotifiedAlert
from hbalert.render.clean import clean, markdown, one_line, safe_url
from hbalert.render.outline import MOST_ALERTS, Outline, title_of
from hbalert.render.times import spell_duration, spell_moment
from hbalert.render.words import Words
from hbalert.templating.gofmt import show
from hbalert.templating.sandbox import Names, Program, Sandbox, View

VARIABLES = (
    "status", "receiver", "reason", "subject", "external_url", "alerts", "firing", "resolved", "group_labels",
    "common_labels", "common_annotations",
)  # fmt: skip


class _Harmless(str):
    """A text that is markup on purpose: made by a filter of ours."""

    __slots__ = ()


class AlertView(View):
    """One alert, as a template sees it."""

    __slots__ = (
        "annotations", "duration", "ends_at", "fingerprint", "generator_url", "labels", "severity",
        "starts_at", "status", "title",
    )  # fmt: skip

    def __init__(self, alert: NotifiedAlert, words: Words, where: tzinfo, now: datetime) -> None:
        self.status = alert.status
        self.severity = alert.labels.get("severity", "")
        self.title = title_of(alert)
        self.labels = Names(alert.labels)
        self.annotations = Names(alert.annotations)
        self.starts_at = spell_moment(alert.starts_at, where)
        self.ends_at = spell_moment(alert.ends_at, where) if alert.ends_at else ""
        self.duration = spell_duration((alert.ends_at or now) - alert.starts_at, words)
        self.generator_url = alert.generator_url
        self.fingerprint = alert.fingerprint


def own_text(
    template: str, style: str, notification: Notification, told: Outline, where: tzinfo, now: datetime
) -> str:
    """What the template makes of a notification. Raises ValueError, fit to show."""
    program = _compile(template, style if style in _FINISH else "text")

    def views(alerts: Sequence[NotifiedAlert]) -> list[AlertView]:
        return [AlertView(alert, told.words, where, now) for alert in alerts[:MOST_ALERTS]]

    firing, resolved = views(notification.firing), views(notification.resolved)
    variables: dict[str, Any] = {
        "status": notification.status,
        "receiver": notification.receiver,
        "reason": told.why,
        "subject": told.subject,
        "external_url": told.console,
        "alerts": firing + resolved,
        "firing": firing,
        "resolved": resolved,
        "group_labels": Names(notification.group_labels),
        "common_labels": Names(notification.common_labels),
        "common_annotations": Names(notification.common_annotations),
    }
    text = clean(program.run(variables))
    if not text:
        raise ValueError("it makes an empty text")
    return text


@lru_cache(maxsize=256)
def _compile(template: str, style: str) -> Program:
    return _sandbox(style).program(template, VARIABLES)


@lru_cache(maxsize=8)
def _sandbox(style: str) -> Sandbox:
    return Sandbox(
        finish=_FINISH[style], filters={"link": _link} if style == "markdown" else {"link": _plain}
    )


def _link(url: Any, text: Any = "") -> str:
    """`{{ url|link("Runbook") }}`: a link where the address is one that may be followed."""
    address, words = safe_url(show(url)), markdown(show(text))
    return _Harmless(f"[{words or address}]({address})") if address else words


def _plain(url: Any, text: Any = "") -> str:
    address, words = safe_url(show(url)), one_line(show(text))
    return " ".join(part for part in (words, address) if part)


def _finish_markdown(value: Any) -> str:
    return str(value) if isinstance(value, _Harmless) else markdown(show(value))


_FINISH: dict[str, Callable[[Any], str]] = {
    "markdown": _finish_markdown,
    "sms": lambda value: one_line(show(value)),
    "text": lambda value: clean(show(value)),
}
"""Style -> how a value becomes a part of the text. Mail is plain text here; its HTML is escaped."""
