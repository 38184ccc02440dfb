"""Caps: how many alerts of senders are kept, in all and under one name.

Knows numbers. Must not know where alerts are counted or what the sender is answered. A label that takes
a new value each time would otherwise fill memory and disk, and bury every other alert. What is known
goes on, and ends are always taken: a cap keeps out only what is new. Our own rules have limits of their
own and are counted, but not kept out.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many alerts; 0: any number.

    total     in all
    per_name  with one `alertname`
    """

    total: int = 0
    per_name: int = 0


@dataclass(frozen=True, slots=True)
class Over:
    """Why an alert was kept out.

    name   its alertname; None when there are too many in all
    limit  the number that is reached
    """

    name: str | None
    limit: int

    @property
    def key(self) -> str:
        """The setting that says so."""
        return "alerts.limit" if self.name is None else "alerts.limit_per_alertname"

    def __str__(self) -> str:
        of = "" if self.name is None else f" of alertname {self.name!r}"
        return f"not stored: there are {self.limit} alerts{of} already, the limit ({self.key})"


def over(cap: Cap, name: str, *, total: int, of_name: int) -> Over | None:
    """Why one more alert is kept out; None when there is room.

    total, of_name  how many there are, in all and with this alertname
    """
    if cap.per_name and of_name >= cap.per_name:
        return Over(name, cap.per_name)
    return Over(None, cap.total) if cap.total and total >= cap.total else None
