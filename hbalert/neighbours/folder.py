"""Files onto the disk: readable ones, and secrets that only their owner may read.

Knows how files are made without following links and without a moment in which others could read a
secret. Must not know what stands in them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made. A secret one is shown to nobody."""

    text: str
    secret: bool = False


def there_already(folder: Path, files: Mapping[str, NewFile]) -> list[Path]:
    """Which of the files exist, by their names below the folder."""
    return [folder / name for name in files if os.path.lexists(folder / name)]


def write(folder: Path, files: Mapping[str, NewFile]) -> None:
    """Writes the files; what was there in their place goes, once its successor is whole.

    Raises OSError with the file's name: it cannot be written, or what is there is a folder or a device.
    """
    for name, file in files.items():
        path = folder / name
        if path.exists() and not path.is_file():
            raise FileExistsError(errno.EEXIST, "what is there is no file", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.secret:
            path.parent.chmod(0o700)
        try:
            _replace(path, file)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None


def _replace(path: Path, file: NewFile) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        with os.fdopen(os.open(new, flags, 0o600 if file.secret else 0o666), "w", encoding="utf-8") as out:
            out.write(file.text)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
