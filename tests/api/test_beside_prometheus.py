"""A real Prometheus: it sends its alerts to hbalert, and shows the same rules as hbalert evaluates."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import tomlkit

from hbalert.core.labels import fingerprint
from hbalert.programs.prometheus import Prometheus
from tests.api.stand import token
from tests.compat.peers import Hbalert
from tests.compat.setup import Hook, Setup
from tests.fakes.prometheus import Target, programs

WITHIN_S = 60.0

RULES = [
    {
        "alert": "BotFails",
        "expr": "bot_errors > 0",
        "labels": {"severity": "critical", "team": "trading {{ $labels.bot }}"},
        "annotations": {"summary": "{{ $labels.bot }}: {{ $value }} errors"},
    },
    {"alert": "BotSlow", "expr": "bot_latency > 1", "for": "1h", "keep_firing_for": "10m"},
    {"alert": "Quiet", "expr": "bot_errors > 100"},
    {"alert": "Broken", "expr": 'label_replace(bot_errors, "bot", "x", "bot", ".*") > 0'},
]
"""The keys that both have."""

SHOWN = 'bot_errors{bot="b1"} 3\nbot_errors{bot="b2"} 0\nbot_errors{bot="b3"} 1\nbot_latency{bot="b1"} 2.5\n'


async def until(what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, once it finds something."""
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while True:
        found = await look()
        if found:
            return found
        assert asyncio.get_running_loop().time() < deadline, f"not within {WITHIN_S} s: {what}"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def prometheus(
    folder: Path, alertmanager: str = "", credentials: str = ""
) -> AsyncIterator[tuple[str, Target]]:
    """A Prometheus that scrapes a target, evaluates RULES each second, and sends to `alertmanager`."""
    programs()
    folder.mkdir()
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "bots", "rules": RULES}]}))
    target = Target()
    target.text = SHOWN
    server = await asyncio.start_server(target._serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    config: dict[str, Any] = {
        "global": {
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"site": "home"},
        },
        "rule_files": [str(folder / "rules.yml")],
        "scrape_configs": [{"job_name": "bots", "static_configs": [{"targets": [f"{host}:{port}"]}]}],
    }
    if alertmanager:
        sender: dict[str, Any] = {"static_configs": [{"targets": [alertmanager]}], "api_version": "v2"}
        if credentials:
            sender["authorization"] = {"credentials": credentials}
        config["alerting"] = {"alertmanagers": [sender]}
    async with server, Prometheus(json.dumps(config), folder) as running:
        yield running.url, target


