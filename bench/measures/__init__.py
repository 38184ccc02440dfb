"""The measures: each is a function of (record, scale), registered by its name.

Knows how a measure is registered and found.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable

from bench.record import Record, Scale

Measure = Callable[[Record, Scale], Awaitable[None]]

MEASURES: dict[str, Measure] = {}


def measure(function: Measure) -> Measure:
    """Registers a measure under the name of its function."""
    MEASURES[function.__name__] = function
    return function


def load() -> dict[str, Measure]:
    """Every measure there is."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return MEASURES
