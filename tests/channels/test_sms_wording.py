"""What templates are filled with: names, lengths, and what carriers refuse."""

from __future__ import annotations

import pytest

from hbalert.channels.sms.wording import clean, fill, values_of
from tests.channels.wire import message


def test_a_template_takes_the_names_of_the_message() -> None:
    values = values_of(message("text", subject="subject", variables={"alertname": "Down", "bot": "bot_a"}))
    assert fill("{alertname}/{bot}/{subject}/{text}/{nothing}!", values) == "Down/bot_a/subject/text/!"


def test_a_value_cannot_name_another() -> None:
    assert fill("{a}", {"a": "{b}", "b": "secret"}) == "{b}"


def test_braces_that_name_nothing_stay() -> None:
    assert fill("{} {a b} {0} }{", {"a": "x"}) == "{} {a b} {0} }{"


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        pytest.param("机器人 bot_a 停止", "机器人 bot_a 停止", id="Chinese passes"),
        pytest.param("见 https://alerts.example.com/a?b=c 谢谢", "见 谢谢", id="a link is taken out"),
        pytest.param("www.example.com down", "down", id="a link without a scheme"),
        pytest.param("db1.example.com", "db1-example-com", id="a host loses its dots"),
        pytest.param("10.0.0.7:9100", "10-0-0-7:9100", id="an address loses its dots"),
        pytest.param("latency 0.95 > 0.5s", "latency 0.95 > 0.5s", id="decimals keep theirs"),
        pytest.param("it is 0.5.", "it is 0.5.", id="a decimal at the end of a sentence"),
        pytest.param("down. a.b", "down. a-b", id="the dot of a sentence stays"),
        pytest.param("-3.5%", "-3.5%", id="a negative decimal"),
        pytest.param("🔥 fire 👨‍👩‍👧", "fire", id="emoji are taken out"),
        pytest.param("【监控】★告警※", "监控告警", id="brackets and symbols are taken out"),
        pytest.param("a ≥ b & c → d", "a >= b + c -> d", id="symbols with an equal are spelt out"),
        pytest.param("m² ①", "m", id="numbers in circles are taken out"),
        pytest.param("a\r\nb\tc\x00d", "a b cd", id="one line"),
        pytest.param("\ud800", "-", id="half a character"),
        pytest.param("", "-", id="an empty value is refused, so it is not empty"),
        pytest.param("🔥", "-", id="nothing left"),
        pytest.param("x" * 40, "x" * 35, id="cut"),
    ],
)
def test_a_value_is_what_a_carrier_lets_pass(value: str, cleaned: str) -> None:
    assert clean(value, 35) == cleaned


def test_cleaning_hostile_text_takes_no_time() -> None:
    for hostile in ("a." * 50_000, "w" * 100_000, "http" * 30_000, "-" * 100_000 + ".", "1." * 50_000):
        assert len(clean(hostile, 35)) <= 35
