"""Our own endpoints about silences and maintenance windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hbalert.config.types import SilenceSettings
from tests.api.stand import Stand, stand, token

PREVIEW, SILENCES, IMPORT = (f"/api/hb/v1/silences{end}" for end in ("/preview", "", "/import"))
WINDOWS = "/api/hb/v1/maintenance"


async def three(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    await api.fire(alertname="Down", bot="b2", severity="critical")
    await api.fire(alertname="Slow", bot="b1")


def asked(api: Stand, *matchers: str, **more: Any) -> dict[str, Any]:
    """A silence of an hour, with everything that is required."""
    whole = {"matchers": list(matchers), "endsAt": api.at(3600), "createdBy": "li", "comment": "upgrade"}
    return {name: value for name, value in {**whole, **more}.items() if value is not None}


# --- preview -----------------------------------------------------------------------------------


async def test_a_preview_names_what_would_be_silenced_and_changes_nothing(api: Stand) -> None:
    await three(api)
    reply = await api.post(PREVIEW, {"matchers": ['bot=~"b1|b9"']})
    assert reply.status_code == 200
    found = reply.json()
    assert (found["schema"], found["matches"], found["firing"], found["broad"]) == (1, 2, 3, False)
    assert sorted(each["labels"]["alertname"] for each in found["alerts"]) == ["Down", "Slow"]
    assert found["groups"] == [
        {"group": '{}:{alertname="Down"}', "receiver": "team", "alerts": 1},
        {"group": '{}:{alertname="Slow"}', "receiver": "team", "alerts": 1},
    ]
    assert found["warnings"] == []
    assert len(api.engine.memory.silences) == 0


async def test_many_are_counted_and_some_are_named(api: Stand) -> None:
    for number in range(130):
        await api.fire(alertname="Down", n=str(number))
    found = (await api.post(PREVIEW, {"matchers": ["alertname=Down"]})).json()
    assert (found["matches"], len(found["alerts"]), found["group_count"]) == (130, 100, 1)
    assert found["warnings"] == ["it matches all 130 alerts that fire now"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"matchers": ["a=~.+"]}, "it matches nearly every alert", id="everything"),
        pytest.param(
            {"matchers": ["bot=b1"], "until": "resolved"}, "waits for the first that does", id="nothing yet"
        ),
        pytest.param(
            {"matchers": ["bot=b1"], "startsAt": "2030-01-01T00:00:00Z", "endsAt": "2030-03-01T00:00:00Z"},
            "it lasts 59 days",
            id="very long",
        ),
    ],
)
async def test_a_preview_warns(api: Stand, body: dict[str, Any], says: str) -> None:
    (warning,) = (await api.post(PREVIEW, body)).json()["warnings"]
    assert says in warning


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"matchers": ["a"]}, "matchers[0]: ", id="a text that is no matcher"),
        pytest.param({"matchers": [{"value": "x"}]}, "matchers[0]: ", id="a matcher without a name"),
        pytest.param({"matchers": [5]}, "Expected `str | object`", id="a number"),
        pytest.param({"matchers": ["a=b"], "until": "friday"}, 'write "resolved"', id="another until"),
        pytest.param({"matchers": ["a=b"], "endsAt": "soon"}, "endsAt: ", id="no time"),
        pytest.param([], "Expected `object`", id="a list"),
    ],
)
async def test_what_cannot_be_read_names_the_field(api: Stand, body: Any, says: str) -> None:
    for path in (PREVIEW, SILENCES):
        whole = {**asked(api), **body} if isinstance(body, dict) else body
        reply = await api.post(path, whole)
        assert reply.status_code == 400
        assert says in reply.json()["error"]


# --- making ------------------------------------------------------------------------------------


async def test_a_silence_is_made_and_answers_what_it_covers(api: Stand) -> None:
    await three(api)
    reply = await api.post(SILENCES, asked(api, "bot=b1", until="resolved"))
    assert reply.status_code == 200
    made = reply.json()
    assert made["matches"] == 2
    shown = await api.get(f"/api/v2/silence/{made['id']}")
    assert shown["annotations"] == {"until": "resolved"}


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param({"comment": " "}, 400, "comment: say why", id="no reason"),
        pytest.param({"createdBy": None}, 400, "createdBy: say who asks", id="no author"),
        pytest.param({"matchers": ["a=~.+"]}, 400, '"broad": true', id="nearly everything"),
        pytest.param({"matchers": ["a=~.*"], "broad": True}, 400, "empty string", id="everything"),
        pytest.param({"id": "nope"}, 404, "there is no silence 'nope'", id="an unknown id"),
        pytest.param({"endsAt": "2020-01-01T00:00:00Z"}, 400, "endsAt: ", id="past"),
    ],
)
async def test_what_is_not_accepted(api: Stand, change: dict[str, Any], status: int, says: str) -> None:
    reply = await api.post(
        SILENCES, asked(api, "bot=b1", **change) if "matchers" not in change else {**asked(api), **change}
    )
    assert (reply.status_code, says in reply.json()["error"]) == (status, True), reply.text
    assert len(api.engine.memory.silences) == 0


async def test_a_broad_one_is_made_when_it_is_meant(api: Stand) -> None:
    reply = await api.post(SILENCES, asked(api, "alertname=~.+", broad=True))
    assert (reply.status_code, reply.json()["broad"]) == (200, True)


async def test_limits_answer_400_on_both_apis_and_leave_things_as_they_were(api: Stand) -> None:
    small = SilenceSettings(limit=1, max_bytes=60)
    api.engine.config = api.engine.config.model_copy(update={"silences": small})
    kept = await api.silence("bot=b1")
    large = asked(api, "bot=b1", comment="x" * 100)
    v2 = {**large, "matchers": [{"name": "bot", "value": "b1", "isRegex": False}], "startsAt": api.at(0)}
    for path, body, says in (
        (SILENCES, large, "silences.max_bytes = 60"),
        ("/api/v2/silences", v2, "silences.max_bytes = 60"),
        (SILENCES, asked(api, "bot=b2"), "silences.limit = 1"),
        ("/api/v2/silences", {**v2, "comment": "x"}, "silences.limit = 1"),
        ("/api/v2/silences", {**v2, "comment": "x" * 100, "id": kept}, "silences.max_bytes = 60"),
    ):
        reply = await api.post(path, body)
        assert (reply.status_code, says in reply.text) == (400, True), reply.text
    (row,) = await api.get("/api/v2/silences")
    assert (row["id"], row["status"]["state"], row["comment"]) == (kept, "active", "upgrade")


# --- looking -----------------------------------------------------------------------------------


async def test_silences_are_listed_with_what_they_cover(api: Stand) -> None:
    await three(api)
    first = await api.silence("bot=b1", annotations={"until": "resolved"})
    later = await api.silence("bot=b2", startsAt=api.at(60))
    rows = (await api.get(SILENCES))["rows"]
    assert [(row["id"], row["state"], row["until"], row["matches"]) for row in rows] == [
        (first, "active", "resolved", 2),
        (later, "pending", "", 1),
    ]
    assert rows[0]["matchers"] == ['bot="b1"']
    assert len((await api.get(SILENCES, state="pending"))["rows"]) == 1
    shown = await api.get(f"{SILENCES}/{first[:8]}")
    assert (shown["id"], shown["author"], len(shown["alerts"])) == (first, "li", 2)
    assert (await api.client.get(f"{SILENCES}/nope")).status_code == 404


# --- files -------------------------------------------------------------------------------------


async def test_a_file_is_taken_entry_by_entry(api: Stand) -> None:
    kept = await api.silence("bot=b1", annotations={"until": "resolved"})
    file = await api.get("/api/v2/silences")
    new = {**file[0], "id": "11111111-1111-4111-8111-111111111111", "comment": "other"}
    past = {**new, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}
    longer = {**file[0], "endsAt": api.at(7200)}
    broken = {**new, "matchers": [{"name": "a", "value": "(", "isRegex": True}]}
    body = [file[0], new, past, longer, broken, {"matchers": []}, 7]
    rows = (await api.post(IMPORT, body)).json()["rows"]
    assert [(row["index"], row["result"]) for row in rows] == [
        (0, "unchanged"),
        (1, "added"),
        (2, "ended"),
        (3, "updated"),
        (4, "refused"),
        (5, "refused"),
        (6, "refused"),
    ]
    assert rows[0]["id"] == rows[3]["id"] == kept
    assert "matchers[0]: " in rows[4]["why"]
    assert "createdBy in body is required" in rows[5]["why"]
    assert "Expected `object`" in rows[6]["why"]
    added = await api.get(f"/api/v2/silence/{rows[1]['id']}")
    assert (added["comment"], added["annotations"]) == ("other", {"until": "resolved"})
    again = (await api.post(IMPORT, body)).json()["rows"]
    assert again[1] == {"index": 1, "result": "unchanged", "id": rows[1]["id"], "why": ""}


@pytest.mark.parametrize("body", [{}, "x", 7, None])
async def test_a_file_that_is_no_list_is_refused(api: Stand, body: Any) -> None:
    reply = await api.post(IMPORT, body)
    assert reply.status_code == 400
    assert "list of silences" in reply.json()["error"]


# --- maintenance windows -----------------------------------------------------------------------

WINDOW: dict[str, Any] = {
    "name": "noon",
    "matchers": ["bot=b1"],
    "cron": "30 12 * * *",
    "duration": "1h",
    "location": "Asia/Shanghai",
    "comment": "restart",
    "created_by": "li",
}


async def test_a_window_is_made_shown_and_removed(api: Stand) -> None:
    await three(api)
    reply = await api.post(WINDOWS, WINDOW)
    assert reply.status_code == 200, reply.text
    (row,) = (await api.get(WINDOWS))["rows"]
    assert {**row, "schema": 1} == reply.json()
    assert (row["name"], row["from"], row["when"]) == (
        "noon",
        "api",
        "30 12 * * * for 1:00:00 (Asia/Shanghai)",
    )
    assert row["next"] == {
        "window": "noon",
        "starts_at": "2026-03-02T12:30:00+08:00",
        "ends_at": "2026-03-02T13:30:00+08:00",
        "location": "Asia/Shanghai",
        "silence": row["next"]["silence"],
        "state": "pending",
        "matches": 2,
    }
    (silence,) = await api.get("/api/v2/silences")
    assert (silence["id"], silence["annotations"]) == (row["next"]["silence"], {"maintenance": "noon"})
    following = (await api.get(f"{WINDOWS}/next", limit=3))["rows"]
    assert [(each["starts_at"][:10], each["state"]) for each in following] == [
        ("2026-03-02", "pending"),
        ("2026-03-03", "none"),
        ("2026-03-04", "none"),
    ]
    assert (await api.client.delete(f"{WINDOWS}/noon")).status_code == 200
    assert (await api.get(WINDOWS))["rows"] == []
    assert (await api.get("/api/v2/silences", expired="false")) == []
    assert (await api.client.delete(f"{WINDOWS}/noon")).status_code == 404


async def test_an_occurrence_that_was_ended_by_hand_is_shown_so(api: Stand) -> None:
    made = (await api.post(WINDOWS, WINDOW)).json()
    await api.client.delete(f"/api/v2/silence/{made['next']['silence']}")
    (first, second) = (await api.get(f"{WINDOWS}/next", limit=2, name="noon"))["rows"]
    assert (first["state"], second["state"]) == ("ended", "none")
    assert (await api.client.get(f"{WINDOWS}/next", params={"name": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        pytest.param({"cron": "x"}, 400, "cron: 'x' has not five fields", id="no cron"),
        pytest.param({"name": 5}, 400, "name: must be a text", id="no name"),
        pytest.param({"comment": ""}, 400, "comment: say why", id="no reason"),
        pytest.param({"created_by": ""}, 400, "created_by: say who asks", id="no author"),
        pytest.param({"matchers": ["a=~.+"]}, 400, '"broad": true', id="nearly everything"),
        pytest.param({"comment": "x" * 70_000}, 400, "silences.max_bytes = 65536", id="too large"),
        pytest.param({"x": 1}, 400, "x: there is no such key", id="an unknown key"),
    ],
)
async def test_a_window_that_cannot_be_meant(
    api: Stand, change: dict[str, Any], status: int, says: str
) -> None:
    reply = await api.post(WINDOWS, {**WINDOW, **change})
    assert (reply.status_code, says in reply.json()["error"]) == (status, True), reply.text
    assert (await api.get(WINDOWS))["rows"] == []


async def test_two_windows_of_one_name_are_one_too_many(api: Stand) -> None:
    await api.post(WINDOWS, WINDOW)
    reply = await api.post(WINDOWS, {**WINDOW, "matchers": ["a=~.+"], "broad": True})
    assert (reply.status_code, "already" in reply.text) == (409, True)


async def test_there_may_be_no_more_windows_than_silences(api: Stand) -> None:
    small = SilenceSettings(limit=1)
    api.engine.config = api.engine.config.model_copy(update={"silences": small})
    await api.post(WINDOWS, WINDOW)
    reply = await api.post(WINDOWS, {**WINDOW, "name": "other"})
    assert (reply.status_code, "silences.limit = 1" in reply.text) == (409, True)


@pytest.mark.parametrize("body", [[], 5, "x", None])
async def test_a_window_that_is_no_object_is_refused(api: Stand, body: Any) -> None:
    assert (await api.post(WINDOWS, body)).status_code == 400


async def test_who_may_only_read_may_look_but_not_silence(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer r-token"}
    async with stand(tmp_path, tokens=[token("r", "read")], headers=headers) as api:
        assert (await api.post(PREVIEW, {"matchers": ["a=b"]})).status_code == 200
        for path, body in ((SILENCES, asked(api, "a=b")), (IMPORT, []), (WINDOWS, WINDOW)):
            assert (await api.post(path, body)).status_code == 403
        assert (await api.client.delete(f"{WINDOWS}/noon")).status_code == 403
