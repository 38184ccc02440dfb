"""Files that somebody named: read whole, up to a size, and never waited for.

Knows that a name may lead to a named pipe, a folder or a device. Must not know what is in the files.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_file(path: Path, most: int) -> bytes:
    """What is in a file; of a longer one the first `most` bytes and one more.

    Raises OSError, also for what is no regular file: without O_NONBLOCK a named pipe that nobody writes to
    would hold a command, or the reload of a whole daemon, up for ever.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is no regular file (a pipe, a device); save what comes out of it in one")
        return file.read(most + 1)


def why(error: OSError) -> str:
    """Why a file could not be read, without its name."""
    return os.strerror(error.errno) if error.errno else str(error)
