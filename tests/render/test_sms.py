"""Short messages: what fits on a locked phone, and the variables of approved templates."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.render.samples import NOW, alert, notification, say


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            notification(),
            "[FIRING:1] alpha: no metrics for 5 minutes (critical) since 03:04, 12 min",
            id="one",
        ),
        pytest.param(
            notification(alert(ended=NOW)),
            "[RESOLVED] alpha: no metrics for 5 minutes (critical) resolved 03:16 after 12 min",
            id="resolved",
        ),
        pytest.param(
            notification(alert("a"), alert("b"), alert("c", ended=NOW)),
            "[FIRING:2] a: no metrics for 5 minutes (critical) since 03:04, 12 min; b: no metrics for"
            " 5 minutes, 1 resolved",
            id="what is over is not listed as if it fired",
        ),
        pytest.param(
            notification(*(alert(f"b{i}") for i in range(9))),
            "[FIRING:9] b0: no metrics for 5 minutes (critical) since 03:04, 12 min; b1: no metrics for"
            " 5 minutes; b2: no metrics for 5 minutes +6 more",
            id="many",
        ),
        pytest.param(
            notification(first_decided_at=NOW - timedelta(minutes=42)),
            "[FIRING:1] alpha: no metrics for 5 minutes (critical) since 03:04, 12 min (42 min late)",
            id="late",
        ),
    ],
)
def test_a_short_message_is(value: object, text: str) -> None:
    assert say(value, "sms").text == text  # type: ignore[arg-type]


def test_an_english_text_stays_in_the_cheap_alphabet() -> None:
    """The one-character ellipsis would make every character cost twice as much."""
    text = say(notification(alert(annotations={"summary": "long " * 200})), "sms").text
    assert text.isascii()
    assert text.endswith("...")
    assert len(text) <= 300


@pytest.mark.parametrize("limit", [1, 7, 70, 140, 299])
def test_a_gateway_with_a_limit_in_bytes_is_heard(limit: int) -> None:
    value = notification(*(alert(f"机器人{i}") for i in range(9)))
    text = say(value, "sms", "zh", max_bytes=limit).text
    assert 0 < len(text.encode()) <= limit


def test_the_variables_are_plain_short_and_in_the_readers_language() -> None:
    value = notification(alert(instance="10.0.0.5:9091"), alert("beta", ended=NOW))
    assert dict(say(value, "sms", "zh").variables) == {
        "alertname": "HummingbotDown",
        "severity": "严重",
        "status": "告警",
        "summary": "alpha: no metrics for 5 minutes",
        "count": "1",
        "bot": "alpha",
        "host": "10.0.0.5",
        "time": "01-02 03:04",
    }


def test_no_variable_is_empty_long_or_has_a_line_break() -> None:
    """A gateway refuses the whole message for one empty variable."""
    bad = alert("a\nb" * 100, annotations={"summary": "x\r\n" * 500}, alertname="", severity="", job="")
    for value in (notification(bad), notification(alert(annotations={}, alertname="", severity="", bot=""))):
        variables = say(value, "sms").variables
        assert all(0 < len(text) <= 60 and "\n" not in text for text in variables.values())
        assert variables["severity"] == "-"


@pytest.mark.parametrize(
    ("instance", "host"),
    [("web-1:9100", "web-1"), ("web-1", "web-1"), ("[::1]:9100", "[::1]"), ("fe80::1", "fe80::1"), ("", "-")],
)
def test_the_host_is_the_machine_without_its_port(instance: str, host: str) -> None:
    assert say(notification(alert(instance=instance)), "sms").variables["host"] == host
