"""An operator's own template: what it sees, and that a mistake in it loses nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hbalert.core.labels import Labels
from hbalert.core.notification import Reason
from hbalert.render import check_template
from tests.render.samples import NOW, alert, notification, say

VALUE = notification(alert("alpha", note="@all [x](y)"), alert("beta", ended=NOW))

TEMPLATE = """\
{{ subject }} to {{ receiver }}: {{ reason }} ({{ status }})
{% for alert in firing -%}
{{ alert.title }} | {{ alert.labels.bot }} | {{ alert.labels.items }} | {{ alert.severity }}
since {{ alert.starts_at }} {{ alert.ends_at }}| {{ alert.duration }} | {{ alert.generator_url }}
{% endfor -%}
{% for alert in resolved %}{{ alert.title }} {{ alert.status }} {{ alert.ends_at }}{% endfor %}
{{ alerts|length }} {{ group_labels.alertname }} {{ common_labels.job }} {{ common_annotations.none }}
{{ alerts[0].annotations.summary|upper }} {{ external_url }}
"""


def test_a_template_sees_the_whole_notification_in_the_readers_words_and_zone() -> None:
    assert say(VALUE, "text", template=TEMPLATE).text == (
        "[FIRING:1] HummingbotDown (critical) to oncall: first notification (firing)\n"
        "alpha: no metrics for 5 minutes | alpha |  | critical\n"
        "since 2026-01-02 03:04:05 CST (UTC+8) | 12 min | http://prometheus.example.com/graph\n"
        "beta: no metrics for 5 minutes resolved 2026-01-02 03:16:05 CST (UTC+8)\n"
        "2 HummingbotDown hummingbot \n"
        "ALPHA: NO METRICS FOR 5 MINUTES https://alerts.example.com"
    )


def test_in_markdown_the_template_writes_markdown_and_the_labels_do_not() -> None:
    template = "# {{ alerts[0].title }}\n> {{ alerts[0].labels.note }}\n{{ external_url|link('open [it]') }}"
    assert say(VALUE, "markdown", template=template).text == (
        "# alpha: no metrics for 5 minutes\n> ＠all ［x］(y)\n[open ［it］](https://alerts.example.com)"
    )


def test_a_link_that_leads_nowhere_is_only_its_words() -> None:
    template = "{{ 'javascript:alert(1)'|link('open') }}"
    assert say(VALUE, "markdown", template=template).text == "open"
    assert (
        say(VALUE, "text", template="{{ external_url|link('open') }}").text
        == "open https://alerts.example.com"
    )


def test_in_a_short_message_a_value_is_one_line() -> None:
    value = notification(alert(annotations={"summary": "a\nb"}))
    assert say(value, "sms", template="{{ alerts[0].annotations.summary }}").text == "a b"
    assert len(say(value, "sms", template="x" * 5000).text) == 300


def test_what_a_label_holds_is_never_a_template() -> None:
    value = notification(alert(note="{{ 7*7 }}{% raw %}"))
    assert say(value, "text", template="{{ alerts[0].labels.note }}").text == "{{ 7*7 }}{% raw %}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ alerts[0].nothing }}",
        "{{ alerts[9].title }}",
        "{% for a in alerts %}",
        "{{ alerts[0].__class__ }}",
        "{{ alerts.append(1) }}",
        "{% include 'config.toml' %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}",
        "",
        "   \n",
        "{{ 1 / 0 }}",
    ],
)
@pytest.mark.parametrize("style", ["mail", "markdown", "sms", "text"])
def test_a_template_that_fails_is_replaced_by_the_built_in_text_and_named(template: str, style: str) -> None:
    message = say(VALUE, style, template=template)
    assert "alpha: no metrics for 5 minutes" in message.text
    if style != "sms":  # dear, and too short for an explanation
        assert "The template of this notifier failed, so this is the built-in text: " in message.text
    if style == "mail":
        assert "The template of this notifier failed" in message.html


def test_what_is_unusual_about_a_message_stands_below_an_own_text_too() -> None:
    late = notification(first_decided_at=NOW - timedelta(minutes=42))
    assert "Late by 42 min" in say(late, "text", template="{{ status }}").text
    assert "test message of hbalert" in say(notification(reason=Reason.TEST), "mail", template="own").text
    short = say(late, "text", template="x" * 5000, max_bytes=300).text
    assert len(short) <= 300
    assert "Late by 42 min" in short


def test_a_good_template_has_no_findings_and_a_bad_one_says_why() -> None:
    for style in ("mail", "markdown", "sms", "text"):
        assert check_template(TEMPLATE, style) == []
    assert check_template("{{ alrts }}", "mail") == ["alrts is unknown; did you mean alerts?"]
    assert check_template("{{ alerts[0].titel }}", "mail")[0].endswith("has no attribute 'titel'")
    assert check_template("", "sms") == ["it makes an empty text"]


def test_a_template_may_group_and_count() -> None:
    template = (
        "{% for name, value in group_labels|items %}{{ name }}={{ value }}{% endfor %} {{ firing|length }}"
    )
    value = notification(group_labels=Labels({"bot": "alpha"}))
    assert say(value, "text", template=template).text == "bot=alpha 1"
