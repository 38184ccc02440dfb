"""Our own endpoints about silences, /api/hb/v1/silences: what Alertmanager's API has no words for.

Knows how a silence is looked at before it is made, made with the guards that people need, shown with
what it silences, and taken from a file. Must not know when a silence is too broad or over
(`core/silence.py`). Bodies are silences as /api/v2/silences takes them; matchers may be texts, too
('bot=~"mm-.*"'), and `until` may be "resolved".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from hbalert.api import query
from hbalert.api.body import read_json
from hbalert.api.door import json_response
from hbalert.api.hb import only
from hbalert.api.refusal import Refusal
from hbalert.api.shapes import (
    ImportedRow,
    Preview,
    ReachedAlert,
    ReachRow,
    SilencePut,
    SilenceRow,
    SilenceShown,
)
from hbalert.api.v2 import read_silence
from hbalert.api.wire import Listing, PostedMatcher, PostedSilence, decode, missing
from hbalert.book import Book
from hbalert.config.types import Limits
from hbalert.core.matcher import parse
from hbalert.core.silence import RESOLVED, UNTIL, Silence
from hbalert.engine import Engine
from hbalert.reach import Reach, counts, reach
from hbalert.regex import compile_regex
from hbalert.units.silences import Imported, Result
from hbalert.views import AlertView, SilenceView, silences

log = structlog.get_logger("hbalert.api")

SHOWN = 100
"""Alerts that an answer names; all are counted."""

STATES = ("active", "pending", "expired")


class Asked(PostedSilence, rename="camel"):
    """A silence that a person asks for.

    until  "resolved": it ends when nothing that it matches fires any more
    broad  it may match nearly everything
    """

    matchers: list[PostedMatcher | str] | None = None  # type: ignore[assignment]
    until: str | None = None
    broad: bool = False


_asked = msgspec.json.Decoder(Asked)
_posted = msgspec.json.Decoder(PostedSilence)
_many = msgspec.json.Decoder(list[msgspec.Raw])


class Silences:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._limits = limits

    def _reach(self, silence: Silence) -> Reach:
        return reach(self._engine, self._book, silence, self._engine.clock.now())

    async def preview(self, request: Request) -> Response:
        """What a silence would cover, and whether that is too much. Changes nothing."""
        now = self._engine.clock.now()
        asked = await self._read(request)
        if asked.ends_at is None:
            asked.ends_at = (now + timedelta(hours=1)).isoformat()
        shown: Preview = {"schema": 1, **reach_row(self._reach(self._silence(asked, now)))}
        return json_response(shown)

    async def post(self, request: Request) -> Response:
        """Makes or changes a silence. Author and comment are required, and a broad one has to be meant."""
        asked = await self._read(request)
        for name, given in (("createdBy", asked.created_by), ("comment", asked.comment)):
            if not (given or "").strip():
                raise Refusal(400, f"{name}: say {'who asks' if name == 'createdBy' else 'why'}")
        silence = self._silence(asked, self._engine.clock.now())
        found = self._reach(silence)
        if found.broad and not asked.broad:
            raise Refusal(
                400, 'matchers: these match nearly every alert; if that is meant, say "broad": true'
            )
        try:
            identity = await self._engine.put_silence(silence, asked.id or None)
        except KeyError:
            raise Refusal(404, f"there is no silence {str(asked.id)[:80]!r}") from None
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        log.info("silence_set", silence=identity, by=silence.created_by, ends_at=silence.ends_at.isoformat())
        shown: SilencePut = {"schema": 1, "id": identity, **reach_row(found)}
        return json_response(shown)

    async def get_all(self, request: Request) -> Response:
        """Silences with how many alerts each of them covers now."""
        now = self._engine.clock.now()
        state = query.choice(request, "state", STATES)
        views = silences(self._engine.memory.silences.values(), now)
        wanted = [view for view in views if state in ("", view.state.value)]
        covered = counts(self._book, [view.silence for view in wanted], now)
        return json_response(Listing([silence_row(view, covered[view.silence.id]) for view in wanted]))

    async def get(self, request: Request) -> Response:
        """One silence, with the alerts that it covers."""
        begin: str = request.path_params["id"]
        found = [row for row in self._engine.memory.silences.values() if row.id.startswith(begin)]
        exact = [row for row in found if row.id == begin]
        silence = only(exact or found, begin, "silence", "`hbalert silence list --expired` lists them")
        (view,) = silences([silence], self._engine.clock.now())
        covered = self._reach(silence)
        row = silence_row(view, len(covered.alerts))
        shown: SilenceShown = {"schema": 1, **row, **reach_row(covered)}
        return json_response(shown)

    async def import_(self, request: Request) -> Response:
        """Takes a list of silences as Alertmanager's API shows them, each for itself."""
        body = await read_json(request, self._limits)
        try:
            entries = decode(_many, body)
        except ValueError as error:
            raise Refusal(400, f"the body has to be a list of silences: {error}") from None
        if len(entries) > self._limits.rows:
            raise Refusal(
                400, f"{len(entries)} silences are more than the limit of {self._limits.rows} in one request"
            )
        now = self._engine.clock.now()
        outcomes: list[Imported | None] = []
        good = []
        for entry in entries:
            try:
                good.append(self._from_file(entry, now))
                outcomes.append(None)
            except ValueError as error:
                outcomes.append(Imported(Result.REFUSED, why=str(error)))
        taken = iter(await self._engine.import_silences(good) if good else ())
        rows: list[ImportedRow] = [
            {"index": index, "result": each.result.value, "id": each.id, "why": each.why}
            for index, each in enumerate(each or next(taken) for each in outcomes)
        ]
        log.info("silences_imported", silences=len(rows), taken=sum(bool(row["id"]) for row in rows))
        return json_response(Listing(rows))

    # --- reading ---

    async def _read(self, request: Request) -> Asked:
        body = await read_json(request, self._limits)
        try:
            return decode(_asked, body)
        except ValueError as error:
            raise Refusal(400, f"bad silence: {error}") from None

    def _silence(self, asked: Asked, now: datetime) -> Silence:
        try:
            if asked.until not in (None, "", RESOLVED):
                raise ValueError(f'until: {asked.until!r:.40} is not known here; write "{RESOLVED}"')
            asked.matchers = [_matcher(index, each) for index, each in enumerate(asked.matchers or ())]
            silence = read_silence(asked, now, self._limits)
        except ValueError as error:
            raise Refusal(400, f"bad silence: {error}") from None
        if not asked.until:
            return silence
        return replace(silence, annotations={**silence.annotations, UNTIL: RESOLVED})

    def _from_file(self, entry: msgspec.Raw, now: datetime) -> Silence:
        """One entry of a file. Raises ValueError that says what is wrong with it."""
        posted = decode(_posted, entry)
        lacks = missing(posted)
        for index, matcher in enumerate(posted.matchers or ()):
            lacks += missing(matcher, f"matchers.{index}.")
        if lacks:
            raise ValueError("; ".join(lacks))
        return replace(read_silence(posted, now, self._limits), id=posted.id or "")


