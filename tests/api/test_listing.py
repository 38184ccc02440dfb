"""Lists of alerts: kept texts are those that would be made anew; many readers share one body."""

from __future__ import annotations

import asyncio
import random
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hbalert.api.listing import AlertTexts, Body, shown
from hbalert.api.protocol import BoundedProtocol
from hbalert.api.wire import AlertGroup, NamedReceiver, horizon
from hbalert.book import Book, Wanted
from tests.api.stand import Stand, alive, stand

ODD = ['"updatedAt":"', ',"endsAt":"', "ü", "\\", "\u2028", "", "}]"]


def plainly(api: Stand) -> bytes:
    """The list, encoded from nothing."""
    now, ahead = api.now(), horizon(api.now(), api.engine.config.alerts.resolve_timeout)
    views = Book(api.engine).alerts(now)
    return msgspec.json.encode([shown(view, view.ends_at or ahead) for view in views])


def groups_plainly(api: Stand) -> bytes:
    now, ahead = api.now(), horizon(api.now(), api.engine.config.alerts.resolve_timeout)
    groups = []
    for group in Book(api.engine).groups(Wanted(), now):
        alerts = [shown(view, view.ends_at or ahead, group.muted_by) for view in group.alerts]
        texts = [msgspec.Raw(msgspec.json.encode(each)) for each in alerts]
        receiver = NamedReceiver(group.route.receiver)
        groups.append(AlertGroup(texts, group.group.labels.as_dict(), receiver, {}))
    return msgspec.json.encode(groups)


@pytest.mark.parametrize("seed", range(6))
async def test_after_anything_the_list_is_what_it_would_be_made_anew(api: Stand, seed: int) -> None:
    dice = random.Random(seed)
    silences: list[str] = []
    for _ in range(40):
        match dice.randrange(8):
            case 0:
                silences.append(await api.silence(f"n={dice.randrange(6)}", dice.choice([30, 600])))
            case 1 if silences:
                await api.client.delete(f"/api/v2/silence/{silences.pop()}")
            case 2:
                await api.clock.advance(dice.choice([1, 40, 400]))
            case _:
                await api.alerts(*(some_alert(api, dice) for _ in range(dice.randrange(1, 5))))
        assert (await api.client.get("/api/v2/alerts")).content == plainly(api)
        assert (await api.client.get("/api/v2/alerts/groups")).content == groups_plainly(api)


def some_alert(api: Stand, dice: random.Random) -> dict[str, Any]:
    name = str(dice.randrange(6))
    return {
        "labels": {"alertname": dice.choice(["Down", "Slow"]), "n": name, "odd": ODD[int(name) % len(ODD)]},
        "annotations": {key: dice.choice(ODD) for key in dice.sample(["summary", "x", *ODD[:3]], 2)},
        "startsAt": api.at(dice.choice([0, -60])),
        "endsAt": api.at(dice.choice([0, 20, 500])),
        "generatorURL": dice.choice(["", "http://prometheus/graph", ODD[0]]),
    }


async def test_two_alerts_with_one_fingerprint_keep_their_own_texts(
    api: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collision of fingerprints shows one of them twice, never one alert with the words of another."""
    monkeypatch.setattr("hbalert.book.fingerprint", lambda labels: "0123456789abcdef")
    for n in (1, 2):
        await api.fire(alertname="Down", n=str(n))
    for _ in range(2):
        assert sorted(one["labels"]["n"] for one in await api.get("/api/v2/alerts")) == ["1", "2"]


async def test_texts_of_what_is_gone_or_was_otherwise_are_dropped(api: Stand) -> None:
    texts = AlertTexts()
    book, now = Book(api.engine), api.now()
    for first in range(0, 6000, 500):
        await api.alerts(
            *({"labels": {"n": str(n % 3000)}, "generatorURL": str(first)} for n in range(first, first + 500))
        )
        texts.of(book.alerts(now), now)
        texts.forget(book.found(now)[0])
    assert 3000 <= len(texts._kept) <= 3000 * 1.25 + 1000


async def test_who_asks_for_groups_only_keeps_no_texts_of_what_is_gone(api: Stand) -> None:
    for first in range(0, 2000, 400):
        labels = [{"n": str(n)} for n in range(first, first + 400)]
        await api.alerts(*({"labels": each} for each in labels))
        assert await api.get("/api/v2/alerts/groups")
        await api.alerts(*({"labels": each, "endsAt": api.at(0)} for each in labels))
    handler: Any = api.app.resources["/api/v2/alerts/groups"].actions["GET"].handler
    assert len(handler.__self__._texts._kept) <= 400 * 1.25 + 1000


# --- asked again ---


async def test_who_knows_the_state_already_is_told_so(api: Stand) -> None:
    await api.fire(alertname="Down")
    first = await api.client.get("/api/v2/alerts")
    again = await api.client.get("/api/v2/alerts", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (await api.client.get("/api/v2/alerts", headers={"If-None-Match": 'W/"x"'})).status_code == 200


@pytest.mark.parametrize("change", ["another", "words", "end", "silence", "silence ends", "gone"])
async def test_any_change_is_another_state(api: Stand, change: str) -> None:
    await api.fire(alertname="Down")
    await api.silence("alertname=Down", 300)
    tag = (await api.client.get("/api/v2/alerts")).headers["ETag"]
    match change:
        case "another":
            await api.fire(alertname="Slow")
        case "words":
            body = {"labels": {"alertname": "Down"}, "annotations": {"a": "b"}, "endsAt": api.at(3600)}
            await api.alerts(body)
        case "end":
            await api.alerts({"labels": {"alertname": "Down"}, "endsAt": api.at(3601)})
        case "silence":
            await api.silence("alertname=Down", 200)
        case "silence ends":
            await api.clock.advance(300)
        case "gone":
            await api.clock.advance(3600)
    again = await api.client.get("/api/v2/alerts", headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["ETag"] != tag


async def test_the_end_that_is_shown_of_what_has_none_moves_on(api: Stand) -> None:
    hook = {"alerts": [{"labels": {"alertname": "Down"}, "status": "firing"}]}
    await api.post("/webhook/alertmanager", hook)
    tag = (await api.client.get("/api/v2/alerts")).headers["ETag"]
    await api.clock.advance(api.engine.config.alerts.resolve_timeout.total_seconds())
    assert (await api.client.get("/api/v2/alerts", headers={"If-None-Match": tag})).status_code == 200


# --- many at once ---


async def test_who_reads_slowly_at_the_same_time_is_sent_the_same_body_and_holds_little(
    tmp_path: Path,
) -> None:
    """Twenty readers of 15 MB that take nothing for a while."""
    async with stand(tmp_path) as api:
        words = "x" * 30_000
        for n in range(500):
            body = {"labels": {"n": str(n)}, "annotations": {"a": words}, "endsAt": api.at(3600)}
            assert (await api.alerts(body)).status_code == 200
        expected = plainly(api)
        readers = [await slow_reader(api) for _ in range(20)]
        heads = [await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30) for reader, _ in readers]
        assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads)
        assert len(alive(Body)) == 1
        held = sum(each.transport.get_write_buffer_size() for each in alive(BoundedProtocol))
        assert held < 20 * (512 << 10)
        for reader, writer in readers:
            assert await asyncio.wait_for(reader.readexactly(len(expected)), 60) == expected
            writer.close()
        for _ in range(100):
            if not alive(Body):
                break
            await asyncio.sleep(0.02)
        assert alive(Body) == []


async def slow_reader(api: Stand) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", int(api.url.rsplit(":", 1)[1])))
    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    writer.write(b"GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n")
    return reader, writer
