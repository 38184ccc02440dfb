"""What a message has to say, in the reader's language and time zone, without any markup.

Knows what matters about an alert to a person who is woken by it: what, which bot, since when, how
bad, what to do. Must not know styles, limits of channels or templates. Next: `text.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from hbalert.core.notification import Notification, NotifiedAlert, Reason
from hbalert.render.clean import clean, one_line, safe_url
from hbalert.render.spoken import rank
from hbalert.render.times import spell_duration, spell_moment, spell_short
from hbalert.render.words import Words

LATE_AFTER = timedelta(seconds=60)
"""News older than this when it goes out is told with its age."""

SUBJECT = 150
TITLE = 300
DESCRIPTION = 2000
VALUE = 300
NAMED = 4
MOST_LABELS = 40
MOST_ALERTS = 1000
"""More than these are counted, not told: nobody reads them, and each costs time."""

_TOLD_ELSEWHERE = frozenset({"summary", "description", "value"})

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One alert as a message tells it.

    title      one line: what, and which bot
    when       since when, or after how long resolved, in short, for lists
    rows       (word, text): times, value, other annotations
    labels     (name, value); those of the group first; in a message of several without the common ones
    links      (word, address)
    """

    firing: bool
    severity: str
    title: str
    when: str
    description: str
    rows: Rows
    labels: Rows
    links: Rows


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole message.

    tag, name   the two halves of the subject: what changes, and what stays over the life of a group
    headline    first line of the body
    notes       what is unusual about this message: late, a test, a fallback
    severity    the worst of its alerts, as the label says; "" where none has one
    firing, resolved   the alerts that are told one by one; of `counts` (firing, resolved) in all
    """

    words: Words
    status: str
    severity: str
    tag: str
    name: str
    headline: str
    notes: tuple[str, ...]
    firing: tuple[Item, ...]
    resolved: tuple[Item, ...]
    counts: tuple[int, int]
    common: Rows
    why: str
    console: str

    @property
    def subject(self) -> str:
        return f"{self.tag} {self.name}"

    @property
    def items(self) -> tuple[Item, ...]:
        return self.firing + self.resolved

    @property
    def hidden(self) -> int:
        """How many alerts are not told one by one."""
        return sum(self.counts) - len(self.firing) - len(self.resolved)

    @property
    def sections(self) -> tuple[tuple[str, tuple[Item, ...]], ...]:
        """(heading, alerts) of each status that occurs."""
        headings = (self.words.section_firing, self.words.section_resolved)
        parts = zip(headings, self.counts, (self.firing, self.resolved), strict=True)
        return tuple((heading.format(count=count), items) for heading, count, items in parts if items)


def outline(
    notification: Notification, words: Words, where: tzinfo, now: datetime, failure: str = ""
) -> Outline:
    """The outline of a notification as it is told at `now`. `failure`: why a template was not used."""
    firing, resolved = notification.firing, notification.resolved
    common = dict(notification.common_labels) if len(notification.alerts) > 1 else {}
    group = list(notification.group_labels)

    def item(alert: NotifiedAlert) -> Item:
        shown = {name: value for name, value in alert.labels.items() if name not in common}
        return Item(
            firing=alert.ends_at is None,
            severity=alert.labels.get("severity", ""),
            title=title_of(alert),
            when=_briefly(alert, words, where, now),
            description=_description(alert),
            rows=(*_times(alert, words, where, now), *_facts(alert, words)),
            labels=_rows(shown, group, words),
            links=_links(alert, words),
        )

    severity, name = worst(notification.alerts), _name(notification)
    grade = words.brackets.format(text=severity_word(severity, words)) if severity else ""
    return Outline(
        words=words,
        status=notification.status,
        severity=severity,
        tag=_tag(notification, words),
        name=name + grade,
        headline=_headline(notification, name, words),
        notes=tuple(_notes(notification, words, where, now, failure)),
        firing=tuple(map(item, firing[:MOST_ALERTS])),
        resolved=tuple(map(item, resolved[: max(0, MOST_ALERTS - len(firing))])),
        counts=(len(firing), len(resolved)),
        common=_rows(common, group, words),
        why=_why(notification, words),
        console=safe_url(notification.external_url),
    )


def worst(alerts: Iterable[NotifiedAlert]) -> str:
    """The gravest severity; one that is in no list ranks below the listed ones."""
    found = [alert.labels.get("severity", "") for alert in alerts]
    return max(found, key=lambda severity: (rank(severity), bool(severity)))


def severity_word(severity: str, words: Words) -> str:
    """A severity in the reader's language; one of the operator's own as it is."""
    return words.severities.get(severity.lower(), one_line(severity, 30))


def bot_of(labels: Mapping[str, str]) -> str:
    """Which bot, or failing that which machine: the one label everybody looks for."""
    return next((labels[name] for name in ("bot", "instance", "host") if labels.get(name)), "")


# --- the subject -------------------------------------------------------------------------------


def _tag(notification: Notification, words: Words) -> str:
    if notification.reason is Reason.TEST:
        return words.tag_test
    if notification.status == "resolved":
        return words.tag_resolved
    return words.tag_firing.format(count=len(notification.firing))


def _name(notification: Notification) -> str:
    """The part of the subject that stays the same, so that mail programs keep a thread together."""
    common, group = notification.common_labels, notification.group_labels
    name = group.get("alertname") or common.get("alertname") or ""
    if not name:
        names = sorted({alert.labels.get("alertname", "") for alert in notification.alerts} - {""})
        name = ", ".join(names[:3]) + (", ..." if names[3:] else "")
    who = {key: value for key, value in group.items() if key not in ("alertname", "severity")}
    for key in ("bot", "instance"):
        if not {"bot", "instance"} & who.keys() and key in common:
            who[key] = common[key]
    parts = [one_line(name, 80), *(f"{key}={one_line(value, 60)}" for key, value in who.items())]
    return one_line(" ".join(part for part in parts if part), SUBJECT)


def _headline(notification: Notification, name: str, words: Words) -> str:
    """The first line of the body: what happened, to which bot, and whether it is over."""
    firing, resolved = notification.firing, notification.resolved
    if len(notification.alerts) == 1:
        title = title_of(notification.alerts[0])
        return title if firing else f"{words.resolved}{words.colon}{title}"
    several = len({bot_of(alert.labels) for alert in notification.alerts}) > 1
    counts = []
    for alerts, count in ((firing, words.count_firing), (resolved, words.count_resolved)):
        if alerts:
            who = _whom(alerts) if several else ""
            counts.append(count.format(count=len(alerts)) + (words.brackets.format(text=who) if who else ""))
    return f"{name}{words.colon}{words.count_joint.join(counts)}"


def _whom(alerts: Sequence[NotifiedAlert]) -> str:
    """Which bots, the first few."""
    bots = dict.fromkeys(one_line(bot_of(alert.labels), 40) for alert in alerts[:MOST_ALERTS])
    names = [bot for bot in bots if bot]
    return ", ".join(names[:NAMED]) + (", ..." if names[NAMED:] else "")


# --- one alert ---------------------------------------------------------------------------------


def title_of(alert: NotifiedAlert) -> str:
    """What and which bot, from the summary; from the labels where there is none."""
    who = one_line(bot_of(alert.labels), 60)
    summary = alert.annotations.get("summary") or alert.annotations.get("title") or ""
    title = one_line(summary, TITLE) or one_line(alert.labels.get("alertname", ""), TITLE)
    if not title:
        return one_line(", ".join(f"{name}={value}" for name, value in alert.labels.items()), TITLE) or "-"
    return title if not who or who in title else f"{title} ({who})"


def _description(alert: NotifiedAlert) -> str:
    text = alert.annotations.get("description") or alert.annotations.get("message") or ""
    description = clean(text, DESCRIPTION)
    return "" if description == alert.annotations.get("summary") else description


def _times(alert: NotifiedAlert, words: Words, where: tzinfo, now: datetime) -> Rows:
    started = spell_moment(alert.starts_at, where)
    if alert.ends_at is None:
        firing_for = spell_duration(now - alert.starts_at, words)
        return ((words.since, words.firing_for.format(time=started, duration=firing_for)),)
    ended = spell_moment(alert.ends_at, where)
    after = spell_duration(alert.ends_at - alert.starts_at, words)
    return (
        (words.resolved_at, words.resolved_after.format(time=ended, duration=after)),
        (words.started, started),
    )


def _briefly(alert: NotifiedAlert, words: Words, where: tzinfo, now: datetime) -> str:
    if alert.ends_at is None:
        return words.brief_firing.format(
            time=spell_short(alert.starts_at, where, now),
            duration=spell_duration(now - alert.starts_at, words),
        )
    return words.brief_resolved.format(
        time=spell_short(alert.ends_at, where, now),
        duration=spell_duration(alert.ends_at - alert.starts_at, words),
    )


def _facts(alert: NotifiedAlert, words: Words) -> Rows:
    """The value and what else the rule's author wrote, less what stands elsewhere."""
    rows = []
    if value := one_line(alert.annotations.get("value", ""), VALUE):
        rows.append((words.value, value))
    told = _TOLD_ELSEWHERE | ({"message"} if not alert.annotations.get("description") else set())
    told |= {"title"} if not alert.annotations.get("summary") else set()
    for name, text in sorted(alert.annotations.items()):
        shown = one_line(text, VALUE)
        if name not in told and shown and not _is_link(name, text):
            rows.append((one_line(name, 60), shown))
    return tuple(rows)


