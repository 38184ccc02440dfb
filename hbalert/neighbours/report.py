"""What came of a translation: what has no equal, what is worth knowing, what the other program refuses.

Knows how each is noted, with its line. Must not know formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hbalert.config.findings import Finding


@dataclass(slots=True)
class Report:
    """Notes about one file.

    missing  what has no equal here, or cannot be had on this machine
    hints    what works, but might not be expected
    refused  what the other program itself would not take
    """

    file: str
    missing: list[Finding] = field(default_factory=list)
    hints: list[Finding] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)

    def lacks(self, line: int, key: str, what: str, instead: str = "", *, file: str = "") -> None:
        self.missing.append(Finding(file or self.file, line, key, what, instead))

    def hint(self, line: int, key: str, what: str, instead: str = "") -> None:
        self.hints.append(Finding(self.file, line, key, what, instead))

    def refuse(self, line: int, key: str, what: str, instead: str = "") -> None:
        self.refused.append(Finding(self.file, line, key, what, instead))

    def tidy(self) -> None:
        """Each note once, those of one file by line."""
        for notes in (self.missing, self.hints, self.refused):
            notes[:] = sorted(dict.fromkeys(notes), key=lambda each: (each.file, each.line))
