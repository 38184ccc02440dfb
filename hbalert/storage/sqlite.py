"""The store in one SQLite file: `hbalert.ports.Store` for one machine.

Knows which thread does what. Must not know SQL (`queries/`), what a row looks like (`rows.py`) or what
anything means. One thread writes (`writer.py`), one reads history (`reader.py`); the event loop only
waits for them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from hbalert.core.matcher import CompileRegex
from hbalert.core.trouble import Room
from hbalert.ports import Changes, HistoryLine, HistoryQuery, Note, Snapshot
from hbalert.storage.reader import Reader
from hbalert.storage.thread import Worker
from hbalert.storage.writer import Item, Writer

BALLAST_BYTES = 4 * 1024 * 1024
"""Room kept for a full disk: the settlements of some hundred deliveries, and a log to be written back."""

SWITCH_INTERVAL = 0.0005
"""Seconds a busy thread may keep the interpreter while the writer waits for it.

64 inserts beside a busy loop took 7.4 ms with Python's own 5 ms, 3.8 ms with this, 3.0 ms with 0.2 ms; two
busy threads together lose an eighth of their speed by it.
"""


class SqliteStore:
    """The truth in a file. Made by `open`; owned by this process until `close`.

    A `commit` whose caller is cancelled may still be stored.
    """

    def __init__(self, writing: Worker[Item], reading: Worker[None], writer: Writer, reader: Reader) -> None:
        """Not to be called: see `open`."""
        self._writing = writing
        self._reading = reading
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(
        cls,
        path: Path | str,
        *,
        compile_regex: CompileRegex,
        now: datetime,
        ballast_bytes: int = BALLAST_BYTES,
    ) -> SqliteStore:
        """Opens the database at `path`, and makes it when there is none.

        A damaged one is repaired (see `repairs`), one with an older schema is copied to
        `<name>.before-NNNN` and migrated.

        compile_regex  for the matchers of silences
        now            names a damaged file that is kept; noted beside a migration
        ballast_bytes  room kept for a full disk, in a file beside the database; 0 = none
        Raises StoreLocked when another hbalert owns it, StoreFull when it cannot be written, StoreError
        when its schema is newer or it is another program's.
        """
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_INTERVAL))
        database = Path(path)
        opened: list[Writer] = []
        writing: Worker[Item] = Worker("hbalert-store", lambda items: opened[0].run(items))
        reading: Worker[None] = Worker("hbalert-history")
        try:
            writer = await writing.call(lambda: Writer(database, compile_regex, now, ballast_bytes))
            opened.append(writer)

            def skipped(sentence: str) -> None:
                if sentence not in writer.repairs:
                    writer.repairs.append(sentence)

            reader = await reading.call(lambda: Reader(database, skipped))
        except BaseException:
            if opened:
                await writing.call(opened[0].close)
            await writing.close()
            await reading.close()
            raise
        writer.checkpoint = lambda: reading.post(reader.checkpoint)
        return cls(writing, reading, writer, reader)

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was found damaged and what was lost, in plain sentences. Grows when `load` or history
        meet rows that cannot be understood."""
        return tuple(self._writer.repairs)

    @property
    def transactions(self) -> int:
        """How many were committed: less than the commits, because several share one."""
        return self._writer.transactions

    async def load(self) -> Snapshot:
        """Everything live. Deliveries that are not live stay behind, as history."""
        return await self._writing.call(self._writer.load)

    async def commit(self, changes: Sequence[Changes]) -> None:
        """Makes the changes durable: all of this call, in order, or none. Raises StoreFull, StoreError.

        Calls that wait while another is being written share one transaction and one fsync; one that
        fails does not fail the others. `changes` must not be altered before this returns.
        """
        wanted = tuple(change for change in changes if change)
        if wanted:
            await self._writing.join(wanted)

    async def touch(self, now: datetime) -> None:
        """Records that the store is in use now. Survives the end of the process; no fsync of its own,
        so that after a power cut an older time may be found, which only means more patience."""
        await self._writing.join(now)

    async def room(self) -> Room | None:
        """What is left on the disk. Full means that the ballast is spent and cannot be made again yet:
        then `commit` refuses new alerts and silences and takes only what is in flight."""
        return await self._writing.call(self._writer.ballast.room)

    async def history(self, query: HistoryQuery) -> list[HistoryLine]:
        """Deliveries with their attempts, newest first.

        A delivery's time is when it was settled; while it is live, when it was made. `since` counts,
        `until` does not; what is live is after any `since`. A limit of 0 is none.
        """
        return await self._reading.call(lambda: self._reader.history(query))

    async def sent_since(self, notifier: str, since: datetime) -> int:
        """Messages that a notifier has sent since then; one to three numbers counts three."""
        return await self._reading.call(lambda: self._reader.sent_since(notifier, since))

    async def notes(self, *, alert_key: bytes = b"", group_id: str = "", limit: int = 1000) -> list[Note]:
        """Timeline lines, oldest first; of more than `limit` the latest. Both filters must hold."""
        return await self._reading.call(lambda: self._reader.notes(alert_key, group_id, limit))

    async def prune(self, before: datetime) -> int:
        """Removes deliveries settled before `before` with their attempts, timeline lines, and silences
        that ended before; never what is live. Returns the number of rows.

        In small steps between which commits are served.
        """
        removed = await self._writing.call(lambda: self._writer.prune_silences(before))
        while step := await self._writing.call(lambda: self._writer.prune_deliveries(before)):
            removed += step
        removed += await self._prune_lines(lambda after: self._writer.prune_notes(before, after))
        removed += await self._prune_lines(lambda after: self._writer.prune_attempts(before, after))
        return removed

    async def _prune_lines(self, step: Callable[[int], tuple[int, int | None]]) -> int:
        removed = 0
        after: int | None = 0
        while after is not None:
            count, after = await self._writing.call(partial(step, after))
            removed += count
        return removed

    async def close(self) -> None:
        """Finishes what has been given, closes the file and gives up its ownership. May be called again."""
        await self._reading.close(self._reader.close)
        await self._writing.close(self._writer.close)
