"""Rules made up from a seed: whatever PromQL allows, most of it with an answer, some of it wrong.

Many come in families, as people write them: the same left side with other thresholds, the same rule for
other bots, or both. The same seed gives the same rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice

from tests.equality.history import BOTS, END

HOLE = "@BOT@"
"""Stands for the bot in a rule of a family."""

_LABELS = {
    "balance": {"bot": BOTS, "asset": ["USDT", "BTC"]},
    "orders_total": {"bot": BOTS, "kind": ["limit", "market"]},
    "failed_total": {"bot": BOTS},
    "bot_meta": {"bot": BOTS, "team": ["x", "y"]},
    "ticks": {"bot": BOTS},
    "same_one": {"bot": BOTS[:6]},
    "same_two": {"bot": BOTS[:6]},
    "up": {"job": ["bots"], "instance": ["a", "b", "c", "d"]},
    "latency_seconds_bucket": {"bot": BOTS, "le": ["0.1", "0.5", "1", "+Inf"]},
    "not_a_number": {"a": ["1", "2"], "bot": ["a", "b"]},
    "endless": {"a": ["1", "2"], "bot": ["a", "b"]},
    "gone": {"a": ["1"]},
    "nothing": {"a": ["1"]},
}
_OFTEN = ["balance", "orders_total", "failed_total", "bot_meta", "ticks", "same_one", "same_two", "up"]
_SELDOM = ["latency_seconds_bucket", "not_a_number", "endless", "gone", "nothing"]
_OF_BOTS = [name for name in _OFTEN if "bot" in _LABELS[name]]
_RANGES = [
    *("rate", "increase", "delta", "irate", "idelta", "changes", "resets", "deriv"),
    *("avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time"),
    *("last_over_time", "present_over_time", "stddev_over_time", "stdvar_over_time"),
]
_EACH = ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "sgn", "timestamp", "minute", "hour", "sort"]
_AGGREGATIONS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]
_COMPARE = ["==", "!=", ">", ">=", "<", "<="]
_NUMBERS = [
    *("0", "1", "5", "10", "25", "100", "1000", "-1", "-10", "0.5", ".25", "3.", "1e2", "1E-1", "0x10"),
    *("+2", "- 3", "(4)", "2 * 5", "1 / 3", "010", "1e9", "-1e9"),
]
_ODD_NUMBERS = ["Inf", "-Inf", "NaN", "1 / 0", "0 / 0", "2 ^ 3", "7 % 4", "time()", "time() - 1e9", "pi()"]


def _is_steady(rule: str) -> bool:
    """Whether Prometheus answers it alike twice: quantiles come in no fixed order, which decides ties."""
    return not ("histogram_quantile" in rule and ("topk" in rule or "bottomk" in rule))


class Grower:
    """Draws rules, one after the other."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._hole = False

    def rules(self, number: int) -> list[str]:
        """So many different rules."""
        found: dict[str, None] = {}
        while len(found) < number:
            found.update(dict.fromkeys(rule for rule in self._some() if _is_steady(rule)))
        return list(islice(found, number))

    def _chance(self, of: float) -> bool:
        return self._draw.random() < of

    def _one(self, *ways: Callable[[], str]) -> str:
        return self._draw.choice(ways)()

    def _some(self) -> list[str]:
        """A rule, or a family."""
        lot = self._draw.random()
        if lot < 0.1:
            return [self._wrong()]
        if lot < 0.40:
            return [self._rule()]
        if lot < 0.55:
            return self._thresholds(self._vector(2))
        self._hole = True
        depth = self._draw.randint(1, 2)
        family = [self._rule()] if self._chance(0.6) else self._thresholds(self._vector(depth))
        self._hole = False
        bots = self._draw.sample(BOTS, self._draw.randint(2, 5))
        if self._chance(0.2):
            bots.append(self._draw.choice(["", "no such"]))
        return [rule.replace(HOLE, bot) for rule in family for bot in bots]

    def _thresholds(self, left: str) -> list[str]:
        op = self._draw.choice([">", ">=", "<", "<="])
        turned = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
        family = []
        easy = (
            ["-1e9", "-1e3", "-100", "-20", "0"]
            if op in (">", ">=")
            else ["1e9", "1e5", "1000", "500", "100"]
        )
        numbers = [*easy, *_NUMBERS] if self._chance(0.9) else _ODD_NUMBERS
        for number in self._draw.sample(numbers, self._draw.randint(2, 4)):
            mine = (
                op
                if self._chance(0.8)
                else self._draw.choice(["==", "!=", "!=", op, f"{op} bool", f"{op} bool"])
            )
            if self._chance(0.1) and mine in turned:
                family.append(f"{number} {turned[mine]} {left}")
            else:
                family.append(f"{left} {mine} {number}")
        return family

    def _rule(self) -> str:
        lot = self._draw.random()
        if lot < 0.05:
            return self._scalar(2)
        text = self._vector(3)
        if lot < 0.6:
            text = self._compared(text)
        if lot > 0.9:
            text += self._draw.choice([" # why", "\n# end\n", " # ) or (", "\t"])
        return text

    def _compared(self, text: str) -> str:
        # "!=" and a low bound: so that most are about something that is there.
        op, number = self._draw.choice(
            [
                ("!=", self._number()),
                (">", "-1e9"),
                (">", "-1e9"),
                (">=", "0"),
                ("<", "1e12"),
                ("<", "1e12"),
                (self._draw.choice(["!=", *_COMPARE]), self._number()),
                (self._draw.choice(_COMPARE) + " bool", self._number()),
            ]
        )
        return f"{text} {op} {number}"

    def _number(self) -> str:
        return self._draw.choice(_NUMBERS if self._chance(0.9) else _ODD_NUMBERS)

    def _scalar(self, depth: int) -> str:
        if depth == 0 or self._chance(0.4):
            return self._number()
        return self._one(
            lambda: f"scalar({self._selector()})",
            lambda: f"{self._scalar(depth - 1)} {self._draw.choice('+-*/')} {self._scalar(depth - 1)}",
            lambda: f"{self._scalar(depth - 1)} {self._draw.choice(_COMPARE)} bool {self._scalar(depth - 1)}",
            lambda: f"-{self._scalar(depth - 1)}",
            lambda: f"({self._scalar(depth - 1)})",
        )

    def _metric(self) -> str:
        names = _OF_BOTS if self._hole else _OFTEN
        return self._draw.choice(names if self._chance(0.94) else _SELDOM)

    def _matchers(self, name: str) -> str:
        found = []
        labels = _LABELS[name]
        if self._hole and "bot" in labels and self._chance(0.95):
            found.append(f'bot{self._draw.choice(["=", "=", "=", " = "])}"{HOLE}"')
        for label, values in labels.items():
            value = self._draw.choice(values)
            lot = self._draw.random()
            if lot < 0.15 and label == "bot" and self._hole:
                continue
            if lot < 0.07:
                found.append(f'{label}="{value}"')
            elif lot < 0.13:
                found.append(f'{label}!="{value}"')
            elif lot < 0.20:
                found.append(f'{label}=~"{self._draw.choice([".+", ".*", "a|b|x|USDT|limit", "[a-m].*"])}"')
            elif lot < 0.24:
                found.append(f"{label}!~'nothing.*'")
            elif lot < 0.26:
                found.append(f'{label}!=""')
            elif lot < 0.265:
                found.append(f'{label}=""')
        if self._chance(0.03):
            found.append('absent=""')
        self._draw.shuffle(found)
        return "{" + ",".join(found) + "}" if found else ""

    def _selector(self) -> str:
        return self._bare() + self._when()

    def _bare(self) -> str:
        name = self._metric()
        matchers = self._matchers(name)
        if self._chance(0.04):
            inside = matchers[1:-1]
            return f'{{__name__=~"same_.*"{"," + inside if inside else ""}}}'
        return name + matchers

    def _when(self) -> str:
        lot = self._draw.random()
        if lot < 0.05:
            return f" offset {self._draw.choice(['5m', '30s', '-30s', '1m30s'])}"
        if lot < 0.08:
            return f" @ {int(END.timestamp()) - self._draw.randint(0, 1500)}"
        return self._draw.choice([" @ end()", " @ start() offset 1m"]) if lot < 0.1 else ""

    def _range(self, depth: int) -> str:
        if depth > 0 and self._chance(0.25):
            return f"({self._vector(depth - 1)})[10m:{self._draw.choice(['1m', '30s', ''])}]{self._when()}"
        return f"{self._bare()}[{self._draw.choice(['1m', '5m', '10m', '1h'])}]{self._when()}"

    def _vector(self, depth: int) -> str:
        """Something that binds at least as tightly as arithmetic."""
        if depth == 0:
            return self._selector()
        lower = depth - 1
        vector = self._vector
        return self._one(
            lambda: self._selector(),
            lambda: f"{self._draw.choice(_RANGES)}({self._range(depth)})",
            lambda: f"{self._draw.choice(_RANGES)}({self._range(depth)})",
            lambda: self._aggregation(vector(lower)),
            lambda: self._aggregation(vector(lower)),
            lambda: f"{self._draw.choice(_EACH)}({vector(lower)})",
            lambda: f"{vector(lower)} {self._draw.choice('+-*/')} {self._number()}",
            lambda: f"{self._number()} {self._draw.choice('+-*/')} {vector(lower)}",
            lambda: f"-{vector(lower)}" if self._chance(0.5) else f"({vector(lower)})",
            lambda: f"({self._compared(vector(lower))})",
            lambda: self._joined(lower),
            lambda: self._with_function(lower),
            lambda: (
                f"({vector(lower)} {self._draw.choice(['or', 'or', 'and', 'and', 'unless'])}"
                f"{self._match()} {vector(lower)})"
            ),
        )

    def _match(self) -> str:
        return self._draw.choice(["", "", " on (bot)", " on ()", " ignoring (asset, kind, team)"])

    def _aggregation(self, inner: str) -> str:
        name = self._draw.choice(_AGGREGATIONS)
        by = self._draw.choice(
            ["", " by (bot)", " by (bot)", " by (bot, kind)", " without (kind, asset)", " by (team)"]
            + ([" without (bot)"] if self._chance(0.3) else [" by (bot, asset)"])
        )
        if self._chance(0.15):
            first = self._draw.choice(["topk", "bottomk"])
            return f"{first}{by} ({self._draw.choice(['1', '2', '20'])}, {inner})"
        if self._chance(0.06):
            return f"quantile{by} (0.5, {inner})"
        if self._chance(0.04):
            return f'count_values{by} ("value", {inner})'
        if self._chance(0.03):
            inner = f"{inner} or on () vector(1)"
        return f"{name}{by} ({inner})" if self._chance(0.8) else f"{name} ({inner}){by}"

    def _joined(self, depth: int) -> str:
        """Arithmetic of two vectors that mostly fit."""
        op = self._draw.choice("+-*/")
        if self._chance(0.06):  # what fits may still be too much for one side
            return f"({self._vector(depth)} {op}{self._match()} {self._vector(depth)})"
        same = self._selector()
        return self._one(
            lambda: f"({same} {op} {same})",
            lambda: f"(sum by (bot) ({self._vector(depth)}) {op} on (bot) sum by (bot) ({self._selector()}))",
            lambda: f"(sum by (bot) ({self._vector(depth)}) {op} sum by (bot) ({self._selector()}))",
            lambda: f"({self._selector()} {op} on (bot) group_left (team) {self._meta()})",
            lambda: f"({self._meta()} {op} on (bot) group_right () {self._selector()})",
        )

    def _meta(self) -> str:
        return f'bot_meta{{bot="{HOLE}"}}' if self._hole and self._chance(0.6) else "bot_meta"

    def _with_function(self, depth: int) -> str:
        quantile = self._draw.choice(["0.5", "0.9", "0.99"])
        buckets = "latency_seconds_bucket" + (f'{{bot="{HOLE}"}}' if self._hole else "")
        return self._one(
            lambda: f"histogram_quantile({quantile}, {buckets})",
            lambda: f"histogram_quantile({quantile}, sum by (le, bot) (rate({buckets}[5m])))",
            lambda: f"absent({self._selector()})",
            lambda: f"absent(nothing{{{'bot=' + chr(34) + HOLE + chr(34) if self._hole else ''}}})",
            lambda: f"clamp({self._vector(depth)}, -5, 50)",
            lambda: f"round({self._vector(depth)}, 0.5)",
            lambda: f"vector({self._scalar(1)})",
            lambda: f'label_replace({self._vector(depth)}, "other", "$1", "bot", "(.)")',
            lambda: f'label_join({self._vector(depth)}, "both", "-", "bot", "job")',
            lambda: f"quantile_over_time({quantile}, {self._range(depth)})",
            lambda: f"predict_linear({self._range(depth)}, 60)",
            lambda: f"{self._vector(depth)} > scalar({self._selector()})",
        )

    def _wrong(self) -> str:
        """What the server refuses: for the data of the moment, or for what it says."""
        if self._chance(0.5):
            bot = self._draw.choice(BOTS)
            return self._one(
                lambda: f'balance{{bot="a"}} * on (bot) orders_total{{bot="a"}} > {self._number()}',
                lambda: f"{self._number()} + balance * on (bot) orders_total",
                lambda: f'-{{__name__=~"same_.*",bot!="{bot}"}} > {self._number()}',
                lambda: f'rate({{__name__=~"same_.*",bot!="{bot}"}}[5m]) > {self._number()}',
                lambda: f'label_replace(orders_total{{bot="{bot}"}}, "kind", "x", "", "") + {self._number()}',
                lambda: f'(failed_total * on (bot) orders_total{{bot="{bot}"}}) > bool {self._number()}',
            )
        return self._one(
            lambda: f"{self._selector()}) or ({self._selector()}",
            lambda: f"{self._selector()} >",
            lambda: f'"{self._draw.random()}"',
            lambda: f"{self._bare()}[5m]",
            lambda: f"({self._bare()}[5m:1m])",
            lambda: f"rate({self._selector()})",
            lambda: f"nosuchfunction({self._selector()})",
            lambda: f'up{{job=~"[{self._draw.randint(1, 9)}"}}',
        )
