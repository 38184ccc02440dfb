"""Email, over real sockets, to a mail server that can fail at every stage."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hbalert.channels import email_smtp
from hbalert.channels.email import EmailChannel
from hbalert.channels.email_replies import LIMITED
from hbalert.channels.email_session import Server, open_session
from hbalert.config.channels.email import EmailSettings
from hbalert.config.mailbox import Mailbox, parse_mailbox
from hbalert.demo.gateways.smtp import DISCONNECT, SILENCE, SLOW, SmtpSink
from hbalert.errors import NotNow, Permanent, Transient
from hbalert.ports import Channel
from tests.channels.wire import NOW, failure, message, nobody_listening, send, words_of

OPS, NIGHT, BOSS = "ops@example.com", "night@example.com", "boss@example.com"
PASSWORD = "correct horse battery"
AUTH = ("hbalert", PASSWORD)


def settings_for(port: int, **keys: Any) -> EmailSettings:
    defaults = {
        "smarthost": f"127.0.0.1:{port}",
        "security": "none",
        "from": "hbalert <hbalert@example.com>",
        "to": [OPS],
        "timeout": "5s",
        "data_timeout": "5s",
    }
    return EmailSettings.model_validate({"type": "email", **defaults, **keys})


@asynccontextmanager
async def channel_to(port: int, **keys: Any) -> AsyncIterator[EmailChannel]:
    channel = EmailChannel(settings_for(port, **keys))
    try:
        yield channel
    finally:
        await channel.close()


def test_it_is_a_channel_as_the_loops_know_it() -> None:
    channel: Channel = EmailChannel(settings_for(25))
    assert (channel.style, channel.pace, channel.concurrency) == ("mail", None, 2)
    assert channel.max_bytes > 100_000


async def test_the_mail_arrives_and_the_answer_is_the_servers_with_its_queue_id() -> None:
    everyone = [f"Ops <{OPS}>", NIGHT, f"again <{OPS}>"]
    async with SmtpSink() as sink, channel_to(sink.port, to=everyone) as channel:
        receipt = await send(channel, replace(message("订单失败 37%\n.\n..dots"), html="<p>订单失败</p>"))
    (mail,) = sink.received
    assert mail.sender == "hbalert@example.com"
    assert mail.recipients == (OPS, NIGHT)
    assert mail.text == "订单失败 37%\n.\n..dots\n"
    assert mail.html == "<p>订单失败</p>\n"
    assert mail.headers["Message-ID"] == "<delivery-1@example.com>"
    assert mail.headers["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert receipt.answer == f"250 2.0.0 Ok: queued as {receipt.provider_id}"
    assert len(receipt.provider_id) == 10
    assert receipt.delivered == (OPS, NIGHT)
    assert (receipt.refused, receipt.deferred) == ({}, {})


async def test_it_introduces_itself_by_the_senders_domain_unless_told_otherwise() -> None:
    async with SmtpSink() as sink:
        async with channel_to(sink.port) as channel:
            await send(channel)
        async with channel_to(sink.port, hello="node7.example.com") as channel:
            await send(channel)
    greetings = [line for line in sink.commands if line.startswith("EHLO")]
    assert greetings == ["EHLO example.com", "EHLO node7.example.com"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("smarthost", "smtp example com"),
        ("smarthost", "smtp.example.com:"),
        ("smarthost", "smtp.example.com:99999"),
        ("smarthost", "::1"),
        ("from", ""),
        ("from", "hbalert"),
        ("to", ["ops@example.com, night@example.com"]),
        ("to", ["ops@example.com\r\nBcc: thief@example.com"]),
        ("to", ["ops@example.com> SIZE=1"]),
        ("to", ["运维@example.com"]),
        ("to", ["ops@"]),
        ("to", ['"two words"@example.com']),
        ("to", ["ops@" + "例" * 64 + ".example.com"]),
        ("to", ["Team: ops@example.com;"]),
        ("to", []),
        ("reply_to", "a@b@c"),
        ("hello", "two words"),
        ("hello", "x\r\nMAIL FROM:<a@b.c>"),
    ],
)
def test_what_is_no_address_is_refused_with_the_configuration(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        settings_for(25, **{key: value})
    assert {error["loc"][0] for error in raised.value.errors()} == {key}


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("ops@example.com", "", "ops@example.com"),
        ("Ops <ops@example.com>", "Ops", "ops@example.com"),
        ('"Ops, night" <ops+night@example.com>', "Ops, night", "ops+night@example.com"),
        ("运维 <ops@例子.中国>", "运维", "ops@xn--fsqu00a.xn--fiqs8s"),
        ("root@localhost", "", "root@localhost"),
    ],
)
def test_an_address_may_be_written(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, address)


# --- sessions --------------------------------------------------------------------------------------


async def test_mails_one_after_the_other_share_a_session_that_ends_politely() -> None:
    async with SmtpSink() as sink:
        async with channel_to(sink.port) as channel:
            for number in range(3):
                await send(channel, delivery_id=f"d{number}")
        assert [mail.session for mail in sink.received] == [1, 1, 1]
        assert sink.commands[-1] == "QUIT"


async def test_two_mails_at_once_use_two_sessions_and_both_are_kept() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("accept", SLOW, times=2)
        pair = [asyncio.create_task(send(channel, delivery_id=f"d{n}")) for n in range(2)]
        await sink.arrived(2)
        sink.release()
        await asyncio.gather(*pair)
        await asyncio.gather(*(send(channel, delivery_id=f"e{n}") for n in range(2)))
        assert sink.sessions == 2
        assert sorted(mail.session for mail in sink.received) == [1, 1, 2, 2]


async def test_a_session_dropped_while_idle_is_replaced_without_a_word() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        await send(channel, delivery_id="d1")
        sink.drop()
        await send(channel, delivery_id="d2")
        assert [mail.session for mail in sink.received] == [1, 2]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
@pytest.mark.parametrize("what", [DISCONNECT, SILENCE, "421 4.4.2 idle too long, closing"])
async def test_a_kept_session_that_turns_out_dead_is_replaced_once(stage: str, what: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port, timeout="1s") as channel:
        await send(channel, delivery_id="d1")
        sink.fail(stage, what, times=1)
        await send(channel, delivery_id="d2")
        assert [mail.session for mail in sink.received] == [1, 2]


async def test_a_server_that_drops_every_session_is_not_tried_for_ever() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        await send(channel)
        sink.fail("MAIL", DISCONNECT)
        error = await failure(channel)
        assert isinstance(error, Transient)
        assert error.reason == "network"
        assert sink.sessions == 2


async def test_an_unused_session_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(email_smtp, "KEEP_IDLE", 0.01)
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        await send(channel)
        async with asyncio.timeout(5):
            while "QUIT" not in sink.commands:
                await asyncio.sleep(0.01)
        await send(channel, delivery_id="d2")
        assert sink.sessions == 2


async def test_a_cancelled_send_gives_its_session_up() -> None:
    """What is left of the transaction on that connection must not mix with the next mail."""
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("accept", SLOW, times=1)
        task = asyncio.create_task(send(channel, delivery_id="d1"))
        await sink.arrived()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sink.release()
        receipt = await send(channel, delivery_id="d2")
        assert receipt.delivered == (OPS,)
        assert [mail.session for mail in sink.received] == [1, 2]


# --- TLS -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_the_mail_is_encrypted_and_the_certificate_checked(
    security: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with (
        SmtpSink(tls=security, ssl_context=server_tls) as sink,
        channel_to(sink.port, security=security, ca_file=ca_file) as channel,
    ):
        await send(channel)
    assert [mail.encrypted for mail in sink.received] == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_of_an_unknown_authority_is_permanent_and_says_what_to_set(
    security: Any, server_tls: ssl.SSLContext
) -> None:
    async with (
        SmtpSink(tls=security, ssl_context=server_tls) as sink,
        channel_to(sink.port, security=security) as channel,
    ):
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert error.reason == "client"
    assert "not trusted" in error.answer
    assert "set ca_file" in error.answer
    assert sink.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_for_another_host_is_permanent(
    security: Any, elsewhere_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with (
        SmtpSink(tls=security, ssl_context=elsewhere_tls) as sink,
        channel_to(sink.port, security=security, ca_file=ca_file) as channel,
    ):
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert "127.0.0.1" in error.answer
    assert "smarthost" in error.answer


async def test_any_certificate_will_do_when_the_operator_says_so(server_tls: ssl.SSLContext) -> None:
    async with (
        SmtpSink(tls="starttls", ssl_context=server_tls) as sink,
        channel_to(sink.port, security="starttls", tls_verify=False) as channel,
    ):
        await send(channel)
    assert [mail.encrypted for mail in sink.received] == [True]


@pytest.mark.parametrize("auth", [None, AUTH], ids=["without log-in", "with log-in"])
async def test_without_starttls_nothing_goes_out(auth: tuple[str, str] | None, ca_file: Path) -> None:
    """Somebody on the line may have taken the offer away to see the password."""
    login = {"username": auth[0], "password": auth[1]} if auth else {}
    async with (
        SmtpSink(auth=auth) as sink,
        channel_to(sink.port, security="starttls", ca_file=ca_file, **login) as channel,
    ):
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert "does not offer STARTTLS" in error.answer
    assert sink.commands == ["EHLO example.com"]


async def test_starttls_that_is_not_possible_just_now_is_tried_again(server_tls: ssl.SSLContext) -> None:
    async with (
        SmtpSink(tls="starttls", ssl_context=server_tls) as sink,
        channel_to(sink.port, security="starttls", tls_verify=False) as channel,
    ):
        sink.fail("STARTTLS", "454 4.7.0 TLS not available due to local problem")
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "server"


async def test_tls_to_a_port_that_does_not_speak_it_is_told_apart() -> None:
    async with SmtpSink() as sink, channel_to(sink.port, security="tls") as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "network"
    assert "TLS failed" in error.answer
    assert "set security" in error.answer


async def test_a_ca_file_that_is_no_certificate_is_permanent(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    for name in ("ca.pem", "missing.pem"):
        async with (
            SmtpSink() as sink,
            channel_to(sink.port, security="starttls", ca_file=tmp_path / name) as channel,
        ):
            error = await failure(channel)
        assert isinstance(error, Permanent)
        assert name in error.answer


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param({"smarthost": "h:465"}, (465, "tls"), id="465 is TLS from the first byte"),
        pytest.param({"smarthost": "h:587"}, (587, "starttls"), id="587"),
        pytest.param({"smarthost": "h:25"}, (25, "starttls"), id="25"),
        pytest.param({"smarthost": "h"}, (587, "starttls"), id="no port"),
        pytest.param({"smarthost": "h", "security": "tls"}, (465, "tls"), id="no port, tls"),
        pytest.param({"smarthost": "h", "security": "none"}, (25, "none"), id="no port, none"),
        pytest.param({"smarthost": "h:465", "security": "starttls"}, (465, "starttls"), id="as told"),
    ],
)
def test_port_and_security_follow_from_each_other(keys: dict[str, str], expected: tuple[int, str]) -> None:
    channel = EmailChannel(settings_for(25, **({"security": None} | keys)))
    assert (channel._server.port, channel._server.security) == expected


# --- log-in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_it_logs_in_by_what_the_server_offers(
    method: str, security: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with (
        SmtpSink(auth=AUTH, methods=(method,), tls=security, ssl_context=server_tls) as sink,
        channel_to(
            sink.port, security=security, ca_file=ca_file, username=AUTH[0], password=AUTH[1]
        ) as channel,
    ):
        await send(channel)
    assert [mail.user for mail in sink.received] == ["hbalert"]
    assert [line for line in sink.commands if line.startswith("AUTH")] == [f"AUTH {method}"]


async def test_a_wrong_password_is_permanent_tried_once_and_never_shown() -> None:
    """Each attempt counts against the account; three methods would be three attempts."""
    wrong = "hunter2-hunter2"
    async with (
        SmtpSink(auth=AUTH) as sink,
        channel_to(sink.port, username="hbalert", password=wrong) as channel,
    ):
        error = await failure(channel)
        assert [line for line in sink.commands if line.startswith("AUTH")] == ["AUTH PLAIN"]
    assert isinstance(error, Permanent)
    assert error.reason == "auth"
    assert "535 5.7.8" in error.answer
    assert "check username and password" in error.answer
    assert wrong not in words_of(error)


async def test_a_server_that_repeats_the_credentials_does_not_get_them_into_the_error() -> None:
    plain = base64.b64encode(f"\0hbalert\0{PASSWORD}".encode()).decode()
    alone = base64.b64encode(PASSWORD.encode()).decode()
    async with (
        SmtpSink(auth=AUTH) as sink,
        channel_to(sink.port, username="hbalert", password=PASSWORD) as channel,
    ):
        sink.fail("AUTH", f"535 5.7.8 bad: AUTH PLAIN {plain} {alone} {PASSWORD}")
        error = await failure(channel)
    assert error.answer.count("***") == 3
    for secret in (PASSWORD, plain, alone):
        assert secret not in words_of(error)


async def test_a_method_that_is_offered_and_not_known_gives_way_to_the_next() -> None:
    async with (
        SmtpSink(auth=AUTH) as sink,
        channel_to(sink.port, username="hbalert", password=PASSWORD) as channel,
    ):
        sink.fail("AUTH", "504 5.5.4 Unrecognized authentication type", times=1)
        await send(channel)
    assert [line for line in sink.commands if line.startswith("AUTH")] == ["AUTH PLAIN", "AUTH LOGIN"]


async def test_a_login_that_fails_for_now_is_tried_again() -> None:
    async with (
        SmtpSink(auth=AUTH) as sink,
        channel_to(sink.port, username="hbalert", password=PASSWORD) as channel,
    ):
        sink.fail("AUTH", "454 4.7.0 Temporary authentication failure")
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "server"


async def test_a_server_that_wants_a_login_nobody_configured_is_permanent() -> None:
    async with SmtpSink(auth=AUTH) as sink, channel_to(sink.port) as channel:
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert error.reason == "auth"
    assert "530 5.7.0" in error.answer


async def test_a_login_that_the_server_does_not_offer_is_permanent() -> None:
    async with SmtpSink() as sink, channel_to(sink.port, username="x", password="y") as channel:
        error = await failure(channel)
    assert isinstance(error, Permanent)
    assert error.reason == "auth"
    assert "take username and password away" in error.answer


async def test_without_tls_a_password_goes_to_this_machine_only_unless_hidden_in_a_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fake listens on loopback, so loopback is taken out of what counts as this machine."""
    monkeypatch.setattr("hbalert.channels.email_session._LOOPBACK", frozenset())
    login = {"username": AUTH[0], "password": AUTH[1]}
    async with SmtpSink(auth=AUTH, methods=("PLAIN", "LOGIN")) as sink:
        async with channel_to(sink.port, **login) as channel:
            error = await failure(channel)
        assert sink.commands == ["EHLO example.com"]
    assert isinstance(error, Permanent)
    assert error.reason == "auth"
    assert 'set security = "starttls"' in error.answer
    async with SmtpSink(auth=AUTH) as sink, channel_to(sink.port, **login) as channel:
        await send(channel)
        assert "AUTH CRAM-MD5" in sink.commands


