"""Rules as an installation has them: hosts, databases, web, queues, runtimes, bots, most as a pair.

`conditions.txt` holds them, one condition a line. Knows how they become rule files of both formats, and makes
up what there is to watch: series for every selection, on some machines. Must not know who evaluates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zlib import crc32

import tomlkit

from hbalert.config.expression import grouping, selectors

CONDITIONS = Path(__file__).with_name("conditions.txt")
BOTS = [f"b{n}" for n in range(12)]
MACHINES = [f"m{n}:9100" for n in range(20)]
OWN = {"up", "scrape_duration_seconds", "scrape_samples_scraped"}
"""What Prometheus makes itself."""

VALUES = {
    "bot": BOTS,
    "code": ["200", "404", "503"],
    "le": ["0.1", "0.5", "1", "+Inf"],
    "mode": ["idle", "iowait", "steal", "user", "accessexclusivelock"],
    "state": ["active", "failed", "free", "idle in transaction"],
    "service": ["shop", "login", "search"],
    "job": ["node"],
}
"""Values of labels that conditions speak of; of others there are two."""

STALE, FRESH = 1e9, 4e9
"""Seconds since 1970: long ago, and never."""

WELL = (
    (r"_max|limit|size|_total_bytes|MemTotal|SwapTotal|maximum|capacity|_files$|n_live", 1000.0),
    (r"avail|[Ff]ree|entropy", 900.0),
    (r"_up$|success|sync_status|running|consumers|slaves|status_condition|replicas", 4.0),
)
"""(name of a metric, its value where all is well); of others it is 0.2."""


@dataclass(frozen=True)
class Pack:
    """Rules, in both formats; `groups` is what both have in common."""

    groups: list[dict[str, object]] = field(hash=False)

    @cached_property
    def as_yaml(self) -> str:
        """A rule file of Prometheus and vmalert; JSON is YAML."""
        return json.dumps({"groups": self.groups}, indent=1)

    @cached_property
    def as_toml(self) -> str:
        """A rule file of hbalert."""
        return tomlkit.dumps({"groups": self.groups})

    @cached_property
    def exprs(self) -> list[str]:
        return [rule["expr"] for group in self.groups for rule in group["rules"]]  # type: ignore[attr-defined]


def read() -> Pack:
    """The pack as it is in the file."""
    groups: list[dict[str, object]] = []
    rules: list[dict[str, object]] = []
    for line in CONDITIONS.read_text("utf-8").splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            rules = []
            groups.append({"name": found[1], "rules": rules})
        elif line and not line.startswith("#"):
            name, left, op, warning, critical, hold = line.split(" | ")
            for bot in BOTS if "${bot}" in left else [""]:
                for severity, bound in (("warning", warning), ("critical", critical)):
                    if bound != "-":
                        expr = f"{left.replace('${bot}', bot)} {op} {bound}"
                        rules.append(_rule(name, expr, severity, hold))
    return Pack(groups)


def _rule(name: str, expr: str, severity: str, hold: str) -> dict[str, object]:
    return {
        "alert": name,
        "expr": expr,
        "for": hold,
        "labels": {"severity": severity},
        "annotations": {"summary": f"{name} ({severity})", "description": "It is {{ $value }} now."},
    }


class Series:
    """What the rules look at. Counters stand still: what a rate is does not depend on who looks when."""

    def __init__(self, pack: Pack) -> None:
        self._labels: dict[str, set[str]] = {}
        for expr in pack.exprs:
            for each in selectors(expr):
                names = {label for label, _, _ in each.matchers} | (grouping(expr) & VALUES.keys())
                self._labels.setdefault(each.name, set()).update(names)

    @cached_property
    def text(self) -> str:
        """The metrics as they are scraped."""
        return "".join(
            f"{name}{{{labels}}} {_value(name, labels)}\n"
            for name in sorted(self._labels.keys() - OWN)
            for labels in self._of(name)
        )

    def _of(self, name: str) -> Iterator[str]:
        found = [[f'instance="{machine}"'] for machine in MACHINES]
        for label in sorted(self._labels[name] - {"instance"}):
            values = VALUES.get(label, ["one", "two"])
            if label == "bot":
                found = [[f'instance="{MACHINES[n]}"', f'bot="{bot}"'] for n, bot in enumerate(values)]
            else:
                found = [[*each, f'{label}="{value}"'] for each in found for value in values]
        return (",".join(each) for each in found)


def _value(name: str, labels: str) -> float:
    """Of one series in ten anything, of the others what is well."""
    lot = crc32(f"{name}{labels}".encode()) % 1000
    if "timestamp" in name or name.endswith("_expiry"):
        return STALE if lot < 50 else FRESH
    if lot < 100:
        return lot
    return next((value for names, value in WELL if re.search(names, name)), 0.2)
