"""Schemas: applied in order, recorded, saved before a change, refused when newer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hbalert.core.flap import NEVER
from hbalert.core.notification import LogEntry
from hbalert.errors import StoreError
from hbalert.storage.migrate import TABLES, Migration, known_migrations, migrate
from hbalert.storage.queries.sqlite import PAGE_BYTES
from hbalert.storage.spelling import micros
from tests.storage.values import everything, labels, open_sqlite, t

FIRST = Migration(1, "first", "CREATE TABLE a (x);\n-- a comment; with a semicolon\nCREATE TABLE b (y);\n")
SECOND = Migration(2, "second", "ALTER TABLE a ADD COLUMN z DEFAULT 'new';\nUPDATE a SET x = x + 1;")
BROKEN = Migration(3, "broken", "CREATE TABLE c (x);\nINSERT INTO nowhere VALUES (1);")


@pytest.fixture
def connection(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        yield connection


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_database_gets_all_of_them_and_no_backup(
    connection: sqlite3.Connection, database: Path
) -> None:
    assert migrate(connection, database, t(0), [FIRST, SECOND]) is None
    assert tables(connection) == {"migration", "a", "b"}
    recorded = connection.execute("SELECT number, name, checksum FROM migration").fetchall()
    assert recorded == [(1, "first", FIRST.checksum), (2, "second", SECOND.checksum)]
    assert [file.name for file in database.parent.iterdir()] == ["hbalert.db"]


def test_an_older_one_is_saved_before_it_is_changed(connection: sqlite3.Connection, database: Path) -> None:
    migrate(connection, database, t(0), [FIRST])
    connection.execute("INSERT INTO a VALUES (41)")
    backup = migrate(connection, database, t(1), [FIRST, SECOND])
    assert backup == database.with_name("hbalert.db.before-0002")
    assert connection.execute("SELECT x, z FROM a").fetchall() == [(42, "new")]
    with closing(sqlite3.connect(backup)) as saved:
        assert saved.execute("SELECT * FROM a").fetchall() == [(41,)]
        assert saved.execute("SELECT max(number) FROM migration").fetchall() == [(1,)]
    assert backup.stat().st_mode & 0o077 == 0


def test_one_that_is_new_enough_is_left_alone(connection: sqlite3.Connection, database: Path) -> None:
    migrate(connection, database, t(0), [FIRST])
    changes = connection.total_changes
    assert migrate(connection, database, t(1), [FIRST]) is None
    assert connection.total_changes == changes


def test_a_step_that_fails_leaves_nothing(connection: sqlite3.Connection, database: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, database, t(0), [FIRST, SECOND, BROKEN])
    assert tables(connection) == {"migration", "a", "b"}
    assert connection.execute("SELECT max(number) FROM migration").fetchall() == [(2,)]
    assert not connection.in_transaction


def test_a_newer_schema_is_refused_and_not_touched(connection: sqlite3.Connection, database: Path) -> None:
    migrate(connection, database, t(0), [FIRST, SECOND])
    before = list(connection.iterdump())
    with pytest.raises(StoreError, match=r"has schema 2, this hbalert knows schema 1.*before-0002"):
        migrate(connection, database, t(1), [FIRST])
    assert list(connection.iterdump()) == before


def test_a_schema_that_was_changed_after_its_release_is_refused(
    connection: sqlite3.Connection, database: Path
) -> None:
    migrate(connection, database, t(0), [FIRST])
    with pytest.raises(StoreError, match="schema 1 is not the one this hbalert was released with"):
        migrate(connection, database, t(1), [replace(FIRST, sql=FIRST.sql + "CREATE TABLE c (x);")])


def test_line_endings_do_not_count(connection: sqlite3.Connection, database: Path) -> None:
    migrate(connection, database, t(0), [FIRST])
    migrate(connection, database, t(1), [replace(FIRST, sql=FIRST.sql.replace("\n", "\r\n"))])


def test_another_programs_database_is_refused_and_not_touched(
    connection: sqlite3.Connection, database: Path
) -> None:
    connection.execute("CREATE TABLE alert (x)")
    with pytest.raises(StoreError, match="database of another program"):
        migrate(connection, database, t(0), [FIRST])
    assert tables(connection) == {"alert"}


async def test_a_store_with_a_newer_schema_is_not_opened(database: Path) -> None:
    store = await open_sqlite(database)
    await store.commit([everything()])
    await store.close()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO migration VALUES (9999, 'later', 'x', 0)")
    for _ in range(2):
        with pytest.raises(StoreError, match="a newer hbalert wrote it"):
            await open_sqlite(database)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM migration WHERE number = 9999")
    store = await open_sqlite(database)
    assert len((await store.load()).alerts) == 2
    await store.close()


FIRST_SCHEMA = known_migrations()[:1]
MATCHERS = '[{"name":"bot","op":"=","value":"b1"}]'


def older(database: Path, silences: int = 1) -> None:
    """A database as the hbalert of schema 1 left it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        migrate(connection, database, t(0), FIRST_SCHEMA)
        for number in range(silences):
            connection.execute(
                "INSERT INTO silence (id, matchers, starts_at, ends_at, created_by, comment, updated_at, "
                "annotations) VALUES (?, ?, ?, ?, 'ann', 'planned', ?, '{}')",
                (f"s{number}", MATCHERS, micros(t(0)), micros(t(60)), micros(t(0))),
            )


