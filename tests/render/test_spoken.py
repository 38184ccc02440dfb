"""A message is in its reader's language and on his clock, and the worst comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hbalert.core.notification import Notification
from hbalert.core.trouble import Trouble
from hbalert.render import OwnTexts
from hbalert.render.spoken import rank, spoken
from hbalert.render.times import zone
from hbalert.units.troubles import words
from tests.render.samples import alert, notification, say

BOTH = {"summary": "alpha is down", "summary_zh": "alpha 已停止", "runbook_url": "https://example.com/x"}
QUEUE = Trouble(
    "HbalertQueueOld",
    "warning",
    {"notifier": "ops_sms", "number": "3", "since": "2026-01-01T16:00:00Z", "answer": ""},
    {"notifier": "ops_sms"},
)


def own(trouble: Trouble = QUEUE, **labels: str) -> Notification:
    told = {"alertname": trouble.name, "severity": trouble.severity, "source": "hbalert", **labels}
    return notification(alert(annotations=words(trouble), others=told))


@pytest.mark.parametrize(
    ("annotations", "language", "expected"),
    [
        pytest.param(BOTH, "en", {"summary": "alpha is down"}, id="the text itself"),
        pytest.param(BOTH, "zh", {"summary": "alpha 已停止"}, id="its translation"),
        pytest.param({"summary_zh": "停止"}, "zh", {"summary": "停止"}, id="a translation of nothing"),
        pytest.param(
            {"summary_zh": "停止"}, "en", {"summary_zh": "停止"}, id="shown to all: there is no other"
        ),
        pytest.param(
            {"summary_en": "down", "summary_zh": "停止"}, "en", {"summary": "down"}, id="each in its own"
        ),
        pytest.param({"summary": "down", "summary_zh": ""}, "zh", {"summary": "down"}, id="an empty one"),
        pytest.param({"x": "1", "x_fr": "2"}, "zh", {"x": "1", "x_fr": "2"}, id="a language without words"),
        pytest.param({"_zh": "1"}, "en", {"_zh": "1"}, id="only the ending"),
    ],
)
def test_a_text_is_told_in_the_readers_language(
    annotations: dict[str, str], language: str, expected: dict[str, str]
) -> None:
    said = notification(alert(annotations=annotations))
    (heard,) = spoken(said, language, zone("UTC")).alerts
    told = {name: text for name, text in heard.annotations.items() if name != "runbook_url"}
    assert told == expected


@pytest.mark.parametrize("style", ["text", "mail", "markdown", "sms"])
def test_a_translation_is_not_told_beside_what_it_translates(style: str) -> None:
    said = notification(alert(annotations=BOTH))
    for language, told, other in (("en", "alpha is down", "已停止"), ("zh", "已停止", "is down")):
        message = say(said, style, language)
        assert told in message.text
        assert other not in message.text + message.html


def test_an_own_template_and_a_program_see_what_they_should() -> None:
    said = notification(alert(annotations=BOTH))
    assert (
        say(said, own=OwnTexts("{{ alerts[0].annotations.summary }}"), language="zh").text == "alpha 已停止"
    )
    message = say(said, "data", "zh")
    assert message.notification is said, "a program is told everything, as it is"
    assert "已停止" in message.text


def test_our_own_alerts_are_told_in_chinese_and_on_the_readers_clock() -> None:
    message = say(own(), "text", "zh", timezone="Asia/Shanghai")
    assert "ops_sms 发送迟缓：3 条通知在等待，最早的自 2026-01-02 00:00:00 CST (UTC+8) 起" in message.text
    assert "对方最近的回复：无应答" in message.text
    assert "waiting" not in message.text
    english = say(own(), "text", "en", timezone="Asia/Shanghai").text
    assert "ops_sms is late: 3 waiting, the oldest since 2026-01-02 00:00:00 CST (UTC+8)" in english


def test_a_time_in_the_text_of_others_stays_as_they_wrote_it() -> None:
    text = {"summary": "since 2026-01-01T16:00:00Z"}
    assert "since 2026-01-01T16:00:00Z" in say(notification(alert(annotations=text)), "text").text
    mistaken = {"summary": "since 2026-02-31T16:00:00Z"}
    said = notification(alert(annotations=mistaken, others={"source": "hbalert"}))
    assert "since 2026-02-31T16:00:00Z" in say(said, "text").text


def test_the_gravest_come_first_and_equals_keep_their_order() -> None:
    grades = ["info", "mine", "warning", "critical", "warning", ""]
    said = notification(*(alert(f"b{place}", severity=grade) for place, grade in enumerate(grades)))
    heard = spoken(said, "en", zone("UTC"))
    assert [each.labels["bot"] for each in heard.alerts] == ["b3", "b2", "b4", "b0", "b1", "b5"]
    assert say(said, own=OwnTexts("{{ firing[0].labels.bot }}")).text == "b3"
    text = say(said, "text").text
    assert text.index("b3: no metrics") < text.index("b2: no metrics") < text.index("b0: no metrics")
    assert say(said, "data").notification is said


def test_what_is_as_it_should_be_is_not_copied() -> None:
    said = notification(alert("alpha"), alert("beta"))
    assert spoken(said, "zh", zone("UTC")) is said
    assert spoken(replace(said, alerts=said.alerts[:1]), "en", zone("UTC")).alerts == said.alerts[:1]


def test_a_severity_that_nobody_knows_is_below_all_others() -> None:
    assert rank("Critical") == rank("critical") > rank("warning") > rank("info") > rank("mine") == rank("")
