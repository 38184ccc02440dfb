"""What the demo's bots say to a scraper."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hbalert.clock import SystemClock
from hbalert.demo.bots import BOTS, Story, metrics, serve
from hbalert.outbound import open_client, request

STORY = Story(trouble=10, recovery=30)
START = 1_750_000_000.0


def sample(bot: str, elapsed: float, name: str, **labels: str) -> float:
    """The one sample of a name that has these labels."""
    found = [
        one.value
        for family in text_string_to_metric_families(metrics(bot, elapsed, START, STORY))
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    ]
    assert len(found) == 1, f"{name} {labels}: {len(found)} samples"
    return float(found[0])


@pytest.mark.parametrize("bot", BOTS)
def test_every_label_set_is_there_from_the_first_scrape_and_no_counter_falls(bot: str) -> None:
    """increase() needs a first sample, and a falling counter would read as a restart."""
    before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for tenth in range(0, 600, 3):
        now = {
            (one.name, tuple(sorted(one.labels.items()))): one.value
            for family in text_string_to_metric_families(metrics(bot, tenth / 10, START, STORY))
            for one in family.samples
            if family.type in ("counter", "histogram")
        }
        assert not before or now.keys() == before.keys()
        assert all(now[key] >= value for key, value in before.items())
        before = now


def test_bravo_stops_trading_and_starts_again() -> None:
    filled = [
        sample("bravo", at, "hummingbot_filled_usdt_volume_total", side="buy") for at in (9, 10, 20, 30, 31)
    ]
    assert filled[0] < filled[1] == filled[2] == filled[3] < filled[4]
    assert sample("bravo", 20, "hummingbot_last_event_timestamp_seconds") == START + 10
    assert sample("bravo", 31, "hummingbot_last_event_timestamp_seconds") == START + 31
    assert sample("bravo", 20, "hummingbot_strategy_running") == 1


@pytest.mark.parametrize(
    ("at", "rejected_per_10s", "slow_per_10s"),
    [
        pytest.param(10, 0, 0, id="before the trouble: neither"),
        pytest.param(20, 15, 5, id="in the trouble: three of four refused, the rest slow"),
        pytest.param(45, 0, 0, id="afterwards: neither"),
    ],
)
def test_charlies_orders_are_refused_and_slow_while_in_trouble(
    at: float, rejected_per_10s: int, slow_per_10s: int
) -> None:
    def grown(name: str, **labels: str) -> float:
        return sample("charlie", at, name, **labels) - sample("charlie", at - 10, name, **labels)

    assert grown("hummingbot_orders_total", outcome="rejected") == rejected_per_10s
    everything = grown("hummingbot_order_latency_ms_count", stage="ack")
    assert everything - grown("hummingbot_order_latency_ms_bucket", le="500") == slow_per_10s
    assert grown("hummingbot_order_latency_ms_bucket", le="+Inf") == everything


def test_alpha_is_never_in_trouble() -> None:
    for at in (5, 15, 25, 35):
        assert sample("alpha", at, "hummingbot_orders_total", outcome="rejected") == 0
        assert sample("alpha", at, "hummingbot_last_event_timestamp_seconds") == START + at


async def test_the_exporter_serves_each_bot_on_a_path_of_its_own() -> None:
    second = timedelta(seconds=5)
    async with serve(SystemClock(), STORY) as (address, elapsed), open_client() as client:
        assert 0 <= elapsed() < 60
        for bot in BOTS:
            reply = await request(client, "GET", f"http://{address}/{bot}/metrics", timeout=second)
            assert reply.status == 200
            assert f'bot="{bot}"' in reply.text
            assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        missing = await request(client, "GET", f"http://{address}/delta/metrics", timeout=second)
        assert missing.status == 404