async def test_a_database_of_the_first_schema_is_taken_over_with_its_silences(database: Path) -> None:
    older(database)
    store = await open_sqlite(database)
    assert store.repairs == ()
    (silence,) = (await store.load()).silences
    assert (silence.id, silence.ends_at, silence.window, silence.kept_until) == ("s0", t(60), "", None)
    await store.commit([everything()])
    assert len((await store.load()).windows) == 2
    await store.close()
    assert database.with_name("hbalert.db.before-0002").exists()
    assert (await (await open_sqlite(database)).load()).silences[0] == silence


@pytest.mark.parametrize("page", [0, 1], ids=["the first page", "the page after it"])
async def test_rows_of_a_migrated_database_are_rescued_like_others(database: Path, page: int) -> None:
    """Its later tables lie elsewhere than in a new database: what lies in their place is not theirs."""
    older(database, silences=300)
    store = await open_sqlite(database)
    await store.commit([everything()])
    await store.close()
    with open(database, "r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES)
    store = await open_sqlite(database)
    live = await store.load()
    assert len(live.silences) == 302
    assert {window.name for window in live.windows} <= {
        window.name for window in everything().windows.values() if window
    }
    assert "set aside" not in " ".join(store.repairs)
    await store.close()


def test_the_released_ones_are_numbered_from_one_without_gaps() -> None:
    numbers = [migration.number for migration in known_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_released_schema_is_never_changed() -> None:
    """Change nothing here but to add a line for a new migration."""
    released = {
        1: "ddbe4fe6042b3e2dce45ad28979ca706e7e70713f1636bb3107ab351949733c5",
        2: "9e23869f9afd3c8994c8ffc373d142de8511524971582d18e1aeea353bb710c1",
        3: "cf6c2383008aa2624ed2dcb949ff43f41721c4fe30a6c3b4a17f2759703b1869",
        4: "4b87d365b312c35434e1f55e03e791063a9316de2f225ea609506b4ff7119475",
    }
    assert {migration.number: migration.checksum for migration in known_migrations()} == released


async def test_alerts_of_rules_survive_the_third_schema(database: Path) -> None:
    first = known_migrations()[0]
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        migrate(connection, database, t(0), [first])
        connection.execute(
            "INSERT INTO rule_alert VALUES (7, 'bots/BotSilent', ?, 'firing', 1772366400123457, NULL, '{}', "
            "1772366460123457, NULL, NULL)",
            (labels(1).key,),
        )
    store = await open_sqlite(database)
    (row,) = (await store.load()).rule_alerts
    await store.close()
    assert (row.labels, row.state.value, row.fired_at) == (labels(1), "firing", t(60))
    assert (row.missed, row.flaps) == (0, NEVER)


async def test_what_was_told_survives_the_fourth_schema(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        migrate(connection, database, t(0), known_migrations()[:3])
        connection.execute(
            "INSERT INTO log_entry VALUES (7, 'g', 'mail', x'91c403616263', x'90', 1772366460123457, 2)"
        )
    store = await open_sqlite(database)
    entries = list((await store.load()).entries)
    await store.close()
    assert entries == [LogEntry("g", "mail", frozenset({b"abc"}), frozenset(), t(60), 2)]


def test_every_table_is_rescued_when_damaged(connection: sqlite3.Connection, database: Path) -> None:
    migrate(connection, database, t(0))
    assert tables(connection) == {*TABLES, "migration"}
