"""The world of the state machine: what is true, who was told what, and what they should have been told.

The model: plain values and comparisons, independent of the code under test. Knows people, clients,
series and gateways; of hbalert only what it promises (docs/notifications.md, docs/delivery.md). Where
the promise leaves room (a silence that has just run out, an end in the time of grace) the answer is
None: it may be either. Next: `test_engine_machine.py`, which plays.

Times here are seconds that nobody sets: the monotonic clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hbalert.core.delivery import Delivery, Pace
from hbalert.core.labels import Labels
from hbalert.core.notification import Reason
from hbalert.core.rule import Sample
from hbalert.core.trouble import OURS, SOURCE
from hbalert.errors import NotNow, Permanent, Transient, Unavailable
from hbalert.ports import Answer, Message, Receipt
from tests.core.say import labels

POSTED = tuple(f"alertname={name} bot={bot}" for name in ("Down", "Slow") for bot in "ab")
RULED = {
    "lag": ("alertname=Lag bot=a", "alertname=Lag bot=b"),
    "keep": ("alertname=Keep bot=a",),
    "hyst": ("alertname=Hyst bot=b",),
    "orders > 5": ("alertname=Blind bot=a",),
    "many": ("alertname=Many bot=a", "alertname=Many bot=b"),
}
"""Expression -> the alerts that its series become."""

HOLD = 30.0
"""`for` of the rule Lag, seconds; one configuration has more."""

LONGEST_TICK = 320.0
"""Seconds between two looks at anything, at the most."""

JUST_NOW = 150.0
"""So long after an end somebody may still have to hear of it: grace, and the next look at the group."""

GRACE = 60.0
"""Resolve timeout of the configurations, seconds."""


@dataclass
class Quiet:
    """A silence as its author knows it. sure: nothing but the clock and a hand ends it."""

    needle: str
    begins: float
    ends: float
    sure: bool = True

    def covers(self, who: str) -> bool:
        return self.needle in who.split()


@dataclass
class World:
    """What is so, and what was said.

    now       the monotonic clock
    claims    (alert, origin) -> until when it fires: at the earliest, at the latest
    unwritten  those that a death may undo -> as they were, and until when
    series    (expression, alert) -> since when
    latched   alerts that fire on without a series; None: it may be
    upset_at  when the wall clock was last set, or a process last began
    believes  notifier (and recipient) -> what it was told fires
    missed    notifier that was off -> of what it was told, that whose end it may have missed
    since     the start that each of them was last told of an alert
    decided   the same, of what is to be told
    wrong     what was seen that must not be
    """

    now: Callable[[], float]
    claims: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    unwritten: dict[tuple[str, str], tuple[tuple[float, float], float]] = field(default_factory=dict)
    series: dict[tuple[str, str], float] = field(default_factory=dict)
    rules: frozenset[str] = frozenset(RULED)
    has_data: bool = True
    calm_over: bool = False
    source_up: bool = True
    latched: dict[str, bool | None] = field(default_factory=dict)
    silences: dict[str, Quiet] = field(default_factory=dict)
    upset_at: float = 0.0
    ever: set[str] = field(default_factory=set)
    how: dict[str, str] = field(default_factory=dict)
    believes: dict[str, set[str]] = field(default_factory=dict)
    missed: dict[str, set[str]] = field(default_factory=dict)
    since: dict[tuple[str, str], datetime] = field(default_factory=dict)
    decided: dict[str, set[str]] = field(default_factory=dict)
    accepted: dict[str, set[str]] = field(default_factory=dict)
    in_doubt: set[tuple[str, str]] = field(default_factory=set)
    asked_again: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    # --- what is true ---

    def posted(self, who: str, origin: str, lives: float) -> None:
        """An origin says that an alert fires for so long; of two ends that were stated the later counts."""
        now, ends = self.now(), self.now() + lives
        low, high = self.claims.get((who, origin), (0.0, 0.0))
        news = not any(high > now for (whose, _), (_, high) in self.claims.items() if whose == who)
        self._claim(who, origin, (max(low, ends), max(high, ends)), news)
        self.ever.add(who)

    def ended(self, who: str, origin: str) -> None:
        now, claim = self.now(), self.claims.get((who, origin))
        if claim is None:
            return
        others = [claims for key, claims in self.claims.items() if key[0] == who and key[1] != origin]
        news = all(high <= now for _, high in others)
        self._claim(who, origin, (min(claim[0], now), min(claim[1], now)), news)

    def _claim(self, who: str, origin: str, claim: tuple[float, float], news: bool) -> None:
        """What is no news for the alert as a whole lives in memory first, and is written before half of
        its time has passed."""
        if news:
            self.unwritten = {key: was for key, was in self.unwritten.items() if key[0] != who}
        else:
            ends = max(high for (whose, _), (_, high) in self.claims.items() if whose == who)
            by = self.now() + max(0.0, ends - self.now()) / 2 + LONGEST_TICK
            self.unwritten.setdefault((who, origin), (self.claims.get((who, origin), (0.0, 0.0)), by))
        self.claims[who, origin] = claim

    def died(self) -> None:
        """A process ended: what was not written yet may be lost."""
        for key, ((low, high), by) in self.unwritten.items():
            if self.now() < by:
                now_low, now_high = self.claims[key]
                self.claims[key] = min(low, now_low), max(high, now_high)
        self.unwritten.clear()

    def turn(self, expr: str, who: str, on: bool) -> None:
        """A series comes or goes."""
        if on:
            self.series.setdefault((expr, who), self.now())
            self.ever.add(who)
            if not self.latched.get(who):
                self.latched[who] = None
        else:
            self.series.pop((expr, who), None)

    def release(self, who: str) -> None:
        """What kept an alert without its series may have let it go."""
        if self.latched.get(who):
            self.latched[who] = None

    def settled(self) -> None:
        """It has been calm for long: what fires and what does not is known again."""
        for alerts in RULED.values():
            for who in alerts:
                self.latched[who] = self.fires(who)

    def stepped(self, by: float) -> None:
        """The wall clock was set. Set forward, what was to end at a date ends so much earlier."""
        self.upset_at = self.now()
        if by > 0:
            for key, (low, high) in self.claims.items():
                self.claims[key] = self._earlier(low, by), self._earlier(high, by)
            for key, ((low, high), written_by) in self.unwritten.items():
                self.unwritten[key] = (self._earlier(low, by), self._earlier(high, by)), written_by
            for quiet in self.silences.values():
                quiet.ends = self._earlier(quiet.ends, by)

    def _earlier(self, ends: float, by: float) -> float:
        return ends if ends <= self.now() else max(self.now(), ends - by)

    def fires(self, who: str) -> bool | None:
        """Whether an alert fires, once the world has been calm for long enough; None: it may be either."""
        for expr, alerts in RULED.items():
            if who in alerts:
                return self._ruled(expr, who)
        claims = [claim for (whose, _), claim in self.claims.items() if whose == who]
        low, high = (max(ends, default=0.0) for ends in zip(*claims, strict=True)) if claims else (0.0, 0.0)
        if low > self.now() + 5:
            return True
        return None if high > self.now() - JUST_NOW else False

    def _ruled(self, expr: str, who: str) -> bool | None:
        if expr not in self.rules:
            return False
        if (expr, who) in self.series:
            return None if expr == "many" else True
        if expr == "hyst" and not self.calm_over:
            return self.latched.get(who, False)
        if expr == "orders > 5" and not self.has_data:
            return self.latched.get(who, False)
        return False

    def muted(self, who: str) -> bool | None:
        """Whether a silence covers it, or another alert inhibits it."""
        now = self.now()
        covering = [
            quiet for quiet in self.silences.values() if quiet.covers(who) and now < quiet.ends + JUST_NOW
        ]
        if any(quiet.sure and now < quiet.ends - 1 for quiet in covering):
            return True
        name, bot = who.split()
        inhibited = self.fires(f"alertname=Down {bot}") if name == "alertname=Slow" else False
        if inhibited:
            return True
        return None if covering or inhibited is None else False

    # --- what everybody is told ---

    def came_back(self, notifier: str) -> None:
        """A notifier is there again that was disabled, or gone, for a while."""
        mine = [
            who for each, who in self.believes.items() if each in (notifier, notifier + "x", notifier + "y")
        ]
        self.missed[notifier] = set().union(*mine)

    def unsettled(self, delivery_id: str) -> None:
        """A process died and left it marked as being sent: who has taken it may get it once more."""
        self.in_doubt.update((delivery_id, who) for who in self.accepted.get(delivery_id, ()))

    def enqueued(self, delivery: Delivery) -> None:
        """A decision was committed: it must be one that the model allows at this moment."""
        mine = self.decided.setdefault(delivery.notifier, set())
        for shown in delivery.notification.alerts:
            who = name_of(shown.labels)
            if who is None:
                continue
            if who not in self.ever:
                self.wrong.append(f"{who} is told and never fired")
            if shown.ends_at is not None:
                mine.discard(who)
                continue
            fresh = who not in mine and delivery.notification.reason is not Reason.FALLBACK
            since = self.series.get(("lag", who), self.now())
            if fresh and since > self.upset_at and "Lag" in who and 0 < self.now() - since < HOLD - 1:
                self.wrong.append(f"{who} is told {self.now() - since:g} s after it began")
            if fresh and self._surely_silenced(who):
                self.wrong.append(f"{delivery.notifier} is to be told of {who}, which is silenced")
            mine.add(who)

    def _surely_silenced(self, who: str) -> bool:
        now = self.now()
        return now > self.upset_at + GRACE and any(
            quiet.sure and quiet.covers(who) and quiet.begins + 1 < now < quiet.ends - 1
            for quiet in self.silences.values()
        )

    def heard(self, notifier: str, wants_ends: bool, delivery_id: str, who_took: str, said: Message) -> None:
        """A far side accepted a message."""
        believes = self.believes.setdefault(notifier + who_took, set())
        firing = {who for shown in said.notification.firing if (who := name_of(shown.labels))}
        resolved = {who for shown in said.notification.resolved if (who := name_of(shown.labels))}
        anew = {  # it fires again, and the news of its end was overtaken by that
            name_of(shown.labels)
            for shown in said.notification.firing
            if self.since.get((notifier + who_took, str(shown.labels))) != shown.starts_at
        }
        ours = len(said.notification.alerts) > len(firing | resolved)
        known = self.accepted.setdefault(delivery_id, set())
        again = notifier + who_took in known
        known.add(notifier + who_took)
        if again and (delivery_id, notifier + who_took) in self.in_doubt:
            self.in_doubt.discard((delivery_id, notifier + who_took))
        elif again and delivery_id not in self.asked_again:
            self.wrong.append(f"{notifier} took {delivery_id} twice: {firing} {resolved}")
        elif not again and wants_ends and not ours and not (firing - believes or resolved & believes):
            late = resolved - believes | firing & self.missed.get(notifier, set()) | anew
            repeat = said.notification.reason in (Reason.REPEAT, Reason.FALLBACK)
            if not (late or repeat or delivery_id in self.asked_again):
                self.wrong.append(f"{notifier} heard no news: {firing} {resolved} {said.notification.reason}")
        for shown in said.notification.firing:
            self.since[notifier + who_took, str(shown.labels)] = shown.starts_at
        self.missed.get(notifier, set()).difference_update(firing | resolved)
        believes -= resolved
        believes |= firing


def name_of(of: Labels) -> str | None:
    """An alert as the world names it; None for one of hbalert's own."""
    return None if of.get(SOURCE) == OURS else f"alertname={of['alertname']} bot={of['bot']}"


