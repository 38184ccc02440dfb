"""Against a real Prometheus: its words, no data, a target that goes away. Batches: see tests/equality."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from hbalert.clock import SystemClock
from hbalert.config.types import SourceSettings
from hbalert.errors import BadQuery, Unavailable
from hbalert.ports import Answer
from hbalert.sources.prometheus import PrometheusSource
from tests.equality.history import END, history
from tests.fakes.prometheus import scraping, with_history

pytestmark = [pytest.mark.prometheus, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrometheusSource]:
    async with with_history(history(), tmp_path_factory.mktemp("prometheus")) as prometheus:
        one = PrometheusSource("real", SourceSettings(url=prometheus.url))
        yield one
        await one.close()


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
