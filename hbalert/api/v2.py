"""Alertmanager's API, version 2: what `amtool`, Prometheus, Grafana and karma speak.

Knows paths, codes and texts of that API. Must not know how alerts are stored, merged or muted. Where
we differ from Alertmanager on purpose, docs/compatibility.md says so.
Source: Alertmanager api/v2/openapi.yaml and api/v2/api.go.
"""

from __future__ import annotations

import re
from asyncio import Future, shield
from collections.abc import Awaitable, Iterable
from datetime import datetime

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from hbalert import __version__
from hbalert.api import query
from hbalert.api.am_yaml import alertmanager_yaml
from hbalert.api.body import read_json
from hbalert.api.door import Ready, json_response
from hbalert.api.ingest import LabelTexts, Missing, Posted, check_annotations, longer, read_alerts
from hbalert.api.refusal import TOO_MANY, Refusal
from hbalert.api.wire import (
    AlertGroup,
    AlertStatus,
    Cluster,
    GettableAlert,
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
from hbalert.config.types import Limits
from hbalert.core.cap import Over
from hbalert.core.matcher import Matcher, Op, make
from hbalert.core.silence import Silence
from hbalert.engine import Engine
from hbalert.metrics import Metrics
from hbalert.regex import compile_regex
from hbalert.views import AlertView, Book, SilenceView, silences

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


class AlertTexts:
    """The JSON of each shown alert, kept as long as its view is the same object."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[AlertView, datetime | None, bytes]] = {}
        self._encode = msgspec.json.Encoder().encode

    def of(self, views: Iterable[AlertView], ahead: datetime) -> list[bytes]:
        """The texts, in order. ahead: the end that is shown where there is none in sight."""
        kept, out = self._kept, []
        for view in views:
            end = view.ends_at or ahead
            known = kept.get(view.fingerprint)
            if known is not None and known[0] is view and known[1] is end:
                out.append(known[2])
                continue
            if known is None or known[0] is not view or known[1] != end:
                known = (view, end, self._encode(shown(view, end)))
                kept[view.fingerprint] = known
            out.append(known[2])
        return out

    def forget(self, living: int) -> None:
        """Drops everything when most of it belongs to alerts that are gone."""
        if len(self._kept) > 2 * living + 1000:
            self._kept.clear()


def shown(view: AlertView, end: datetime, muted_by: tuple[str, ...] = ()) -> GettableAlert:
    """An alert as the API shows it."""
    return GettableAlert(
        annotations=dict(view.alert.annotations),
        ends_at=stamp(end),
        fingerprint=view.fingerprint,
        receivers=[NamedReceiver(name) for name in view.receivers],
        starts_at=stamp(view.alert.starts_at),
        status=AlertStatus(
            inhibited_by=view.inhibited_by,
            silenced_by=view.silenced_by,
            muted_by=muted_by,
            state="suppressed" if muted_by else view.state,
        ),
        updated_at=stamp(view.alert.updated_at),
        generator_url=view.alert.generator_url,
        labels=view.alert.labels.as_dict(),
    )


class V2:
    """The handlers."""

    def __init__(self, engine: Engine, book: Book, metrics: Metrics, limits: Limits) -> None:
        self._engine = engine
        self._book = book
        self._metrics = metrics
        self._limits = limits
        self._labels = LabelTexts(limits)
        self._texts = AlertTexts()
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
        now = self._engine.clock.now()
        views = self._book.wanted(query.wanted(request, self._limits), now)
        texts = self._texts.of(views, self._ahead(now))
        self._texts.forget(len(self._engine.memory.alerts))
        return json_response(b"[" + b",".join(texts) + b"]")

    async def get_groups(self, request: Request) -> Response:
        now = self._engine.clock.now()
        ahead = self._ahead(now)
        out = []
        for view in self._book.groups(query.wanted(request, self._limits), now):
            if view.muted_by:
                texts = [
                    msgspec.json.encode(shown(each, each.ends_at or ahead, view.muted_by))
                    for each in view.alerts
                ]
            else:
                texts = self._texts.of(view.alerts, ahead)
            out.append(
                AlertGroup(
                    alerts=[msgspec.Raw(text) for text in texts],
                    labels=view.group.labels.as_dict(),
                    receiver=NamedReceiver(view.route.receiver),
                    route_labels={},
                )
            )
        return json_response(out)

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
