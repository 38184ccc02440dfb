"""What is wrong with a template, and how it is said.

Knows no template language. Next: `functions.py`, `expressions.py`.
"""

from __future__ import annotations


class TemplateError(ValueError):
    """The text cannot be used as a template; the message says why and what would be right."""


def reason(error: BaseException) -> str:
    """Why a template failed, in one line."""
    if isinstance(error, RecursionError | MemoryError):
        return "it is nested too deeply"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, TypeError) and "not supported between" in text:
        return "a text cannot be compared with a number; labels are texts: write labels.x|float"
    return text[:300]
