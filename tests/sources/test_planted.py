"""Twenty planted mistakes on a real Prometheus that scrapes: each is found, and nothing else is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hbalert.clock import SystemClock
from hbalert.config.document import Document, read
from hbalert.config.findings import Finding
from hbalert.config.load import check
from hbalert.sources.live import ask_sources, firings
from tests.config.folder import MAIN, write
from tests.core.say import s, t
from tests.fakes.prometheus import Target, scraping

METRICS = """\
# TYPE orders_total counter
orders_total{bot="alpha",outcome="created"} 10
orders_total{bot="alpha",outcome="failed"} 1
# TYPE lag_seconds gauge
lag_seconds{bot="alpha"} 0.2
# TYPE balance gauge
balance{bot="alpha",asset="BTC"} 3
"""

PLANTED: list[tuple[str, str, str, str]] = [
    ("metric absent", "lag_second > 1", "", "unknown-metric"),
    ("counter without _total", "rate(orders[1m]) == 0", "", "counter-name"),
    ("label absent", 'orders_total{result="failed"} > 5', "", "unknown-label"),
    ("label misspelt in by", "sum by (bto) (orders_total) > 5", "", "unknown-label"),
    ("value that no series has", 'orders_total{outcome="fialed"} > 5', "", "unknown-value"),
    ("pattern that matches no value", 'balance{asset=~"ETH|USD.*"} < 1', "", "unknown-value"),
    ("job that is not scraped", 'up{job="bot"} == 0', "", "unknown-value"),
    ("rate over fewer than two scrapes", "rate(orders_total[1s]) == 0", "", "short-range"),
    ("increase over one scrape", 'increase(orders_total{outcome="failed"}[1s]) > 0', "", "short-range"),
    ("rate of a gauge", "rate(lag_seconds[1m]) > 1", "", "kind"),
    ("delta of a counter", "delta(orders_total[1m]) > 50", "", "kind"),
    ("for below the interval", "lag_seconds > 1", 'for = "5s"', "rule"),
    (
        "label that the expression aggregates away",
        "sum(orders_total) > 50",
        "text:{{ $labels.bot }}",
        "label-gone",
    ),
    (
        "label that a join leaves out",
        "lag_seconds / on (bot) balance > 9",
        "text:{{ $labels.asset }}",
        "label-gone",
    ),
    ("comparison that can never hold", "up > 1", "", "condition"),
    ("share compared with a percentage", "count(up) < 1", "", "condition"),
    ("conditions that exclude each other", "lag_seconds > 5 and lag_seconds < 3", "", "condition"),
    ("comparison that always holds", "orders_total >= 0", "", "condition"),
    ("more alerts than its limit", "orders_total > 0", "limit", "noisy"),
    (
        "what the server refuses",
        "lag_seconds keep_metric_names > 5",
        "",
        "refused",
    ),
    ("template that does not work", "lag_seconds > 2", "text:{{ $labels.bot | nothing }}", "template"),
]
"""Mistake, expression, what else the rule says, code of the finding."""

ALSO = {"comparison that always holds": set(), "what the server refuses": {"dialect"}}
"""Other findings that the same mistake makes."""

WELL = [
    "rate(orders_total[1m]) < 0.001 and on (bot) orders_total > 1e9",
    "sum by (bot) (orders_total) > 1e9",
    'absent(up{job="bots"})',
    'up{job="bots"} == 0',
    "deriv(lag_seconds[1m]) > 1e9",
    'absent_over_time(nothing_of_the_kind{bot="x"}[5m]) and lag_seconds > 1e9',
]


def rule(number: int, expr: str, more: str) -> str:
    text = more.removeprefix("text:") if more.startswith("text:") else "all is lost"
    limit = "limit = 1\n" if more == "limit" else ""
    key = "" if more.startswith("text:") or more == "limit" else more
    return (
        f'[[groups]]\nname = "g{number}"\n{limit}[[groups.rules]]\nalert = "A{number}"\n'
        f"expr = '''{expr}'''\n{key}\n[groups.rules.annotations]\nsummary = '{text}'\n"
    )


async def findings(folder: Path, url: str, text: str) -> list[Finding]:
    """Everything that `check --live` says of these rules."""
    path = write(folder, {"config.toml": MAIN.replace("http://127.0.0.1:9090", url), "rules/a.toml": text})
    config, found = check(path, {})
    if config is None:
        return found
    document, _ = read(path, "config.toml")
    live = await asyncio.to_thread(ask_sources, config, document or Document("x"), SystemClock())
    return [*found, *live.findings]


async def scraped(url: str, target: Target) -> None:
    """Waits until the series are there, and two samples of each."""
    import aiohttp

    target.text = METRICS
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            query = {"query": "count_over_time(lag_seconds[1m]) >= 3"}
            async with session.get(f"{url}/api/v1/query", params=query) as reply:
                if (await reply.json())["data"]["result"]:
                    return
            await asyncio.sleep(0.1)


@pytest.mark.prometheus
async def test_each_planted_mistake_is_found_and_nothing_else(tmp_path: Path) -> None:
    async with scraping(tmp_path) as (prometheus, target):
        await scraped(prometheus.url, target)
        for number, (mistake, expr, more, code) in enumerate(PLANTED):
            found = await findings(tmp_path / f"c{number}", prometheus.url, rule(number, expr, more))
            codes = {each.code for each in found} - ALSO.get(mistake, set())
            assert codes == {code}, (mistake, [str(each) for each in found])
            assert all(
                (each.file.endswith("a.toml") and each.line and each.instead) or code == "template"
                for each in found
            )
        well = "\n".join(rule(number, expr, "") for number, expr in enumerate(WELL))
        assert await findings(tmp_path / "well", prometheus.url, well) == []
    assert len(PLANTED) >= 20


@pytest.mark.parametrize(
    ("moments", "hold", "expected"),
    [
        pytest.param([], 0, 0, id="no answer, no alert"),
        pytest.param([0, 60, 120], 0, 1, id="answers in a row are one alert"),
        pytest.param([0, 60, 600, 660], 0, 2, id="after a gap it is another one"),
        pytest.param([0, 60, 600, 660], 60, 2, id="each has to hold"),
        pytest.param([0, 600, 1200], 60, 0, id="what never holds never fires"),
    ],
)
def test_how_often_an_alert_would_have_fired(moments: list[int], hold: int, expected: int) -> None:
    assert firings([t(each) for each in moments], s(60), s(hold)) == expected
