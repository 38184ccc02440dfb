"""The numbers a message goes to, and the names under which errors and history know them.

Knows E.164 numbers and how gateways want them written. Must not know any gateway. A name is the
number with four digits hidden, so that nothing outside this package ever holds a full number.
"""

from __future__ import annotations

from collections.abc import Sequence

from hbalert.config.phone import mask_phone

MAINLAND = "+86"


def name_numbers(numbers: Sequence[str]) -> dict[str, str]:
    """Name -> E.164, in order, each number once.

    Two numbers that look alike when masked are told apart by their position: a recipient that
    accepted must not hide another that did not.

    >>> list(name_numbers(["+8613800138000", "+8613811118000", "+8613800138000"]))
    ['138****8000', '138****8000 (2)']
    """
    named: dict[str, str] = {}
    for number in dict.fromkeys(numbers):
        mask, name, count = mask_phone(number), mask_phone(number), 1
        while name in named:
            count += 1
            name = f"{mask} ({count})"
        named[name] = number
    return named


def is_mainland(number: str) -> bool:
    """Whether a carrier of mainland China serves the number: its texts go by approved templates."""
    return number.startswith(MAINLAND)


def bare(number: str) -> str:
    """The digits that remain where a country is understood: eleven in the mainland. Only to compare
    and to hide: +1 500 555 0006 and +86 150 0555 0006 are both 15005550006."""
    return number.removeprefix(MAINLAND).removeprefix("+")


def dialled(number: str) -> str:
    """As a gateway of the mainland takes it: eleven digits there, country code and digits elsewhere.

    A number of North America would pass for one of the mainland and reach a stranger; it is written
    with the two zeros of an international call.

    >>> dialled("+8613800138000"), dialled("+85251234567"), dialled("+15005550006")
    ('13800138000', '85251234567', '0015005550006')
    """
    digits = bare(number)
    foreign_twin = not is_mainland(number) and len(digits) == 11 and digits.startswith("1")
    return f"00{digits}" if foreign_twin else digits


def written(number: str, form: str) -> str:
    """The number in one of the spellings of HttpGateway.number_format.

    >>> [written("+8613800138000", form) for form in ("e164", "no_plus", "national", "zero_zero")]
    ['+8613800138000', '8613800138000', '13800138000', '008613800138000']
    """
    digits = number.removeprefix("+")
    national = bare(number) if is_mainland(number) else f"00{digits}"
    return {"no_plus": digits, "national": national, "zero_zero": f"00{digits}"}.get(form, number)


def spellings(number: str) -> tuple[str, ...]:
    """Every way in which an answer may repeat the number."""
    return (number, number[1:], bare(number))
