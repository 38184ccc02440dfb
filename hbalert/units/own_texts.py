"""What hbalert's own alerts say, in English and in Chinese.

Knows the words. Must not know when an alert fires, or which language a reader has: an alert carries
`summary` and `description` in English and the Chinese ones beside them (`summary_zh`), and the message
takes what its notifier asks for (`render/spoken.py`). That both languages are filled in with the same
facts is a test's doing. Times among the facts are RFC 3339.
"""

from __future__ import annotations

from collections.abc import Mapping

Facts = Mapping[str, str | Mapping[str, str]]
"""Name in braces -> text, or the text in each language."""

NOTHING: Mapping[str, str] = {"en": "no answer", "zh": "无应答"}
"""Told for a fact that is empty."""

EN: Mapping[str, tuple[str, str]] = {
    "HbalertSourceUnreachable": (
        "Source {data_source} does not answer: none of its rules is evaluated, what fires is held",
        "{error}",
    ),
    "HbalertRuleFailing": (
        "Rule {rule} does not watch as it should; its alerts are held",
        "{error}",
    ),
    "HbalertEvaluationMissed busy": (
        "Evaluations of rule group {group} were skipped: {slots}",
        "The one before was still running",
    ),
    "HbalertEvaluationMissed slept": (
        "Evaluations of rule group {group} were skipped: {slots}",
        "The machine slept or was busy",
    ),
    "HbalertEvaluationLate": (
        "Rule group {group} is evaluated late: what came of it was known {behind} after its time, "
        "of an interval of {interval}",
        "Late since {since}. `hbalert rules list` shows how long its rules take; a longer interval, or a "
        "faster source, gives it time.",
    ),
    "HbalertClockStepped forward": (
        "The clock was set forward by {length}: from {expected} to {now}",
        "Waits go on as if it had not been set. Silences and time intervals go by the clock; a silence lasts "
        "no longer than it had left. Rules ask their sources for the time that this clock shows. See that "
        "the machine's time is kept by NTP.",
    ),
    "HbalertClockStepped back": (
        "The clock was set back by {length}: from {expected} to {now}",
        "Waits go on as if it had not been set. Silences and time intervals go by the clock; a silence lasts "
        "no longer than it had left. Rules ask their sources for the time that this clock shows. See that "
        "the machine's time is kept by NTP.",
    ),
    "HbalertSilenceEnding": (
        "The silence of {matchers} ends at {ends}, and what it matches still fires",
        "Will be told then: {alerts}. Its reason was: {comment}. "
        "To extend it: hbalert silence update {silence} --for 2h",
    ),
    "HbalertReloadFailed configuration": (
        "The configuration on disk is refused: hbalert runs on with the one before",
        "{mistakes}",
    ),
    "HbalertReloadFailed certificate": (
        "The certificate on disk is refused: hbalert runs on with the one before",
        "{mistakes}",
    ),
    "HbalertTooManyAlerts": (
        "New alerts are refused: there are {number} already ({limit})",
        "What is known goes on, and ends are taken. A label that takes a new value each time is the usual "
        "reason: find its sender, or raise the limit.",
    ),
    "HbalertTooManyAlerts of": (
        "New alerts of {of} are refused: there are {number} already ({limit})",
        "What is known goes on, and ends are taken. A label that takes a new value each time is the usual "
        "reason: find its sender, or raise the limit.",
    ),
    "HbalertNotifierFailing": (
        "{notifier} does not get through: {number} waiting, the oldest since {since}",
        "{answer}",
    ),
    "HbalertQueueOld": (
        "{notifier} is late: {number} waiting, the oldest since {since}",
        "Held back by its rate limit, or by a pause it asked for; it last said: {answer}",
    ),
    "HbalertQuotaLow day": (
        "{notifier} has sent {number} messages today, of {quota}",
        "What its gateway takes in a day is nearly used up. Buy more, group more, or raise `daily_quota`.",
    ),
    "HbalertQuotaLow day over": (
        "{notifier} has sent {number} messages today: its quota of {quota} is used up",
        "Its gateway may refuse what comes. Buy more, or let another notifier step in (`fallback`).",
    ),
    "HbalertQuotaLow month": (
        "{notifier} has sent {number} messages this month, of {quota}",
        "What its gateway takes in a month is nearly used up. Buy more, group more, or raise "
        "`monthly_quota`.",
    ),
    "HbalertQuotaLow month over": (
        "{notifier} has sent {number} messages this month: its quota of {quota} is used up",
        "Its gateway may refuse what comes. Buy more, or let another notifier step in (`fallback`).",
    ),
    "HbalertQuotaUsedUp": (
        "{notifier} is refused by its gateway: the quota is used up",
        "{answer}",
    ),
    "HbalertDiskLow": (
        "The disk of the store is nearly full",
        "{free} of {total} GiB are free; when it is full, new alerts are refused",
    ),
    "HbalertDiskLow full": (
        "The disk of the store is full: new alerts are refused until there is room",
        "{free} of {total} GiB are free; senders keep what is refused and try again",
    ),
    "HbalertStoreDamaged": (
        "The store was damaged and has been repaired",
        "{repairs}",
    ),
    "HbalertDeliveryDead": (
        "{notifier} was not told: {news}",
        "{answer}; `hbalert queue retry {delivery}` tries it again",
    ),
}