@asynccontextmanager
async def hbalert(folder: Path, **ours: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A daemon of ours; further tables of its configuration in `ours`."""
    folder.mkdir()
    peer = Hbalert(folder, "http://127.0.0.1:9")
    route = {"receiver": "web", "group_wait": "1h"}
    peer.write(Setup(route=route, receivers={"web": (Hook(),)}, ours=ours))
    try:
        await peer.start()
        async with httpx.AsyncClient(base_url=peer.url, timeout=30) as client:
            yield client
    finally:
        await peer.close()


@pytest.mark.slow
@pytest.mark.parametrize("with_token", [False, True], ids=["without a token", "with a token"])
async def test_what_prometheus_sends_arrives_fires_and_resolves(tmp_path: Path, with_token: bool) -> None:
    tokens = [
        {"name": each.name, "role": each.role, "hash": each.hash}
        for each in (token("prometheus", "ingest"), token("viewer", "read"))
    ]
    ours = {"tokens": tokens} if with_token else {}
    credentials = "prometheus-token" if with_token else ""
    async with hbalert(tmp_path / "hb", **ours) as client:
        headers = {"Authorization": "Bearer viewer-token"} if with_token else {}
        address = f"{client.base_url.host}:{client.base_url.port}"
        async with prometheus(tmp_path / "prometheus", address, credentials) as (_, target):

            async def firing() -> list[Any]:
                reply = await client.get("/api/v2/alerts", headers=headers)
                assert reply.status_code == 200
                return sorted(
                    (each for each in reply.json() if each["labels"]["alertname"] == "BotFails"),
                    key=lambda each: str(each["labels"]["bot"]),
                )

            async def two() -> list[Any]:
                found = await firing()
                return found if len(found) == 2 else []

            shown = await until("two alerts arrive", two)
            expected = {
                "alertname": "BotFails",
                "bot": "b1",
                "instance": target.address or shown[0]["labels"]["instance"],
                "job": "bots",
                "severity": "critical",
                "site": "home",
                "team": "trading b1",
            }
            assert shown[0]["labels"] == expected
            assert shown[0]["fingerprint"] == fingerprint(expected)
            assert shown[0]["annotations"] == {"summary": "b1: 3 errors"}
            assert "/graph?g0.expr=bot_errors" in shown[0]["generatorURL"]
            target.text = SHOWN.replace("} 3", "} 0")

            async def one() -> list[Any]:
                found = await firing()
                return found if len(found) == 1 else []

            (left,) = await until("the first resolves", one)
            assert left["labels"]["bot"] == "b3"
        if with_token:
            metrics = (await client.get("/metrics", headers=headers)).text
            assert 'handler="/api/v2/alerts",method="POST"' in metrics
            assert not [line for line in metrics.splitlines() if 'code="401"' in line and "POST" in line]


PLACES = ("file", "evaluationTime", "lastEvaluation", "activeAt", "lastError", "interval", "generatorURL")
"""What is each one's own: when and where it evaluates."""


def plain(value: Any) -> Any:
    """Without what is each one's own; the types of those fields stay."""
    if isinstance(value, dict):
        return {
            key: type(each).__name__.replace("int", "float") if key in PLACES else plain(each)
            for key, each in value.items()
        }
    return [plain(each) for each in value] if isinstance(value, list) else value


@pytest.mark.slow
async def test_rules_are_shown_as_prometheus_shows_them_and_queries_are_passed_on(tmp_path: Path) -> None:
    async with prometheus(tmp_path / "prometheus") as (url, _):
        folder = tmp_path / "rules"
        folder.mkdir()
        rules = {"groups": [{"name": "bots", "interval": "1s", "rules": RULES}]}
        (folder / "bots.toml").write_text(tomlkit.dumps(rules))
        ours = {
            "sources": {"main": {"url": url}},
            "evaluation": {
                "rules": [str(folder / "*.toml")],
                "interval": "1s",
                "external_labels": {"site": "home"},
            },
        }
        async with (
            hbalert(tmp_path / "hb", **ours) as us,
            httpx.AsyncClient(base_url=url, timeout=30) as them,
        ):

            async def evaluated() -> tuple[Any, Any] | None:
                found = []
                for client in (them, us):
                    (group,) = (await client.get("/api/v1/rules")).json()["data"]["groups"]
                    states = [(rule["state"], len(rule["alerts"])) for rule in group["rules"]]
                    if states[:2] != [("firing", 2), ("pending", 1)] or group["rules"][3]["health"] != "err":
                        return None
                    found.append(group)
                return found[0], found[1]

            theirs, ours_group = await until("both have evaluated", evaluated)
            for group in (theirs, ours_group):
                for rule in group["rules"]:
                    rule["alerts"].sort(key=lambda each: str(each["labels"]))
            assert plain(ours_group) == plain(theirs)
            assert ours_group["file"].endswith("bots.toml")

            alerts = [(await client.get("/api/v1/alerts")).json() for client in (them, us)]
            for each in alerts:
                each["data"]["alerts"].sort(key=lambda row: str(row["labels"]))
            assert plain(alerts[1]) == plain(alerts[0])

            for query, status in (
                ("type=alert", 200),
                ("type=record", 200),
                ("type=ALERT", 200),
                ("type=nothing", 400),
            ):
                answers = [await client.get(f"/api/v1/rules?{query}") for client in (them, us)]
                assert [each.status_code for each in answers] == [status, status], query
                bodies = [each.json() for each in answers]
                assert bodies[0].keys() == bodies[1].keys()
                if status == 400:
                    assert bodies[0]["errorType"] == bodies[1]["errorType"] == "bad_data"
                names = [
                    [
                        rule["name"]
                        for group in body.get("data", {}).get("groups", ())
                        for rule in group["rules"]
                    ]
                    for body in bodies  # of newer versions' kind: a group without a rule is not shown
                ]
                assert names[0] == names[1]

            for request in (
                ("GET", "/api/v1/query?query=1%2B1&time=1700000000", None),
                ("POST", "/api/v1/query", {"query": "1+1", "time": "1700000000"}),
                ("GET", "/api/v1/query?query=((", None),
                ("GET", "/api/v1/query?query=up&time=yesterday", None),
                ("GET", "/api/v1/status/buildinfo", None),
            ):
                method, path, form = request
                passed, direct = [await client.request(method, path, data=form) for client in (us, them)]
                assert (passed.status_code, passed.json()) == (direct.status_code, direct.json()), path