# --- recipients ------------------------------------------------------------------------------------


async def test_one_bad_recipient_does_not_keep_the_mail_from_the_others() -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[BOSS, OPS, NIGHT]) as channel:
        sink.fail("RCPT", "550 5.1.1 no such user here", recipient=BOSS)
        sink.fail("RCPT", "451 4.3.0 try later", recipient=NIGHT, times=1)
        receipt = await send(channel)
        assert receipt.delivered == (OPS,)
        assert receipt.refused == {BOSS: "550 5.1.1 no such user here"}
        assert receipt.deferred == {NIGHT: "451 4.3.0 try later"}
        assert receipt.answer.startswith("250 ")

        again = await send(channel, skip=frozenset({OPS, BOSS}))
        assert again.delivered == (NIGHT,)
    first, second = sink.received
    assert (first.recipients, second.recipients) == ((OPS,), (NIGHT,))
    assert first.headers["To"] == second.headers["To"] == ", ".join([BOSS, OPS, NIGHT])
    assert first.headers["Message-ID"] == second.headers["Message-ID"]
    assert first.session == second.session == 1


@pytest.mark.parametrize(
    "reply", ["550 no such user", "551 not local", "553 5.1.3 bad address", "450 5.1.1 gone"]
)
async def test_a_recipient_that_never_will_is_refused(reply: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[OPS, NIGHT]) as channel:
        sink.fail("RCPT", reply, recipient=NIGHT)
        receipt = await send(channel)
    assert receipt.refused == {NIGHT: reply}


