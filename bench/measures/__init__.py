"""The measures: each is a function of (record, scale), registered by its name.

Knows how a measure is registered and found, and how much time it may take. Next: any of them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from bench.panels import PANELS
from bench.record import Record, Scale

Play = Callable[[Record, Scale], Awaitable[None]]


@dataclass(frozen=True)
class Measure:
    """One way to get some figures.

    yields    the lines and panels that it fills
    within_s  seconds after which it is given up
    """

    name: str
    play: Play
    yields: frozenset[str]
    within_s: float

    def called(self, word: str) -> bool:
        """Whether somebody means it: by its name, by a figure of it; "growth" is whatever draws a curve."""
        return (
            word in {self.name, *self.yields}
            or self.name.startswith(f"{word}_")
            or (word == "growth" and bool(self.yields & PANELS.keys()))
        )


MEASURES: dict[str, Measure] = {}


def measure(*yields: str, within_s: float = 400) -> Callable[[Play], Play]:
    """Registers a measure under the name of its function."""

    def register(function: Play) -> Play:
        name = function.__name__
        MEASURES[name] = Measure(name, function, frozenset(yields), within_s)
        return function

    return register


def load() -> dict[str, Measure]:
    """Every measure there is."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return MEASURES


def chosen(words: Iterable[str]) -> list[Measure]:
    """Whom these words mean, none: all; those that only draw come last, in case that time is short.

    Raises LookupError with the words that mean nobody.
    """
    asked = list(words)
    every = sorted(load().values(), key=lambda one: one.yields <= PANELS.keys())
    lost = [word for word in asked if not any(one.called(word) for one in every)]
    if lost:
        raise LookupError(", ".join(lost))
    return [one for one in every if not asked or any(one.called(word) for word in asked)]
