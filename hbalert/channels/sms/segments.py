"""How many text messages a text is: GSM-7 and UCS-2.

Knows the alphabets, the lengths of a part, and where a text may be cut. Must not know gateways or
prices. Source: 3GPP TS 23.038 (alphabets), 23.040 (parts).
"""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[]~|€\f")
_LOOK_ALIKES = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "…": "...",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\t": " ", "`": "'", "•": "-", "·": "-", "→": "->",
        "≥": ">=", "≤": "<=", "×": "x", "°": " deg",
    }
)  # fmt: skip


def is_gsm(text: str) -> bool:
    """Whether every character is in GSM-7; one that is not doubles the price of the whole text."""
    return all(char in _BASIC or char in _EXTENDED for char in text)


def to_gsm(text: str) -> str:
    """The text with look-alikes in place of typographic characters, if that makes it GSM-7.

    >>> to_gsm("“up” – 3 ≥ 2…"), to_gsm("“上”")
    ('"up" - 3 >= 2...', '“上”')
    """
    plain = text.translate(_LOOK_ALIKES)
    return plain if is_gsm(plain) else text


def split(text: str) -> list[str]:
    """The parts in which the text travels; joined they are the text.

    A character that needs two units (the second alphabet of GSM-7, a surrogate pair) is never taken
    apart, so a part may hold one unit less than fits.
    """
    gsm = is_gsm(text)
    alone, in_parts = (160, 153) if gsm else (70, 67)
    widths = [(2 if char in _EXTENDED else 1) if gsm else (2 if ord(char) > 0xFFFF else 1) for char in text]
    if sum(widths) <= alone:
        return [text]
    parts, start, used = [], 0, 0
    for index, width in enumerate(widths):
        if used + width > in_parts:
            parts.append(text[start:index])
            start, used = index, 0
        used += width
    return [*parts, text[start:]]


def cut(text: str, limit: int) -> str:
    """The text, or as much of its beginning as makes `limit` parts, with dots at its end."""
    parts = split(text)
    if len(parts) <= limit:
        return text
    mark = "..." if is_gsm(text) else "…"
    kept = "".join(parts[:limit]) if limit > 1 else text[:160]  # a single message holds more than a part
    while kept and len(split(kept + mark)) > limit:
        kept = kept[:-1]
    return kept.rstrip() + mark
