"""Our own endpoints about maintenance windows, /api/hb/v1/maintenance.

Knows how a window is shown, made and removed at run time, and how coming occurrences are listed. Must
not know a calendar. A window is posted with the keys that it has in config.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from hbalert.api import query
from hbalert.api.body import read_json
from hbalert.api.door import json_response
from hbalert.api.refusal import Refusal
from hbalert.api.shapes import ComingRow, Removed, WindowRow
from hbalert.api.wire import Listing, decode
from hbalert.book import Book
from hbalert.config.findings import Finding
from hbalert.config.link_maintenance import read_window
from hbalert.config.types import Limits
from hbalert.core.maintenance import Window
from hbalert.core.silence import is_broad
from hbalert.engine import Engine
from hbalert.reach import Coming, coming, window_counts
from hbalert.regex import compile_regex

log = structlog.get_logger("hbalert.api")

_fields = msgspec.json.Decoder(dict[str, Any])

MOST_NEXT = 1000
"""Occurrences in one answer."""


class Maintenance:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._limits = limits

    async def get_all(self, request: Request) -> Response:
        """Every window, by name, with its running or next occurrence."""
        now, windows = self._engine.clock.now(), self._engine.windows()
        covered = window_counts(self._book, windows.values(), now)
        return json_response(Listing([self._row(windows[name], now, covered) for name in sorted(windows)]))

    def _row(self, window: Window, now: datetime, covered: Mapping[str, int]) -> WindowRow:
        found = coming(self._engine, {window.name: window}, now, 1, covered)
        return window_row(window, found[0] if found else None)

    async def get_next(self, request: Request) -> Response:
        """The occurrences that are coming, running ones included."""
        now, windows = self._engine.clock.now(), self._engine.windows()
        limit = query.number(request, "limit", 5, MOST_NEXT)
        name = request.query_params.get("name", "")
        if name:
            if name not in windows:
                raise Refusal(404, f"there is no maintenance window {name[:80]!r}")
            windows = {name: windows[name]}
        found = coming(self._engine, windows, now, limit, window_counts(self._book, windows.values(), now))
        return json_response(Listing([coming_row(each) for each in found]))

    async def post(self, request: Request) -> Response:
        """Makes a window that is kept in the store; it takes effect when it is answered."""
        body = await read_json(request, self._limits)
        try:
            fields = decode(_fields, body)
        except ValueError as error:
            raise Refusal(400, f"bad maintenance window: {error}") from None
        broad = fields.pop("broad", False)
        window = self._window(fields)
        if is_broad(window.matchers) and broad is not True:
            raise Refusal(
                400, 'matchers: these match nearly every alert; if that is meant, say "broad": true'
            )
        try:
            await self._engine.add_window(window)
        except ValueError as error:
            raise Refusal(409, str(error)) from None
        log.info("maintenance_added", window=window.name, by=window.created_by, when=str(window.recurrence))
        now = self._engine.clock.now()
        covered = window_counts(self._book, [window], now)
        shown = self._row(window, now, covered)
        shown["schema"] = 1
        return json_response(shown)

    def _window(self, fields: dict[str, Any]) -> Window:
        window, findings = read_window(fields, compile_regex)
        if window is None:
            raise Refusal(400, "\n".join(map(_words, findings)))
        for key in ("comment", "created_by"):
            if not str(fields.get(key) or "").strip():
                raise Refusal(400, f"{key}: say {'who asks' if key == 'created_by' else 'why'}")
        texts = (window.name, window.comment, window.created_by, *map(str, window.matchers))
        if (length := sum(len(text.encode(errors="replace")) for text in texts)) > (
            most := self._engine.config.silences.max_bytes
        ):
            raise Refusal(400, f"its texts have {length} bytes, more than silences.max_bytes = {most} allows")
        return replace(window, made_at=self._engine.clock.now())

    async def delete(self, request: Request) -> Response:
        """Removes a window that was made at run time and ends what it silences."""
        name: str = request.path_params["name"]
        if not await self._engine.remove_window(name):
            if name in self._engine.windows():
                raise Refusal(409, f"{name!r} stands in the configuration: remove it there, and reload")
            raise Refusal(404, f"there is no maintenance window {name[:80]!r}")
        log.info("maintenance_removed", window=name)
        return json_response(Removed(schema=1, name=name))


def _words(finding: Finding) -> str:
    remedy = f"; {finding.instead}" if finding.instead else ""
    return f"{finding.key}: {finding.what}{remedy}" if finding.key else f"{finding.what}{remedy}"


def window_row(window: Window, following: Coming | None) -> WindowRow:
    """A window; `next` is its running or coming occurrence."""
    return {
        "name": window.name,
        "matchers": [str(matcher) for matcher in window.matchers],
        "when": str(window.recurrence),
        "location": window.recurrence.location,
        "comment": window.comment,
        "created_by": window.created_by,
        "from": "configuration" if window.made_at is None else "api",
        "made_at": window.made_at,
        "next": coming_row(following) if following else None,
    }


def coming_row(each: Coming) -> ComingRow:
    """An occurrence; its times are those that clocks in the place of the window show."""

    def there(moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(each.window.recurrence.location))

    return {
        "window": each.window.name,
        "starts_at": there(each.occurrence.starts_at),
        "ends_at": there(each.occurrence.ends_at),
        "location": each.window.recurrence.location,
        "silence": each.silence_id,
        "state": each.state,
        "matches": each.matches,
    }
