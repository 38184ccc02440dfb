"""The keys of a log notifier."""

from __future__ import annotations

from typing import Literal

from hbalert.config.channels import NotifierSettings


class LogSettings(NotifierSettings):
    """Writes messages to the daemon's log: to see that routing works before any secret exists."""

    type: Literal["log"]