def silence_row(view: SilenceView, matches: int) -> SilenceRow:
    """A silence, with how many alerts it covers now."""
    silence = view.silence
    return {
        "id": silence.id,
        "state": view.state.value,
        "matchers": [str(matcher) for matcher in silence.matchers],
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "until": RESOLVED if silence.until_resolved else "",
        "window": silence.window,
        "author": silence.created_by,
        "comment": silence.comment,
        "updated_at": silence.updated_at,
        "annotations": dict(silence.annotations),
        "matches": matches,
    }


def _matcher(index: int, posted: PostedMatcher | str) -> PostedMatcher:
    if isinstance(posted, PostedMatcher):
        return posted
    try:
        read = parse(posted, compile_regex)
    except ValueError as error:
        raise ValueError(f"matchers[{index}]: {error}") from None
    return PostedMatcher(read.name, read.value, read.is_regex, read.is_equal)


def reach_row(found: Reach) -> ReachRow:
    """What a silence covers, as JSON."""
    return {
        "matches": len(found.alerts),
        "firing": found.of,
        "alerts": [_alert_row(view) for view in found.alerts[:SHOWN]],
        "groups": [
            {"group": group.key, "receiver": group.receiver, "alerts": group.alerts}
            for group in found.groups[:SHOWN]
        ],
        "group_count": len(found.groups),
        "broad": found.broad,
        "warnings": found.warnings,
    }


def _alert_row(view: AlertView) -> ReachedAlert:
    return {
        "fingerprint": view.fingerprint,
        "state": view.state,
        "labels": view.labels.as_dict(),
        "starts_at": view.alert.starts_at,
    }
