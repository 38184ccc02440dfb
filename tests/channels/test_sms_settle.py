"""Several numbers, one outcome; and the channel around every gateway."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from hbalert.channels.sms import SmsChannel, settle
from hbalert.channels.sms.gateway import Fate, Result
from hbalert.config.channels.sms import SmsSettings
from hbalert.core.delivery import Pace
from hbalert.demo.gateways.sms import PlainSmsGateway
from hbalert.errors import ChannelError, NotNow, Permanent, Transient
from hbalert.ports import Receipt
from tests.channels.wire import failure, nobody_listening, send, words_of

NUMBERS = ["13800138000", "13900139000", "13700137000"]
NAMES = ("138****8000", "139****9000", "137****7000")

OK = Result(Fate.ACCEPTED, "OK", provider_id="id1")
BUSY = Result(Fate.RETRY, "busy", reason="server", retry_after=timedelta(seconds=3))
LOST = Result(Fate.RETRY, "no answer", reason="timeout")
WAIT = Result(Fate.LATER, "too often", reason="rate limit", retry_after=timedelta(seconds=30))
HOUR = Result(Fate.LATER, "an hour", reason="rate limit", retry_after=timedelta(minutes=10))
ALL_WAIT = Result(Fate.LATER, "account", reason="rate limit", retry_after=timedelta(seconds=5), whole=True)
NO = Result(Fate.REFUSED, "no such number", reason="client")
KEYS = Result(Fate.BROKEN, "wrong key", reason="auth")


def settled(*results: Result, untried: int = 0) -> Receipt | ChannelError:
    try:
        return settle(dict(zip("abc", results, strict=False)), untried=[f"u{n}" for n in range(untried)])
    except ChannelError as error:
        return error


def test_numbers_reached_refused_and_deferred_are_told_apart_in_the_receipt() -> None:
    assert settled(OK, NO, WAIT, untried=0) == Receipt(
        answer="1 of 3 numbers: OK",
        provider_id="id1",
        delivered=("a",),
        refused={"b": "no such number"},
        deferred={"c": "too often"},
    )


def test_one_number_is_answered_in_the_gateway_s_own_words() -> None:
    assert settled(OK) == Receipt(answer="OK", provider_id="id1", delivered=("a",))


def test_nobody_left_is_a_success() -> None:
    assert settled() == Receipt(answer="every number was served by an earlier attempt")


@pytest.mark.parametrize(
    ("results", "kind", "reason", "wait"),
    [
        pytest.param([NO, NO], Permanent, "client", None, id="all refused"),
        pytest.param([NO, BUSY], Transient, "server", timedelta(seconds=3), id="one may be reached"),
        pytest.param([BUSY, LOST], Transient, "server", timedelta(seconds=3), id="the graver reason"),
        pytest.param([LOST, WAIT], Transient, "timeout", None, id="retry before wait"),
        pytest.param([HOUR, WAIT, NO], NotNow, "rate limit", timedelta(seconds=30), id="the shortest wait"),
        pytest.param(
            [OK, ALL_WAIT], NotNow, "rate limit", timedelta(seconds=5), id="the account has to wait"
        ),
        pytest.param([OK, KEYS], Permanent, "auth", None, id="the gateway is broken"),
        pytest.param([KEYS, ALL_WAIT], Permanent, "auth", None, id="broken before wait"),
    ],
)
def test_when_a_message_fails_the_gravest_outcome_speaks(
    results: list[Result], kind: type[ChannelError], reason: str, wait: timedelta | None
) -> None:
    error = settled(*results)
    assert isinstance(error, ChannelError)
    assert (type(error), error.reason, error.retry_after) == (kind, reason, wait)
    assert error.delivered == tuple(
        name for name, result in zip("abc", results, strict=False) if result is OK
    )
    assert error.refused == {
        name: NO.answer for name, result in zip("abc", results, strict=False) if result is NO
    }


def test_numbers_not_tried_are_deferred() -> None:
    receipt = settled(OK, LOST, untried=1)
    assert isinstance(receipt, Receipt)
    assert receipt.deferred == {"b": "no answer", "u0": "not tried: the gateway failed before its turn came"}


# --- the channel -----------------------------------------------------------------------------------


def channel_to(url: str, *, to: list[str] | None = None, **keys: Any) -> SmsChannel:
    gateway = {
        "provider": "http",
        "url": url,
        "body_format": "json",
        "body": {"to": "{to}", "text": "{text}", "key": "{key}"},
        "secrets": {"key": "s3cret-key"},
        "success_path": "code",
        "success_values": ["0"],
        "id_path": "data.id",
        "code_path": "code",
        "message_path": "message",
        "retry_codes": ["5"],
        "throttle_codes": ["7"],
    }
    settings = {"type": "sms", "to": to or NUMBERS, "timeout": "5s", "gateway": gateway} | keys
    return SmsChannel(SmsSettings.model_validate(settings))


def numbers_of(gateway: PlainSmsGateway) -> set[str]:
    return {json.loads(call.body)["to"] for call in gateway.received}


async def test_every_number_gets_the_message_and_is_known_by_its_mask() -> None:
    async with PlainSmsGateway(key="s3cret-key") as gateway:
        channel = channel_to(gateway.url)
        receipt = await send(channel)
        await channel.close()
    assert numbers_of(gateway) == {"+8613800138000", "+8613900139000", "+8613700137000"}
    assert receipt.delivered == NAMES
    assert sorted(receipt.provider_id.split(",")) == ["m1", "m2", "m3"]


async def test_numbers_served_before_are_not_called_again() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url)
        receipt = await send(channel, skip=frozenset({NAMES[0], NAMES[2]}))
        again = await send(channel, skip=frozenset(NAMES))
        await channel.close()
    assert numbers_of(gateway) == {"+8613900139000"}
    assert receipt.delivered == (NAMES[1],)
    assert again.delivered == ()


async def test_a_number_that_looks_like_a_served_one_is_still_called() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url, to=["13800138000", "13877778000"])
        receipt = await send(channel, skip=frozenset({"138****8000"}))
        await channel.close()
    assert numbers_of(gateway) == {"+8613877778000"}
    assert receipt.delivered == ("138****8000 (2)",)


async def test_what_is_left_goes_out_at_the_next_attempt_and_no_number_twice() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url)
        for answer in ({"code": 5, "message": "busy"}, {"code": 9, "message": "bad number"}, {"code": 0}):
            gateway.say(answer)
        first = await send(channel)
        done = frozenset(first.delivered) | frozenset(first.refused)
        second = await send(channel, skip=done)
        await channel.close()
    assert len(first.delivered) == len(first.refused) == len(first.deferred) == 1
    assert set(second.delivered) == set(first.deferred)
    assert gateway.calls == 4


async def test_after_a_wrong_key_the_rest_of_a_long_list_is_not_tried() -> None:
    async with PlainSmsGateway(key="another-key") as gateway:
        channel = channel_to(gateway.url, to=[f"138{n:08}" for n in range(40)])
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Permanent, "auth")
    assert gateway.calls == 8


async def test_when_nobody_answers_the_rest_of_a_long_list_is_not_waited_for() -> None:
    async with nobody_listening() as port:
        channel = channel_to(f"http://127.0.0.1:{port}/", to=[f"138{n:08}" for n in range(40)])
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "network")


async def test_a_gateway_that_is_too_slow_is_transient() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url, to=["13800138000"], timeout="300ms")
        gateway.behave("slow")
        error = await failure(channel)
        await channel.close()
    assert (type(error), error.reason) == (Transient, "timeout")


async def test_neither_numbers_nor_secrets_are_in_errors() -> None:
    async with PlainSmsGateway() as gateway:
        channel = channel_to(gateway.url)
        for number in ("+8613800138000", "8613900139000", "13700137000"):
            gateway.say({"code": 9, "message": f"key s3cret-key may not send to {number}\r\n"})
        error = await failure(channel)
        await channel.close()
    assert isinstance(error, Permanent)
    assert set(error.refused) == set(NAMES)
    seen = words_of(error)
    assert "***" in seen
    for hidden in ("s3cret-key", *NUMBERS, "\r"):
        assert hidden not in seen


async def test_the_pace_counts_messages_to_phones() -> None:
    channel = channel_to("http://127.0.0.1:1/", per_minute=30)
    assert (channel.style, channel.concurrency, channel.pace) == ("sms", 1, Pace(10, timedelta(minutes=1)))
    await channel.close()
    channel = channel_to("http://127.0.0.1:1/", per_minute=1)
    assert channel.pace == Pace(1, timedelta(minutes=1))
    await channel.close()
