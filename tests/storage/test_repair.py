"""A damaged database never keeps hbalert from starting: what can be read stays, what cannot is said."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from hbalert.core.delivery import DeliveryState
from hbalert.errors import StoreError
from hbalert.ports import Changes, HistoryQuery
from hbalert.storage.files import Lock
from hbalert.storage.migrate import TABLES, Migration, known_migrations, migrate
from hbalert.storage.queries.sqlite import PAGE_BYTES
from hbalert.storage.sqlite import SqliteStore
from tests.storage.values import (
    alert,
    attempt,
    delivery,
    entry,
    everything,
    fill,
    group,
    labels,
    note,
    open_sqlite,
    silence,
    t,
)

ROWS = 150
"""Alerts, log entries, deliveries, attempts and timeline lines of the database that is damaged here."""

ON_A_PAGE = 110
"""More rows than one page holds of any table."""


def content() -> Changes:
    sent = [delivery(number, DeliveryState.SENT, settled=number) for number in range(ROWS)]
    # Every tenth is too long for one page.
    alerts = [alert(number, summary="s" * (1 if number % 10 else 6000)) for number in range(ROWS)]
    entries = [entry(number) for number in range(ROWS)]
    return Changes(
        alerts={row.labels.key: row for row in alerts},
        groups={group(0).id: group(0)},
        entries={(row.group_id, row.notifier): row for row in entries},
        deliveries={row.id: row for row in sent},
        silences={silence(1).id: silence(1)},
        attempts=[attempt(number) for number in range(ROWS)],
        notes=[note(number, number=number) for number in range(ROWS)],
    )


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sound database, and one with half of the content still in the log."""
    import asyncio

    folder = tmp_path_factory.mktemp("whole")

    async def make() -> None:
        store = await open_sqlite(folder / "hbalert.db")
        await store.commit([content()])
        await store.close()
        store = await open_sqlite(folder / "hbalert.db")
        shutil.copy(folder / "hbalert.db", folder / "before.db")
        more = [alert(number) for number in range(ROWS, ROWS + 50)]
        await store.commit([Changes(alerts={row.labels.key: row for row in more})])
        shutil.copy(folder / "hbalert.db", folder / "logged.db")
        shutil.copy(folder / "hbalert.db-wal", folder / "logged.db-wal")
        await store.close()
        os.replace(folder / "before.db", folder / "hbalert.db")

    asyncio.run(make())
    return folder


@pytest.fixture
def whole(whole_folder: Path) -> bytes:
    return (whole_folder / "hbalert.db").read_bytes()


def migration() -> Migration:
    return known_migrations()[0]


@dataclass
class Found:
    """What a store holds after it was opened."""

    alerts: int
    entries: int
    groups: int
    silences: int
    deliveries: int
    attempts: int
    notes: int
    repairs: tuple[str, ...]

    @property
    def lost(self) -> int:
        there = self.alerts + self.entries + self.deliveries + self.attempts + self.notes
        return 5 * ROWS + 2 - there - self.groups - self.silences


async def find(store: SqliteStore) -> Found:
    """Reads everything, and makes sure that the store is sound and can be written."""
    live = await store.load()
    lines = await store.history(HistoryQuery(limit=0))
    found = Found(
        len(live.alerts),
        len(live.entries),
        len(live.groups),
        len(live.silences),
        len(lines),
        sum(len(line.attempts) for line in lines),
        len(await store.notes(limit=0)),
        store.repairs,
    )
    await store.commit([everything(), content()])
    everywhere = await store.load()
    assert {row.labels.key for row in content().alerts.values() if row} <= {
        row.labels.key for row in everywhere.alerts
    }
    return found


async def open_damaged(database: Path, damaged: bytes) -> Found:
    database.write_bytes(damaged)
    store = await open_sqlite(database)
    try:
        found = await find(store)
    finally:
        await store.close()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    kept = list(database.parent.glob("*.damaged-*"))
    if any("was damaged" in sentence for sentence in found.repairs):
        assert [file.read_bytes() for file in kept] == [damaged]
        assert kept[0].name == "hbalert.db.damaged-20260301T120000Z"
        assert kept[0].name in found.repairs[0]
    else:
        assert kept == []
    assert found.lost == 0 or found.repairs, "something was lost in silence"
    for file in database.parent.iterdir():
        file.unlink()
    return found


async def test_a_sound_database_is_left_alone(database: Path, whole: bytes) -> None:
    found = await open_damaged(database, whole)
    assert (found.lost, found.repairs) == (0, ())


@pytest.mark.slow
async def test_no_byte_of_the_header_costs_a_row(database: Path, whole: bytes) -> None:
    for place in range(108):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        found = await open_damaged(database, bytes(damaged))
        assert found.lost == 0, f"byte {place}: {found}"


