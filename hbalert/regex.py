"""Regular expressions in linear time: RE2, fully anchored, results remembered per value.

Knows RE2, which is imported with the first pattern. Must not know what is matched. Handed into `core/`
as its `CompileRegex`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any


def compile_re2(pattern: str, *, whole: bool = False) -> Any:
    """The pattern as RE2 compiles it. Raises ValueError, fit to show.

    whole  it has to match all of a text
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"^(?:{pattern})$" if whole else pattern, options)
    except re2.error as error:
        detail = error.args[0] if error.args else ""
        why = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        raise ValueError(f"{pattern!r} is not a valid regular expression (RE2): {why}") from None


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole value matches `pattern`. Raises ValueError, fit to show.

    A match in RE2 costs about 3 us and label values repeat, so each test remembers its answers.
    """
    compiled = compile_re2(pattern, whole=True)

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
        together = _automaton([patterns[index] for index in some])
        if together is not None:
            sets.append((some, together))
    # Those that are too large together are asked one by one.
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


def _automaton(patterns: Sequence[str]) -> Any:
    """One for all of them; None when it would be too large."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 64 << 20
    together = re2.Set.FullMatchSet(options)
    for pattern in patterns:
        together.Add(f"(?:{pattern})")
    try:
        together.Compile()
    except re2.error:
        return None
    return together
