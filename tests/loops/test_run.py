"""The one while: woken, on time, and not ended by any exception."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from hbalert.errors import StoreFull
from hbalert.loops.run import every, run
from tests.core.say import s
from tests.fakes.clock import START, FakeClock, settle


@asynccontextmanager
async def running(
    step: Callable[[datetime], Awaitable[datetime | None]], clock: FakeClock
) -> AsyncIterator[asyncio.Event]:
    wake = asyncio.Event()
    task = asyncio.create_task(run("test", step, wake, clock))
    await settle()
    yield wake
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_step_is_called_again_when_it_said() -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> datetime | None:
        calls.append((now - START).total_seconds())
        return now + s(10)

    async with running(step, clock):
        await clock.advance(25)
    assert calls == [0, 10, 20]


async def test_a_step_is_called_earlier_when_woken_and_waits_for_ever_otherwise() -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> datetime | None:
        calls.append((now - START).total_seconds())
        return None

    async with running(step, clock) as wake:
        await clock.advance(5)
        wake.set()
        await settle()
        await clock.advance(1000)
    assert calls == [0, 5]


async def test_a_wake_up_during_a_step_is_not_lost() -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> datetime | None:
        calls.append(now)
        if len(calls) == 1:
            wake.set()
        return None

    wake = asyncio.Event()
    task = asyncio.create_task(run("test", step, wake, clock))
    await settle()
    task.cancel()
    assert len(calls) == 2


async def test_what_is_overdue_is_done_at_once_without_blocking_others() -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> datetime | None:
        calls.append(now)
        return now - s(1) if len(calls) < 3 else None

    async with running(step, clock):
        pass
    assert len(calls) == 3


@pytest.mark.parametrize("error", [StoreFull("no room"), RuntimeError("bug")])
async def test_no_exception_ends_a_loop_and_none_makes_it_spin(error: Exception) -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> datetime | None:
        calls.append((now - START).total_seconds())
        if len(calls) < 3:
            raise error
        return None

    async with running(step, clock):
        await clock.advance(10)
    assert calls == [0, 1, 2]


@pytest.mark.parametrize("step_of_clock", [-86400, -3600, 3600, 86400])
async def test_the_tick_goes_on_whatever_happens_to_the_wall_clock(step_of_clock: float) -> None:
    clock, calls = FakeClock(), []

    async def step(now: datetime) -> None:
        calls.append(clock.monotonic())
        if len(calls) == 3:
            clock.step(step_of_clock)
            raise RuntimeError("bug")

    task = asyncio.create_task(every("tick", 1.0, step, clock))
    await clock.advance(6)
    task.cancel()
    assert calls == [1000, 1001, 1002, 1003, 1004, 1005, 1006]
