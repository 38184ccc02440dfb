"""Every fixed word of a message, in English and in Chinese.

Knows the two catalogues. Must not know where a word stands. That both have the same words is the
class's doing; that both have the same placeholders is a test's. Next: `times.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hbalert.core.notification import Reason


@dataclass(frozen=True, slots=True)
class Words:
    """One language. Names in braces are filled in by `str.format`.

    brackets  round what is said in passing, with the blank before it
    nothing   what a variable of an SMS template holds when there is nothing to say: never empty
    """

    language: str
    tag_firing: str
    tag_resolved: str
    tag_test: str
    brackets: str
    firing: str
    resolved: str
    section_firing: str
    section_resolved: str
    count_firing: str
    count_resolved: str
    count_joint: str
    since: str
    firing_for: str
    resolved_at: str
    resolved_after: str
    started: str
    brief_firing: str
    brief_resolved: str
    value: str
    labels: str
    common_labels: str
    why_now: str
    runbook: str
    dashboard: str
    source: str
    console: str
    more: str
    more_labels: str
    late: str
    template_failed: str
    test: str
    fallback: str
    repeated: str
    colon: str
    sms_more: str
    sms_late: str
    nothing: str
    day: str
    hour: str
    minute: str
    second: str
    severities: Mapping[str, str]
    reasons: Mapping[Reason, str]


EN = Words(
    language="en",
    tag_firing="[FIRING:{count}]",
    tag_resolved="[RESOLVED]",
    tag_test="[TEST]",
    brackets=" ({text})",
    firing="Firing",
    resolved="Resolved",
    section_firing="FIRING ({count})",
    section_resolved="RESOLVED ({count})",
    count_firing="{count} firing",
    count_resolved="{count} resolved",
    count_joint=", ",
    since="Since",
    firing_for="{time}, firing for {duration}",
    resolved_at="Resolved",
    resolved_after="{time}, resolved after {duration}",
    started="Started",
    brief_firing="since {time}, {duration}",
    brief_resolved="resolved {time} after {duration}",
    value="Value",
    labels="Labels",
    common_labels="Common labels",
    why_now="Why now",
    runbook="Runbook",
    dashboard="Dashboard",
    source="Source",
    console="Open hbalert",
    more="... and {count} more",
    more_labels="{count} more labels",
    late="Late by {duration}: due at {time}, not deliverable until now (gateway down or busy).",
    template_failed="The template of this notifier failed, so this is the built-in text: {error}",
    test="This is a test message of hbalert. If you can read it, this notifier works.",
    fallback="You get this because another notifier could not deliver it.",
    repeated="still firing, told again ({count})",
    colon=": ",
    sms_more="+{count} more",
    sms_late="{duration} late",
    nothing="-",
    day="{count} d",
    hour="{count} h",
    minute="{count} min",
    second="{count} s",
    severities={},
    reasons={
        Reason.FIRST: "first notification",
        Reason.NEW_ALERTS: "new alerts in this group",
        Reason.SOME_RESOLVED: "some alerts resolved",
        Reason.ALL_RESOLVED: "all alerts resolved",
        Reason.FLAPPING: "it comes and goes: told once, then held as firing",
        Reason.CALM: "it does not come and go any more, and fires on",
        Reason.REPEAT: "still firing, told again",
        Reason.TEST: "test message",
        Reason.FALLBACK: "another notifier failed",
    },
)

ZH = Words(
    language="zh",
    tag_firing="[告警 {count}]",
    tag_resolved="[恢复]",
    tag_test="[测试]",
    brackets="（{text}）",
    firing="告警",
    resolved="已恢复",
    section_firing="告警中（{count}）",
    section_resolved="已恢复（{count}）",
    count_firing="{count} 条告警",
    count_resolved="{count} 条已恢复",
    count_joint="，",
    since="开始时间",
    firing_for="{time}，已持续 {duration}",
    resolved_at="恢复时间",
    resolved_after="{time}，持续 {duration}后恢复",
    started="开始时间",
    brief_firing="{time} 起，已持续 {duration}",
    brief_resolved="{time} 恢复，持续 {duration}",
    value="当前值",
    labels="标签",
    common_labels="共同标签",
    why_now="发送原因",
    runbook="处理手册",
    dashboard="仪表盘",
    source="数据来源",
    console="打开 hbalert",
    more="……另有 {count} 条",
    more_labels="另有 {count} 个标签",
    late="迟到 {duration}：本应于 {time} 发出，此前无法送达（网关故障或限流）。",
    template_failed="该通知渠道的模板出错，以下为内置文本：{error}",
    test="这是 hbalert 的测试消息。能看到它，说明该通知渠道工作正常。",
    fallback="因另一通知渠道未能送达，由本渠道代发。",
    repeated="仍在告警，第 {count} 次重复提醒",
    colon="：",
    sms_more="另有{count}条",
    sms_late="迟到 {duration}",
    nothing="无",
    day="{count} 天",
    hour="{count} 小时",
    minute="{count} 分钟",
    second="{count} 秒",
    severities={
        "critical": "严重",
        "error": "错误",
        "warning": "警告",
        "info": "提示",
    },
    reasons={
        Reason.FIRST: "首次通知",
        Reason.NEW_ALERTS: "组内有新告警",
        Reason.SOME_RESOLVED: "部分告警已恢复",
        Reason.ALL_RESOLVED: "全部告警已恢复",
        Reason.FLAPPING: "告警反复抖动：只通知一次，期间视为持续告警",
        Reason.CALM: "告警已不再抖动，仍在持续",
        Reason.REPEAT: "仍在告警，重复提醒",
        Reason.TEST: "测试消息",
        Reason.FALLBACK: "另一通知渠道失败",
    },
)

CATALOGUES: Mapping[str, Words] = {"en": EN, "zh": ZH}


def words(language: str) -> Words:
    """The catalogue of a language; English where there is none."""
    return CATALOGUES.get(language, EN)
