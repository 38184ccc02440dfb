"""A text that is markup on purpose: made by a filter of ours, or declared so by the template's author.

Knows nothing else: `own.py` shows it as it is, and everything else made harmless.
"""

from __future__ import annotations


class Markup(str):
    """Shown as it is. Whatever is made of it by another function is an ordinary text again."""

    __slots__ = ()
