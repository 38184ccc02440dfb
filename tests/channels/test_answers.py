"""Answers of far sides: short, on one line, without secrets; waits and clocks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.channels.answers import (
    LONGEST_WAIT,
    clock_difference,
    excerpt,
    is_html,
    no_answer,
    page_words,
    parse_json,
    parse_object,
    retry_after,
)
from hbalert.outbound import Unreachable
from tests.channels.wire import NOW

SECRET = "s3cret/key+1=="


@pytest.mark.parametrize("form", [SECRET, "s3cret%2Fkey%2B1%3D%3D", "s3cret/key%2B1%3D%3D"])
def test_a_secret_is_hidden_however_it_is_encoded(form: str) -> None:
    assert excerpt(f"no key {form}!", hide={SECRET: "***"}) == "no key ***!"


def test_of_two_secrets_the_longer_is_hidden_first() -> None:
    assert excerpt("abcdefgh", hide={"abcd": "1", "abcdefgh": "2"}) == "2"


def test_what_is_too_short_to_be_a_secret_garbles_nothing() -> None:
    assert excerpt("a bad day", hide={"a": "***", "": "***"}) == "a bad day"


def test_an_excerpt_is_one_line_without_control_characters() -> None:
    assert excerpt("a\r\n\x1b[31mb\u202e\x00\ud800 c\t") == "a [31mb c"


@given(st.text(max_size=600))
def test_an_excerpt_is_always_short_and_printable(text: str) -> None:
    line = excerpt(text)
    assert len(line) <= 200
    line.encode()
    assert "\n" not in line


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("99999999999999999999", 3600.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0.0),
        ("Fri, 02 Jan 2099 03:04:00 GMT", 3600.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_an_hour(header: str, seconds: float | None) -> None:
    wait = retry_after({"retry-after": header}, NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))
    assert wait is None or wait <= LONGEST_WAIT


@given(st.text(max_size=40))
def test_no_header_breaks_the_reader(text: str) -> None:
    retry_after({"retry-after": text}, NOW)
    assert clock_difference({"date": text}, NOW)


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Fri, 02 Jan 2026 03:04:05 GMT", "our clock agrees with theirs"),
        ("Fri, 02 Jan 2026 04:04:05 GMT", "our clock is 3600 s behind theirs; set it by NTP"),
        ("Fri, 02 Jan 2026 02:04:05 -0000", "our clock is 3600 s ahead of theirs; set it by NTP"),
        ("", "our clock says 2026-01-02 03:04:05 UTC"),
    ],
)
def test_the_clocks_are_compared(date: str, words: str) -> None:
    assert clock_difference({"date": date}, NOW) == words


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "nul", "1" * 5000])
def test_what_is_no_json_is_none(text: str) -> None:
    assert parse_json(text) is None
    assert parse_object(text) is None


def test_only_an_object_is_an_object() -> None:
    assert parse_object('{"a": 1}') == {"a": 1}
    assert parse_object("[1]") is None


def test_a_page_is_known_by_its_type_or_its_beginning() -> None:
    assert is_html({"content-type": "text/html; charset=utf-8"}, "x")
    assert is_html({}, " \n<!doctype html>")
    assert not is_html({"content-type": "application/json"}, "{}")
    assert page_words("<p>a</p><" + "<" * 100_000).split()[0] == "a"


@pytest.mark.parametrize(
    ("reason", "expected"), [("timeout", "timeout"), ("network", "network"), ("tls", "network")]
)
def test_no_answer_is_transient(reason: str, expected: str) -> None:
    error = no_answer(Unreachable(f"no {SECRET}", reason=reason, sent=True), "Somebody", hide={SECRET: "***"})
    assert (str(error), error.reason) == ("Somebody: no ***", expected)
