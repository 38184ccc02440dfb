"""Every SMS gateway on loopback, by one name. Each has a module of its own."""

from __future__ import annotations

from hbalert.demo.gateways.alibaba_sms import AlibabaSmsGateway
from hbalert.demo.gateways.phones import TextMessage
from hbalert.demo.gateways.plain_sms import PlainRequest, PlainSmsGateway
from hbalert.demo.gateways.tencent_sms import TencentSmsGateway
from hbalert.demo.gateways.twilio_sms import TwilioSmsGateway

__all__ = [
    "AlibabaSmsGateway",
    "PlainRequest",
    "PlainSmsGateway",
    "TencentSmsGateway",
    "TextMessage",
    "TwilioSmsGateway",
]
