"""The log channel: one event per notification, that nothing in an alert can break."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from hbalert import log
from hbalert.channels.log import LogChannel
from hbalert.config.channels.log import LogSettings
from hbalert.ports import Channel
from tests.channels.wire import message, send

FORGED = "down\n2026-01-02T03:04:05+00:00 error   hbalert.daemon: store_damaged\r\x1b[2K\u2028<3>boom\x00"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    yield io.StringIO()
    structlog.reset_defaults()


def opened() -> LogChannel:
    return LogChannel(LogSettings(type="log", name="ops_log"))


def test_it_is_a_channel_as_the_loops_know_it() -> None:
    channel: Channel = opened()
    assert (channel.style, channel.pace) == ("text", None)


async def test_a_message_is_one_event_with_subject_status_and_text(stream: io.StringIO) -> None:
    log.configure("info", "json", stream=stream)
    receipt = await send(opened(), message("first line\nsecond line", resolved=True))
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp")
    assert event == {
        "level": "info",
        "logger": "hbalert.notification",
        "event": "notification",
        "notifier": "ops_log",
        "delivery": "delivery-1",
        "status": "resolved",
        "reason": "all alerts resolved",
        "subject": "[FIRING] HummingbotDown",
        "text": "first line\nsecond line",
    }
    assert receipt.answer == "written to the log"


@pytest.mark.parametrize("format", ["text", "json", "journal"])
async def test_a_label_value_cannot_forge_a_log_line(format: str, stream: io.StringIO) -> None:
    log.configure("info", format, stream=stream)
    await send(opened(), message(FORGED, subject=FORGED))
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1, "nothing else that Python or a terminal takes for a line end"
    assert "\x1b" not in written
    assert "\x00" not in written


async def test_closing_twice_is_no_mistake() -> None:
    channel = opened()
    await channel.close()
    await channel.close()
