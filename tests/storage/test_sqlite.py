"""What only the SQLite store does: one owner, shared transactions, a full disk, a sudden end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hbalert.core.delivery import DeliveryState
from hbalert.errors import StoreError, StoreFull, StoreLocked
from hbalert.ports import Changes, HistoryQuery, Store
from hbalert.storage.sqlite import SqliteStore
from tests.storage.values import (
    alert,
    attempt,
    delivery,
    everything,
    fill,
    labels,
    note,
    open_sqlite,
    silence,
    t,
)

MIB = 1024 * 1024


def appears(number: int) -> Changes:
    row = alert(number)
    return Changes(alerts={row.labels.key: row})


# --- one owner ---------------------------------------------------------------------------------


async def test_a_second_owner_is_refused_and_told_who_the_first_is(
    sqlite: SqliteStore, database: Path
) -> None:
    with pytest.raises(StoreLocked, match=f"in use by process {os.getpid()}"):
        await open_sqlite(database)
    await sqlite.commit([everything()])


async def test_another_process_is_refused_until_the_first_has_closed(database: Path) -> None:
    script = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from hbalert.errors import StoreLocked\n"
        "from tests.storage.values import open_sqlite\n"
        "async def main():\n"
        "    try:\n"
        f"        store = await open_sqlite(Path({str(database)!r}))\n"
        "    except StoreLocked as error:\n"
        "        print('locked:', error)\n"
        "    else:\n"
        "        print('alerts:', len((await store.load()).alerts))\n"
        "        await store.close()\n"
        "asyncio.run(main())\n"
    )

    async def other() -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = await process.communicate()
        return said.decode()

    first = await open_sqlite(database)
    await first.commit([appears(1)])
    said = await other()
    assert said.startswith("locked:")
    assert f"process {os.getpid()}" in said
    await first.close()
    assert await other() == "alerts: 1\n"


async def test_a_store_that_could_not_be_opened_leaves_no_lock(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE somebody_elses (x)")
    connection.close()
    for _ in range(2):
        with pytest.raises(StoreError, match="another program") as caught:
            await open_sqlite(database)
        assert not isinstance(caught.value, StoreLocked)


async def test_the_files_are_for_nobody_elses_eyes(sqlite: SqliteStore, database: Path) -> None:
    await sqlite.commit([everything()])
    files = sorted(database.parent.iterdir())
    assert [file.name for file in files] == [f"hbalert.db{end}" for end in ("", "-shm", "-wal", ".lock")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_folders_are_made(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "data" / "deep" / "hbalert.db")
    await store.close()


async def test_a_path_that_cannot_be_used_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"file.* cannot be made.*check storage.url"):
        await open_sqlite(tmp_path / "file" / "hbalert.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(StoreError, match=r"folder.db cannot be opened"):
        await open_sqlite(tmp_path / "folder.db")


async def test_it_is_a_store(sqlite: SqliteStore) -> None:
    as_seen_by_loops: Store = sqlite
    assert await as_seen_by_loops.history(HistoryQuery()) == []


# --- one transaction for many ------------------------------------------------------------------


async def test_callers_that_wait_share_a_transaction(sqlite: SqliteStore) -> None:
    before = sqlite.transactions
    await asyncio.gather(*(sqlite.commit([appears(number)]) for number in range(200)))
    # The first may be on its way before the others come.
    assert sqlite.transactions - before <= 3
    assert len((await sqlite.load()).alerts) == 200


async def test_a_commit_alone_is_a_transaction_of_its_own(sqlite: SqliteStore) -> None:
    before = sqlite.transactions
    for number in range(5):
        await sqlite.commit([appears(number), appears(number + 100)])
    assert sqlite.transactions - before == 5


async def test_a_history_that_is_being_read_does_not_hold_up_commits(sqlite: SqliteStore) -> None:
    """The reading thread is kept busy until the commits are done."""
    go_on = threading.Event()
    reading = sqlite._reading.call(lambda: go_on.wait(30))
    for number in range(20):
        await sqlite.commit([appears(number)])
    assert not reading.done()
    go_on.set()
    assert await reading


async def test_a_commit_is_synced_and_a_sign_of_life_alone_is_not(sqlite: SqliteStore) -> None:
    """2 is FULL: the log is synced at each commit. 1 is NORMAL: only before it is written back."""

    async def synchronous() -> int:
        query = "PRAGMA synchronous"
        (level,) = await sqlite._writing.call(lambda: sqlite._writer._connection.execute(query).fetchone())
        return int(level)

    levels = [await synchronous()]
    for _ in range(2):
        await sqlite.touch(t(1))
        levels.append(await synchronous())
        await sqlite.commit([appears(1)])
        levels.append(await synchronous())
    assert levels == [2, 1, 2, 1, 2]


async def test_the_log_does_not_grow_for_ever(sqlite: SqliteStore, database: Path) -> None:
    """60 x 100 rows make a log of more than 20 MB if nobody writes it back."""
    for turn in range(60):
        rows = [alert(number, summary="x" * 3000) for number in range(100 * turn, 100 * turn + 100)]
        await sqlite.commit([Changes(alerts={row.labels.key: row for row in rows})])
        await sqlite.history(HistoryQuery(limit=1))  # behind the checkpoint, on its thread
    assert database.with_name("hbalert.db-wal").stat().st_size < 10 * MIB


# --- a full disk -------------------------------------------------------------------------------


async def fill_up(store: SqliteStore, first: int = 0) -> int:
    """Commits new alerts until the first is refused; returns its number."""
    for number in range(first, first + 20_000):
        try:
            await store.commit([appears(number)])
        except StoreFull:
            return number
    raise AssertionError("the disk never became full")


async def full(store: SqliteStore) -> bool:
    room = await store.room()
    assert room is not None
    assert 0 <= room.free_bytes <= room.total_bytes
    return room.full


async def test_when_the_disk_is_full_what_is_in_flight_still_settles(small_disk: Path) -> None:
    store = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    in_flight = [delivery(number, DeliveryState.SENDING) for number in range(20)]
    await store.commit([Changes(deliveries={row.id: row for row in in_flight}), appears(0)])
    assert not await full(store)
    fill(small_disk, leave=300_000)
    refused = await fill_up(store, first=1)
    assert refused > 1
    assert await full(store)
    assert not (small_disk / "hbalert.db.ballast").exists()
    for number, row in enumerate(in_flight):
        sent = replace(row, state=DeliveryState.SENT, settled_at=t(60))
        await store.commit([Changes(deliveries={row.id: sent}, attempts=[attempt(number)], notes=[note(60)])])
    resolved = alert(0, summary="over")
    await store.commit([Changes(alerts={resolved.labels.key: resolved})])
    await store.touch(t(61))
    await store.close()
    again = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    live = await again.load()
    assert (len(live.alerts), live.alerts[0], live.deliveries) == (refused, resolved, ())
    assert again.repairs == ()
    await again.close()


async def test_on_a_full_disk_only_what_is_new_is_refused(small_disk: Path) -> None:
    """New work in one call with a settlement takes the settlement with it; beside it, it does not."""
    store = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    await store.commit([Changes(deliveries={delivery(1).id: delivery(1)}), appears(0)])
    fill(small_disk, leave=200_000)
    number = await fill_up(store, first=1)
    results = await asyncio.gather(
        store.commit([appears(number)]),
        store.commit([Changes(silences={"silence-1": silence(1)})]),
        store.commit([Changes(alerts={labels(0).key: None})]),
        store.commit([Changes(deliveries={delivery(1).id: replace(delivery(1), attempts=1)})]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StoreFull, StoreFull, type(None), type(None)]
    await store.close()


@pytest.mark.parametrize("by", ["touch", "room"])
async def test_when_there_is_room_again_new_work_is_taken_again(small_disk: Path, by: str) -> None:
    store = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    filling = fill(small_disk, leave=200_000)
    number = await fill_up(store)
    os.truncate(filling, filling.stat().st_size - MIB)
    assert await full(store)  # the room that the ballast freed, and a little, is not enough
    filling.unlink()
    if by == "touch":
        await store.touch(t(1))
    else:
        assert not await full(store)
    await store.commit([appears(number)])
    assert (small_disk / "hbalert.db.ballast").stat().st_size == MIB
    assert not await full(store)
    await store.close()


async def test_it_starts_on_a_full_disk(small_disk: Path) -> None:
    """With the room of the ballast; new work is refused until there is more."""
    store = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    await store.commit([everything()])
    await store.close()
    fill(small_disk)
    store = await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)
    row = delivery(0, DeliveryState.SENT, settled=60)
    await store.commit([Changes(deliveries={row.id: row})])
    assert list((await store.load()).deliveries) == [everything().deliveries["доставка-1"]]
    with pytest.raises(StoreFull, match=r"hbalert.db is full.*make room"):
        await store.commit([appears(9)])
    await store.close()


async def test_without_any_room_a_new_store_is_refused_as_full(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(StoreFull, match="make room"):
        await open_sqlite(small_disk / "hbalert.db", ballast_bytes=MIB)


async def test_a_database_that_may_not_grow_is_full(sqlite: SqliteStore) -> None:
    """The same without a mount: SQLite's own limit. What fits is still taken."""
    await sqlite.commit([appears(0)])
    pages = 40
    await sqlite._writing.call(
        lambda: sqlite._writer._connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    )
    number = await fill_up(sqlite, first=1)
    assert len((await sqlite.load()).alerts) == number
    results = await asyncio.gather(
        sqlite.commit([Changes(alerts={labels(1).key: alert(1, summary="x" * 200_000)})]),
        sqlite.commit([Changes(alerts={labels(2).key: None})]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StoreFull, type(None)]


async def test_a_file_that_may_not_grow_is_full(database: Path) -> None:
    """A limit on the size of files: SQLite sees an I/O error, not a full disk."""
    script = (
        "import asyncio, resource\n"
        "from pathlib import Path\n"
        "from tests.storage.test_sqlite import fill_up\n"
        "from tests.storage.values import open_sqlite\n"
        "async def main():\n"
        f"    store = await open_sqlite(Path({str(database)!r}))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))\n"
        "    print(await fill_up(store))\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
    )
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert run.stderr == ""
    store = await open_sqlite(database)
    assert len((await store.load()).alerts) == int(run.stdout)
    assert store.repairs == ()
    await store.close()


async def test_a_read_only_database_is_full(sqlite: SqliteStore) -> None:
    await sqlite._writing.call(
        lambda: sqlite._writer._connection.execute("PRAGMA query_only = ON").fetchall()
    )
    with pytest.raises(StoreFull, match="see that it can be written"):
        await sqlite.commit([appears(1)])


# --- a sudden end ------------------------------------------------------------------------------


WRITER = """
import asyncio, sys
from pathlib import Path
from hbalert.core.delivery import DeliveryState
from hbalert.ports import Changes
from tests.storage.values import alert, attempt, delivery, note, open_sqlite, t

async def main():
    store = await open_sqlite(Path(sys.argv[1]))
    first = (await store.load()).next_sequence - 1

    async def caller(number):
        row = alert(number)
        sent = delivery(number, DeliveryState.SENT, settled=number)
        await store.commit([
            Changes(alerts={row.labels.key: row}),
            Changes(deliveries={sent.id: sent}, attempts=[attempt(number)]),
            Changes(notes=[note(number, number=number)]),
        ])
        print(number, flush=True)
        if number % 3 == 0:
            await store.commit([Changes(alerts={row.labels.key: None})])
            print(-number, flush=True)
        await store.touch(t(number))

    print("open", flush=True)
    for start in range(first, 10**6, 4):
        await asyncio.gather(*(caller(number) for number in range(start, start + 4)))

asyncio.run(main())
"""


async def killed_after(database: Path, lines: int) -> list[int]:
    """Runs a writer until it has said so many lines, ends it, and returns what it had said in all."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, str(database), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    said = [await process.stdout.readline() for _ in range(lines)]
    assert process.returncode is None, (await process.stderr.read()).decode()
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    return [int(line) for line in said if line.endswith(b"\n") and line != b"open\n"]


@pytest.mark.slow
async def test_what_was_committed_survives_kill_9(database: Path) -> None:
    """25 times, at any moment: nothing acknowledged is lost, nothing is half there."""
    draw = random.Random(20260301)
    present: set[int] = set()
    gone: set[int] = set()
    for _ in range(25):
        said = await killed_after(database, draw.randrange(1, 120))
        present |= {number for number in said if number >= 0}
        gone |= {-number for number in said if number < 0}
        store = await open_sqlite(database)
        assert store.repairs == ()
        keys = {row.labels["bot"] for row in (await store.load()).alerts}
        lines = await store.history(HistoryQuery(limit=0))
        sent = {line.delivery.sequence - 1: line.attempts for line in lines}
        notes = {line.alert_key for line in await store.notes(limit=0)}
        await store.close()
        assert present <= sent.keys()
        assert {f"bot-{number}" for number in present if number % 3} <= keys
        assert keys.isdisjoint(f"bot-{number}" for number in gone if number)
        # A unit of work is there with all its rows, or not at all.
        assert all(attempts == (attempt(number),) for number, attempts in sent.items())
        assert notes == {labels(number).key for number in sent}
    assert len(present) > 100


async def test_a_sign_of_life_survives_kill_9(database: Path) -> None:
    said = await killed_after(database, 60)
    store = await open_sqlite(database)
    last_seen = (await store.load()).last_seen
    await store.close()
    # Four callers run at once and touch last, so the touches of all earlier rounds are there.
    assert last_seen is not None
    assert last_seen >= t(max(said) // 4 * 4 - 4)
