"""A text of a rule cannot reach what it should not, nor take more than its share."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.labels import Labels
from hbalert.templating import TemplateError, compile
from hbalert.templating.budget import MAX_TEXT
from hbalert.templating.dialect import translate
from hbalert.templating.sandbox import Names, Sandbox

LABELS = Labels({"bot": "alpha", "items": "five", "get": "it", "n": "5", "long": "x" * 60_000})


def expand(text: str, value: float = 2.0) -> str:
    return compile(text).expand(LABELS, value, {}, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ labels.items }} {{ labels.get }} {{ labels.keys }}", "five it "),
        ("{{ labels['bot'] }} {{ labels['none'] }}|", "alpha |"),
        ("{{ 'bot' in labels }} {{ 'none' in labels }}", "true false"),
        (
            "{% for name, value in labels|items if name != 'long' %}{{ name }}={{ value }} {% endfor %}",
            "bot=alpha get=it items=five n=5 ",
        ),
        ("{% for x in range(3) %}{{ loop.index }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3"),
        ("{{ labels.none|default('nobody') }} {{ labels.bot|d('nobody') }}", "nobody alpha"),
        (
            "{{ value * 100 }} {{ value / 3 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 2 ** 3 }} {{ 1 + 1 }}",
            "200 0.6666666666666666 3 3 8 2",
        ),
        ("{{ 1435065584 * 1000 }}", "1435065584000"),
        ("{{ labels.bot ~ '/' ~ value ~ '/' ~ true }}", "alpha/2/true"),
        ("{{ value|round(1) }} {{ 2.555|round(2) }} {{ 2.1|round(0, 'ceil') }}", "2 2.56 3"),
        ("{{ labels.n|int + 1 }} {{ labels.n|float > 3 }}", "6 true"),
        (
            "{{ labels.bot.startswith('al') }} {{ labels.bot.upper() }} {{ 'a-b'.split('-')|last }}",
            "true ALPHA b",
        ),
        ("{{ [3, 1, 2]|sort|join(',') }} {{ ['a', 'b']|map('upper')|list }}", "1,2,3 [A B]"),
        (
            "{% set ns = namespace(n=0) %}{% for x in [1, 5] %}{% set ns.n = ns.n + x %}{% endfor %}"
            "{{ ns.n }}",
            "6",
        ),
        ("{% with x = 3 %}{{ x }}{% endwith %}{% if value is number %}!{% endif %}", "3!"),
        ("{% if value > 1 %}{% set y = 'set' %}{% endif %}{{ y }}", "set"),
        ("{{ labels.bot|replace('a', 'o') }} {{ 'x'|e }} {{ '<'|e }}", "olpho x &lt;"),
        (
            "{{ humanize(1234567) }} {{ printf('%.1f', value) }} {{ match('al', labels.bot) }}",
            "1.235M 2.0 true",
        ),
        ("{{ '%s' | printf }}", "%!s(MISSING)"),
        ("{{ none }} {{ [1, 'a'] }}", "<nil> [1 a]"),
    ],
)
def test_jinja2_works_inside_the_walls(text: str, expected: str) -> None:
    assert expand(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ value.__class__ }}",
        "{{ labels.bot.__class__.__mro__ }}",
        "{{ ''['__class__'] }}",
        "{{ labels.bot|attr('__class__') }}",
        "{{ humanize.__globals__ }}",
        "{{ [].append }}",
        "{{ [1].append(2) }}",
        "{{ value.hex() }}",
        "{{ labels.bot.format(1) }}",
        "{{ labels.bot.encode() }}",
        "{{ 'a'.join(['b']) }}",
        "{{ 'a'.ljust(10) }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ ns.__class__ }}{% set ns = namespace() %}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ lipsum() }}",
        "{{ dict() }}",
        "{{ ['__class__']|map(attribute='__class__')|list }}",
        "{% for x in [[]] %}{{ x|map(attribute='append')|list }}{{ loop.__init__ }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% filter upper %}x{% endfilter %}",
        "{% set x %}y{% endset %}",
        "{% call humanize() %}{% endcall %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ humanize }}",
        "{{ range }}",
        "{{ unknown }}",
        "{{ value.nothing }}",
        "{% if value > 9 %}{% set y = 1 %}{% endif %}{{ y }}",
        "{% if value > 9 %}{% set y = 1 %}{% endif %}{{ y + 1 }}",
        "{% if value > 9 %}{% set y = 1 %}{% endif %}{{ y|upper }}",
        "{{ value|frobnicate }}",
        "{{ value|random }}",
    ],
)
def test_nothing_else_can_be_reached(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        expand(text)
    assert "object at 0x" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ [0] * 1000000000 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 10 ** 400 }}",
        "{% for i in range(1000000000) %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{{ labels.long }}{% endfor %}",
        "{% for i in range(9999) %}{% set x = labels.long|upper|lower %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = labels.long.split('x') %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = range(9999)|list %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = labels.long ~ 'x' %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = labels.long + 'x' %}{% endfor %}",
        "{% for i in range(9999) %}{% set x = labels.long is divisibleby 3 %}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{{ labels.long ~ labels.long }}",
        "{{ labels.long }}{{ labels.long }}",
        "{{ labels.long|replace('', labels.long) }}",
        "{{ labels.long|list|join(labels.long) }}",
        "{{ reReplaceAll `` $labels.long $labels.long }}",
        "{{ printf `%999s%999s` 1 2 | printf `%s%s%s%s` $labels.long $labels.long 1 }}",
        "{{ print $labels.long $labels.long }}",
        "{{ labels.long|list|map('upper')|list|map('upper')|list|length }}" * 50,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 20000 + "1 }}",
        "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
        "x" * (MAX_TEXT + 1),
    ],
)
def test_a_greedy_text_ends_soon_and_says_why(text: str) -> None:
    """The time limit of the test run is what fails here."""
    with pytest.raises(ValueError) as caught:
        expand(text)
    assert len(str(caught.value)) < 400


def test_whole_numbers_do_not_grow_without_end() -> None:
    text = "{% set x = 3 %}" + "{% set x = x * x %}" * 60 + "{{ x }}"
    assert expand(text) == "+Inf"


def test_a_text_may_be_as_long_as_the_limit() -> None:
    assert len(compile("x" * MAX_TEXT).expand(LABELS, 1.0, {}, "")) == MAX_TEXT


def test_an_expansion_that_failed_leaves_the_next_one_its_full_share() -> None:
    greedy = "{% for i in range(9000) %}{% endfor %}{{ 'done' }}"
    assert [expand(greedy), expand(greedy)] == ["done", "done"]


def test_go_ranges_over_a_list_by_place_and_item() -> None:
    text = "{{ $x := args 1 }}{{ range $i, $v := labels.bot.split('p') }}{{ $i }}={{ $v }} {{ end }}"
    assert expand(text) == "0=al 1=ha "


def test_a_program_has_no_more_characters_than_a_text() -> None:
    with pytest.raises(TemplateError, match="more than"):
        SANDBOX.program("x" * (MAX_TEXT + 1), [])


SANDBOX = Sandbox()


@given(st.text(max_size=60))
def test_no_text_breaks_the_compiler(text: str) -> None:
    with suppress(TemplateError):
        SANDBOX.program(translate(text), ["labels", "value", "external_labels", "external_url"])


WORDS = """
{{ }} {% %} {# #} {{- -}} if else end range with for in set endif endfor $value $labels.x .Value . $ $x := =
| ( ) " ` ' humanize printf gt "%d" 5 -5 1.5 not and , [ ] { } value labels /* */
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=25), st.sampled_from(["", " "]))
def test_no_heap_of_words_breaks_the_compiler(words: list[str], glue: str) -> None:
    with suppress(ValueError):
        compile(glue.join(words)).expand(LABELS, 2.0, {}, "")


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=30)))
def test_what_labels_hold_is_shown_and_never_run(labels: dict[str, str]) -> None:
    program = SANDBOX.program("{% for n, v in labels|items %}{{ n }}={{ v }};{% endfor %}", ["labels"])
    shown = program.run({"labels": Names(labels)})
    assert shown == "".join(f"{name}={labels[name]};" for name in sorted(labels))
