"""Against a real Prometheus: a batch answers exactly what each expression answers alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from hbalert.clock import SystemClock
from hbalert.config.types import SourceSettings
from hbalert.errors import BadQuery, SourceError, Unavailable
from hbalert.ports import Answer
from hbalert.promql import shape
from hbalert.sources.prometheus import PrometheusSource
from tests.fakes.prometheus import scraping, with_history

pytestmark = [pytest.mark.prometheus, pytest.mark.asyncio(loop_scope="module")]

STEP = 15
STEPS = 240
END = SystemClock().now().replace(microsecond=0) - timedelta(hours=2)
"""The last sample; data older than the retention of 15 days would be removed."""

ODD = 'a "quoted" back\\slash, ünïcode 订单 and\na new line'


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _history() -> Iterator[str]:
    """Families one after the other; per series a sample each 15 s for an hour."""
    draw = random.Random(7)

    def series(name: str, labels: dict[str, str], values: list[float | str]) -> Iterator[str]:
        inside = ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items())
        for place, value in enumerate(values):
            at = int(END.timestamp()) - (STEPS - 1 - place) * STEP
            yield f"{name}{{{inside}}} {value} {at}"

    def walk(start: float, spread: float) -> list[float | str]:
        values: list[float | str] = []
        for _ in range(STEPS):
            start += draw.uniform(-spread, spread)
            values.append(round(start, 3))
        return values

    def climb(per_step: float) -> list[float | str]:
        return [round(place * per_step * draw.uniform(0.9, 1.1)) + place for place in range(STEPS)]

    for instance in "abcd":
        up: list[float | str] = [0 if instance == "d" else 1] * STEPS
        yield from series("up", {"job": "bots", "instance": instance}, up)
    for bot in "abc":
        for kind in ("limit", "market"):
            yield from series("orders_total", {"bot": bot, "kind": kind}, climb(5))
    for bot in "abc":
        yield from series("failed_total", {"bot": bot}, climb(0.5))
    for le, share in (("0.1", 1), ("0.5", 3), ("1", 4), ("+Inf", 5)):
        yield from series("latency_seconds_bucket", {"bot": "a", "le": le}, [share * n for n in range(STEPS)])
    for bot in "abc":
        yield from series("balance", {"bot": bot, "asset": "USDT"}, walk(0, 10))
    yield from series("balance", {"bot": "a", "asset": "BTC"}, walk(1, 0.1))
    yield from series("job:errors:rate5m", {"job": "bots"}, walk(0.5, 0.1))
    yield from series("twin_one", {"x": "1"}, walk(5, 1))
    yield from series("twin_two", {"x": "1"}, walk(5, 1))
    yield from series("odd", {"text": ODD, "plain": "x"}, walk(2, 1))
    yield from series("not_a_number", {"a": "1"}, ["NaN"] * STEPS)
    yield from series("not_a_number", {"a": "2"}, walk(1, 1))
    yield from series("endless", {"a": "1"}, ["+Inf"] * STEPS)
    yield from series("endless", {"a": "2"}, ["-Inf"] * STEPS)
    yield from series("gone", {"a": "1"}, ([1.0] * (STEPS // 2)))


EXPRESSIONS = [
    "up",
    "up == 0",
    "up != 1",
    "up == bool 0",
    "UP or up",
    "-up",
    "- - up",
    "+balance",
    "-balance > 0",
    "up # a comment at the end",
    "# a comment at the start\nup",
    "up # a comment ) or (",
    "sum(\n  # in the middle )\n  up\n) > 0 # end\n",
    "up == 0 or up == 1",
    'up{instance="a"} or up{instance="b"} or balance',
    'up{instance=~"a|b"} and on(instance) up == 1',
    'up unless up{instance="d"}',
    "(up == 0) or vector(0)",
    "up or on() vector(1)",
    "vector(1)",
    "vector(time())",
    "1",
    "-1.5e3",
    "0x1F",
    "NaN",
    "Inf",
    "1 == bool 1",
    "1 + 2 * 3 ^ 2",
    "time()",
    "time() - 3600 > bool 0",
    "pi()",
    "scalar(up)",
    'scalar(up{instance="a"})',
    'scalar(balance{asset="BTC"}) * 2',
    'balance > scalar(balance{asset="BTC"})',
    "absent(up)",
    "absent(nothing)",
    'absent(nothing{a="b",c=~"d"})',
    "absent_over_time(nothing[5m])",
    "nothing",
    "count(nothing) or vector(0)",
    "sum by (bot) (rate(failed_total[5m])) / sum by (bot) (rate(orders_total[5m])) > 0.05",
    "sum(rate(orders_total[5m])) by (bot)",
    "sum without (kind) (rate(orders_total[5m]))",
    "rate(orders_total[5m]) > on(bot) group_left sum by (bot) (rate(failed_total[5m]))",
    "balance * on(bot) group_left(kind) (orders_total{kind='limit'} * 0 + 1)",
    "histogram_quantile(0.9, sum by (le) (rate(latency_seconds_bucket[5m])))",
    "histogram_quantile(0.5, latency_seconds_bucket)",
    "topk(2, balance)",
    "bottomk by (asset) (1, balance)",
    "sort_desc(balance)",
    "quantile(0.5, balance)",
    'count_values("value", up)',
    "stddev(balance)",
    "group by (bot) (balance)",
    "balance offset 5m",
    "balance offset -1s",
    f"balance @ {int(END.timestamp()) - 600}",
    f"balance @ {int(END.timestamp()) - 600}.5 offset 1m",
    "balance @ end()",
    "sum_over_time(up[10m] @ start())",
    "max_over_time(balance[30m:1m])",
    "max_over_time((balance > 0)[30m:])",
    "avg_over_time(rate(orders_total[2m])[10m:30s] offset 5m)",
    "changes(balance[10m]) > 1",
    "delta(balance[10m])",
    "deriv(balance[10m])",
    "predict_linear(balance[10m], 3600) < 0",
    "increase(failed_total[1h])",
    "irate(orders_total[1m])",
    "resets(orders_total[1h])",
    "last_over_time(gone[2h])",
    "gone",
    "present_over_time(gone[2h])",
    "clamp(balance, -1, 1)",
    "round(balance, 0.5)",
    "abs(balance) ^ 0.5",
    "sgn(balance) == -1",
    "balance % 2",
    "balance atan2 balance",
    "job:errors:rate5m",
    "job:errors:rate5m > 0",
    '{__name__="job:errors:rate5m"}',
    '{__name__=~"twin_.*"}',
    '{__name__=~"twin_.*"} > 0',
    "twin_one or twin_two",
    "twin_one and twin_two",
    "not_a_number",
    "not_a_number > 0",
    "not_a_number != 0",
    "not_a_number == not_a_number",
    "0 / 0 * up",
    "up / 0",
    "endless",
    "endless > 0",
    "-endless",
    f'odd{{text="{_escape(ODD)}"}}',
    'odd{text=~".*\\"quoted\\".*"}',
    "odd{text=~'.*\"quoted\" back\\\\\\\\slash.*'}",
    'odd{text=~"(?s).*订单.*\\\\n.*"} > 0',
    "odd{text=~`(?s).*quoted.*`}",
    'odd{plain="x",text!=""}',
    'label_replace(up, "host", "$1-x", "instance", "(.*)")',
    'label_join(up, "both", "/", "job", "instance")',
    'label_replace(up, "__name__", "down", "", "")',
    'label_replace(up{instance="a"}, "instance", "", "", "")',
    "days_in_month() > 27",
    "hour(vector(0))",
    "timestamp(up)",
    "((((up))))",
    "up{}",
    'up{job="bots",}',
    "up AND up",
    "Sum(up)",
]
"""Each is valid at this server; alone it answers something or nothing."""

WRONG = [
    "up) or (up",
    "up +",
    "",
    "balance + on() twin_one",
    "up * on(job) up",
    '-{__name__=~"twin_.*"}',
    "up[5m]",
    '"text"',
    "nosuchfunction(up)",
    'label_replace(up, "instance", "same", "", "")',
    'up{job=~"["}',
    "foo{",
]
"""Each fails at this server, for what it says or because of the data."""


def comparable(answer: Answer | Exception) -> object:
    """Label keys with values, in no order; NaN equals NaN, and an error its class."""
    if isinstance(answer, Answer):
        return sorted((each.labels.key, repr(each.value)) for each in answer.samples)
    return type(answer)


async def alone(source: PrometheusSource, expr: str, at: datetime) -> Answer | Exception:
    try:
        return await source.query(expr, at)
    except SourceError as error:
        return error


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrometheusSource]:
    async with with_history(_history(), tmp_path_factory.mktemp("prometheus")) as prometheus:
        one = PrometheusSource("real", SourceSettings(url=prometheus.url))
        yield one
        await one.close()


async def test_the_history_is_there(source: PrometheusSource) -> None:
    answer = await source.query("count({__name__=~'.+'})", END)
    assert [sample.value for sample in answer.samples] == [29]
    (odd,) = (await source.query("odd", END)).samples
    assert odd.labels["text"] == ODD


@pytest.mark.parametrize("seconds", [0, -900, -1790, 3600], ids=lambda s: f"{s:+} s")
async def test_a_batch_answers_what_each_expression_answers_alone(
    source: PrometheusSource, seconds: int
) -> None:
    at = END + timedelta(seconds=seconds, milliseconds=250)
    assert len(EXPRESSIONS) >= 100
    together = await source.query_many(EXPRESSIONS, at)
    singly = [await alone(source, expr, at) for expr in EXPRESSIONS]
    for expr, one, other in zip(EXPRESSIONS, together, singly, strict=True):
        assert comparable(one) == comparable(other), expr
        assert isinstance(other, Answer), f"{expr}: {other}"


async def test_most_expressions_really_travel_in_batches() -> None:
    by_themselves = [expr for expr in EXPRESSIONS if shape(expr) is None]
    assert by_themselves == []


async def test_wrong_expressions_among_good_ones_spoil_nothing(source: PrometheusSource) -> None:
    mixed = [each for pair in zip(WRONG, EXPRESSIONS, strict=False) for each in pair]
    mixed += EXPRESSIONS[len(WRONG) :]
    for round_ in range(3):  # the second and third know what has to be asked alone
        at = END + timedelta(seconds=round_)
        together = await source.query_many(mixed, at)
        for expr, one in zip(mixed, together, strict=True):
            assert comparable(one) == comparable(await alone(source, expr, at)), expr
            assert isinstance(one, BadQuery) == (expr in WRONG), f"{expr}: {one}"


async def test_an_error_of_the_data_is_told_in_the_words_of_the_server(source: PrometheusSource) -> None:
    (answer,) = await source.query_many(['-{__name__=~"twin_.*"}'], END)
    assert isinstance(answer, BadQuery)
    assert "vector cannot contain metrics with the same labelset" in str(answer)


async def test_a_moment_without_data_answers_nothing(source: PrometheusSource) -> None:
    assert await source.query("up", datetime(2020, 1, 1, tzinfo=UTC)) == Answer(())


async def test_a_live_target_that_goes_away(tmp_path: Path) -> None:
    """The other kind of Prometheus: it scrapes, and the source sees what happens as it happens."""
    async with scraping(tmp_path) as (prometheus, target):
        one = PrometheusSource("live", SourceSettings(url=prometheus.url, timeout=timedelta(seconds=2)))
        clock = SystemClock()

        async def until(expr: str, value: float) -> None:
            for _ in range(200):
                found = (await one.query(expr, clock.now())).samples
                if [sample.value for sample in found] == [value]:
                    return
                await asyncio.sleep(0.05)
            pytest.fail(f"{expr} never became {value}")

        target.text = 'orders{bot="a"} 3\n'
        await until('orders{bot="a"}', 3)
        target.text = None
        await until("up", 0)
        await until("count(orders) or vector(-1)", -1)
        url = prometheus.url
    with pytest.raises(Unavailable):
        await one.query("up", clock.now())
    assert url
    await one.close()
