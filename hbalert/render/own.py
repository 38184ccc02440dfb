"""An operator's own templates for the parts of a message, in Jinja2.

Knows which names such a template has and how each style protects what others wrote. Must not know
what the built-in texts say. `render` falls back on those when a template fails: a mistake in a
template never loses a message.

    status, receiver, reason, subject, external_url, notification_reason (in Alertmanager's words)
    alerts, firing, resolved     lists of: status, severity, title, labels, annotations, starts_at,
                                 ends_at, start, end, duration, generator_url, fingerprint
    group_labels, common_labels, common_annotations, route_labels
    now

`starts_at` and `ends_at` are texts in the notifier's zone; `start`, `end` and `now` are times for
`date` and `tz`, in UTC. Every function and filter of a rule's text is there too, and Alertmanager's. What
`{{ }}` shows is made harmless for the style: in markdown nothing of a label mentions, links or quotes.
docs/templates.md tells operators. Next: `parts.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any

from hbalert.core.notification import Notification, NotifiedAlert
from hbalert.render.clean import clean, harmless, markdown, one_line, safe_url
from hbalert.render.html import HTML_FILTERS, HTML_FUNCTIONS, escape
from hbalert.render.markup import Markup
from hbalert.render.outline import MOST_ALERTS, Outline, title_of
from hbalert.render.times import spell_duration, spell_moment
from hbalert.render.words import Words
from hbalert.templating.gofmt import show
from hbalert.templating.gotime import ZERO, Moment
from hbalert.templating.messages import MESSAGE_FILTERS, MESSAGE_FUNCTIONS
from hbalert.templating.sandbox import Names, Program, Sandbox, View

VARIABLES = (
    "status", "receiver", "reason", "notification_reason", "subject", "external_url", "alerts", "firing",
    "resolved", "group_labels", "common_labels", "common_annotations", "route_labels", "now",
)  # fmt: skip


class AlertView(View):
    """One alert, as a template sees it."""

    __slots__ = (
        "annotations", "duration", "end", "ends_at", "fingerprint", "generator_url", "labels", "severity",
        "start", "starts_at", "status", "title",
    )  # fmt: skip

    def __init__(self, alert: NotifiedAlert, words: Words, where: tzinfo, now: datetime) -> None:
        self.status = alert.status
        self.severity = alert.labels.get("severity", "")
        self.title = title_of(alert)
        self.labels = Names(alert.labels)
        self.annotations = Names(alert.annotations)
        self.starts_at = spell_moment(alert.starts_at, where)
        self.ends_at = spell_moment(alert.ends_at, where) if alert.ends_at else ""
        self.start = _moment(alert.starts_at, where)
        self.end = _moment(alert.ends_at or ZERO, where)
        self.duration = spell_duration((alert.ends_at or now) - alert.starts_at, words)
        self.generator_url = alert.generator_url
        self.fingerprint = alert.fingerprint


def _moment(at: datetime, where: tzinfo) -> Moment:
    return Moment(at.astimezone(UTC), where)


def own_text(
    template: str,
    style: str,
    notification: Notification,
    told: Outline,
    where: tzinfo,
    now: datetime,
    *,
    most: int = MOST_ALERTS,
) -> str:
    """What the template makes of a notification; maybe nothing. Raises ValueError, fit to show.

    style  as of a channel; "html" for a page, "line" for a subject or a header
    most   alerts that it sees; of more, those that fire come first
    """
    program = _compile(template, style if style in _FINISH else "text")
    views = {id(alert): AlertView(alert, told.words, where, now) for alert in _told(notification, most)}
    alerts = [views[id(alert)] for alert in notification.alerts if id(alert) in views]
    variables: dict[str, Any] = {
        "status": notification.status,
        "receiver": notification.receiver,
        "reason": told.why,
        "notification_reason": notification.reason.value,
        "subject": told.subject,
        "external_url": told.console,
        "alerts": alerts,
        "firing": [alert for alert in alerts if alert.status == "firing"],
        "resolved": [alert for alert in alerts if alert.status != "firing"],
        "group_labels": Names(notification.group_labels),
        "common_labels": Names(notification.common_labels),
        "common_annotations": Names(notification.common_annotations),
        "route_labels": Names(notification.route_labels),
        "now": _moment(now, where),
    }
    text = program.run(variables)
    return one_line(text) if style == "line" else clean(text)


def _told(notification: Notification, most: int) -> Sequence[NotifiedAlert]:
    """The alerts that a template sees: those that fire before those that have resolved."""
    if len(notification.alerts) <= most:
        return notification.alerts
    return (notification.firing + notification.resolved)[:most]


@lru_cache(maxsize=256)
def _compile(template: str, style: str) -> Program:
    return _sandbox(style).program(template, VARIABLES)


@lru_cache(maxsize=8)
def _sandbox(style: str) -> Sandbox:
    filters = {**MESSAGE_FILTERS, "link": _link if style == "markdown" else _plain}
    functions = dict(MESSAGE_FUNCTIONS)
    if style == "html":
        filters |= HTML_FILTERS
        functions |= HTML_FUNCTIONS
    return Sandbox(finish=_FINISH[style], filters=filters, go=functions)


def _link(url: Any, text: Any = "") -> str:
    """`{{ url|link("Runbook") }}`: a link where the address is one that may be followed."""
    address, words = safe_url(show(url)), markdown(show(text))
    return Markup(f"[{words or address}]({address})") if address else words


def _plain(url: Any, text: Any = "") -> str:
    address, words = safe_url(show(url)), one_line(show(text))
    return " ".join(part for part in (words, address) if part)


def _unless_markup(finish: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: str(value) if isinstance(value, Markup) else finish(show(value))


_FINISH: dict[str, Callable[[Any], str]] = {
    "markdown": _unless_markup(markdown),
    "html": _unless_markup(escape),
    "sms": lambda value: one_line(show(value)),
    "text": lambda value: harmless(show(value)),
    "line": lambda value: harmless(show(value)).replace("\n", " "),
}
"""Style -> how a value becomes a part of the text. The text of a mail is plain text."""
