"""What lies beside the database: the lock of its owner, and the ballast.

Knows files and what a full disk answers. Must not know SQL. Next: `sqlite.py`, which owns both.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from hbalert.core.trouble import Room
from hbalert.errors import StoreError, StoreFull, StoreLocked

LOCK = ".lock"
_USED = b"used\n"
_PIECE = 256 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO})


def file_error(path: Path, what: str, error: OSError) -> StoreError:
    """The StoreError, or StoreFull, for something that cannot be done to a file."""
    reason = error.strerror or type(error).__name__
    kind = StoreFull if error.errno in _FULL else StoreError
    remedy = "make room on the disk" if kind is StoreFull else "check storage.url and who may write there"
    return kind(f"{path} cannot be {what}: {reason}; {remedy}")


def beside(database: Path, ending: str) -> Path:
    """The file of that ending beside the database."""
    return database.with_name(database.name + ending)


class Lock:
    """Ownership of a database, for as long as this process lives and `release` is not called.

    The kernel drops it with the process, however that ends. The file itself stays: removing it would
    let two owners lock two files of one name.

    was_used  whether an owner before us had a whole database (`mark_used`)
    """

    def __init__(self, database: Path) -> None:
        """Takes the lock. Raises StoreLocked, naming the owner, or StoreError."""
        path = beside(database, LOCK)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise file_error(path, "opened", error) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._file, 32, 0).decode("ascii", "replace").partition("\n")[0]
            os.close(self._file)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise file_error(path, "locked", error) from None
            who = f"process {owner}" if owner.isdigit() else "another process"
            raise StoreLocked(
                f"{database} is in use by {who}; stop that hbalert first, "
                "or give this one its own storage.url"
            ) from None
        self.was_used = _USED in os.pread(self._file, 64, 0)
        self._write(_USED if self.was_used else b"")

    def mark_used(self) -> None:
        """The database is whole: whoever finds it empty or missing later has lost something."""
        self.was_used = True
        self._write(_USED)

    def _write(self, mark: bytes) -> None:
        content = b"%d\n" % os.getpid() + mark
        try:
            os.pwrite(self._file, content, 0)
            os.ftruncate(self._file, len(content))
        except OSError:
            pass  # a full disk: the lock holds all the same, only its owner's number is missing

    def release(self) -> None:
        """Gives the ownership up. May be called again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Ballast:
    """Room on the disk that is kept for the moment when it is full.

    A file that is deleted when something in flight must be written and nothing fits any more, and that
    is made again when there is room for it and as much again: what it gave up must not fill it.
    """

    def __init__(self, database: Path, size: int) -> None:
        """size  in bytes; 0 = none is kept, and there is always room"""
        self._path = beside(database, ".ballast")
        self._size = size
        self.spent = not self._is_there()

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_size >= self._size
        except OSError:
            return self._size == 0

    def give_up(self) -> bool:
        """Frees the room. Whether there was any to free."""
        if self.spent or self._size == 0:
            return False
        self.spent = True
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def room(self) -> Room | None:
        """What is left on the disk; None when the disk does not say. Makes the ballast again if it can."""
        try:
            disk = os.statvfs(self._path.parent)
        except OSError:
            return None
        full = not self.restore()
        return Room(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize, full)

    def restore(self) -> bool:
        """Keeps room again when there is enough. Whether there is."""
        if not self.spent:
            return True
        draft = self._path.with_name(self._path.name + ".new")
        try:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < 3 * self._size:
                return False
            # statvfs knows no quota, so twice the size is really written. Random bytes, because zeros
            # take no room on a file system that compresses; few of them, because the kernel takes 20 ms
            # for as many as that; shifted each time, because equal blocks may be stored once.
            piece = os.urandom(min(self._size, _PIECE))
            with open(draft, "wb", opener=_private) as file:
                while file.tell() < 2 * self._size:
                    file.write(b"\0" + piece)
                file.flush()
                os.fsync(file.fileno())
                file.truncate(self._size)
            os.replace(draft, self._path)
        except OSError:
            draft.unlink(missing_ok=True)
            return False
        self.spent = False
        return True


def _private(path: str, flags: int) -> int:
    """An opener for files that nobody else may read."""
    return os.open(path, flags, 0o600)


def prepare(database: Path) -> None:
    """Makes the folder and the file, for nobody else's eyes. Raises StoreError, StoreFull."""
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(database.parent, "made", error) from None
    try:
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise file_error(database, "opened", error) from None
