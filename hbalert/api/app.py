"""The application: which path does what, and which role it needs.

Knows every path of hbalert's HTTP interface; this table is the place to look. Must not know how a
request is judged (`door.py`) or answered (the handlers). `server.py` serves what `build` makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hbalert.api.alerts import Alerts
from hbalert.api.audit import Audit
from hbalert.api.auth import OPEN
from hbalert.api.body import header, read_json
from hbalert.api.door import Action, Handler, Load, Prompt, Resource, json_response
from hbalert.api.explain import Explaining
from hbalert.api.guard import Guard
from hbalert.api.hb import Hb
from hbalert.api.ingest import Posted
from hbalert.api.maintenance import Maintenance
from hbalert.api.passing import Passing
from hbalert.api.prom import Prom
from hbalert.api.refusal import TOO_MANY, Refusal
from hbalert.api.rules import Rules
from hbalert.api.silences import Silences
from hbalert.api.v2 import V2
from hbalert.api.webhooks import read_hook
from hbalert.book import Book
from hbalert.config.types import Limits
from hbalert.engine import Engine
from hbalert.errors import ConfigError
from hbalert.health import GroupHealth, RuleHealth
from hbalert.metrics import Live, Metrics
from hbalert.ports import PassOn
from hbalert.views import Sources, live

if TYPE_CHECKING:
    from hbalert.api.openapi import Served

log = structlog.get_logger("hbalert.api")

GONE = "Alertmanager's API v1 is gone, as in Alertmanager 0.27; the same path under /api/v2 has it"


class Api(Starlette):
    """Starlette, with a short way to the paths without parameters: they need no search and no middleware."""

    def __init__(self, resources: Iterable[tuple[str, Resource]], nowhere: Resource) -> None:
        """nowhere: what answers under every other path."""
        self.resources = dict(resources)
        routes: list[BaseRoute] = []
        self._direct: dict[str, Resource] = {}
        for path, resource in self.resources.items():
            if "{" in path:
                routes.append(Route(path, resource))
            else:
                self._direct[path] = resource
        self.prompt = {
            (method.encode(), path.encode()): resource.at_once
            for path, resource in self._direct.items()
            for method in resource.prompt
        }
        """Method and path, as they come, of what may be answered at once (`protocol.py`)."""
        super().__init__(routes=routes)
        self.router.redirect_slashes = False
        self.router.default = nowhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            # As in Alertmanager, a slash at the end changes nothing.
            direct = self._direct.get(path) or self._direct.get(path.removesuffix("/"))
            if direct is not None:
                await direct(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def build(
    engine: Engine,
    *,
    metrics: Metrics,
    reload: Callable[[], Awaitable[None]],
    sources: Sources = tuple,
    rule_health: Callable[[], Mapping[str, RuleHealth]] = dict,
    group_health: Callable[[], Mapping[str, GroupHealth]] = dict,
    ready: Callable[[], bool] = lambda: True,
    pass_on: PassOn | None = None,
    limits: Limits | None = None,
) -> Api:
    """The whole HTTP interface over one engine.

    reload   reads the configuration again; raises ConfigError when it is refused
    sources  how the sources are
    rule_health, group_health  how the last evaluations went, by rule id and by group name
    ready    whether the store is open and a configuration in force
    pass_on  asks the default source; None: there is none
    """
    bounds = limits or Limits()
    load = Load(bounds)
    book = Book(engine)

    def scraped() -> Live:
        now = engine.clock.now()
        return live(engine, book.alerts(now), sources(), rule_health(), now)

    metrics.live = scraped
    daemon = _Daemon(engine, metrics, reload, ready, bounds)
    v2 = V2(engine, book, metrics, bounds)
    hb = Hb(engine, book, sources, bounds)
    alerts = Alerts(engine, book, bounds)
    prom = Prom(engine, rule_health, group_health)
    book_of_rules = Rules(engine, rule_health)
    passing = Passing(pass_on, bounds)
    quiet = Silences(engine, book, bounds)
    maintenance = Maintenance(engine, book, bounds)
    gone: tuple[str, Handler] = ("read", _gone)
    table: list[tuple[str, str, dict[str, tuple[str, Handler]]]] = [
        # Alertmanager
        (
            "/api/v2/alerts",
            "am",
            {"POST": ("ingest", Prompt(v2.take_alerts, bounds)), "GET": ("read", v2.get_alerts)},
        ),
        ("/api/v2/alerts/groups", "am", {"GET": ("read", v2.get_groups)}),
        ("/api/v2/silences", "am", {"POST": ("silence", v2.post_silence), "GET": ("read", v2.get_silences)}),
        (
            "/api/v2/silence/{id}",
            "am",
            {"GET": ("read", v2.get_silence), "DELETE": ("silence", v2.delete_silence)},
        ),
        ("/api/v2/receivers", "am", {"GET": ("read", v2.get_receivers)}),
        ("/api/v2/status", "am", {"GET": ("read", v2.get_status)}),
        *((path, "prom", dict.fromkeys(methods, gone)) for path, methods in _V1),
        # Prometheus
        ("/api/v1/rules", "prom", {"GET": ("read", prom.get_rules)}),
        ("/api/v1/alerts", "prom", {"GET": ("read", prom.get_alerts), "POST": gone}),
        ("/api/v1/query", "prom", {"GET": ("read", passing.get_query), "POST": ("read", passing.post_query)}),
        ("/api/v1/status/buildinfo", "prom", {"GET": ("read", passing.get_buildinfo)}),
        # webhooks of others
        ("/webhook/alertmanager", "text", {"POST": ("ingest", daemon.hook)}),
        ("/webhook/grafana", "text", {"POST": ("ingest", daemon.hook), "PUT": ("ingest", daemon.hook)}),
        # our own
        ("/api/hb/v1/status", "hb", {"GET": ("read", hb.get_status)}),
        ("/api/hb/v1/history", "hb", {"GET": ("read", hb.get_history)}),
        ("/api/hb/v1/queue", "hb", {"GET": ("read", hb.get_queue)}),
        ("/api/hb/v1/queue/{id}", "hb", {"DELETE": ("admin", hb.drop)}),
        ("/api/hb/v1/queue/{id}/retry", "hb", {"POST": ("admin", hb.retry)}),
        ("/api/hb/v1/rules", "hb", {"GET": ("read", book_of_rules.get_rules)}),
        ("/api/hb/v1/rules/{id:path}", "hb", {"GET": ("read", book_of_rules.get_rule)}),
        ("/api/hb/v1/alerts", "hb", {"GET": ("read", alerts.get_alerts)}),
        ("/api/hb/v1/alerts/{id}", "hb", {"GET": ("read", alerts.get_alert)}),
        ("/api/hb/v1/explain", "hb", {"GET": ("read", Explaining(engine, bounds).get)}),
        ("/api/hb/v1/alerts/{id}/timeline", "hb", {"GET": ("read", alerts.get_timeline)}),
        ("/api/hb/v1/silences", "hb", {"GET": ("read", quiet.get_all), "POST": ("silence", quiet.post)}),
        ("/api/hb/v1/silences/preview", "hb", {"POST": ("read", quiet.preview)}),
        ("/api/hb/v1/silences/import", "hb", {"POST": ("silence", quiet.import_)}),
        ("/api/hb/v1/silences/{id}", "hb", {"GET": ("read", quiet.get)}),
        (
            "/api/hb/v1/maintenance",
            "hb",
            {"GET": ("read", maintenance.get_all), "POST": ("silence", maintenance.post)},
        ),
        ("/api/hb/v1/maintenance/next", "hb", {"GET": ("read", maintenance.get_next)}),
        ("/api/hb/v1/maintenance/{name}", "hb", {"DELETE": ("silence", maintenance.delete)}),
        ("/api/openapi.json", "hb", {"GET": ("read", Document(lambda: api.resources.values()).get)}),
        # the process
        ("/-/healthy", "text", {"GET": (OPEN, daemon.healthy)}),
        ("/-/ready", "text", {"GET": (OPEN, daemon.ready)}),
        ("/-/reload", "text", {"POST": ("admin", daemon.reload), "PUT": ("admin", daemon.reload)}),
        ("/metrics", "text", {"GET": ("read", daemon.metrics)}),
    ]
    audit = Audit(engine.clock, metrics)
    guard = Guard(engine, audit)

    def resource(path: str, style: str, actions: Mapping[str, tuple[str, Handler]]) -> Resource:
        methods = {method: Action(role, handler) for method, (role, handler) in actions.items()}
        return Resource(path, methods, engine, metrics, load, style, guard.admit, audit)

    resources = ((path, resource(path, style, actions)) for path, style, actions in table)
    api = Api(resources, nowhere=resource("other", "text", {}))
    return api


_V1 = (
    ("/api/v1/alerts/groups", ("GET",)),
    ("/api/v1/silences", ("GET", "POST")),
    ("/api/v1/silence/{id}", ("GET", "DELETE")),
    ("/api/v1/receivers", ("GET",)),
    ("/api/v1/status", ("GET",)),
)


async def _gone(request: Request) -> Response:
    raise Refusal(410, GONE)


class Document:
    """The OpenAPI document, made when it is asked for the first time."""

    def __init__(self, resources: Callable[[], Iterable[Resource]]) -> None:
        self._resources = resources
        self._made: bytes | None = None

    async def get(self, request: Request) -> Response:
        if self._made is None:
            from hbalert.api.described import TOLD  # not for the start: few ask for it
            from hbalert.api.openapi import document

            self._made = msgspec.json.encode(document(served(self._resources()), TOLD))
        return json_response(self._made)


def served(resources: Iterable[Resource]) -> Iterator[Served]:
    """Every method of every path."""
    from hbalert.api.openapi import Served

    for resource in resources:
        for method, action in resource.actions.items():
            if method != "HEAD":  # as GET, without the body
                yield Served(resource.path, method, action.role, resource.style)


class _Daemon:
    """Health, reload, metrics and webhooks."""

    def __init__(
        self,
        engine: Engine,
        metrics: Metrics,
        reload: Callable[[], Awaitable[None]],
        ready: Callable[[], bool],
        limits: Limits,
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._reload = reload
        self._ready = ready
        self._limits = limits
        self._reloading = asyncio.Lock()

    async def healthy(self, request: Request) -> Response:
        return PlainTextResponse("OK")

    async def ready(self, request: Request) -> Response:
        if not self._ready():
            raise Refusal(503, "not ready: the store is not open or no configuration is in force yet")
        return PlainTextResponse("OK")

    async def reload(self, request: Request) -> Response:
        """One at a time; what is refused changes nothing."""
        async with self._reloading:
            try:
                await self._reload()
            except ConfigError as error:
                raise Refusal(
                    400, f"the configuration is refused, the old one stays in force:\n{error}"
                ) from None
        return PlainTextResponse("reloaded\n")

    async def metrics(self, request: Request) -> Response:
        text, content_type = self._metrics.exposition(header(request.scope, b"accept"))
        return Response(text, media_type=content_type)

    async def hook(self, request: Request) -> Response:
        """A webhook of Alertmanager or Grafana: durable when it is answered."""
        body = await read_json(request, self._limits)
        try:
            posted = read_hook(
                body, self._engine.clock.now(), self._engine.config.alerts.webhook_stale_after, self._limits
            )
        except ValueError as error:
            self._metrics.received("webhook", invalid=1)
            log.warning("webhook_refused", path=request.url.path, error=str(error)[:500])
            raise Refusal(400, f"the payload cannot be read: {error}") from None
        if posted.reports:
            posted.keep_out(await self._engine.accept(posted.reports))
        return self._took(posted)

    def _took(self, posted: Posted) -> Response:
        self._metrics.received(
            "webhook",
            firing=posted.taken - posted.resolved,
            resolved=posted.resolved,
            invalid=len(posted.problems) - posted.kept_out,
            kept_out=posted.kept_out,
        )
        if posted.problems:
            log.warning(
                "alerts_refused", refused=len(posted.problems), taken=posted.taken, first=posted.problems[0]
            )
        if posted.kept_out:
            raise Refusal(503, posted.text(), TOO_MANY)
        lines = [f"{posted.taken} alerts stored", *posted.problems[:50]]
        return PlainTextResponse("\n".join(lines) + "\n")
