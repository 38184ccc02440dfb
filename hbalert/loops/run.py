"""The one `while`: runs a step, then waits until there is something to do.

Knows waiting and that no exception may end a loop. Must not know what a step does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from hbalert.clock import Clock
from hbalert.errors import StoreError

log = structlog.get_logger("hbalert.loop")

PAUSE_AFTER_ERROR = 1.0
"""Seconds; a step that fails is tried again, but not in a tight circle."""


async def run(
    name: str,
    step: Callable[[datetime], Awaitable[datetime | None]],
    wake: asyncio.Event,
    clock: Clock,
) -> None:
    """Calls `step(now)` for ever; ends only by cancellation.

    step  does what is due and returns when to call again at the latest; None: when woken
    wake  set by others when there may be something to do earlier
    """
    while True:
        wake.clear()
        try:
            again_at = await step(clock.now())
        except StoreError as error:
            log.error("step_failed", loop=name, error=str(error))
            await clock.sleep(PAUSE_AFTER_ERROR)
            continue
        except Exception:
            log.exception("step_failed", loop=name)
            await clock.sleep(PAUSE_AFTER_ERROR)
            continue
        await until(again_at, wake, clock)


async def until(at: datetime | None, wake: asyncio.Event, clock: Clock) -> None:
    """Waits for `wake`, but not beyond `at`."""
    if at is None:
        await wake.wait()
        return
    seconds = (at - clock.now()).total_seconds()
    if seconds <= 0:
        await clock.sleep(0)
        return
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    waking = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        waking.cancel()


async def every(name: str, seconds: float, step: Callable[[datetime], Awaitable[None]], clock: Clock) -> None:
    """Calls `step(now)` at this pace for ever, whatever happens to the wall clock; ends only by
    cancellation. A step that takes longer delays the next one; none is made up for."""
    while True:
        begun = clock.monotonic()
        try:
            await step(clock.now())
        except StoreError as error:
            log.error("step_failed", loop=name, error=str(error))
        except Exception:
            log.exception("step_failed", loop=name)
        await clock.sleep(begun + seconds - clock.monotonic())
