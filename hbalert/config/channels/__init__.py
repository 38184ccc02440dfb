"""What a notifier file may say: one module per kind of channel, imported with the first file of that kind.

Knows the keys of every notifier and which kinds there are. Must not know how a channel speaks
(`hbalert.channels`), nor how a file becomes a notifier (`notifier_files.py`).
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Literal

from pydantic import Field, PrivateAttr

from hbalert.config.table import Settings
from hbalert.config.values import Duration, File, TimeZone, Whole


class NotifierSettings(Settings):
    """Keys of every notifier file, whatever its type. `name` is the file's stem.

    daily_quota, monthly_quota  messages that its gateway takes in a day or a month of `timezone`; 0: not
                                known. Nothing is held back for it: an alert says that its end is near
    """

    _file: str = PrivateAttr("")

    type: str
    name: str = ""
    enabled: bool = True
    language: Literal["en", "zh"] = "en"
    timezone: TimeZone = "UTC"
    send_resolved: bool = True
    fallback: tuple[str, ...] = ()
    template: File | None = None
    timeout: Duration = timedelta(seconds=15)
    give_up_after: Duration = timedelta(days=3)
    daily_quota: Whole = Field(default=0, ge=0)
    monthly_quota: Whole = Field(default=0, ge=0)

    @property
    def file(self) -> str:
        """Its file, as findings show it."""
        return self._file


NOTIFIERS = {
    "log": "hbalert.config.channels.log:LogSettings",
    "email": "hbalert.config.channels.email:EmailSettings",
    "dingtalk": "hbalert.config.channels.dingtalk:DingTalkSettings",
    "sms": "hbalert.config.channels.sms:SmsSettings",
    "webhook": "hbalert.config.channels.webhook:WebhookSettings",
}
"""What a notifier file may say as its `type` -> what else it may say."""


def settings_type(kind: str) -> type[NotifierSettings]:
    """The settings of notifiers of this kind. Raises KeyError for a kind that does not exist."""
    module, _, name = NOTIFIERS[kind].partition(":")
    found: type[NotifierSettings] = getattr(import_module(module), name)
    return found
