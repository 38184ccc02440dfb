"""compile, check and expander: what the rest of hbalert uses of templating."""

from __future__ import annotations

import pytest

from hbalert.core.labels import Labels
from hbalert.templating import TemplateError, check, compile, expander
from hbalert.templating.dialect import VARIABLES, translate
from hbalert.templating.plain import compile_plain
from hbalert.templating.sandbox import Names, Number
from hbalert.templating.template import _SANDBOX
from tests.templating.cases import LABELS, NEWER, RULES


def test_an_expander_knows_the_labels_and_the_address_of_this_hbalert() -> None:
    expand = expander({"site": "home"}, "https://alerts.example.com")
    text = "{{ $labels.bot }} at {{ $externalLabels.site }}: {{ $value | humanizePercentage }}"
    text += ", {{ $externalURL }}"
    assert expand(text, Labels({"bot": "alpha"}), 0.125) == "alpha at home: 12.5%, https://alerts.example.com"


def test_an_expander_refuses_a_broken_text_each_time() -> None:
    expand = expander({}, "")
    for _ in range(2):
        with pytest.raises(TemplateError, match="never closed"):
            expand("{{ $value", Labels(), 1.0)


def test_a_text_is_compiled_once() -> None:
    assert compile("{{ $labels.once }}") is compile("{{ $labels.once }}")


def test_a_text_knows_whether_it_depends_on_the_value() -> None:
    texts = [
        "plain",
        "{{ $labels.bot }}",
        "{{ $value }}",
        "{{ $labels.bot | lower }}",
        "{% if $value %}x{% endif %}",
    ]
    assert [compile(text).uses_value for text in texts] == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("text", "expected", "value"), [row for row in RULES + NEWER if compile_plain(row[0])]
)
def test_the_short_way_gives_what_the_long_one_gives(text: str, expected: str, value: float) -> None:
    program = _SANDBOX.program(translate(text), VARIABLES.values())
    variables = {
        "labels": Names(LABELS),
        "value": Number(value),
        "external_labels": Names({}),
        "external_url": "",
    }
    assert program.run(variables) == expected
    assert compile(text).expand(LABELS, value, {}, "") == expected


def test_the_short_way_is_taken_by_the_commonest_texts_and_not_by_others() -> None:
    assert compile_plain(
        "{{ $labels.bot }}: {{ .Value | humanizePercentage }} of {{ labels.connector | toUpper }}"
    )
    for text in (
        "{{ $value -}} x",
        "{{ $value | round }}",
        "{% if 1 %}{% endif %}",
        "{# x #}",
        "{{ $labels }}",
    ):
        assert compile_plain(text) is None


@pytest.mark.parametrize("text", [row[0] for row in RULES if "%!" not in row[1] and "hostile" not in row[0]])
def test_a_good_text_has_no_findings(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("{{ $labels.bot", "never closed"),
        ("{{ humanise $value }}", "did you mean humanize?"),
        ("{{ $value | humanise }}", "did you mean humanize?"),
        ("{{ valeu }}", "did you mean value?"),
        ("{{ query `up` | first | value }}", "not available yet"),
        ("{{ query('up') }}", "not available yet"),
        ("{{ `up`|query }}", "not available yet"),
        ('{{ printf "%d" $value }}', "use %.0f"),
        ('{{ printf "%s" }}', "printf does not fit"),
        ("{{ humanize $value 1 2 }}", "does not take these arguments"),
        ("{{ humanize() }}", "does not take these arguments"),
        ("{{ if gt $labels.x 5.0 }}a{{ end }}", "labels.x|float"),
        ("{{ match `(` $labels.x }}", "not a valid regular expression"),
        ("{% if $value > 5 %}{{ match('(', 'x') }}{% endif %}", "not a valid regular expression"),
        ("{{ value.nothing }}", "nothing"),
        ("{% macro x() %}{% endmacro %}", "macro is not available"),
        ("{% for i in range(99999) %}{% endfor %}", "range goes over more than"),
        ("{{ $labels.bot * 3 }}", "text * number is not possible"),
        ("{% if %}", "Expected an expression"),
        ("a\nb {{ 1 + }}", "(line 2)"),
    ],
)
def test_a_bad_text_has_one_finding_that_says_what_to_do(text: str, finding: str) -> None:
    (found,) = check(text)
    assert finding in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "text", ["{{ parseDuration $labels.every }}", "{{ 100 / $value }}", "{{ humanize $labels.n }}"]
)
def test_what_only_some_labels_or_values_break_is_no_finding(text: str) -> None:
    assert check(text) == []
