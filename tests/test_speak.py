"""What a channel is handed for one attempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from hbalert.channels.log import LogChannel
from hbalert.channels.webhook import WebhookChannel
from hbalert.config.channels.log import LogSettings
from hbalert.config.channels.webhook import WebhookSettings
from hbalert.config.secret import Secret
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.ports import Message
from hbalert.speak import speak
from tests.channels.wire import NOW, message

NOTIFICATION = message().notification
DELIVERY = Delivery("d1", 1, "g1", "ops", NOTIFICATION, DeliveryState.SENDING, NOW, NOW)


def test_a_channel_that_sends_data_is_handed_the_notification_alone() -> None:
    settings = WebhookSettings(type="webhook", name="ops", url=Secret("http://127.0.0.1:9/"))
    assert speak(DELIVERY, WebhookChannel(settings), settings, NOW) == Message("", "", NOTIFICATION)


@pytest.mark.parametrize("is_there", [True, False], ids=["own text", "a file that is gone: built-in text"])
def test_a_channel_that_speaks_to_people_is_handed_words(tmp_path: Path, is_there: bool) -> None:
    template = tmp_path / "own.txt"
    if is_there:
        template.write_text("own words", "utf-8")
    settings = LogSettings(type="log", name="ops", template=template)
    said = speak(DELIVERY, LogChannel(settings), settings, NOW)
    assert said.subject == "[FIRING:1] HummingbotDown bot=bot_a (critical)"
    assert said.text == "own words" if is_there else said.text.startswith("bot_a is down")