@pytest.mark.parametrize("what", ["zeros", "noise"])
@pytest.mark.slow
async def test_a_page_that_was_overwritten_costs_at_most_its_own_rows(
    database: Path, whole: bytes, what: str
) -> None:
    """Whichever it is: the first, one of the list of tables, of rows, of an index, or leading to others."""
    draw = random.Random(7)
    lost = []
    for start in range(0, len(whole), PAGE_BYTES):
        page = bytes(PAGE_BYTES) if what == "zeros" else draw.randbytes(PAGE_BYTES)
        found = await open_damaged(database, whole[:start] + page + whole[start + PAGE_BYTES :])
        assert found.repairs
        assert found.lost <= ON_A_PAGE, f"page {start // PAGE_BYTES + 1}: {found}"
        lost.append(found.lost)
    assert len(lost) > 60
    assert 0 < sum(map(bool, lost)) < len(lost)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b"coalesce(settled_at", b"cnalesce(settled_at", id="a function nobody knows"),
        pytest.param(
            b"annotations TEXT NOT NULL,\n    gen", b"annotatinns TEXT NOT NULL,\n    gen", id="a column"
        ),
        pytest.param(b"CREATE TABLE note ", b"CREATE TABLE nose ", id="a name"),
        pytest.param(b"key BLOB NOT NULL UNIQUE", b"key BLOB NOT NULL UNIQUD", id="a word"),
        pytest.param(migration().checksum.encode(), b"0" * 64, id="a checksum"),
        pytest.param(b"first" + migration().checksum.encode(), b"worst" + b"0" * 64, id="a recorded schema"),
    ],
)
async def test_a_letter_in_the_list_of_tables_costs_no_row(
    database: Path, whole: bytes, before: bytes, after: bytes
) -> None:
    assert len(before) == len(after)
    assert before in whole
    found = await open_damaged(database, whole.replace(before, after))
    assert found.repairs
    assert found.lost == 0


async def test_a_view_that_somebody_added_is_no_damage(database: Path) -> None:
    await (await open_sqlite(database)).close()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE VIEW report AS SELECT count(*) FROM delivery")
    store = await open_sqlite(database)
    assert store.repairs == ()
    await store.close()


