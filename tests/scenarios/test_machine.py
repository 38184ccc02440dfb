"""Whatever happens in whatever order, everybody ends up knowing what is true.

A hypothesis state machine over reports, ends, time, silences, reloads, failing gateways and crashes.
It plays the units of work over memory, keeps what a store would hold, and at a crash begins again from
that. The invariants are those of docs/delivery.md.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hbalert.core.delivery import Delivery, Outcome, Result
from hbalert.core.inhibit import InhibitRule
from hbalert.core.route import Route, child_key
from hbalert.core.silence import Silence
from hbalert.memory import Draft, Memory
from hbalert.ports import Changes, Snapshot
from hbalert.units import outbox, silences
from hbalert.units.adopt import adopt
from hbalert.units.quiet import Quiet
from tests.core.say import fires, labels, m, s, t
from tests.units.stage import ROOT, Stage

ALERTS = [f"alertname={name} bot={bot}" for name in ("Down", "Slow") for bot in ("a", "b")]
SENT = Outcome(Result.SENT, "ok", "sent")
FAILED = Outcome(Result.TRANSIENT, "503", "server")
ONE_BOT = Route("{}/bot/0", child_key("{}", (m("bot=a"),)), "team", (m("bot=a"),), group_by=("bot",))
TREES = [
    ROOT,
    replace(ROOT, group_by=("...",)),
    replace(ROOT, routes=(replace(ONE_BOT, group_wait=s(0)),)),
]
DOWN_INHIBITS_SLOW = InhibitRule((m("alertname=Down"),), (m("alertname=Slow"),), ("bot",))


class Disk:
    """What a store would hold: the rows of all changes so far."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[object, object]] = {}
        self.sequence = 1

    def write(self, changes: Changes, sequence: int) -> None:
        for name in ("alerts", "groups", "entries", "deliveries", "silences", "notifiers"):
            table = self.tables.setdefault(name, {})
            for key, row in getattr(changes, name).items():
                if row is None or (isinstance(row, Delivery) and not row.is_live):
                    table.pop(key, None)
                else:
                    table[key] = row
        self.sequence = sequence

    def read(self) -> Snapshot:
        rows = {name: list(table.values()) for name, table in self.tables.items()}
        return Snapshot(**rows, next_sequence=self.sequence)  # type: ignore[arg-type]


