"""Caps: what is kept out, and what the sender is told."""

import pytest

from hbalert.core.cap import Cap, Over, over


@pytest.mark.parametrize(
    ("cap", "total", "of_name", "expected"),
    [
        pytest.param(Cap(), 10**9, 10**9, None, id="no cap"),
        pytest.param(Cap(10, 5), 9, 4, None, id="one below both"),
        pytest.param(Cap(10, 5), 9, 5, Over("Down", 5), id="too many of that name"),
        pytest.param(Cap(10, 5), 10, 4, Over(None, 10), id="too many in all"),
        pytest.param(Cap(0, 5), 999, 4, None, id="only names are capped"),
        pytest.param(Cap(10, 0), 9, 9, None, id="only the whole is capped"),
    ],
)
def test_one_more_alert(cap: Cap, total: int, of_name: int, expected: Over | None) -> None:
    assert over(cap, "Down", total=total, of_name=of_name) == expected


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (Over("Down", 5), "of alertname 'Down' already, the limit (alerts.limit_per_alertname)"),
        (Over("", 5), "of alertname '' already, the limit (alerts.limit_per_alertname)"),
        (Over(None, 9), "there are 9 alerts already, the limit (alerts.limit)"),
    ],
)
def test_the_text_names_the_setting(why: Over, text: str) -> None:
    assert text in str(why)
