"""What one channel says of a delivery: the notifier's language, time zone and templates, applied.

Knows which settings shape a message. Must not know how a text is made (`render`) or carried.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import structlog

from hbalert.config.channels import NotifierSettings
from hbalert.config.files import read_file
from hbalert.config.message_texts import MOST_BYTES
from hbalert.core.delivery import Delivery
from hbalert.ports import Channel, Message

if TYPE_CHECKING:
    from hbalert.config.channels.email import EmailSettings

log = structlog.get_logger("hbalert.speak")


def speak(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: datetime) -> Message:
    """The message for one attempt. A template file that cannot be read never costs the message: the
    built-in text goes out. A channel that sends data takes the notification as it is."""
    if channel.style == "data":
        return Message("", "", delivery.notification)
    from hbalert.render import OwnTexts, render  # with the first message: it is not needed to be ready

    mail = cast("EmailSettings", settings) if settings.type == "email" else None
    own = OwnTexts(
        body=_read(settings.template, settings),
        subject=(mail.subject or None) if mail else None,
        html=_read(mail.html, settings) if mail else None,
        headers=mail.headers if mail else {},
    )
    return render(
        delivery.notification,
        style=channel.style,
        max_bytes=channel.max_bytes,
        language=settings.language,
        timezone=settings.timezone,
        now=now,
        own=own,
    )


def _read(path: Path | None, settings: NotifierSettings) -> str | None:
    """The template in a file; None when there is none or it cannot be read."""
    if path is None:
        return None
    try:
        return read_file(path, MOST_BYTES).decode("utf-8")
    except (OSError, ValueError) as error:
        log.error("template_not_read", notifier=settings.name, error=str(error))
        return None
