"""Units of work: several become one."""

from hbalert.ports import Changes
from hbalert.regex import compile_regex
from hbalert.storage.tables import keyed_tables
from hbalert.storage.unit import Unit, to_unit
from tests.storage.values import alert, everything, group, note

TABLES = keyed_tables(compile_regex)


def test_units_that_become_one_are_as_if_written_by_one_caller() -> None:
    parts = [
        everything(),
        Changes(alerts={alert(1).labels.key: alert(1), alert().labels.key: None}, notes=[note(1)]),
        Changes(groups={"route/0": group()}, notes=[note(2)]),
    ]
    whole = Unit()
    for part in parts:
        whole.add(to_unit([part], TABLES))
    assert whole == to_unit(parts, TABLES)


def test_a_unit_counts_what_it_touches() -> None:
    unit = to_unit([everything()], TABLES)
    assert len(unit) == 20
    unit.add(Unit(facts={"last_seen": 1}))
    assert len(unit) == 21


def test_a_sign_of_life_alone_is_not_worth_an_fsync() -> None:
    unit = Unit(facts={"last_seen": 1})
    assert not unit.is_durable
    unit.add(to_unit([Changes(notes=[note(1)])], TABLES))
    assert unit.is_durable


def test_adding_does_not_alter_what_is_added() -> None:
    first = to_unit([Changes(notes=[note(1)])], TABLES)
    whole = Unit()
    whole.add(first)
    whole.add(to_unit([Changes(notes=[note(2)])], TABLES))
    assert len(first) == 1