@pytest.mark.parametrize(
    "reply", ["450 busy", "452 4.5.3 too many recipients", "552 mailbox full", "550 5.2.2 full"]
)
async def test_a_recipient_that_may_later_is_deferred(reply: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[OPS, NIGHT]) as channel:
        sink.fail("RCPT", reply, recipient=NIGHT)
        receipt = await send(channel)
    assert receipt.deferred == {NIGHT: reply}


async def test_all_refused_is_permanent_and_the_session_can_be_used_again() -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[OPS, NIGHT]) as channel:
        sink.fail("RCPT", "550 5.1.1 unknown", times=2)
        error = await failure(channel)
        assert isinstance(error, Permanent)
        assert error.reason == "client"
        assert error.refused == {OPS: "550 5.1.1 unknown", NIGHT: "550 5.1.1 unknown"}
        assert OPS in error.answer
        await send(channel, delivery_id="d2")
        assert "RSET" in sink.commands
        assert sink.sessions == 1


async def test_refused_and_deferred_together_are_transient_and_keep_the_refusals() -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[OPS, NIGHT]) as channel:
        sink.fail("RCPT", "550 5.1.1 unknown", recipient=OPS)
        sink.fail("RCPT", "451 4.3.0 later", recipient=NIGHT)
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.refused == {OPS: "550 5.1.1 unknown"}
    assert error.retry_after is None


