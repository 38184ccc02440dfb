"""What one channel says of a delivery: the notifier's language, time zone and template, applied.

Knows which settings shape a message. Must not know how a text is made (`render`) or carried.
"""

from __future__ import annotations

from datetime import datetime

import structlog

from hbalert.config.types import NotifierSettings
from hbalert.core.delivery import Delivery
from hbalert.ports import Channel, Message

log = structlog.get_logger("hbalert.speak")


def speak(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: datetime) -> Message:
    """The message for one attempt. A template file that cannot be read never costs the message: the
    built-in text goes out."""
    from hbalert.render import render  # with the first message: it is not needed to be ready

    template = None
    if settings.template is not None:
        try:
            template = settings.template.read_text("utf-8")
        except (OSError, ValueError) as error:
            log.error("template_not_read", notifier=settings.name, error=str(error))
    return render(
        delivery.notification,
        style=channel.style,
        max_bytes=channel.max_bytes,
        language=settings.language,
        timezone=settings.timezone,
        now=now,
        template=template,
    )
