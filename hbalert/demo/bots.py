"""Three trading bots that are none: what their exporters would say, as a function of time.

alpha is healthy. bravo stops trading between `Story.trouble` and `Story.recovery`. charlie's orders are
slow and mostly refused in that time. Both recover, so that the resolves come too.

Knows the metric contract of the Hummingbot collector (names, labels, buckets in ms). Must not know the
rules that watch them. `metrics` is pure; `serve` puts it on a port, a path per bot.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from hbalert.clock import Clock

BOTS = {"alpha": "binance", "bravo": "kucoin", "charlie": "gate_io"}
"""Bot -> its connector."""

BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
REASONS = ("insufficient_balance", "local_minimum", "rate_limit", "network", "other")
_PAIR = "BTC-USDT"
_ORDERS_PER_SECOND = 2.0
_FILLED_USDT_PER_SECOND = 25.0
_ACK_MS = 38.0
_SLOW_ACK_MS = 1400.0
_REFUSED_PART = 0.75


@dataclass(frozen=True, slots=True)
class Story:
    """When things go wrong and when they are well again, in seconds since the bots started."""

    trouble: float = 8.0
    recovery: float = 32.0

    def well(self, elapsed: float) -> float:
        """How many of the first `elapsed` seconds were well."""
        return elapsed - self.ill(elapsed)

    def ill(self, elapsed: float) -> float:
        """How many of the first `elapsed` seconds were not."""
        return min(max(elapsed - self.trouble, 0.0), self.recovery - self.trouble)

    def in_trouble(self, elapsed: float) -> bool:
        return self.trouble <= elapsed < self.recovery


@dataclass(frozen=True, slots=True)
class _Orders:
    """What became of a bot's orders so far."""

    created: int
    rejected: int
    filled_usdt: float
    slow: int
    last_event: float  # seconds since the start

    @property
    def fast(self) -> int:
        return self.created - self.slow


def metrics(bot: str, elapsed: float, started_at: float, story: Story) -> str:
    """One scrape of one bot, in Prometheus' text format.

    elapsed     seconds since the bots started, 0 or more
    started_at  Unix time of that start, in seconds
    Counters never fall when `elapsed` grows, and every label set is there from the first scrape, as
    increase() needs a first sample.
    """
    orders = _orders(bot, elapsed, story)
    it = f'bot="{bot}",connector="{BOTS[bot]}"'
    lines: list[str] = []

    def family(name: str, kind: str, samples: Iterable[tuple[str, float]]) -> None:
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(f"{name}{{{labels}}} {value:.10g}" for labels, value in samples)

    outcomes = {"created": orders.created, "rejected": orders.rejected, "filled": orders.created // 2}
    family(
        "hummingbot_orders_total",
        "counter",
        [
            (f'{it},outcome="{outcome}"', outcomes.get(outcome, 0))
            for outcome in ("created", "rejected", "lost", "filled", "cancelled", "expired")
        ],
    )
    family(
        "hummingbot_order_failures_total",
        "counter",
        [(f'{it},reason="{reason}"', orders.rejected if reason == "rate_limit" else 0) for reason in REASONS],
    )
    family(
        "hummingbot_filled_usdt_volume_total",
        "counter",
        [(f'{it},trading_pair="{_PAIR}",side="{side}"', orders.filled_usdt / 2) for side in ("buy", "sell")],
    )
    lines.extend(_latency(it, orders))
    family("hummingbot_order_count", "gauge", [(it, 4)])
    family("hummingbot_lost_orders", "gauge", [(it, 0)])
    family("hummingbot_connector_connected", "gauge", [(it, 1)])
    family("hummingbot_strategy_running", "gauge", [(f'bot="{bot}"', 1)])
    # The bots claim to have run for a day: rules that spare a fresh bot must not spare these.
    family("hummingbot_strategy_start_timestamp_seconds", "gauge", [(f'bot="{bot}"', started_at - 86400)])
    family("hummingbot_last_event_timestamp_seconds", "gauge", [(it, started_at + orders.last_event)])
    family("hummingbot_last_tick_timestamp_seconds", "gauge", [(f'bot="{bot}"', started_at + elapsed)])
    return "\n".join(lines) + "\n"


def _orders(bot: str, elapsed: float, story: Story) -> _Orders:
    if bot == "bravo":
        active = story.well(elapsed)
        created = int(active * _ORDERS_PER_SECOND)
        last = story.trouble if story.in_trouble(elapsed) else elapsed
        return _Orders(created, 0, active * _FILLED_USDT_PER_SECOND, 0, last)
    if bot == "charlie":
        bad = story.ill(elapsed) * _ORDERS_PER_SECOND
        rejected, slow = int(bad * _REFUSED_PART), int(bad * (1 - _REFUSED_PART))
        created = int(story.well(elapsed) * _ORDERS_PER_SECOND) + slow
        return _Orders(created, rejected, elapsed * _FILLED_USDT_PER_SECOND, slow, elapsed)
    return _Orders(int(elapsed * _ORDERS_PER_SECOND), 0, elapsed * _FILLED_USDT_PER_SECOND, 0, elapsed)


def _latency(it: str, orders: _Orders) -> list[str]:
    """The histogram of stage "ack": from submitting an order to the exchange's word that it has it."""
    name = "hummingbot_order_latency_ms"
    lines = [f"# TYPE {name} histogram"]
    labels = f'{it},stage="ack"'
    for bound in BUCKETS_MS:
        within = (orders.fast if bound >= _ACK_MS else 0) + (orders.slow if bound >= _SLOW_ACK_MS else 0)
        lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {within}')
    lines.append(f'{name}_bucket{{{labels},le="+Inf"}} {orders.created}')
    lines.append(f"{name}_sum{{{labels}}} {orders.fast * _ACK_MS + orders.slow * _SLOW_ACK_MS:.10g}")
    lines.append(f"{name}_count{{{labels}}} {orders.created}")
    return lines


def scrape_config(address: str) -> str:
    """The text of a prometheus.yml that scrapes the three each second."""
    lines = [
        "global:",
        "  scrape_interval: 1s",
        "  scrape_timeout: 1s",
        "scrape_configs:",
        "  - job_name: hummingbot",
        "    honor_labels: true",
        "    static_configs:",
    ]
    for bot in BOTS:
        lines.append(f'      - targets: ["{address}"]')
        lines.append(f"        labels: {{bot: {bot}, __metrics_path__: /{bot}/metrics}}")
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def serve(clock: Clock, story: Story) -> AsyncIterator[tuple[str, Callable[[], float]]]:
    """Serves the three on a free port of 127.0.0.1: the address, and how long they have run."""
    begun = clock.monotonic()
    started_at = clock.now().timestamp()

    def elapsed() -> float:
        return clock.monotonic() - begun

    async def scrape(request: web.Request) -> web.Response:
        bot = request.match_info["bot"]
        if bot not in BOTS:
            raise web.HTTPNotFound
        text = metrics(bot, elapsed(), started_at, story)
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.router.add_get("/{bot}/metrics", scrape)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}", elapsed
    finally:
        await runner.cleanup()
