"""Rules as people write them who run many bots, in both formats, and what there is to watch.

Knows PromQL. Must not know who evaluates. Four shapes for each bot: a threshold, a ratio of two
aggregations, the worst of the last minutes, and an age.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import tomlkit

SHAPES = {
    "BotManyOrdersOpen": 'bot_open_orders{bot="%s"} > 100',
    "BotOrdersFail": 'sum by (bot) (bot_orders_failed_total{bot="%s"})'
    ' / sum by (bot) (bot_orders_total{bot="%s"}) > 0.2',
    "BotSlow": 'max_over_time(bot_latency_seconds{bot="%s"}[2m]) > 2',
    "BotSilent": 'time() - bot_last_tick_timestamp_seconds{bot="%s"} > 60',
}
PER_GROUP = 50
NEVER = 4e9
"""A tick in the far future: its age is never too great."""


def metrics(bots: int, each: int) -> str:
    """What the bots show; every `each`-th one is in trouble with everything."""
    lines = []
    for n in range(bots):
        ill = n % each == 0
        lines += [
            f'bot_open_orders{{bot="b{n}",exchange="x{n % 7}"}} {200 if ill else 20}',
            f'bot_latency_seconds{{bot="b{n}",exchange="x{n % 7}"}} {5 if ill else 0.2}',
            f'bot_last_tick_timestamp_seconds{{bot="b{n}"}} {0 if ill else NEVER}',
        ]
        for side in ("buy", "sell"):
            lines += [
                f'bot_orders_total{{bot="b{n}",side="{side}"}} 1000',
                f'bot_orders_failed_total{{bot="b{n}",side="{side}"}} {500 if ill else 10}',
            ]
    return "\n".join([*lines, ""])


def _groups(rules: int) -> Iterator[dict[str, object]]:
    written = [
        {
            "alert": name,
            "expr": shape.replace("%s", f"b{n}"),
            "for": "1s",
            "labels": {"severity": "warning"},
            "annotations": {
                "summary": "{{ $labels.bot }}: " + name,
                "description": "The value is {{ $value }}.",
            },
        }
        for n in range(-(-rules // len(SHAPES)))
        for name, shape in SHAPES.items()
    ][:rules]
    for first in range(0, rules, PER_GROUP):
        yield {"name": f"bots-{first}", "rules": written[first : first + PER_GROUP]}


def as_yaml(rules: int) -> str:
    """A rule file of Prometheus and vmalert; JSON is YAML."""
    return json.dumps({"groups": list(_groups(rules))}, indent=1)


def as_toml(rules: int) -> str:
    """A rule file of hbalert."""
    return tomlkit.dumps({"groups": list(_groups(rules))})
