"""Numbers: names that hide them, and the spellings of gateways."""

from __future__ import annotations

import pytest

from hbalert.channels.sms.numbers import bare, dialled, is_mainland, name_numbers, spellings, written


def test_numbers_that_look_alike_when_masked_keep_names_of_their_own() -> None:
    """Else one that accepted would hide another that did not."""
    named = name_numbers(["+8613800138000", "+8613877778000", "+8613800138000", "+15005550006"])
    assert named == {
        "138****8000": "+8613800138000",
        "138****8000 (2)": "+8613877778000",
        "+150****0006": "+15005550006",
    }


@pytest.mark.parametrize(
    ("form", "mainland", "elsewhere"),
    [
        ("e164", "+8613800138000", "+15005550006"),
        ("no_plus", "8613800138000", "15005550006"),
        ("national", "13800138000", "0015005550006"),
        ("zero_zero", "008613800138000", "0015005550006"),
    ],
)
def test_a_number_is_written_as_the_gateway_wants_it(form: str, mainland: str, elsewhere: str) -> None:
    assert (written("+8613800138000", form), written("+15005550006", form)) == (mainland, elsewhere)


def test_every_spelling_of_a_number_is_known_to_whoever_hides_it() -> None:
    assert spellings("+8613800138000") == ("+8613800138000", "8613800138000", "13800138000")
    assert (bare("+15005550006"), is_mainland("+15005550006")) == ("15005550006", False)


def test_a_number_of_north_america_never_reaches_a_stranger_in_the_mainland() -> None:
    """+1 500 555 0006 without its plus is a mobile number of the mainland."""
    assert dialled("+15005550006") == "0015005550006"
    assert dialled("+8615005550006") == "15005550006"
