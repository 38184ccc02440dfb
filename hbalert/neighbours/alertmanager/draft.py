"""A notifier's file while it is being written.

Knows how it is laid out. Must not know channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hbalert.neighbours.alertmanager.secrets import Kept
from hbalert.neighbours.toml_text import TomlValue, pair, remark


@dataclass(slots=True)
class Draft:
    """One notifier.

    origin  where it comes from: file, line, receiver
    to      what it reaches, for people; no secret
    usable  everything it needs is there; else it is written as disabled
    """

    name: str
    kind: str
    origin: str
    to: str = ""
    usable: bool = True
    lines: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)

    def put(self, key: str, value: TomlValue, comment: str = "") -> None:
        self.lines.append(pair(key, value, comment))

    def put_file(self, key: str, kept: Kept | None) -> None:
        """A key that names a file; the notifier is of no use until that file is there."""
        if kept is not None:
            self.put(key, kept.path)
            self.usable &= kept.usable

    def put_table(self, name: str, entries: Mapping[str, TomlValue]) -> None:
        self.tables += ["", f"[{name}]", *(pair(key, value) for key, value in entries.items())]

    def text(self) -> str:
        """The whole file."""
        off = (
            []
            if self.usable
            else [pair("enabled", False, "see what `hbalert import` said; then remove this line")]
        )
        head = [f"# From {remark(self.origin)}.", pair("type", self.kind), *off]
        return "\n".join([*head, *self.lines, *self.tables]) + "\n"
