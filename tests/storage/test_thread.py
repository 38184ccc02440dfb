"""One thread, jobs in order, results where they were asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from hbalert.errors import StoreError
from hbalert.storage.thread import MOST_AT_ONCE, Worker


class Recorder:
    """Runs items that are numbers; negative ones fail. Remembers what ran together."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []

    def __call__(self, items: list[int]) -> list[Exception | None]:
        self.runs.append(items)
        return [ValueError(str(item)) if item < 0 else None for item in items]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def worker(recorder: Recorder) -> AsyncIterator[Worker[int]]:
    worker: Worker[int] = Worker("test", recorder)
    yield worker
    await worker.close()


async def test_a_call_answers_from_the_thread(worker: Worker[int]) -> None:
    assert await worker.call(lambda: threading.current_thread().name) == "test"


async def test_what_a_call_raises_comes_out_and_the_thread_lives_on(worker: Worker[int]) -> None:
    for error in (KeyError("x"), SystemExit(3)):

        def fail(error: BaseException = error) -> None:
            raise error

        with pytest.raises(type(error)):
            await worker.call(fail)
    assert await worker.call(lambda: 1) == 1


async def test_items_that_wait_run_together_and_calls_keep_their_place(
    worker: Worker[int], recorder: Recorder
) -> None:
    go_on = threading.Event()
    first = worker.call(lambda: go_on.wait(30))
    seen: list[int] = []
    waiting: list[asyncio.Future[None]] = [worker.join(1), worker.join(-2), worker.join(3)]
    waiting.append(worker.call(lambda: seen.append(len(recorder.runs))))
    waiting += [worker.join(4), worker.join(5)]
    go_on.set()
    assert await first
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert recorder.runs == [[1, -2, 3], [4, 5]]
    assert seen == [1]
    assert [type(result) for result in results] == [type(None), ValueError, *[type(None)] * 4]


async def test_a_long_line_runs_in_parts(worker: Worker[int], recorder: Recorder) -> None:
    go_on = threading.Event()
    first = worker.call(lambda: go_on.wait(30))
    waiting = [worker.join(number) for number in range(MOST_AT_ONCE + 5)]
    go_on.set()
    await first
    await asyncio.gather(*waiting)
    assert [len(run) for run in recorder.runs] == [MOST_AT_ONCE, 5]


async def test_items_that_fail_as_a_whole_fail_for_everybody() -> None:
    def fail(items: list[int]) -> list[Exception | None]:
        raise RuntimeError("all")

    worker = Worker("test", fail)
    results = await asyncio.gather(worker.join(1), worker.join(2), return_exceptions=True)
    await worker.close()
    assert [str(result) for result in results] == ["all", "all"]


async def test_a_caller_that_went_away_is_not_missed(worker: Worker[int]) -> None:
    go_on = threading.Event()
    first = worker.call(lambda: go_on.wait(30))
    gone = worker.join(-1)
    gone.cancel()
    go_on.set()
    await first
    assert await worker.call(lambda: 1) == 1


async def test_closing_runs_what_waits_then_the_last_then_refuses(
    worker: Worker[int], recorder: Recorder
) -> None:
    seen: list[str] = []
    worker.post(lambda: seen.append("posted"))
    waiting = worker.join(1)
    await worker.close(lambda: seen.append(f"last, after {recorder.runs}"))
    await waiting
    assert seen == ["posted", "last, after [[1]]"]
    worker.post(lambda: seen.append("too late"))
    with pytest.raises(StoreError, match="closed"):
        worker.call(lambda: 1)
    await worker.close(lambda: seen.append("twice"))
    assert seen == ["posted", "last, after [[1]]"]


async def test_what_the_last_raises_comes_out(recorder: Recorder) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Worker("test", recorder).close(fail)


def test_a_loop_that_was_closed_is_no_harm(recorder: Recorder) -> None:
    """A job that ends after its loop: nobody hears it, and nothing breaks."""
    go_on = threading.Event()
    worker: Worker[int] = Worker("test", recorder)

    async def leave() -> None:
        worker.call(lambda: go_on.wait(30))

    asyncio.run(leave())
    go_on.set()

    async def again() -> int:
        answer = await worker.call(lambda: 1)
        await worker.close()
        return answer

    assert asyncio.run(again()) == 1
