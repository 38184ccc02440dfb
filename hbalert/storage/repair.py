"""A damaged database: found at the start, kept aside, and read around the damage.

Knows how SQLite behaves on a file that is not whole. Must not know what a row means: whether a rescued
row can be understood is seen when it is loaded (`sqlite.py`).

hbalert starts whatever has become of its database: an engine that does not run tells nobody anything.
What was lost is said in plain sentences, and the damaged file stays for whoever can do better.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hbalert.storage.failure import code, is_damage
from hbalert.storage.files import beside, prepare
from hbalert.storage.migrate import TABLES, apply_all, is_ours, known_migrations, migrate
from hbalert.storage.pages import Column, has_shape, lost_rows
from hbalert.storage.queries import sqlite as q

WHOLE_CHECK_BYTES = 128 * 1024 * 1024
"""Up to this size indexes are compared with their tables too: 220 MB took 0.7 s, without it 0.45 s."""

MOST_PROBES = 50_000
"""How often a damaged table is asked for rows between two bad places: about a second."""

_HIGHEST = 2**63 - 1
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST = 512
_WAL_VERSIONS = b"\x02\x02"
_INTERIOR_PAGE = 5
_KINDS = {"TEXT": str, "BLOB": bytes, "INTEGER": int, "REAL": float}


def make_sound(database: Path, now: datetime) -> tuple[str, ...]:
    """Looks whether the database is sound, and if not puts a sound one in its place.

    The new one holds every row that can still be read. Reads the whole file.

    database  exists, may be empty; no connection to it is open
    now       goes into the name under which a damaged file is kept
    Returns what was found and done, in sentences; empty when all is well.
    Raises sqlite3.Error or OSError when the file cannot be read at all, or no new one can be written.
    """
    if _was_emptied(database):
        return _rescue(database, "it is empty, but its log is not", *_keep_aside(database, now), now)
    reason = _header_damage(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        reason = reason or _damage(connection, database) or _schema_damage(connection)
        if not reason:
            return ()
        # Before the connection is closed: closing writes the log into the file.
        kept, source = _keep_aside(database, now)
    return _rescue(database, reason, kept, source, now)


def _was_emptied(database: Path) -> bool:
    """Whether the file is empty although its log is not: SQLite would throw the log away."""
    try:
        return database.stat().st_size == 0 and beside(database, "-wal").stat().st_size > 0
    except OSError:
        return False


def _header(database: Path) -> bytes:
    """The header of a database that is surely ours; empty otherwise."""
    with open(database, "rb") as file:
        header = file.read(100)
    return header if header[68:72] == q.APPLICATION_ID.to_bytes(4, "big") else b""


def _header_damage(database: Path) -> str:
    """What is wrong with the fixed fields of the header.

    SQLite takes some wrong values there for a file of a later format, which it may not write.
    Source: sqlite.org/fileformat2.html, 1.3.
    """
    if 0 < database.stat().st_size < _SMALLEST:
        return "it is too short"  # SQLite takes it for a new one
    header = _header(database)
    if not header:
        return ""
    versions = header[18:20] in (b"\x01\x01", _WAL_VERSIONS)
    fixed = header[16:18] + header[20:24] == q.PAGE_BYTES.to_bytes(2, "big") + b"\x00\x40\x20\x20"
    formats = header[44:48] == b"\0\0\0\4" and header[56:60] == b"\0\0\0\1"
    return "" if versions and fixed and formats else "its header is wrong"


def _damage(connection: sqlite3.Connection, database: Path) -> str:
    """What is wrong with the database, in SQLite's words; empty when it is sound."""
    try:
        whole = database.stat().st_size <= WHOLE_CHECK_BYTES
        (found,) = connection.execute(q.WHOLE_CHECK if whole else q.QUICK_CHECK).fetchone()
    except (sqlite3.Error, UnicodeError) as error:
        # A letter that was hit in the list of tables is an error like in any statement, but only in
        # a database of ours: others may use functions that we do not have.
        if is_damage(error) or (code(error) in (0, sqlite3.SQLITE_ERROR) and _header(database)):
            return " ".join(str(error).split())
        raise
    return "" if found == "ok" else " ".join(str(found).split())