class Machine(RuleBasedStateMachine):
    """One hbalert with two notifiers: the phone wants to hear of ends, the mailbox does not."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()
        self.stage = Stage(phone=True, mail=False)
        self.stage.quiet = Quiet([DOWN_INHIBITS_SLOW])
        self.seconds = 0.0
        self.names = count()
        self.believes: dict[str, set[str]] = {"phone": set(), "mail": set()}
        self.ever: set[str] = set()
        self.news: dict[str, set[str]] = {}
        self.in_doubt: set[str] = set()
        self._watch()

    def _watch(self) -> None:
        work = self.stage.work

        def written(unit):  # type: ignore[no-untyped-def]
            answer, changes = work(unit)
            self.disk.write(changes, self.stage.memory.sequence)
            for row in changes.deliveries.values():
                if row is not None:
                    for alert in row.notification.firing:
                        self.ever.add(str(alert.labels))
            return answer, changes

        self.stage.work = written  # type: ignore[method-assign]

    # --- what can happen ---

    @rule(who=st.sampled_from(ALERTS), lives=st.sampled_from([200.0, 5000.0, 90000.0]))
    def reported(self, who: str, lives: float) -> None:
        self.stage.reports(fires(who, self.seconds, self.seconds + lives))

    @rule(who=st.sampled_from(ALERTS))
    def ends(self, who: str) -> None:
        known = self.stage.memory.alerts.get(labels(who).key)
        if known is not None:
            start = (known.starts_at - t(0)).total_seconds()
            self.stage.reports(fires(who, start, self.seconds, at=self.seconds))

    @rule(seconds=st.sampled_from([1.0, 10.0, 31.0, 301.0, 15000.0]))
    def time_passes(self, seconds: float) -> None:
        before = t(self.seconds)
        self.seconds += seconds
        self.stage.at(self.seconds)
        ended = [x for x in self.stage.memory.silences.values() if before < x.ends_at <= t(self.seconds)]
        due = [
            alert
            for key in self.stage.memory.unwritten
            if (alert := self.stage.memory.alerts.get(key)) is not None
            and self.stage.memory.write_by[key] <= t(self.seconds)
        ]

        def write(draft: Draft) -> None:
            for alert in due:
                draft.put_alert(alert)

        self.stage.work(write)
        self.stage.work(lambda draft: silences.reopen(draft, ended))

    @rule()
    def flushed(self) -> None:
        self.stage.flush()

    @rule(notifier=st.sampled_from(["phone", "mail"]))
    def delivered(self, notifier: str) -> None:
        for delivery in self.stage.claim(notifier):
            self._heard(delivery)
            self.stage.settle(delivery, SENT)

    @rule(notifier=st.sampled_from(["phone", "mail"]))
    def gateway_fails(self, notifier: str) -> None:
        for delivery in self.stage.claim(notifier):
            self.stage.settle(delivery, FAILED)

    @rule(who=st.sampled_from(["bot=a", "alertname=Down"]), lasts=st.sampled_from([40.0, 1000.0]))
    def silenced(self, who: str, lasts: float) -> None:
        now = t(self.seconds)
        silence = Silence("", (m(who),), now, now + s(lasts), "lin", "why", now)
        name = f"s{next(self.names)}"
        self.stage.work(lambda draft: silences.put(draft, silence, None, name))

    @precondition(lambda self: len(self.stage.memory.silences) > 0)
    @rule()
    def unsilenced(self) -> None:
        last = list(self.stage.memory.silences.values())[-1]
        self.stage.work(lambda draft: silences.end(draft, last.id))

    @rule(tree=st.sampled_from(TREES))
    def reloaded(self, tree: Route) -> None:
        self.stage.root = tree
        self.stage.work(lambda draft: adopt(draft, tree, {"phone": True, "mail": True}))

    @rule()
    def killed(self) -> None:
        """The process ends and another begins from what was committed."""
        self.stage.memory = Memory(self.disk.read(), self.stage.now)
        alerts = [alert.labels for alert in self.stage.memory.alerts.values()]
        self.stage.quiet = Quiet([DOWN_INHIBITS_SLOW], known=alerts)

        def take_over(draft):  # type: ignore[no-untyped-def]
            adopt(draft, self.stage.root, {"phone": True, "mail": True})
            outbox.release(draft)

        self.stage.work(take_over)

    @rule(notifier=st.sampled_from(["phone", "mail"]), arrived=st.booleans())
    def killed_while_sending(self, notifier: str, arrived: bool) -> None:
        """The answer is never learnt: the message may have arrived or not."""
        for delivery in self.stage.claim(notifier):
            if arrived:
                self._heard(delivery)
                self.in_doubt.add(delivery.id)
        self.killed()

    # --- what must hold ---

    def _heard(self, delivery: Delivery) -> None:
        said, believes = delivery.notification, self.believes[delivery.notifier]
        firing = {str(alert.labels) for alert in said.firing}
        resolved = {str(alert.labels) for alert in said.resolved}
        assert firing | resolved, "an empty message"
        assert resolved <= self.ever, "the end of what was never decided to be told"
        twice = delivery.id in self.news
        assert not twice or delivery.id in self.in_doubt, f"{delivery.id} was told twice"
        self.news[delivery.id] = firing
        believes -= resolved
        believes |= firing

    @invariant()
    def nobody_has_two_messages_of_one_group_under_way(self) -> None:
        live: dict[tuple[str, str], int] = {}
        for row in self.stage.memory.deliveries.values():
            live[row.group_id, row.notifier] = live.get((row.group_id, row.notifier), 0) + 1
        assert all(number <= 2 for number in live.values()), "one being sent, one waiting at most"

    def teardown(self) -> None:
        """When nothing hinders any more, everybody knows what is true; and nothing is left behind."""
        for silence in list(self.stage.memory.silences.values()):
            self.stage.work(partial(silences.end, silence_id=silence.id))
        self._calm(4)
        now = t(self.seconds)
        true = {str(alert.labels) for alert in self.stage.memory.alerts.values() if not alert.resolved(now)}
        down = {str(labels(who)["bot"]) for who in ALERTS if "Down" in who and str(labels(who)) in true}
        inhibited = {str(labels(who)) for who in ALERTS if "Slow" in who and labels(who)["bot"] in down}
        assert true - inhibited <= self.believes["phone"] <= true
        assert true - inhibited <= self.believes["mail"]
        for who in ALERTS:
            self.ends(who)
        self._calm(4)
        assert self.believes["phone"] == set()
        memory = self.stage.memory
        assert (len(memory.alerts), len(memory.groups), len(memory.entries)) == (0, 0, 0)
        assert (len(memory.deliveries), len(memory.members), len(memory.unwritten)) == (0, 0, 0)

    def _calm(self, rounds: int) -> None:
        for _ in range(rounds):
            self.time_passes(400)
            self.flushed()
            self.delivered("phone")
            self.delivered("mail")
            self.delivered("phone")
            self.delivered("mail")


Machine.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestWhateverHappens = Machine.TestCase
