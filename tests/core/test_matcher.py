"""Matchers: what they select, how they are written and how they are printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hbalert.core.matcher import Matcher, Op, make, matches, parse, parse_list, text
from hbalert.core.matcher_text import Condition, Verdict, read_list, read_one


def whole(pattern: str) -> Callable[[str], bool]:
    """A compiler good enough for these tests; production hands in RE2."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r}: {error}") from None
    return lambda value: compiled.fullmatch(value) is not None


def triple(matcher: Matcher) -> tuple[str, str, str]:
    return matcher.name, matcher.op.value, matcher.value


# --- what they select --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "value", "label", "selects"),
    [
        pytest.param("=", "a", "a", True, id="equal"),
        pytest.param("=", "a", "b", False, id="equal, another value"),
        pytest.param("=", "", None, True, id="a label that is not there counts as empty"),
        pytest.param("!=", "a", "b", True, id="not equal"),
        pytest.param("!=", "a", "a", False, id="not equal, the same value"),
        pytest.param("!=", "a", None, True, id="not equal, no label"),
        pytest.param("=~", "a|b", "b", True, id="pattern"),
        pytest.param("=~", "a", "ab", False, id="a pattern must match the whole value"),
        pytest.param("=~", ".*", None, True, id="a pattern that matches the empty text, no label"),
        pytest.param("!~", "a.*", "abc", False, id="not like"),
        pytest.param("!~", "a.*", "bc", True, id="not like, another value"),
    ],
)
def test_a_matcher_selects(op: str, value: str, label: str | None, selects: bool) -> None:
    labels = {} if label is None else {"x": label}
    matcher = make("x", Op(op), value, whole)
    assert matcher.matches(labels) is selects
    assert matches([matcher], labels) is selects


def test_all_matchers_must_hold_and_none_at_all_hold_for_everything() -> None:
    both = [make("a", Op.EQUAL, "1", whole), make("b", Op.EQUAL, "2", whole)]
    assert matches(both, {"a": "1", "b": "2"})
    assert not matches(both, {"a": "1"})
    assert matches([], {"a": "1"})


def test_a_pattern_that_does_not_compile_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("'('")):
        make("x", Op.REGEX, "(", whole)


@pytest.mark.parametrize(
    ("op", "is_regex", "is_equal"),
    [("=", False, True), ("!=", False, False), ("=~", True, True), ("!~", True, False)],
)
def test_a_matcher_tells_the_two_flags_of_the_wire_format(op: str, is_regex: bool, is_equal: bool) -> None:
    matcher = make("x", Op(op), "v", whole)
    assert (matcher.is_regex, matcher.is_equal) == (is_regex, is_equal)


def test_matchers_are_equal_when_what_they_say_is() -> None:
    assert make("x", Op.REGEX, "a", whole) == make("x", Op.REGEX, "a", whole)
    assert make("x", Op.REGEX, "a", whole) != make("x", Op.EQUAL, "a", whole)


def test_a_list_prints_sorted_and_quotes_names_that_need_it() -> None:
    matchers = parse_list('{b=~"x.*", "a b"!="say \\"hi\\""}', whole)
    assert text(matchers) == '{"a b"!="say \\"hi\\"",b=~"x.*"}'


# --- how they are written ----------------------------------------------------------------------

