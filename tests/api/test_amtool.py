"""Alertmanager's own command-line client, against our API: every verb, with and without a token.

amtool reads the machine's clock, and so does the stand here.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.stand import Stand, stand, token


@pytest.fixture(autouse=True)
def amtool_is_there() -> None:
    if shutil.which("amtool") is None:
        if os.environ.get("CI") == "true" or os.environ.get("HBALERT_REQUIRE_ALERTMANAGER"):
            pytest.fail("amtool is required here: install the package prometheus-alertmanager")
        pytest.skip("NOT TESTED WITH AMTOOL: the program is not on PATH")


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Stand]:
    async with stand(tmp_path, start=datetime.now(UTC)) as made:
        yield made


async def amtool(
    api: Stand, *arguments: str, output: str = "json", code: int = 0, extra: tuple[str, ...] = ()
) -> str:
    """What amtool prints; its exit code has to be `code`."""
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
    printed, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == code, printed.decode()
    return printed.decode()


async def query(api: Stand, *arguments: str) -> Any:
    return json.loads(await amtool(api, *arguments))


def far(hours: float) -> str:
    """A time so many hours from now, as amtool takes it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def names(api: Stand, *arguments: str) -> str:
    """The alert names that a query finds, as one word."""
    found = await query(api, "alert", "query", *arguments)
    return "".join(sorted(each["labels"]["alertname"] for each in found))


async def add(api: Stand, *arguments: str) -> str:
    """Adds a silence; its id."""
    made = await amtool(
        api, "silence", "add", "--author=li", "--comment=upgrade", *arguments, output="simple"
    )
    await seen(api)
    return made.strip()


async def seen(api: Stand) -> None:
    """The stand's clock goes on to where amtool's is: what it began is active then."""
    behind = (datetime.now(UTC) - api.now()).total_seconds()
    await api.clock.advance(max(0.0, behind) + 0.001)


# --- alerts -------------------------------------------------------------------------------------


async def test_an_alert_is_added_with_everything_that_can_be_said(api: Stand) -> None:
    await amtool(
        api,
        "alert",
        "add",
        "Down",
        "bot=b1",
        "severity=critical",
        "--annotation=summary=b1 is down",
        "--annotation=runbook=https://example.com/a?b=c",
        "--generator-url=http://prometheus/graph",
        f"--start={far(-2)}",
        f"--end={far(2)}",
    )
    (found,) = await query(api, "alert", "query", "Down")
    assert found["labels"] == {"alertname": "Down", "bot": "b1", "severity": "critical"}
    assert found["annotations"] == {"summary": "b1 is down", "runbook": "https://example.com/a?b=c"}
    assert found["generatorURL"] == "http://prometheus/graph"
    assert found["receivers"] == [{"name": "oncall"}]
    assert found["startsAt"] < found["updatedAt"] < found["endsAt"]


async def test_an_alert_is_added_with_its_labels_only(api: Stand) -> None:
    await amtool(api, "alert", "add", "alertname=Slow", "bot=b2")
    (found,) = await query(api, "alert", "query")
    assert found["labels"] == {"alertname": "Slow", "bot": "b2"}


async def test_an_alert_that_ends_is_gone(api: Stand) -> None:
    await amtool(api, "alert", "add", "Down")
    await amtool(api, "alert", "add", "Down", f"--start={far(-2)}", f"--end={far(-1)}")
    assert await query(api, "alert", "query") == []


async def test_a_refused_alert_is_explained(api: Stand) -> None:
    printed = await amtool(api, "alert", "add", f"--start={far(2)}", f"--end={far(1)}", "A", code=1)
    assert "start time must be before end time" in printed


async def test_alerts_are_queried_with_every_flag(api: Stand) -> None:
    await api.fire(alertname="C", bot="b1", severity="critical")
    await api.fire(alertname="D", bot="b2")
    await api.fire(alertname="S", bot="b3")
    await api.silence("bot=b3")
    assert await names(api) == "CD"
    assert await names(api, "--active") == "CD"
    assert await names(api, "--silenced") == "S"
    assert await names(api, "--active", "--silenced") == "CDS"
    assert await names(api, "--inhibited") == ""
    assert await names(api, "--unprocessed") == ""
    assert await names(api, "--receiver=oncall") == "C"
    assert await names(api, "--receiver=on.*|team") == "CD"
    assert await names(api, "--receiver=call") == ""
    assert await names(api, "C") == "C"
    assert await names(api, "alertname=~C|D") == "CD"
    assert await names(api, "alertname=~[CD]", "bot!=b1") == "D"
    assert await names(api, 'severity=""') == "D"
    assert await names(api, "bot=~b[12]", "severity!~crit.*") == "D"


