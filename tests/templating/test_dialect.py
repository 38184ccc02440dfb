"""How a text in Prometheus' style becomes Jinja2: the source, where it matters how it is spelt."""

from __future__ import annotations

import pytest

from hbalert.templating import TemplateError
from hbalert.templating.dialect import translate


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("{{ $labels.bot }}", "{{ labels.bot }}"),
        ("{{ labels.bot }}", "{{ labels.bot }}"),
        ("{{ $value | humanize }}", "{{ (value)|humanize }}"),
        ("{{ humanize $value }}", "{{ (value)|humanize }}"),
        ('{{ printf "%.2f" $value }}', '{{ (value)|printf("%.2f") }}'),
        ('{{ $value | printf "%.2f" | title }}', '{{ ((value)|printf("%.2f"))|title }}'),
        ('{{ reReplaceAll "a" "b" $labels.x }}', '{{ (labels.x)|reReplaceAll("a", "b") }}'),
        ("{{ if gt $value 5.0 }}a{{ end }}", "{% if (5.0)|gt(value) %}a{% endif %}"),
        ("{{ if $value > 5 }}a{{ end }}", "{% if value > 5 %}a{% endif %}"),
        ("{% if $value > 5 %}a{% endif %}", "{% if value > 5 %}a{% endif %}"),
        ("{% set x = $labels.bot ~ .Value %}", "{% set x = labels.bot ~ value %}"),
        ("{{ \"$value\" }}{{ '.Value' }}", "{{ \"$value\" }}{{ '.Value' }}"),
        ("{{ `$value` }}", '{{ "$value" }}'),
        ("{{ $value | round(2) }}", "{{ value | round(2) }}"),
        ("{{ value if $value > 3 else 0 }}", "{{ value if value > 3 else 0 }}"),
        ("{{ value }}", "{{ value }}"),
        ("{{ humanize value }}", "{{ (value)|humanize }}"),
        ("{{ labels.a | reReplaceAll `x` `y` }}", '{{ (labels.a)|reReplaceAll("x", "y") }}'),
        ("{{ $value | lower | toUpper }}", "{{ ((value)|lower)|toUpper }}"),
        ('{{ {"a": {"b": 1}}["a"]["b"] }}', '{{ {"a": {"b": 1}}["a"]["b"] }}'),
        ("{% raw %}{{ $value }}{% endraw %}", "{% raw %}{{ $value }}{% endraw %}"),
        ("{# $value #}", "{# $value #}"),
        ("a {# b", 'a {{ "{#" }} b'),
        ("{{ $value -}} x", "{{ value -}} x"),
        ("{{-3}}", "{{ -3 }}"),
        ("{{ not $value }}", "{{ (not value) }}"),
        ("{{ $value and $labels.x }}", "{{ value and labels.x }}"),
        ("{{ labels[`x`] }}", '{{ labels["x"] }}'),
        ("{{ .5 * $value }}", "{{ 0.5 * value }}"),
        ("{{ ($value) | frobnicate(1) }}", "{{ (value) | frobnicate(1) }}"),
        ("{{ $labels.x (1) }}", "{{ labels.x((1)) }}"),
        ("{{ ($value }}", "{{ (value }}"),
    ],
)
def test_the_source_is(text: str, source: str) -> None:
    assert translate(text) == source


def test_the_lines_of_a_text_stay_its_lines() -> None:
    """So that an error names the right one."""
    text = "a {{ printf\n`x\ny`\n$value }}\n{{/* two\nlines */}}\n{{ if\n$value }}b{{ end }}"
    assert translate(text).count("\n") == text.count("\n")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ $labels.x", "{{ is never closed; write }}"),
        ("{% if $value", "{% is never closed; write %}"),
        ("{{ 'x }}", "a string that begins with ' is never closed"),
        ("{{ else }}", "without an open"),
        ("{{ if 1 }}a{{ else }}b{{ else }}c{{ end }}", "without an open"),
        ("{{ with 1 }}a{{ else if 2 }}b{{ end }}", "not supported"),
        ("{{ range $labels }}", "{{ range }} is never closed"),
        ('{{ define "x" }}a', "{{ define }} is never closed"),
        ("{{ define x }}a{{ end }}", "{{ define }} needs a name between quotes"),
        ('{{ define "x" 1 }}a{{ end }}', "takes a name and nothing else, not 1"),
        ('{{ define "x" }}{{ end }}{{ define "x" }}{{ end }}', '{{ define "x" }} is there twice'),
        ('{{ if true }}{{ define "x" }}{{ end }}{{ end }}', "{{ define }} inside another block"),
        ('{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}', '{{ define "x" }} uses itself'),
        (
            '{{ define "abcde" }}{{ end }}{{ template "abcdf" }}',
            'no {{ define "abcdf" }} in this text; did you mean abcde?',
        ),
        ('{{ template "x" . }}', 'there is no {{ define "x" }}'),
        ("{{ template }}", "{{ template }} needs a name between quotes"),
        ('{{ define "x" }}{{ . }}{{ end }}{{ template "x" }}', "hands a value over"),
        ('{{ define "x" }}{{ .a }}{{ end }}{{ template "x" }}', "hands a value over"),
        (
            '{{ define "x" }}{{ $value }}{{ end }}{{ template "x" . }}',
            "$value is not there inside {{ define }}",
        ),
        ('{{ define "x" }}{{ if 1 }}{{ end }}{{ template "x" }}', "{{ define }} is never closed"),
        ('{{ block "x" 1 }}a{{ else }}b{{ end }}', "without an open"),
        (
            '{{ define "a" }}x{{ end }}' + '{{ template "a" }}' * 101,
            "defined texts use each other too often",
        ),
        ("{{ range $labels }}{{ break }}{{ end }}", "{{ break }} is not supported"),
        ("{{ $x = 1 }}", "before $x := ..."),
        ("{{ $x := 1 }}{{ range $labels }}{{ $x = 2 }}{{ end }}", "inside {{ range }}"),
        ("{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "$x is unknown"),
        ("{{ . }}", "write $labels or $value"),
        ("{{ $ }}", "write $labels or $value"),
        ("{{ _x }}", "names that begin with _ are reserved"),
        ("{% set _x = 1 %}", "names that begin with _ are reserved"),
        ("{{ externalURL 1 }}", "takes no arguments"),
        ("{{ not 1 2 }}", "takes one argument"),
        ("{{ if }}a{{ end }}", "an expression is missing"),
        ("{{ tmpl `x` . }}", "tmpl is not available"),
        ("{{ $active }}", "$active is unknown; did you mean $activeAt?; there are $labels, $value"),
        ("{{ .Alerts }}", ".Alerts is unknown"),
        ('{{ frobnicate "x" }}', "frobnicate is not a function"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_a_reason(text: str, complaint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        translate(text)
    assert complaint in str(caught.value)
