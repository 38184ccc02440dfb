"""The demo: bots, a real Prometheus, three gateways, the real daemon; and what happens, as it happens.

Knows the order in which things start and end, and where their news come from: the daemon's API and log,
the gateways. Must not know how a line looks (`narrator.py`), nor any channel's wire format.

The daemon is a process of its own, as an operator would start it. Whatever ends the demo, its
programs end with it (`child.py`), and its folder goes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from hbalert.clock import Clock, SystemClock
from hbalert.demo import bots, stage
from hbalert.demo.gateways.dingtalk import DingTalkGateway
from hbalert.demo.gateways.sms import AlibabaSmsGateway
from hbalert.demo.gateways.smtp import SmtpSink
from hbalert.demo.narrator import Heard, Narrator, table, wants_colour
from hbalert.demo.news import Lines, about, of_itself, read_dingtalk, read_mail, read_sms
from hbalert.errors import HbalertError
from hbalert.outbound import Unreachable, open_client, request
from hbalert.programs import child
from hbalert.programs.prometheus import Prometheus

REACHED_WITHIN = 60.0
"""Seconds from the daemon's start until every channel must have heard of an alert."""

RESOLVED_WITHIN = 150.0
"""Seconds from the daemon's start until every channel must have heard that it is over."""

_READY_WITHIN = 30.0
_LOOK_EVERY = 0.2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOT_THE_DAEMONS = ("HBALERT_", "NOTIFY_SOCKET", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM")
_CHANNELS = {
    "ops_dingtalk": ("DingTalk", "signature verified"),
    "ops_sms": ("SMS", "signature verified"),
    "ops_email": ("Email", "login verified"),
}


class DemoFailed(HbalertError):
    """Something did not start, or a channel was not reached in time."""


@dataclass(frozen=True, slots=True)
class _Gateways:
    dingtalk: DingTalkGateway
    sms: AlibabaSmsGateway
    mail: SmtpSink


@dataclass(frozen=True, slots=True)
class _Keys:
    """What proves the daemon to the gateways: drawn anew for each performance."""

    dingtalk: str = field(default_factory=lambda: f"SEC{token_hex(32)}")
    dingtalk_token: str = field(default_factory=lambda: token_hex(32))
    sms_id: str = field(default_factory=lambda: f"LTAI{token_hex(8)}")
    sms: str = field(default_factory=lambda: token_hex(15))
    smtp_user: str = "hbalert"
    smtp: str = field(default_factory=lambda: token_hex(12))


class Play:
    """One performance."""

    def __init__(self, narrator: Narrator, clock: Clock, story: bots.Story) -> None:
        self._narrator = narrator
        self._clock = clock
        self._story = story
        self.heard = {name: Heard(title, proof) for name, (title, proof) in _CHANNELS.items()}
        self._live: set[str] = set()  # fingerprints of the bots' alerts that are pending or firing
        self._open: set[tuple[str, str]] = set()  # (notifier, group) told of an alert, not yet of its end

    @property
    def all_reached(self) -> bool:
        return all(each.first_firing is not None for each in self.heard.values())

    @property
    def all_resolved(self) -> bool:
        """Whether nothing of the bots fires any more and whoever was told of an alert was told of its end."""
        told = all(each.first_resolve is not None for each in self.heard.values())
        return self.all_reached and told and not self._live and not self._open

    async def run(
        self, folder: Path, shipped_rules: str, environ: Mapping[str, str], *, once: bool, duration: float
    ) -> None:
        """From the first program to the last line. Raises DemoFailed, NoPrometheus.

        once      ends when every channel has heard of the resolve
        duration  ends after so many seconds; 0 = not for that reason
        """
        say = self._narrator.say
        async with AsyncExitStack() as stack:
            address, elapsed = await stack.enter_async_context(bots.serve(self._clock, self._story))
            say("demo", f"three bots at http://{address}: {', '.join(bots.BOTS)}")
            prometheus = await stack.enter_async_context(
                Prometheus(bots.scrape_config(address), _made(folder / "prometheus"), clock=self._clock)
            )
            say("demo", f"Prometheus scrapes them each second, at {prometheus.url}")
            keys = _Keys()
            gateways = await self._gateways(stack, keys)
            places = _places(prometheus.url, gateways, keys)
            config = stage.build(_made(folder / "hbalert"), places, shipped_rules)
            self._narrator.start()
            url = await stack.enter_async_context(self._daemon(config, folder / "daemon.log", environ))
            say("demo", f"hbalert is ready; look around: hbalert status --server {url}")
            watchers = [
                self._watch_bots(elapsed),
                self._watch_alerts(url),
                self._watch_log(folder / "daemon.log"),
                *self._watch_gateways(gateways),
            ]
            tasks = [asyncio.create_task(each) for each in watchers]
            try:
                await self._until_over(tasks, gateways, once=once, duration=duration)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _gateways(self, stack: AsyncExitStack, keys: _Keys) -> _Gateways:
        dingtalk = DingTalkGateway(token=keys.dingtalk_token, secret=keys.dingtalk, clock=self._clock)
        sms = AlibabaSmsGateway(
            key_id=keys.sms_id,
            key_secret=keys.sms,
            sign_name=stage.SMS_SIGN_NAME,
            templates={stage.SMS_FIRING: stage.SMS_VARIABLES, stage.SMS_RESOLVED: stage.SMS_VARIABLES},
            clock=self._clock,
        )
        gateways = _Gateways(dingtalk, sms, SmtpSink(auth=(keys.smtp_user, keys.smtp)))
        for each in (dingtalk, sms, gateways.mail):
            await stack.enter_async_context(each)
        self._narrator.say("demo", "gateways on loopback: DingTalk and SMS, which check signatures, and mail")
        return gateways

    @asynccontextmanager
    async def _daemon(self, config: Path, log: Path, environ: Mapping[str, str]) -> AsyncIterator[str]:
        """The real daemon; where it listens."""
        env = {name: text for name, text in environ.items() if not name.startswith(_NOT_THE_DAEMONS)}
        arguments = ("-m", "hbalert", "run", "-c", config, "--log-format", "json")
        process = await child.start(sys.executable, *arguments, log=log, env=env)
        try:
            lines = Lines(log)
            while self._narrator.elapsed < _READY_WITHIN:
                for line in lines.new():
                    if line.get("event") == "ready":
                        yield str(line["listen"])
                        return
                if process.ended:
                    break
                await self._clock.sleep(0.05)
            raise DemoFailed(f"hbalert did not start:\n{process.last_words(20)}")
        finally:
            await process.stop(grace=8)

    # --- news ---

    async def _watch_bots(self, elapsed: Callable[[], float]) -> None:
        await self._clock.sleep(self._story.trouble - elapsed())
        self._narrator.say("bots", "bravo stops trading; charlie's orders are slow, three of four refused")
        await self._clock.sleep(self._story.recovery - elapsed())
        self._narrator.say("bots", "bravo trades again; charlie's orders are fast and taken")

    async def _watch_alerts(self, url: str) -> None:
        """What the daemon's API says of alerts: pending, fired, resolved."""
        known: dict[str, tuple[str, str]] = {}
        timeout = timedelta(seconds=3)
        async with open_client() as client:
            while True:
                try:
                    reply = await request(client, "GET", f"{url}/api/hb/v1/alerts", timeout=timeout)
                    rows = json.loads(reply.body)["rows"] if reply.status == 200 else None
                except (Unreachable, ValueError):
                    rows = None
                if rows is not None:
                    self.note_alerts(known, rows)
                await self._clock.sleep(_LOOK_EVERY)

    def note_alerts(self, known: dict[str, tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> None:
        """Says what is new, and remembers it in `known`. The end of hbalert's own alerts is not waited for:
        that a busy machine missed an evaluation fires for a quarter of an hour.

        known  fingerprint -> (state, what it is about), as of the last look
        rows   those of /api/hb/v1/alerts
        """
        now = {row["fingerprint"]: (row["state"], about(row)) for row in rows}
        for fingerprint, (state, text) in now.items():
            before = known.get(fingerprint, ("", ""))[0]
            if state == "pending" and before == "":
                self._narrator.say("pending", text)
            if state != "pending" and before in ("", "pending"):
                self._narrator.say("fired", text)
        for fingerprint, (state, text) in known.items():
            if state != "pending" and (fingerprint not in now or now[fingerprint][0] == "pending"):
                self._narrator.say("resolved", text)
        known.clear()
        known.update(now)
        self._live = {row["fingerprint"] for row in rows if not of_itself(row)}

    async def _watch_log(self, log: Path) -> None:
        """Every attempt to deliver, from the daemon's log."""
        lines = Lines(log)
        while True:
            for line in lines.new():
                if line.get("event") == "attempt":
                    self.note_attempt(line)
            await self._clock.sleep(_LOOK_EVERY)

    def note_attempt(self, line: Mapping[str, Any]) -> None:
        """Says how an attempt ended. The daemon's own log, where it tells of itself, is no channel here."""
        if line["notifier"] not in self.heard:
            return
        sent, told = line["result"] == "sent", (line["notifier"], line["group"])
        if sent and line["status"] == "firing":
            self._open.add(told)
        elif sent:
            self._open.discard(told)
        to = self.heard[line["notifier"]].title
        text = f"{line['status']} to {to} in {line['ms']} ms: {line['answer']}"
        self._narrator.say("sent" if sent else "failed", text)

    def _watch_gateways(self, gateways: _Gateways) -> list[Coroutine[Any, Any, None]]:
        return [
            self._watch(gateways.dingtalk.arrived, "ops_dingtalk", read_dingtalk),
            self._watch(gateways.sms.arrived, "ops_sms", read_sms),
            self._watch(gateways.mail.arrived, "ops_email", read_mail),
        ]

    async def _watch(
        self,
        arrived: Callable[[int], Awaitable[list[Any]]],
        name: str,
        read: Callable[[Any], tuple[bool, str]],
    ) -> None:
        """Each message that a gateway took."""
        heard = self.heard[name]
        while True:
            messages = await arrived(heard.messages + 1)
            resolved, text = read(messages[heard.messages])
            heard.note(self._narrator.elapsed, resolved=resolved)
            self._narrator.say("received", f"{heard.title}: {text}")

    # --- the end ---

    async def _until_over(
        self, tasks: Sequence[asyncio.Task[None]], gateways: _Gateways, *, once: bool, duration: float
    ) -> None:
        """Waits for the end that was asked for. Raises DemoFailed when a promise was broken."""
        told = False
        while True:
            self.heard["ops_dingtalk"].refused = len(gateways.dingtalk.refused)
            self.heard["ops_sms"].refused = len(gateways.sms.refused)
            for task in tasks:
                if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                    raise error
            now = self._narrator.elapsed
            if now > REACHED_WITHIN and not self.all_reached:
                raise DemoFailed(f"not every channel was reached within {REACHED_WITHIN:.0f} s")
            if now > RESOLVED_WITHIN and not self.all_resolved:
                raise DemoFailed(f"not every channel heard of the end within {RESOLVED_WITHIN:.0f} s")
            if duration and now >= duration:
                return
            if self.all_resolved and not told:
                if once:
                    return
                told = True
                self._narrator.plain()
                self._narrator.plain(table(self.heard.values()))
                self._narrator.plain(
                    "\nAll three have heard of the alerts and of their end. Ctrl-C ends the demo.\n"
                )
            await self._clock.sleep(_LOOK_EVERY)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _places(prometheus: str, gateways: _Gateways, keys: _Keys) -> stage.Places:
    return stage.Places(
        prometheus=prometheus,
        dingtalk_url=gateways.dingtalk.url,
        dingtalk_secret=keys.dingtalk,
        sms_url=gateways.sms.url,
        sms_key_id=keys.sms_id,
        sms_key=keys.sms,
        smarthost=f"{gateways.mail.host}:{gateways.mail.port}",
        smtp_user=keys.smtp_user,
        smtp_password=keys.smtp,
    )


async def perform(
    shipped_rules: str,
    *,
    out: TextIO,
    environ: Mapping[str, str],
    once: bool = False,
    duration: float = 0,
    clock: Clock | None = None,
    story: bots.Story | None = None,
) -> int:
    """Runs the demo; the exit code: 0, 1 when a promise was broken, 128 + signal when stopped before
    every channel had heard of an alert. SIGINT, SIGTERM and SIGHUP end it; a second one ends it at once.
    """
    clock = clock or SystemClock()
    narrator = Narrator(out, clock, colour=wants_colour(out, environ))
    play = Play(narrator, clock, story or bots.Story())
    caught: list[int] = []
    loop = asyncio.get_running_loop()
    with TemporaryDirectory(prefix="hbalert-demo-") as folder:
        main = asyncio.create_task(
            play.run(Path(folder), shipped_rules, environ, once=once, duration=duration)
        )

        def stop(number: int) -> None:
            caught.append(number)
            main.cancel()

        for number in _SIGNALS:
            loop.add_signal_handler(number, stop, number)
        try:
            await main
        except asyncio.CancelledError:
            if not caught:
                raise
        except HbalertError as error:
            narrator.say("failed", str(error).splitlines()[0])
            narrator.plain("\n".join(str(error).splitlines()[1:]))
            return 1
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
    narrator.plain()
    narrator.plain(table(play.heard.values()))
    if caught:
        return 0 if play.all_reached else 128 + caught[0]
    return 0 if play.all_reached else 1
