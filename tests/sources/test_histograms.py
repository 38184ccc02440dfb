"""Native histograms, which some servers turn into numbers when many rules are asked together."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hbalert.clock import SystemClock
from hbalert.errors import SourceError
from hbalert.ports import Answer
from hbalert.programs.prometheus import Prometheus
from hbalert.sources.prometheus import PrometheusSource
from tests.equality.play import comparable, source
from tests.fakes.prometheus import EMPTY, programs
from tests.fakes.remote_write import ARGUMENTS, histogram, push, sample

RULES = [
    *("h", "g", "h < 5", "h < 6", "h > -1", "h == 0", "h + 1", "sum(h)", "-h", "histogram_count(h)"),
    *("h and g", "h or g", "max_over_time(h[5m])", "h * 2", "rate(h[5m])", "h > bool 1", "count(h)"),
    *("absent(h)", "h == h", 'label_join(h, "x", "y", "z")', "sort(h)", "topk(3, h)", "abs(h)"),
    *("histogram_quantile(0.5, h)", "timestamp(h)", "last_over_time(h[5m])", "h unless g", "time()"),
    *(f'h{{bot="{bot}"}} < 9' for bot in "ab"),
]


async def alone(one: PrometheusSource, rule: str, at: datetime) -> Answer | Exception:
    try:
        return await one.query(rule, at)
    except SourceError as error:
        return error


@pytest.mark.prometheus
async def test_a_histogram_never_becomes_a_number_because_rules_are_asked_together(tmp_path: Path) -> None:
    programs()
    async with Prometheus(EMPTY, tmp_path, arguments=ARGUMENTS) as server:
        at = SystemClock().now()
        await push(
            server.url,
            [
                histogram({"__name__": "h", "bot": "a"}, 3, 4.5, at),
                sample({"__name__": "h", "bot": "b"}, 7, at),
                sample({"__name__": "g", "bot": "a"}, 0, at),
            ],
        )
        one = source(server.url)
        for seconds in (0, 15, 700, 3700):  # what was found out holds for a while
            now = at + timedelta(seconds=seconds / 100)
            for rule, together in zip(RULES, await one.query_many(RULES, now), strict=True):
                single = await alone(one, rule, now)
                assert comparable(together) == comparable(single), rule
                if isinstance(single, Answer) and single.warnings:
                    assert isinstance(together, Answer)
                    assert together.warnings == single.warnings, rule
        await one.close()
