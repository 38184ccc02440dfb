"""Alertmanager's API, version 2: what `amtool`, Prometheus, Grafana and karma speak.

Knows paths, codes and texts of that API. Must not know how alerts are stored, merged or muted. Where
we differ from Alertmanager on purpose, docs/compatibility.md says so.
Source: Alertmanager api/v2/openapi.yaml and api/v2/api.go.
"""

from __future__ import annotations

import re
from asyncio import Future, shield
from collections.abc import Awaitable
from datetime import datetime

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from hbalert import __version__
from hbalert.api import query
from hbalert.api.am_yaml import alertmanager_yaml
from hbalert.api.body import header, read_json
from hbalert.api.door import Ready, json_response
from hbalert.api.ingest import LabelTexts, Missing, Posted, check_annotations, longer, read_alerts
from hbalert.api.listing import AlertTexts, Bodies, Body, Listed, listed, shown
from hbalert.api.refusal import TOO_MANY, Refusal
from hbalert.api.wire import (
    AlertGroup,
    Cluster,
    GettableSilence,
    NamedReceiver,
    OutMatcher,
    PostedMatcher,
    PostedSilence,
    ShownConfig,
    SilenceMade,
    SilenceStatus,
    StatusShown,
    VersionInfo,
    decode,
    horizon,
    missing,
    moment,
    stamp,
)
from hbalert.book import Book
from hbalert.config.types import Limits
from hbalert.core.cap import Over
from hbalert.core.matcher import Matcher, Op, make
from hbalert.core.silence import Silence
from hbalert.engine import Engine, new_id
from hbalert.metrics import Metrics
from hbalert.regex import compile_regex
from hbalert.views import GroupView, SilenceView, silences

log = structlog.get_logger("hbalert.api")

_silence = msgspec.json.Decoder(PostedSilence | None)

SPOKEN_VERSION = "0.27.0"
"""The Alertmanager whose API this is; clients look at it to know what they may ask for."""

INVALID, REQUIRED, TOO_FEW = 601, 602, 612
"""What Alertmanager's framework calls a text of the wrong form, what is missing, and a list that is too
short."""

_OPS = {
    (True, False): Op.EQUAL,
    (False, False): Op.NOT_EQUAL,
    (True, True): Op.REGEX,
    (False, True): Op.NOT_REGEX,
}
"""(isEqual, isRegex) -> operator."""


_ALERTS = b'{"alerts":'
"""How the text of a group begins."""


