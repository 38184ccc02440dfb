"""Chores: what is done now and then, on a schedule.

Knows APScheduler, and that it looks at the wall clock: after a step of it every chore is scheduled
again; and that a chore that fails is done again at its next time. Must not know what a chore does. Nothing
that has to be on time is among them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hbalert.errors import StoreError

log = structlog.get_logger("hbalert.chores")


class Chores:
    """Runs chores on the event loop until `stop`.

    chores  name -> (every so many seconds, what to call)
    """

    def __init__(self, chores: Mapping[str, tuple[float, Callable[[], Awaitable[None]]]]) -> None:
        self._every = {name: seconds for name, (seconds, _) in chores.items()}
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        for name, (seconds, chore) in chores.items():
            self._scheduler.add_job(_attempt, "interval", seconds=seconds, id=name, args=(name, chore))
        self._scheduler.start()

    def again(self) -> None:
        """The clock was set: every chore is due so many seconds from what it shows now."""
        for name, seconds in self._every.items():
            self._scheduler.reschedule_job(name, trigger="interval", seconds=seconds)

    def stop(self) -> None:
        """Begins no chore any more; does not wait for one that runs."""
        self._scheduler.shutdown(wait=False)


async def _attempt(name: str, chore: Callable[[], Awaitable[None]]) -> None:
    try:
        await chore()
    except StoreError as error:
        log.error("chore_failed", chore=name, error=str(error))
    except Exception:
        log.exception("chore_failed", chore=name)
