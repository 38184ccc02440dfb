"""Operators' own templates of messages, tried as they stand in notifier files, whatever else is wrong there.

Knows which keys of a notifier hold a template or name a file with one. Must not know how a template is
tried: that is handed in (`Tries`), because a daemon that starts need not try any.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hbalert.config.document import Table
from hbalert.config.files import read_file, why
from hbalert.config.findings import Finding
from hbalert.config.notifier_files import NotifierFile
from hbalert.config.positions import Path as KeyPath
from hbalert.config.values import Surroundings, place

MOST_BYTES = 1 << 20
"""So much of a template's file is read, here and when a message is made."""

Tries = Callable[[str, str, str], Sequence[str]]
"""(type of notifier, key of the template, its text) -> what is wrong with it."""


def problems(file: NotifierFile, where: Surroundings, tries: Tries) -> Iterator[Finding]:
    """What is wrong with the templates of one notifier. Files that do not exist are found by others."""
    kind = file.tables.get("type")
    if not isinstance(kind, str):
        return
    for key, path in files(file, where):
        try:
            text = read_file(path, MOST_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            what = "it is not UTF-8" if isinstance(error, ValueError) else why(error)
            instead = f"{file.name} uses it"
            yield Finding(_shown(path), 0, "", f"cannot be read: {what}", instead, "unreadable")
            continue
        for what in tries(kind, key, text):
            yield Finding(_shown(path), 0, file.name, f"this template does not work: {what}", "", "template")
    for where_it_stands, text in _texts(file.tables):
        for what in tries(kind, str(where_it_stands[0]), text):
            what = f"this template does not work: {what}"
            yield file.document.finding(where_it_stands, what, code="template")


def files(file: NotifierFile, where: Surroundings) -> Iterator[tuple[str, Path]]:
    """The files that hold templates of one notifier, by key."""
    for key in ("template", "html"):
        name = file.tables.get(key)
        if isinstance(name, str) and name and os.path.isfile(path := place(name, where)):
            yield key, path


def _texts(tables: Table) -> Iterator[tuple[KeyPath, str]]:
    """The templates that stand in the notifier's file itself."""
    subject, headers = tables.get("subject"), tables.get("headers")
    if isinstance(subject, str) and subject and tables.get("type") == "email":
        yield ("subject",), subject
    if isinstance(headers, dict) and tables.get("type") == "email":
        yield from ((("headers", name), text) for name, text in headers.items() if isinstance(text, str))


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.absolute().is_relative_to(Path.cwd()) else str(path.absolute())
