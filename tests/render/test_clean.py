"""What others wrote cannot do anything in a message, and reads the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.render.clean import clean, cut, cut_bytes, markdown, one_line, safe_url, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nBcc: all@example.com", "a Bcc: all@example.com"),
        ("a\u2028b\x85c\vd", "a b c d"),
        ("\x00a\x1b[31mb\x7f\x9b", "a[31mb"),
        ("pay \u202egnp.exe\u202c", "pay gnp.exe"),
        ("\u2066x\u2069\u200fy\ufeff", "xy"),
        ("\ud800a\udfff", "a"),
        ("  a \t\u00a0 b  ", "a b"),
        ("مرحبا 👩‍👩‍👧 é 价格", "مرحبا 👩‍👩‍👧 é 价格"),
    ],
)
def test_a_line_has_no_breaks_controls_or_turned_directions(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_a_text_of_several_lines_keeps_them() -> None:
    assert clean("a\r\nb\rc\n\nd\n") == "a\nb\nc\n\nd"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("x" * 100_000, 10) == "x" * 9 + "…"
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("abcd", 3, "...") == "abc"


@pytest.mark.parametrize("limit", range(1, 16))
def test_bytes_are_cut_between_characters(limit: int) -> None:
    text = "价🚨é"
    cut_text = cut_bytes(text * 3, limit)
    assert size(cut_text) <= limit
    assert "\ufffd" not in cut_text


def test_a_text_of_exactly_the_limit_stays_whole() -> None:
    text = "价格" * 10
    assert cut_bytes(text, 60) == text
    assert cut_bytes(text, 59) == "价格" * 9 + "…"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@13800000000 @all", "＠13800000000 ＠all"),
        ("# heading", "＃ heading"),
        ("> quote", "＞ quote"),
        ("- item", "－ item"),
        ("1. item", "1． item"),
        ("1.5 %", "1.5 %"),
        ("[x](http://evil.example.com)", "［x］(http://evil.example.com)"),
        ("![](http://evil.example.com/a.png)", "！［］(http://evil.example.com/a.png)"),
        ("`code` **bold** ~~gone~~", "ˋcodeˋ ＊＊bold＊＊ ～～gone～～"),
        ("a\n# b\n\n> c", "a # b > c"),
        ("<font color=red>x</font>", "＜font color=red>x＜/font>"),
        ("a&nbsp;b &#35; R&D", "a＆nbsp;b ＆#35; R&D"),
        ("binance_perpetual 10.0.0.5:9091 {a=b}", "binance_perpetual 10.0.0.5:9091 {a=b}"),
        ("", ""),
    ],
)
def test_markdown_of_others_does_nothing(text: str, expected: str) -> None:
    assert markdown(text) == expected


@given(st.text())
def test_no_text_keeps_a_sign_that_dingtalk_acts_on(text: str) -> None:
    line = markdown(text)
    assert not set(line) & set("@[]`*<\\\n\r\u2028")
    assert not line.startswith(("#", ">", "-", "+", "!"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://wiki.example.com/a?b=c&d=%20#e", "https://wiki.example.com/a?b=c&d=%20#e"),
        ("http://127.0.0.1:9090/graph?g0.expr=up%7B%7D", "http://127.0.0.1:9090/graph?g0.expr=up%7B%7D"),
        ("http://[::1]:9090/", "http://[::1]:9090/"),
        ("https://wiki.example.com", "https://wiki.example.com"),
        ("https://wiki.example.com/a b)c](x)", "https://wiki.example.com/a%20b%29c%5D%28x%29"),
        ("https://wiki.example.com/\"onclick=\"x", "https://wiki.example.com/%22onclick=%22x"),
        ("https://wiki.example.com/@13800000000", "https://wiki.example.com/%4013800000000"),
        ("https://wiki.example.com/价格", "https://wiki.example.com/%E4%BB%B7%E6%A0%BC"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("dingtalk://dingtalkclient/page/link?url=x", ""),
        ("//example.com/x", ""),
        ("/relative", ""),
        ("https://bank.example.com@evil.example.com/", ""),
        ("https://a b/", ""),
        ("https://", ""),
        ("https://x.example.com/\nX: y", ""),
        ("https://x.example.com/" + "a" * 3000, ""),
        ("", ""),
    ],
)  # fmt: skip
def test_only_a_plain_web_address_becomes_a_link(url: str, expected: str) -> None:
    assert safe_url(url) == expected
