"""Secrets: out of Alertmanager's file, into files of their own.

Knows how a secret is spelt in both (`x`, `x_file`) and what is no secret but a stand-in. Must not know
which keys are secrets. No secret is in a report, in config.toml or in a notifier's file.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from hbalert.config.values import MAX_SECRET_BYTES
from hbalert.neighbours.folder import NewFile
from hbalert.neighbours.keys import Keys

FOLDER = "secrets"

_HIDDEN = "<secret>"
"""What a running Alertmanager shows in place of a secret."""

_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|\{\{.*\}\}|%\w+%|<[\w -]+>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a secret is: a path for `x_file`. `usable`: there is something in it now."""

    path: str
    usable: bool


class Secrets:
    """Takes secrets over. `files`: those to be written, by their names below the new folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, NewFile] = {}

    def take(self, table: Keys, name: str, owner: str, *, called: str = "") -> Kept | None:
        """The secret that `name` or `name_file` gives; None when neither does.

        owner   whose secret it is: the beginning of its file's name
        called  the rest of it; default: `name`
        """
        text, path = table.text(name), table.text(f"{name}_file")
        if text and path:
            table.refuse(name, f"{name} and {name}_file are both given")
        if path:
            return self._file(table, f"{name}_file", path)
        if not text:
            return None
        new = f"{FOLDER}/{owner}_{called or name}"
        if text == _HIDDEN:
            table.lacks(
                name, "the secret is hidden: a running Alertmanager shows none", f"write it into {new}"
            )
            return Kept(new, False)
        if _PLACEHOLDER.fullmatch(text):
            table.hint(
                name, "this looks like a placeholder, not like a secret", f"write the secret into {new}"
            )
        self.files[new] = NewFile(text + "\n", secret=True)
        return Kept(new, True)

    def _file(self, table: Keys, key: str, path: str) -> Kept:
        there = self.path(path)
        try:
            data = Path(there).read_bytes()[: MAX_SECRET_BYTES + 1]
            usable = bool(data.strip()) and len(data) <= MAX_SECRET_BYTES and data.decode() is not None
        except (OSError, ValueError):
            usable = False
        if not usable:
            table.lacks(key, f"no secret can be read from {there} on this machine", "put it there")
        return Kept(there, usable)

    def existing(self, table: Keys, key: str) -> Kept | None:
        """A file that is no secret (a certificate), where it must be there to be used."""
        path = table.text(key)
        if not path:
            return None
        there = self.path(path)
        if not os.path.isfile(there):
            table.lacks(key, f"there is no file {there} on this machine", "put it there")
        return Kept(there, os.path.isfile(there))

    def path(self, path: str) -> str:
        """A path as Alertmanager takes it: below the folder of its file."""
        return os.path.abspath(self.folder / path)
