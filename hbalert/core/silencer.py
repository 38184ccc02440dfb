"""Which silences cover an alert, for many alerts and many silences.

Knows that a silence never covers what is said about itself. Must not know the life of a silence: it is
given those that are active. The answer is that of `silence.silenced_by`, which is the definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hbalert.core.sieve import CompileMany, Sieve
from hbalert.core.silence import SUBJECT, Silence


class Silencer:
    """The silences that are active at one moment, arranged for looking up.

    active        exactly these; the arrangement holds until one of them ends or another begins
    compile_many  asks many patterns in one pass; without it each is asked by itself
    """

    def __init__(self, active: Iterable[Silence], compile_many: CompileMany | None = None) -> None:
        self.active = tuple(active)
        self._sieve = Sieve([(silence.id, silence.matchers) for silence in self.active], compile_many)

    def holds(self, active: Iterable[Silence]) -> bool:
        """Whether exactly these silences are arranged here; then nothing has to be looked up again."""
        mine = iter(self.active)
        return all(next(mine, None) is silence for silence in active) and next(mine, None) is None

    def silenced_by(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The ids of the active silences that match, sorted."""
        found = self._sieve.found(labels)
        if not found:
            return ()
        subject = labels.get(SUBJECT)
        return tuple(sorted(silence_id for silence_id in found if silence_id != subject))
