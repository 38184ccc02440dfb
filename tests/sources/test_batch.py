"""Batches: how expressions are joined, and what becomes of one that cannot be answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery, Incomplete, SourceError, TooMuch, Unavailable
from hbalert.ports import Answer
from hbalert.sources.batch import MAX_BYTES, SIZE, TAG, Batcher, NotConnected, Solitary, apart, joined
from hbalert.sources.wire import Vector

BASE = datetime(2026, 1, 1, tzinfo=UTC)
LEAF = re.compile(
    r'label_join\((?:vector\()?\(\n(.*?)\n\)\)?,"__hbalert_rule__","(\d+)","__hbalert_a","__hbalert_b"\)',
    re.DOTALL,
)


def t(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


class Server:
    """Answers each expression with one series that is named after it, or fails as told.

    asked    the expressions of each query, in order; one that was asked alone as its bare text
    fails    given the expressions of a query, an error to raise
    doubts   expressions whose answers come with a warning
    """

    def __init__(
        self,
        fails: Callable[[tuple[str, ...]], SourceError | None] = lambda exprs: None,
        doubts: Sequence[str] = (),
    ) -> None:
        self.fails = fails
        self.doubts = doubts
        self.asked: list[tuple[str, ...] | str] = []
        self.at = BASE
        self.gate: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, query: bytes, at: datetime) -> Vector:
        (text,) = parse_qs(query.decode(), strict_parsing=True)["query"]
        leaves = LEAF.findall(text)
        exprs = tuple(expr for expr, _ in leaves) or (text,)
        self.asked.append(exprs if leaves else text)
        self.at = at
        if self.gate is not None:
            await self.gate()
        failure = self.fails(exprs)
        if failure is not None:
            raise failure
        doubted = not set(self.doubts).isdisjoint(exprs)
        warnings = ("a store is away",) if doubted else ()
        if not leaves:
            return Vector([({"is": text}, 1.0)], warnings, doubted)
        series = [({"is": expr, TAG: number}, 1.0) for expr, number in reversed(leaves)]
        return Vector(series, warnings, doubted)

    @property
    def sizes(self) -> list[int]:
        """Of the batches; 0: an expression alone."""
        return [0 if isinstance(each, str) else len(each) for each in self.asked]


def metrics(number: int, prefix: str = "m") -> list[str]:
    return [f"{prefix}{place}" for place in range(number)]


def good(expr: str) -> Answer:
    return Answer((Sample(Labels({"is": expr}), 1.0),))


def bad_query_about(*bad: str) -> Callable[[tuple[str, ...]], SourceError | None]:
    return lambda exprs: BadQuery(f"bad: {set(bad) & set(exprs)}") if set(bad) & set(exprs) else None


# --- one query of many ---


def test_a_batch_is_a_balanced_tree_of_marked_raw_expressions() -> None:
    assert joined(["up # all", "1", "x"]) == (
        '((label_join((\nup # all\n),"__hbalert_rule__","0","__hbalert_a","__hbalert_b")'
        ' or label_join(vector((\n1\n)),"__hbalert_rule__","1","__hbalert_a","__hbalert_b"))'
        ' or label_join((\nx\n),"__hbalert_rule__","2","__hbalert_a","__hbalert_b"))'
    )


@given(number=st.integers(1, 70))
def test_a_batch_of_any_number_is_one_expression_of_little_depth(number: int) -> None:
    text = joined(metrics(number))
    promql_parser.parse(text)
    depth = max_depth = 0
    for char in text:
        depth += {"(": 1, ")": -1}.get(char, 0)
        max_depth = max(depth, max_depth)
    assert max_depth <= number.bit_length() + 3


def test_an_answer_is_taken_apart_by_its_marks_and_warnings_belong_to_all() -> None:
    vector = Vector([({"a": "1", TAG: "1"}, 1.0), ({"a": "0", TAG: "0"}, 2.0), ({TAG: "1"}, 3.0)], ("w",))
    assert apart(vector, 3) == [
        Answer((Sample(Labels({"a": "0"}), 2.0),), ("w",)),
        Answer((Sample(Labels({"a": "1"}), 1.0), Sample(Labels(), 3.0)), ("w",)),
        Answer((), ("w",)),
    ]


@pytest.mark.parametrize("tag", ["", "3", "-1", "x", "²", None])
def test_an_answer_without_good_marks_is_refused(tag: str | None) -> None:
    with pytest.raises(BadQuery, match="cannot be taken apart"):
        apart(Vector([({} if tag is None else {TAG: tag}, 1.0)]), 3)


# --- rounds ---


async def ask(batcher: Batcher, exprs: Iterable[str], seconds: float = 0) -> list[Answer | Exception]:
    return await batcher.query_many(list(exprs), t(seconds))


async def test_many_expressions_travel_in_batches_of_fifty_and_come_back_in_order() -> None:
    server = Server()
    answers = await ask(Batcher(server, concurrency=1), metrics(120), 7)
    assert server.sizes == [SIZE, SIZE, 20]
    assert server.at == t(7)
    assert answers == [good(expr) for expr in metrics(120)]


async def test_no_expression_at_all_asks_nothing() -> None:
    server = Server()
    assert await ask(Batcher(server, concurrency=4), []) == []
    assert server.asked == []


async def test_equal_expressions_are_asked_once() -> None:
    server = Server()
    assert await ask(Batcher(server, concurrency=1), ["a", "b", "a"]) == [good("a"), good("b"), good("a")]
    assert server.asked == [("a", "b")]


async def test_a_batch_has_at_most_twelve_kibibytes() -> None:
    server = Server()
    long = [f'm{{a="{place}{"x" * 3000}"}}' for place in range(10)]
    await ask(Batcher(server, concurrency=1), long)
    assert server.sizes == [3, 3, 3, 1]
    assert all(len(joined(each).encode()) <= MAX_BYTES for each in server.asked if isinstance(each, tuple))


@pytest.mark.parametrize(
    "expr",
    [
        pytest.param("up) or (up", id="valid only between brackets"),
        pytest.param("holt_winters(m[5m], 0.5, 0.5)", id="a function the local parser does not know"),
        pytest.param("rollup_rate(m[5m])", id="MetricsQL"),
        pytest.param('m{a="' + "x" * MAX_BYTES + '"}', id="too long for a batch"),
        pytest.param("m" + " + m" * 2000, id="too deep for the local parser"),
    ],
)
async def test_what_only_the_server_can_judge_is_asked_alone(expr: str) -> None:
    server = Server()
    answers = await ask(Batcher(server, concurrency=1), ["a", expr, "b"])
    assert server.asked == [("a", "b"), expr]
    assert answers == [good("a"), good(expr), good("b")]


@pytest.mark.parametrize(
    ("expr", "says"),
    [
        ('"text"', "gives a string"),
        ("m[5m]", "gives a range vector"),
        (f'label_replace(m, "{TAG}", "1", "", "")', "reserved"),
    ],
)
async def test_what_can_never_be_a_rule_is_refused_without_asking(expr: str, says: str) -> None:
    server = Server()
    first, second = await ask(Batcher(server, concurrency=1), [expr, "a"])
    assert isinstance(first, BadQuery)
    assert says in str(first)
    assert second == good("a")
    assert server.asked == [("a",)]


async def test_without_batches_each_expression_is_asked_alone() -> None:
    server = Server()
    await ask(Batcher(server, concurrency=1, batch=False), ["a", "b"])
    assert server.asked == ["a", "b"]


async def test_at_most_so_many_queries_run_at_once() -> None:
    server = Server()
    running = most = 0

    async def gate() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    server.gate = gate
    await ask(Batcher(server, concurrency=3), metrics(SIZE * 9))
    assert most == 3


# --- refused ---


async def test_a_refused_batch_is_halved_until_the_bad_one_stands_alone() -> None:
    server = Server(bad_query_about("m13"))
    answers = await ask(Batcher(server, concurrency=1), metrics(50))
    assert [isinstance(each, Answer) for each in answers].count(False) == 1
    assert isinstance(answers[13], BadQuery)
    assert server.sizes[0] == 50
    assert len(server.asked) < 15


async def test_what_failed_in_a_batch_is_asked_alone_for_ten_minutes_then_tried_again() -> None:
    server = Server(bad_query_about("m1"))
    batcher = Batcher(server, concurrency=1)
    await ask(batcher, metrics(3), 0)
    for seconds, sizes in ((15, [2, 0]), (599, [2, 0])):
        server.asked.clear()
        await ask(batcher, metrics(3), seconds)
        assert server.sizes == sizes
    server.fails = lambda exprs: None
    server.asked.clear()
    assert await ask(batcher, metrics(3), 600) == [good(expr) for expr in metrics(3)]
    assert server.asked == [("m0", "m1", "m2")]
    server.asked.clear()
    await ask(batcher, metrics(3), 615)
    assert server.sizes == [3]


async def test_an_answer_that_the_source_doubts_belongs_to_whoever_is_asked_alone_with_it() -> None:
    server = Server(doubts=("m1",))
    batcher = Batcher(server, concurrency=1, strict=True)
    for sizes in ([3, 0, 0, 0], [2, 0]):
        server.asked.clear()
        answers = await ask(batcher, metrics(3), 15)
        assert answers[::2] == [good("m0"), good("m2")]
        assert isinstance(answers[1], Incomplete)
        assert "a store is away" in str(answers[1])
        assert server.sizes == sizes
    server.doubts = ()
    server.asked.clear()
    assert await ask(batcher, metrics(3), 700) == [good(expr) for expr in metrics(3)]
    assert server.sizes == [3], "in the batch again"


async def test_unless_it_is_told_otherwise_an_answer_that_the_source_doubts_counts() -> None:
    server = Server(doubts=("m1",))
    answers = await ask(Batcher(server, concurrency=1), metrics(3))
    assert [each.warnings for each in answers if isinstance(each, Answer)] == [("a store is away",)] * 3
    assert server.sizes == [3]


async def test_an_expression_that_is_refused_only_in_batches_is_still_answered() -> None:
    server = Server(lambda exprs: BadQuery("no") if "m1" in exprs and len(server.asked[-1]) > 0 else None)
    server.fails = lambda exprs: (
        BadQuery("no") if isinstance(server.asked[-1], tuple) and "m1" in exprs else None
    )
    assert await ask(Batcher(server, concurrency=1), metrics(3)) == [good(expr) for expr in metrics(3)]


async def test_a_server_that_loses_the_marks_is_asked_one_by_one() -> None:
    class Lossy(Server):
        async def __call__(self, query: bytes, at: datetime) -> Vector:
            vector = await super().__call__(query, at)
            for labels, _ in vector.series:
                labels.pop(TAG, None)
            return vector

    server = Lossy()
    assert await ask(Batcher(server, concurrency=1), metrics(4)) == [good(expr) for expr in metrics(4)]
    assert server.asked[-1] == "m3"


# --- too much ---


async def test_too_much_halves_the_batch_and_the_next_ones_and_blames_nobody() -> None:
    server = Server(lambda exprs: TooMuch("too many samples") if len(exprs) > 20 else None)
    batcher = Batcher(server, concurrency=1)
    assert await ask(batcher, metrics(40)) == [good(expr) for expr in metrics(40)]
    assert server.sizes == [40, 20, 20]
    server.asked.clear()
    await ask(batcher, metrics(40), 15)
    assert server.sizes == [20, 20]


async def test_batches_grow_again_after_rounds_without_trouble() -> None:
    server = Server(lambda exprs: TooMuch("too many samples") if len(exprs) > 30 else None)
    batcher = Batcher(server, concurrency=1)
    await ask(batcher, metrics(50))
    server.fails = lambda exprs: None
    assert batcher.size == 25
    for number in range(4):
        assert batcher.size == 25
        await ask(batcher, metrics(50), number)
    assert batcher.size == SIZE


async def test_an_expression_that_is_too_much_by_itself_says_so_and_stays_alone() -> None:
    server = Server(lambda exprs: TooMuch("too many samples") if "m0" in exprs else None)
    batcher = Batcher(server, concurrency=1)
    first, second = await ask(batcher, metrics(2))
    assert isinstance(first, TooMuch)
    assert second == good("m1")
    server.asked.clear()
    await ask(batcher, metrics(2), 15)
    assert server.asked == [("m1",), "m0"]


# --- not answered ---


async def test_a_batch_that_is_not_answered_fails_as_a_whole_and_the_next_is_half_as_large() -> None:
    server = Server(lambda exprs: Unavailable("no answer within 10 s") if "m0" in exprs else None)
    batcher = Batcher(server, concurrency=1)
    answers = await ask(batcher, metrics(60))
    assert server.sizes == [50, 10]
    assert [isinstance(each, Unavailable) for each in answers] == [True] * 50 + [False] * 10
    server.asked.clear()
    await ask(batcher, metrics(60), 15)
    assert server.sizes == [25, 25, 10]


async def test_one_slow_expression_ends_up_alone_and_the_others_in_full_batches_again() -> None:
    server = Server(lambda exprs: Unavailable("no answer within 10 s") if "m7" in exprs else None)
    batcher = Batcher(server, concurrency=1)
    answers: list[Answer | Exception] = []
    for number in range(40):
        server.asked.clear()
        answers = await ask(batcher, metrics(100), number)
    assert [place for place, each in enumerate(answers) if isinstance(each, Unavailable)] == [7]
    assert server.sizes == [50, 49, 0]


async def test_when_nobody_answers_the_rest_is_not_asked() -> None:
    server = Server(lambda exprs: Unavailable("no answer within 10 s"))
    answers = await ask(Batcher(server, concurrency=1), metrics(1000))
    assert len(server.asked) == 3
    assert all(isinstance(each, Unavailable) for each in answers)


async def test_when_nobody_is_there_nothing_more_is_asked_and_batches_stay_as_large() -> None:
    server = Server(lambda exprs: NotConnected("cannot connect"))
    batcher = Batcher(server, concurrency=1)
    answers = await ask(batcher, [*metrics(200), "rollup(m)"])
    assert len(server.asked) == 1
    assert all(isinstance(each, Unavailable) for each in answers)
    assert batcher.size == SIZE


async def test_a_long_silence_of_the_source_blames_no_expression() -> None:
    server = Server(lambda exprs: Unavailable("no answer within 10 s"))
    batcher = Batcher(server, concurrency=2)
    for number in range(20):
        await ask(batcher, metrics(100), number)
    server.fails = lambda exprs: None
    for number in range(40):
        server.asked.clear()
        await ask(batcher, metrics(100), 20 + number)
    assert server.sizes == [50, 50]


async def test_a_source_that_falls_silent_while_a_batch_is_halved_is_not_asked_on() -> None:
    server = Server()
    server.fails = lambda exprs: BadQuery("no") if len(server.asked) == 1 else NotConnected("gone")
    answers = await ask(Batcher(server, concurrency=1), metrics(8))
    assert server.sizes == [8, 4]
    assert all(isinstance(each, NotConnected) for each in answers)


# --- alone for a while ---


def test_alone_for_ten_minutes_then_twice_as_long_and_never_more_than_six_hours() -> None:
    solitary = Solitary()
    now, periods = 0.0, []
    for _ in range(8):
        solitary.add("a", t(now))
        period = next(s for s in range(60, 10**6, 60) if not solitary.holds("a", t(now + s)))
        periods.append(period / 60)
        now += period
    assert periods == [10, 20, 40, 80, 160, 320, 360, 360]


def test_a_clock_that_was_set_back_ends_it_early() -> None:
    solitary = Solitary()
    solitary.add("a", t(0))
    assert solitary.holds("a", t(1))
    assert not solitary.holds("a", t(-3600))


def test_what_nobody_asks_for_any_more_is_forgotten() -> None:
    solitary = Solitary()
    solitary.add("a", t(0))
    solitary.add("b", t(7 * 3600))
    assert list(solitary._until) == ["b"]
