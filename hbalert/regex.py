"""Regular expressions in linear time: RE2, fully anchored, results remembered per value.

Knows RE2. Must not know what is matched. Handed into `core/` as its `CompileRegex`.
"""

from __future__ import annotations

from collections.abc import Callable
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


def _text(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
