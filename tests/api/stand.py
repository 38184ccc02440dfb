"""A real engine over a real store, served on a real port; time stands still until a test moves it."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hbalert.api.app import Api, build
from hbalert.api.server import Server
from hbalert.config.channels.log import LogSettings
from hbalert.config.types import (
    AlertSettings,
    Config,
    EvaluationSettings,
    Limits,
    ServerSettings,
    StorageSettings,
    TokenSettings,
)
from hbalert.core.route import Route, child_key
from hbalert.engine import Engine
from hbalert.errors import ConfigError
from hbalert.health import GroupHealth, RuleHealth
from hbalert.loops.dispatch import Dispatcher
from hbalert.metrics import Metrics
from hbalert.ports import PassOn
from hbalert.regex import compile_regex
from hbalert.storage.sqlite import SqliteStore
from hbalert.tls import Files
from hbalert.tls import load as load_tls
from hbalert.views import SourceView
from tests.core.say import m
from tests.fakes.clock import START, FakeClock

T = TypeVar("T")

CRITICAL = (m("severity=critical"),)

ROOT = Route(
    "{}",
    "{}",
    "team",
    group_by=("alertname",),
    group_wait=timedelta(seconds=30),
    routes=(
        Route(
            f"{child_key('{}', CRITICAL)}/0",
            child_key("{}", CRITICAL),
            "oncall",
            matchers=CRITICAL,
            group_by=("alertname", "bot"),
            group_wait=timedelta(seconds=10),
        ),
    ),
)


def token(name: str, role: str) -> TokenSettings:
    """A token whose text is `<name>-token`."""
    return TokenSettings.model_validate(
        {"name": name, "role": role, "hash": "sha256:" + sha256(f"{name}-token".encode()).hexdigest()}
    )


def config(root: Path, tokens: Sequence[TokenSettings] = (), route: Route = ROOT, **server: Any) -> Config:
    names = ("phone", "mail")
    return Config(
        root=root,
        server=ServerSettings(**server),
        storage=StorageSettings(),
        sources={},
        evaluation=EvaluationSettings(),
        alerts=AlertSettings(),
        notifiers={name: LogSettings(type="log", name=name) for name in names},
        receivers={"team": ("mail",), "oncall": ("phone", "mail"), **{name: (name,) for name in names}},
        route=route,
        groups=(),
        tokens=tuple(tokens),
        hash="sha256:abc123",
    )


@dataclass
class Stand:
    """What a test has in its hands."""

    app: Api
    client: httpx.AsyncClient
    engine: Engine
    clock: FakeClock
    metrics: Metrics
    url: str
    sources: list[SourceView] = field(default_factory=list)
    rule_health: dict[str, RuleHealth] = field(default_factory=dict)
    group_health: dict[str, GroupHealth] = field(default_factory=dict)
    reloads: list[str] = field(default_factory=list)
    refuse_reload: ConfigError | None = None
    is_ready: bool = True

    async def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return await self.client.post(path, json=body, **more)

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of an answer that has to be 200."""
        reply = await self.client.get(path, params=params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def alerts(self, *posted: dict[str, Any]) -> httpx.Response:
        return await self.post("/api/v2/alerts", list(posted))

    async def fire(self, **labels: str) -> None:
        """An alert that fires for an hour from now."""
        reply = await self.alerts({"labels": labels, "endsAt": self.at(3600)})
        assert reply.status_code == 200, reply.text

    async def silence(self, matcher: str, seconds: float = 600, **more: Any) -> str:
        """Silences what `name=value` matches, from now; returns the id."""
        name, _, value = matcher.partition("=")
        body = {
            "matchers": [{"name": name, "value": value, "isRegex": False}],
            "startsAt": self.at(0),
            "endsAt": self.at(seconds),
            "createdBy": "li",
            "comment": "upgrade",
            **more,
        }
        reply = await self.post("/api/v2/silences", body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["silenceID"])

    async def flush(self) -> None:
        """Looks at every group that is due by now."""
        await Dispatcher(self.engine).step(self.clock.now())

    def now(self) -> datetime:
        return self.clock.now()

    def at(self, seconds: float) -> str:
        """The time so many seconds from now, as senders write it."""
        return (self.clock.now() + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def stand(
    folder: Path,
    *,
    tokens: Sequence[TokenSettings] = (),
    limits: Limits | None = None,
    listen: str = "127.0.0.1:0",
    headers: dict[str, str] | None = None,
    route: Route = ROOT,
    start: datetime = START,
    tls: Files | None = None,
    pass_on: PassOn | None = None,
    **server: Any,
) -> AsyncIterator[Stand]:
    """Everything up and listening.

    tls  speak HTTPS with these files; `client` does not check the certificate
    """
    clock = FakeClock(start)
    store = await SqliteStore.open(
        folder / "hbalert.db", compile_regex=compile_regex, now=clock.now(), ballast_bytes=0
    )
    engine = Engine(config(folder, tokens, route, **server), store, await store.load(), clock)
    await engine.start()
    metrics = Metrics()

    async def reload() -> None:
        if made.refuse_reload is not None:
            raise made.refuse_reload
        made.reloads.append("reloaded")

    app = build(
        engine,
        metrics=metrics,
        reload=reload,
        sources=lambda: made.sources,
        rule_health=lambda: made.rule_health,
        group_health=lambda: made.group_health,
        ready=lambda: made.is_ready,
        pass_on=pass_on,
        limits=limits,
    )
    listening = Server()
    await listening.start(app, listen, tls=load_tls(tls).context if tls else None)
    base = "http://unix" if listen.startswith("unix:") else listening.address
    transport = httpx.AsyncHTTPTransport(
        uds=listen[5:] if listen.startswith("unix:") else None, verify=tls is None
    )
    async with httpx.AsyncClient(base_url=base, headers=headers, transport=transport, timeout=20) as client:
        made = Stand(app, client, engine, clock, metrics, listening.address)
        try:
            yield made
        finally:
            await listening.stop()
            await engine.desk.drain()
            await store.close()


def alive(kind: type[T]) -> list[T]:
    """All that there are of a class, in this process."""
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, kind)]
