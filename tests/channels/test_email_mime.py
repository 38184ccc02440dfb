"""Mails as bytes: structure, headers, and that nothing breaks out of its line."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbalert.channels.email_mime import SUBJECT_CHARS, Envelope, build
from hbalert.config.mailbox import Mailbox, parse_mailbox
from hbalert.ports import Message
from tests.channels.wire import NOW, message

SENDER = parse_mailbox("hbalert 告警 <hbalert@example.com>")
TO = (Mailbox("Ops, first shift", "ops@example.com"), Mailbox("", "night@example.org"))


def mail(what: Message | None = None, **keys: Any) -> tuple[bytes, EmailMessage]:
    envelope = keys.pop("envelope", Envelope(SENDER, TO))
    keys = dict[str, Any](delivery_id="d-1", now=NOW) | keys
    raw = build(what or message(), envelope, **keys)
    parsed = message_from_bytes(raw, policy=default)
    return raw, parsed


def lines(raw: bytes) -> list[bytes]:
    assert b"\n" not in raw.replace(b"\r\n", b""), "every line ends with CR LF"
    return raw.split(b"\r\n")


def content(parsed: EmailMessage, subtype: str) -> str:
    part = parsed.get_body((subtype,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def test_html_is_an_alternative_that_comes_after_the_plain_text() -> None:
    _, parsed = mail(replace(message("plain"), html="<p>rich</p>"))
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert content(parsed, "plain") == "plain\n"
    assert content(parsed, "html") == "<p>rich</p>\n"


@pytest.mark.parametrize("keys", [{}, {"with_html": False}], ids=["none to send", "left out"])
def test_without_html_the_mail_is_plain_text_alone(keys: dict[str, bool]) -> None:
    what = replace(message("plain"), html="<p>rich</p>" if keys else "")
    _, parsed = mail(what, **keys)
    assert parsed.get_content_type() == "text/plain"
    assert not parsed.is_multipart()


def test_the_headers_say_who_what_when_and_that_a_machine_wrote_it() -> None:
    raw, parsed = mail(replace(message(), thread="g1"))
    heads = {name: str(value) for name, value in parsed.items()}
    root = heads.pop("References")
    assert re.fullmatch(r"<thread-[0-9a-f]{32}@example\.com>", root)
    assert {name: heads[name] for name in heads if not name.startswith(("Content-", "MIME"))} == {
        "From": "hbalert 告警 <hbalert@example.com>",
        "To": '"Ops, first shift" <ops@example.com>, night@example.org',
        "Subject": "[FIRING] HummingbotDown",
        "Date": "Fri, 02 Jan 2026 03:04:05 +0000",
        "Message-ID": "<d-1@example.com>",
        "In-Reply-To": root,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Hbalert-Status": "firing",
        "X-Hbalert-Reason": "first notification",
        "X-Hbalert-Delivery": "d-1",
    }
    assert max(map(len, lines(raw))) <= 78


def test_an_urgent_mail_says_so_and_another_does_not() -> None:
    _, urgent = mail(replace(message(), urgent=True))
    _, usual = mail()
    assert (urgent["Importance"], urgent["X-Priority"]) == ("high", "1")
    assert (usual["Importance"], usual["X-Priority"]) == (None, None)


def test_the_resolve_threads_under_the_firing_mail_and_another_group_elsewhere() -> None:
    _, firing = mail(replace(message(), thread="g1"), delivery_id="d-1")
    _, resolve = mail(replace(message(resolved=True), thread="g1"), delivery_id="d-2")
    _, other = mail(replace(message(), thread="g2"), delivery_id="d-3")
    assert firing["References"] == resolve["References"] == resolve["In-Reply-To"]
    assert firing["Message-ID"] != resolve["Message-ID"]
    assert other["References"] != firing["References"]
    assert (resolve["X-Hbalert-Status"], resolve["X-Hbalert-Reason"]) == ("resolved", "all alerts resolved")


def test_the_message_id_is_the_same_over_all_attempts() -> None:
    _, first = mail(delivery_id="0190a", now=NOW)
    _, second = mail(delivery_id="0190a", now=NOW + timedelta(minutes=5))
    assert first["Message-ID"] == second["Message-ID"] == "<0190a@example.com>"
    assert first["Date"] != second["Date"]


def test_a_long_domain_does_not_garble_the_ids() -> None:
    """The library would fold such ids as encoded words, and no program would find the thread."""
    sender = Mailbox("", "a@" + "very-long-subdomain." * 5 + "example.com")
    raw, _ = mail(replace(message(), thread="g"), envelope=Envelope(sender, TO), delivery_id="d" * 36)
    for name in (b"Message-ID", b"In-Reply-To", b"References"):
        (line,) = [line for line in lines(raw) if line.startswith(name + b": ")]
        assert re.fullmatch(rb"[\w-]+: <[\w-]+@(very-long-subdomain\.){5}example\.com>", line)


@pytest.mark.parametrize("odd", ["a b", "a\r\nBcc: x@example.com", "<x>", "运维", "", "x" * 65])
def test_an_odd_delivery_id_becomes_a_proper_and_constant_message_id(odd: str) -> None:
    _, first = mail(delivery_id=odd)
    _, second = mail(delivery_id=odd)
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.com>", str(first["Message-ID"]))
    assert first["Message-ID"] == second["Message-ID"]


def test_the_date_carries_the_zone_of_now() -> None:
    _, parsed = mail(now=datetime(2026, 1, 2, 11, 4, 5, tzinfo=timezone(timedelta(hours=8))))
    assert parsed["Date"] == "Fri, 02 Jan 2026 11:04:05 +0800"


def test_replies_go_where_reply_to_says() -> None:
    _, parsed = mail(envelope=Envelope(SENDER, TO, Mailbox("团队", "team@example.com")))
    assert parsed["Reply-To"] == "团队 <team@example.com>"


# --- what alerts bring along -----------------------------------------------------------------------


CHINESE = (
    "[告警:2] 订单失败率过高（hummingbot-01），最近三分钟内有 37% 的订单失败，请尽快处理；交易对 BTC-USDT"
)


def test_a_chinese_subject_survives_in_words_of_at_most_75_characters() -> None:
    raw, parsed = mail(message(subject=CHINESE))
    assert parsed["Subject"] == CHINESE
    folded = raw.partition(b"Subject: ")[2].partition(b"\r\nDate")[0]
    assert max(len(line) for line in folded.split(b"\r\n")) <= 78
    for word in re.findall(rb"=\?[^?]+\?[bq]\?[^?]*\?=", folded):
        assert len(word) <= 75


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        pytest.param("down\r\nBcc: thief@example.com", "down Bcc: thief@example.com", id="CR LF"),
        pytest.param("down\nX-Evil: 1\n\nbody", "down X-Evil: 1 body", id="LF and a body"),
        pytest.param(
            "a\x00b\x0bc\x0cd\x1ce\x85f\u2028g\u2029h", "a b c d e f g h", id="what Python splits at"
        ),
        pytest.param("\u202eevil\u202c", "evil", id="turned around"),
        pytest.param("=?utf-8?q?a=0ABcc:_x?= spoof", "=?utf-8?q?a=0ABcc:_x?= spoof", id="an encoded word"),
        pytest.param("中 =?utf-8?b?5Lit?=", "中 =?utf-8?b?5Lit?=", id="an encoded word beside Chinese"),
        pytest.param("", "firing", id="empty"),
        pytest.param(" \r\n\t", "firing", id="blank"),
    ],
)
def test_a_subject_cannot_be_more_than_one_line_of_text(subject: str, expected: str) -> None:
    raw, parsed = mail(message(subject=subject))
    assert parsed["Subject"] == expected
    assert parsed["Bcc"] is None
    assert parsed["X-Evil"] is None
    assert content(parsed, "plain").startswith("**HummingbotDown**")
    assert b"\nBcc" not in raw


@given(
    st.text(
        alphabet=st.sampled_from("abc XYZ 019 []():,;@<>\"'\\=?_-./#🎉中文告警é%~\r\n\x00\u2028"),
        max_size=300,
    ),
    st.text(max_size=120),
)
@settings(max_examples=300, deadline=None)
def test_any_subject_arrives_as_it_is_shown(mixed: str, wild: str) -> None:
    """The standard library's own folding loses blanks in about one of twenty of these."""
    for subject in (mixed, wild):
        raw, parsed = mail(message(subject=subject))
        shown = str(parsed["Subject"])
        (again,) = [mail(message(subject=shown))[1]["Subject"]]
        assert shown == again, "what arrived is stable"
        plain = " ".join(subject.split())
        if plain.isprintable() and 0 < len(plain) <= SUBJECT_CHARS:
            assert shown == plain
        assert len(shown) <= SUBJECT_CHARS
        head = raw.split(b"\r\n\r\n")[0]
        assert head.isascii()
        assert [line for line in lines(head) if len(line) > 78] == []
        assert parsed.defects == []
        assert parsed.keys() == mail()[1].keys()


