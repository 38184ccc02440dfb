"""`check --live` says nothing of the shipped rules where their exporters are scraped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hbalert.clock import SystemClock
from hbalert.config.document import Document
from hbalert.config.load import check
from hbalert.demo.bots import BOTS, Story, metrics
from hbalert.metric_names import BY_NAME
from hbalert.programs.prometheus import Prometheus
from hbalert.sources.live import ask_sources
from tests.fakes.prometheus import programs

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"

NODE = """\
# TYPE node_timex_sync_status gauge
node_timex_sync_status 1
# TYPE node_timex_offset_seconds gauge
node_timex_offset_seconds 0.001
# TYPE node_filesystem_avail_bytes gauge
node_filesystem_avail_bytes{device="a",fstype="ext4",mountpoint="/"} 9e9
# TYPE node_filesystem_size_bytes gauge
node_filesystem_size_bytes{device="a",fstype="ext4",mountpoint="/"} 1e10
# TYPE node_vmstat_oom_kill untyped
node_vmstat_oom_kill 0
# TYPE node_memory_MemAvailable_bytes gauge
node_memory_MemAvailable_bytes 9e9
# TYPE node_memory_MemTotal_bytes gauge
node_memory_MemTotal_bytes 1e10
# TYPE node_cpu_seconds_total counter
node_cpu_seconds_total{cpu="0",mode="idle"} 1000
"""


ALSO = """\
hummingbot_oldest_order_age_seconds 1
hummingbot_clock_lag_seconds 0.01
hummingbot_strategy_drawdown_usdt 1
hummingbot_inventory_base_ratio 0.5
hummingbot_balance_usdt 1000
hummingbot_funding_rate{trading_pair="BTC-USDT"} 0.0001
hummingbot_position_usdt{trading_pair="BTC-USDT"} 0
hummingbot_user_stream_age_seconds 1
hummingbot_exchange_clock_offset_ms 1
hummingbot_rate_limit_used_ratio 0.1
hummingbot_order_failures_total{reason="auth"} 0
"""
"""What the collector exports besides, and the demo's bots do not."""


def own_metrics() -> str:
    """Every metric that hbalert has, with one series each."""
    lines = []
    for each in BY_NAME.values():
        labels = ",".join(f'{label}="x"' for label in each.labels)
        kind = each.kind if each.kind in ("counter", "gauge") else "untyped"
        name = f"{each.name}_total" if kind == "counter" and not each.name.endswith("_total") else each.name
        lines += [f"# TYPE {name} {kind}", f"{name}{{{labels}}} 1"]
    return "\n".join(lines) + "\n"


@pytest.mark.prometheus
async def test_nothing_is_said_of_the_shipped_rules(tmp_path: Path) -> None:
    programs()
    begun = SystemClock().now().timestamp()

    async def scrape(request: web.Request) -> web.Response:
        who = request.match_info["who"]
        elapsed = SystemClock().now().timestamp() - begun
        told = {"node": NODE, "hbalert": own_metrics()}
        text = told.get(who) or metrics(who, elapsed, begun, Story(1e6, 2e6)) + ALSO
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/{who}", scrape)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "{}:{}".format(*runner.addresses[0][:2])
    jobs = [("node", "node"), ("hbalert", "hbalert"), *(("hummingbot", bot) for bot in BOTS)]
    text = "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
    for number, (job, path) in enumerate(jobs):
        labels = f"{{job: {job}, instance: {path}, bot: {path}, connector: c}}"
        text += f"- {{job_name: j{number}, honor_labels: true, metrics_path: /{path}, "
        text += f"static_configs: [{{targets: ['{address}'], labels: {labels}}}]}}\n"
    try:
        async with Prometheus(text, tmp_path) as prometheus:
            await _scraped(prometheus.url)
            config, found = check(EXAMPLE, {"HBALERT_SOURCES__MAIN__URL": prometheus.url})
            assert config is not None
            assert found == []
            live = await asyncio.to_thread(ask_sources, config, Document(str(EXAMPLE)), SystemClock())
    finally:
        await runner.cleanup()
    assert "\n".join(map(str, live.findings)) == ""
    assert len(live.outlooks) == sum(len(group.rules) for group in config.groups)


async def _scraped(url: str) -> None:
    """Waits until every target has been scraped a few times."""
    query = {"query": "count(count_over_time(up[1m]) >= 3) == 5"}
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            async with session.get(f"{url}/api/v1/query", params=query) as reply:
                if (await reply.json())["data"]["result"]:
                    return
            await asyncio.sleep(0.1)
