"""A memory on which units of work are played one after the other, without a store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

from hbalert.core.alert import Alert
from hbalert.core.delivery import Delivery, DeliveryState, Outcome, Result, RetryPolicy
from hbalert.core.route import Route, walk
from hbalert.memory import Batch, Draft, Memory
from hbalert.ports import Changes, Note, Snapshot
from hbalert.units import intake, outbox
from hbalert.units.flush import Destinations, flush_group
from hbalert.units.quiet import Quiet
from tests.core.say import t

T = TypeVar("T")

ROOT = Route(
    "{}",
    "{}",
    "team",
    group_by=("alertname",),
    group_wait=timedelta(seconds=30),
    group_interval=timedelta(seconds=300),
    repeat_intervals=(timedelta(hours=4),),
)


class Stage:
    """`at(seconds)` moves time; `reports`, `flush`, `send` play what would happen then."""

    def __init__(self, root: Route = ROOT, /, **notifiers: bool) -> None:
        self.root = root
        self.notifiers = notifiers or {"phone": True}
        self.memory = Memory(Snapshot(), t(0))
        self.now = t(0)
        self.quiet = Quiet()
        self.notes: list[Note] = []
        self.settled: list[Delivery] = []
        self._ids = count(1)

    @property
    def destinations(self) -> Destinations:
        return Destinations(
            routes={route.id: route for route in walk(self.root)},
            receivers={"team": tuple(self.notifiers), **{name: (name,) for name in self.notifiers}},
            send_resolved=self.notifiers,
        )

    def at(self, seconds: float) -> Stage:
        self.now = t(seconds)
        return self

    def work(self, unit: Callable[[Draft], T]) -> tuple[T, Changes]:
        batch = Batch(self.memory, self.now, self.memory.sequence)
        draft = Draft(batch, self.now, batch.sequence)
        answer = unit(draft)
        batch.absorb(draft)
        changes = batch.changes()
        self.memory.absorb(batch)
        self.quiet.follow(batch)
        self.notes += changes.notes
        self.settled += [row for row in changes.deliveries.values() if row is not None and not row.is_live]
        return answer, changes

    def reports(self, *alerts: Alert) -> Changes:
        return self.work(lambda draft: intake.accept(draft, alerts, self.root, self.memory))[1]

    def flush(self) -> int:
        """Looks at every group that is due; returns how many deliveries were enqueued."""
        due = self.memory.flushes.due(self.now)

        def unit(draft: Draft) -> int:
            found = [group for group_id in due if (group := draft.groups.get(group_id)) is not None]
            return sum(
                flush_group(draft, group, self.destinations, self.quiet, self.ids(9)) for group in found
            )

        return self.work(unit)[0]

    def ids(self, number: int) -> list[str]:
        return [f"d{next(self._ids)}" for _ in range(number)]

    def claim(self, notifier: str = "phone") -> list[Delivery]:
        return self.work(lambda draft: outbox.claim(draft, notifier, None, 99))[0]

    def settle(self, delivery: Delivery, outcome: Outcome, **more: object) -> Delivery:
        after = self.work(
            lambda draft: outbox.settle(
                draft,
                delivery.id,
                outcome,
                started_at=self.now,
                duration_ms=1,
                policy=RetryPolicy(),
                jitter=0.5,
                **more,  # type: ignore[arg-type]
            )
        )[0]
        assert after is not None
        return after

    def send(self, notifier: str = "phone") -> list[str]:
        """Claims what is due and has the far side accept it; returns what was said."""
        said = []
        for delivery in self.claim(notifier):
            self.settle(delivery, Outcome(Result.SENT, "ok", "sent"))
            said.append(words(delivery))
        return said

    def queued(self, notifier: str = "phone") -> list[str]:
        rows = [row for _, row in self.memory.deliveries.found(notifier)]
        return [words(row) for row in rows if row.state is DeliveryState.QUEUED]


def words(delivery: Delivery) -> str:
    """`first notification: a firing, b resolved`."""
    said = delivery.notification
    shown = ", ".join(f"{alert.labels.get('bot', '-')} {alert.status}" for alert in said.alerts)
    return f"{said.reason.value}: {shown}"
