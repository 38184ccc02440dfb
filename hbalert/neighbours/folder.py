"""Files onto the disk: readable ones, and secrets that only their owner may read.

Knows how files are made without following links and without a moment in which others could read a
secret. Must not know what stands in them.
"""

from __future__ import annotations

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
    """Writes the files; what was there in their place goes. Raises OSError."""
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.secret:
            path.parent.chmod(0o700)
        path.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600 if file.secret else 0o666), "w", encoding="utf-8") as out:
            out.write(file.text)
