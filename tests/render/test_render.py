"""Whole messages, word by word; and that there is one for whatever a notification holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.render.clean import size
from tests.render.samples import NOW, alert, notification, say

ANNOTATIONS = {
    "summary": "alpha: no metrics for 5 minutes",
    "description": "The collector has not answered.\nOrders may still be live.",
    "value": "0",
    "runbook_url": "https://wiki.example.com/down",
}
ONE = notification(alert(annotations=ANNOTATIONS))
TWO = notification(
    alert("alpha"),
    alert("beta", severity="warning", ended=NOW - timedelta(minutes=2)),
    reason=Reason.SOME_RESOLVED,
    first_decided_at=NOW - timedelta(minutes=42),
)

TEXT_EN = """\
alpha: no metrics for 5 minutes

The collector has not answered.
Orders may still be live.
Since: 2026-01-02 03:04:05 CST (UTC+8), firing for 12 min
Value: 0
Runbook: https://wiki.example.com/down
Source: http://prometheus.example.com/graph
Labels: alertname=HummingbotDown, bot=alpha, job=hummingbot, severity=critical

Why now: first notification
Open hbalert: https://alerts.example.com"""

TEXT_ZH = """\
alpha: no metrics for 5 minutes

The collector has not answered.
Orders may still be live.
开始时间：2026-01-02 03:04:05 CST (UTC+8)，已持续 12 分钟
当前值：0
处理手册：https://wiki.example.com/down
数据来源：http://prometheus.example.com/graph
标签：alertname=HummingbotDown, bot=alpha, job=hummingbot, severity=critical

发送原因：首次通知
打开 hbalert：https://alerts.example.com"""

TWO_EN = """\
HummingbotDown: 1 firing (alpha), 1 resolved (beta)

Late by 42 min: due at 2026-01-02 02:34:05 CST (UTC+8), not deliverable until now (gateway down or busy).

FIRING (1)

* alpha: no metrics for 5 minutes
  Since: 2026-01-02 03:04:05 CST (UTC+8), firing for 12 min
  Source: http://prometheus.example.com/graph
  Labels: bot=alpha, severity=critical

RESOLVED (1)

* beta: no metrics for 5 minutes
  Resolved: 2026-01-02 03:14:05 CST (UTC+8), resolved after 10 min
  Started: 2026-01-02 03:04:05 CST (UTC+8)
  Source: http://prometheus.example.com/graph
  Labels: bot=beta, severity=warning

Common labels: alertname=HummingbotDown, job=hummingbot
Why now: some alerts resolved
Open hbalert: https://alerts.example.com"""

TWO_ZH = """\
HummingbotDown：1 条告警（alpha），1 条已恢复（beta）

迟到 42 分钟：本应于 2026-01-02 02:34:05 CST (UTC+8) 发出，此前无法送达（网关故障或限流）。

告警中（1）

* alpha: no metrics for 5 minutes
  开始时间：2026-01-02 03:04:05 CST (UTC+8)，已持续 12 分钟
  数据来源：http://prometheus.example.com/graph
  标签：bot=alpha, severity=critical

已恢复（1）

* beta: no metrics for 5 minutes
  恢复时间：2026-01-02 03:14:05 CST (UTC+8)，持续 10 分钟后恢复
  开始时间：2026-01-02 03:04:05 CST (UTC+8)
  数据来源：http://prometheus.example.com/graph
  标签：bot=beta, severity=warning

共同标签：alertname=HummingbotDown, job=hummingbot
发送原因：部分告警已恢复
打开 hbalert：https://alerts.example.com"""

MARKDOWN_EN = """\
### 🔴 alpha: no metrics for 5 minutes

**Firing** HummingbotDown bot=alpha (critical)

The collector has not answered.  
  Orders may still be live.

- **Since**: 2026-01-02 03:04:05 CST (UTC+8), firing for 12 min
- **Value**: 0
- **Labels**: alertname=HummingbotDown, bot=alpha, job=hummingbot, severity=critical

[Runbook](https://wiki.example.com/down) · [Source](http://prometheus.example.com/graph)

- Why now: first notification

[Open hbalert](https://alerts.example.com)"""  # noqa: W291 - DingTalk's line break

MARKDOWN_ZH = """\
### 🔴 HummingbotDown：1 条告警（alpha），1 条已恢复（beta）

> 迟到 42 分钟：本应于 2026-01-02 02:34:05 CST (UTC+8) 发出，此前无法送达（网关故障或限流）。

#### 告警中（1）

🔴 **alpha: no metrics for 5 minutes**

- **开始时间**：2026-01-02 03:04:05 CST (UTC+8)，已持续 12 分钟
- **标签**：bot=alpha, severity=critical

[数据来源](http://prometheus.example.com/graph)

#### 已恢复（1）

✅ **beta: no metrics for 5 minutes**

- **恢复时间**：2026-01-02 03:14:05 CST (UTC+8)，持续 10 分钟后恢复
- **开始时间**：2026-01-02 03:04:05 CST (UTC+8)
- **标签**：bot=beta, severity=warning

[数据来源](http://prometheus.example.com/graph)

- 共同标签：alertname=HummingbotDown, job=hummingbot
- 发送原因：部分告警已恢复

[打开 hbalert](https://alerts.example.com)"""

SMS_EN = "[FIRING:1] alpha: no metrics for 5 minutes (critical) since 03:04, 12 min (42 min late), 1 resolved"
SMS_ZH = (
    "[告警 1] alpha: no metrics for 5 minutes（严重） 03:04 起，已持续 12 分钟（迟到 42 分钟），1 条已恢复"
)