class Gateway:
    """A notifier's far side; what it does is what the world says at the moment.

    is_dead  its process is: whatever still arrives was never sent
    """

    style, max_bytes, concurrency = "text", 0, 2
    pace: Pace | None = None

    def __init__(
        self,
        world: World,
        name: str,
        wants_ends: bool,
        passes: Callable[[str, str], None],
        is_dead: Callable[[], bool],
    ) -> None:
        self._world, self._name, self._wants_ends = world, name, wants_ends
        self._passes, self._is_dead = passes, is_dead

    async def send(
        self, message: Message, *, delivery_id: str, now: datetime, skip: frozenset[str] = frozenset()
    ) -> Receipt:
        self._passes("send", "begins")
        await asyncio.sleep(0)
        if self._is_dead():
            raise Transient("nobody sends any more")
        how = self._world.how.get(self._name, "")
        match how:
            case "busy":
                raise Transient("503 busy", reason="server")
            case "not now":
                raise NotNow("429", reason="rate limit", retry_after=timedelta(seconds=20))
            case "never":
                raise Permanent("400 refused", reason="client")
            case _:
                pass
        asked = [each for each in ("x", "y") if each not in skip] if self._name == "mail" else [""]
        taken = asked[:1] if how == "half" and len(asked) > 1 else asked
        for each in taken:
            self._world.heard(self._name, self._wants_ends, delivery_id, each, message)
        self._passes("send", "accepted, the answer on its way")
        await asyncio.sleep(0)
        self._passes("send", "answered")
        deferred = {each: "450 later" for each in asked if each not in taken}
        return Receipt("ok", delivered=tuple(filter(None, taken)), deferred=deferred)

    async def close(self) -> None: ...


@dataclass
class Source:
    """Answers with the series that there are."""

    world: World
    name: str = "main"

    async def query(self, expr: str, at: datetime) -> Answer:
        raise NotImplementedError

    async def query_many(self, exprs: Sequence[str], at: datetime) -> list[Answer | Exception]:
        await asyncio.sleep(0)
        if not self.world.source_up:
            return [Unavailable("connection refused") for _ in exprs]
        return [self._answer(expr) for expr in exprs]

    def _answer(self, expr: str) -> Answer:
        if "count(" in expr:
            found = ["job=orders"] if self.world.has_data else []
        elif expr == "calm":
            found = ["bot=b"] if self.world.calm_over else []
        else:
            found = [who.split()[1] for text, who in self.world.series if text == expr]
        return Answer(tuple(Sample(labels(text), 1) for text in found))

    async def close(self) -> None: ...