def _links(alert: NotifiedAlert, words: Words) -> Rows:
    known = {"runbook_url": words.runbook, "runbook": words.runbook, "dashboard_url": words.dashboard}
    order = list(known)
    names = sorted(alert.annotations, key=lambda name: (order.index(name) if name in known else 9, name))
    links = [
        (known.get(name) or one_line(name.removesuffix("_url"), 40), safe_url(alert.annotations[name]))
        for name in names
        if _is_link(name, alert.annotations[name])
    ]
    links.append((words.source, safe_url(alert.generator_url)))
    return tuple((word, url) for word, url in links if url)


def _is_link(name: str, text: str) -> bool:
    return (name.endswith("_url") or name in ("runbook", "dashboard", "url")) and bool(safe_url(text))


def _rows(labels: Mapping[str, str], first: Sequence[str], words: Words) -> Rows:
    """Labels to show, those of the group first."""
    names = sorted(labels, key=lambda name: (name not in first, name))
    rows = [(one_line(name, 60), one_line(labels[name], VALUE)) for name in names[:MOST_LABELS]]
    if len(names) > MOST_LABELS:
        rows.append(("...", words.more_labels.format(count=len(names) - MOST_LABELS)))
    return tuple(rows)


# --- the message -------------------------------------------------------------------------------


def _notes(
    notification: Notification, words: Words, where: tzinfo, now: datetime, failure: str
) -> Iterable[str]:
    if notification.reason is Reason.TEST:
        yield words.test
    if notification.reason is Reason.FALLBACK:
        yield words.fallback
    decided = min(notification.first_decided_at, notification.decided_at)
    if now - decided > LATE_AFTER:
        duration = spell_duration(now - decided, words)
        yield words.late.format(duration=duration, time=spell_moment(decided, where))
    if failure:
        yield words.template_failed.format(error=one_line(failure, VALUE))


def lateness(notification: Notification, now: datetime) -> timedelta:
    """How long the news has been on its way, if that is long; else nothing."""
    late = now - min(notification.first_decided_at, notification.decided_at)
    return late if late > LATE_AFTER else timedelta()


def _why(notification: Notification, words: Words) -> str:
    if notification.reason is Reason.REPEAT and notification.repeat > 0:
        return words.repeated.format(count=notification.repeat)
    return words.reasons[notification.reason]
