"""A damaged database: found at the start, kept aside, and a sound one in its place.

Knows which files there are and in which order they are put in place. Must not know what is damage
(`damage.py`) nor how rows are read around it (`rescue.py`). Next: `writer.py`.

hbalert starts whatever has become of its database: an engine that does not run tells nobody anything.
What was lost is said in plain sentences, and the damaged file stays for whoever can do better.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hbalert.storage.damage import damage, was_emptied
from hbalert.storage.files import beside, prepare
from hbalert.storage.migrate import migrate
from hbalert.storage.queries import sqlite as q
from hbalert.storage.rescue import take_over


def make_sound(database: Path, now: datetime) -> tuple[str, ...]:
    """Looks whether the database is sound, and if not puts a sound one in its place.

    The new one holds every row that can still be read. Reads the whole file.

    database  exists, may be empty; no connection to it is open
    now       goes into the name under which a damaged file is kept
    Returns what was found and done, in sentences; empty when all is well.
    Raises sqlite3.Error or OSError when the file cannot be read at all, or no new one can be written.
    """
    if was_emptied(database):
        return _rescue(database, "it is empty, but its log is not", *_keep_aside(database, now), now)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        reason = damage(connection, database)
        if not reason:
            return ()
        # Before the connection is closed: closing writes the log into the file.
        kept, source = _keep_aside(database, now)
    return _rescue(database, reason, kept, source, now)


def _rescue(database: Path, reason: str, kept: Path, source: Path, now: datetime) -> tuple[str, ...]:
    """Reads what can be read from `source` into a new database, which takes the place of `database`."""
    said = [f"The database {database} was damaged ({reason}); it is kept as {kept.name}."]
    fresh = beside(database, ".rescued")
    try:
        _make_fresh(fresh, now)
        said += take_over(source, fresh, may_patch=source == database)
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
