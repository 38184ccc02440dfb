"""Sweep: what has to happen now and then.

Knows which chores there are and how often they run. Must not know what a silence, a refresh or an
old row means. The scheduler calls each chore; each is one short unit of work.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hbalert.engine import Engine
from hbalert.memory import Draft
from hbalert.units.endings import endings
from hbalert.units.own import Own, clock_stepped
from hbalert.units.silences import begun, ends_of, over, resolved

LEAST_HISTORY = timedelta(hours=120)
"""The log and ended silences are kept at least as long as Alertmanager keeps them."""


class Sweeper:
    """The chores."""

    def __init__(self, engine: Engine, since: datetime) -> None:
        """since: until when silences that end were looked after, before a restart by who was there then."""
        self._engine = engine
        self._looked_at = since

    async def every_second(self, now: datetime) -> None:
        """Refreshes that must be in the store soon; groups whose silence has just ended; silences that
        lasted until alerts had resolved whose end has just come by the clock; maintenance windows."""
        await self._ends_and_refreshes(now)
        # Last: a full disk takes no new silence, and must not keep the end of another from being heard.
        if self._engine.windows_due is not None and self._engine.windows_due <= now:
            await self._engine.keep_windows()

    async def _ends_and_refreshes(self, now: datetime) -> None:
        engine, memory = self._engine, self._engine.memory
        self._looked_at = min(self._looked_at, now)
        # What has no end to miss is written with its next transition.
        overdue = memory.to_write.due(now + timedelta(seconds=1))
        since = self._looked_at
        ended = [silence for silence in memory.silences.values() if since < silence.ends_at <= now]
        begins = [silence for silence in memory.silences.values() if since < silence.starts_at <= now]
        # Who begins with its making is told of then.
        begins = [silence for silence in begins if silence.updated_at < silence.starts_at]
        gone = self._gone(since, now) if len(memory.lasting) else []
        if not overdue and not ended and not begins and not gone:
            self._looked_at = now
            return

        def unit(draft: Draft) -> None:
            for key in overdue:
                alert = draft.alerts.get(key)
                if alert is not None:
                    draft.put_alert(alert)
            begun(draft, begins)
            # What was ended by hand has said so and reopened its groups already.
            over(draft, [silence for silence in ended if silence.updated_at < silence.ends_at])
            known = (alert for key in gone if (alert := draft.alerts.get(key)))
            resolved(draft, ends_of(alert for alert in known if alert.resolved(draft.now)))

        try:
            await engine.desk.work(unit)
        except Exception:
            for key in overdue:
                memory.to_write.set(key, now)
            raise
        self._looked_at = now

    async def tell_steps(self) -> None:
        """Our own alert about a clock that was set. What could not be stored is told later."""
        engine = self._engine
        if not engine.steps:
            return
        steps, own = list(engine.steps), Own(engine.config.evaluation.external_labels)
        await engine.desk.work(
            lambda draft: engine.accept_into(
                draft, [clock_stepped(own.stepped(jump), jump, draft.now) for jump in steps]
            )
        )
        del engine.steps[: len(steps)]

    def _gone(self, since: datetime, now: datetime) -> list[bytes]:
        """Keys of the alerts that nobody ended: their time has passed. One that left its last group in
        this very second is not among them: the flush has looked after it."""
        memory = self._engine.memory
        late = [key for key, at in memory.write_by.items() if at <= now]
        known = ((key, alert.ends_at) for key in late if (alert := memory.alerts.get(key)))
        return [key for key, ends_at in known if ends_at is not None and since < ends_at <= now]

    async def endings(self, now: datetime) -> None:
        """A word to those whose silence is about to end while it still silences something."""
        engine = self._engine
        own = Own(engine.config.evaluation.external_labels)
        notice = engine.config.silences.notice
        await engine.desk.work(lambda draft: engine.accept_into(draft, endings(draft, own, notice)))

    async def touch(self, now: datetime) -> None:
        """Leaves a sign of life, from which the next start knows how long nobody could refresh."""
        await self._engine.store.touch(now)

    async def prune(self, now: datetime) -> int:
        """Removes history and ended silences that are older than the retention; returns how many rows.

        Not soon after the clock was set forward: by a wrong one, everything may look old enough.
        """
        if self._engine.clock.monotonic() < self._engine.doubted_until:
            return 0
        before = now - max(self._engine.config.storage.retention, LEAST_HISTORY)

        def unit(draft: Draft) -> None:
            for silence in list(draft.silences.values()):
                # A window comes so often that its occurrences are kept for the shortest time.
                oldest = now - LEAST_HISTORY if silence.window else before
                if max(silence.ends_at, silence.kept_until or silence.ends_at) < oldest:
                    draft.drop_silence(silence.id)

        await self._engine.desk.work(unit)
        return await self._engine.store.prune(before)
