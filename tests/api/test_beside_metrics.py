"""Metrics that have the name of one of Alertmanager's or Prometheus' have its type and labels as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from hbalert.metric_names import NAMES
from hbalert.programs.prometheus import Prometheus
from tests.api.beside import at, pair
from tests.fakes.prometheus import programs

NEWER = {"alertmanager_inhibition_rules"}
"""Names that the Alertmanager of the distribution does not have yet."""

MORE_LABELS = {"alertmanager_notifications_failed_total": {"reason"}}
"""Labels that only newer versions have."""

Shapes = dict[str, tuple[str, set[str]]]


def shapes(text: str) -> Shapes:
    """Name -> type and names of the labels."""
    found: Shapes = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels} - {"le", "quantile"}
        found[name] = family.type, labels
    return found


def differing(theirs: Shapes, prefix: str) -> dict[str, Any]:
    """What of ours is not as theirs."""
    wrong: dict[str, Any] = {}
    for ours in NAMES:
        if not ours.name.startswith(prefix) or ours.name in NEWER:
            continue
        kind, labels = theirs.get(ours.name, ("missing", set()))
        here = set(ours.labels) - MORE_LABELS.get(ours.name, set())
        if (kind, labels) != (ours.kind, here):
            wrong[ours.name] = {"theirs": (kind, labels), "ours": (ours.kind, here)}
    return wrong


async def test_those_of_alertmanager(tmp_path: Path) -> None:
    async with pair(tmp_path) as both:
        await both.both("POST", "/api/v2/alerts", [{"labels": {"alertname": "Down"}, "startsAt": at(0)}])
        theirs = shapes((await both.theirs.get("/metrics")).text)
        ours = shapes((await both.ours.get("/metrics")).text)
    assert differing(theirs, "alertmanager_") == {}
    assert {name for name in ours if name.startswith("alertmanager_")} - NEWER <= theirs.keys()


@pytest.mark.prometheus
async def test_those_of_prometheus_rules(tmp_path: Path) -> None:
    programs()
    rules = tmp_path / "rules.yml"
    group = {"name": "g", "interval": "1s", "rules": [{"alert": "A", "expr": "vector(1)"}]}
    rules.write_text(yaml.safe_dump({"groups": [group]}), "utf-8")
    config = yaml.safe_dump({"rule_files": [str(rules)]})
    async with Prometheus(config, tmp_path) as prometheus, httpx.AsyncClient() as client:
        theirs = shapes((await client.get(f"{prometheus.url}/metrics")).text)
    assert differing(theirs, "prometheus_") == {}
