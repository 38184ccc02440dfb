"""A finding: one mistake in the configuration, where it is and what to do.

Knows how findings are ordered, printed and counted. Must not know what can be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """error: the configuration is refused. warning: it is not what was probably meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake.

    file, line  where; line 0 when the file itself is the matter; file "environment" for variables
    key         dotted path: `route.routes[0].receiver`
    what        what is wrong, with the value when it is no secret
    instead     what would be right
    code        stable short name: "syntax", "unknown-key", "type", "unknown-receiver", "matcher", ...
    """

    file: str
    line: int
    key: str
    what: str
    instead: str = ""
    code: str = "value"
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        remedy = f"; {self.instead}" if self.instead else ""
        return f"{where}:{key} {self.what}{remedy}"
