"""What one channel says of a delivery: the notifier's language, time zone and template, applied.

Knows which settings shape a message. Must not know how a text is made (`render`) or carried.
"""

from __future__ import annotations

from datetime import datetime

from hbalert.config.types import NotifierSettings
from hbalert.core.delivery import Delivery
from hbalert.ports import Channel, Message
from hbalert.render import render


def speak(delivery: Delivery, channel: Channel, settings: NotifierSettings, now: datetime) -> Message:
    """The message for one attempt. Raises OSError when a template file cannot be read."""
    template = settings.template.read_text("utf-8") if settings.template else None
    return render(
        delivery.notification,
        style=channel.style,
        max_bytes=channel.max_bytes,
        language=settings.language,
        timezone=settings.timezone,
        now=now,
        template=template,
    )
