"""Five sources fail in five ways for ten intervals, under a real daemon with a webhook: nothing resolves, one
alert each says so, and nobody hears anything twice when they are back.

Played once for all five; then each of them is looked at.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.compat.peers import free_port
from tests.fakes.query_api import Asked, QueryApi, Reply, error, vector

PATIENCE = 60.0
HTML = Reply(200, b"<html><body>Bad gateway</body></html>", kind="text/html")

FAILURES: dict[str, Callable[[], Reply]] = {
    "refused": lambda: Reply(drop=True),  # and nobody listens any more
    "hangs": lambda: Reply(hang=True),
    "fails": lambda: Reply(500, b"internal error"),
    "html": lambda: HTML,
    "error": lambda: error(422, "execution", "many-to-many matching not allowed"),
}
"""Source -> its answer while it fails."""

SAYS_SO = dict.fromkeys(FAILURES, "HbalertSourceUnreachable") | {"error": "HbalertRuleFailing"}
"""Source -> the alert about it: one that refuses a rule is there, and well."""

INTERVALS = 10

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
[evaluation]
interval = "1s"
[route]
receiver = "sink"
group_by = ["..."]
group_wait = "0s"
group_interval = "1s"
repeat_interval = "4h"
"""


Told = dict[str, tuple[tuple[int, int], tuple[int, int]]]
"""Source -> how often its alert was told, and the alert about it: that it fires, that it is over."""


class Outage:
    """The sources, and what the webhook heard: (alert, source, status) -> how often."""

    def __init__(self) -> None:
        self.failing = False
        self.over = False
        self.heard: Counter[tuple[str, str, str]] = Counter()
        self.apis: dict[str, QueryApi] = {}

    def answer(self, name: str, asked: Asked) -> Reply:
        if self.failing:
            return FAILURES[name]()
        mark = {"__hbalert_rule__": "0"} if "__hbalert_rule__" in asked.query else {}
        return vector() if self.over else vector(({"bot": "a", "at": name, **mark}, "1"))

    async def hook(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.split("content-length: ")[1].split("\r\n")[0])
                for alert in json.loads(await reader.readexactly(length))["alerts"]:
                    labels = alert["labels"]
                    source = labels.get("at") or labels.get("data_source") or labels.get("group", "")
                    self.heard[labels["alertname"], source, alert["status"]] += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def rounds(self, name: str) -> int:
        return len(self.apis[name].asked)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0.1)

    def told(self, alert: str, source: str) -> tuple[int, int]:
        """How often that it fires, and that it has resolved."""
        return self.heard[alert, source, "firing"], self.heard[alert, source, "resolved"]

    def all_told(self) -> Told:
        return {name: (self.told("Bad", name), self.told(SAYS_SO[name], name)) for name in FAILURES}


@asynccontextmanager
async def daemon(folder: Path, urls: dict[str, str], hook: int) -> AsyncIterator[None]:
    (folder / "rules").mkdir()
    (folder / "notifiers").mkdir()
    sources = "".join(
        f'[sources.{name}]\nurl = "{url}"\ntimeout = "1s"\ndown_after = "3s"\n' for name, url in urls.items()
    )
    rules = "".join(
        f'[[groups]]\nname = "{name}"\nsource = "{name}"\n[[groups.rules]]\nalert = "Bad"\nexpr = "x > 0"\n'
        for name in urls
    )
    (folder / "config.toml").write_text(CONFIG.format(port=free_port()) + sources)
    (folder / "rules/all.toml").write_text(rules)
    (folder / "notifiers/sink.toml").write_text(f'type = "webhook"\nurl = "http://127.0.0.1:{hook}/"\n')
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hbalert", "run", "-c", str(folder / "config.toml")),
            stdout=log,
            stderr=log,
        )
    try:
        yield
        assert process.returncode is None, (folder / "log").read_text()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@dataclass(frozen=True)
class Heard:
    """What the webhook had heard after ten intervals of failing, three more when all was well again, and
    when the alerts themselves were over."""

    failing: Told
    back: Told
    over: Told


async def play(folder: Path) -> Heard:
    outage = Outage()
    async with AsyncExitStack() as stack:
        hook = await asyncio.start_server(outage.hook, "127.0.0.1", 0)
        await stack.enter_async_context(hook)
        servers: dict[str, asyncio.Server] = {}
        ports: dict[str, int] = {}
        for name in FAILURES:
            api = outage.apis[name] = QueryApi(lambda asked, name=name: outage.answer(name, asked))  # type: ignore[misc]
            servers[name] = await asyncio.start_server(api.serve, "127.0.0.1", 0)
            ports[name] = servers[name].sockets[0].getsockname()[1]
            stack.callback(lambda name=name: servers[name].close())  # type: ignore[misc]
        urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        await stack.enter_async_context(daemon(folder, urls, hook.sockets[0].getsockname()[1]))

        await outage.until(lambda: all(outage.told("Bad", name) == (1, 0) for name in FAILURES))
        begun = {name: outage.rounds(name) for name in FAILURES}
        outage.failing = True
        servers["refused"].close()
        await outage.until(lambda: all(outage.told(alert, name)[0] for name, alert in SAYS_SO.items()))
        counted = ("fails", "html", "error")  # the others take their time-outs, or cannot be counted
        await outage.until(lambda: all(outage.rounds(name) >= begun[name] + INTERVALS for name in counted))
        failing = outage.all_told()

        outage.failing = False
        for api in outage.apis.values():
            api.go_on.set()
        await asyncio.sleep(0)
        refused = outage.apis["refused"]
        servers["refused"] = await asyncio.start_server(refused.serve, "127.0.0.1", ports["refused"])
        await outage.until(lambda: all(outage.told(alert, name)[1] for name, alert in SAYS_SO.items()))
        begun = {name: outage.rounds(name) for name in FAILURES}
        await outage.until(lambda: all(outage.rounds(name) >= begun[name] + 3 for name in FAILURES))
        back = outage.all_told()

        outage.over = True
        await outage.until(lambda: all(outage.told("Bad", name)[1] for name in FAILURES))
        return Heard(failing, back, outage.all_told())


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Heard:
    return asyncio.run(play(tmp_path_factory.mktemp("outage")))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "source",
    [
        pytest.param("refused", id="nobody listens any more"),
        pytest.param("hangs", id="it hangs"),
        pytest.param("fails", id="it answers 500"),
        pytest.param("html", id="it answers with a page"),
        pytest.param("error", id="it answers that the query fails"),
    ],
)
def test_a_source_that_fails_resolves_nothing_says_so_once_and_tells_nobody_twice(
    source: str, heard: Heard
) -> None:
    assert heard.failing[source] == ((1, 0), (1, 0)), "no end, and one alert about it"
    assert heard.back[source] == ((1, 0), (1, 1)), "nobody is told again, and that one is over"
    assert heard.over[source] == ((1, 1), (1, 1)), "then the end is told, once"
