"""The two engines that evaluate the cases, with one face: start, reload, kill, and what they show.

Knows how each is configured and run. Must not know what is expected of it (`play.py`, next).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import tomlkit

from hbalert.programs.child import Child, start
from hbalert.programs.prometheus import Prometheus
from tests.beside_prometheus.cases import Case
from tests.compat.peers import free_port

START_WITHIN_S = 60.0
SITE = "home"
"""The external label `site` of both."""


class Engine(ABC):
    """One engine in a folder of its own."""

    url: str

    def __init__(self, folder: Path, interval_s: int = 1) -> None:
        self.folder = folder
        self.interval_s = interval_s
        (folder / "rules").mkdir(parents=True)
        self._client = httpx.AsyncClient(timeout=10)

    @property
    @abstractmethod
    def pid(self) -> int: ...

    @abstractmethod
    def write(self, cases: Iterable[Case]) -> None:
        """Writes these as rule files, and no others."""

    @abstractmethod
    async def start(self) -> None:
        """Starts it, or starts it again over what it has left; returns when it is ready."""

    @abstractmethod
    async def states(self, alert: str) -> list[str]:
        """`alertstate` of the series ALERTS about a rule."""

    @abstractmethod
    async def _end(self) -> None: ...

    async def groups(self) -> dict[str, Any]:
        """By name, as /api/v1/rules shows them."""
        answer = (await self._client.get(f"{self.url}/api/v1/rules")).json()
        return {group["name"]: group for group in answer["data"]["groups"]}

    async def reload(self) -> None:
        answer = await self._client.post(f"{self.url}/-/reload", timeout=30)
        assert answer.status_code == 200, answer.text

    async def kill(self) -> None:
        """kill -9, and it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        await self._end()

    async def close(self) -> None:
        await self._end()
        await self._client.aclose()

    def _files(self, cases: Iterable[Case], ending: str) -> dict[Path, list[Case]]:
        for old in (self.folder / "rules").iterdir():
            old.unlink()
        found: dict[Path, list[Case]] = {}
        for case in cases:
            if not case.removed:
                found.setdefault(self.folder / "rules" / f"{case.file}{ending}", []).append(case)
        return found


class Theirs(Engine):
    """Prometheus: it scrapes the targets, evaluates the rules, and answers whoever asks."""

    def __init__(self, folder: Path, targets: Sequence[str], interval_s: int = 1) -> None:
        super().__init__(folder, interval_s)
        config = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": f"{interval_s}s",
                "external_labels": {"site": SITE},
            },
            "rule_files": ["rules/*.yml"],
            "scrape_configs": [{"job_name": "bots", "static_configs": [{"targets": list(targets)}]}],
        }
        self._config = json.dumps(config)  # JSON is YAML
        self._program: Prometheus | None = None

    @property
    def pid(self) -> int:
        assert self._program is not None
        return self._program.pid

    def write(self, cases: Iterable[Case]) -> None:
        for file, some in self._files(cases, ".yml").items():
            file.write_text(json.dumps({"groups": [_group(case, theirs=True) for case in some]}), "utf-8")

    async def start(self) -> None:
        self._program = Prometheus(self._config, self.folder, arguments=["--web.enable-lifecycle"])
        await self._program.__aenter__()
        self.url = self._program.url

    async def states(self, alert: str) -> list[str]:
        query = {"query": f'ALERTS{{alertname="{alert}"}}'}
        answer = (await self._client.get(f"{self.url}/api/v1/query", params=query)).json()
        return sorted(series["metric"]["alertstate"] for series in answer["data"]["result"])

    async def _end(self) -> None:
        if self._program is not None:
            await self._program.__aexit__(None, None, None)


class Ours(Engine):
    """An hbalert process that evaluates the cases on a source; one notifier, which nobody reads."""

    def __init__(self, folder: Path, source: str, interval_s: int = 1) -> None:
        super().__init__(folder, interval_s)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (folder / "notifiers").mkdir()
        (folder / "notifiers/sink.toml").write_text('type = "log"\n')
        (folder / "config.toml").write_text(
            f'[server]\nlisten = "127.0.0.1:{port}"\n[sources.main]\nurl = "{source}"\n'
            f'[evaluation]\ninterval = "{interval_s}s"\nexternal_labels = {{ site = "{SITE}" }}\n'
            '[route]\nreceiver = "sink"\n'
        )
        self._process: Child | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def write(self, cases: Iterable[Case]) -> None:
        for file, some in self._files(cases, ".toml").items():
            groups = [_group(case, theirs=False) for case in some]
            file.write_text(tomlkit.dumps({"groups": groups}), "utf-8")

    async def start(self) -> None:
        config, log = self.folder / "config.toml", self.folder / "log"
        self._process = await start(sys.executable, "-m", "hbalert", "run", "-c", config, log=log)
        async with asyncio.timeout(START_WITHIN_S):
            while True:
                assert not self._process.ended, self._process.last_words(20)
                with suppress(httpx.TransportError):
                    if (await self._client.get(f"{self.url}/-/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def states(self, alert: str) -> list[str]:
        lines = (await self._client.get(f"{self.url}/metrics")).text.splitlines()
        mine = [line for line in lines if line.startswith("ALERTS{") and f'alertname="{alert}"' in line]
        return sorted(line.split('alertstate="')[1].split('"')[0] for line in mine)

    async def rows(self, rule: str) -> list[dict[str, Any]]:
        """The alerts of a rule with all that is known of them."""
        answer = (await self._client.get(f"{self.url}/api/hb/v1/rules/{rule}")).json()
        found: list[dict[str, Any]] = answer["alerts"]
        return found

    async def _end(self) -> None:
        if self._process is not None:
            await self._process.stop()


def _group(case: Case, *, theirs: bool) -> dict[str, Any]:
    """The keys are the same for both, but for those that Prometheus has not."""
    rule: dict[str, Any] = {
        "alert": case.name,
        "expr": case.expr,
        "for": case.hold,
        "keep_firing_for": case.keep,
        "labels": dict(case.labels),
        "annotations": dict(case.annotations),
    }
    group: dict[str, Any] = {"name": case.name, "limit": case.limit}
    if case.interval:
        group["interval"] = case.interval
    more: Mapping[str, Any] = case.their_rule if theirs else case.ours
    return {**group, **({} if theirs else case.our_group), "rules": [{**rule, **more}]}
