"""Health: how the last evaluation of each rule and group went, for whoever shows it.

A leaf of plain values. `loops/evaluate.py` writes them, API and status read them; they live in memory
only, because after a start everything is asked again within a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """One rule.

    at             the slot for which it was evaluated last
    seconds        how long that took, asking included, for all that was asked together
    samples        series in the answer
    error          empty when it was good; otherwise its alerts are as they were before
    warnings       what the source, or a limit, had to say
    overflow       alerts kept out by `limit`
    failing_since  slot of the first failure in a row that is the rule's own fault
    next_at        when it will be evaluated again
    """

    at: datetime
    seconds: float
    samples: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()
    overflow: int = 0
    failing_since: datetime | None = None
    next_at: datetime | None = None

    @property
    def health(self) -> str:
        """ "ok" or "err": Prometheus' words; "unknown" has no value here, but no entry."""
        return "err" if self.error else "ok"

    def moved(self, to: Callable[[datetime], datetime]) -> RuleHealth:
        """The same on a clock that was set."""
        since, following = self.failing_since, self.next_at
        return replace(
            self,
            at=to(self.at),
            failing_since=to(since) if since else None,
            next_at=to(following) if following else None,
        )


@dataclass(frozen=True, slots=True)
class GroupHealth:
    """One rule group.

    at       its last slot
    seconds  how long the last evaluation took
    missed   slots skipped since the start: the one before was still running, or the machine slept
    next_at  its next slot
    """

    at: datetime | None = None
    seconds: float = 0.0
    missed: int = 0
    next_at: datetime | None = None

    def moved(self, to: Callable[[datetime], datetime]) -> GroupHealth:
        """The same on a clock that was set."""
        last, following = self.at, self.next_at
        return replace(
            self,
            at=to(last) if last else None,
            next_at=to(following) if following else None,
        )
