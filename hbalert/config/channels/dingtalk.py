"""The keys of a DingTalk notifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hbalert.config.channels import NotifierSettings
from hbalert.config.values import SecretText, SecretUrl, Whole


class DingTalkSettings(NotifierSettings):
    """A DingTalk group robot (custom robot webhook)."""

    type: Literal["dingtalk"]
    webhook_url: SecretUrl
    secret: SecretText | None = None
    at_mobiles: tuple[str, ...] = ()
    at_user_ids: tuple[str, ...] = ()
    at_all: bool = False
    keyword: str = ""
    per_minute: Whole = Field(default=18, ge=1, le=20)
