"""From a notification to a message: words, order, lengths, markup.

    words, times, clean   languages; zones and durations; what others wrote made harmless
    spoken                the reader's language and clock, the worst first
    outline               what there is to say
    text, markdown, sms, mail   the same in each style
    own, html, parts      an operator's templates in place of the parts of a message

Knows templates and how long a text may be (told by the channel). Must not know transport or secrets.
Never fails: whatever a notification holds, there is a message. What takes Jinja2, mail and an operator's
templates, is imported with the first that needs it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.ports import Message
from hbalert.render.clean import cut, cut_bytes, size
from hbalert.render.html import with_notes
from hbalert.render.markdown import markdown_subject, markdown_text
from hbalert.render.outline import Outline, outline
from hbalert.render.parts import OwnTexts, Parts
from hbalert.render.sms import LONGEST as SMS_LONGEST
from hbalert.render.sms import sms_text, sms_variables
from hbalert.render.spoken import spoken
from hbalert.render.text import LONGEST, plain_text
from hbalert.render.times import zone
from hbalert.render.words import words

__all__ = ["OwnTexts", "check_template", "render"]

_NONE = OwnTexts()


def render(
    notification: Notification,
    *,
    style: str,
    max_bytes: int,
    language: str,
    timezone: str,
    now: datetime,
    own: OwnTexts = _NONE,
) -> Message:
    """A notification as one channel will say it.

    style      "mail", "markdown", "sms" or "text"; any other is told as "text"
    max_bytes  longest text, in UTF-8 bytes; 0 for no limit
    now        judges how long an alert has been firing and whether the message is late
    own        an operator's templates; where one fails, the built-in text and a line that says why
    """
    where, catalogue = zone(timezone), words(language)
    thread = sha256(notification.group_id.encode("utf-8", "replace")).hexdigest()[:16]
    urgent = any(alert.labels.get("severity") == "critical" for alert in notification.firing)
    whole, notification = notification, spoken(notification, language, where)
    told = outline(notification, catalogue, where, now)
    parts = Parts(notification, told, where, now)
    body = parts.make("", own.body, style)
    subject = parts.make("subject", own.subject, "line")
    page = parts.make("html", own.html, "html") if style == "mail" else ""
    headers = {name: parts.make(name, text, "line", empty=True) for name, text in own.headers.items()}
    if parts.failures:
        told = outline(notification, catalogue, where, now, failure="; ".join(parts.failures))
    if style == "mail":
        from hbalert.render.mail import mail_html

        page = with_notes(page, told.notes) if page else mail_html(told, body)
    return Message(
        subject=subject or (markdown_subject(told) if style == "markdown" else told.subject),
        text=_text(told, notification, style, max_bytes, now, body),
        notification=whole,
        html=page,
        variables=sms_variables(told, notification, where) if style == "sms" else {},
        thread=thread,
        urgent=urgent,
        headers={name: text for name, text in headers.items() if text},
    )


def _text(told: Outline, notification: Notification, style: str, limit: int, now: datetime, body: str) -> str:
    if body:
        notes = "".join(f"\n\n{note}" for note in told.notes)
        limit = min(limit or LONGEST, LONGEST)
        body = cut(body, SMS_LONGEST) if style == "sms" else cut_bytes(body, max(1, limit - size(notes)))
        return cut_bytes(body + notes, limit)
    if style == "markdown":
        return markdown_text(told, limit)
    if style == "sms":
        return sms_text(told, notification, now, limit)
    return plain_text(told, limit)


def check_template(template: str, style: str, *, empty: bool = False) -> list[str]:
    """What is wrong with an operator's template, found by trying it; empty when nothing is.

    style  as of a channel; "html" for a page, "line" for a subject or a header
    empty  it may come out empty

    It is tried on one firing and one resolved alert, whose labels and annotations are the usual ones.
    """
    from hbalert.render.own import own_text

    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    labels = Labels({"alertname": "HummingbotDown", "bot": "alpha", "severity": "critical"})
    annotations = {
        "summary": "alpha is down",
        "description": "No metrics.",
        "runbook_url": "https://example.com",
    }
    alerts = (
        NotifiedAlert(labels, annotations, now - timedelta(minutes=12)),
        NotifiedAlert(labels.with_({"bot": "beta"}), annotations, now - timedelta(minutes=12), now),
    )
    group = Labels({"alertname": "HummingbotDown"})
    sample = Notification(
        "oncall", "sample", "{}", group, alerts, Reason.FIRST, now, now, "https://example.com"
    )
    try:
        told = outline(sample, words("en"), UTC, now)
        text = own_text(template, style, sample, told, UTC, now)
    except ValueError as error:
        return [str(error)]
    return [] if text or empty else ["it makes an empty text"]
