"""The store under the fuse: a point before every statement, around every commit, and a power cut.

Knows SQLite's connections and files. Must not know what is stored. Two things may happen at a point:

    kill       the process ends; what it has written stays, as the kernel keeps it
    power cut  the process ends, and of what it wrote since the last commit that SQLite was told to
               sync only a torn part stays: the first half of the new bytes, one of them wrong

The store runs without its threads, so that the same points come in the same order every time; its
queue, its batches, its SQL and its file are the real ones.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from hbalert.ports import Changes
from hbalert.regex import compile_regex
from hbalert.storage.queries import sqlite as q
from hbalert.storage.reader import Reader
from hbalert.storage.sqlite import SqliteStore
from hbalert.storage.thread import Item, Worker, _deliver
from hbalert.storage.writer import Writer
from tests.chaos.points import Fuse

FULL = 2
"""What `PRAGMA synchronous` answers when a commit waits for the disk."""


class Inline(Worker[Item]):
    """The store's worker without a thread: what it is given is run between two turns of the event loop."""

    def __init__(self, run_items: Callable[[list[Item]], Sequence[Exception | None]] | None = None) -> None:
        super().__init__("inline", run_items)
        self._due = False

    def _run(self) -> None:
        """The thread has nothing to do."""

    def _put(self, work: Callable[[], Any] | None, item: Any) -> asyncio.Future[Any]:
        future = super()._put(work, item)
        self._soon()
        return future

    def post(self, work: Callable[[], object]) -> None:
        super().post(work)
        self._soon()

    async def close(self, last: Callable[[], None] | None = None) -> None:
        if not self._closed:
            done = self._put(last or (lambda: None), None)
            self._closed = True
            await done

    def _soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._due = False
        jobs = self._take()
        _deliver(jobs, self._results(jobs))
        if self._held is not None or not self._queue.empty():
            self._soon()


class Disk:
    """The files of one store, and what of them is synced.

    synced  folder with the files as they were at the last commit that was told to sync
    copies  whether they are kept there: only a power cut needs them
    """

    def __init__(self, database: Path, fuse: Fuse, *, copies: bool = False) -> None:
        self.database = database
        self.fuse = fuse
        self.copies = copies
        self.synced = database.parent / "synced"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Meanwhile every new connection of this process to the database passes points."""
        connect = sqlite3.connect
        disk = self

        class Watched(sqlite3.Connection):
            def __init__(self, name: Any, *rest: Any, **more: Any) -> None:
                super().__init__(name, *rest, **more)
                self.watched = str(name) == str(disk.database)
                if self.watched:
                    self.set_trace_callback(lambda sql: disk.fuse.passes("statement", _short(sql)))

            def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
                cursor = super().execute(sql, *rest)
                if self.watched and sql == q.COMMIT:
                    disk.committed(self)
                elif self.watched and sql == q.CHECKPOINT:
                    disk.keep()  # it syncs the log before it reads it, and the database after
                return cursor

        vars(sqlite3)["connect"] = partial(connect, factory=Watched)
        try:
            yield
        finally:
            vars(sqlite3)["connect"] = connect

    def committed(self, connection: sqlite3.Connection) -> None:
        self.fuse.passes("commit", "written, perhaps not synced")
        with self.fuse.asleep():
            # Always asked, so that the points are the same with copies and without.
            (level,) = sqlite3.Connection.execute(connection, "PRAGMA synchronous").fetchone()
            if level == FULL:
                self.keep()
        self.fuse.passes("commit", "over")

    def keep(self) -> None:
        """Everything that has been written until now is synced."""
        if not self.copies:
            return
        self.synced.mkdir(exist_ok=True)
        for path in (self.database, _log_of(self.database)):
            if path.exists():
                shutil.copyfile(path, self.synced / path.name)
            else:
                (self.synced / path.name).unlink(missing_ok=True)

    def image(self, folder: Path) -> Path:
        """A copy of the files as they are at this moment, in a folder of that name; where it is."""
        folder.mkdir()
        for path in self.database.parent.glob(self.database.name + "*"):
            if not path.name.endswith(("-shm", ".lock")):
                shutil.copyfile(path, folder / path.name)
        return folder / self.database.name

    def power_cut(self) -> None:
        """What a machine finds that lost its power when the process ended: called afterwards, by others."""
        for path in (self.database, _log_of(self.database)):
            safe = self.synced / path.name
            before = safe.read_bytes() if safe.exists() else b""
            after = path.read_bytes() if path.exists() else b""
            if path == self.database:
                if safe.exists():  # what a checkpoint writes is in the log until it is synced
                    path.write_bytes(before)
            elif before or after:
                path.write_bytes(_torn(before, after))
        self.database.with_name(self.database.name + "-shm").unlink(missing_ok=True)


def _log_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def _torn(before: bytes, after: bytes) -> bytes:
    """The first half of what is new, its last byte wrong; behind it what was there before, and rubbish."""
    same = next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), None)
    if same is None:
        same = min(len(before), len(after))
    end = same + (len(after) - same) // 2
    new = after[same:end]
    if new:
        new = new[:-1] + bytes([new[-1] ^ 0x10])
    return before[:same] + new + before[same + len(new) :] + b"\x5a" * 100


def _short(sql: str) -> str:
    return " ".join(sql.split()[:3])[:40]


class WatchedStore(SqliteStore):
    """A point before a commit is asked for, and one when it is answered: then memory changes."""

    fuse: Fuse

    @classmethod
    async def inline(cls, disk: Disk, now: datetime) -> WatchedStore:
        writer = Writer(disk.database, compile_regex, now, 0)
        reader = Reader(disk.database, writer.repairs.append)
        writing, reading = Inline[Any](writer.run), Inline[None]()
        writer.checkpoint = lambda: reading.post(reader.checkpoint)
        store = cls(writing, reading, writer, reader)
        store.fuse = disk.fuse
        return store

    async def commit(self, changes: Sequence[Changes]) -> None:
        self.fuse.passes("store", "asked")
        await super().commit(changes)
        self.fuse.passes("store", "answered")

    async def checkpoint(self) -> None:
        """The log is written into the database, as it happens by itself in long runs."""
        await self._reading.call(self._reader.checkpoint)
