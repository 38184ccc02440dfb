"""The contract of `hbalert.ports.Store`, for every store there is."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import zlib
from dataclasses import replace
from typing import Any, cast

import pytest

from hbalert.core.delivery import DeliveryState
from hbalert.core.labels import Labels
from hbalert.core.maintenance import Recurrence
from hbalert.core.silence import Silence
from hbalert.errors import StoreError
from hbalert.ports import Changes, HistoryQuery, Note, Snapshot, Store
from tests.storage.conftest import Open
from tests.storage.values import (
    alert,
    attempt,
    delivery,
    entry,
    everything,
    group,
    labels,
    note,
    odd_alert,
    odd_delivery,
    odd_rule_alert,
    odd_silence,
    rule_alert,
    silence,
    t,
    window,
)

TABLES = ("alerts", "rule_alerts", "groups", "entries", "deliveries", "silences", "windows", "notifiers")


def unstorable() -> Changes:
    """Changes whose second row no store can take: an integer that is too large."""
    broken = replace(delivery(666), sequence=2**64)
    return Changes(alerts={alert(666).labels.key: alert(666)}, deliveries={broken.id: broken})


def ids(lines: list[Any]) -> list[str]:
    return [line.delivery.id for line in lines]


# --- what goes in comes out --------------------------------------------------------------------


async def test_a_new_store_is_empty(store: Store) -> None:
    assert await store.load() == Snapshot()


@pytest.mark.parametrize("table", TABLES)
async def test_rows_come_back_as_they_were(open_store: Open, table: str) -> None:
    """Plain and odd rows, with None where None may stand, also after the store was closed."""
    store = await open_store()
    await store.commit([everything()])
    wanted = list(getattr(everything(), table).values())
    assert len(wanted) == 2
    assert list(getattr(await store.load(), table)) == wanted
    await store.close()
    assert list(getattr(await (await open_store()).load(), table)) == wanted


async def test_attempts_and_notes_come_back_as_they_were(store: Store) -> None:
    changes = everything()
    await store.commit([changes])
    assert await store.notes() == changes.notes
    attempts = {line.delivery.id: line.attempts for line in await store.history(HistoryQuery())}
    assert attempts == {delivery().id: (changes.attempts[0],), odd_delivery(1).id: ()}


async def test_a_matcher_that_comes_back_matches(store: Store) -> None:
    """Equality does not look at the compiled test, so it is tried."""
    await store.commit([Changes(silences={row.id: row for row in (silence(7), odd_silence())})])
    plain, odd = (await store.load()).silences
    assert [plain.matchers[0].matches(labels(number)) for number in (7, 8)] == [True, False]
    values = [{"bot": "机器人-9"}, {"bot": "a.b"}, {"bot": "axb"}, {"bot": "a.bc"}]
    assert [odd.matchers[0].matches(value) for value in values] == [True, True, False, False]
    assert [odd.matchers[1].matches(value) for value in ({}, {"with space": "x"})] == [False, True]


@pytest.mark.parametrize("value", [0.1, -0.0, 1e308, math.inf, -math.inf, 5e-324, 2.0**60])
async def test_a_value_is_the_same_number_afterwards(store: Store, value: float) -> None:
    row = odd_rule_alert(value)
    await store.commit([Changes(rule_alerts={(row.rule_id, row.labels.key): row})])
    assert [read.value for read in (await store.load()).rule_alerts] == [value]


async def test_not_a_number_stays_not_a_number(store: Store) -> None:
    row = odd_rule_alert(math.nan)
    await store.commit([Changes(rule_alerts={(row.rule_id, row.labels.key): row})])
    assert [math.isnan(read.value) for read in (await store.load()).rule_alerts] == [True]


async def test_alerts_whose_labels_differ_after_a_nul_are_two(store: Store) -> None:
    """Some databases end a text at NUL; identity must not."""
    rows = [alert(1, odd="a\0b"), alert(1, odd="a\0c"), alert(1, odd="a")]
    await store.commit([Changes(alerts={row.labels.key: row for row in rows})])
    assert list((await store.load()).alerts) == rows


async def test_a_lone_surrogate_costs_nothing(store: Store) -> None:
    """Answers that are no UTF-8 reach us with lone surrogates; they become visible escapes."""
    row = replace(delivery(1), last_answer="550 \udcff", refused={"a\udc80": "b"})
    line = Note(t(0), "sent", "said \ud800")
    await store.commit([Changes(deliveries={row.id: row}, notes=[line])])
    (read,) = (await store.load()).deliveries
    assert (read.last_answer, read.refused) == ("550 \\udcff", {"a\\udc80": "b"})
    assert [line.text for line in await store.notes()] == ["said \\ud800"]


async def test_a_row_written_again_takes_the_place_of_the_first(store: Store) -> None:
    await store.commit([everything()])
    fresh = Changes(
        alerts={alert().labels.key: alert(summary="other")},
        rule_alerts={("bots/BotSilent", labels(0).key): replace(rule_alert(), value=9.0)},
        groups={"route/0": replace(group(), flushed=True)},
        entries={("route/0", "ops-mail"): replace(entry(), repeats=4)},
        deliveries={
            delivery().id: replace(delivery(), attempts=3, notification=odd_delivery(3).notification)
        },
        silences={"silence-0": replace(silence(), comment="longer")},
        windows={"exchange": replace(window(), comment="other")},
    )
    await store.commit([fresh])
    live = await store.load()
    for table in TABLES[:-1]:
        (row,) = getattr(fresh, table).values()
        assert list(getattr(live, table)) == [row, list(getattr(everything(), table).values())[1]]


async def test_removed_rows_are_gone_and_others_stay(store: Store) -> None:
    changes = everything()
    await store.commit([changes])
    removal = Changes()
    for table in TABLES:
        key = next(iter(getattr(changes, table)))
        getattr(removal, table)[key] = None
    await store.commit([removal])
    live = await store.load()
    for table in TABLES:
        assert list(getattr(live, table)) == list(getattr(changes, table).values())[1:]


async def test_removing_what_is_not_there_does_nothing(store: Store) -> None:
    await store.commit(
        [Changes(alerts={b"a\xffb\xff": None}, entries={("g", "n"): None}, deliveries={"d": None})]
    )
    assert await store.load() == Snapshot()


async def test_changes_of_one_commit_are_made_in_order(store: Store) -> None:
    key = alert().labels.key
    first, second = alert(summary="first"), alert(summary="second")
    await store.commit(
        [
            Changes(alerts={key: first}, notes=[note(1)]),
            Changes(alerts={key: None}),
            Changes(alerts={key: second}, groups={"route/0": group()}, notes=[note(2)]),
            Changes(groups={"route/0": None}),
        ]
    )
    live = await store.load()
    assert (list(live.alerts), list(live.groups)) == ([second], [])
    assert await store.notes() == [note(1), note(2)]


async def test_many_rows_at_once(store: Store) -> None:
    rows = [alert(number) for number in range(3000)]
    await store.commit([Changes(alerts={row.labels.key: row for row in rows})])
    await store.commit([Changes(alerts={row.labels.key: None for row in rows[::2]})])
    assert list((await store.load()).alerts) == rows[1::2]


async def test_nothing_to_commit_is_fine(store: Store) -> None:
    await store.commit([])
    await store.commit([Changes(), Changes()])
    assert await store.load() == Snapshot()


# --- all or nothing ----------------------------------------------------------------------------


async def test_a_commit_that_fails_leaves_nothing(store: Store) -> None:
    """Also not of the changes before and after the broken one in the same call."""
    fine = Changes(alerts={alert().labels.key: alert()}, notes=[note()])
    with pytest.raises(StoreError):
        await store.commit([fine, unstorable(), Changes(groups={"route/0": group()})])
    assert await store.load() == Snapshot()
    assert await store.notes() == []
    await store.commit([fine])
    assert list((await store.load()).alerts) == [alert()]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(unstorable(), id="a number that is too large"),
        pytest.param(
            Changes(groups={"route/0": replace(group(), route_id=cast(str, None))}),
            id="nothing where text belongs",
        ),
        pytest.param(
            Changes(groups={"route/0": replace(group(), next_flush_at=t(0).replace(tzinfo=None))}),
            id="a time without a zone",
        ),
        pytest.param(Changes(notes=[Note(t(0), "kind", cast(str, object()))]), id="no text"),
    ],
)
async def test_a_value_that_cannot_be_stored_is_a_store_error(store: Store, changes: Changes) -> None:
    with pytest.raises(StoreError):
        await store.commit([changes])
    await store.commit([Changes(notes=[note()])])


async def test_a_caller_that_fails_does_not_fail_others(store: Store) -> None:
    """Twenty callers at once; every fifth hands in what cannot be stored."""
    calls = []
    for number in range(20):
        row = alert(number)
        fine = Changes(alerts={row.labels.key: row}, notes=[note(number)])
        calls.append(store.commit([fine, unstorable()] if number % 5 == 2 else [fine]))
    results = await asyncio.gather(*calls, return_exceptions=True)
    failed = [number for number, result in enumerate(results) if result is not None]
    assert failed == [2, 7, 12, 17]
    assert all(isinstance(results[number], StoreError) for number in failed)
    wanted = [number for number in range(20) if number not in failed]
    assert list((await store.load()).alerts) == [alert(number) for number in wanted]
    assert await store.notes() == [note(number) for number in wanted]


async def test_of_callers_at_once_the_later_has_the_last_word(store: Store) -> None:
    key = alert().labels.key
    rows = [alert(summary=str(number)) for number in range(50)]
    await asyncio.gather(*(store.commit([Changes(alerts={key: row})]) for row in rows))
    assert list((await store.load()).alerts) == [rows[-1]]


async def test_a_caller_that_goes_away_harms_nobody(store: Store) -> None:
    gone = asyncio.create_task(store.commit([Changes(alerts={alert(1).labels.key: alert(1)})]))
    await asyncio.sleep(0)
    gone.cancel()
    await store.commit([Changes(alerts={alert(2).labels.key: alert(2)})])
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert alert(2) in (await store.load()).alerts


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    await store.close()
    for refused in (store.load(), store.commit([everything()]), store.notes(), store.touch(t(0))):
        with pytest.raises(StoreError, match="closed"):
            await refused


async def test_closing_finishes_what_was_begun(open_store: Open) -> None:
    store = await open_store()
    commits = [
        asyncio.create_task(store.commit([Changes(alerts={alert(number).labels.key: alert(number)})]))
        for number in range(30)
    ]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*commits)
    assert len((await (await open_store()).load()).alerts) == 30


# --- what a start needs to know ----------------------------------------------------------------


async def test_only_live_deliveries_are_loaded_in_their_order(store: Store) -> None:
    rows = [delivery(number, state) for number, state in enumerate(DeliveryState)]
    await store.commit([Changes(deliveries={row.id: row for row in reversed(rows)})])
    assert list((await store.load()).deliveries) == [row for row in rows if row.is_live]


async def test_the_next_sequence_lies_above_every_delivery_that_ever_was(open_store: Open) -> None:
    """Also above one that was removed, and one that was pruned."""
    store = await open_store()
    rows = [delivery(number, DeliveryState.SENT, settled=40) for number in (4, 8, 6)]
    await store.commit([Changes(deliveries={row.id: row for row in rows})])
    assert (await store.load()).next_sequence == 10
    await store.commit([Changes(deliveries={delivery(8).id: None})])
    assert (await store.load()).next_sequence == 10
    await store.prune(t(1e6))
    await store.close()
    assert (await (await open_store()).load()).next_sequence == 10


async def test_the_last_sign_of_life_is_kept(open_store: Open) -> None:
    store = await open_store()
    await store.touch(t(10))
    await store.touch(t(20.000001))
    assert (await store.load()).last_seen == t(20.000001)
    await store.close()
    assert (await (await open_store()).load()).last_seen == t(20.000001)


async def test_a_sign_of_life_goes_with_the_rows_that_it_belongs_to(open_store: Open) -> None:
    store = await open_store()
    await store.touch(t(10))
    await store.commit([Changes(silences={"silence-1": silence(1)}, seen_at=t(-3600))])
    assert (await store.load()).last_seen == t(-3600)


# --- history -----------------------------------------------------------------------------------


@pytest.fixture
async def past(store: Store) -> Store:
    """Six deliveries, made at 0, 100, ..., the even ones sent 50 later by mail, 3 dead, 1 and 5 live."""
    states = {1: DeliveryState.QUEUED, 3: DeliveryState.DEAD, 5: DeliveryState.SENDING}
    rows = [
        delivery(
            number,
            states.get(number, DeliveryState.SENT),
            created=100 * number,
            settled=None if number in (1, 5) else 100 * number + 50,
            notifier="ops-mail" if number % 2 == 0 else "desk-sms",
        )
        for number in range(6)
    ]
    attempts = [attempt(number, 100 * number + step) for step in (1, 2) for number in (0, 3)]
    await store.commit([Changes(deliveries={row.id: row for row in reversed(rows)}, attempts=attempts)])
    return store


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        pytest.param(HistoryQuery(), [5, 4, 3, 2, 1, 0], id="all, newest first"),
        pytest.param(HistoryQuery(limit=2), [5, 4], id="the newest two"),
        pytest.param(HistoryQuery(limit=0), [5, 4, 3, 2, 1, 0], id="a limit of 0 is none"),
        pytest.param(HistoryQuery(since=t(250)), [5, 4, 3, 2, 1], id="since counts, settled then; 1 is live"),
        pytest.param(HistoryQuery(until=t(250)), [1, 0], id="until does not count"),
        pytest.param(HistoryQuery(since=t(100), until=t(400)), [3, 2, 1], id="both"),
        pytest.param(HistoryQuery(notifier="desk-sms"), [5, 3, 1], id="one notifier"),
        pytest.param(HistoryQuery(state="sent"), [4, 2, 0], id="one state"),
        pytest.param(HistoryQuery(state="dead", notifier="ops-mail"), [], id="nothing has both"),
        pytest.param(HistoryQuery(delivery_id="delivery-0003"), [3], id="one id"),
        pytest.param(HistoryQuery(delivery_id="delivery-"), [5, 4, 3, 2, 1, 0], id="the beginning of ids"),
        pytest.param(HistoryQuery(delivery_id="elivery"), [], id="not the middle of ids"),
        pytest.param(HistoryQuery(delivery_id="delivery_"), [], id="no wildcards"),
    ],
)
async def test_history_lists(past: Store, query: HistoryQuery, numbers: list[int]) -> None:
    assert ids(await past.history(query)) == [f"delivery-{number:04d}" for number in numbers]


async def test_history_shows_the_attempts_in_their_order(past: Store) -> None:
    attempts = {line.delivery.id: line.attempts for line in await past.history(HistoryQuery())}
    assert attempts["delivery-0003"] == (attempt(3, 301), attempt(3, 302))
    assert attempts["delivery-0001"] == ()


async def test_what_was_sent_late_is_found_by_when_it_was_sent(store: Store) -> None:
    """A message of an outage: decided at 0, sent at 1000. Somebody asks why a phone rang at 1000."""
    row = delivery(1, DeliveryState.SENT, created=0, settled=1000)
    await store.commit([Changes(deliveries={row.id: row})])
    assert ids(await store.history(HistoryQuery(since=t(990)))) == [row.id]
    assert ids(await store.history(HistoryQuery(until=t(10)))) == []


@pytest.mark.parametrize(
    ("notifier", "since", "number"),
    [
        pytest.param("ops-mail", 0, 3, id="all of one notifier"),
        pytest.param("ops-mail", 250, 2, id="since counts"),
        pytest.param("desk-sms", 0, 0, id="what waits or is dead was not sent"),
        pytest.param("nobody", 0, 0, id="a notifier without a past"),
    ],
)
async def test_messages_that_were_sent_are_counted(
    past: Store, notifier: str, since: float, number: int
) -> None:
    assert await past.sent_since(notifier, t(since)) == number


async def test_a_message_to_three_numbers_counts_three(store: Store) -> None:
    row = replace(delivery(1, DeliveryState.SENT, settled=50), reached=frozenset({"a", "b", "c"}))
    await store.commit([Changes(deliveries={row.id: row})])
    assert await store.sent_since(row.notifier, t(0)) == 3


async def test_history_keeps_the_whole_notification(store: Store) -> None:
    row = replace(odd_delivery(1), state=DeliveryState.DEAD)
    await store.commit([Changes(deliveries={row.id: row})])
    (line,) = await store.history(HistoryQuery())
    assert line.delivery == row


async def test_notes_are_found_by_alert_by_group_and_by_both(store: Store) -> None:
    lines = [note(at, number=number) for at, number in ((0, 1), (1, 2), (2, 1))]
    alone = [replace(note(3, number=1), group_id=""), replace(note(4, number=1), alert_key=b"")]
    await store.commit([Changes(notes=[*lines, *alone, Note(t(5), "reload", "of neither")])])
    key = labels(1).key
    assert await store.notes(alert_key=key) == [lines[0], lines[2], alone[0]]
    assert await store.notes(group_id="route/1") == [lines[0], lines[2], alone[1]]
    assert await store.notes(alert_key=key, group_id="route/1") == [lines[0], lines[2]]
    assert len(await store.notes()) == 6
    assert await store.notes(alert_key=labels(3).key) == []


async def test_of_many_notes_the_latest_are_shown_oldest_first(store: Store) -> None:
    await store.commit([Changes(notes=[note(at) for at in range(10)])])
    assert await store.notes(limit=3) == [note(7), note(8), note(9)]
    assert await store.notes(alert_key=labels(0).key, limit=2) == [note(8), note(9)]


async def test_notes_of_different_alerts_are_never_mixed_up(store: Store) -> None:
    """These two keys have the same crc32, which the SQLite store looks them up by."""
    first, second = Labels({"a": "plumless"}).key, Labels({"a": "buckeroo"}).key
    assert zlib.crc32(first) == zlib.crc32(second)
    lines = [Note(t(0), "firing", "first", first), Note(t(1), "firing", "second", second)]
    await store.commit([Changes(notes=lines)])
    assert await store.notes(alert_key=first) == [lines[0]]
    assert await store.notes(alert_key=second) == [lines[1]]


# --- retention ---------------------------------------------------------------------------------


async def test_prune_removes_what_is_old_and_never_what_is_live(store: Store) -> None:
    rows = [
        delivery(1, DeliveryState.SENT, created=0, settled=10),
        delivery(2, DeliveryState.DEAD, created=0, settled=100),
        delivery(3, DeliveryState.QUEUED, created=0),
        delivery(4, DeliveryState.SENDING, created=0),
        delivery(5, DeliveryState.SUPERSEDED, created=0, settled=99),
    ]
    silences = [silence(1, ends=50), silence(2, ends=100), silence(3, ends=1e6)]
    # An occurrence of a window that was ended early: it is kept, so that it is not made again.
    silences.append(replace(silence(4, ends=50), window="w", kept_until=t(100)))
    attempts = [attempt(number, 5) for number in (1, 1, 2, 3, 4, 77)] + [attempt(78, 150)]
    await store.commit(
        [
            replace(everything(), deliveries={}, silences={}, attempts=[], notes=[]),
            Changes(
                deliveries={row.id: row for row in rows},
                silences={row.id: row for row in silences},
                attempts=attempts,
                notes=[note(5), note(99), note(100), note(101)],
            ),
        ]
    )
    before = await store.load()
    # Two deliveries, two attempts of one, one of an unknown delivery, one silence, two lines.
    assert await store.prune(t(100)) == 8
    assert await store.load() == replace(before, silences=tuple(silences[1:]))
    lines = {line.delivery.id: line.attempts for line in await store.history(HistoryQuery())}
    assert lines == {rows[1].id: (attempt(2, 5),), rows[2].id: (attempt(3, 5),), rows[3].id: (attempt(4, 5),)}
    assert await store.notes() == [note(100), note(101)]
    assert await store.prune(t(100)) == 0


async def test_prune_goes_through_long_tables_in_small_steps(store: Store) -> None:
    """Commits are served in between."""
    rows = [delivery(number, DeliveryState.SENT, created=0, settled=number) for number in range(1500)]
    await store.commit(
        [
            Changes(
                deliveries={row.id: row for row in rows},
                attempts=[attempt(number, number) for number in range(3000)],
                notes=[note(number) for number in range(2500)],
            )
        ]
    )
    order: list[str] = []

    async def prune() -> int:
        removed = await store.prune(t(1400))
        order.append("pruned")
        return removed

    async def commit() -> None:
        await store.commit([Changes(silences={"silence-1": silence(1)})])
        order.append("committed")

    removed, _ = await asyncio.gather(prune(), commit())
    assert order == ["committed", "pruned"]
    assert removed == 1400 + 1400 + 1400
    assert len(await store.history(HistoryQuery(limit=0))) == 100
    assert len(await store.notes(limit=0)) == 1100


def test_every_kind_of_row_is_tried_here() -> None:
    """A table that is added to Changes must be added to this suite."""
    assert {field.name for field in dataclasses.fields(Changes)} == {
        *TABLES,
        "attempts",
        "notes",
        "seen_at",
        "vital",
    }
    assert all(getattr(everything(), name) for name in (*TABLES, "attempts", "notes"))
    assert {field.name for field in dataclasses.fields(Silence)} == {
        "id", "matchers", "starts_at", "ends_at", "created_by", "comment", "updated_at", "annotations",
        "window", "kept_until",
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(Recurrence)} == {
        "location", "cron", "duration", "weekdays", "start", "end",
    }  # fmt: skip
    assert odd_alert().labels.key != alert().labels.key
