"""Positions: the line of every key, whatever way TOML is written in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.config.positions import Path, scan


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param("a = 1\nb = 2", ("b",), 2, id="a key"),
        pytest.param("# c\n\n[t]\nk = 1", ("t", "k"), 4, id="in a table, after a comment"),
        pytest.param("[t.u]\n\n[t]\nk = 1", ("t",), 3, id="a table that is named after its child"),
        pytest.param("[[t]]\nk = 1\n[[t]]\nk = 2", ("t", 1, "k"), 4, id="an array of tables"),
        pytest.param("[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\nk = 1", ("t", 1, "u", 0, "k"), 5, id="nested arrays"),
        pytest.param("[[t]]\n[t.u]\nk = 1", ("t", 0, "u", "k"), 3, id="a table in an array of tables"),
        pytest.param("a.b.c = 1\na.d = 2", ("a", "d"), 2, id="a dotted key"),
        pytest.param('"a b" . "c.d" = 1', ("a b", "c.d"), 1, id="quoted keys"),
        pytest.param('\n"\\u0041" = 1', ("A",), 2, id="an escape in a key"),
        pytest.param("'a\"b' = 1", ('a"b',), 1, id="a literal key"),
        pytest.param("a = [\n 1,\n # c\n 2,\n]\nb = 1", ("a", 1), 4, id="a list over lines"),
        pytest.param("a = { b = 1, c = { d = [1] } }\ne = 1", ("a", "c", "d", 0), 1, id="inline tables"),
        pytest.param('a = """\nx = 1\n""" # y\nb = 1', ("b",), 4, id="a text over lines"),
        pytest.param('a = """x"""""\nb = 1', ("b",), 2, id="quotes at the end of a long text"),
        pytest.param("a = '''x'''''\nb = 1", ("b",), 2, id="the same, literal"),
        pytest.param('a = """\\"""" # """\nb = 1', ("b",), 2, id="an escaped quote in a long text"),
        pytest.param('a = "x # y ] }"\nb = 1', ("b",), 2, id="signs within quotes"),
        pytest.param("a = 1979-05-27 07:32:00\nb = 1", ("b",), 2, id="a date with a blank"),
        pytest.param("a = 1\r\n[b]\r\nc = 2\r\n", ("b", "c"), 3, id="lines that end with CR LF"),
        pytest.param("a = [{ b = 1 },\n { b = 2 }]", ("a", 1, "b"), 2, id="inline tables in a list"),
    ],
)
def test_a_key_stands_in_its_line(text: str, path: Path, line: int) -> None:
    tomllib.loads(text)
    assert scan(text)[path] == line


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


keys = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=6),
)
texts = st.text(alphabet=st.sampled_from("ab \n\"'\\#[]{},=.\t🙂"), max_size=12)
values = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3),
        st.lists(st.dictionaries(keys, inner, max_size=3), min_size=1, max_size=3),
    ),
    max_leaves=12,
)


def quoted(text: str, draw: Any) -> str:
    styles = [json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")]
    if "'" not in text and "\n" not in text:
        styles.append(f"'{text}'")
    if "'''" not in text and not text.startswith("\n"):
        styles.append(f"'''\n{text}'''" if not text.endswith("'") else styles[0])
    styles.append('"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""')
    return str(draw(st.sampled_from(styles)))


def key_text(key: str, draw: Any) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return (
        key
        if bare and draw(st.booleans())
        else json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")
    )


def inline(value: Any, draw: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{key_text(key, draw)} = {inline(inner, draw)}" for key, inner in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        break_: str = draw(st.sampled_from(["", "\n  ", " # c ]\n"]))
        return "[" + "".join(f"{break_}{inline(inner, draw)}," for inner in value) + break_ + "]"
    if isinstance(value, str):
        return quoted(value, draw)
    return str(value).lower()


def document(table: dict[str, Any], name: list[str], draw: Any) -> str:
    """A table in any of the ways in which TOML lets one write it."""
    lines, later = [], []
    for key, value in table.items():
        is_tables = isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
        written = [*name, key_text(key, draw)]
        if isinstance(value, dict) and draw(st.booleans()):
            later.append(f"[{'.'.join(written)}]\n{document(value, written, draw)}")
        elif is_tables and draw(st.booleans()):
            later += [f"[[{'.'.join(written)}]]\n{document(each, written, draw)}" for each in value]
        else:
            lines.append(
                f"{draw(st.sampled_from(['', '# c = 1', '  ']))}\n{written[-1]} = {inline(value, draw)}"
            )
    return "\n".join([*lines, *later]) + "\n"


@given(st.dictionaries(keys, values, max_size=4), st.data())
def test_every_key_of_any_document_has_a_line_and_nothing_else_has(table: dict[str, Any], data: Any) -> None:
    text = document(table, [], data.draw)
    read = tomllib.loads(text)
    lines = scan(text)
    assert set(lines) == set(paths(read))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.lists(st.sampled_from(["a", "b c", "x-y"]), min_size=1, max_size=8, unique=True), st.data())
def test_the_line_is_the_one_in_which_the_key_is_written(names: list[str], data: Any) -> None:
    """Each key stands after a random number of lines of a text that looks like TOML."""
    text, expected = "", {}
    for name in names:
        filler = "\n".join(data.draw(st.lists(st.sampled_from(["z = 1", "[q]", "", "# '''"]), max_size=4)))
        expected[(name,)] = text.count("\n") + 1
        text += f'\'{name}\' = """{filler}"""\n'
    assert scan(text) == expected
