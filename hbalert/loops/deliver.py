"""Deliver: what is in the outbox goes out, one worker for each notifier.

Knows claims, attempts and how a channel's error becomes an outcome (the only place). Must not know
wire formats or the retry formula. A slow, failing or hanging notifier holds up only its own worker.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from hbalert.clock import Clock
from hbalert.config.channels import NotifierSettings
from hbalert.core.delivery import Delivery, DeliveryState, Outcome, Result, RetryPolicy
from hbalert.engine import Engine, new_id
from hbalert.errors import ChannelError, NotNow, Permanent, StoreError
from hbalert.loops.run import run
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Channel, Message
from hbalert.units import outbox
from hbalert.units.troubles import deaths

log = structlog.get_logger("hbalert.deliver")

Render = Callable[[Delivery, Channel, NotifierSettings, datetime], Message]
"""Turns a delivery into what the channel says; `daemon.py` hands in `hbalert.render`."""

CLAIMS_PER_SEND = 8
"""How many deliveries a worker claims for each send that may run at once: they share an fsync."""

PLAN = 256
"""So many deliveries are put in order at once: a backlog of 8,000 took 19 ms for each of them otherwise."""

HANG_MARGIN = timedelta(seconds=60)
"""A channel keeps its own time-outs; this ends a send that keeps none."""


async def attempt(
    channel: Channel, render: Render, delivery: Delivery, settings: NotifierSettings, clock: Clock
) -> tuple[Outcome, float]:
    """One try at one delivery: what came of it and how many milliseconds it took. Never raises."""
    begun = clock.monotonic()
    outcome = await _try(channel, render, delivery, settings, clock.now())
    return outcome, (clock.monotonic() - begun) * 1000


async def _try(
    channel: Channel, render: Render, delivery: Delivery, settings: NotifierSettings, now: datetime
) -> Outcome:
    limit = (settings.timeout * 8 + HANG_MARGIN).total_seconds()
    skip = delivery.reached | delivery.refused.keys()
    try:
        async with asyncio.timeout(limit):
            message = render(delivery, channel, settings, now)
            receipt = await channel.send(message, delivery_id=delivery.id, now=now, skip=skip)
    except ChannelError as error:
        return _failed(error)
    except TimeoutError:
        return Outcome(Result.TRANSIENT, f"no answer within {limit:g} s", "timeout")
    except Exception as error:
        # Not known is not permanent: told late is better than never.
        log.exception("channel_failed", notifier=settings.name, delivery=delivery.id)
        return Outcome(Result.TRANSIENT, f"unexpected: {type(error).__name__}", "other")
    return Outcome(
        Result.TRANSIENT if receipt.deferred else Result.SENT,
        receipt.answer,
        "partial" if receipt.deferred else "sent",
        provider_id=receipt.provider_id,
        delivered=receipt.delivered,
        refused=receipt.refused,
        deferred=receipt.deferred,
    )


def _failed(error: ChannelError) -> Outcome:
    kind = Result.TRANSIENT
    if isinstance(error, NotNow):
        kind = Result.NOT_NOW
    elif isinstance(error, Permanent):
        kind = Result.PERMANENT
    return Outcome(
        kind,
        error.answer,
        error.reason,
        retry_after=error.retry_after,
        delivered=error.delivered,
        refused=error.refused,
    )


class Worker:
    """Sends for one notifier."""

    def __init__(
        self,
        engine: Engine,
        settings: NotifierSettings,
        channel: Channel,
        render: Render,
        metrics: Metrics,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.wake = asyncio.Event()
        self.settings = settings
        self.channel = channel
        self._engine = engine
        self._render = render
        self._metrics = metrics
        self._draw = draw
        self._policy = RetryPolicy(give_up_after=settings.give_up_after)
        self._capacity = channel.concurrency * CLAIMS_PER_SEND
        self._slots = asyncio.Semaphore(channel.concurrency)
        self._sending: dict[asyncio.Task[None], str] = {}
        self._unsent: set[str] = set()
        self._plan: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._claiming: asyncio.Task[None] | None = None
        self._stopped = False
        self._held_until = float("-inf")

    def start(self) -> None:
        name = f"deliver {self.settings.name}"
        self._task = asyncio.create_task(run(name, self.step, self.wake, self._engine.clock), name=name)

    async def stop(self, patience: float, *, retires: bool = False) -> None:
        """Claims nothing more, lets sends that are under way finish for so many seconds, and closes.

        What was claimed and not begun is queued again. What is cut off too when the process goes on
        (`retires`): nobody else would do it. Otherwise it stays marked as being sent, and the next
        start does.
        """
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._claiming is not None:
            await asyncio.wait([self._claiming])
        if self._sending:
            await asyncio.wait(self._sending, timeout=patience)
        left = self._unsent | (set(self._sending.values()) if retires else set())
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._release(left)
        await self.channel.close()

    async def _release(self, left: set[str]) -> None:
        if not left:
            return
        try:
            await self._engine.desk.work(lambda draft: outbox.release(draft, left))
        except StoreError as error:
            log.error("release_failed", notifier=self.settings.name, error=str(error))

    async def step(self, now: datetime) -> datetime | None:
        """Claims what is due and starts to send it; returns when something else will be due."""
        if self._is_busy():
            return None
        due = self._next_due(now)
        if due is None or due > now:
            return due
        if not self._plan:
            rows = [row for _, row in self._engine.memory.deliveries.found(self.settings.name)]
            self._plan = [row.id for row in outbox.ready(rows) if row.next_attempt_at <= now][:PLAN]
        # A stop does not part a claim from its sends.
        self._claiming = asyncio.create_task(self._claim(), name=f"claim {self.settings.name}")
        await asyncio.shield(self._claiming)
        if self._is_busy():
            return None
        return self._next_due(self._engine.clock.now())

    def _is_busy(self) -> bool:
        """Whether what has been claimed is enough for now; a send that finishes wakes the loop up."""
        return len(self._sending) * 2 > self._capacity

    async def _claim(self) -> None:
        name, pace = self.settings.name, self.channel.pace
        room, plan = self._capacity - len(self._sending), self._plan
        claimed = await self._engine.desk.work(lambda draft: outbox.claim(draft, name, pace, room, plan))
        self.take(claimed)

    def claim_into(self, draft: Draft) -> list[Delivery]:
        """Claims what a look has just enqueued, in the same unit of work: no other commit to wait for.
        Nothing while something else waits; then it has its turn behind that."""
        name = self.settings.name
        known = self._engine.memory.deliveries.found(name)
        waits = any(row.state is DeliveryState.QUEUED for _, row in known)
        if self._stopped or waits or self._is_busy() or self._is_held():
            return []
        return outbox.claim(draft, name, self.channel.pace, self._capacity - len(self._sending))

    def take(self, claimed: Iterable[Delivery]) -> None:
        """Begins to send what has been claimed for it."""
        for delivery in claimed:
            task = asyncio.create_task(self._send(delivery), name=f"send {self.settings.name}")
            self._sending[task] = delivery.id
            task.add_done_callback(self._finished)

    def _next_due(self, now: datetime) -> datetime | None:
        memory, name = self._engine.memory, self.settings.name
        queued = (memory.deliveries.get(each) for each in self._plan)
        planned = [row for row in queued if row is not None and row.state is DeliveryState.QUEUED]
        planned = [row for row in planned if row.next_attempt_at <= now]
        self._plan = [row.id for row in planned]
        if planned:
            return outbox.next_due(planned, memory.notifiers.get(name), self.channel.pace, now)
        rows = [row for _, row in memory.deliveries.found(name)]
        return outbox.next_due(rows, memory.notifiers.get(name), self.channel.pace, now)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        if not self._is_busy():
            self.wake.set()

    async def _send(self, delivery: Delivery) -> None:
        async with self._slots:
            if self._stopped:
                self._unsent.add(delivery.id)
                return
            if self._is_held():
                # Another one that was claimed with it has heard meanwhile that this is not the time.
                await self._until_stored(lambda draft: outbox.release(draft, {delivery.id}))
                return
            clock = self._engine.clock
            started_at = clock.now()
            outcome, took_ms = await attempt(self.channel, self._render, delivery, self.settings, clock)
            if outcome.result is Result.NOT_NOW and outcome.retry_after is not None:
                self._hold(outcome.retry_after)
        self._metrics.notified(self.settings.name, outcome.result.value, outcome.reason, took_ms / 1000)
        log.info(
            "attempt",
            notifier=self.settings.name,
            delivery=delivery.id,
            status=delivery.notification.status,
            group=delivery.notification.group_key,
            result=outcome.result.value,
            answer=outcome.answer,
            ms=round(took_ms),
        )
        await self._settle(delivery, outcome, started_at, took_ms)

    async def _settle(
        self, delivery: Delivery, outcome: Outcome, started_at: datetime, took_ms: float
    ) -> None:
        """The answer is known here only: it is offered to the store until it takes it."""
        to = self._engine.destinations
        # Who is in the receiver itself hears of everything anyway.
        besides = to.receivers.get(delivery.notification.receiver, ())
        fallback = [
            name for name in self.settings.fallback if name in to.send_resolved and name not in besides
        ]
        ids = [] if outcome.result is Result.SENT else [new_id() for _ in (*fallback, "")]
        jitter = self._draw()

        external = self._engine.config.evaluation.external_labels

        def unit(draft: Draft) -> None:
            outbox.settle(
                draft,
                delivery.id,
                outcome,
                started_at=started_at,
                duration_ms=took_ms,
                policy=self._policy,
                jitter=jitter,
                fallback=fallback,
                new_ids=ids,
            )
            if reports := deaths(draft, external):
                self._engine.accept_into(draft, reports)

        await self._until_stored(unit)

    def _hold(self, pause: timedelta) -> None:
        """The settlement writes it down; what has been claimed already looks here, before that."""
        self._held_until = max(self._held_until, self._engine.clock.monotonic() + pause.total_seconds())

    def _is_held(self) -> bool:
        return self._engine.clock.monotonic() < self._held_until

    async def _until_stored(self, unit: Callable[[Draft], object]) -> None:
        while True:
            try:
                await self._engine.desk.work(unit)
                return
            except StoreError as error:
                log.error("settle_failed", notifier=self.settings.name, error=str(error))
                await self._engine.clock.sleep(1)


class Deliverer:
    """All workers; a reload exchanges those whose settings changed."""

    def __init__(
        self,
        engine: Engine,
        open_channel: Callable[[NotifierSettings], Channel],
        render: Render,
        metrics: Metrics,
    ) -> None:
        self._engine = engine
        self._open_channel = open_channel
        self._render = render
        self._metrics = metrics
        self._workers: dict[str, Worker] = {}
        self._retiring: dict[asyncio.Task[None], Worker] = {}

    def wake(self, notifiers: Iterable[str] | None = None) -> None:
        """There may be something to send; for all of them when none is named."""
        for name in self._workers if notifiers is None else notifiers:
            worker = self._workers.get(name)
            if worker is not None:
                worker.wake.set()

    def claim_into(self, draft: Draft) -> list[Delivery]:
        """Claims what this unit of work enqueues for notifiers that have nothing else to send. Once it is
        committed, hand it to `send`."""
        rows = draft.deliveries.changed().values()
        names = {row.notifier: None for row in rows if row is not None and row.state is DeliveryState.QUEUED}
        workers = [self._workers[name] for name in names if name in self._workers]
        return [delivery for worker in workers for delivery in worker.claim_into(draft)]

    async def send(self, claimed: Sequence[Delivery]) -> None:
        """Sends what was claimed. A notifier that has gone meanwhile leaves its deliveries queued."""
        left: set[str] = set()
        for delivery in claimed:
            worker = self._workers.get(delivery.notifier)
            if worker is None:
                left.add(delivery.id)
            else:
                worker.take([delivery])
        if left:
            await self._engine.desk.work(lambda draft: outbox.release(draft, left))

    def use(self, notifiers: Mapping[str, NotifierSettings]) -> None:
        """One worker for each enabled notifier; those whose settings are unchanged go on undisturbed."""
        wanted = {name: settings for name, settings in notifiers.items() if settings.enabled}
        for name, worker in list(self._workers.items()):
            if wanted.get(name) != worker.settings:
                del self._workers[name]
                patience = (worker.settings.timeout + HANG_MARGIN).total_seconds()
                retiring = asyncio.create_task(worker.stop(patience, retires=True), name=f"retire {name}")
                self._retiring[retiring] = worker
                retiring.add_done_callback(lambda task: self._retiring.pop(task, None))
        for name, settings in wanted.items():
            if name not in self._workers:
                channel = self._open_channel(settings)
                worker = Worker(self._engine, settings, channel, self._render, self._metrics)
                self._workers[name] = worker
                worker.start()

    async def stop(self, patience: float) -> None:
        """Ends all workers; sends that are under way get so many seconds."""
        retiring = dict(self._retiring)
        for task in retiring:
            task.cancel()
        await asyncio.gather(*retiring, return_exceptions=True)
        workers = [*self._workers.values(), *retiring.values()]
        await asyncio.gather(*(worker.stop(patience) for worker in workers), return_exceptions=True)
        self._workers.clear()
