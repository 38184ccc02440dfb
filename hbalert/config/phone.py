"""Phone numbers as people write them: "138 0013 8000", "+86-13800138000", "0049 151 23456789".

Knows how to bring them into one form (E.164) and how to show one without giving it away. Must not
know who is called or by which gateway.
"""

from __future__ import annotations

import re
import unicodedata

_SPACING = re.compile(r"[\s().\-/]+")
_MAINLAND = re.compile(r"1[3-9][0-9]{9}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_REMEDY = "write it with its country code, for example +8613800138000"


def parse_phone(text: str) -> str:
    """The number in E.164: a plus sign, the country code, the rest, digits only.

    Eleven digits that begin like a mobile number of mainland China need no country code. Full-width
    digits, blanks, dashes, dots and brackets are taken as people type them. Raises ValueError; its
    text does not repeat the number.

    >>> parse_phone("138-0013-8000"), parse_phone("0044 7700 900123")
    ('+8613800138000', '+447700900123')
    """
    compact = _SPACING.sub("", unicodedata.normalize("NFKC", text))
    if _MAINLAND.fullmatch(compact):
        return "+86" + compact
    if compact.startswith("86") and _MAINLAND.fullmatch(compact[2:]):
        return "+" + compact
    if compact.startswith("00"):
        compact = "+" + compact[2:]
    if not _E164.fullmatch(compact):
        raise ValueError(f"this is not a phone number; {_REMEDY}")
    if compact.startswith("+861") and not _MAINLAND.fullmatch(compact[3:]) and len(compact) < 16:
        raise ValueError(f"a mobile number of mainland China has eleven digits after +86; {_REMEDY}")
    return compact


def mask_phone(number: str) -> str:
    """The number with four digits hidden, as history and errors show it.

    >>> mask_phone("+8613800138000"), mask_phone("+15005550006")
    ('138****8000', '+150****0006')
    """
    shown = number.removeprefix("+86")
    return f"{shown[:-8]}****{shown[-4:]}" if len(shown) > 8 else f"****{shown[-2:]}"
