"""Who changed what, and who was turned away: the lines for whoever looks into it later.

Knows which requests are worth a line, and that a crowd of strangers must not fill the log. Must not
know how a request is judged (`guard.py`). A token never stands in a line, its name does.
"""

from __future__ import annotations

import logging

import structlog
from starlette.types import Scope

from hbalert.clock import Clock
from hbalert.metrics import Metrics

log = structlog.get_logger("hbalert.audit")
_LEVEL = logging.getLogger("hbalert.audit")

SECONDS_BETWEEN = 60.0
"""At most one line in so many seconds about what is refused to one address."""

MOST_ADDRESSES = 256


class Audit:
    """Writes the lines."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._told: dict[str, tuple[float, int]] = {}  # address -> when it was told, how many since

    def changed(self, scope: Scope, role: str, code: int) -> None:
        """A request that would change something was answered: `changed`, or `not_changed` where it was
        refused or failed. What merely posts alerts is `posted`, at level debug: of a batch some may be taken.
        """
        is_ingest = role == "ingest"
        if is_ingest and not _LEVEL.isEnabledFor(logging.DEBUG):
            return  # asked first: a line that is thrown away costs a quarter of a POST
        say = log.debug if is_ingest else log.info
        what = "posted" if is_ingest else "changed" if code < 400 else "not_changed"
        say(what, by=scope.get("by", ""), method=scope["method"], status=code, **_where(scope))

    def refused(self, scope: Scope, reason: str, by: str) -> None:
        """A request had no token that allows it.

        by  name of the token, where we know it
        """
        self._metrics.unwelcome(reason)
        where, now = _where(scope), self._clock.monotonic()
        at, unsaid = self._told.get(where["remote"], (now - SECONDS_BETWEEN, 0))
        if now - at < SECONDS_BETWEEN:
            self._told[where["remote"]] = at, unsaid + 1
            return
        if len(self._told) >= MOST_ADDRESSES:
            self._told.clear()
        self._told[where["remote"]] = now, 0
        log.warning(
            "turned_away", reason=reason, by=by, method=scope["method"], unsaid_before=unsaid, **where
        )


def _where(scope: Scope) -> dict[str, str]:
    client = scope.get("client")
    return {"path": scope["path"][:200], "remote": client[0] if client and client[0] else "unix socket"}