@pytest.mark.parametrize(
    "reply", ["450 4.2.0 Greylisted, see example.com", "451 4.7.1 Greylisting in action"]
)
async def test_a_greylist_is_waited_for_and_then_lets_the_mail_in(reply: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("RCPT", reply, times=1)
        error = await failure(channel)
        assert isinstance(error, Transient)
        assert error.retry_after == timedelta(minutes=5)
        receipt = await send(channel)
        assert receipt.delivered == (OPS,)


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "accept"])
async def test_a_rate_limit_holds_the_notifier_and_costs_no_attempt(stage: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail(stage, "451 4.7.1 sending rate exceeded")
        error = await failure(channel)
    assert isinstance(error, NotNow)
    assert error.reason == "rate limit"
    assert error.retry_after == LIMITED


async def test_more_than_fifty_recipients_get_several_transactions() -> None:
    people = [f"p{number}@example.com" for number in range(120)]
    async with SmtpSink() as sink, channel_to(sink.port, to=people) as channel:
        receipt = await send(channel)
    assert [len(mail.recipients) for mail in sink.received] == [50, 50, 20]
    assert receipt.delivered == tuple(people)
    assert len({str(mail.headers["Message-ID"]) for mail in sink.received}) == 1


async def test_when_a_later_transaction_fails_the_first_fifty_are_not_asked_again() -> None:
    people = [f"p{number}@example.com" for number in range(60)]
    async with SmtpSink() as sink, channel_to(sink.port, to=people) as channel:
        sink.fail("RCPT", "421 4.3.2 shutting down", recipient=people[55])
        error = await failure(channel)
        assert isinstance(error, Transient)
        assert error.delivered == tuple(people[:50])
        sink.recover()
        receipt = await send(channel, skip=frozenset(error.delivered))
        assert receipt.delivered == tuple(people[50:])
    counted = [who for mail in sink.received for who in mail.recipients]
    assert sorted(counted) == sorted(people)


async def test_when_a_later_transaction_is_refused_the_first_fifty_still_count() -> None:
    people = [f"p{number}@example.com" for number in range(60)]
    async with SmtpSink() as sink, channel_to(sink.port, to=people) as channel:
        for person in people[50:]:
            sink.fail("RCPT", "550 5.1.1 unknown", recipient=person)
        receipt = await send(channel)
        assert receipt.delivered == tuple(people[:50])
        assert set(receipt.refused) == set(people[50:])

        sink.recover()
        sink.fail("accept", "250 2.0.0 Ok", times=1)
        sink.fail("accept", "554 5.7.1 looks like spam")
        receipt = await send(channel, delivery_id="d2")
        assert receipt.delivered == tuple(people[:50])
        assert {text.partition("spam")[1] for text in receipt.refused.values()} == {"spam"}


async def test_nobody_left_to_send_to_is_not_a_mail() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        receipt = await send(channel, skip=frozenset({OPS}))
    assert receipt.delivered == ()
    assert sink.sessions == 0


# --- replies for the whole mail --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "reply", "kind", "reason"),
    [
        pytest.param("connect", "554 5.3.2 go away", Permanent, "client", id="unwelcome"),
        pytest.param("connect", "421 4.3.2 busy", Transient, "server", id="busy at the door"),
        pytest.param("EHLO", "421 4.3.2 shutting down", Transient, "server", id="421 at EHLO"),
        pytest.param("EHLO", "550 5.7.1 we do not like this name", Permanent, "client", id="name refused"),
        pytest.param("MAIL", "451 4.3.0 queue file write error", Transient, "server", id="451 at MAIL"),
        pytest.param("MAIL", "421 4.3.2 shutting down", Transient, "server", id="421 at MAIL"),
        pytest.param("MAIL", "553 5.1.8 sender not owned", Permanent, "client", id="sender refused"),
        pytest.param("MAIL", "530 5.7.57 not authenticated", Permanent, "auth", id="log in first"),
        pytest.param("MAIL", "555 unknown parameter", Permanent, "client", id="555"),
        pytest.param("RCPT", "421 4.3.2 shutting down", Transient, "server", id="421 at RCPT"),
        pytest.param("DATA", "451 4.3.0 no room", Transient, "server", id="451 at DATA"),
        pytest.param("DATA", "554 5.5.1 no valid recipients", Permanent, "client", id="554 at DATA"),
        pytest.param("accept", "451 4.3.0 scanner is down", Transient, "server", id="451 after the dot"),
        pytest.param("accept", "421 4.3.0 going down", Transient, "server", id="421 after the dot"),
        pytest.param("accept", "554 5.7.1 message rejected as spam", Permanent, "client", id="content"),
        pytest.param("accept", "550 4.2.0 enhanced code wins", Transient, "server", id="enhanced wins"),
    ],
)
async def test_what_the_server_says_becomes(stage: str, reply: str, kind: type, reason: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail(stage, reply)
        error = await failure(channel)
        assert type(error) in (kind, *kind.__subclasses__())
        assert error.reason == reason
        assert reply in error.answer
        assert f"127.0.0.1:{sink.port}" in error.answer
        assert sink.received == []
        sink.recover()
        assert (await send(channel)).delivered == (OPS,)


async def test_a_refused_sender_is_told_with_its_remedy() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("MAIL", "553 5.7.1 sender address rejected: not owned by user")
        error = await failure(channel)
    assert "check `from`" in error.answer


async def test_an_old_server_without_ehlo_is_spoken_to_in_its_own_way() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("EHLO", "500 command not recognized")
        await send(channel)
    assert len(sink.received) == 1


async def test_a_greeting_that_comes_late_but_comes_is_waited_for() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("connect", SLOW)
        task = asyncio.create_task(send(channel))
        async with asyncio.timeout(5):
            while not sink.sessions:
                await asyncio.sleep(0)
        assert not task.done()
        sink.release()
        assert (await task).delivered == (OPS,)


async def test_what_does_not_speak_smtp_is_told() -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ssh, "127.0.0.1", 0)
    async with server, channel_to(server.sockets[0].getsockname()[1]) as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert "SSH-2.0-OpenSSH_9.2" in error.answer