BOTH = [
    pytest.param("foo=bar", ("foo", "=", "bar"), id="bare"),
    pytest.param('foo="bar"', ("foo", "=", "bar"), id="in quotes"),
    pytest.param('  foo  !=  "bar"  ', ("foo", "!=", "bar"), id="blanks around everything"),
    pytest.param('foo=~"b.*|c"', ("foo", "=~", "b.*|c"), id="pattern"),
    pytest.param("foo!~b.*", ("foo", "!~", "b.*"), id="bare pattern"),
    pytest.param('foo=""', ("foo", "=", ""), id="empty in quotes"),
    pytest.param('foo="a,b"', ("foo", "=", "a,b"), id="comma in quotes"),
    pytest.param('foo="{a}b"', ("foo", "=", "{a}b"), id="braces in quotes"),
    pytest.param('foo="a\\nb\\"c\\\\d"', ("foo", "=", 'a\nb"c\\d'), id="the escapes they share"),
    pytest.param("a:b=c", ("a:b", "=", "c"), id="a colon in the name"),
    pytest.param('foo="日本"', ("foo", "=", "日本"), id="a value of other letters"),
]
ONLY_CLASSIC = [
    pytest.param("foo=", ("foo", "=", ""), id="nothing after the operator"),
    pytest.param("foo=a b", ("foo", "=", "a b"), id="a blank inside a bare value"),
    pytest.param("foo=!bar", ("foo", "=", "!bar"), id="an operator sign begins the value"),
    pytest.param("foo==x", ("foo", "=", "=x"), id="two equals signs"),
    pytest.param("foo=it's", ("foo", "=", "it's"), id="an apostrophe"),
    pytest.param("foo=a\\nb", ("foo", "=", "a\nb"), id="an escape in a bare value"),
    pytest.param('foo=a\\"b', ("foo", "=", 'a"b'), id="an escaped quote in a bare value"),
    pytest.param("foo=a\\\\b", ("foo", "=", "a\\b"), id="an escaped backslash in a bare value"),
    pytest.param("foo=a\\", ("foo", "=", "a\\"), id="a backslash at the end"),
    pytest.param('foo="a\\d+"', ("foo", "=", "a\\d+"), id="an escape no Go string has stays as it is"),
    pytest.param('foo="a\nb"', ("foo", "=", "a\nb"), id="a line break in quotes"),
    pytest.param("foo=a,b", ("foo", "=", "a,b"), id="a comma in a single matcher"),
]
ONLY_UTF8 = [
    pytest.param("foo🙂=bar", ("foo🙂", "=", "bar"), id="a name of other letters"),
    pytest.param("a-b=c", ("a-b", "=", "c"), id="a dash in the name"),
    pytest.param('"a b"="c"', ("a b", "=", "c"), id="a name in quotes"),
    pytest.param('"\\u00e4"=x', ("ä", "=", "x"), id="a name in quotes with an escape"),
    pytest.param("a-b=c,", ("a-b", "=", "c"), id="a comma at the end"),
]
DIFFERENT = [
    pytest.param('foo="\\x41"', ("foo", "=", "\\x41"), id="a byte escape"),
    pytest.param('foo="\\101"', ("foo", "=", "\\101"), id="an octal escape"),
    pytest.param('foo="\\t"', ("foo", "=", "\\t"), id="a tab escape"),
    pytest.param('foo="\\U0001f642"', ("foo", "=", "\\U0001f642"), id="a long escape"),
    pytest.param('foo="\\xf0\\x9f\\x99\\x82"', ("foo", "=", "\\xf0\\x9f\\x99\\x82"), id="four bytes"),
    pytest.param("foo=bar,", ("foo", "=", "bar,"), id="a comma at the end"),
]


@pytest.mark.parametrize(
    ("verdict", "spelling", "said"),
    [
        pytest.param(verdict, *each.values, id=f"{verdict.name.lower()}: {each.id}")
        for verdict, table in (
            (Verdict.SAME, BOTH),
            (Verdict.ONLY_CLASSIC, ONLY_CLASSIC),
            (Verdict.ONLY_UTF8, ONLY_UTF8),
            (Verdict.DIFFERENT, DIFFERENT),
        )
        for each in table
    ],
)
def test_a_matcher_reads_as_in_alertmanager(
    verdict: Verdict, spelling: str, said: tuple[str, str, str]
) -> None:
    assert triple(parse(spelling, whole)) == said
    reading = read_one(spelling)
    assert reading.verdict is verdict
    assert reading.candidates[0] == (Condition(*said),)


def test_where_the_dialects_differ_the_second_reading_is_the_utf8_one() -> None:
    assert read_one('foo="\\x41"').candidates[1] == (Condition("foo", "=", "A"),)


def test_a_pattern_only_the_utf8_reading_makes_valid_is_read_so() -> None:
    """`\\U0001f642` is no escape of a regular expression, but one of a Go string."""
    assert triple(parse('foo=~"\\U0001f64"', lambda pattern: whole("x"))) == ("foo", "=~", "\\U0001f64")

    def no_backslash(pattern: str) -> Callable[[str], bool]:
        if "\\" in pattern:
            raise ValueError(f"{pattern!r} is not a valid regular expression")
        return whole(pattern)

    assert triple(parse('foo=~"\\U0001f642"', no_backslash)) == ("foo", "=~", "🙂")
    with pytest.raises(ValueError, match=re.escape("not a valid regular expression")):
        parse('foo=~"\\\\\\\\"', no_backslash)


NEITHER = [
    pytest.param("", "is not a matcher", id="nothing"),
    pytest.param("foo", "is not a matcher", id="only a name"),
    pytest.param("foo!bar", "is not a matcher", id="half an operator"),
    pytest.param("=bar", "is not a matcher", id="no name"),
    pytest.param('""=bar', "is not a matcher", id="an empty name in quotes"),
    pytest.param("1a =", "is not a matcher", id="a name that begins with a digit, and no value"),
    pytest.param("{foo=bar}", "without braces", id="braces"),
    pytest.param("foo=bar}", "without braces", id="a closing brace"),
    pytest.param('foo="bar', "closing double quote is missing", id="an open quote"),
    pytest.param('foo=bar"', "needs a backslash", id="a closing quote only"),
    pytest.param('foo == "bar"', "two equals signs", id="two equals signs and quotes"),
    pytest.param('foo="a"b', "needs a backslash", id="text after the quotes"),
    pytest.param("a-b=c,d-e=f", "is not a matcher", id="two matchers"),
    pytest.param('a-b="\\ud800"', "is not a matcher", id="half a surrogate pair"),
    pytest.param('a-b="\\Uffffffff"', "is not a matcher", id="beyond Unicode"),
    pytest.param('a-b="\\xff"', "is not a matcher", id="a byte that is no UTF-8"),
    pytest.param('a-b="\\q"', "is not a matcher", id="an escape that does not exist"),
    pytest.param('a-b="x" "y"', "is not a matcher", id="two values"),
    pytest.param("foo=\ud800", "not valid UTF-8", id="a surrogate"),
    pytest.param('foo=~"("', "'('", id="no valid pattern"),
]


