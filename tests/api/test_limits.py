"""Every limit: what is at it is taken, what is one over is refused with the limit's name and value."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hbalert.api.door import Load
from hbalert.api.refusal import Refusal
from hbalert.config.types import Limits
from tests.api.stand import Stand, stand

SILENCE: dict[str, Any] = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": "",
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "c",
}


def alert(labels: int = 1, **fields: Any) -> list[dict[str, Any]]:
    return [{"labels": {f"l{number}": "x" for number in range(labels)}, **fields}]


def silence(matchers: int = 1, **fields: Any) -> dict[str, Any]:
    listed = [{"name": f"m{number}", "value": "x", "isRegex": False} for number in range(matchers)]
    return {**SILENCE, "matchers": listed, **fields}


def matcher(name: str = "a", value: str = "b") -> dict[str, Any]:
    return {**SILENCE, "matchers": [{"name": name, "value": value, "isRegex": False}]}


ALERTS, SILENCES = "/api/v2/alerts", "/api/v2/silences"
TWO = "é"
"""Two bytes."""

POSTED = [
    pytest.param(
        {"alerts": 3}, ALERTS, alert() * 3, alert() * 4, "4 alerts are more than the limit of 3", id="alerts"
    ),
    pytest.param(
        {"labels": 3}, ALERTS, alert(3), alert(4), "labels: 4 are more than the limit of 3", id="labels"
    ),
    pytest.param(
        {"name_bytes": 4},
        ALERTS,
        [{"labels": {TWO * 2: "x"}}],
        [{"labels": {TWO * 2 + "a": "x"}}],
        "is longer than 4 bytes",
        id="a label's name",
    ),
    pytest.param(
        {"value_bytes": 4},
        ALERTS,
        [{"labels": {"a": TWO * 2}}],
        [{"labels": {"a": TWO * 2 + "a"}}],
        "the value of 'a' is longer than 4 bytes",
        id="a label's value",
    ),
    pytest.param(
        {"labels": 2},
        ALERTS,
        alert(annotations={"a": "", "b": ""}),
        alert(annotations={"a": "", "b": "", "c": ""}),
        "annotations: 3 are more than the limit of 2",
        id="annotations",
    ),
    pytest.param(
        {"name_bytes": 4},
        ALERTS,
        alert(annotations={TWO * 2: "x"}),
        alert(annotations={TWO * 2 + "a": "x"}),
        "is longer than 4 bytes",
        id="an annotation's name",
    ),
    pytest.param(
        {"text_bytes": 4},
        ALERTS,
        alert(annotations={"a": TWO * 2}),
        alert(annotations={"a": TWO * 2 + "a"}),
        "annotations: 'a' is longer than 4 bytes",
        id="an annotation",
    ),
    pytest.param(
        {"text_bytes": 9},
        ALERTS,
        alert(generatorURL="http://ab"),
        alert(generatorURL="http://abc"),
        "generatorURL: longer than 9 bytes",
        id="a URL",
    ),
    pytest.param(
        {"matchers": 2},
        SILENCES,
        silence(2),
        silence(3),
        "matchers: 3 are more than the limit of 2",
        id="matchers",
    ),
    pytest.param(
        {"name_bytes": 4},
        SILENCES,
        matcher(name=TWO * 2),
        matcher(name=TWO * 2 + "a"),
        "matchers[0]: the name is longer than 4 bytes",
        id="a matcher's name",
    ),
    pytest.param(
        {"value_bytes": 4},
        SILENCES,
        matcher(value=TWO * 2),
        matcher(value=TWO * 2 + "a"),
        "matchers[0]: the value is longer than 4 bytes",
        id="a matcher's value",
    ),
    pytest.param(
        {"text_bytes": 4},
        SILENCES,
        silence(comment=TWO * 2),
        silence(comment=TWO * 2 + "a"),
        "comment: longer than 4 bytes",
        id="a comment",
    ),
    pytest.param(
        {"text_bytes": 4},
        SILENCES,
        silence(createdBy=TWO * 2),
        silence(createdBy=TWO * 2 + "a"),
        "createdBy: longer than 4 bytes",
        id="an author",
    ),
]


@pytest.mark.parametrize(("limits", "path", "fits", "too_much", "says"), POSTED)
async def test_one_over_a_limit_is_refused_with_its_name(
    tmp_path: Path, limits: dict[str, int], path: str, fits: Any, too_much: Any, says: str
) -> None:
    async with stand(tmp_path, limits=Limits(**limits)) as api:
        reply = await api.post(path, fits)
        assert reply.status_code == 200, reply.text
        reply = await api.post(path, too_much)
        assert reply.status_code == 400
        assert says in reply.json()


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_a_body_of_exactly_the_limit_is_taken(tmp_path: Path, chunked: bool) -> None:
    async with stand(tmp_path, limits=Limits(body_bytes=1000)) as api:
        for size, status in ((1000, 200), (1001, 413)):
            body = b"[" + b" " * (size - 2) + b"]"

            async def parts(body: bytes = body) -> Any:
                for start in range(0, len(body), 100):
                    yield body[start : start + 100]

            reply = await api.client.post(ALERTS, content=parts() if chunked else body)
            assert reply.status_code == status
            assert status == 200 or "limit of 1000 bytes" in reply.json()


@pytest.mark.parametrize("path", [ALERTS, "/api/v2/alerts/groups", SILENCES, "/api/hb/v1/alerts"])
async def test_one_filter_over_the_limit_is_refused(tmp_path: Path, path: str) -> None:
    async with stand(tmp_path, limits=Limits(matchers=2)) as api:
        assert (await api.client.get(path, params={"filter": ["a=b"] * 2})).status_code == 200
        reply = await api.client.get(path, params={"filter": ["a=b"] * 3})
        assert reply.status_code == 400
        assert "filter: 3 are more than the limit of 2" in reply.text


async def test_one_row_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with stand(tmp_path, limits=Limits(rows=5)) as api:
        assert (await api.client.get("/api/hb/v1/history?limit=5")).status_code == 200
        reply = await api.client.get("/api/hb/v1/history?limit=6")
        assert reply.status_code == 400
        assert "limit: '6' is not a number from 1 to 5" in reply.json()["error"]


async def test_a_webhook_has_the_same_limits(tmp_path: Path) -> None:
    async with stand(tmp_path, limits=Limits(alerts=2, labels=2)) as api:
        hook = [{"labels": {"a": "b"}, "status": "firing"}]
        assert (await api.post("/webhook/alertmanager", {"alerts": hook * 2})).status_code == 200
        reply = await api.post("/webhook/alertmanager", {"alerts": hook * 3})
        assert (reply.status_code, "3 alerts are more than the limit of 2" in reply.text) == (400, True)
        many = [{"labels": {"a": "b", "c": "d", "e": "f"}, "status": "firing"}]
        reply = await api.post("/webhook/alertmanager", {"alerts": many})
        assert (reply.status_code, "labels: 3 are more than the limit of 2" in reply.text) == (400, True)


# --- turns --------------------------------------------------------------------------------------


async def test_whoever_posts_waits_for_one_reader_at_most_however_many_there_are() -> None:
    """Read by read: between two of them the loop looks after everything else."""
    load = Load(Limits())
    order: list[str] = []

    async def read() -> None:
        await load.turn()
        order.append("read")

    async def post() -> None:
        for step in ("arrived", "committed", "answered"):
            order.append(step)
            await asyncio.sleep(0)

    readers = [asyncio.create_task(read()) for _ in range(50)]
    await asyncio.sleep(0)
    posting = asyncio.create_task(post())
    await asyncio.gather(*readers, posting)
    assert order.index("answered") < 10
    assert order.count("read") == 50


async def test_too_many_who_wait_to_read_are_asked_to_come_back() -> None:
    load = Load(Limits(waiting_reads=2))
    outcomes = await asyncio.gather(*(load.turn() for _ in range(5)), return_exceptions=True)
    refused = [each for each in outcomes if isinstance(each, Refusal)]
    assert [(each.status, each.headers) for each in refused] == [(503, {"Retry-After": "1"})] * 3
    assert load.waiting_reads == 0
    await load.turn()


async def test_a_reader_who_goes_away_gives_his_place_back() -> None:
    load = Load(Limits(waiting_reads=1))
    waiting = asyncio.create_task(load.turn())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    await load.turn()
    assert load.waiting_reads == 0


async def test_health_never_waits_for_readers(api: Stand) -> None:
    load = next(iter(api.app.resources.values()))._load
    load.waiting_reads = load.limits.waiting_reads
    assert (await api.client.get("/-/healthy")).status_code == 200
    assert (await api.client.get("/-/ready")).status_code == 200
    reply = await api.client.get(ALERTS)
    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
    load.waiting_reads = 0
