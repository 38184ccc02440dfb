"""The scheduler itself, on the real clock: what a step of it does to chores, and what is done about it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from structlog.testing import capture_logs

from hbalert.errors import StoreError
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


async def test_a_chore_that_the_store_refuses_is_a_line_of_the_log_and_done_again() -> None:
    done, tried = asyncio.Event(), []

    async def chore() -> None:
        tried.append(1)
        if len(tried) < 3:
            raise [StoreError("no room"), ValueError("a mistake")][len(tried) - 1]
        done.set()

    chores = Chores({"chore": (0.05, chore)})
    try:
        with capture_logs() as lines:
            await asyncio.wait_for(done.wait(), 20)
    finally:
        chores.stop()
    said = [(line["event"], line["chore"], line.get("error")) for line in lines]
    assert said == [("chore_failed", "chore", "no room"), ("chore_failed", "chore", None)]
