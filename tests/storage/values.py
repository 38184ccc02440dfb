"""Values to store: one of each kind, with everything set, and with everything left out."""

from __future__ import annotations

import math
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hbalert.core.alert import Alert, Claim
from hbalert.core.delivery import Delivery, DeliveryState
from hbalert.core.flap import Flaps
from hbalert.core.group import Group
from hbalert.core.interval import Span
from hbalert.core.labels import Labels
from hbalert.core.maintenance import Recurrence, Window
from hbalert.core.matcher import Op, make
from hbalert.core.notification import LogEntry, Notification, NotifiedAlert, Reason
from hbalert.core.rule import RuleAlert, RuleAlertState
from hbalert.core.silence import Silence
from hbalert.ports import Attempt, Changes, Note, NotifierState
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore

BASE = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)

ODD = {
    "alertname": "HighInventorySkew",
    "bot": "机器人-07",
    "ключ": "значение",
    "with space": 'tab\tnewline\nquote"back\\slash',
    "nul": "before\0after",
    "control": "\x01\x1f\x7f",
    "long": "x" * 5000,
    "emoji": "🚨🇨🇳",
    "json": '{"a": [1, null]}',
    "last": "\U0010ffff\ufffe",
    "sql": "'; DROP TABLE alert; --",
    "percent": "%s {} %(x)s",
}


def t(seconds: float) -> datetime:
    """So many seconds after the base time."""
    return BASE + timedelta(seconds=seconds)


async def open_sqlite(path: Path, *, now: datetime = BASE, ballast_bytes: int = 0) -> SqliteStore:
    """The store at `path`, without ballast unless asked."""
    return await SqliteStore.open(path, compile_regex=compile_regex, now=now, ballast_bytes=ballast_bytes)


def labels(number: int = 0, **more: str) -> Labels:
    return Labels({"alertname": "BotSilent", "bot": f"bot-{number}", **more})


def alert(number: int = 0, *, summary: str = "no orders for 10 minutes", **more: str) -> Alert:
    claim = Claim("api", t(0), t(300), t(1), timed=True)
    return Alert(labels(number, **more), {"summary": summary}, (claim,), "http://prometheus.test/graph")


def odd_alert() -> Alert:
    claims = (
        Claim("rule:a/B#1", datetime(1, 1, 1, tzinfo=UTC), None, t(0)),
        Claim("webhook:盘口", t(0), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), t(0.000001)),
        Claim("api", t(0).astimezone(timezone(timedelta(hours=8))), t(1), t(1), timed=True),
    )
    return Alert(Labels(ODD), ODD, claims)


def rule_alert(number: int = 0) -> RuleAlert:
    return RuleAlert("bots/BotSilent", labels(number), RuleAlertState.PENDING, t(0), 1.5)


def odd_rule_alert(value: float = math.inf) -> RuleAlert:
    return RuleAlert(
        "gruppe/规则 1",
        Labels(ODD),
        RuleAlertState.RESOLVED,
        t(0),
        value,
        ODD,
        t(60),
        t(120),
        t(180),
        3,
        Flaps((t(0), t(60)), t(60), t(180)),
    )


def group(number: int = 0) -> Group:
    return Group(f"route/{number}", "route", Labels({}), t(30))


def entry(number: int = 0) -> LogEntry:
    return LogEntry(
        f"route/{number}",
        "ops-mail",
        frozenset({labels(1).key}),
        frozenset(),
        t(30),
        0,
        frozenset({labels(1).key}),
    )


def notification(number: int = 0, *, odd: bool = False) -> Notification:
    shown = NotifiedAlert(labels(number), {}, t(0))
    if not odd:
        return Notification("ops", f"route/{number}", "{}", Labels(), (shown,), Reason.FIRST, t(30), t(30))
    ended = NotifiedAlert(Labels(ODD), ODD, t(0), t(90), "http://prometheus.test/graph?g0.expr=1", "00ff")
    return Notification(
        "运维",
        f"route/{number}",
        '{}:{bot="机器人"}',
        Labels({"bot": "机器人"}),
        (shown, ended),
        Reason.SOME_RESOLVED,
        t(30),
        t(10),
        "https://hbalert.test/",
        3,
        {"team": "desk"},
    )