@pytest.mark.parametrize("output", ["simple", "extended", "json"])
async def test_alerts_are_shown_in_every_form(api: Stand, output: str) -> None:
    await amtool(api, "alert", "add", "Down", "bot=b1", "--annotation=summary=b1 is down")
    printed = await amtool(api, "alert", "query", output=output)
    assert "Down" in printed
    assert "b1 is down" in printed
    assert ("active" in printed) == (output != "simple" or "active" in printed.lower())


async def test_a_bad_pattern_is_explained(api: Stand) -> None:
    printed = await amtool(api, "alert", "query", "--receiver=(", code=1)
    assert "failed to parse receiver param" in printed


# --- silences -----------------------------------------------------------------------------------


async def test_a_silence_is_added_and_works(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    identity = await add(api, "bot=b1", "--duration=100h")
    (shown,) = await query(api, "silence", "query")
    assert (shown["id"], shown["comment"], shown["createdBy"]) == (identity, "upgrade", "li")
    assert shown["status"]["state"] == "active"
    assert shown["matchers"] == [{"isEqual": True, "isRegex": False, "name": "bot", "value": "b1"}]
    (silenced,) = await query(api, "alert", "query", "--silenced")
    assert silenced["status"]["silencedBy"] == [identity]
    assert await query(api, "alert", "query") == []


async def test_all_four_operators_reach_us(api: Stand) -> None:
    await add(api, "a=1", "b!=2", "c=~3.*", "d!~4.*")
    (shown,) = await query(api, "silence", "query")
    flags = {each["name"]: (each["isEqual"], each["isRegex"]) for each in shown["matchers"]}
    assert flags == {"a": (True, False), "b": (False, False), "c": (True, True), "d": (False, True)}


async def test_a_silence_that_matches_everything_is_explained(api: Stand) -> None:
    printed = await amtool(api, "silence", "add", "bot=~.*", "--comment=c", "--author=li", code=1)
    assert "at least one must not match the empty string" in printed


async def test_silences_are_queried_with_every_flag(api: Stand) -> None:
    soon = await add(api, "bot=b1", "--duration=1h")
    later = await add(api, "bot=b2", f"--start={far(0)}", f"--end={far(50)}")
    pending = await add(api, "bot=b3", f"--start={far(20)}", f"--end={far(21)}")
    ended = await add(api, "bot=b4")
    await amtool(api, "silence", "expire", ended)
    await seen(api)
    other = await amtool(
        api, "silence", "add", "bot=b5", "--author=wang", "--comment=c", "--duration=70h", output="simple"
    )
    await seen(api)

    async def ids(*arguments: str) -> list[str]:
        return (await amtool(api, "silence", "query", "--quiet", *arguments, output="simple")).split()

    assert await ids() == [soon, later, other.strip(), pending]
    assert await ids("--expired") == [ended]
    assert await ids("--created-by=wang") == [other.strip()]
    assert await ids("--within=3h") == [soon]
    assert await ids("bot=b2") == [later]
    assert await ids("bot=~b2") == []


@pytest.mark.parametrize("output", ["simple", "extended", "json"])
async def test_silences_are_shown_in_every_form(api: Stand, output: str) -> None:
    identity = await add(api, 'bot=~"b.*"')
    printed = await amtool(api, "silence", "query", output=output)
    assert identity in printed
    assert "upgrade" in printed


async def test_a_silence_is_updated_in_place_or_replaced(api: Stand) -> None:
    identity = await add(api, "bot=b1", "--duration=1h")
    updated = await amtool(api, "silence", "update", identity, "--duration=200h", output="simple")
    assert identity in updated
    ended = await amtool(
        api, "silence", "update", identity, f"--end={far(3)}", "--comment=longer", output="json"
    )
    assert identity in ended
    (shown,) = await query(api, "silence", "query")
    assert (shown["comment"], len(list(api.engine.memory.silences.values()))) == ("longer", 1)


async def test_silences_are_expired_all_at_once(api: Stand) -> None:
    made = [await add(api, f"bot=b{number}") for number in range(3)]
    await amtool(api, "silence", "expire", *made)
    assert await query(api, "silence", "query") == []
    expired = await query(api, "silence", "query", "--expired")
    assert {each["id"] for each in expired} == set(made)
    unknown = await amtool(api, "silence", "expire", "0b1f1f4e-0000-4000-8000-000000000000", code=1)
    assert "404" in unknown or "NotFound" in unknown


async def test_silences_of_a_file_are_imported(api: Stand, tmp_path: Path) -> None:
    for number in range(5):
        await add(api, f"bot=b{number}", "--duration=50h")
    kept = await amtool(api, "silence", "query")
    file = tmp_path / "silences.json"
    file.write_text(kept)
    async with stand(tmp_path / "other", start=datetime.now(UTC)) as other:
        await amtool(other, "silence", "import", "--force", str(file))
        await seen(other)
        assert sorted(each["matchers"][0]["value"] for each in await query(other, "silence", "query")) == [
            f"b{number}" for number in range(5)
        ]
        # Without --force amtool asks for each id first; nobody has them here, so it adds new silences.
        await amtool(other, "silence", "import", str(file))
        await seen(other)
        assert len(await query(other, "silence", "query")) == 10
    # Here they are there already, and are only written over.
    await amtool(api, "silence", "import", str(file))
    assert len(await query(api, "silence", "query")) == 5


# --- the configuration --------------------------------------------------------------------------


async def test_the_configuration_is_shown_and_its_routes_are_tested(api: Stand, tmp_path: Path) -> None:
    shown = await amtool(api, "config", "show", output="simple")
    assert "oncall" in shown
    routed = await amtool(api, "config", "routes", "test", "severity=critical", output="simple")
    assert routed.strip() == "oncall"
    assert (await amtool(api, "config", "routes", "test", "a=b", output="simple")).strip() == "team"
    tree = await amtool(api, "config", "routes", "show", output="simple")
    assert 'severity="critical"' in tree
    drawn = await amtool(api, "config", "routes", "test", "--tree", "severity=critical", output="simple")
    assert "oncall" in drawn
    await amtool(api, "config", "routes", "test", "--verify.receivers=oncall", "severity=critical")
    await amtool(api, "config", "routes", "test", "--verify.receivers=team", "severity=critical", code=1)


async def test_what_the_status_shows_passes_amtools_own_check(api: Stand, tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text((await api.get("/api/v2/status"))["config"]["original"])
    assert "SUCCESS" in await amtool(api, "check-config", str(file), output="simple")


async def test_the_cluster_is_disabled(api: Stand) -> None:
    assert "disabled" in await amtool(api, "cluster", "show", output="extended")


# --- tokens -------------------------------------------------------------------------------------

VERBS = {
    "alert query": ("read", ("alert", "query")),
    "alert add": ("ingest", ("alert", "add", "Down")),
    "silence query": ("read", ("silence", "query")),
    "silence add": ("silence", ("silence", "add", "a=b", "--author=li", "--comment=c")),
    "config show": ("read", ("config", "show")),
    "config routes show": ("read", ("config", "routes", "show")),
    "config routes test": ("read", ("config", "routes", "test", "a=b")),
}
"""A verb of amtool -> the role that it needs, and how it is called."""

HAS = {
    "ingest": {"ingest"},
    "read": {"read"},
    "silence": {"read", "silence"},
    "admin": {"ingest", "read", "silence"},
}


def config_file(folder: Path, name: str) -> str:
    file = folder / f"{name}.yml"
    file.write_text(f"authorization:\n  type: Bearer\n  credentials: {name}-token\n")
    return f"--http.config.file={file}"


async def test_a_token_of_the_right_role_opens_each_verb_and_no_other_does(tmp_path: Path) -> None:
    tokens = [token(role, role) for role in HAS]
    async with stand(tmp_path, tokens=tokens, start=datetime.now(UTC)) as api:
        for verb, (needed, arguments) in VERBS.items():
            for role, has in HAS.items():
                allowed = needed in has
                printed = await amtool(
                    api, *arguments, code=0 if allowed else 1, extra=(config_file(tmp_path, role),)
                )
                if not allowed:
                    assert "403" in printed, (verb, role, printed)


async def test_without_a_token_amtool_says_401(tmp_path: Path) -> None:
    async with stand(tmp_path, tokens=[token("boss", "admin")], start=datetime.now(UTC)) as api:
        for _, arguments in VERBS.values():
            assert "401" in await amtool(api, *arguments, code=1)
        assert "401" in await amtool(api, "alert", "query", code=1, extra=(config_file(tmp_path, "nobody"),))


async def test_a_token_may_stand_in_the_address_as_a_password(tmp_path: Path) -> None:
    async with stand(tmp_path, tokens=[token("viewer", "read")]) as api:
        api.url = api.url.replace("//", "//x:viewer-token@")
        assert await query(api, "alert", "query") == []


async def test_what_amtool_prints_is_a_file_to_import_and_ours_is_one_for_amtool(
    api: Stand, tmp_path: Path
) -> None:
    identity = await api.silence("bot=b1")
    printed = json.loads(await amtool(api, "silence", "query"))
    taken = (await api.post("/api/hb/v1/silences/import", printed)).json()["rows"]
    assert taken == [{"index": 0, "result": "unchanged", "id": identity, "why": ""}]
    await api.client.delete(f"/api/v2/silence/{identity}")
    taken = (await api.post("/api/hb/v1/silences/import", printed)).json()["rows"]
    assert [row["result"] for row in taken] == ["updated"], "ours had ended"
    exported = await api.get("/api/v2/silences", expired="false")
    file = tmp_path / "silences.json"
    file.write_text(json.dumps([{**row, "id": "", "comment": "by amtool"} for row in exported]))
    await amtool(api, "silence", "import", str(file), output="simple")
    comments = {row["comment"] for row in await api.get("/api/v2/silences", expired="false")}
    assert comments == {"upgrade", "by amtool"}
