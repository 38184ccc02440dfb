"""Phone numbers are brought into E.164, or refused without being repeated."""

from __future__ import annotations

import pytest

from hbalert.config.phone import mask_phone, parse_phone


@pytest.mark.parametrize(
    ("written", "number"),
    [
        pytest.param("13800138000", "+8613800138000", id="eleven digits of the mainland"),
        pytest.param("+8613800138000", "+8613800138000", id="E.164 stays as it is"),
        pytest.param("+86-138 0013 8000", "+8613800138000", id="dashes and blanks"),
        pytest.param("8613800138000", "+8613800138000", id="country code without a plus"),
        pytest.param("008613800138000", "+8613800138000", id="two zeros instead of the plus"),
        pytest.param("１３８００１３８０００", "+8613800138000", id="full-width digits"),
        pytest.param("+1 (500) 555-0006", "+15005550006", id="brackets"),
        pytest.param("+852 5123 4567", "+85251234567", id="Hong Kong"),
        pytest.param("+861440012345678", "+861440012345678", id="thirteen digits of a data card"),
    ],
)
def test_a_number_is_read_as_people_write_it(written: str, number: str) -> None:
    assert parse_phone(written) == number
    assert parse_phone(number) == number


@pytest.mark.parametrize(
    "written",
    ["", "ops", "5005550006", "1380013800", "+861380013800", "+", "+0123456789", "+1234567890123456", "12345",
     "+8613800138000,+8613900139000", "٠١٢٣٤٥٦٧٨٩", "13٠٠١٣٨٠٠٠٠"],
)  # fmt: skip
def test_what_is_no_number_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="country code") as raised:
        parse_phone(written)
    assert not written or written not in str(raised.value).replace("+8613800138000", "")


def test_a_masked_number_hides_four_digits() -> None:
    assert mask_phone("+8613800138000") == "138****8000"
    assert mask_phone("+85251234567") == "+852****4567"
    assert mask_phone("+1234567") == "****67"
