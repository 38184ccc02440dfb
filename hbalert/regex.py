"""Regular expressions in linear time: RE2, fully anchored, results remembered per value.

Knows RE2. Must not know what is matched. Handed into `core/` as its `CompileRegex`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole value matches `pattern`. Raises ValueError, fit to show.

    A match in RE2 costs about 3 us and label values repeat, so each test remembers its answers.
    """
    try:
        compiled = re2.compile(f"^(?:{pattern})$", _OPTIONS)
    except re2.error as error:
        raise ValueError(f"{pattern!r} is not a valid regular expression (RE2): {_text(error)}") from None

    @lru_cache(maxsize=8192)
    def matches(value: str) -> bool:
        return compiled.match(value) is not None

    return matches


def compile_many(patterns: Sequence[str]) -> Callable[[str], list[int]]:
    """For a value, the positions of all patterns that match the whole of it, in one pass over the value.

    Five hundred patterns cost about what one costs. Patterns with counted repetition or Unicode
    classes, which can make the common automaton large, are asked one by one.
    Raises ValueError, fit to show, for a pattern that is not valid.
    """
    alone = [(index, compile_regex(pattern)) for index, pattern in enumerate(patterns)]
    simple = [index for index, pattern in enumerate(patterns) if not _COSTLY.search(pattern)]
    sets = []
    for begin in range(0, len(simple), _TOGETHER):
        some = simple[begin : begin + _TOGETHER]
        together = re2.Set.FullMatchSet(_SET_OPTIONS)
        for index in some:
            together.Add(f"(?:{patterns[index]})")
        try:
            together.Compile()
        except re2.error:
            continue  # too large together: asked one by one
        sets.append((some, together))
    covered = {index for some, _ in sets for index in some}
    alone = [(index, test) for index, test in alone if index not in covered]

    def matching(value: str) -> list[int]:
        found = [some[at] for some, together in sets for at in together.Match(value) or ()]
        found += [index for index, test in alone if test(value)]
        return found

    return matching


_TOGETHER = 100
"""Patterns in one automaton."""

_COSTLY = re.compile(r"[{}]|\\p|\\P|.{513}", re.DOTALL)

_SET_OPTIONS = re2.Options()
_SET_OPTIONS.log_errors = False
_SET_OPTIONS.max_mem = 64 << 20


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