class V2:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, metrics: Metrics, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._metrics = metrics
        self._limits = limits
        self._labels = LabelTexts(limits)
        self._texts = AlertTexts()
        self._bodies = Bodies()
        self._boot = new_id()[:8]  # states are counted anew by each process
        self._done = Ready()

    # --- alerts ---

    def take_alerts(self, body: bytes) -> Response | Awaitable[Response]:
        """POST of alerts: the response, or when something new has to be stored first, what waits for it."""
        engine = self._engine
        try:
            posted = read_alerts(
                body,
                engine.clock.now(),
                engine.config.alerts.resolve_timeout,
                self._labels,
                self._limits,
                engine.latest,
            )
        except Missing as error:
            raise Refusal(422, str(error), code=REQUIRED) from None
        except ValueError as error:
            raise Refusal(400, f"bad request: {error}") from None
        if not posted.reports:
            return self._took(posted)
        taking = engine.take(posted.reports)
        if not taking.done():
            return self._took_later(posted, taking)
        posted.keep_out(taking.result())
        return self._took(posted)

    async def _took_later(self, posted: Posted, taking: Future[dict[int, Over]]) -> Response:
        # A client that hangs up does not undo what is being committed.
        posted.keep_out(await shield(taking))
        return self._took(posted)

    def _took(self, posted: Posted) -> Response:
        self._metrics.received(
            "api",
            firing=posted.taken - posted.resolved,
            resolved=posted.resolved,
            invalid=len(posted.problems) - posted.kept_out,
            kept_out=posted.kept_out,
        )
        if not posted.problems:
            return self._done
        log.warning(
            "alerts_refused", refused=len(posted.problems), taken=posted.taken, first=posted.problems[0]
        )
        if posted.kept_out:
            raise Refusal(503, posted.text(), TOO_MANY)
        raise Refusal(422, posted.text(), code=REQUIRED) if posted.missing else Refusal(400, posted.text())

    async def get_alerts(self, request: Request) -> Response:
        wanted = query.wanted(request, self._limits)
        now = self._engine.clock.now()
        state = (self._book.version(now), self._ahead(now))
        tag = f'W/"{self._boot}-{state[0]}-{state[1].timestamp():.0f}"'
        if header(request.scope, b"if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-store"})
        key = (request.scope["query_string"], *state)
        body = self._bodies.get(key)
        if body is None:
            found, order = self._book.found(now)
            views = self._book.wanted(wanted, now)
            if len(views) == len(found):  # all of them: made as they came
                texts = self._texts.of(found, state[1])
                body = self._bodies.put(key, b"".join(listed(map(texts.__getitem__, order))))
            else:
                body = self._bodies.put(key, b"".join(listed(self._texts.of(views, state[1]))))
            self._texts.forget(found)
        return Listed(body, tag)

    async def get_groups(self, request: Request) -> Response:
        now = self._engine.clock.now()
        ahead = self._ahead(now)
        out = [b"["]
        for view in self._book.groups(query.wanted(request, self._limits), now):
            out += (b",", *self._group(view, ahead)) if len(out) > 1 else self._group(view, ahead)
        out.append(b"]")
        self._texts.forget(self._book.found(now)[0])
        return Listed(Body(b"".join(out)))

    def _group(self, view: GroupView, ahead: datetime) -> list[bytes]:
        group = AlertGroup(
            alerts=[],
            labels=view.group.labels.as_dict(),
            receiver=NamedReceiver(view.route.receiver),
            route_labels={},
        )
        around = msgspec.json.encode(group)
        if view.muted_by:
            muted = [shown(each, each.ends_at or ahead, view.muted_by) for each in view.alerts]
            alerts = [msgspec.json.encode(muted)]
        else:
            alerts = listed(self._texts.of(view.alerts, ahead))
        return [_ALERTS, *alerts, around[len(_ALERTS) + len(b"[]") :]]

    def _ahead(self, now: datetime) -> datetime:
        return horizon(now, self._engine.config.alerts.resolve_timeout)

    # --- silences ---

    async def get_silences(self, request: Request) -> Response:
        asked = query.matchers(request, self._limits)
        # Alertmanager before 0.34 knows none of the three, answers all and lets its clients choose.
        states = {name for name in ("active", "pending", "expired") if query.flag(request, name)}
        found = [
            view
            for view in silences(self._engine.memory.silences.values(), self._engine.clock.now())
            if view.state.value in states and all(matcher in view.silence.matchers for matcher in asked)
        ]
        return json_response([gettable(view) for view in found])

    async def get_silence(self, request: Request) -> Response:
        identity = _identity(request)
        silence = self._engine.memory.silences.get(identity)
        if silence is None:
            raise Refusal(404, f"silence {identity} not found")
        (view,) = silences([silence], self._engine.clock.now())
        return json_response(gettable(view))

    async def delete_silence(self, request: Request) -> Response:
        identity = _identity(request)
        if not await self._engine.expire_silence(identity):
            raise Refusal(404, f"silence {identity} not found")
        log.info("silence_expired", silence=identity)
        return self._done

    async def post_silence(self, request: Request) -> Response:
        body = await read_json(request, self._limits)
        if not body.strip():
            raise Refusal(422, "silence in body is required", code=REQUIRED)
        try:
            posted = decode(_silence, body) or PostedSilence()
            _check_complete(posted)
            silence = read_silence(posted, self._engine.clock.now(), self._limits)
            identity = await self._engine.put_silence(silence, posted.id or None)
        except KeyError:
            raise Refusal(404, f"silence {str(posted.id)[:80]} not found") from None
        except ValueError as error:
            raise Refusal(400, f"bad silence: {error}") from None
        log.info("silence_set", silence=identity, by=silence.created_by, ends_at=silence.ends_at.isoformat())
        return json_response(SilenceMade(identity))

    # --- the rest ---

    async def get_receivers(self, request: Request) -> Response:
        names = self._engine.config.receivers if query.receivers(request, self._limits) else ()
        return json_response([NamedReceiver(name) for name in names])

    async def get_status(self, request: Request) -> Response:
        return json_response(
            StatusShown(
                cluster=Cluster(peers=[], status="disabled"),
                config=ShownConfig(alertmanager_yaml(self._engine.config)),
                uptime=stamp(self._engine.started_at),
                version_info=VersionInfo(
                    branch="hbalert",
                    build_date="",
                    build_user="",
                    go_version="",
                    revision=f"hbalert {__version__}",
                    version=SPOKEN_VERSION,
                ),
            )
        )


