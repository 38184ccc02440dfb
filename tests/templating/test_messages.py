"""Alertmanager's functions in message templates, and times in a zone. Those that amtool has, it is asked
for in tests/neighbours; the expected texts of newer ones are those of Alertmanager's own tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hbalert.templating.gotime import ZERO, Duration, Moment
from hbalert.templating.messages import MESSAGE_FILTERS, MESSAGE_FUNCTIONS
from hbalert.templating.sandbox import Names, Sandbox

AT = Moment(datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC), ZoneInfo("Asia/Shanghai"))
VARIABLES: dict[str, Any] = {
    "at": AT,
    "never": Moment(ZERO),
    "labels": Names({"b": "2", "alertname": "X", "a": "1"}),
    "number": 3.0,
}
SANDBOX = Sandbox(filters=MESSAGE_FILTERS, go=MESSAGE_FUNCTIONS)


def expand(text: str) -> str:
    return SANDBOX.program(text, VARIABLES).run(VARIABLES)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("{{ at }}", "2026-01-02 03:04:05.12 +0000 UTC"),
        ("{{ at.Local }}", "2026-01-02 11:04:05.12 +0800 CST"),
        ("{{ at.Local.UTC }}", "2026-01-02 03:04:05.12 +0000 UTC"),
        (
            '{{ at|tz("America/New_York")|date("Mon Jan 2 15:04 MST -0700 -07:00 Z07:00") }}',
            "Thu Jan 1 22:04 EST -0500 -05:00 -05:00",
        ),
        ('{{ at|tz("Asia/Kolkata")|date("-07:00 -0700 -07 Z0700") }}', "+05:30 +0530 +05 +0530"),
        ('{{ date("15:04", tz("Europe/Paris", at)) }}', "04:04"),
        ("{{ at.Add(28800e9) }}", "2026-01-02 11:04:05.12 +0000 UTC"),
        ("{{ at.Add(at.Sub(never.Add(0))).Year }}", "4051"),
        ("{{ never }}|{{ never.IsZero }}|{{ at.IsZero }}", "0001-01-01 00:00:00 +0000 UTC|true|false"),
        ("{{ never|tz('America/New_York') }}", "0001-01-01 00:00:00 +0000 UTC"),
        ("{{ at.Sub(at.Add(-5400e9)) }}", "1h30m0s"),
        ("{{ at.Sub(at.Add(-5400e9)).Hours }}", "1.5"),
        ("{{ at.Sub(at.Add(-5400e9))|humanizeDuration }}", "1h 30m 0s"),
        ("{{ at.Month }} {{ at.Weekday }} {{ at.YearDay }} {{ at.Unix }}", "January Friday 2 1767323045"),
        ("{% for name, value in labels|pairs %}{{ name }}={{ value }} {% endfor %}", "alertname=X a=1 b=2 "),
        ("{{ labels|names|join(',') }} {{ labels|values|join(',') }}", "alertname,a,b X,1,2"),
        (
            "{{ labels|pairs|names|join(',') }} {{ labels|remove(['a', 'nope']) }}",
            "alertname,a,b map[alertname:X b:2]",
        ),
        ("{{ labels|toJson }}", '{"a":"1","alertname":"X","b":"2"}'),
        (
            "{{ '<a&b>'|toJson }} {{ [1, number, true, 0.5, never]|toJson }}",
            '"\\u003ca\\u0026b\\u003e" [1,3,true,0.5,"0001-01-01T00:00:00Z"]',
        ),
        (
            "{{ labels|pairs|toJson }}",
            '[{"Name":"alertname","Value":"X"},{"Name":"a","Value":"1"},{"Name":"b","Value":"2"}]',
        ),
        ("{{ ' a b\n'|trimSpace }}|", "a b|"),
        ("{{ 'a%20b+c%E6%9C%BA'|urlUnescape }}", "a b c机"),
        ("{{ '??>'|base64encode }} {{ 'Pz8-'|base64decode }} {{ 'Pz8+'|base64decode }}", "Pz8- ??> ??>"),
    ],
)
def test_the_result_is(text: str, result: str) -> None:
    assert expand(text) == result


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ at|tz('Mars/Base') }}", "'Mars/Base' is not a time zone"),
        ("{{ at|tz('../../etc/passwd') }}", "is not a time zone"),
        ("{{ 'x'|date('2006') }}", "'x' is not a time"),
        ("{{ 'x'|pairs }}", "'x' has no pairs"),
        ("{{ 'x'|remove(['a']) }}", "'x' has no names"),
        ("{{ at.Add(1e300) }}", "the calendar has ended"),
        ("{{ '!'|base64decode }}", "'!' is not base64"),
        ("{{ range|toJson }}", "toJson takes"),
        ("{{ at._at }}", "_at"),
        ("{{ at.Sub(at).hex() }}", "hex"),
    ],
)
def test_what_cannot_be_is_said(text: str, complaint: str) -> None:
    with pytest.raises(ValueError) as raised:
        expand(text)
    assert complaint in str(raised.value)


def test_a_duration_has_go_s_parts() -> None:
    assert (Duration(90).Seconds, Duration(90).Minutes) == (90.0, 1.5)