@pytest.mark.parametrize(
    ("value", "style", "language", "subject", "text"),
    [
        (ONE, "text", "en", "[FIRING:1] HummingbotDown bot=alpha (critical)", TEXT_EN),
        (ONE, "text", "zh", "[告警 1] HummingbotDown bot=alpha（严重）", TEXT_ZH),
        (ONE, "mail", "en", "[FIRING:1] HummingbotDown bot=alpha (critical)", TEXT_EN),
        (TWO, "mail", "en", "[FIRING:1] HummingbotDown (critical)", TWO_EN),
        (TWO, "mail", "zh", "[告警 1] HummingbotDown（严重）", TWO_ZH),
        (ONE, "markdown", "en", "[FIRING:1] HummingbotDown bot=alpha (critical)", MARKDOWN_EN),
        (TWO, "markdown", "zh", "[告警 1] HummingbotDown（严重）", MARKDOWN_ZH),
        (TWO, "sms", "en", "[FIRING:1] HummingbotDown (critical)", SMS_EN),
        (TWO, "sms", "zh", "[告警 1] HummingbotDown（严重）", SMS_ZH),
    ],
)
def test_a_message_reads(value: Notification, style: str, language: str, subject: str, text: str) -> None:
    message = say(value, style, language)
    assert (message.subject, message.text) == (subject, text)


def test_all_messages_of_a_group_are_one_thread_and_no_other() -> None:
    over = notification(alert(ended=NOW))
    other = notification(group_id="another")
    assert say(ONE).thread == say(over, "mail", "zh").thread != say(other).thread
    assert len(say(ONE).thread) == 16


def test_only_a_critical_alert_that_fires_is_urgent() -> None:
    assert say(ONE).urgent
    assert not say(notification(alert(severity="warning"))).urgent
    assert not say(notification(alert(ended=NOW), alert(severity="warning"))).urgent


def test_only_a_mail_has_html_and_only_a_short_message_has_variables() -> None:
    for style in ("mail", "markdown", "sms", "text"):
        message = say(ONE, style)
        assert bool(message.html) is (style == "mail")
        assert bool(message.variables) is (style == "sms")


def test_an_unknown_style_language_or_zone_still_makes_a_message() -> None:
    assert say(ONE, "telepathy", "tlh", timezone="Mars/Base").text.startswith("alpha: no metrics")


def test_values_of_100_kb_and_thousands_of_labels_are_shortened() -> None:
    huge = alert("x" * 100_000, annotations={"summary": "s" * 100_000, "description": "d\n" * 100_000},
                 others={f"l{i}": "y" * 1000 for i in range(2000)})  # fmt: skip
    for style in ("mail", "markdown", "sms", "text"):
        message = say(notification(huge, alert()), style, max_bytes=18_000)
        assert size(message.text) <= 18_000
        assert len(message.subject) < 200
        assert size(message.html) < 100_000


LONG_PAST, FAR_FUTURE = datetime(1, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
moments = st.datetimes(LONG_PAST, FAR_FUTURE, timezones=st.just(UTC))
names = st.sampled_from(["alertname", "bot", "instance", "severity", "job", "x", "@", "[", "价"]) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8
)
values = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["critical", "{{ 7*7 }}", "a\nb", "<b>", "@all", "🚨" * 50, "\u202eabc"]
)
label_sets = st.dictionaries(names, values, max_size=6).map(Labels)
annotation_sets = st.dictionaries(
    st.sampled_from(["summary", "description", "value", "runbook_url", "title", "x_url"])
    | st.text(max_size=8),
    st.text(st.characters(), max_size=80) | values,  # halves of characters too: JSON may bring them
    max_size=5,
)
alerts = st.builds(
    NotifiedAlert,
    label_sets,
    annotation_sets,
    moments,
    st.none() | moments,
    st.text(max_size=40),
    st.text(max_size=16),
)
notifications = st.builds(
    Notification,
    receiver=st.text(max_size=10),
    group_id=st.text(max_size=10),
    group_key=st.text(max_size=10),
    group_labels=label_sets,
    alerts=st.lists(alerts, min_size=1, max_size=7).map(tuple),
    reason=st.sampled_from(Reason),
    decided_at=moments,
    first_decided_at=moments,
    external_url=st.text(max_size=30),
    repeat=st.integers(0, 9),
)


@settings(max_examples=200, deadline=None)
@given(
    value=notifications,
    style=st.sampled_from(["mail", "markdown", "sms", "text"]),
    language=st.sampled_from(["en", "zh"]),
    max_bytes=st.sampled_from([0, 1, 2, 3, 10, 100, 1000, 18_000]),
    timezone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York", "no zone"]),
    now=moments,
    template=st.none() | st.sampled_from(["{{ alerts[0].title }}", "{{ oops }}", "{{ common_labels }}"]),
)
def test_there_is_a_message_for_whatever_a_notification_holds(
    value: Notification,
    style: str,
    language: str,
    max_bytes: int,
    timezone: str,
    now: datetime,
    template: str | None,
) -> None:
    message = say(value, style, language, max_bytes=max_bytes, timezone=timezone, now=now, template=template)
    assert message.text or 0 < max_bytes < 4
    if max_bytes:
        assert len(message.text.encode()) <= max_bytes
    assert len(message.html.encode()) < 100_000
    assert "\n" not in message.subject
    assert "\r" not in message.subject + message.text
    assert all(message.variables.values())
    if style == "markdown":
        assert "@" not in message.text + message.subject
