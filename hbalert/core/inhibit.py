"""Inhibition: an alert that fires makes others, which follow from it, be quiet.

Knows source, target and equal labels. Must not know silences, routes or the notification log.
Answers *who* inhibits an alert, not yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable
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


ASKED_EACH = 8
"""Of more rules than this it is cheaper to look up which of them an alert may be a target of."""

Found = dict[int, dict[bytes, Labels]]
"""Place of a rule -> the alerts that fire and match its source, by key."""


class Inhibitor:
    """The firing alerts that inhibit others, arranged for looking up.

    Sources stand under their values of the equal labels, those of all rules with the same equal labels
    together: most alerts have no source that is their equal, and one look tells. All sources are kept: when
    one of several resolves, the others go on inhibiting (Alertmanager 0.28-0.34 forgot them).

    compile_many  asks many patterns in one pass; without it each is asked by itself
    """

    def __init__(
        self,
        rules: Iterable[InhibitRule],
        firing: Iterable[Labels] = (),
        compile_many: CompileMany | None = None,
    ) -> None:
        self._rules = tuple(rules)
        self._sources: dict[tuple[str, ...], dict[tuple[str, ...], Found]] = {}
        self._as_source = Sieve([(at, rule.source) for at, rule in enumerate(self._rules)], compile_many)
        self._as_target = Sieve([(at, rule.target) for at, rule in enumerate(self._rules)], compile_many)
        for labels in firing:
            self.add(labels)

    def add(self, labels: Labels) -> None:
        """An alert fires."""
        for at in self._as_source.found(labels):
            equal = self._rules[at].equal
            found = self._sources.setdefault(equal, {}).setdefault(_values(equal, labels), {})
            found.setdefault(at, {})[labels.key] = labels

    def remove(self, labels: Labels) -> None:
        """It does not fire any more; nothing happens when it was no source."""
        for at in self._as_source.found(labels):
            equal = self._rules[at].equal
            by_values = self._sources.get(equal, {})
            values = _values(equal, labels)
            found = by_values.get(values, {})
            if found.get(at, {}).pop(labels.key, None) is None or found[at]:
                continue
            del found[at]
            if not found:
                del by_values[values]

    def inhibited_by(self, labels: Labels) -> list[bytes]:
        """Keys of the firing alerts that inhibit this one, sorted.

        None inhibits itself. One that matches both sides of a rule is not inhibited by another that
        does so too: they would silence each other for ever.
        """
        inhibiting: set[bytes] = set()
        for equal, by_values in self._sources.items():
            found = by_values.get(_values(equal, labels))
            if not found:
                continue
            for at in self._asked(found, labels):
                rule = self._rules[at]
                both_sides = matches(rule.source, labels)
                inhibiting.update(
                    key
                    for key, source in found[at].items()
                    if key != labels.key and not (both_sides and matches(rule.target, source))
                )
        return sorted(inhibiting)

    def _asked(self, found: Found, labels: Labels) -> list[int]:
        """Places of those rules of which an alert is a target."""
        if len(found) > ASKED_EACH:
            return [at for at in self._as_target.found(labels) if at in found]
        return [at for at in found if matches(self._rules[at].target, labels)]


def _values(equal: tuple[str, ...], labels: Labels) -> tuple[str, ...]:
    return tuple([labels.get(name, "") for name in equal])