# --- size ------------------------------------------------------------------------------------------


RICH = replace(message("short text"), html="<p>" + "large " * 5000 + "</p>")


@pytest.mark.parametrize("announce", [True, False], ids=["announced", "found out"])
async def test_a_mail_that_is_too_big_goes_out_once_more_without_html(announce: bool) -> None:
    async with (
        SmtpSink(size_limit=10_000, announce_size=announce) as sink,
        channel_to(sink.port) as channel,
    ):
        receipt = await send(channel, RICH)
    (mail,) = sink.received
    assert receipt.delivered == (OPS,)
    assert (mail.text, mail.html) == ("short text\n", "")
    assert mail.headers["Message-ID"] == "<delivery-1@example.com>"
    assert sink.commands.count("DATA") == (1 if announce else 2)


async def test_552_after_the_dot_is_answered_without_html_and_the_second_time_final() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail("accept", "552 5.3.4 message too big for system")
        error = await failure(channel, RICH)
        assert isinstance(error, Permanent)
        assert "552 5.3.4" in error.answer
        assert sink.commands.count("DATA") == 2


async def test_a_plain_mail_that_is_too_big_is_permanent_at_once() -> None:
    async with SmtpSink(size_limit=1000) as sink, channel_to(sink.port) as channel:
        error = await failure(channel, message("x " * 2000))
        assert isinstance(error, Permanent)
        assert "1000 bytes" in error.answer
        assert "DATA" not in sink.commands


