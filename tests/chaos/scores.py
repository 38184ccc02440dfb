"""Scores: what happens outside, second by second, and what each notifier must hear of it.

Knows people, clients, series and far sides, and nothing of hbalert but its configuration. `hears` is
the model: written by hand, from what docs/notifications.md and docs/delivery.md promise. Group wait is
2 s, group interval 5 s. Every score leaves some seconds around what would be a close race: after a life
that ends there are two seconds, or four, in which nobody is there. Next: `life.py`, which plays it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hbalert.config.channels.webhook import WebhookSettings
from hbalert.config.types import (
    AlertSettings,
    Config,
    EvaluationSettings,
    ServerSettings,
    SourceSettings,
    StorageSettings,
)
from hbalert.core.inhibit import InhibitRule
from hbalert.core.interval import TimeInterval, TimeSpan
from hbalert.core.route import Route, child_key
from hbalert.core.rule import Rule, RuleGroup
from tests.chaos.outside import Series, Trouble
from tests.core.say import m, s
from tests.fakes.clock import START

BEGIN = START + timedelta(seconds=40)


@dataclass(frozen=True)
class Step:
    """Somebody outside does something, once it is so late, until it is answered."""

    at: float
    what: str
    who: tuple[Any, ...]
    more: Mapping[str, Any]


def step(at: float, what: str, *who: Any, **more: Any) -> Step:
    return Step(at, what, who, more)


@dataclass(frozen=True)
class Score:
    """One story.

    configs   the first is in force at the start; steps edit to others
    alerts    short name -> labels of what is posted
    hears     notifier -> alert -> what it must be told, in this order: F that it fires, R that it has
              ended; alternatives after "|", for what a bad moment may turn into
    troubles, series, down  what far sides and the source do when; recipients: notifier -> who it writes to
    fires_from  alert of a rule -> (the earliest, the latest second at which somebody is told)
    not_before  alert -> the first second at which anybody may be told
    asked_again  notifiers that somebody asks to be told again of what is dead (`hbalert queue retry`)
    repeat      repeat interval, seconds
    lasts       seconds until everything is quiet
    quiet_after  the same, from the start of a late life
    """

    name: str
    configs: Sequence[Config]
    steps: Sequence[Step]
    alerts: Mapping[str, str]
    hears: Mapping[str, Mapping[str, str]]
    troubles: Sequence[Trouble] = ()
    series: Sequence[Series] = ()
    down: Sequence[tuple[float, float]] = ()
    recipients: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fires_from: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    not_before: Mapping[str, float] = field(default_factory=dict)
    asked_again: frozenset[str] = frozenset()
    repeat: float = 4 * 3600
    lasts: float = 45
    quiet_after: float = 14

    def notifiers(self) -> dict[str, bool]:
        """Every notifier there ever is -> whether it wants to hear of ends."""
        return {
            name: each.send_resolved for config in self.configs for name, each in config.notifiers.items()
        }


ROOT = Route(
    "{}",
    "{}",
    "team",
    group_by=("alertname",),
    group_wait=timedelta(seconds=2),
    group_interval=timedelta(seconds=5),
    repeat_intervals=(timedelta(hours=4),),
)


def notifier(name: str, **more: Any) -> WebhookSettings:
    """Of a kind that people read; its channel is the far side of a test."""
    return WebhookSettings(type="webhook", name=name, url="http://127.0.0.1:9", **more)


def child(text: str, receiver: str = "team", **more: Any) -> Route:
    """A route below the root for what matches."""
    key = child_key("{}", (m(text),))
    return replace(ROOT, id=f"{key}/0", key=key, receiver=receiver, matchers=(m(text),), **more)


OWN = child("source=hbalert", "keeper")
"""hbalert's own alerts (something is dead, a slot was missed) are told to a notifier that nobody looks at:
they have tests of their own, and when they come depends on the point at which a process died."""


def config(*notifiers: WebhookSettings, team: Sequence[str] = (), route: Route = ROOT, **more: Any) -> Config:
    """A configuration whose receiver `team` is these notifiers, or those named."""
    names = tuple(each.name for each in notifiers)
    return Config(
        root=Path(),
        server=ServerSettings(),
        storage=StorageSettings(),
        sources={"main": SourceSettings(url="http://127.0.0.1:9")},
        evaluation=EvaluationSettings(),
        alerts=AlertSettings(resolve_timeout=timedelta(seconds=10)),
        notifiers={each.name: each for each in (*notifiers, notifier("keeper"))},
        receivers={"team": tuple(team) or names, "keeper": ("keeper",), **{name: (name,) for name in names}},
        route=replace(route, routes=(OWN, *route.routes)),
        **{"groups": (), **more},
    )


# --- posted alerts -----------------------------------------------------------------------------

# c ends by the clock; when nobody is there in that moment it gets its time of grace, and fires again in it.
POSTS = Score(
    "posts",
    [config(notifier("phone"), notifier("mail", send_resolved=False))],
    [
        step(1, "fires", "a"),
        step(2, "fires", "b"),
        step(2, "fires", "c", lives=9),
        step(6, "fires", "a", note="worse"),
        step(8, "fires", "blip"),
        step(9, "ends", "blip"),
        step(12, "fires", "e", "b"),
        step(14, "checkpoints"),
        step(17, "ends", "b"),
        step(23, "fires", "c"),
        step(31, "ends", "a", "c"),
        step(32, "ends", "e"),
    ],
    alerts={
        "a": "alertname=Down n=a",
        "b": "alertname=Down n=b",
        "c": "alertname=Slow n=c",
        "e": "alertname=Down n=e",
        "blip": "alertname=Blip n=blip",
    },
    hears={
        "phone": {"a": "FR", "b": "FR", "c": "FRFR|FR", "e": "FR", "blip": "|R|FR"},
        "mail": {"a": "F", "b": "F", "c": "F", "e": "F", "blip": "|R|F"},
    },
    troubles=[
        Trouble("phone", 3, 5, "busy"),
        Trouble("mail", 3, 4, "not now"),
        Trouble("phone", 18, 24, "slow"),
    ],
    lasts=42,
)

# --- alerts of rules ---------------------------------------------------------------------------

LAG = Rule("r/Lag/0", "Lag", "lag", "main", hold=s(4), annotations={"summary": "lag"})
KEEP = Rule("r/Keep/0", "Keep", "keep", "main", keep_firing_for=s(5))
GONE = Rule("r/Gone/0", "Gone", "gone", "main")
FRESH = Rule("r/Fresh/0", "Fresh", "fresh", "main")
HYST = Rule("r/Hyst/0", "Hyst", "hyst", "main", clear="calm")


def rules(*them: Rule) -> tuple[RuleGroup, ...]:
    return (RuleGroup("r", s(2), them),)


RULES = Score(
    "rules",
    [
        config(notifier("phone"), groups=rules(LAG, KEEP, GONE, HYST)),
        config(notifier("phone"), groups=rules(LAG, KEEP, FRESH, HYST)),
    ],
    [step(22, "edits", 1)],
    alerts={},
    series=[
        Series("lag", "n=lag", 3, 21),
        Series("lag", "n=short", 3, 5),
        Series("keep", "n=keep", 2, 10),
        Series("keep", "n=keep", 12, 17),
        Series("gone", "n=gone", 2, 99),
        Series("fresh", "n=fresh", 15, 30),
        Series("hyst", "n=hyst", 4, 14),
        Series("calm", "n=hyst", 24, 99),
    ],
    down=[(12, 14)],
    hears={
        "phone": {
            "lag": "FR",
            "short": "",
            "keep": "FR",
            "gone": "FR",
            "fresh": "FR",
            "hyst": "FR",
        }
    },
    fires_from={"lag": (7, 16), "keep": (2, 12), "gone": (2, 12), "fresh": (22, 32), "hyst": (4, 16)},
    lasts=45,
)

# --- silences, inhibition, time intervals -------------------------------------------------------

NIGHT = TimeInterval(times=(TimeSpan(12 * 60, 12 * 60 + 1),))
"""The minute that ends 20 s after a score begins."""

QUIET = Score(
    "quiet",
    [
        config(
            notifier("phone"),
            inhibit_rules=(InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),)),),
            time_intervals={"night": (NIGHT,)},
            route=replace(ROOT, routes=(child("alertname=Night", mute_time_intervals=("night",)),)),
        )
    ],
    [
        step(1, "silences", "n=until", 14),
        step(1, "silences", "n=never", 29),
        step(1, "silences", "n=hand", 90),
        step(2, "fires", "told"),
        step(3, "fires", "until", "never", "hand"),
        step(3, "fires", "source"),
        step(4, "fires", "target", "night", "dream"),
        step(9, "silences", "n=told", 90),
        step(11, "ends", "dream"),
        step(13, "ends", "told"),
        step(14, "ends", "never"),
        step(19, "unsilences", "n=hand"),
        step(20, "ends", "source"),
        step(31, "ends", "hand", "until"),
        step(32, "ends", "target", "night"),
    ],
    alerts={
        "told": "alertname=Told n=told",
        "until": "alertname=Until n=until",
        "never": "alertname=Never n=never",
        "hand": "alertname=Hand n=hand",
        "source": "alertname=Down n=source",
        "target": "alertname=Slow n=target",
        "night": "alertname=Night n=night",
        "dream": "alertname=Night n=dream",
    },
    hears={
        "phone": {
            "told": "FR",
            "until": "FR",
            "never": "",
            "hand": "FR",
            "source": "FR",
            "target": "FR",
            "night": "FR",
            "dream": "",
        }
    },
    not_before={"until": 15, "hand": 19, "target": 20, "night": 20},
    lasts=42,
)

# --- edits of the configuration -----------------------------------------------------------------

ROUTES = Score(
    "routes",
    [
        config(notifier("phone"), notifier("mail"), groups=()),
        config(
            notifier("phone"),
            notifier("mail"),
            route=replace(ROOT, routes=(child("n=a", group_by=("n",)),)),
        ),
        config(notifier("phone"), notifier("pager")),
        config(notifier("phone"), notifier("pager", enabled=False), team=("phone",)),
    ],
    [
        step(1, "fires", "a", "b"),
        step(8, "edits", 1),
        step(10, "fires", "g"),
        step(20, "edits", 2),
        step(30, "ends", "a"),
        step(36, "edits", 3),
        step(37, "prunes", 20),
        step(38, "ends", "b", "g"),
    ],
    alerts={name: f"alertname=Down n={name}" for name in "abg"},
    hears={
        "phone": {"a": "FR", "b": "FR", "g": "FR"},
        "mail": {"a": "F", "b": "F", "g": "F"},
        "pager": {"a": "F", "b": "F", "g": "F"},
    },
    troubles=[Trouble("pager", 29.5, 60, "busy"), Trouble("phone", 1, 6, "slow")],
    lasts=50,
)

# --- far sides that fail -----------------------------------------------------------------------

OUTAGE = Score(
    "outage",
    [
        config(
            notifier("phone"),
            notifier("letter"),
            notifier("pager", fallback=("sms",)),
            notifier("gone", give_up_after=s(8)),
            notifier("sms"),
            team=("phone", "letter", "pager", "gone"),
            route=replace(ROOT, repeat_intervals=(s(13),)),
        )
    ],
    [
        step(1, "fires", "a", "b"),
        step(10, "ends", "a"),
        step(29, "retries", "gone"),
        step(37, "ends", "b"),
    ],
    alerts={name: f"alertname=Down n={name}" for name in "ab"},
    hears={
        "phone": {"a": "R|FR", "b": "FR"},
        "letter": {"a": "FR", "b": "FR"},
        "pager": {"a": "R|FR", "b": "FR|R"},
        "sms": {"a": "FR", "b": "FR"},
        "gone": {"a": "|F|FR|R", "b": "FR|F|R"},
    },
    troubles=[
        Trouble("phone", 0, 17, "busy"),
        Trouble("letter", 2, 6, "half"),
        Trouble("pager", 0, 7.5, "never"),
        Trouble("gone", 0, 28, "busy"),
    ],
    recipients={"letter": ("x", "y")},
    repeat=13,
    asked_again=frozenset({"gone"}),
    lasts=52,
)

SCORES = {score.name: score for score in (POSTS, RULES, QUIET, ROUTES, OUTAGE)}