@pytest.mark.parametrize(("spelling", "complaint"), NEITHER)
def test_a_text_that_is_no_matcher_is_refused_with_the_reason(spelling: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse(spelling, whole)


@pytest.mark.parametrize(
    ("spelling", "said"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("{}", [], id="braces only"),
        pytest.param(" { } ", None, id="blanks around the braces: the classic dialect knows no such thing"),
        pytest.param("{foo=bar}", [("foo", "=", "bar")], id="braces"),
        pytest.param("foo=bar,a!=b", [("foo", "=", "bar"), ("a", "!=", "b")], id="no braces"),
        pytest.param('{foo="a,b", c=~"d"}', [("foo", "=", "a,b"), ("c", "=~", "d")], id="quoted comma"),
        pytest.param("{foo=bar,}", [("foo", "=", "bar")], id="a comma at the end"),
        pytest.param('foo="a\\",b", c=d', [("foo", "=", 'a",b'), ("c", "=", "d")], id="an escaped quote"),
        pytest.param("foo=bar}", [("foo", "=", "bar")], id="classic: the closing brace alone is cut off"),
        pytest.param("{foo=bar", [("foo", "=", "bar")], id="classic: the opening brace alone is cut off"),
        pytest.param("{foo=bar}}", [("foo", "=", "bar}")], id="classic: one brace is cut off"),
        pytest.param("{foo=,bar=}}", [("foo", "=", ""), ("bar", "=", "}")], id="classic: empty values"),
        pytest.param("{foo=\\,bar=x}", [("foo", "=", "\\"), ("bar", "=", "x")], id="classic: a backslash"),
        pytest.param("{a-b=c, d=e}", [("a-b", "=", "c"), ("d", "=", "e")], id="a dash in the name"),
        pytest.param('{"a b"=c,d-e=f,}', [("a b", "=", "c"), ("d-e", "=", "f")], id="a comma, UTF-8"),
    ],
)
def test_a_list_of_matchers_reads_as_in_alertmanager(
    spelling: str, said: list[tuple[str, str, str]] | None
) -> None:
    if said is None:
        assert read_list(spelling).verdict is Verdict.ONLY_UTF8
        said = []
    assert [triple(matcher) for matcher in parse_list(spelling, whole)] == said


@pytest.mark.parametrize(
    ("spelling", "complaint"),
    [
        pytest.param("{,}", "'' is not a matcher", id="a comma only"),
        pytest.param("a=b,,c=d", "'' is not a matcher", id="two commas"),
        pytest.param("{a-b=c", "is not a matcher", id="UTF-8 and no closing brace"),
        pytest.param("a-b=c d=e", "is not a matcher", id="UTF-8 and no comma"),
        pytest.param("{{foo=bar", "'{foo=bar' is not a matcher", id="two braces"),
        pytest.param("{foo=bar,\udfff}", "not valid UTF-8", id="a surrogate"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_the_reason(spelling: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_list(spelling, whole)


@given(st.text(max_size=40))
def test_any_text_is_a_matcher_or_is_refused(spelling: str) -> None:
    for read in (parse, parse_list):
        with suppress(ValueError):
            read(spelling, whole)


@given(
    st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]*", fullmatch=True),
    st.sampled_from(["=", "!="]),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])),
)
def test_what_is_printed_reads_back(name: str, op: str, value: str) -> None:
    matcher = make(name, Op(op), value, whole)
    assert parse(str(matcher), whole) == matcher
    assert parse_list(text([matcher, matcher]), whole) == (matcher, matcher)


@given(st.text(alphabet="ab={}!~,\\\"'` \n🙂", max_size=12))
def test_blanks_at_the_ends_never_change_what_is_read(spelling: str) -> None:
    def read(spelling: str) -> list[tuple[str, str, str]] | None:
        try:
            return [triple(matcher) for matcher in parse_list("{" + spelling + "}", lambda pattern: bool)]
        except ValueError:
            return None

    if not spelling.endswith((",", "\\")):
        assert read(spelling) == read(f" {spelling} ")


@given(st.text(max_size=8), st.sampled_from(["=", "!="]), st.text(max_size=12))
def test_a_matcher_is_spelt_so_that_it_is_read_as_itself(name: str, op: str, value: str) -> None:
    """Whatever it holds: a control character in the value does not read as another one."""
    assume(name)
    made = make(name, Op(op), value, whole)
    assert parse(made.spell(), whole) == made


def test_what_both_dialects_know_is_escaped_and_nothing_else() -> None:
    assert make("a", Op.EQUAL, 'say "hi"\n\\ \x7f', whole).spell() == 'a="say \\"hi\\"\\n\\\\ \x7f"'
    assert make("a.b", Op.EQUAL, "c", whole).spell() == '"a.b"="c"'
