"""Did you mean: the name that somebody probably wanted to write.

Knows how alike two names look. Must not know what is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`; None when none is near.

    >>> nearest("recievers", ["receivers", "route"])
    'receivers'
    """
    by_folded = {each.casefold().replace("-", "_"): each for each in sorted(known, reverse=True)}
    found = get_close_matches(name[:200].casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """What would be right, as the end of a complaint; "" when there is nothing to say.

    >>> did_you_mean("ops_lgo", ["ops_log", "ops_sms"])
    'did you mean "ops_log"?'
    >>> did_you_mean("x", ["ops_log", "ops_sms"])
    'known: ops_log, ops_sms'
    """
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f'did you mean "{near}"?'
    if not names:
        return ""
    more = f", ... ({len(names)} in all)" if len(names) > MAX_LISTED else ""
    return f"known: {', '.join(names[:MAX_LISTED])}{more}"
