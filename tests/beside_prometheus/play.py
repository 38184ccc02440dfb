"""Plays all cases at once on both engines; what is seen becomes a table."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import tomlkit

from hbalert.programs.prometheus import Prometheus
from tests.beside_prometheus.cases import CASES, Case
from tests.compat.peers import free_port
from tests.fakes.prometheus import Target, programs

PATIENCE = 40.0
"""Seconds until each engine has to show what is expected of it; a quiet machine needs three."""

QUIET = 'load{bot="a"} 0\nload{bot="b"} 0\ntwin{bot="a"} 0\ntwin{bot="b"} 0\n'
BAD = QUIET.replace('{bot="a"} 0', '{bot="a"} 5') + 'gone{bot="a"} 1\n'


@dataclass(frozen=True)
class Seen:
    """What one engine showed of a case, phase by phase; `since`: when its alert became active, by bot."""

    shown: tuple[str, ...]
    since: Mapping[str, str]


def prometheus_rules() -> str:
    """The cases as Prometheus reads them (JSON is YAML). hbalert's `limit` is the group's, too."""
    groups = [
        {
            "name": case.name,
            "limit": case.limit,
            "rules": [
                {
                    "alert": case.name,
                    "expr": case.expr,
                    "for": case.hold,
                    "labels": dict(case.labels),
                    "annotations": dict(case.annotations),
                }
            ],
        }
        for case in CASES
    ]
    return json.dumps({"groups": groups})


def hbalert_rules() -> str:
    """The cases as hbalert reads them: the keys are the same."""
    return tomlkit.dumps(json.loads(prometheus_rules()))


def observed(case: Case, group: Mapping[str, Any]) -> str:
    (rule,) = group["rules"]
    if rule["health"] == "err":
        held = ", ".join(sorted(map(case.show, rule["alerts"])))
        return f"error, keeps {held}" if held else "error"
    return ", ".join(sorted(map(case.show, rule["alerts"]))) or "-"


async def groups_of(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    answer = (await client.get(f"{url}/api/v1/rules")).json()
    return {group["name"]: group for group in answer["data"]["groups"]}


@asynccontextmanager
async def hbalert(folder: Path, source: str) -> AsyncIterator[str]:
    """An hbalert process that evaluates the cases every second on this source."""
    port = free_port()
    (folder / "rules").mkdir()
    (folder / "notifiers").mkdir()
    (folder / "rules/cases.toml").write_text(hbalert_rules(), "utf-8")
    (folder / "notifiers/sink.toml").write_text('type = "log"\n')
    (folder / "config.toml").write_text(
        f'[server]\nlisten = "127.0.0.1:{port}"\n[sources.main]\nurl = "{source}"\n'
        '[evaluation]\ninterval = "1s"\n[route]\nreceiver = "sink"\n'
    )
    with (folder / "hbalert.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hbalert", "run", "-c", str(folder / "config.toml")),
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(timeout=10) as client, asyncio.timeout(PATIENCE):
            while True:
                assert process.returncode is None, (folder / "hbalert.log").read_text()
                try:
                    if (await client.get(f"{url}/-/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def play(folder: Path) -> dict[str, tuple[Seen, Seen]]:
    """By case: what Prometheus and what hbalert showed."""
    programs()
    (folder / "prometheus").mkdir()
    (folder / "hbalert").mkdir()
    (folder / "prometheus/rules.yml").write_text(prometheus_rules(), "utf-8")
    target = Target()
    target.text = QUIET
    server = await asyncio.start_server(target._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    config = (
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\nscrape_configs:\n"
        f"- {{job_name: bots, static_configs: [{{targets: ['{host}:{port}']}}]}}\n"
    )
    async with (
        server,
        Prometheus(config, folder / "prometheus") as theirs,
        hbalert(folder / "hbalert", theirs.url) as ours,
        httpx.AsyncClient(timeout=10) as client,
    ):
        return await _phases(client, target, theirs.url, ours)


async def _phases(client: httpx.AsyncClient, target: Target, *urls: str) -> dict[str, tuple[Seen, Seen]]:
    shown: list[dict[str, list[str]]] = [{case.name: [] for case in CASES} for _ in urls]
    since: list[dict[str, dict[str, str]]] = [{} for _ in urls]
    target.text = BAD
    for phase, text in enumerate((BAD, BAD, QUIET)):
        if phase == 1:
            await _until_held_fires(client, urls)
        target.text = text
        for place, url in enumerate(urls):
            groups = await _settled(client, url, phase, theirs=place == 0)
            for case in CASES:
                shown[place][case.name].append(observed(case, groups[case.name]))
                for alert in groups[case.name]["rules"][0]["alerts"] if phase == 1 else ():
                    known = since[place].setdefault(case.name, {})
                    known[alert["labels"].get("bot", "")] = alert["activeAt"]
    return {
        case.name: (
            Seen(tuple(shown[0][case.name]), since[0].get(case.name, {})),
            Seen(tuple(shown[1][case.name]), since[1].get(case.name, {})),
        )
        for case in CASES
    }


def expected(case: Case, *, theirs: bool) -> Sequence[str]:
    return case.theirs if theirs and case.theirs is not None else case.expect


async def _settled(client: httpx.AsyncClient, url: str, phase: int, *, theirs: bool) -> dict[str, Any]:
    """What an engine shows once it shows what is expected, or when nobody can wait any longer."""
    until = time.monotonic() + PATIENCE
    while True:
        groups = await groups_of(client, url)
        right = all(
            case.name in groups and observed(case, groups[case.name]) == expected(case, theirs=theirs)[phase]
            for case in CASES
        )
        if right or time.monotonic() > until:
            return groups
        await asyncio.sleep(0.2)


async def _until_held_fires(client: httpx.AsyncClient, urls: Sequence[str]) -> None:
    until = time.monotonic() + PATIENCE
    for url in urls:
        while time.monotonic() < until:
            rule = (await groups_of(client, url))["Held"]["rules"][0]
            if rule["state"] == "firing":
                break
            await asyncio.sleep(0.2)


def page(seen: Mapping[str, tuple[Sequence[str], Sequence[str]]] | None = None) -> str:
    """The table; of what is expected, or of what was seen."""
    lines = ["| case | Prometheus | hbalert |", "| --- | --- | --- |"]
    for case in CASES:
        pair = seen[case.name] if seen else (expected(case, theirs=True), case.expect)
        theirs, ours = (" / ".join(shown) for shown in pair)
        better = f"**`{ours}`**" if theirs != ours else f"`{ours}`"
        lines.append(f"| {case.says}: `{case.expr.replace('|', chr(92) + '|')}` | `{theirs}` | {better} |")
    return "\n".join(lines) + "\n"
