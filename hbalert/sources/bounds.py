"""Bounds: rules that compare one left side with different numbers.

`usage > 80` (warning) and `usage > 95` (critical) are one question: the answer to the weaker condition holds
that to the stronger, value by value. Knows which expressions are such comparisons and what their numbers
are; must not know how anything is asked. Next: `merge.py`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from hbalert.promql import Shape, Token, normal, shape, tokens


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on values.

    left    what is compared, as text without comments and needless space
    op      one of > >= < <=
    number  never NaN
    """

    left: str
    op: str
    number: float

    def holds(self, value: float) -> bool:
        """Whether a value passes, as a server's 64-bit floats decide it; NaN never does."""
        match self.op:
            case ">":
                return value > self.number
            case ">=":
                return value >= self.number
            case "<":
                return value < self.number
            case _:
                return value <= self.number

    @property
    def kind(self) -> tuple[str, str]:
        """Equal for conditions of which one always holds the other."""
        return self.left, self.op[0]

    @property
    def strength(self) -> tuple[float, bool]:
        """Of two of a kind the smaller one is the weaker condition: whatever passes the other, passes it."""
        return self.number if self.op[0] == ">" else -self.number, len(self.op) == 1


@lru_cache(maxsize=65536)
def bound(expr: str) -> Bound | None:
    """The condition, when `expr` keeps those of its series whose value passes one; else None.

    With `bool` values would become truth values; `==` and `!=` hold nothing of each other. What is no plain
    number (`2 ^ 3`, `time()`) is left to the server, as are the ways of writing a number that not all
    versions read alike (010, 1_000, 5m).

    >>> bound("rate(errors_total[5m]) > 0.1  # per second")
    Bound(left='rate(errors_total[5m])', op='>', number=0.1)
    """
    if shape(expr) is not Shape.VECTOR:
        return None
    found = list(tokens(expr))
    outer = [place for place, token in enumerate(found) if token.depth == 0]
    compares = [place for place in outer if found[place].kind == "compare"]
    if len(compares) != 1 or any(_binds_looser(found[place]) for place in outer):
        return None
    place = compares[0]
    op = found[place].text
    if op not in _MIRRORED:
        return None
    left, right = normal(expr, found[:place]), normal(expr, found[place + 1 :])
    if (number := _number(right)) is not None:
        return Bound(left, op, number)
    if (number := _number(left)) is not None and not right.lower().startswith("bool"):
        return Bound(right, _MIRRORED[op], number)
    return None


def _binds_looser(token: Token) -> bool:
    return token.kind == "word" and token.text in ("and", "or", "unless")


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    if found["hex"]:
        whole = int(found["hex"], 16)
        if whole >= 1 << 63:
            return None
        return float(-whole if found["sign"] == "-" else whole)
    number = float(text)
    is_too_large = math.isinf(number) and not found["inf"]
    return None if is_too_large else number  # a server refuses what it cannot hold


_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?:0x(?P<hex>[0-9a-f]+)|(?P<inf>inf)|(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)",
    re.IGNORECASE | re.ASCII,
)
