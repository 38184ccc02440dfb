"""Batches: how expressions are joined, and what becomes of one that cannot be answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from hbalert.core.labels import Labels
from hbalert.core.rule import Sample
from hbalert.errors import BadQuery, Incomplete, SourceError, TooMuch, Unavailable
from hbalert.ports import Answer
from hbalert.sources.batch import PLANNED_AT_ONCE, SIZE, Batcher, NotConnected
from hbalert.sources.histograms import KNOWS
from hbalert.sources.tree import MAX_BYTES, TAG, joined
from hbalert.sources.wire import Vector

BASE = datetime(2026, 1, 1, tzinfo=UTC)
LEAF = re.compile(
    r'label_join\((?:vector\()?\(\n(.*?)\n\)\)?,"__hbalert_rule__","(\d+)","__hbalert_a","__hbalert_b"\)',
    re.DOTALL,
)


def t(seconds: float) -> datetime:
    return BASE + timedelta(seconds=seconds)


class Server:
    """Answers each expression with one series that is named after it, or fails as told. Knows no histograms.

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
        if text == KNOWS:
            raise BadQuery("unknown function histogram_count")
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


async def test_batches_that_were_too_large_again_wait_twice_as_long_each_time() -> None:
    server = Server(lambda exprs: TooMuch("too many samples") if len(exprs) > 30 else None)
    batcher = Batcher(server, concurrency=1)
    tried, before = [], SIZE
    for number in range(64):
        await ask(batcher, metrics(50), number)
        if server.sizes[0] > 30:
            tried.append(number)
        server.asked.clear()
    assert tried == [0, 5, 14, 31], "after 4, 8, 16 clean rounds"
    server.fails = lambda exprs: None
    for number in range(64, 64 + 32 + 4 + 1):
        await ask(batcher, metrics(50), number)
        before = batcher.size
    assert before == SIZE


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


# --- less is asked ---


FAMILY = [f'x{{bot="{bot}"}} > {bound}' for bot in ("b1", "b2", "b3", "b4") for bound in (5, 9)]


class OfBots(Server):
    """Answers with one series for each bot that is asked for, of value 7."""

    async def __call__(self, query: bytes, at: datetime) -> Vector:
        vector = await super().__call__(query, at)
        series = []
        for labels, _ in vector.series:
            tag = {TAG: labels[TAG]} if TAG in labels else {}
            series += [({"bot": bot, **tag}, 7.0) for bot in re.findall(r"b\d", labels["is"])]
        return Vector(series)


def of_bot(expr: str) -> Answer:
    """What one of the family answers."""
    bot = expr[7:9]
    return Answer((Sample(Labels({"bot": bot}), 7.0),) if expr.endswith("5") else ())


def merging(server: Server) -> Batcher:
    return Batcher(server, concurrency=1, thresholds=True, labels=True)


async def test_a_family_of_rules_is_one_leaf_and_each_gets_its_answer() -> None:
    server = OfBots()
    assert await ask(merging(server), FAMILY) == [of_bot(expr) for expr in FAMILY]
    assert server.asked == [('x{bot=~"b1|b2|b3|b4"} > 5',)]


async def test_without_batches_nothing_is_asked_as_one() -> None:
    server = OfBots()
    one = Batcher(server, concurrency=1, batch=False, thresholds=True, labels=True)
    await ask(one, FAMILY)
    assert server.asked == FAMILY


async def test_a_family_with_a_bad_rule_is_halved_until_that_one_stands_alone() -> None:
    server = OfBots(lambda exprs: BadQuery("bad") if any("b3" in expr for expr in exprs) else None)
    batcher = merging(server)
    answers = await ask(batcher, FAMILY)
    assert [isinstance(each, BadQuery) for each in answers] == ["b3" in expr for expr in FAMILY]
    server.asked.clear()
    await ask(batcher, FAMILY, 15)
    assert server.asked == [('x{bot=~"b1|b2|b4"} > 5',), 'x{bot="b3"} > 5', 'x{bot="b3"} > 9']


async def test_a_family_that_fails_only_as_one_is_asked_in_its_parts_for_a_while() -> None:
    server = OfBots(lambda exprs: BadQuery("no") if any("|" in expr for expr in exprs) else None)
    batcher = merging(server)
    for seconds in (0, 15, 30):
        server.asked.clear()
        assert await ask(batcher, FAMILY, seconds) == [of_bot(expr) for expr in FAMILY]
    assert server.asked == [tuple(f'x{{bot="b{n}"}} > 5' for n in range(1, 5))]
    server.fails = lambda exprs: None
    server.asked.clear()
    await ask(batcher, FAMILY, 600)
    assert server.asked == [('x{bot=~"b1|b2|b3|b4"} > 5',)]


async def test_too_many_values_make_smaller_leaves_and_blame_nobody() -> None:
    many = [f'x{{bot="b{n}"}} > 5' for n in range(200)]
    server = Server(lambda exprs: TooMuch("too many samples") if exprs[0].count("|") > 99 else None)
    batcher = merging(server)
    assert all(isinstance(each, Answer) for each in await ask(batcher, many))
    assert len(server.asked) == 3
    server.asked.clear()
    await ask(batcher, many, 15)
    assert [[expr.count("|") for expr in each] for each in server.asked] == [[99, 99]]


async def test_a_family_that_is_not_answered_fails_as_a_whole_and_is_then_asked_in_its_parts() -> None:
    server = OfBots(lambda exprs: Unavailable("late") if any("b3" in expr for expr in exprs) else None)
    batcher = merging(server)
    answers = await ask(batcher, [*FAMILY, "y"])
    assert [isinstance(each, Unavailable) for each in answers] == [True] * 9
    for number in range(1, 40):
        server.asked.clear()
        answers = await ask(batcher, [*FAMILY, "y"], number)
    late = [place for place, each in enumerate(answers) if isinstance(each, Unavailable)]
    assert {FAMILY[place] for place in late} == {'x{bot="b3"} > 5', 'x{bot="b3"} > 9'}


async def test_while_many_expressions_are_read_for_the_first_time_others_have_their_turns() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    seen: list[int] = []

    async def gate() -> None:
        seen.append(turns)

    server = Server()
    server.gate = gate
    waiting = asyncio.create_task(others())
    exprs = [f'first_read_{n}{{bot="a"}} > 1' for n in range(PLANNED_AT_ONCE * 2)]
    answers = await Batcher(server, concurrency=1, thresholds=True, labels=True).query_many(exprs, BASE)
    waiting.cancel()
    assert not [each for each in answers if isinstance(each, Exception)]
    assert seen[0] > 10
