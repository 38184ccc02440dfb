"""What is read off the daemon's log, its API and the gateways' messages.

Knows how to follow a log that is being written, and which words make a message a resolve. Must not
know what becomes of it (`play.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hbalert.demo import stage
from hbalert.demo.gateways.dingtalk import GroupMessage
from hbalert.demo.gateways.phones import TextMessage
from hbalert.demo.gateways.smtp import ReceivedMail


class Lines:
    """The lines of a log that is still being written, each an object; others are passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def new(self) -> list[dict[str, Any]]:
        """What was finished since the last call."""
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._read += len(text)
        found = []
        for line in text.splitlines():
            with suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict):
                    found.append(value)
        return found


def about(row: Mapping[str, Any]) -> str:
    """An alert in one line."""
    labels = row["labels"]
    summary = row["annotations"].get("summary", "")
    return f"{labels.get('alertname', '?')} ({labels.get('severity', '?')}): {summary}"


def of_itself(row: Mapping[str, Any]) -> bool:
    """Whether hbalert tells of itself by this alert (docs/own-alerts.md), not of a bot."""
    return bool(row["labels"].get("source") == "hbalert")


def read_dingtalk(message: GroupMessage) -> tuple[bool, str]:
    """Whether it tells an end, and what the phone shows. So do the two below."""
    return message.title.startswith("[恢复]"), message.title


def read_sms(message: TextMessage) -> tuple[bool, str]:
    return message.template == stage.SMS_RESOLVED, f"{message.number} {message.text}"


def read_mail(mail: ReceivedMail) -> tuple[bool, str]:
    subject = str(mail.headers["Subject"])
    return subject.startswith("[RESOLVED]"), subject
