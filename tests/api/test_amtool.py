"""Alertmanager's own command-line client, against our API."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.api.stand import Stand, stand, token

pytestmark = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")


async def amtool(
    api: Stand, *arguments: str, output: str = "json", code: int = 0, extra: tuple[str, ...] = ()
) -> str:
    """What amtool prints."""
    process = await asyncio.create_subprocess_exec(
        "amtool",
        f"--alertmanager.url={api.url}",
        f"--output={output}",
        "--no-version-check",
        *extra,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == code, printed.decode()
    return printed.decode()


async def query(api: Stand, *arguments: str) -> Any:
    return json.loads(await amtool(api, *arguments))


async def test_an_alert_is_added_and_found(api: Stand) -> None:
    await amtool(
        api, "alert", "add", "Down", "bot=b1", "severity=critical", "--annotation=summary=b1 is down"
    )
    await amtool(api, "alert", "add", "alertname=Slow", "bot=b2")
    assert {each["labels"]["alertname"] for each in await query(api, "alert", "query")} == {"Down", "Slow"}
    (found,) = await query(api, "alert", "query", "bot=~b1|b3")
    assert found["annotations"] == {"summary": "b1 is down"}
    assert [each["name"] for each in found["receivers"]] == ["oncall"]
    (found,) = await query(api, "alert", "query", "--receiver=team")
    assert found["labels"]["alertname"] == "Slow"
    extended = await amtool(api, "alert", "query", "Down", output="extended")
    assert "b1 is down" in extended
    assert "active" in extended


async def test_a_silence_is_added_found_updated_and_expired(api: Stand) -> None:
    # The ends that amtool asks for come from the machine's clock, far ahead of the stand's.
    await api.fire(alertname="Down", bot="b1")
    added = await amtool(
        api,
        "silence",
        "add",
        "bot=b1",
        "--comment=upgrade",
        "--author=li",
        "--duration=100h",
        output="simple",
    )
    identity = added.strip()
    assert api.engine.memory.silences.get(identity) is not None
    await api.clock.advance(
        (await start_of(api, identity)) + 0.001
    )  # amtool compares ends with its own clock
    await api.fire(alertname="Down", bot="b1")
    (silence,) = await query(api, "silence", "query")
    assert (silence["id"], silence["comment"], silence["status"]["state"]) == (identity, "upgrade", "active")
    (silenced,) = await query(api, "alert", "query", "--silenced")
    assert silenced["status"]["silencedBy"] == [identity]
    assert await query(api, "alert", "query") == []
    updated = await amtool(api, "silence", "update", identity, "--duration=200h", output="simple")
    assert identity in updated
    assert len(list(api.engine.memory.silences.values())) == 1
    await amtool(api, "silence", "expire", identity)
    assert await query(api, "silence", "query") == []
    (expired,) = await query(api, "silence", "query", "--expired")
    assert expired["status"]["state"] == "expired"


async def start_of(api: Stand, identity: str) -> float:
    silence = api.engine.memory.silences.get(identity)
    assert silence is not None
    return (silence.starts_at - api.now()).total_seconds()


async def test_a_refused_silence_is_explained(api: Stand) -> None:
    printed = await amtool(
        api, "silence", "add", "bot=~.*", "--comment=c", "--author=li", "--duration=99999h", code=1
    )
    assert "at least one must not match the empty string" in printed


async def test_the_configuration_is_shown_and_its_routes_are_tested(api: Stand, tmp_path: Path) -> None:
    shown = await amtool(api, "config", "show", output="simple")
    assert "oncall" in shown
    routed = await amtool(api, "config", "routes", "test", "severity=critical", output="simple")
    assert routed.strip() == "oncall"
    assert (await amtool(api, "config", "routes", "test", "a=b", output="simple")).strip() == "team"
    tree = await amtool(api, "config", "routes", "show", output="simple")
    assert 'severity="critical"' in tree


async def test_the_cluster_is_disabled(api: Stand) -> None:
    assert "disabled" in await amtool(api, "cluster", "show", output="extended")


async def test_a_token_is_sent_along(tmp_path: Path) -> None:
    http = tmp_path / "http.yml"
    http.write_text("authorization:\n  type: Bearer\n  credentials: boss-token\n")
    async with stand(tmp_path, tokens=[token("boss", "admin")]) as api:
        printed = await amtool(api, "alert", "query", code=1)
        assert "token is needed" in printed or "401" in printed
        assert json.loads(await amtool(api, "alert", "query", extra=(f"--http.config.file={http}",))) == []