_UUID = re.compile("[0-9a-f]{8}(-?[0-9a-f]{4}){4}[0-9a-f]{8}", re.IGNORECASE)


def _identity(request: Request) -> str:
    """The id in the path. Raises Refusal (422) when it cannot be one."""
    text: str = request.path_params["id"]
    if _UUID.fullmatch(text) is None:
        raise Refusal(422, f'silenceID in path must be of type uuid: "{text[:80]}"', code=INVALID)
    return text


def _check_complete(posted: PostedSilence) -> None:
    """Raises Refusal (422) that names everything required that is not there."""
    found = missing(posted)
    for index, matcher in enumerate(posted.matchers or ()):
        found += missing(matcher, f"matchers.{index}.")
    if found:
        raise Refusal(422, "; ".join(found), code=REQUIRED)
    if not posted.matchers:
        raise Refusal(422, "matchers in body should have at least 1 items", code=TOO_FEW)


def read_silence(posted: PostedSilence, now: datetime, limits: Limits) -> Silence:
    """The silence that was posted, which is complete. Raises ValueError that names the field; what only
    the engine can judge (an end in the past, matchers that are too broad) is left to it."""
    posted_matchers = posted.matchers or []
    if len(posted_matchers) > limits.matchers:
        raise ValueError(f"matchers: {len(posted_matchers)} are more than the limit of {limits.matchers}")
    ends_at = moment(posted.ends_at, "endsAt")
    if ends_at is None:
        raise ValueError("endsAt: a silence needs an end")
    comment, created_by = posted.comment or "", posted.created_by or ""
    for name, text in (("comment", comment), ("createdBy", created_by)):
        if longer(text, limits.text_bytes):
            raise ValueError(f"{name}: longer than {limits.text_bytes} bytes")
    return Silence(
        id="",
        matchers=tuple(_matcher(index, each, limits) for index, each in enumerate(posted_matchers)),
        starts_at=moment(posted.starts_at, "startsAt") or now,
        ends_at=ends_at,
        created_by=created_by,
        comment=comment,
        updated_at=now,
        annotations=check_annotations(posted.annotations or {}, limits),
    )


def _matcher(index: int, posted: PostedMatcher, limits: Limits) -> Matcher:
    name, value = posted.name or "", posted.value or ""
    if not name:
        raise ValueError(f'matchers[{index}]: invalid label name ""')
    if longer(name, limits.name_bytes):
        raise ValueError(f"matchers[{index}]: the name is longer than {limits.name_bytes} bytes")
    if longer(value, limits.value_bytes):
        raise ValueError(f"matchers[{index}]: the value is longer than {limits.value_bytes} bytes")
    try:
        return make(name, _OPS[posted.is_equal is not False, posted.is_regex is True], value, compile_regex)
    except ValueError as error:
        raise ValueError(f"matchers[{index}]: {error}") from None


def gettable(view: SilenceView) -> GettableSilence:
    """A silence as the API shows it."""
    silence = view.silence
    return GettableSilence(
        id=silence.id,
        status=SilenceStatus(view.state.value),
        updated_at=stamp(silence.updated_at),
        comment=silence.comment,
        created_by=silence.created_by,
        ends_at=stamp(silence.ends_at),
        matchers=[
            OutMatcher(each.is_equal, each.is_regex, each.name, each.value) for each in silence.matchers
        ],
        starts_at=stamp(silence.starts_at),
        annotations=dict(silence.annotations),
    )
