"""What there is to ask about: an hour of samples of some bots, with everything that makes PromQL odd.

Counters with resets, series that differ by name only, label values that mean something in a regular
expression, NaN and both infinities, series that end, series that have gaps, histograms.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from hbalert.clock import SystemClock

STEP = 15
STEPS = 240
END = SystemClock().now().replace(microsecond=0) - timedelta(hours=2)
"""The last sample; data older than the retention of 15 days would be removed."""

BOTS = ["a", "b", "c", "d-1", "e.f", "g|h", "ü x"]
"""What the bots are called; some of it means something in a regular expression."""

ODD = 'a "quoted" back\\slash, ünïcode 订单 and\na new line'

Value = float | str


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def history() -> Iterator[str]:
    """Lines of OpenMetrics, families one after the other; per series a sample each 15 s for an hour."""
    draw = random.Random(7)

    def series(name: str, labels: dict[str, str], values: list[Value]) -> Iterator[str]:
        inside = ",".join(f'{key}="{escaped(value)}"' for key, value in labels.items())
        for place, value in enumerate(values):
            at = int(END.timestamp()) - (STEPS - 1 - place) * STEP
            if value != "":
                yield f"{name}{{{inside}}} {value} {at}"

    def walk(start: float, spread: float) -> list[Value]:
        values: list[Value] = []
        for _ in range(STEPS):
            start += draw.uniform(-spread, spread)
            values.append(round(start, 3))
        return values

    def climb(per_step: float) -> list[Value]:
        return [round(place * per_step * draw.uniform(0.9, 1.1)) + place for place in range(STEPS)]

    for instance in "abcd":
        up: list[Value] = [0 if instance == "d" else 1] * STEPS
        yield from series("up", {"job": "bots", "instance": instance}, up)
    for bot in BOTS:
        for kind in ("limit", "market"):
            yield from series("orders_total", {"bot": bot, "kind": kind}, climb(5))
    for bot in BOTS:
        failed = climb(0.5)
        yield from series("failed_total", {"bot": bot}, failed[:100] + failed[:140] if bot == "b" else failed)
    for bot in BOTS:
        for le, share in (("0.1", 1), ("0.5", 3), ("1", 4), ("+Inf", 5)):
            yield from series(
                "latency_seconds_bucket", {"bot": bot, "le": le}, [share * n for n in range(STEPS)]
            )
    for place, bot in enumerate(BOTS):
        yield from series("balance", {"bot": bot, "asset": "USDT"}, walk(10 * place, 10))
    yield from series("balance", {"bot": "a", "asset": "BTC"}, walk(1, 0.1))
    for place, bot in enumerate(BOTS):
        yield from series("bot_meta", {"bot": bot, "team": "xy"[place % 2]}, [1] * STEPS)
    for bot in BOTS:
        # Every other sample only: what "now" is depends on how far back one may look.
        yield from series("ticks", {"bot": bot}, [n if n % 2 else "" for n in range(STEPS)])
    for name in ("same_one", "same_two"):
        for bot in BOTS[:6]:
            yield from series(name, {"bot": bot}, walk(5, 1))
    yield from series("job:errors:rate5m", {"job": "bots"}, walk(0.5, 0.1))
    yield from series("twin_one", {"x": "1"}, walk(5, 1))
    yield from series("twin_two", {"x": "1"}, walk(5, 1))
    yield from series("odd", {"text": ODD, "plain": "x"}, walk(2, 1))
    yield from series("not_a_number", {"a": "1", "bot": "a"}, ["NaN"] * STEPS)
    yield from series("not_a_number", {"a": "2", "bot": "b"}, walk(1, 1))
    yield from series("endless", {"a": "1", "bot": "a"}, ["+Inf"] * STEPS)
    yield from series("endless", {"a": "2", "bot": "b"}, ["-Inf"] * STEPS)
    yield from series("gone", {"a": "1"}, ([1.0] * (STEPS // 2)))
