"""Values that are made all the time: frozen dataclasses, frozen by the type checker alone.

Knows only how such a class is made. Python guards the fields of a frozen dataclass from its own constructor
as well, so that to make one takes five times as long as to make another; mypy sees every assignment there
is in the source, at no cost. For what is made once per alert and request; all else is a plain dataclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool) -> object:
        """As `dataclass(frozen=True, slots=True)`: equal and hashed by its fields."""
        assert frozen  # noqa: S101 - what stands in the source is what mypy sees to
        return dataclass(slots=slots, unsafe_hash=True)


__all__ = ["value"]