async def test_single_bits_anywhere_never_keep_it_from_starting(database: Path, whole: bytes) -> None:
    draw = random.Random(20260301)
    for flips in itertools.chain([1] * 30, [10] * 10, [300] * 10):
        damaged = bytearray(whole)
        for _ in range(flips):
            damaged[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        await open_damaged(database, bytes(damaged))


@pytest.mark.slow
async def test_a_file_that_was_cut_off_keeps_what_is_before(database: Path, whole: bytes) -> None:
    half = await open_damaged(database, whole[: len(whole) // 2])
    assert half.alerts > ROWS // 2
    assert half.groups == half.silences == 1
    for length in (1, 99, 100, 511, 4095, 4096, 5000, len(whole) - 1, len(whole) - 4096):
        found = await open_damaged(database, whole[:length])
        assert found.repairs, f"{length} bytes"


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(b"listen = '127.0.0.1'\n" * 40, id="text"),
        pytest.param(b"\0" * 20_000, id="zeros"),
        pytest.param(random.Random(1).randbytes(300_000), id="noise"),
        pytest.param(b"SQLite format 3\0" + b"x" * 5000, id="only the first words are right"),
    ],
)
async def test_a_file_that_never_was_a_database_is_kept_and_replaced(database: Path, damaged: bytes) -> None:
    found = await open_damaged(database, damaged)
    assert found.lost == 5 * ROWS + 2
    assert "0 rows were taken over" in " ".join(found.repairs)


async def test_what_is_lost_is_said_in_plain_words(database: Path, whole: bytes) -> None:
    """The page with the first row's text of the table of silences, found by that text."""
    start = whole.index(b"silence-1[") // PAGE_BYTES * PAGE_BYTES
    found = await open_damaged(database, whole[:start] + bytes(PAGE_BYTES) + whole[start + PAGE_BYTES :])
    assert found.silences == 0
    assert found.lost == 1
    damaged, total, silences = found.repairs
    assert damaged.startswith(f"The database {database} was damaged (")
    assert total == f"{5 * ROWS + 1} rows were taken over into a new database."
    assert silences == "Of the silences, 0 could be read; others may be lost."


async def test_what_is_only_in_the_log_is_rescued_too(database: Path, whole_folder: Path) -> None:
    """The database's first page is hit; fifty alerts are in the log alone."""
    log = database.with_name("hbalert.db-wal")
    shutil.copy(whole_folder / "logged.db-wal", log)
    damaged = bytearray((whole_folder / "logged.db").read_bytes())
    damaged[:64] = b"x" * 64
    database.write_bytes(damaged)
    store = await open_sqlite(database)
    assert len((await store.load()).alerts) == ROWS + 50
    assert store.repairs
    await store.close()
    kept = database.with_name("hbalert.db.damaged-20260301T120000Z")
    assert kept.read_bytes() == damaged
    assert kept.with_name(kept.name + "-wal").read_bytes() == (whole_folder / "logged.db-wal").read_bytes()


async def test_a_file_that_was_emptied_beside_its_log_is_rescued_from_the_log(
    database: Path, whole_folder: Path
) -> None:
    """SQLite alone would throw the log away and start anew."""
    shutil.copy(whole_folder / "logged.db-wal", database.with_name("hbalert.db-wal"))
    database.write_bytes(b"")
    store = await open_sqlite(database)
    assert "it is empty, but its log is not" in store.repairs[0]
    assert len((await store.load()).alerts) >= 40
    await store.close()
    assert database.with_name("hbalert.db.damaged-20260301T120000Z-wal").exists()


async def test_a_log_that_was_hit_keeps_what_was_committed_before(database: Path, whole_folder: Path) -> None:
    shutil.copy(whole_folder / "logged.db", database)
    log = bytearray((whole_folder / "logged.db-wal").read_bytes())
    log[len(log) // 2] ^= 1
    database.with_name("hbalert.db-wal").write_bytes(log)
    store = await open_sqlite(database)
    assert len((await store.load()).alerts) >= ROWS
    await store.close()


async def test_between_several_bad_places_every_row_is_found(database: Path, whole: bytes) -> None:
    """The header too, so that it is not known which pages are free and none is read by itself."""
    damaged = bytearray(b"x" * 64 + whole[64:])
    leaf = b"\x0d"  # the first byte of a page of rows; other pages hold stale copies
    pages = [page for page in range(len(whole) // PAGE_BYTES) if whole[page * PAGE_BYTES :][:1] == leaf]
    hit = {
        page
        for page in pages
        for number in (40, 110)
        if b"firingfiring: %d" % number in whole[page * PAGE_BYTES :][:PAGE_BYTES]
    }
    for page in hit:
        damaged[page * PAGE_BYTES : (page + 1) * PAGE_BYTES] = bytes(PAGE_BYTES)
    found = await open_damaged(database, bytes(damaged))
    assert len(hit) == 2
    assert (found.alerts, found.entries, found.deliveries, found.attempts) == (ROWS,) * 4
    lost = sum(whole[page * PAGE_BYTES : (page + 1) * PAGE_BYTES].count(b"firingfiring: ") for page in hit)
    assert found.notes == ROWS - lost


@pytest.mark.parametrize("how", ["emptied", "removed"])
async def test_a_database_that_is_gone_is_missed(database: Path, whole: bytes, how: str) -> None:
    """A new one is no reason to keep silent: there was one, as its lock shows."""
    store = await open_sqlite(database)
    assert store.repairs == ()
    await store.close()
    database.unlink() if how == "removed" else database.write_bytes(b"")
    store = await open_sqlite(database)
    (said,) = store.repairs
    assert "was empty or missing, although it has been used before" in said
    await store.close()


async def test_a_first_start_that_was_cut_short_is_no_loss(database: Path) -> None:
    Lock(database).release()
    database.touch()
    store = await open_sqlite(database)
    assert store.repairs == ()
    await store.close()


async def test_two_repairs_in_one_second_keep_two_files(database: Path) -> None:
    for damaged in (b"first", b"second"):
        database.write_bytes(damaged)
        await (await open_sqlite(database)).close()
    kept = sorted(database.parent.glob("*.damaged-*"))
    assert [file.read_bytes() for file in kept] == [b"first", b"second"]


async def test_the_next_sequence_and_the_sign_of_life_are_rescued(database: Path) -> None:
    store = await open_sqlite(database)
    await store.commit([Changes(deliveries={delivery(41).id: delivery(41)})])
    await store.commit([Changes(deliveries={delivery(41).id: None})])
    await store.touch(t(5))
    await store.close()
    with open(database, "r+b") as file:
        file.write(b"x" * 50)
    store = await open_sqlite(database)
    live = await store.load()
    assert (live.next_sequence, live.last_seen) == (43, t(5))
    await store.close()


async def test_without_room_for_a_copy_the_file_itself_is_kept(small_disk: Path, whole: bytes) -> None:
    """Nor is there room for the rows: it starts with an empty store, and says so."""
    database = small_disk / "hbalert.db"
    database.write_bytes(whole[:PAGE_BYTES] + bytes(PAGE_BYTES) + whole[2 * PAGE_BYTES :] * 5)
    fill(small_disk, leave=400_000)
    damaged = database.read_bytes()
    store = await open_sqlite(database)
    assert (await store.load()).alerts == ()
    assert "hbalert started with an empty one" in store.repairs[-1]
    await store.commit([Changes(silences={"silence-1": silence(1)})])
    await store.close()
    (kept,) = small_disk.glob("*.damaged-*")
    assert kept.read_bytes() == damaged
    assert [file.name for file in small_disk.iterdir() if "rescued" in file.name] == []


# --- rows whose content makes no sense ---------------------------------------------------------


SPOILED = {
    "alert": "UPDATE alert SET claims = '[' WHERE number = 1",
    "an alert without claims": "UPDATE alert SET claims = '[]' WHERE number = 1",
    "an alert's key": "UPDATE alert SET key = x'61ff' WHERE number = 1",
    "rule alert": "UPDATE rule_alert SET state = 'sleeping' WHERE number = 1",
    "group": "UPDATE alert_group SET next_flush_at = 9e18 WHERE number = 1",
    "entry": "UPDATE log_entry SET firing = x'c1' WHERE number = 1",
    "no UTF-8": "UPDATE delivery SET last_answer = CAST(x'fffe' AS TEXT) WHERE number = 1",
    "silence": 'UPDATE silence SET matchers = replace(matchers, \'"op":"="\', \'"op":"~"\') WHERE number = 1',
    "a pattern": 'UPDATE silence SET matchers = \'[{"name":"a","op":"=~","value":"("}]\' WHERE number = 1',
    "notifier": "UPDATE notifier SET sends = '[\"x\"]' WHERE number = 1",
}


@pytest.mark.parametrize("statement", SPOILED.values(), ids=SPOILED.keys())
async def test_a_row_that_makes_no_sense_is_set_aside_and_the_others_stay(
    database: Path, statement: str
) -> None:
    store = await open_sqlite(database)
    await store.commit([everything()])
    await store.close()
    with closing(sqlite3.connect(database)) as connection, connection:
        assert connection.execute(statement).rowcount == 1
    store = await open_sqlite(database)
    live = await store.load()
    tables = ("alerts", "rule_alerts", "groups", "entries", "deliveries", "silences", "windows", "notifiers")
    counts = [len(getattr(live, table)) for table in tables]
    assert sorted(counts) == [1, 2, 2, 2, 2, 2, 2, 2]
    (said,) = store.repairs
    assert said.startswith("1 rows of ")
    assert "set aside" in said
    await store.close()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM unreadable").fetchone() == (1,)
    store = await open_sqlite(database)
    again = await store.load()
    assert (len(again.alerts), store.repairs) == (len(live.alerts), ())
    await store.close()


async def test_history_leaves_out_what_makes_no_sense_and_says_so_once(
    sqlite: SqliteStore, database: Path
) -> None:
    await sqlite.commit([content()])
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE delivery SET notification = '{}' WHERE number = 3")
        connection.execute("UPDATE attempt SET at = 9e18 WHERE number = 4")
        connection.execute("UPDATE note SET at = 'never' WHERE number = 5")
        connection.execute("UPDATE note SET text = CAST(x'41ff' AS TEXT) WHERE number = 6")
    for _ in range(2):
        lines = await sqlite.history(HistoryQuery(limit=0))
        notes = await sqlite.notes()
    assert len(lines) == ROWS - 1
    assert sum(len(line.attempts) for line in lines) == ROWS - 2
    assert len(notes) == ROWS - 1
    assert notes[4].text == "A\ufffd"
    assert len(sqlite.repairs) == 3


async def test_damage_that_is_met_while_running_says_what_to_do(sqlite: SqliteStore, database: Path) -> None:
    """The file is hit under the open store; the restart is what repairs it."""
    await sqlite.commit([content()])
    await sqlite._reading.call(sqlite._reader.checkpoint)
    with open(database, "r+b") as file:
        file.seek(PAGE_BYTES)
        file.write(b"\xff" * (database.stat().st_size - PAGE_BYTES))
    await sqlite._writing.call(lambda: sqlite._writer._connection.execute("PRAGMA shrink_memory").fetchall())
    with pytest.raises(StoreError, match="restart hbalert"):
        await sqlite.history(HistoryQuery())
    assert labels(0)


def test_tables_can_be_told_apart_by_the_shape_of_their_rows(database: Path) -> None:
    """Rows that nothing leads to are recognised by it."""
    shapes = []
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        migrate(connection, database, t(0))
        for name in (*TABLES, "migration"):
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            assert columns[0][1:3] == ("number", "INTEGER")
            shapes.append(
                [
                    ({"REAL": "INTEGER"}.get(kind, kind), bool(required))
                    for _, _, kind, required, *_ in columns[1:]
                ]
            )

    def alike(one: tuple[str, bool], other: tuple[str, bool]) -> bool:
        return one[0] == other[0] or not (one[1] or other[1])

    for one, other in itertools.combinations(shapes, 2):
        same_length = len(one) == len(other)
        assert not (same_length and all(map(alike, one, other))), (one, other)
