"""Inhibition: an alert that fires makes others, which follow from it, be quiet.

Knows source, target and equal labels. Must not know silences, routes or the notification log.
Answers *who* inhibits an alert, not yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hbalert.core.labels import Labels
from hbalert.core.matcher import Matcher, matches
from hbalert.core.sieve import CompileMany, Sieve


@dataclass(frozen=True, slots=True)
class InhibitRule:
    """While an alert fires that matches `source`, those that match `target` and have the same values
    of the `equal` labels are inhibited. A label that neither has counts as equal.
    """

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()


class Inhibitor:
    """The firing alerts that inhibit others, arranged for looking up.

    Per rule, sources stand under their values of the equal labels. All sources are kept: when one of
    several resolves, the others go on inhibiting (Alertmanager 0.28-0.34 forgot them).

    compile_many  asks many patterns in one pass; without it each is asked by itself
    """

    def __init__(
        self,
        rules: Iterable[InhibitRule],
        firing: Iterable[Labels] = (),
        compile_many: CompileMany | None = None,
    ) -> None:
        self._rules = tuple(rules)
        self._sources: list[dict[tuple[str, ...], dict[bytes, Labels]]] = [{} for _ in self._rules]
        self._as_source = Sieve([(at, rule.source) for at, rule in enumerate(self._rules)], compile_many)
        self._as_target = Sieve([(at, rule.target) for at, rule in enumerate(self._rules)], compile_many)
        for labels in firing:
            self.add(labels)

    def add(self, labels: Labels) -> None:
        """An alert fires."""
        for at in self._as_source.found(labels):
            self._sources[at].setdefault(_values(self._rules[at], labels), {})[labels.key] = labels

    def remove(self, labels: Labels) -> None:
        """It does not fire any more; nothing happens when it was no source."""
        for at in self._as_source.found(labels):
            values = _values(self._rules[at], labels)
            found = self._sources[at].get(values)
            if found is not None:
                found.pop(labels.key, None)
                if not found:
                    del self._sources[at][values]

    def inhibited_by(self, labels: Labels) -> list[bytes]:
        """Keys of the firing alerts that inhibit this one, sorted.

        None inhibits itself. One that matches both sides of a rule is not inhibited by another that
        does so too: they would silence each other for ever.
        """
        found: set[bytes] = set()
        for at in self._as_target.found(labels):
            rule, sources = self._rules[at], self._sources[at]
            candidates = sources.get(_values(rule, labels)) if sources else None
            if not candidates:
                continue
            both_sides = matches(rule.source, labels)
            found.update(
                key
                for key, source in candidates.items()
                if key != labels.key and not (both_sides and matches(rule.target, source))
            )
        return sorted(found)


def _values(rule: InhibitRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple([labels.get(name, "") for name in rule.equal])