def _schema_damage(connection: sqlite3.Connection) -> str:
    """What is wrong with the list of tables of a sound database of ours; empty when it is as it was made.

    A letter that was hit there may leave a list that SQLite can read, with a column that nobody knows.
    """
    if not is_ours(connection):
        return ""
    try:
        recorded = [(number, checksum) for number, _, checksum in connection.execute(q.MIGRATIONS)]
        present = set(connection.execute(q.SCHEMA))
    except (sqlite3.Error, UnicodeError) as error:
        return str(error)
    known = [(migration.number, migration.checksum) for migration in known_migrations()]
    if recorded[: len(known)] == known and len(recorded) > len(known):
        return ""  # a newer hbalert's: migrate says so
    if not recorded or recorded != known[: len(recorded)]:
        return "its list of schemas is wrong"
    # More than that is not ours, but does no harm: a view that somebody made for a report.
    return "" if _schema_after(len(recorded)) <= present else "its list of tables is wrong"


def _schema_after(migrations: int) -> set[tuple[str, str, str]]:
    """The list of tables as so many migrations make it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        apply_all(made, known_migrations()[:migrations], _ANY_TIME)
        return set(made.execute(q.SCHEMA))


def _first_tables() -> set[str]:
    return {name for kind, name, _ in _schema_after(1) if kind == "table"}


def _rescue(database: Path, reason: str, kept: Path, source: Path, now: datetime) -> tuple[str, ...]:
    """Reads what can be read from `source` into a new database, which takes the place of `database`."""
    said = [f"The database {database} was damaged ({reason}); it is kept as {kept.name}."]
    fresh = beside(database, ".rescued")
    try:
        _make_fresh(fresh, now)
        said += _take_over(source, fresh, may_patch=source == database)
    except Exception as error:  # whatever it is: an empty store that runs is better than none
        said.append(f"Nothing of it could be taken over ({error}); hbalert started with an empty one.")
        _make_fresh(fresh, now)
    # The log first: beside a new database an old log would be read as its own.
    _remove(database, but_main=True)
    os.replace(fresh, database)
    _sync_folder(database.parent)
    return tuple(said)


def _keep_aside(database: Path, now: datetime) -> tuple[Path, Path]:
    """Where the damaged file is kept, and which file to read: a copy leaves both whole.

    Without room for a copy the file itself is kept and read.
    """
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    kept, count = beside(database, f".damaged-{stamp}"), 1
    while kept.exists():
        count += 1
        kept = beside(database, f".damaged-{stamp}-{count}")
    log, kept_log = beside(database, "-wal"), beside(kept, "-wal")
    try:
        shutil.copy2(database, kept)
        if log.exists() and log.stat().st_size:
            shutil.copy2(log, kept_log)
        return kept, database
    except OSError:
        kept.unlink(missing_ok=True)
        kept_log.unlink(missing_ok=True)
    os.rename(database, kept)
    if log.exists():
        os.rename(log, kept_log)
    return kept, kept


def _remove(database: Path, *, but_main: bool = False) -> None:
    for ending in ("-wal", "-shm", "-journal") if but_main else ("-wal", "-shm", "-journal", ""):
        beside(database, ending).unlink(missing_ok=True)


def _make_fresh(fresh: Path, now: datetime) -> None:
    _remove(fresh)
    prepare(fresh)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute(q.PAGE_SIZE)
        migrate(connection, fresh, now)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- reading around the damage -----------------------------------------------------------------


@dataclass(slots=True)
class _Rescued:
    """What came of one table: rows taken over, rows that fitted nowhere, and whether some are lost."""

    rows: int = 0
    unfit: int = 0
    holes: bool = False


def _take_over(source: Path, fresh: Path, *, may_patch: bool) -> list[str]:
    """Copies what can be read from `source` into `fresh`; says what is lost."""
    mended = may_patch and _mend_schema(fresh, source)
    with closing(sqlite3.connect(fresh, isolation_level=None)) as new:
        new.execute(q.BEGIN)
        with closing(_open_damaged(source)) as old:
            # A list of tables that was mended is sure of those of the first schema only: in a database
            # that was migrated, later ones lie elsewhere than in a new one.
            sure = _first_tables() if mended else set(TABLES)
            found = {name: _take_over_table(old, new, name, sure=name in sure) for name in TABLES}
        # Closed, SQLite has written its log into the file, and all pages are in one place.
        log = beside(source, "-wal")
        if not mended and not (log.exists() and log.stat().st_size):
            for name, rescued in found.items():
                if rescued.holes:
                    _take_over_lost(source, new, name, rescued)
        new.execute(q.COMMIT)
    said = []
    for name, rescued in found.items():
        if rescued.holes:
            said.append(f"Of the {TABLES[name]}, {rescued.rows} could be read; others may be lost.")
        if rescued.unfit:
            said.append(f"{rescued.unfit} rows of the {TABLES[name]} were set aside: they fit nowhere.")
    total = sum(rescued.rows for rescued in found.values())
    if said:
        return [f"{total} rows were taken over into a new database.", *said]
    return [f"All rows that it named, {total}, were taken over into a new database."]


def _open_damaged(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    # Bytes that are no text any more must reach us all the same: see _insert.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    connection.execute(q.IGNORE_SCHEMA_ERRORS)
    return connection


def _has_schema(path: Path) -> bool:
    """Whether the list of tables can be read and is one that a hbalert made."""
    try:
        with closing(_open_damaged(path)) as connection:
            present = set(connection.execute(q.SCHEMA))
    except (sqlite3.Error, UnicodeError):
        return False
    return any(_schema_after(count) <= present for count in range(1, len(known_migrations()) + 1))


def _mend_schema(fresh: Path, damaged: Path) -> bool:
    """Gives a file whose list of tables cannot be read that of a new database. Whether it had to.

    The tables of the first schema lie at the same places in every database of ours. First only the
    first page, with the header; then also the pages that its list goes on in.
    """
    first, *others = _schema_pages(fresh)
    # An empty file must not be opened before: SQLite would remove its log.
    if damaged.stat().st_size > 0 and _has_schema(damaged):
        return False
    _transplant(damaged, [first])
    if not _has_schema(damaged):
        _transplant(damaged, [first, *others])
    return True


def _schema_pages(fresh: Path) -> list[tuple[int, bytes]]:
    """The pages, with their offsets, that hold the list of tables of a new database; the first first.

    The first page is made fit for another file: it says that the file is as long as it is, and that no
    page is free (nothing is written there). A log beside it is read whatever it says.
    Source: sqlite.org/fileformat2.html, 1.3 and 1.6.
    """
    whole = fresh.read_bytes()
    first = bytearray(whole[: q.PAGE_BYTES])
    first[92:96] = b"\0\0\0\0"  # "version valid for": makes SQLite measure the file instead
    first[32:40] = b"\0" * 8
    pages = [(0, bytes(first))]
    if first[100] == _INTERIOR_PAGE:
        (cells,) = struct.unpack_from(">H", first, 103)
        children = [112 - 4, *struct.unpack_from(f">{cells}H", first, 112)]  # the last child stands first
        for place in children:
            (number,) = struct.unpack_from(">I", first, place)
            start = (number - 1) * q.PAGE_BYTES
            pages.append((start, whole[start : start + q.PAGE_BYTES]))
    return pages


def _transplant(damaged: Path, pages: Sequence[tuple[int, bytes]]) -> None:
    with open(damaged, "r+b") as file:
        for start, page in pages:
            file.seek(start)
            file.write(page)


def _take_over_table(old: sqlite3.Connection, new: sqlite3.Connection, name: str, *, sure: bool) -> _Rescued:
    """Copies the rows of one table.

    sure  it is known where the table lies; otherwise what is found there may be another's
    """
    rescued = _Rescued(holes=not sure)
    shape = _shape(new, name)
    try:
        there = {str(column[1]) for column in old.execute(q.columns_of(name))}
    except (sqlite3.Error, UnicodeError):
        there = set()
    ours = [column[1] for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    columns = [column for column in ours if column in there]
    if not columns:
        rescued.holes = True
        return rescued
    statement = q.take_over(name, columns)
    for row in _rows_around_damage(old, name, columns, rescued):
        if not sure and not has_shape(row[1:], shape):
            continue
        if _insert(new, statement, name, row):
            rescued.rows += 1
        else:
            rescued.unfit += 1
    return rescued


def _shape(new: sqlite3.Connection, name: str) -> list[Column]:
    described = [column for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    return [(_KINDS[column[2]], not column[3]) for column in described]


def _take_over_lost(source: Path, new: sqlite3.Connection, name: str, rescued: _Rescued) -> None:
    """Adds the rows of a table that its own pages do not lead to any more."""
    columns = [column[1] for column in new.execute(q.columns_of(name)) if column[1] != "number"]
    statement = q.add_if_new(name, columns)
    try:
        for row in lost_rows(source, _shape(new, name)):
            rescued.rows += max(new.execute(statement, row).rowcount, 0)
    except (OSError, ValueError, sqlite3.Error):
        pass  # what has been found stays; there is nothing else to try


def _insert(new: sqlite3.Connection, statement: str, name: str, row: Sequence[Any]) -> bool:
    """Stores a rescued row; one that breaks a rule of its table is set aside instead."""
    try:
        new.execute(statement, row)
    except (sqlite3.IntegrityError, sqlite3.InterfaceError, UnicodeError, OverflowError):
        new.execute(q.SET_ASIDE, (name, ascii(tuple(row))))
        return False
    return True


def _rows_around_damage(
    old: sqlite3.Connection, name: str, columns: Sequence[str], rescued: _Rescued
) -> Iterator[Sequence[Any]]:
    """Every row of a table that can be reached, number first, each once.

    Walks upwards until a bad place, then downwards from the end until a bad place; what lies between
    is halved again and again, each half walked both ways from its middle.
    """
    seen: set[int] = set()

    def walk(low: int, high: int, *, down: bool) -> tuple[list[Sequence[Any]], bool]:
        return ask(q.between(name, columns, down=down), low, high)

    def ask(query: str, low: int, high: int) -> tuple[list[Sequence[Any]], bool]:
        """The rows up to a bad place, less the last: Python looks ahead before it hands a row out."""
        rows: list[Sequence[Any]] = []
        try:
            for row in old.execute(query, (low, high)):
                # A pointer that was hit may lead anywhere, even back.
                if low < row[0] < high and row[0] not in seen:
                    seen.add(row[0])
                    rows.append(row)
        except (sqlite3.Error, UnicodeError):
            return rows, False
        return rows, True

    upwards, whole = walk(-1, _HIGHEST, down=False)
    yield from upwards
    if whole:
        return
    rescued.holes = True
    downwards, _ = walk(max(seen, default=-1), _HIGHEST, down=True)
    last_good = max((row[0] for row in upwards), default=-1)
    yield from downwards
    first_good = min((row[0] for row in downwards), default=_end(old, name, last_good))
    gaps = deque([(last_good, first_good)])
    probes = 0
    while gaps and probes < MOST_PROBES:
        low, high = gaps.popleft()
        if high - low < 2:
            continue
        probes += 3
        middle = (low + high) // 2
        # By itself first: a row beside a bad place is seen only by who does not look further.
        alone, _ = ask(q.between_alone(name, columns), middle - 1, middle + 1)
        yield from alone
        above, whole_above = walk(middle - 1, high, down=False)
        yield from above
        below, whole_below = walk(low, middle, down=True)
        yield from below
        if not whole_above:
            gaps.append((max((row[0] for row in above), default=middle), high))
        if not whole_below:
            gaps.append((low, min((row[0] for row in below), default=middle)))


def _end(old: sqlite3.Connection, name: str, last_good: int) -> int:
    """A number that no row of the table is likely to reach, when its end cannot be read."""
    try:
        (highest,) = old.execute(q.highest_number(name)).fetchone()
    except (sqlite3.Error, UnicodeError):
        highest = None
    return int(highest) + 1 if highest is not None else 2 * max(last_good, 0) + 4096
