"""compile, check and expander: what the rest of hbalert uses of templating."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from hbalert.core.labels import Labels, fingerprint
from hbalert.core.rule import Occasion, Rule, Sample, Unasked
from hbalert.templating import TemplateError, check, compile, expander
from hbalert.templating.dialect import VARIABLES, translate
from hbalert.templating.full import SANDBOX
from hbalert.templating.plain import compile_plain
from hbalert.templating.sandbox import Names, Number
from tests.core.say import s, t
from tests.templating.cases import LABELS, NEWER, ORDERS, QUERIES, RULES

RULE = Rule("a%2Fb/Down", "Down", "up == 0", "main", hold=s(300), interval=s(15))
WHEN = Occasion(RULE, t(600), t(0), alert=Labels({"alertname": "Down", "bot": "a"}))


def test_an_expander_knows_the_labels_and_the_address_of_this_hbalert() -> None:
    expand = expander({"site": "home"}, "https://alerts.example.com")
    text = "{{ $labels.bot }} at {{ $externalLabels.site }}: {{ $value | humanizePercentage }}"
    text += ", {{ $externalURL }}"
    assert (
        expand(text, Labels({"bot": "alpha"}), 0.125, WHEN)
        == "alpha at home: 12.5%, https://alerts.example.com"
    )


def test_an_expander_refuses_a_broken_text_each_time() -> None:
    expand = expander({}, "")
    for _ in range(2):
        with pytest.raises(TemplateError, match="never closed"):
            expand("{{ $value", Labels(), 1.0, WHEN)


def test_a_text_knows_the_occasion() -> None:
    """vmalert's variables, and Prometheus' `now`."""
    text = "{{ $activeAt.Format `15:04` }} {{ $for }} {{ $expr }} {{ $type }} {{ now | humanizeTimestamp }}"
    said = expander({}, "")(text, Labels(), 1.0, WHEN)
    assert said == "12:00 5m0s up == 0 prometheus 2026-03-01 12:10:00 +0000 UTC"


def test_a_text_knows_its_group_its_alert_and_whether_the_answer_is_whole() -> None:
    """vmalert's other variables, by either name; the alert's id is that of the alert as others see it."""
    text = "{{ $interval }} {{ $groupID }} {{ $alertID }} {{ if $isPartial }}in part{{ end }}"
    seen = fingerprint(Labels({"alertname": "Down", "bot": "a", "site": "home"}))
    expand = expander({"site": "home"}, "")
    assert expand(text, Labels(), 1.0, WHEN) == f"15s a/b {seen} "
    assert expand(text, Labels(), 1.0, replace(WHEN, partial=True)) == f"15s a/b {seen} in part"
    fields = "{{ .Interval }} {{ .GroupID }} {{ .AlertID }} {{ .IsPartial }}"
    assert expand(fields, Labels(), 1.0, WHEN) == f"15s a/b {seen} false"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ $activeAt.Format `15:04` }}", "$activeAt is not available in a label"),
        ("{{ $alertID }}", "$alertID is not available in a label"),
        ("{{ if $isPartial }}in part{{ end }}", "$isPartial is not available in a label"),
        ("{{ now }}", "now is not available in a label"),
        ("{{ query `up` | first | value }}", "query is not available in a label"),
    ],
)
def test_a_label_must_not_depend_on_the_moment(text: str, complaint: str) -> None:
    (found,) = check(text, is_label=True)
    assert complaint in found
    assert check(text) == []
    with pytest.raises(ValueError, match=re.escape(complaint)):
        expander({}, "")(text, Labels(), 1.0, replace(WHEN, active_at=None))


# --- queries ---


def samples(expr: str) -> Sequence[Sample] | str:
    """What a source says that has nothing but `orders`."""
    bots = [bot for bot in ORDERS if "bot" not in expr or f"'{bot}'" in expr]
    if "orders" not in expr:
        return ()
    if "sum" in expr:
        return (Sample(Labels(), sum(ORDERS.values())),)
    return [Sample(Labels({"__name__": "orders", "bot": bot}), ORDERS[bot]) for bot in bots]


def answered(text: str, when: Occasion = WHEN) -> str:
    """The text, with its queries asked as they come up."""
    for _ in range(5):
        try:
            return expander({}, "")(text, Labels(LABELS), 1.0, when)
        except Unasked as missing:
            when = replace(when, answers={**when.answers, **{expr: samples(expr) for expr in missing.exprs}})
    raise AssertionError(text)


@pytest.mark.parametrize(("text", "expected", "_"), QUERIES)
def test_a_query_becomes_what_prometheus_makes_of_it(text: str, expected: str, _: float) -> None:
    assert check(text) == []
    assert answered(text) == expected


def test_a_text_says_which_queries_it_needs_all_at_once() -> None:
    text = "{{ query `a` | first | value }} {{ len (query `b`) }}"
    with pytest.raises(Unasked) as caught:
        expander({}, "")("{{ len (query `b`) }} {{ query `a` | first | value }}", Labels(), 1.0, WHEN)
    assert caught.value.exprs == ("a", "b")
    with pytest.raises(Unasked) as caught:
        expander({}, "")(text, Labels(), 1.0, WHEN)
    assert caught.value.exprs == ("a",), "the rest comes up when it is known"


def test_a_query_without_an_answer_says_why() -> None:
    when = replace(WHEN, answers={"orders": "source main: no answer within 10 s"})
    with pytest.raises(ValueError, match="query 'orders': source main: no answer within 10 s"):
        expander({}, "")("{{ query `orders` | first | value }}", Labels(), 1.0, when)


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
    program = SANDBOX.program(translate(text), VARIABLES.values())
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
