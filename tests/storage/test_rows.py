"""Values and rows. That every kind of value survives is the contract's matter (`test_store.py`)."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.flap import Flaps
from hbalert.core.labels import Labels
from hbalert.ports import Changes
from hbalert.regex import compile_regex
from hbalert.storage.spelling import json_text, labels_of, micros, moment, text
from hbalert.storage.tables import LINES, keyed_tables
from hbalert.storage.unit import to_unit
from tests.storage.values import alert, everything, t

TABLES = keyed_tables(compile_regex)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.dictionaries(names, names, max_size=6))
def test_labels_are_what_their_key_says(pairs: dict[str, str]) -> None:
    assert labels_of(Labels(pairs).key) == Labels(pairs)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"a", id="no separator"),
        pytest.param(b"a\xff", id="a name without a value"),
        pytest.param(b"a\xffb\xffc", id="text behind the last separator"),
        pytest.param(b"b\xff1\xffa\xff2\xff", id="not sorted"),
        pytest.param(b"a\xff1\xffa\xff2\xff", id="a name twice"),
        pytest.param(b"a\xff\xff", id="an empty value"),
        pytest.param(b"a\xff\xc3\xff", id="no UTF-8"),
    ],
)
def test_what_is_no_key_is_refused(key: bytes) -> None:
    """So that a key that was hit on the disk does not become another alert."""
    with pytest.raises(ValueError):
        labels_of(key)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_exact(at: datetime) -> None:
    assert moment(micros(at)) == at


@given(st.text(max_size=10))
def test_any_text_can_be_bound(value: str) -> None:
    """Also with NUL and lone surrogates; text without those comes back as it was."""
    with sqlite3.connect(":memory:") as connection:
        (back,) = connection.execute("SELECT ?", (text(value),)).fetchone()
    connection.close()
    assert back == value.encode("utf-8", "backslashreplace").decode()


@given(
    st.recursive(st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3))
)
def test_any_text_can_be_json(value: object) -> None:
    json.loads(json_text(value))


def test_a_map_of_any_kind_is_an_object() -> None:
    assert json_text(MappingProxyType({"a": "1"})) == '{"a":"1"}'
    assert json_text(Labels({"b": "2", "a": "1"})) == '{"a":"1","b":"2"}'


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        json_text({"a": object()})


@pytest.mark.parametrize("table", [*TABLES, *LINES], ids=lambda table: table.name)
def test_a_row_has_a_value_for_every_column(table) -> None:  # type: ignore[no-untyped-def]  # a table of any type
    unit = to_unit([everything()], TABLES)
    rows = [*unit.rows.get(table.name, {}).values(), *unit.lines.get(table.name, [])]
    assert len(rows) == 2
    assert {len(row or ()) for row in rows} == {len(table.all_columns)}


def test_what_was_written_by_the_first_schema_is_still_understood() -> None:
    """Rows as they lie on disks out there. A change that breaks this needs a migration."""
    key = b"alertname\xffBotSilent\xff"
    claims = (
        '[{"origin":"api","starts_at":"2026-03-01T12:00:00.123457Z","ends_at":null,'
        '"updated_at":"2026-03-01T12:00:01.123457Z","timed":false}]'
    )
    shown = (
        '{"labels":{"alertname":"BotSilent"},"annotations":{},"starts_at":"2026-03-01T12:00:00.123457Z",'
        '"ends_at":null,"generator_url":"","fingerprint":""}'
    )
    notification = (
        '{"receiver":"ops","group_id":"g","group_key":"{}","group_labels":{},"alerts":[' + shown + "],"
        '"reason":"first notification","decided_at":"2026-03-01T12:00:30.123457Z",'
        '"first_decided_at":"2026-03-01T12:00:30.123457Z"}'
    )
    flaps = '{"starts":["2026-03-01T12:00:00.123457Z"],"since":null,"calm_since":null}'
    micro = 1772366400123457
    rows = {
        "alert": (key, '{"summary":"x"}', "", claims),
        "rule_alert": ("r", key, "firing", micro, 1.0, "{}", micro, None, None, 2, flaps),
        "alert_group": ("g", "root", "{}", micro, 1),
        "log_entry": ("g", "mail", b"\x91\xc4\x03abc", b"\x90", b"\x90", micro, 0),
        "delivery": (
            "d", 1, "g", "mail", "queued", micro, micro, 0, "[]", "{}", "", None, notification,
        ),
        "silence": ("s", '[{"name":"a","op":"=~","value":"b"}]', micro, micro, "", "", micro, "{}", None, ""),
        "maintenance": (
            "w", '[{"name":"a","op":"=~","value":"b"}]',
            '{"location":"UTC","cron":"0 2 * * sun","duration":"PT7200S","weekdays":[{"first":1,"last":5}],'
            '"start":0,"end":0}', "why", "ann", micro,
        ),
        "notifier": ("mail", f"[{micro}]", None),
        "attempt": ("d", "mail", micro, 1.5, "sent", "sent", "ok", ""),
        "note": (micro, "firing", "fires", 1, key, None, "", ""),
    }  # fmt: skip
    read = {table.name: table.from_row(rows[table.name]) for table in (*TABLES, *LINES)}
    assert read["alert"].labels == Labels({"alertname": "BotSilent"})
    assert read["alert"].claims[0].starts_at == t(0)
    assert (read["rule_alert"].missed, read["rule_alert"].flaps) == (2, Flaps((t(0),)))
    assert read["log_entry"].firing == {b"abc"}
    assert read["delivery"].notification.alerts[0].starts_at == t(0)
    assert read["delivery"].notification.repeat == 0
    assert read["maintenance"].recurrence.duration == timedelta(hours=2)


def test_of_two_changes_to_a_row_the_later_stays() -> None:
    first, second = alert(summary="first"), alert(summary="second")
    key = first.labels.key
    unit = to_unit([Changes(alerts={key: first}), Changes(alerts={key: second})], TABLES)
    assert unit == to_unit([Changes(alerts={key: second})], TABLES)
    unit.add(to_unit([Changes(alerts={key: None})], TABLES))
    assert unit.rows == {"alert": {(key,): None}}
    assert len(unit) == 1
