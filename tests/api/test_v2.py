"""Alertmanager's API: what engines.md calls b2, b10 and b11, asked over a real connection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.stand import Stand

START = "2026-03-01T12:00:00.000Z"
"""Now, as the fake clock begins."""

UPGRADE = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": START,
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "upgrade",
}
"""A silence that is taken."""


async def test_an_accepted_alert_is_answered_with_nothing_and_shown_with_everything(api: Stand) -> None:
    reply = await api.alerts(
        {
            "labels": {"alertname": "alert1", "severity": "critical", "empty": ""},
            "annotations": {"summary": "b1 is down"},
            "startsAt": "2026-03-01T11:59:00.123456789Z",
            "endsAt": "2026-03-01T20:30:00+08:00",
            "generatorURL": "http://prometheus/graph?g0.expr=up",
        }
    )
    assert (reply.status_code, reply.content) == (200, b"")
    assert await api.get("/api/v2/alerts") == [
        {
            "annotations": {"summary": "b1 is down"},
            "endsAt": "2026-03-01T12:30:00.000Z",
            "fingerprint": "0223b772b51c29e1",  # as Alertmanager computes it
            "receivers": [{"name": "oncall"}],
            "startsAt": "2026-03-01T11:59:00.123Z",
            "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"},
            "updatedAt": START,
            "generatorURL": "http://prometheus/graph?g0.expr=up",
            "labels": {"alertname": "alert1", "severity": "critical"},
        }
    ]


@pytest.mark.parametrize(
    ("times", "starts", "ends"),
    [
        pytest.param({}, START, "2026-03-01T12:05:00.000Z", id="no times: now, and one resolve timeout"),
        pytest.param(
            {"endsAt": "2026-03-01T13:00:00.000Z"},
            "2026-03-01T13:00:00.000Z",
            "2026-03-01T13:00:00.000Z",
            id="only an end: it starts there",
        ),
        pytest.param(
            {"startsAt": "2026-03-01T11:00:00.000Z"},
            "2026-03-01T11:00:00.000Z",
            "2026-03-01T12:05:00.000Z",
            id="only a start",
        ),
        pytest.param(
            {"startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"},
            START,
            "2026-03-01T12:05:00.000Z",
            id="Go's zero time is none",
        ),
        pytest.param(
            {"startsAt": "", "endsAt": None}, START, "2026-03-01T12:05:00.000Z", id="empty and null are none"
        ),
        pytest.param(
            {"startsAt": "2026-03-01T11:00:00"},
            "2026-03-01T11:00:00.000Z",
            "2026-03-01T12:05:00.000Z",
            id="without a zone it is UTC",
        ),
    ],
)
async def test_missing_times_are_filled_in(api: Stand, times: dict[str, Any], starts: str, ends: str) -> None:
    assert (await api.alerts({"labels": {"a": "b"}, **times})).status_code == 200
    (shown,) = await api.get("/api/v2/alerts")
    assert (shown["startsAt"], shown["endsAt"]) == (starts, ends)


@pytest.mark.parametrize(
    ("alert", "says"),
    [
        pytest.param(
            {"labels": {"a": ""}}, "alert 1: at least one label pair required", id="only empty ones"
        ),
        pytest.param({"labels": {"": "x"}}, 'alert 1: invalid label set: invalid name ""', id="empty name"),
        pytest.param({"labels": {"a": 1}}, "alert 1: labels: Expected `str`, got `int`", id="a number"),
        pytest.param({"labels": ["a"]}, "alert 1: labels: Expected `object`, got `array`", id="a list"),
        pytest.param(
            {"labels": {"a": "b"}, "startsAt": "2026-03-02T00:00:00Z", "endsAt": START},
            "alert 1: start time must be before end time",
            id="ends before it starts",
        ),
        pytest.param(
            {"labels": {"a": "b"}, "startsAt": "yesterday"}, "alert 1: startsAt: 'yesterday'", id="time"
        ),
        pytest.param(
            {"labels": {"a": "x" * 9000}},
            "alert 1: labels: the value of 'a' is longer than 8192 bytes",
            id="long",
        ),
        pytest.param(
            {"labels": {f"l{n}": "x" for n in range(200)}},
            "alert 1: labels: 200 are more than the limit of 128",
            id="many labels",
        ),
        pytest.param(
            {"labels": {"a": "b"}, "annotations": {"s": "x" * 70_000}},
            "alert 1: annotations: 's' is longer than 65536 bytes",
            id="long annotation",
        ),
        pytest.param({"labels": {"a": "b"}, "annotations": 7}, "alert 1: Expected `object", id="annotations"),
        pytest.param(17, "alert 1: Expected `object`, got `int`", id="no object"),
    ],
)
async def test_a_bad_alert_is_named_by_its_index_and_the_others_are_stored(
    api: Stand, alert: Any, says: str
) -> None:
    good = {"labels": {"alertname": "Good"}}
    reply = await api.post("/api/v2/alerts", [good, alert, {"labels": {"alertname": "Too"}}])
    assert reply.status_code == 400
    assert isinstance(reply.json(), str)
    assert says in reply.json()
    assert "(2 valid alerts of this request were stored)" in reply.json()
    assert {each["labels"]["alertname"] for each in await api.get("/api/v2/alerts")} == {"Good", "Too"}


@pytest.mark.parametrize("alert", [{}, {"labels": None}], ids=["no labels", "labels null"])
async def test_labels_are_required(api: Stand, alert: Any) -> None:
    reply = await api.alerts({"labels": {"alertname": "Good"}}, alert)
    assert reply.status_code == 422
    assert reply.json() == {
        "code": 602,
        "message": "alert 1: labels in body is required (1 valid alerts of this request were stored)",
    }
    assert len(await api.get("/api/v2/alerts")) == 1


@pytest.mark.parametrize("body", [b"", b" \n"])
async def test_a_body_is_required(api: Stand, body: bytes) -> None:
    for path, what in (("/api/v2/alerts", "alerts"), ("/api/v2/silences", "silence")):
        reply = await api.client.post(path, content=body)
        assert (reply.status_code, reply.json()["message"]) == (422, f"{what} in body is required")


@pytest.mark.parametrize(
    "end",
    ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00", "9001-01-01T00:00:00Z", "9999-12-31T23:59:59"],
)
async def test_who_writes_the_year_9999_means_for_ever(api: Stand, end: str) -> None:
    assert (await api.alerts({"labels": {"alertname": "Down"}, "endsAt": end})).status_code == 200
    identity = await api.silence("a=b", endsAt=end)
    assert (await api.get("/api/v2/alerts"))[0]["endsAt"] == "9000-01-01T00:00:00.000Z"
    assert (await api.get(f"/api/v2/silence/{identity}"))["endsAt"] == "9000-01-01T00:00:00.000Z"


async def test_an_alert_that_was_resolved_is_not_shown(api: Stand) -> None:
    await api.fire(alertname="Down")
    assert len(await api.get("/api/v2/alerts")) == 1
    await api.clock.advance(60)
    await api.alerts({"labels": {"alertname": "Down"}, "endsAt": api.at(0)})
    assert await api.get("/api/v2/alerts") == []


async def test_an_alert_whose_end_passes_is_not_shown_any_more(api: Stand) -> None:
    await api.alerts({"labels": {"alertname": "Down"}})
    await api.clock.advance(299)
    assert len(await api.get("/api/v2/alerts")) == 1
    await api.clock.advance(1)
    assert await api.get("/api/v2/alerts") == []


async def test_a_refresh_changes_what_is_shown(api: Stand) -> None:
    await api.alerts({"labels": {"alertname": "Down"}, "annotations": {"value": "1"}})
    assert (await api.get("/api/v2/alerts"))[0]["annotations"] == {"value": "1"}
    await api.clock.advance(60)
    await api.alerts({"labels": {"alertname": "Down"}, "annotations": {"value": "2"}})
    (shown,) = await api.get("/api/v2/alerts")
    assert shown["annotations"] == {"value": "2"}
    assert (shown["startsAt"], shown["endsAt"]) == (START, "2026-03-01T12:06:00.000Z")


async def test_alerts_are_listed_by_fingerprint(api: Stand) -> None:
    for number in range(20):
        await api.fire(alertname="A", n=str(number))
    listed = [each["fingerprint"] for each in await api.get("/api/v2/alerts")]
    assert listed == sorted(listed)
    await api.fire(alertname="B")
    listed = [each["fingerprint"] for each in await api.get("/api/v2/alerts")]
    assert len(listed) == 21
    assert listed == sorted(listed)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        pytest.param({}, "CDS", id="all"),
        pytest.param({"silenced": "false"}, "CD", id="without silenced ones"),
        pytest.param({"active": "false"}, "S", id="only silenced ones"),
        pytest.param({"active": "false", "silenced": "false"}, "", id="neither"),
        pytest.param({"inhibited": "false", "unprocessed": "false"}, "CDS", id="none is inhibited"),
        pytest.param({"filter": 'alertname="D"'}, "D", id="equal"),
        pytest.param({"filter": 'alertname=~"C|D"'}, "CD", id="a pattern, anchored"),
        pytest.param({"filter": ['alertname!="D"', "bot=b1"]}, "C", id="two filters"),
        pytest.param({"filter": 'severity=""'}, "DS", id="a missing label is empty"),
        pytest.param({"receiver": "on.*"}, "C", id="by receiver"),
        pytest.param({"receiver": "call"}, "", id="a receiver is matched whole"),
    ],
)
async def test_alerts_are_chosen_by_parameters(api: Stand, params: dict[str, Any], names: str) -> None:
    await api.fire(alertname="C", bot="b1", severity="critical")
    await api.fire(alertname="D", bot="b2")
    await api.fire(alertname="S", bot="b3")
    await api.silence("bot=b3")
    shown = await api.get("/api/v2/alerts", **params)
    assert "".join(sorted(each["labels"]["alertname"] for each in shown)) == names


@pytest.mark.parametrize(
    ("params", "says"),
    [
        pytest.param({"filter": "="}, "bad matcher format: ", id="no matcher"),
        pytest.param({"filter": 'a=~"("'}, "bad matcher format: ", id="a bad pattern"),
        pytest.param({"receiver": "("}, "failed to parse receiver param: ", id="a bad receiver"),
        pytest.param({"active": "perhaps"}, "active: 'perhaps' is neither true nor false", id="no boolean"),
        pytest.param({"filter": ["a=b"] * 65}, "filter: 65 are more than the limit of 64", id="many"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/groups"])
async def test_a_bad_parameter_is_named(api: Stand, path: str, params: dict[str, Any], says: str) -> None:
    reply = await api.client.get(path, params=params)
    assert reply.status_code == 400
    assert reply.json().startswith(says)


async def test_a_silence_is_seen_at_once_and_no_longer_than_it_lasts(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    assert (await api.get("/api/v2/alerts"))[0]["status"]["state"] == "active"
    identity = await api.silence("bot=b1", 600)
    status = (await api.get("/api/v2/alerts"))[0]["status"]
    assert status == {"state": "suppressed", "silencedBy": [identity], "inhibitedBy": [], "mutedBy": []}
    await api.clock.advance(600)
    assert (await api.get("/api/v2/alerts"))[0]["status"]["state"] == "active"


async def test_groups_hold_their_alerts_in_the_order_of_messages(api: Stand) -> None:
    await api.fire(alertname="Down", instance="b")
    await api.fire(alertname="Down", instance="a")
    await api.fire(alertname="Slow", job="j")
    await api.fire(alertname="Bad", bot="b1", severity="critical")
    groups = await api.get("/api/v2/alerts/groups")
    assert [(each["labels"], each["receiver"]) for each in groups] == [
        ({"alertname": "Down"}, {"name": "team"}),
        ({"alertname": "Slow"}, {"name": "team"}),
        ({"alertname": "Bad", "bot": "b1"}, {"name": "oncall"}),
    ]
    assert [alert["labels"]["instance"] for alert in groups[0]["alerts"]] == ["a", "b"]
    listed = {each["fingerprint"]: each for each in await api.get("/api/v2/alerts")}
    assert groups[0]["alerts"] == [listed[each["fingerprint"]] for each in groups[0]["alerts"]]


async def test_groups_are_chosen_by_receiver_and_state(api: Stand) -> None:
    await api.fire(alertname="Down", bot="b1")
    await api.fire(alertname="Bad", bot="b1", severity="critical")
    chosen = await api.get("/api/v2/alerts/groups", receiver="oncall")
    assert [each["labels"]["alertname"] for each in chosen] == ["Bad"]
    await api.silence("alertname=Down")
    chosen = await api.get("/api/v2/alerts/groups", silenced="false")
    assert [each["labels"]["alertname"] for each in chosen] == ["Bad"]


# --- silences ----------------------------------------------------------------------------------


async def test_a_silence_is_shown_as_it_was_made(api: Stand) -> None:
    reply = await api.post(
        "/api/v2/silences",
        {
            "matchers": [
                {"name": "bot", "value": "mm-.*", "isRegex": True, "isEqual": True},
                {"name": "env", "value": "dev", "isRegex": False, "isEqual": False},
            ],
            "startsAt": "2026-03-01T13:00:00.000Z",
            "endsAt": "2026-03-01T14:00:00.000Z",
            "createdBy": "li",
            "comment": "交易所维护",
            "annotations": {"ticket": "OPS-7"},
        },
    )
    assert reply.status_code == 200
    identity = reply.json()["silenceID"]
    assert await api.get(f"/api/v2/silence/{identity}") == {
        "id": identity,
        "status": {"state": "pending"},
        "updatedAt": START,
        "comment": "交易所维护",
        "createdBy": "li",
        "endsAt": "2026-03-01T14:00:00.000Z",
        "matchers": [
            {"isEqual": True, "isRegex": True, "name": "bot", "value": "mm-.*"},
            {"isEqual": False, "isRegex": False, "name": "env", "value": "dev"},
        ],
        "startsAt": "2026-03-01T13:00:00.000Z",
        "annotations": {"ticket": "OPS-7"},
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            {"matchers": [{"name": "a", "value": ".*", "isRegex": True}]},
            "matchers: at least one must not match the empty string",
            id="everything",
        ),
        pytest.param(
            {"matchers": [{"name": "", "value": "x", "isRegex": False}]},
            "matchers[0]: invalid label name",
            id="no name",
        ),
        pytest.param(
            {"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, "matchers[0]: '('", id="pattern"
        ),
        pytest.param({"matchers": 7}, "Expected `array | null`", id="no list"),
        pytest.param(
            {"endsAt": "2026-03-01T11:00:00.000Z"}, "endsAt: must be after startsAt", id="ends first"
        ),
        pytest.param(
            {"startsAt": "2026-03-01T10:00:00Z", "endsAt": "2026-03-01T11:00:00.000Z"},
            "endsAt: must not be in the past",
            id="is over",
        ),
        pytest.param({"endsAt": "soon"}, "endsAt: 'soon' is not a time", id="no time"),
        pytest.param({"endsAt": ""}, "endsAt: a silence needs an end", id="no end"),
        pytest.param({"comment": "x" * 70_000}, "comment: longer than 65536", id="long comment"),
        pytest.param(
            {"matchers": [{"name": "a", "value": "b", "isRegex": False}] * 65},
            "matchers: 65 are more than the limit of 64",
            id="many",
        ),
    ],
)
async def test_a_silence_that_cannot_be_is_refused_with_its_field(
    api: Stand, change: dict[str, Any], says: str
) -> None:
    body = {
        "matchers": [{"name": "a", "value": "b", "isRegex": False}],
        "startsAt": START,
        "endsAt": "2026-03-01T14:00:00.000Z",
        "createdBy": "li",
        "comment": "c",
        **change,
    }
    reply = await api.post("/api/v2/silences", body)
    assert reply.status_code == 400
    assert says in reply.json()
    assert await api.get("/api/v2/silences") == []


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        pytest.param(
            {},
            602,
            "comment in body is required; createdBy in body is required; endsAt in body is required; "
            "matchers in body is required; startsAt in body is required",
            id="everything",
        ),
        pytest.param(
            {"matchers": [{"name": "a", "value": "b", "isRegex": False}, {"isEqual": True}]},
            602,
            "matchers.1.isRegex in body is required; matchers.1.name in body is required; "
            "matchers.1.value in body is required",
            id="a matcher",
        ),
        pytest.param(
            {"matchers": []}, 612, "matchers in body should have at least 1 items", id="a list that is empty"
        ),
    ],
)
async def test_what_a_silence_requires_is_named(api: Stand, body: Any, code: int, says: str) -> None:
    whole = {"startsAt": START, "endsAt": "2026-03-01T14:00:00Z", "createdBy": "li", "comment": "c"}
    reply = await api.post("/api/v2/silences", {**whole, **body} if body else {})
    assert (reply.status_code, reply.json()) == (422, {"code": code, "message": says})
    assert await api.get("/api/v2/silences") == []


async def test_an_id_that_cannot_be_one_is_refused(api: Stand) -> None:
    for method in ("GET", "DELETE"):
        reply = await api.client.request(method, "/api/v2/silence/some-id")
        assert (reply.status_code, reply.json()["code"]) == (422, 601)
        assert 'must be of type uuid: "some-id"' in reply.json()["message"]


@pytest.mark.parametrize(
    ("matcher", "receivers"), [('owner="x"', 0), ('owner=""', 4), ('owner!="x"', 4), ('owner=~".+"', 0)]
)
async def test_receivers_have_no_labels_to_match(api: Stand, matcher: str, receivers: int) -> None:
    await api.fire(alertname="Down")
    assert len(await api.get("/api/v2/receivers", receiver_matchers=matcher)) == receivers
    for path in ("/api/v2/alerts", "/api/v2/alerts/groups"):
        assert len(await api.get(path, receiver_matchers=matcher)) == min(1, receivers)


async def test_the_api_takes_an_empty_comment_as_alertmanager_does(api: Stand) -> None:
    await api.silence("a=b", comment="", createdBy="")


async def test_a_start_in_the_past_becomes_now(api: Stand) -> None:
    identity = await api.silence("a=b", startsAt="2026-03-01T11:00:00.000Z")
    assert (await api.get(f"/api/v2/silence/{identity}"))["startsAt"] == START


async def test_a_longer_end_keeps_the_id_and_other_matchers_make_a_new_silence(api: Stand) -> None:
    first = await api.silence("a=b", 600)
    await api.clock.advance(10)
    assert await api.silence("a=b", 1200, id=first, startsAt=START) == first
    second = await api.silence("a=c", 1200, id=first, startsAt=START)
    assert second != first
    states = {each["id"]: each["status"]["state"] for each in await api.get("/api/v2/silences")}
    assert states == {first: "expired", second: "active"}


async def test_a_failed_update_leaves_the_old_silence_active(api: Stand) -> None:
    first = await api.silence("a=b")
    empty = {"name": "a", "value": "", "isRegex": False}
    reply = await api.post("/api/v2/silences", {**UPGRADE, "id": first, "matchers": [empty]})
    assert reply.status_code == 400
    assert (await api.get(f"/api/v2/silence/{first}"))["status"]["state"] == "active"


async def test_what_does_not_exist_is_not_found(api: Stand) -> None:
    unknown = "0b1f1f4e-0000-4000-8000-000000000000"
    assert (await api.post("/api/v2/silences", {**UPGRADE, "id": unknown})).status_code == 404
    assert (await api.client.get(f"/api/v2/silence/{unknown}")).status_code == 404
    assert (await api.client.delete(f"/api/v2/silence/{unknown}")).status_code == 404


async def test_to_expire_a_silence_twice_is_no_mistake(api: Stand) -> None:
    identity = await api.silence("a=b")
    for _ in range(2):
        assert (await api.client.delete(f"/api/v2/silence/{identity}")).status_code == 200
    assert (await api.get(f"/api/v2/silence/{identity}"))["status"]["state"] == "expired"


async def test_silences_come_active_then_pending_then_expired(api: Stand) -> None:
    async def made(name: str, starts: float, ends: float) -> str:
        return await api.silence(f"a={name}", startsAt=api.at(starts), endsAt=api.at(ends))

    expected = {
        await made("later pending", 200, 300): 3,
        await made("long", 0, 900): 1,
        await made("short", 0, 60 + 120): 0,
        await made("sooner pending", 100, 300): 2,
    }
    old = [await made("old", 0, 30), await made("older", 0, 20)]
    await api.clock.advance(40)
    listed = [each["id"] for each in await api.get("/api/v2/silences")]
    assert listed == [*sorted(expected, key=lambda each: expected[each]), *old]


async def test_a_filter_on_silences_compares_matchers(api: Stand) -> None:
    one = await api.silence("bot=b1")
    await api.silence("bot=b2")
    assert [each["id"] for each in await api.get("/api/v2/silences", filter="bot=b1")] == [one]
    assert await api.get("/api/v2/silences", filter='bot=~"b1"') == []


# --- the rest ----------------------------------------------------------------------------------


async def test_receivers_are_named(api: Stand) -> None:
    assert await api.get("/api/v2/receivers") == [{"name": n} for n in ("team", "oncall", "phone", "mail")]


async def test_the_status_says_what_runs(api: Stand) -> None:
    status = await api.get("/api/v2/status")
    assert status["cluster"]["status"] == "disabled"
    assert status["uptime"] == START
    assert status["versionInfo"]["version"].split(".") == ["0", "27", "0"]
    assert 'receiver: "oncall"' in status["config"]["original"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/alerts"),
        ("GET", "/api/v1/silences"),
        ("POST", "/api/v1/silences"),
        ("DELETE", "/api/v1/silence/x"),
        ("GET", "/api/v1/status"),
    ],
)
async def test_the_old_api_points_to_the_new_one(api: Stand, method: str, path: str) -> None:
    reply = await api.client.request(method, path, json=[])
    assert reply.status_code == 410
    assert "/api/v2" in reply.json()["error"]
