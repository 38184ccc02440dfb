"""Memory: tables over tables, agendas, and what a commit has to write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.agenda import Agenda
from hbalert.memory import Batch, Draft, Memory
from hbalert.ports import Snapshot
from hbalert.table import Table
from tests.core.say import fires, t


def table() -> Table[str, int]:
    return Table(lambda key, row: (key[0],))


def test_a_table_over_another_shows_both_and_changes_only_itself() -> None:
    below = table()
    below.put("a1", 1)
    below.put("b1", 2)
    above = below.over()
    above.put("a2", 3)
    above.drop("b1")
    assert dict(above.items()) == {"a1": 1, "a2": 3}
    assert dict(above.found("a")) == {"a1": 1, "a2": 3}
    assert above.found("b") == []
    assert dict(below.items()) == {"a1": 1, "b1": 2}
    below.absorb(above.changed())
    assert dict(below.items()) == {"a1": 1, "a2": 3}
    assert below.found("b") == []
    assert list(below.values()) == [1, 3]


operations = st.lists(
    st.tuples(st.sampled_from(["put", "drop"]), st.sampled_from(["a1", "a2", "b1"]), st.integers(0, 9))
)


@given(operations, operations, operations)
def test_a_table_over_a_table_over_a_table_is_a_dictionary(
    one: list[tuple[str, str, int]], two: list[tuple[str, str, int]], three: list[tuple[str, str, int]]
) -> None:
    """Whatever is put and dropped on whichever level, reading is as if there were one dictionary."""
    plain: dict[str, int] = {}
    bottom = table()
    middle = bottom.over()
    top = middle.over()
    for level, steps in ((bottom, one), (middle, two), (top, three)):
        for what, key, value in steps:
            if what == "put":
                level.put(key, value)
                plain[key] = value
            else:
                level.drop(key)
                plain.pop(key, None)
    assert dict(top.items()) == plain
    assert len(top) == len(plain)
    assert dict(top.over().items()) == plain
    assert dict(top.found("a")) == {key: value for key, value in plain.items() if key[0] == "a"}
    middle.absorb(top.changed())
    bottom.absorb(middle.changed())
    assert dict(bottom.items()) == plain
    assert dict(bottom.found("a")) == {key: value for key, value in plain.items() if key[0] == "a"}
    assert len(bottom) == len(plain)


def test_dropping_what_is_not_there_is_nothing() -> None:
    empty = table()
    empty.drop("a1")
    assert len(empty) == 0


def test_an_agenda_gives_out_what_is_due_in_order_and_forgets_old_times() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.set("late", t(50))
    agenda.set("moved", t(10))
    agenda.set("moved", t(30))
    agenda.set("moved", t(30))
    agenda.set("gone", t(5))
    agenda.remove("gone")
    assert agenda.next() == t(30)
    assert agenda.due(t(20)) == []
    assert agenda.due(t(60)) == ["moved", "late"]
    assert agenda.next() is None
    assert len(agenda) == 0


def draft_over(memory: Memory, at: float) -> tuple[Batch, Draft]:
    batch = Batch(memory, t(at), memory.sequence)
    return batch, Draft(batch, t(at), batch.sequence)


@pytest.mark.parametrize(
    ("steps", "stored"),
    [
        pytest.param([True], False, id="a refresh need not be stored"),
        pytest.param([False], True, id="a transition must"),
        pytest.param([False, True], True, id="a refresh after a transition goes with it"),
        pytest.param([True, False], True, id="a transition after a refresh takes it along"),
    ],
)
@pytest.mark.parametrize("apart", [False, True], ids=["in one unit", "in two units of one commit"])
def test_what_a_commit_writes(steps: list[bool], stored: bool, apart: bool) -> None:
    memory = Memory(Snapshot(alerts=[fires("a=1", 0, 100)]), t(0))
    batch, draft = draft_over(memory, 1)
    for refresh in steps:
        draft.put_alert(fires("a=1", 0, 200), refresh=refresh)
        if apart:
            batch.absorb(draft)
            draft = Draft(batch, t(1), batch.sequence)
    batch.absorb(draft)
    assert bool(batch.changes()) is stored
    memory.absorb(batch)
    assert (fires("a=1").labels.key in memory.unwritten) is not stored


def test_an_alert_without_an_end_has_no_deadline_to_be_written() -> None:
    memory = Memory(Snapshot(alerts=[fires("a=1", 0, None, origin="rule:x")]), t(0))
    assert memory.write_by == {}


def test_a_removed_alert_leaves_no_trace() -> None:
    memory = Memory(Snapshot(alerts=[fires("a=1", 0, 100)]), t(0))
    batch, draft = draft_over(memory, 1)
    draft.alerts.drop(fires("a=1").labels.key)
    batch.absorb(draft)
    memory.absorb(batch)
    assert (len(memory.alerts), memory.write_by, memory.unwritten) == (0, {}, set())


def test_a_refresh_stands_among_what_must_be_written_until_it_is() -> None:
    memory = Memory(Snapshot(alerts=[fires("a=1", 0, 100)]), t(0))
    for refresh, due in ((True, [fires("a=1").labels.key]), (False, [])):
        draft = Draft(memory, t(1), 1)
        draft.put_alert(fires("a=1", 0, 200), refresh=refresh)
        memory.absorb(draft)
        assert memory.to_write.due(t(49)) == []
        assert memory.to_write.due(t(50)) == due


def test_a_version_is_that_of_the_table_below_until_something_changes() -> None:
    memory = Memory(Snapshot(), t(0))
    memory.lasting.put("s", True)
    before = memory.lasting.version
    draft = Draft(memory, t(0), 1)
    assert draft.lasting.version == before
    draft.lasting.drop("s")
    assert draft.lasting.version != before == memory.lasting.version


def test_sequences_go_on_where_the_store_ended() -> None:
    memory = Memory(Snapshot(next_sequence=41), t(0))
    batch, draft = draft_over(memory, 0)
    assert [draft.next_sequence(), draft.next_sequence()] == [41, 42]
    batch.absorb(draft)
    memory.absorb(batch)
    assert memory.sequence == 43


def test_alerts_are_counted_by_name_over_drafts_and_commits() -> None:
    memory = Memory(Snapshot(alerts=[fires("alertname=Down n=0")]), t(0))
    batch = Batch(memory, t(0), 1)
    for n in (1, 2):
        draft = Draft(batch, t(0), 1)
        draft.put_alert(fires(f"alertname=Down n={n}"))
        draft.put_alert(fires("alertname=Down n=0"), refresh=True)
        draft.put_alert(fires(f"alertname=Up n={n}"))
        assert (draft.count("Down"), draft.count()) == (1 + n, 1 + 2 * n)
        batch.absorb(draft)
    memory.absorb(batch)
    assert (memory.count("Down"), memory.count("Up"), memory.count()) == (3, 2, 5)
    gone = Draft(memory, t(0), 1)
    for n in (1, 2):
        gone.alerts.drop(fires(f"alertname=Up n={n}").labels.key)
    memory.absorb(gone)
    assert (memory.count("Up"), memory.count(), memory.named) == (0, 3, {"Down": 3})


def test_the_version_of_a_table_changes_with_every_row_here_or_below() -> None:
    under: Table[str, int] = Table()
    over = under.over()
    seen = {over.version}
    under.put("a", 1)
    seen.add(over.version)
    over.put("a", 2)
    seen.add(over.version)
    over.drop("a")
    seen.add(over.version)
    other = under.over()
    other.put("b", 3)
    assert len({*seen, other.version}) == 5
    assert over.version == over.version


steps = st.lists(
    st.tuples(st.sampled_from(["put", "refresh", "drop", "note", "silences", "member"]), st.integers(0, 2)),
    max_size=5,
)


@given(steps)
def test_whether_there_is_something_to_store_is_known_without_making_it(did: list[tuple[str, int]]) -> None:
    memory = Memory(Snapshot(alerts=[fires(f"a={n}") for n in range(3)]), t(0))
    draft = Draft(memory, t(1), 1)
    gone: set[int] = set()
    for what, n in did:
        alert = fires(f"a={n}", 0, 7200)
        if what == "refresh" and n in gone:
            continue  # only what is known is refreshed
        gone |= {n} if what == "drop" else set()
        match what:
            case "put":
                draft.put_alert(alert)
            case "refresh":  # of one that is known
                if draft.alerts.get(alert.labels.key) is not None:
                    draft.put_alert(alert, refresh=True)
            case "drop":
                draft.alerts.drop(alert.labels.key)
            case "note":
                draft.note("firing", "fires")
            case "silences":
                assert list(draft.silences.values()) == []
            case "member":
                draft.members.put(("g", alert.labels.key), True)
    assert draft.has_changes() is bool(draft.changes())
    assert draft.has_changes() is any(what in ("put", "drop", "note") for what, _ in did)
