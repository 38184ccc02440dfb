"""The lock and the ballast. A disk that is really full is in `test_sqlite.py`."""

from __future__ import annotations

import errno
import os
import resource
import zlib
from pathlib import Path

import pytest

from hbalert.errors import StoreError, StoreFull, StoreLocked
from hbalert.storage.files import Ballast, Lock, file_error, prepare
from tests.storage.values import fill


def test_a_lock_is_free_again_after_its_release(database: Path) -> None:
    first = Lock(database)
    with pytest.raises(StoreLocked):
        Lock(database)
    first.release()
    first.release()
    Lock(database).release()


def test_a_lock_file_that_holds_nonsense_is_no_harm(database: Path) -> None:
    lock_file = database.with_name("hbalert.db.lock")
    lock_file.write_bytes(b"\xff\xfe nonsense that is rather long, longer than any number")
    first = Lock(database)
    assert lock_file.read_text() == f"{os.getpid()}\n"
    lock_file.write_bytes(b"\xffx")
    with pytest.raises(StoreLocked, match="in use by another process"):
        Lock(database)
    first.release()


def test_a_lock_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "hbalert.db.lock").mkdir()
    with pytest.raises(StoreError, match=r"hbalert.db.lock cannot be opened: Is a directory"):
        Lock(tmp_path / "hbalert.db")


def test_preparing_keeps_what_is_there(database: Path) -> None:
    database.write_text("content")
    prepare(database)
    assert database.read_text() == "content"


def test_the_ballast_is_given_up_once_and_made_again(database: Path) -> None:
    file = database.with_name("hbalert.db.ballast")
    ballast = Ballast(database, 100_000)
    assert ballast.spent
    assert not ballast.give_up()
    assert ballast.restore()
    assert file.stat().st_size == 100_000
    assert file.stat().st_blocks * 512 >= 100_000
    assert not Ballast(database, 100_000).spent
    assert ballast.give_up()
    assert not ballast.give_up()
    assert not file.exists()
    assert ballast.restore()
    assert ballast.restore()
    assert file.stat().st_size == 100_000


def test_a_ballast_cannot_be_made_smaller_by_a_file_system(database: Path) -> None:
    """Neither by one that compresses nor by one that keeps equal blocks once."""
    assert Ballast(database, 4 << 20).restore()
    content = database.with_name("hbalert.db.ballast").read_bytes()
    assert len(content) == 4 << 20
    blocks = {content[begin : begin + 4096] for begin in range(0, len(content), 4096)}
    assert len(blocks) == len(content) // 4096
    assert len(zlib.compress(content[: 128 << 10], 1)) > 127 << 10


def test_without_a_ballast_there_is_always_room(database: Path) -> None:
    ballast = Ballast(database, 0)
    assert not ballast.spent
    assert not ballast.give_up()
    assert ballast.restore()
    assert list(database.parent.iterdir()) == []


def test_a_ballast_that_somebody_removed_is_spent_when_needed(database: Path) -> None:
    ballast = Ballast(database, 1000)
    ballast.restore()
    database.with_name("hbalert.db.ballast").unlink()
    assert not ballast.give_up()
    assert ballast.spent


def test_a_ballast_is_not_made_where_it_would_fill_the_disk(small_disk: Path) -> None:
    ballast = Ballast(small_disk / "hbalert.db", 1_000_000)
    filling = fill(small_disk, leave=2_500_000)
    assert not ballast.restore()
    assert [file.name for file in small_disk.iterdir()] == ["filling"]
    filling.unlink()
    assert ballast.restore()


def test_a_ballast_is_not_made_where_a_quota_is_nearly_used_up(database: Path) -> None:
    """What the disk says is not what we may use. A limit on the size of files stands for a quota."""
    ballast = Ballast(database, 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, limits[1]))
    try:
        assert not ballast.restore()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(database.parent.iterdir()) == []
    assert ballast.restore()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreFull),
        (errno.EACCES, StoreError),
        (errno.ENOTDIR, StoreError),
    ],
)
def test_what_a_file_answers_is_said_with_a_remedy(number: int, kind: type[StoreError]) -> None:
    error = file_error(Path("/x/hbalert.db"), "opened", OSError(number, os.strerror(number)))
    assert type(error) is kind
    assert str(error).startswith(f"/x/hbalert.db cannot be opened: {os.strerror(number)}; ")
