"""DingTalk's markdown: what it may hold, and that nobody else writes any."""

from __future__ import annotations

import re

import pytest

from hbalert.core.labels import Labels
from tests.render.samples import NOW, alert, notification, say

HOSTILE = (
    "@13800000000 @all\n# big\n> quote\n- item\n[pay](http://evil.example.com) ![](http://x) `c` **b** <font>"
)


def test_no_label_or_annotation_writes_markdown() -> None:
    value = notification(
        alert(
            annotations={"summary": HOSTILE, "description": HOSTILE, "value": HOSTILE, HOSTILE: HOSTILE},
            bot=HOSTILE,
            pair=HOSTILE,
        ),
        group_labels=Labels({"alertname": HOSTILE, "pair": HOSTILE}),
        external_url="javascript:alert(1)",
    )
    message = say(value, "markdown")
    ours = message.text.replace("[Source](http://prometheus.example.com/graph)", "")
    assert not re.search(r"[@`<\[\]]|!\[", ours)
    assert not re.search(r"[@`<\]]", message.subject.removeprefix("[FIRING:1]"))
    for line in ours.split("\n"):
        if line.startswith(("#", ">", "- ")):
            assert re.match(r"### 🔴 |- \*\*|- Why now: ", line), line


def test_a_template_that_fails_names_its_error_without_markdown() -> None:
    text = say(notification(), "markdown", template="{{ '@all [x](y)' | nothing }}").text
    assert "> The template of this notifier failed" in text
    assert "@" not in text


def test_line_breaks_in_a_description_are_those_of_dingtalk() -> None:
    value = notification(alert(annotations={"summary": "s", "description": "one\ntwo\n\n# three"}))
    assert "one  \n  two  \n  ＃ three" in say(value, "markdown").text


def test_paragraphs_are_apart_by_an_empty_line() -> None:
    """A single line break is none, except between the items of a list and in a paragraph of ours."""
    text = say(notification(alert("a"), alert("b", ended=NOW)), "markdown").text
    for before, after in zip(text.split("\n"), text.split("\n")[1:], strict=False):
        if before and after:
            assert before.startswith("- ")
            assert after.startswith("- ")


@pytest.mark.parametrize(
    ("severity", "icon"), [("critical", "🔴"), ("Warning", "🟠"), ("info", "🔵"), ("", "🔵"), ("odd", "🔵")]
)
def test_how_bad_it_is_shows_at_a_glance(severity: str, icon: str) -> None:
    assert say(notification(alert(severity=severity)), "markdown").text.startswith(f"### {icon} ")
    over = say(notification(alert(severity=severity, ended=NOW)), "markdown")
    assert over.text.startswith("### ✅ ")


def test_behind_the_first_few_alerts_each_has_one_line() -> None:
    text = say(notification(*(alert(f"b{i}") for i in range(8))), "markdown").text
    assert text.count("🔴 **b") == 5
    assert "- 🔴 b7: no metrics for 5 minutes (since 03:04, 12 min)" in text
