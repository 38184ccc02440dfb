"""hbalert and the real Alertmanager side by side: the same request to both, what they answer compared.

What an answer is compared by: its status, and its body with everything that no two servers share (ids,
times of their own) put aside. Missing on the machine, Alertmanager is skipped loudly; where it is
required (CI=true, or HBALERT_REQUIRE_ALERTMANAGER set) its absence fails.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compat.peers import Alertmanager, Hbalert
from tests.compat.setup import Hook, Setup

START = datetime.now(UTC)

NO_ANSWER = 0
"""In place of a status: the connection was closed."""


def at(seconds: float) -> str:
    """The time so many seconds from the start of the tests."""
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    body: Any = None
    raw: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes | None:
        return self.raw if self.raw is not None or self.body is None else json.dumps(self.body).encode()

    @property
    def sent_headers(self) -> dict[str, str]:
        json_body = self.content is not None and not any(name == "Content-Type" for name, _ in self.headers)
        return dict(self.headers) | ({"Content-Type": "application/json"} if json_body else {})


@dataclass(frozen=True)
class Answered:
    """What came back. `body` is decoded where it is JSON."""

    status: int
    body: Any
    headers: httpx.Headers


@dataclass
class Pair:
    """Both servers, with the same configuration."""

    theirs: httpx.AsyncClient
    ours: httpx.AsyncClient

    async def ask(self, asked: Asked) -> tuple[Answered, Answered]:
        """Their answer and ours."""
        return await _ask(self.theirs, asked), await _ask(self.ours, asked)

    async def both(self, method: str, path: str, body: Any = None) -> tuple[Any, Any]:
        """Both bodies of an answer that has to be 200."""
        theirs, ours = await self.ask(Asked(method, path, body))
        assert (theirs.status, ours.status) == (200, 200), (theirs.body, ours.body)
        return theirs.body, ours.body


async def _ask(client: httpx.AsyncClient, asked: Asked) -> Answered:
    try:
        reply = await client.request(
            asked.method, asked.path, content=asked.content, headers=asked.sent_headers
        )
    except httpx.RemoteProtocolError:
        return Answered(NO_ANSWER, None, httpx.Headers())
    kind = reply.headers.get("content-type", "")
    return Answered(
        reply.status_code, reply.json() if "json" in kind and reply.content else reply.text, reply.headers
    )


SETUP = Setup(
    route={
        "receiver": "team",
        "group_by": ["alertname"],
        "group_wait": "1h",
        "routes": [
            {
                "receiver": "oncall",
                "matchers": ['severity="critical"'],
                "group_by": ["alertname", "bot"],
                "continue": True,
            },
            {"receiver": "night", "matchers": ['severity="critical"'], "group_by": ["..."]},
        ],
    },
    receivers={"team": (Hook(),), "oncall": (Hook(),), "night": (Hook(),)},
    inhibit_rules=(
        {
            "source_matchers": ['alertname="HostDown"'],
            "target_matchers": ['alertname!="HostDown"', 'host!=""'],
            "equal": ["host"],
        },
    ),
)
"""Nobody is told anything: the wait is longer than the tests."""


@asynccontextmanager
async def pair(folder: Path, setup: Setup = SETUP) -> AsyncIterator[Pair]:
    """Both up and answering."""
    if Alertmanager.program() is None:
        if os.environ.get("CI") == "true" or os.environ.get("HBALERT_REQUIRE_ALERTMANAGER"):
            pytest.fail("an Alertmanager is required here: install the package prometheus-alertmanager")
        pytest.skip("NOT TESTED BESIDE A REAL ALERTMANAGER: the program is not on PATH")
    peers = []
    for kind in (Alertmanager, Hbalert):
        (folder / kind.name).mkdir()
        peers.append(kind(folder / kind.name, "http://127.0.0.1:9"))
    try:
        for peer in peers:
            peer.write(setup)
            await peer.start()
        theirs, ours = peers
        async with (
            httpx.AsyncClient(base_url=theirs.url, timeout=30) as them,
            httpx.AsyncClient(base_url=ours.url, timeout=30) as us,
        ):
            yield Pair(them, us)
    finally:
        for peer in peers:
            await peer.close()


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

LATER_THAN_0_25 = ("mutedBy", "routeLabels")
"""Fields of newer versions of the API, which ours has and the Alertmanager of the tests has not."""


def alike(value: Any) -> Any:
    """A body without what is each server's own: an id is "<id>", a time of the last minutes "<now>"."""
    match value:
        case dict():
            return {key: alike(each) for key, each in value.items() if key not in LATER_THAN_0_25}
        case list():
            return [alike(each) for each in value]
        case str() if _ID.fullmatch(value):
            return "<id>"
        case str() if _TIME.fullmatch(value):
            away = abs((datetime.fromisoformat(value) - datetime.now(UTC)).total_seconds())
            return "<now>" if away < 120 else value
    return value


def kind_of(body: Any) -> Any:
    """What a client can rely on of a body: its type, the names of an object's fields, and a code."""
    if isinstance(body, dict):
        return {name: value if name == "code" else type(value).__name__ for name, value in body.items()}
    return "nothing" if body in (None, "") else type(body).__name__
