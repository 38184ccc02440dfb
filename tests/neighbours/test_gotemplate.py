"""Templates of Alertmanager in Jinja2: amtool expands the original, hbalert the translation, and both say
the same. What cannot be translated says where and why."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from contextlib import suppress
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from hbalert.channels.webhook import payload
from hbalert.neighbours.gotemplate import Library, Untranslatable
from hbalert.render.outline import outline
from hbalert.render.own import own_text
from hbalert.render.words import words
from tests.neighbours.go_texts import FILE, NEWER, PAGES, START, TEXTS, TOLD

NOW = START + timedelta(minutes=10)

needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")


def library() -> Library:
    made = Library()
    made.add(FILE, "own.tmpl", "own.tmpl")
    return made


def ours(text: str, *, page: bool = False) -> str:
    template = library().translate(text, "text", page=page)
    told = outline(TOLD, words("en"), UTC, NOW)
    return own_text(template, "html" if page else "text", TOLD, told, UTC, NOW)


def theirs(folder: Path, text: str, kind: str, files: str = "") -> str:
    (folder / "own.tmpl").write_text(FILE, "utf-8")
    (folder / "data.json").write_bytes(payload(TOLD))
    asked = subprocess.run(
        [
            "amtool", "template", "render", f"--template.glob={files or folder / 'own.tmpl'}",
            f"--template.text={text}",
            f"--template.type={kind}", f"--template.data={folder}/data.json",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    return asked.stdout


AMTOOL = shutil.which("amtool") or "/nowhere/bin/amtool"
SHIPPED = Path(AMTOOL).parents[1] / "share" / "prometheus" / "alertmanager"
"""Where the package of amtool keeps the templates that every Alertmanager has."""


@pytest.mark.skipif(not (SHIPPED / "default.tmpl").is_file(), reason="Alertmanager's templates are not here")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{{ template "email.default.subject" . }}', "text"),
        ('{{ template "email.default.html" . }}', "html"),
        ('{{ template "__text_alert_list" .Alerts.Firing }}', "text"),
        ('{{ template "opsgenie.default.description" . }}', "text"),
        ('{{ template "pushover.default.message" . }}', "text"),
    ],
)
def test_alertmanager_s_own_templates_make_the_same(tmp_path: Path, text: str, kind: str) -> None:
    """Operators copy them and change a little."""
    made = Library()
    for path in sorted(SHIPPED.glob("*.tmpl")):
        made.add(path.read_text("utf-8"), path.name, path.name)
    template = made.translate(text, "text", page=kind == "html")
    told = outline(TOLD, words("en"), UTC, NOW)
    result = own_text(template, kind, TOLD, told, UTC, NOW)
    expected = theirs(tmp_path, text, kind, f"{SHIPPED}/*.tmpl")
    assert (read(result) == read(expected)) if kind == "html" else (result == expected.strip())


def rows(table: list[tuple[str, str]]) -> list[object]:
    return [pytest.param(text, id=name) for name, text in table]


@needs_amtool
@pytest.mark.parametrize("text", rows(TEXTS))
def test_amtool_makes_the_same_of_a_text(tmp_path: Path, text: str) -> None:
    """The blanks round a whole message do not count: no channel sends them."""
    assert ours(text) == theirs(tmp_path, text, "text").strip()


@needs_amtool
@pytest.mark.parametrize("text", rows(PAGES))
def test_amtool_makes_the_same_of_a_page(tmp_path: Path, text: str) -> None:
    """Up to what a browser reads alike: comments are left out, and %2f is %2F."""
    assert read(ours(text, page=True)) == read(theirs(tmp_path, text, "html"))


def read(page: str) -> str:
    page = re.sub(r"<!--.*?-->|/\*.*?\*/", "", page, flags=re.DOTALL).replace("#ZgotmplZ", "#")
    page = re.sub(r"%[0-9a-f]{2}", lambda found: found[0].upper(), page)
    return " ".join(html.unescape(page).split()).replace("> ", ">")


def test_there_are_enough_rows() -> None:
    assert len(TEXTS) + len(PAGES) >= 60
    assert len({text for _, text in TEXTS + PAGES}) == len(TEXTS) + len(PAGES)


@pytest.mark.parametrize(("text", "result", "newer"), NEWER)
def test_what_is_newer_than_the_amtool_of_the_tests_is_as_documented(
    text: str, result: str, newer: str
) -> None:
    assert ours(text) == result


A = '{{ template "a" . }}'


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("{{ .Labels.a }}", ".Labels belongs to one alert; did you mean .CommonLabels?", 1),
        ("a\n{{ .Alerts.Labels.a }}", "this is a list; use {{ range .Alerts }}", 2),
        ("{{ .CommonLabel.a }}", "this has no .CommonLabel; did you mean .CommonLabels?", 1),
        ("{{ range .Alerts }}\n\n{{ .Startsat }}{{ end }}", "did you mean .StartsAt?", 3),
        ("{{ $labels.a }}", "$labels is not set; that is a name of Prometheus' rules", 1),
        ("{{ $value }}", "$value is not set", 1),
        ("{{ . }}", "the whole of it cannot be shown", 1),
        ("{{ .Alerts }}", "a list of alerts cannot be shown", 1),
        ("{{ .Status | toUppr }}", "toUppr is not a function of Alertmanager", 1),
        ("{{ toDate `2006` `2026` }}", "toDate has no equal", 1),
        ('{{ template "nope" . }}', 'there is no template "nope" here', 1),
        ('{{ template "titel" . }}', "did you mean title?", 1),
        (f'{{{{ define "a" }}}}{A}{{{{ end }}}}{A}', "uses itself", 1),
        ("{{ range .Alerts }}{{ break }}{{ end }}", "{{ break }} does not exist in Jinja2", 1),
        ("{{ range .Status }}x{{ end }}", "range cannot go through a text", 1),
        ("{{ if .Status }}x", "{{ if }} is never closed", 1),
        ("x{{ end }}", "{{ end }} without a block before it", 1),
        ("{{ if .Status }}{{ else }}{{ else }}{{ end }}", "{{ else }} twice in one block", 1),
        ("{{ .Status", "{{ is never closed", 1),
        ("{{ 'x' }}", "texts stand between double quotes", 1),
        ('{{ "x }}', 'a string that begins with " is never closed', 1),
        ("{{ }}", "{{ }} holds nothing", 1),
        ("{{ (.Status }}", "( is never closed", 1),
        ("{{ .Status ] }}", "unexpected ']'", 1),
        ("{{ $x = 1 }}", "$x = ... before $x := ...", 1),
        ("{{ $x := 1 }}{{ $x = .Status }}", "$x is a number and becomes a text", 1),
        ("{{ template 5 }}", "needs a name between quotes", 1),
        ("{{ eq .Status }}", "eq compares two values", 1),
        ("{{ toUpper }}", "toUpper takes 1 argument", 1),
        ("{{ join .Status .Status }}", "join takes a list of texts", 1),
        ("{{ .Status.Foo }}", "a text has no .Foo", 1),
        ('{{ .Receiver "x" }}', ".Receiver takes no arguments", 1),
        ("{{ len 5 }}", "a number has no length", 1),
        ("{{ (index .Alerts 0).StartsAt.Format }}", ".Format takes one argument", 1),
        ("{{ .Alerts.Firing.Nope }}", "alerts has no .Nope", 1),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_says_where_and_why(text: str, what: str, line: int) -> None:
    with pytest.raises(Untranslatable) as raised:
        library().translate(text, "subject")
    assert what in str(raised.value)
    assert (raised.value.origin, raised.value.line) == ("subject", line)


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ("<script>var x = '{{ .Status }}'</script>", "a value inside <script> cannot be made harmless"),
        ("<style>a { color: {{ .Status }} }</style>", "a value inside <style> cannot be made harmless"),
        ("<td align={{ .Status }}>", 'the attribute align needs quotes: align="..."'),
        ('<td onclick="f({{ .Status }})">', "a value in the attribute onclick cannot be made harmless"),
        ("<td {{ .Status }}>", "in no attribute"),
    ],
)
def test_where_a_value_cannot_be_made_harmless_no_page_is_made(page: str, what: str) -> None:
    with pytest.raises(Untranslatable) as raised:
        library().translate(page, "html", page=True)
    assert what in str(raised.value)


def test_a_mistake_in_a_file_names_the_file_and_its_line() -> None:
    made = Library()
    made.add('{{ define "a" }}\n\n{{ .Labels.x }}{{ end }}', "a.tmpl", "templates/a.tmpl")
    with pytest.raises(Untranslatable) as raised:
        made.translate('{{ template "a" . }}', "subject")
    assert (raised.value.origin, raised.value.line) == ("templates/a.tmpl", 3)


def test_what_everybody_has_stands_for_ours_unless_a_file_says_otherwise() -> None:
    made = Library()
    assert made.translate('x {{ template "__subject" . }}', "t") == "x {{ subject }}"
    assert "{{ subject }}" in made.translate('{{ template "email.default.subject" . }}', "t")
    assert "labels|pairs" in made.translate('{{ template "__text_alert_list" .Alerts.Firing }}', "t")
    made.add('{{ define "__subject" }}mine{{ end }}', "a.tmpl", "a.tmpl")
    assert "mine" in made.translate('{{ template "email.default.subject" . }}', "t")


@pytest.mark.parametrize(
    "text",
    [
        "{{ if true }}" * 2000,
        "{{ " + "(" * 5000,
        "{{ " + ".a" * 5000 + "}}",
        "{{ if 1 }}" * 40 + "x" + "{{ end }}" * 40,
        "{{-" * 999,
    ],
    ids=["blocks", "brackets", "fields", "forty blocks", "openings"],
)
def test_a_monster_is_refused_or_translated_and_never_a_traceback(text: str) -> None:
    with suppress(Untranslatable):
        library().translate(text, "t")


def test_templates_that_multiply_end_at_the_longest_text() -> None:
    made = Library()
    made.add('{{ define "t0" }}' + "x" * 1000 + "{{ end }}", "0", "0")
    for level in range(1, 15):
        below = f'{{{{ template "t{level - 1}" . }}}}'
        made.add(f'{{{{ define "t{level}" }}}}{below * 10}{{{{ end }}}}', str(level), str(level))
    with pytest.raises(Untranslatable, match="more than 65536 characters"):
        made.translate('{{ template "t14" . }}', "t")