def delivery(
    number: int = 0,
    state: DeliveryState = DeliveryState.QUEUED,
    *,
    notifier: str = "ops-mail",
    created: float = 30,
    settled: float | None = None,
    odd: bool = False,
) -> Delivery:
    return Delivery(
        f"delivery-{number:04d}",
        number + 1,
        f"route/{number}",
        notifier,
        notification(number, odd=odd),
        state,
        t(created),
        t(created + 1),
        settled_at=None if settled is None else t(settled),
    )


def odd_delivery(number: int) -> Delivery:
    return Delivery(
        f"доставка-{number}",
        2**62,
        "route/é",
        "dingtalk-盘口",
        notification(number, odd=True),
        DeliveryState.SENDING,
        t(-1e6),
        t(1e6),
        7,
        frozenset({"a@example.test", "电@example.test"}),
        {"b@example.test": "550 no such user\0"},
        "451 \u0000 try later 稍后",
        t(2e6),
    )


def silence(number: int = 0, *, ends: float = 3600) -> Silence:
    matcher = make("bot", Op.EQUAL, f"bot-{number}", compile_regex)
    return Silence(f"silence-{number}", (matcher,), t(0), t(ends), "ann", "planned", t(0))


def odd_silence() -> Silence:
    matchers = (
        make("bot", Op.REGEX, "机器人-.*|a\\.b", compile_regex),
        make("with space", Op.NOT_REGEX, "", compile_regex),
        make("severity", Op.NOT_EQUAL, "\0\"'", compile_regex),
        make("", Op.EQUAL, "", compile_regex),
    )
    return Silence("тишина", matchers, t(0), t(60), "", "多行\n说明", t(-5), ODD, "维护", t(90))


def window(name: str = "exchange") -> Window:
    matcher = make("bot", Op.REGEX, "bot-.*", compile_regex)
    when = Recurrence("Europe/Berlin", "0 2 * * sun", timedelta(hours=2))
    return Window(name, (matcher,), when, "weekly upgrade", "ann", t(0))


def odd_window() -> Window:
    when = Recurrence("Asia/Shanghai", weekdays=(Span(1, 5), Span(0, 0)), start=22 * 60, end=6 * 60)
    return Window("维护", odd_silence().matchers, when, "多行\n说明", "", t(-5))


def attempt(number: int = 0, at: float = 31, result: str = "sent") -> Attempt:
    return Attempt(f"delivery-{number:04d}", "ops-mail", t(at), 12.345, result, "sent", "250 OK", "<id@mail>")


def note(at: float = 0, kind: str = "firing", *, number: int = 0) -> Note:
    return Note(t(at), kind, f"{kind}: {at}", labels(number).key, f"route/{number}", "", "")


def everything() -> Changes:
    """At least two rows for every table: plain and odd."""
    alerts = [alert(), odd_alert()]
    rule_alerts = [rule_alert(), odd_rule_alert()]
    groups = [group(), Group("группа", "корень", Labels(ODD), t(0), flushed=True)]
    keys = frozenset(labels(number).key for number in range(50)) | {Labels(ODD).key}
    entries = [entry(), LogEntry("группа", "钉钉", frozenset(), keys, t(1), 9)]
    deliveries = [delivery(), odd_delivery(1)]
    silences = [silence(), odd_silence()]
    windows = [window(), odd_window()]
    notifiers = [NotifierState("ops-mail"), NotifierState("钉钉", (t(0), t(1.5)), t(60))]
    return Changes(
        alerts={row.labels.key: row for row in alerts},
        rule_alerts={(row.rule_id, row.labels.key): row for row in rule_alerts},
        groups={row.id: row for row in groups},
        entries={(row.group_id, row.notifier): row for row in entries},
        deliveries={row.id: row for row in deliveries},
        silences={row.id: row for row in silences},
        windows={row.name: row for row in windows},
        notifiers={row.notifier: row for row in notifiers},
        attempts=[attempt(), Attempt("", "", t(0), 0.0, "", "", "不行\0", "")],
        notes=[note(), Note(t(1), "reload", "读取\n配置")],
    )


def fill(disk: Path, leave: int = 0) -> Path:
    """Takes all room but `leave` bytes."""
    filling = disk / "filling"
    with open(filling, "ab") as file:
        try:
            while True:
                file.write(b"x" * 65536)
                file.flush()
        except OSError:
            pass
        size = os.fstat(file.fileno()).st_size
    os.truncate(filling, size - leave)
    return filling
