"""One thread that runs jobs in the order in which they were given.

Knows how a job's result finds its way back into the event loop that asked. Must not know what a job
does. The store has two: one writes, one reads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from hbalert.errors import StoreError

T = TypeVar("T")
Item = TypeVar("Item")

MOST_AT_ONCE = 256
"""Longest list of items that is run as one: what the last of them waits for stays short."""


@dataclass(slots=True)
class _Job:
    """Either `work`, or an `item` to be run together with its neighbours; `future` hears the result."""

    work: Callable[[], Any] | None
    item: Any
    future: asyncio.Future[Any] | None


class Worker(Generic[Item]):
    """A thread, started at once.

    run_items  runs several items, waiting one behind the other, as one; answers for each of them with
               None or with the error its caller gets
    """

    def __init__(
        self, name: str, run_items: Callable[[list[Item]], Sequence[Exception | None]] | None = None
    ) -> None:
        self._run_items = run_items
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._held: _Job | None = None
        self._closed = False
        # A daemon thread: a process that ends without closing the store must not hang.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """The result of `work`, run on the thread. Raises StoreError when the thread has been closed."""
        return self._put(work, None)

    def join(self, item: Item) -> asyncio.Future[None]:
        """Done when `item` has been run, alone or with others. Raises StoreError when closed."""
        return self._put(None, item)

    def post(self, work: Callable[[], object]) -> None:
        """Runs `work` some time; nobody hears its result. May be called from any thread."""
        if not self._closed:
            self._queue.put(_Job(work, None, None))

    async def close(self, last: Callable[[], None] | None = None) -> None:
        """Runs what has been given already, then `last`, then ends the thread. May be called again.

        Raises what `last` raises, the first time.
        """
        done: asyncio.Future[None] | None = None
        if not self._closed:
            done = self._put(last, None) if last is not None else None
            self._closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        if done is not None:
            await done

    def _put(self, work: Callable[[], Any] | None, item: Any) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreError("the store is closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._queue.put(_Job(work, item, future))
        return future

    # Everything below runs on the thread.

    def _run(self) -> None:
        while jobs := self._take():
            _deliver(jobs, self._results(jobs))

    def _take(self) -> list[_Job]:
        """The next job; when it is an item, all items directly behind it too. Empty at the end."""
        first = self._held or self._queue.get()
        self._held = None
        if first is None:
            return []
        jobs = [first]
        while jobs[-1].work is None and len(jobs) < MOST_AT_ONCE:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                self._queue.put(None)
                break
            if following.work is not None:
                self._held = following
                break
            jobs.append(following)
        return jobs

    def _results(self, jobs: list[_Job]) -> Sequence[tuple[Any, BaseException | None]]:
        work = jobs[0].work
        try:
            if work is not None:
                return [(work(), None)]
            if self._run_items is None:
                raise TypeError("this worker takes no items")
            return [(None, error) for error in self._run_items([job.item for job in jobs])]
        except BaseException as error:  # whatever it is, it belongs to the caller, and the thread lives on
            return [(None, error)] * len(jobs)


def _deliver(jobs: list[_Job], results: Sequence[tuple[Any, BaseException | None]]) -> None:
    """One wake-up per event loop, however many callers wait in it."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, BaseException | None]]] = {}
    for job, (result, error) in zip(jobs, results, strict=True):
        if job.future is not None:
            waiting.setdefault(job.future.get_loop(), []).append((job.future, result, error))
    for loop, settled in waiting.items():
        try:
            loop.call_soon_threadsafe(_settle, settled)
        except RuntimeError:
            pass  # the loop has been closed: nobody waits any more


def _settle(settled: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, result, error in settled:
        if future.done():
            continue  # its caller has been cancelled
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
