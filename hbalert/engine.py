"""The engine: the configuration in force and the doors through which everybody comes in.

Knows which unit of work each request becomes. Must not know HTTP, SQL, or what a unit decides. The
API, the loops and the daemon share one.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from hbalert.clock import Clock
from hbalert.config.types import Config
from hbalert.core.alert import Alert, grace
from hbalert.core.cap import Cap, Over
from hbalert.core.delivery import DeliveryState
from hbalert.core.group import Group
from hbalert.core.jump import Jump, at_start
from hbalert.core.maintenance import Window
from hbalert.core.route import walk
from hbalert.core.silence import Silence
from hbalert.desk import Desk
from hbalert.memory import Draft, Memory, Rows
from hbalert.ports import HistoryQuery, Snapshot, Store
from hbalert.units import intake, maintenance, outbox, silences
from hbalert.units.adopt import adopt
from hbalert.units.flush import Destinations, flush_group
from hbalert.units.jump import MovedSilences, follow, says
from hbalert.units.loosen import Regime, loosen
from hbalert.units.own import Own
from hbalert.units.quiet import Quiet

log = structlog.get_logger("hbalert.engine")

DOUBT = timedelta(days=1)
"""A clock that was set forward may be wrong: so long somebody can set it right before history is lost."""


def new_id() -> str:
    """An id that nobody has used: of a delivery, of a silence."""
    return str(uuid.uuid4())


def destinations(config: Config) -> Destinations:
    """What a flush has to know of a configuration: only enabled notifiers are told anything."""
    enabled = {name: notifier for name, notifier in config.notifiers.items() if notifier.enabled}
    return Destinations(
        routes={route.id: route for route in walk(config.route)},
        receivers={
            name: tuple(member for member in members if member in enabled)
            for name, members in config.receivers.items()
        },
        send_resolved={name: notifier.send_resolved for name, notifier in enabled.items()},
        external_url=config.server.external_url,
        unread=frozenset(name for name, notifier in enabled.items() if notifier.type == "log"),
    )


class Engine:
    """One running hbalert, without its edges.

    config        what is in force; replaced as a whole by `reload`
    destinations  what a flush needs of it
    last_seen     when an earlier process was last known to be at work; None: there was none
    quiet         who keeps alerts quiet
    windows_due   when the maintenance windows have to be looked at again; None: not by themselves
    changed       called with what was committed: wakes whoever waits for work
    stepped       called when the clock was set, once every row agrees with it
    steps         how it was set and nobody was told yet
    doubted_until until then (monotonic) nothing is removed for its age: the clock was set forward
    latest        the latest time that the clock ever showed: later than now after it was set back
    """

    def __init__(self, config: Config, store: Store, snapshot: Snapshot, clock: Clock) -> None:
        self.clock = clock
        self.store = store
        self.memory = Memory(snapshot, clock.now())
        self.desk = Desk(self.memory, store, clock)
        self.started_at = clock.now()
        self.changed: Callable[[Draft], None] = lambda committed: None
        self.stepped: Callable[[Jump], None] = lambda jump: None
        self.steps: list[Jump] = []
        self.doubted_until = float("-inf")
        self.last_seen = snapshot.last_seen
        self.latest = max(self.started_at, snapshot.last_seen or self.started_at)
        self._moved: MovedSilences = {}
        self.windows_due: datetime | None = clock.now()
        self._use(config)
        self.desk.changed = self._committed
        self.desk.follow = self._follow
        self.desk.followed = self._followed

    def _use(self, config: Config) -> None:
        self.config = config
        self.destinations = destinations(config)
        known = (alert.labels for alert in self.memory.alerts.values())
        self.quiet = Quiet(config.inhibit_rules, config.time_intervals, known)

    def _committed(self, draft: Draft) -> None:
        self.quiet.follow(draft)
        self.changed(draft)

    def _follow(self, draft: Draft, jump: Jump) -> None:
        follow(
            draft,
            jump,
            resolve_timeout=self.config.alerts.resolve_timeout,
            is_quiet=self._is_quiet,
            moved=self._moved,
        )

    def _is_quiet(self, group: Group, at: datetime) -> bool:
        route = self.destinations.routes.get(group.route_id)
        return route is not None and self.quiet.of_route(route, at) is not None

    def _followed(self, jump: Jump) -> None:
        if not jump.by:
            log.warning(
                "stood_still", what=says(jump), seconds=round((jump.now - jump.since).total_seconds())
            )
            return
        log.warning("clock_stepped", what=says(jump), seconds=round(jump.by.total_seconds(), 1))
        self.latest = max(self.latest, jump.expected)
        if jump.by > timedelta():
            self.doubted_until = self.clock.monotonic() + DOUBT.total_seconds()
        self.windows_due = jump.now
        self.steps.append(jump)
        self.stepped(jump)

    async def look_at_clock(self) -> None:
        """Follows a jump of the clock though nobody has anything to decide."""
        await self.desk.work(lambda draft: None)

    async def start(self) -> int:
        """Takes over what an earlier process left; returns how many deliveries it left half-sent.

        Alerts whose end passed while nobody could refresh them get one resolve timeout of grace.
        """
        set_back = at_start(self.last_seen, self.clock.now())

        def take_over(draft: Draft) -> int:
            if set_back is not None:
                self._follow(draft, set_back)
            elif self.last_seen is not None:
                for _, alert in list(draft.alerts.items()):
                    kept = grace(
                        alert,
                        down_since=self.last_seen,
                        now=draft.now,
                        resolve_timeout=self.config.alerts.resolve_timeout,
                    )
                    if kept is not alert and kept != alert:
                        draft.put_alert(kept)
            # Before anything is flushed: in the middle of a window nobody is told what it covers.
            maintenance.keep(draft, self.windows(draft))
            adopt(draft, self.config.route, self._notifiers())
            return outbox.release(draft)

        half_sent = await self.desk.work(take_over)
        if set_back is not None:
            self._followed(set_back)
        return half_sent

    async def reload(self, config: Config) -> None:
        """Puts a new configuration in force. Nobody is told anything again because of it."""
        before = self.config
        regime: Regime | None = None

        def take_over(draft: Draft) -> int:
            nonlocal regime
            # Not earlier: a unit that waits before this one knows the groups of the old routes only.
            # Only once: what is decided again because the store refused another unit would compare the
            # new configuration with itself.
            regime = regime or self._regime()
            self._use(config)
            maintenance.keep(draft, self.windows(draft))
            adopt(draft, config.route, self._notifiers())
            return loosen(draft, regime, self._regime())

        try:
            await self.desk.work(take_over)
        except BaseException:
            self._use(before)
            raise
        self.windows_due = self.clock.now()

    def _regime(self) -> Regime:
        return Regime(self.destinations, self.quiet)

    def _notifiers(self) -> dict[str, bool]:
        return {name: notifier.enabled for name, notifier in self.config.notifiers.items()}

    # --- alerts ---

    async def accept(self, reports: Sequence[Alert]) -> dict[int, Over]:
        """Takes reports in; durable when it returns. Raises StoreError: then nothing was taken.

        Returns why a report was kept out, by its place: there are too many alerts already.
        """
        return await asyncio.shield(self.take(reports))

    def take(self, reports: Sequence[Alert]) -> asyncio.Future[dict[int, Over]]:
        """`accept`, as a future: done already where nothing has to be stored first."""

        def unit(draft: Draft) -> dict[int, Over]:
            limits = self.config.alerts
            cap = Cap(limits.limit, limits.limit_per_alertname)
            kept_out = intake.accept(draft, reports, self.config.route, self.memory, cap)
            if kept_out:
                own = Own(self.config.evaluation.external_labels)
                self.accept_into(draft, [own.too_many(why, draft.now) for why in set(kept_out.values())])
            return kept_out

        return self.desk.begin(unit)

    def accept_into(self, draft: Draft, reports: Sequence[Alert]) -> None:
        """The same, as part of a larger unit of work."""
        intake.accept(draft, reports, self.config.route, self.memory)

    def flush_into(self, draft: Draft, group_ids: Sequence[str]) -> int:
        """Looks at groups that are due; returns the number of deliveries enqueued."""
        enqueued = 0
        for group_id in group_ids:
            group = draft.groups.get(group_id)
            if group is None or group.next_flush_at > draft.now:
                continue
            enqueued += flush_group(draft, group, self.destinations, self.quiet, iter(new_id, ""))
        return enqueued

    # --- silences ---

    async def put_silence(self, silence: Silence, replaces: str | None = None) -> str:
        """Stores a silence; returns the id in force. KeyError: `replaces` is unknown. ValueError:
        not acceptable; the text names the field."""
        identity = new_id()
        return await self.desk.work(
            lambda draft: silences.put(draft, silence, replaces, identity, self.config.silences.bounds)
        )

    async def expire_silence(self, silence_id: str) -> bool:
        """Ends a silence now; False when it is unknown."""
        return await self.desk.work(lambda draft: silences.end(draft, silence_id))

    async def import_silences(self, posted: Sequence[Silence]) -> list[silences.Imported]:
        """Takes silences from a file, each for itself; durable when it returns."""
        ids = [new_id() for _ in posted]

        def unit(draft: Draft) -> list[silences.Imported]:
            return silences.bring_in(draft, posted, ids, self.config.silences.bounds)

        return await self.desk.work(unit)

    # --- maintenance windows ---

    def windows(self, rows: Rows | None = None) -> dict[str, Window]:
        """All maintenance windows by name; of two with one name that of the configuration counts."""
        made = (rows or self.memory).windows.values()
        return {window.name: window for window in (*made, *self.config.maintenance)}

    async def keep_windows(self) -> None:
        """Makes the silences of the windows whose time has come; tells when that is again."""
        self.windows_due = await self.desk.work(lambda draft: maintenance.keep(draft, self.windows(draft)))

    async def add_window(self, window: Window) -> None:
        """Stores a window. Raises ValueError when there is one of this name."""

        def unit(draft: Draft) -> None:
            known, most = self.windows(draft), self.config.silences.limit
            if window.name in known:
                raise ValueError(f"there is a maintenance window {window.name!r} already")
            if len(known) >= most:
                raise ValueError(f"there are {len(known)} maintenance windows; silences.limit = {most}")
            draft.windows.put(window.name, window)
            maintenance.keep(draft, self.windows(draft))

        await self.desk.work(unit)
        self.windows_due = self.clock.now()

    async def remove_window(self, name: str) -> bool:
        """Removes a window that was made at run time, and ends what it silences; False: there is none."""

        def unit(draft: Draft) -> bool:
            if draft.windows.get(name) is None:
                return False
            draft.windows.drop(name)
            maintenance.keep(draft, self.windows(draft))
            return True

        removed = await self.desk.work(unit)
        self.windows_due = self.clock.now()
        return removed

    # --- the outbox ---

    async def retry_delivery(self, delivery_id: str) -> bool:
        """Queues a dead delivery again; False when there is no dead one with this id."""
        lines = await self.store.history(HistoryQuery(delivery_id=delivery_id, limit=2))
        dead = [line.delivery for line in lines if line.delivery.state is DeliveryState.DEAD]
        if len(dead) != 1 or dead[0].notifier not in self.destinations.send_resolved:
            return False
        await self.desk.work(lambda draft: outbox.retry(draft, dead[0]))
        return True

    async def drop_delivery(self, delivery_id: str) -> bool:
        """Gives up a delivery that waits; False when none waits under this id."""

        def drop(draft: Draft) -> bool:
            row = draft.deliveries.get(delivery_id)
            if row is None or row.state is not DeliveryState.QUEUED:
                return False
            outbox.give_up(draft, row, "dropped by request")
            return True

        return await self.desk.work(drop)