async def test_the_size_is_told_where_the_server_asks_for_it() -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        await send(channel)
    (line,) = [line for line in sink.commands if line.startswith("MAIL")]
    assert line == f"MAIL FROM:<hbalert@example.com> SIZE={len(sink.received[0].raw)}"


# --- silence and lost connections ------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "accept"])
async def test_a_server_that_falls_silent_is_a_timeout(stage: str) -> None:
    async with (
        SmtpSink(auth=AUTH) as sink,
        channel_to(
            sink.port, timeout="200ms", data_timeout="200ms", username=AUTH[0], password=AUTH[1]
        ) as channel,
    ):
        sink.fail(stage, SILENCE)
        async with asyncio.timeout(10):
            error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "timeout"
    assert f"127.0.0.1:{sink.port}" in error.answer


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_falls_silent_during_tls_is_a_timeout(
    security: Any, server_tls: ssl.SSLContext
) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if security == "starttls":
            writer.write(b"220 hello\r\n")
            await reader.readline()
            writer.write(b"250-mail.example.com\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go ahead\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, channel_to(port, security=security, timeout="200ms") as channel:
        async with asyncio.timeout(10):
            error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "timeout"


async def test_a_server_that_drips_is_cut_off_as_a_whole() -> None:
    """Every reply comes just in time, and there is always one more."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            await asyncio.sleep(0.03)
            writer.write(b"250 ok\r\n" if not line.startswith(b"DATA") else b"354 go\r\n")
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    people = [f"p{number}@example.com" for number in range(50)]
    async with server, channel_to(port, to=people, timeout="150ms", data_timeout="150ms") as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "timeout"
    assert "was not done within 1.05 s" in error.answer


@pytest.mark.parametrize("stage", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_connection_lost_before_the_mail_was_out_is_a_network_matter(stage: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        sink.fail(stage, DISCONNECT)
        error = await failure(channel)
        assert isinstance(error, Transient)
        assert error.reason == "network"
        assert sink.received == []


async def test_a_connection_lost_after_the_dot_is_not_retried_here_and_repeats_with_the_same_id() -> None:
    """The server had the mail: only the loop may decide to send it again, and stores can drop the copy."""
    async with SmtpSink() as sink, channel_to(sink.port) as channel:
        await send(channel, delivery_id="before")
        sink.fail("accept", DISCONNECT, times=1)
        error = await failure(channel, delivery_id="d1")
        assert isinstance(error, Transient)
        assert "may have been accepted" in error.answer
        assert len(sink.received) == 2
        await send(channel, delivery_id="d1", now=NOW + timedelta(minutes=1))
    _, first, second = sink.received
    assert first.headers["Message-ID"] == second.headers["Message-ID"] == "<d1@example.com>"


@pytest.mark.parametrize("what", [DISCONNECT, "451 4.3.0 later", "554 5.7.1 spam", "451 4.7.0 rate limit"])
async def test_refused_recipients_are_not_forgotten_when_the_mail_then_fails(what: str) -> None:
    async with SmtpSink() as sink, channel_to(sink.port, to=[BOSS, OPS]) as channel:
        sink.fail("RCPT", "550 5.1.1 unknown", recipient=BOSS)
        sink.fail("accept", what)
        error = await failure(channel)
    assert error.refused == {BOSS: "550 5.1.1 unknown"}
    assert error.delivered == ()


async def test_nobody_listening_is_a_network_matter() -> None:
    async with nobody_listening() as port, channel_to(port) as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "network"
    assert f"127.0.0.1:{port}: cannot connect: Connection refused" in error.answer


async def test_a_name_that_does_not_exist_is_a_network_matter() -> None:
    async with channel_to(25, smarthost="mail.hbalert.invalid:25") as channel:
        error = await failure(channel)
    assert isinstance(error, Transient)
    assert error.reason == "network"
    assert "mail.hbalert.invalid:25" in error.answer


async def test_a_session_refused_while_it_is_opened_leaves_no_connection_behind(
    server_tls: ssl.SSLContext,
) -> None:
    async with SmtpSink(tls="starttls", ssl_context=server_tls) as sink:
        server = Server("127.0.0.1", sink.port, "starttls", "example.com")
        for _ in range(3):
            with pytest.raises(Permanent):
                await open_session(server)
        async with asyncio.timeout(5):
            while sink._open:
                await asyncio.sleep(0.01)


async def test_no_error_holds_the_password() -> None:
    """Every stage, every kind of failure."""
    async with SmtpSink(auth=AUTH) as sink:
        for stage in ("connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "accept"):
            for what in (DISCONNECT, f"550 5.0.0 {PASSWORD}", f"451 4.0.0 {PASSWORD}"):
                async with channel_to(sink.port, username=AUTH[0], password=PASSWORD) as channel:
                    sink.fail(stage, what)
                    error = await failure(channel)
                    assert PASSWORD not in words_of(error), (stage, what)
                    sink.recover()