ZH: Mapping[str, tuple[str, str]] = {
    "HbalertSourceUnreachable": (
        "数据源 {data_source} 无应答：其规则均未评估，已触发的告警保持不变",
        "{error}",
    ),
    "HbalertRuleFailing": (
        "规则 {rule} 未能正常评估，其告警保持不变",
        "{error}",
    ),
    "HbalertEvaluationMissed busy": (
        "规则组 {group} 跳过了 {slots} 次评估",
        "上一次评估尚未结束",
    ),
    "HbalertEvaluationMissed slept": (
        "规则组 {group} 跳过了 {slots} 次评估",
        "机器曾休眠，或过于繁忙",
    ),
    "HbalertEvaluationLate": (
        "规则组 {group} 评估迟缓：到点后 {behind} 才有结果，而间隔仅 {interval}",
        "自 {since} 起迟缓。`hbalert rules list` 可查看各规则的耗时；请加大间隔，或加快数据源。",
    ),
    "HbalertClockStepped forward": (
        "时钟被向前拨了 {length}：从 {expected} 到 {now}",
        "各项等待照常进行，如同未拨动。静默与时间段以时钟为准，静默不会比原先剩余的时间更长。"
        "规则按此时钟的时间查询数据源。请确认本机由 NTP 校时。",
    ),
    "HbalertClockStepped back": (
        "时钟被向后拨了 {length}：从 {expected} 到 {now}",
        "各项等待照常进行，如同未拨动。静默与时间段以时钟为准，静默不会比原先剩余的时间更长。"
        "规则按此时钟的时间查询数据源。请确认本机由 NTP 校时。",
    ),
    "HbalertSilenceEnding": (
        "对 {matchers} 的静默将于 {ends} 结束，而其匹配的告警仍在触发",
        "届时将会通知：{alerts}。静默原因：{comment}。如需延长：hbalert silence update {silence} --for 2h",
    ),
    "HbalertReloadFailed configuration": (
        "磁盘上的配置未被采用：hbalert 沿用之前的配置",
        "{mistakes}",
    ),
    "HbalertReloadFailed certificate": (
        "磁盘上的证书未被采用：hbalert 沿用之前的证书",
        "{mistakes}",
    ),
    "HbalertTooManyAlerts": (
        "新告警被拒收：已有 {number} 条（{limit}）",
        "已知的告警照常处理，恢复照常接收。常见原因是某个标签的值每次都不同：请找出其来源，或调高上限。",
    ),
    "HbalertTooManyAlerts of": (
        "{of} 的新告警被拒收：已有 {number} 条（{limit}）",
        "已知的告警照常处理，恢复照常接收。常见原因是某个标签的值每次都不同：请找出其来源，或调高上限。",
    ),
    "HbalertNotifierFailing": (
        "{notifier} 无法送达：{number} 条通知在等待，最早的自 {since} 起",
        "{answer}",
    ),
    "HbalertQueueOld": (
        "{notifier} 发送迟缓：{number} 条通知在等待，最早的自 {since} 起",
        "受其频率限制，或对方要求暂停；对方最近的回复：{answer}",
    ),
    "HbalertQuotaLow day": (
        "{notifier} 今日已发送 {number} 条，额度 {quota} 条",
        "网关每日的额度即将用完。请购买更多、加大分组，或调高 `daily_quota`。",
    ),
    "HbalertQuotaLow day over": (
        "{notifier} 今日已发送 {number} 条：额度 {quota} 条已用完",
        "网关可能拒绝后续消息。请购买更多，或由其他通知渠道接替（`fallback`）。",
    ),
    "HbalertQuotaLow month": (
        "{notifier} 本月已发送 {number} 条，额度 {quota} 条",
        "网关每月的额度即将用完。请购买更多、加大分组，或调高 `monthly_quota`。",
    ),
    "HbalertQuotaLow month over": (
        "{notifier} 本月已发送 {number} 条：额度 {quota} 条已用完",
        "网关可能拒绝后续消息。请购买更多，或由其他通知渠道接替（`fallback`）。",
    ),
    "HbalertQuotaUsedUp": (
        "{notifier} 被网关拒绝：额度已用完",
        "{answer}",
    ),
    "HbalertDiskLow": (
        "存储所在磁盘即将写满",
        "总共 {total} GiB，剩余 {free} GiB；写满后将拒收新告警",
    ),
    "HbalertDiskLow full": (
        "存储所在磁盘已满：腾出空间之前拒收新告警",
        "总共 {total} GiB，剩余 {free} GiB；被拒收的由发送方保留并重试",
    ),
    "HbalertStoreDamaged": (
        "存储曾损坏，现已修复",
        "{repairs}",
    ),
    "HbalertDeliveryDead": (
        "{notifier} 未被通知：{news}",
        "{answer}；可用 `hbalert queue retry {delivery}` 重试",
    ),
}

CATALOGUES: Mapping[str, Mapping[str, tuple[str, str]]] = {"en": EN, "zh": ZH}


def texts(name: str, facts: Facts, kind: str = "") -> dict[str, str]:
    """The annotations of one alert: in English, and beside it in the other languages.

    kind  which of its texts, where an alert has several
    """
    key = f"{name} {kind}".rstrip()
    told: dict[str, str] = {}
    for language, catalogue in CATALOGUES.items():
        suffix = "" if language == "en" else f"_{language}"
        for part, text in zip(("summary", "description"), catalogue[key], strict=True):
            told[part + suffix] = text.format_map(_spoken(facts, language))
    return {name: text for name, text in told.items() if not _is_the_same(name, text, told)}


def _is_the_same(name: str, text: str, told: Mapping[str, str]) -> bool:
    """What a machine answered is said once."""
    base, _, language = name.rpartition("_")
    return language in CATALOGUES and told.get(base) == text


def _spoken(facts: Facts, language: str) -> dict[str, str]:
    """The facts in one language."""
    each = {name: fact if isinstance(fact, str) else fact[language] for name, fact in facts.items()}
    return {name: text or NOTHING[language] for name, text in each.items()}
