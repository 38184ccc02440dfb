"""The scheduler itself, on the real clock: what a step of it does to chores, and what is done about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from hbalert.loops.chores import Chores


async def test_a_chore_whose_time_has_moved_an_hour_away_is_done_again_within_its_interval() -> None:
    """A clock set back an hour leaves the scheduler waiting for an hour: so it is put here."""
    done = asyncio.Event()

    async def chore() -> None:
        done.set()

    chores = Chores({"chore": (0.2, chore)})
    try:
        await asyncio.wait_for(done.wait(), 10)
        chores._scheduler.modify_job("chore", next_run_time=datetime.now(UTC) + timedelta(hours=1))
        await asyncio.sleep(0)
        done.clear()
        (waiting,) = chores._scheduler.get_jobs()
        assert waiting.next_run_time - datetime.now(UTC) > timedelta(minutes=50)
        chores.again()
        await asyncio.wait_for(done.wait(), 10)
    finally:
        chores.stop()
