"""The frame of every gateway on loopback: its ways to fail, and how one waits for what it takes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from hbalert.demo.gateways.sms import PlainSmsGateway


@pytest.mark.parametrize(
    ("mode", "status", "header"),
    [
        ("html", 200, None),
        ("empty", 200, None),
        ("garbage", 200, None),
        ("500", 500, None),
        ("502", 502, None),
        ("503", 503, "7"),
        ("429", 429, "7"),
    ],
)
async def test_a_broken_gateway_answers_but_takes_nothing(mode: str, status: int, header: str | None) -> None:
    async with PlainSmsGateway() as gateway, httpx.AsyncClient(trust_env=False) as client:
        gateway.behave(mode)
        answer = await client.post(gateway.url)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, header)
        assert not gateway.received
        assert (await client.post(gateway.url)).json()["code"] == 0


@pytest.mark.parametrize(
    ("mode", "taken"), [("reset", 0), ("lost answer", 1), ("slow", 0), ("slow answer", 1)]
)
async def test_a_gateway_that_does_not_answer_has_or_has_not_taken_the_message(mode: str, taken: int) -> None:
    async with PlainSmsGateway() as gateway, httpx.AsyncClient(trust_env=False, timeout=0.3) as client:
        gateway.behave(mode)
        with pytest.raises(httpx.TransportError):
            await client.post(gateway.url)
    assert len(gateway.received) == taken
    assert gateway.calls == 1


async def test_a_gateway_that_hangs_is_closed_all_the_same() -> None:
    async with asyncio.timeout(20):
        async with PlainSmsGateway() as gateway:
            gateway.behave("slow")
            client = httpx.AsyncClient(trust_env=False)
            call = asyncio.create_task(client.post(gateway.url))
            while not gateway.calls:
                await asyncio.sleep(0)
        await asyncio.gather(call, return_exceptions=True)
        await client.aclose()


async def test_ways_to_behave_follow_one_another() -> None:
    async with PlainSmsGateway() as gateway, httpx.AsyncClient(trust_env=False) as client:
        gateway.behave("500", times=2)
        gateway.behave("normal")
        gateway.behave("429")
        assert [(await client.post(gateway.url)).status_code for _ in range(5)] == [500, 500, 200, 429, 200]


async def test_one_can_wait_for_what_arrives() -> None:
    async with PlainSmsGateway() as gateway, httpx.AsyncClient(trust_env=False) as client:
        waiting = asyncio.create_task(gateway.arrived(2))
        await client.post(gateway.url)
        assert not waiting.done()
        await client.post(gateway.url)
        assert len(await waiting) == 2


async def test_a_way_to_behave_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="no way to behave"):
        PlainSmsGateway().behave("badly")