@given(st.text(max_size=400), st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_body_arrives_in_short_ascii_lines(text: str, html: str) -> None:
    what = replace(message(text), html=html)
    raw, parsed = mail(what)
    assert raw.isascii()
    assert max(len(line) for line in lines(raw)) <= 78
    unseen = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
    wanted = unseen.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    assert content(parsed, "plain").rstrip("\n") == wanted.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("all is plain\n.\n.dot\nFrom here", "7bit", id="short ASCII: as it is"),
        pytest.param("déjà vu, " + "mostly latin " * 20, "quoted-printable", id="mostly Latin"),
        pytest.param("订单失败率过高，" * 40, "base64", id="mostly Chinese: a third of the size"),
        pytest.param("x" * 5000, "quoted-printable", id="one long line"),
    ],
)
def test_the_encoding_is_the_one_that_suits_the_content(text: str, encoding: str) -> None:
    _, parsed = mail(message(text))
    assert parsed["Content-Transfer-Encoding"] == encoding
    assert content(parsed, "plain") == text + "\n"


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    _, parsed = mail(message("broken \ud83d text", subject="broken \ud83d subject"))
    assert content(parsed, "plain") == "broken ? text\n"
    assert parsed["Subject"] == "broken subject"


def test_two_hundred_recipients_are_all_listed_on_folded_lines() -> None:
    everyone = tuple(Mailbox(f"值班 {n}", f"person{n}@example.com") for n in range(200))
    raw, parsed = mail(envelope=Envelope(SENDER, everyone))
    header: Any = parsed["To"]
    assert [(found.display_name, found.addr_spec) for found in header.addresses] == [
        (mailbox.name, mailbox.address) for mailbox in everyone
    ]
    assert max(map(len, lines(raw))) <= 998
