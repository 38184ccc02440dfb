"""Channels: one module per kind of transport.

A channel knows one wire format, its limits and its error codes, and turns them into a Receipt or a
ChannelError. It must not know the store, routes, retry policy or other channels. The configured
destinations themselves are data: the files in `notifiers/`.

Adding one: its module, its settings in `hbalert.config.channels`, an entry in the table of each, its test.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hbalert.config.channels import NotifierSettings
    from hbalert.ports import Channel

CHANNELS = {
    "dingtalk": "hbalert.channels.dingtalk:DingTalkChannel",
    "email": "hbalert.channels.email:EmailChannel",
    "log": "hbalert.channels.log:LogChannel",
    "sms": "hbalert.channels.sms:SmsChannel",
    "webhook": "hbalert.channels.webhook:WebhookChannel",
}
"""Kind -> class; imported when the first notifier of the kind is opened."""


def open_channel(settings: NotifierSettings) -> Channel:
    """The channel that a notifier file describes. Raises KeyError for a kind that does not exist."""
    module, _, name = CHANNELS[settings.type].partition(":")
    channel: Channel = getattr(import_module(module), name)(settings)
    return channel
