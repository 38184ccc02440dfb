"""The daemon: the only place where edges meet loops.

Knows wiring, reload and the order in which things start and stop. Must not know what happens inside
any of them, nor signals (`signals.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from hbalert import notify_systemd
from hbalert.api.app import Api, build
from hbalert.api.renewal import Renewal
from hbalert.api.server import Server
from hbalert.channels import open_channel
from hbalert.clock import Clock, SystemClock
from hbalert.config.link_server import tls_files
from hbalert.config.load import load
from hbalert.config.types import Config, ServerSettings
from hbalert.core.jump import Jump
from hbalert.core.rule import Expand
from hbalert.engine import Engine
from hbalert.errors import ConfigError, StoreError, Unavailable
from hbalert.loops.deliver import Deliverer
from hbalert.loops.dispatch import Dispatcher
from hbalert.loops.evaluate import Evaluator
from hbalert.loops.lookout import Lookout
from hbalert.loops.run import every, run
from hbalert.loops.sweep import Sweeper
from hbalert.memory import Draft
from hbalert.metrics import Metrics
from hbalert.ports import Passed
from hbalert.regex import compile_regex
from hbalert.sources.prometheus import PrometheusSource
from hbalert.speak import speak
from hbalert.storage.sqlite import SqliteStore
from hbalert.templating import expander
from hbalert.tls import Unusable
from hbalert.units import own

if TYPE_CHECKING:
    from hbalert.loops.chores import Chores

log = structlog.get_logger("hbalert")

AFTERWARDS = ("hbalert.loops.chores", "hbalert.outbound.client", "hbalert.render")
"""What the first tick and the first delivery need and an answer does not: imported in a thread, while
requests are answered. It takes a quarter of a start."""

DRAIN_SECONDS = 5.0
"""How long a stop waits for sends that are under way."""


def database_path(config: Config, environ: Mapping[str, str]) -> Path:
    """Where the store is: relative paths lie below $STATE_DIRECTORY, else below the config file."""
    path = Path(config.storage.url.removeprefix("sqlite:///"))
    base = environ.get("STATE_DIRECTORY")
    return path if path.is_absolute() else (Path(base) if base else config.root) / path


def needs_restart(before: Config, after: Config) -> list[str]:
    """The keys whose change a reload does not put in force."""
    old, new = before.server, after.server
    changed = {
        "server.listen": old.listen != new.listen,
        "server.tls_cert": (old.tls_cert is None) != (new.tls_cert is None),
        "server.limits": old.limits != new.limits,
        "storage.url": before.storage.url != after.storage.url,
    }
    return [key for key, is_changed in changed.items() if is_changed]


class Daemon:
    """One running hbalert: `start`, then `run` until a signal, then `stop`."""

    def __init__(self, path: Path, environ: Mapping[str, str], clock: Clock | None = None) -> None:
        self._path = path
        self._environ = environ
        self._clock = clock or SystemClock()
        self._wake_dispatch = asyncio.Event()
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()
        self._certificates: Renewal | None = None
        self._told_of_certificate = False
        self._chores: Chores | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._reloads: set[asyncio.Task[None]] = set()
        self._one_reload = asyncio.Lock()

    async def start(self) -> None:
        """Everything up and listening when it returns. Raises ConfigError, StoreError, OSError."""
        begun = self._clock.monotonic()
        config = load(self._path, self._environ)
        now = self._clock.now()
        database = database_path(config, self._environ)
        database.parent.mkdir(parents=True, exist_ok=True)
        self.store = await SqliteStore.open(database, compile_regex=compile_regex, now=now)
        self.engine = Engine(config, self.store, await self.store.load(), self._clock)
        half_sent = await self.engine.start()
        await self.store.touch(self._clock.now())
        self.metrics = Metrics()
        self._count(config)
        self._deliverer = Deliverer(self.engine, open_channel, speak, self.metrics)
        self._dispatcher = Dispatcher(self.engine, self._deliverer)
        self._sweeper = Sweeper(self.engine, self.engine.last_seen or now)
        self._sources = {name: PrometheusSource(name, each) for name, each in config.sources.items()}
        self._evaluator = Evaluator(self.engine, self._sources, self._expander(config), self.metrics)
        self._lookout = Lookout(self.engine, self._evaluator.late)
        self.engine.changed = self._committed
        self._deliverer.use(config.notifiers)
        self._tasks.append(
            asyncio.create_task(run("dispatch", self._dispatcher.step, self._wake_dispatch, self._clock))
        )
        app = build(
            self.engine,
            metrics=self.metrics,
            reload=self.reload,
            sources=self._evaluator.source_views,
            rule_health=lambda: self._evaluator.health,
            group_health=lambda: self._evaluator.groups,
            limits=config.server.limits,
            pass_on=self._ask_default_source,
        )
        await self._evaluator.start()
        for part in ("configuration", "certificate"):
            await self._taken(part)
        await self._listen(app, config.server)
        for repair in self.store.repairs:
            log.error("store_repaired", what=repair)
        log.info(
            "ready",
            listen=self.server.address,
            rules=sum(len(group.rules) for group in config.groups),
            notifiers=sum(each.enabled for each in config.notifiers.values()),
            half_sent=half_sent,
            seconds=round(self._clock.monotonic() - begun, 3),
        )
        self._schedule()
        self._up.set()

    async def _listen(self, app: Api, settings: ServerSettings) -> None:
        self.server = Server()
        files = tls_files(settings)
        if files is not None:
            try:
                self._certificates = Renewal(files, self.metrics)
            except Unusable as error:  # it was good a moment ago, when the configuration was read
                raise OSError(f"tls_{error.which}: {error}") from None
        await self.server.start(
            app,
            settings.listen,
            tls=self._certificates.context if self._certificates else None,
            connections=settings.limits.connections,
            refused=self.metrics.unconnected,
        )

    async def _ask_default_source(self, path: str, form: bytes) -> Passed:
        """Raises SourceError, also when the configuration in force names no source."""
        for source in self._sources.values():  # the first one is the default
            return await source.pass_on(path, form)
        raise Unavailable("the configuration names no source")

    def _count(self, config: Config) -> None:
        """The metrics follow the configuration that is in force."""
        kinds = {name: each.type for name, each in config.notifiers.items()}
        self.metrics.use([group.name for group in config.groups], kinds)
        self.metrics.reloaded(True)

    def _expander(self, config: Config) -> Expand:
        return expander(config.evaluation.external_labels, config.server.external_url)

    def _schedule(self) -> None:
        """The tick of a second, and the chores. What is due is decided from the store, never by them.

        The tick goes by the monotonic clock: the scheduler compares wall clocks, and would stand still
        for an hour when the clock is set back an hour.
        """
        self.engine.stepped = self._stepped
        self._ticking = asyncio.create_task(self._keep_ticking(), name="tick")

    async def _keep_ticking(self) -> None:
        await asyncio.to_thread(lambda: [*map(import_module, AFTERWARDS)])
        from hbalert.loops.chores import Chores

        self._chores = Chores(
            {
                "touch": (5, self._touch),
                "endings": (5, self._endings),
                "certificate": (60, self._look_at_certificate),
                "look": (15, self._look),
                "prune": (3600, self._prune),
            }
        )
        await every("tick", 1.0, self._tick, self._clock)

    async def _tick(self, now: datetime) -> None:
        notify_systemd.watchdog()  # first: that a store refuses something is no reason to be restarted
        await self.engine.look_at_clock()
        now = self._clock.now()
        self._wake_dispatch.set()
        self._deliverer.wake()
        await self._evaluator.tick(now)
        await self._sweeper.every_second(now)
        await self._sweeper.tell_steps()

    def _stepped(self, jump: Jump) -> None:
        self._evaluator.stepped(jump)
        if self._chores is not None:
            self._chores.again()

    async def _endings(self) -> None:
        await self._sweeper.endings(self._clock.now())

    async def _touch(self) -> None:
        await self._sweeper.touch(self._clock.now())

    async def _look(self) -> None:
        await self._lookout.look(self._clock.now())

    async def _prune(self) -> None:
        await self._sweeper.prune(self._clock.now())

    def _committed(self, draft: Draft) -> None:
        """Whoever waits for what was just committed is woken."""
        if draft.groups.changed():
            self._wake_dispatch.set()
        changed = draft.deliveries.changed().values()
        self._deliverer.wake({row.notifier for row in changed if row is not None})

    async def _look_at_certificate(self) -> None:
        """New files are taken over; what is still broken at the second look is told.

        At the first it may be half of a renewal, which writes two files.
        """
        files = tls_files(self.engine.config.server)
        if self._certificates is None or files is None:
            return
        if not self._certificates.look(files):
            if self._certificates.problem and not self._told_of_certificate:
                self._told_of_certificate = True
                await self._refused("certificate", [self._certificates.problem])
        elif not self._certificates.problem:
            self.server.use(self._certificates.context)
            self._told_of_certificate = False
            await self._taken("certificate")

    # --- reload ---

    async def reload(self) -> None:
        """Reads the configuration again and puts it in force as a whole, or not at all (ConfigError).

        One after the other: two at once would leave parts of both in force.
        """
        async with self._one_reload:
            await self._reload()

    async def _reload(self) -> None:
        before = self.engine.config
        try:
            config = load(self._path, self._environ)
        except ConfigError as error:
            findings = [str(finding) for finding in error.findings]
            self.metrics.reloaded(False)
            log.error("reload_refused", findings=findings)
            await self._refused("configuration", findings)
            raise
        await self.engine.reload(config)
        old = self._sources
        self._sources = {
            name: old[name] if name in old and old[name].settings == each else PrometheusSource(name, each)
            for name, each in config.sources.items()
        }
        await self._evaluator.reload(self._sources, self._expander(config))
        for name, source in old.items():
            if self._sources.get(name) is not source:
                await source.close()
        self._deliverer.use(config.notifiers)
        self._count(config)
        log.info("reloaded", rules=sum(len(group.rules) for group in config.groups))
        if waiting := needs_restart(before, config):
            log.warning("restart_needed", changed=waiting)
        await self._taken("configuration")
        await self._look_at_certificate()

    async def _refused(self, part: str, mistakes: Sequence[str]) -> None:
        """Our own alert: what is on disk is not what runs."""
        labels = own.Own(self.engine.config.evaluation.external_labels).refused(part)

        def unit(draft: Draft) -> None:
            self.engine.accept_into(draft, [own.reload_is_refused(labels, mistakes, draft.now)])

        await self._tell(unit)

    async def _taken(self, part: str) -> None:
        """The end of that alert, if it fires."""

        def unit(draft: Draft) -> None:
            if ends := own.accepted(draft, part):
                self.engine.accept_into(draft, ends)

        await self._tell(unit)

    async def _tell(self, unit: Callable[[Draft], None]) -> None:
        try:
            await self.engine.desk.work(unit)
        except StoreError as error:  # what was decided about the configuration holds all the same
            log.error("own_alert_not_stored", error=str(error))

    # --- the life of the process ---

    async def run(self) -> None:
        """Works until `ask_to_stop`. Raises what kept it from ticking: it may look well, and does nothing."""
        notify_systemd.ready()
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({stopping, self._ticking}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            stopping.cancel()
            await self._ticking

    def ask_to_stop(self) -> None:
        """Ends `run`; a second time: ends the process. Before the start is through it is remembered."""
        if self._stopping.is_set():
            log.warning("stopping_now")
            raise SystemExit(1)
        self._stopping.set()

    def ask_to_reload(self) -> None:
        """Reloads when it can: what is asked for during the start is done after it."""
        task = asyncio.create_task(self._reload_quietly(), name="reload")
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_quietly(self) -> None:
        await self._up.wait()
        notify_systemd.reloading()
        try:
            await self.reload()
        except ConfigError:
            pass  # said and counted by `reload`; the old configuration stays in force
        except Exception:
            log.exception("reload_failed")
        finally:
            notify_systemd.ready()

    async def stop(self) -> None:
        """Takes nothing more in, lets sends finish for a while, closes the store."""
        notify_systemd.stopping()
        log.info("stopping", queued=len(self.engine.memory.deliveries))
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)
        if self._chores is not None:
            self._chores.stop()
        await self.server.stop()
        await self._evaluator.stop()
        tasks = [*self._tasks, *self._reloads]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._deliverer.stop(DRAIN_SECONDS)
        await self.engine.desk.drain()
        for source in self._sources.values():
            await source.close()
        await self.store.touch(self._clock.now())
        await self.store.close()
        log.info("stopped")
