"""What arrives on phones, whichever gateway brought it.

Knows a text message and what a mobile number of mainland China looks like. Must not know gateways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text message as its owner reads it, with what the gateway was told.

    number     with country code and plus sign
    text       what is read; for templates a line of "name=value"
    id         what the gateway calls it
    our_id     what the sender calls it, where the gateway takes that
    """

    at: datetime
    number: str
    text: str
    id: str
    our_id: str = ""
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)


def full(number: str) -> str:
    """The number with country code and plus sign."""
    found = MAINLAND.fullmatch(number)
    return f"+86{found[1]}" if found else f"+{number.removeprefix('+').removeprefix('00')}"
