"""Every line of docs/performance.md: what is measured, against what, and how much it may cost.

Knows no way to measure anything. A ratio is always hbalert's figure divided by the base, so that less
is better and a budget is an upper bound. Next: `panels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure of the page.

    unit    of both figures
    base    what hbalert's figure is divided by
    budget  the largest ratio that is good; None: shown for comparison only
    aim     the ratio that is wished for
    """

    name: str
    what: str
    unit: str
    base: str
    budget: float | None = None
    aim: float | None = None


AM = "Alertmanager"
OWN_SHORT = "Prometheus"
OWN = f"{OWN_SHORT}' own evaluation"
BATCHES = "batches only"
PER_ALERT = "us CPU an alert"

_LINES = (
    Line(
        "refresh-64",
        "Refreshes of known alerts, other annotations each time, posts of 64",
        PER_ALERT,
        AM,
        1 / 3,
        1 / 5,
    ),
    Line("refresh-1", "The same, posts of 1", PER_ALERT, AM, 1 / 1.5, 1 / 2),
    Line("new-64", "New alerts, posts of 64, on disk before the answer", PER_ALERT, AM, 2.0, 1.0),
    Line("list-refreshed", "GET of 20,000 alerts, all refreshed since the last", "ms CPU", AM, 0.25, 0.125),
    Line("list", "GET of 20,000 alerts, nothing changed", "ms CPU", AM, 0.25, 0.125),
    Line(
        "list-silenced",
        "The first GET after a change among 1,000 silences",
        "ms CPU",
        AM,
        0.05,
        0.025,
    ),
    Line("filter", "GET with a filter that leaves 100 of them", "ms CPU", AM, 0.25, 0.125),
    Line("groups", "GET of alerts/groups: 20,000 alerts in 200 groups", "ms CPU", AM, 0.5, 0.25),
    Line("at-once", "1,000 groups due at once, one webhook: until the last is told", "ms", AM, 4.0, 2.0),
    Line("at-once-cpu", "CPU of a group among them, intake to settled", "us CPU a group", AM),
    Line("one-p50", "One alert, group_wait 0, post to webhook: median", "ms", AM),
    Line(
        "one-p99",
        "The same: 99th percentile",
        "ms",
        f"{AM} + 2 fsyncs + 5 ms",
        1.0,
    ),
    Line("one-p99-aim", "The same", "ms", f"{AM} + 1 fsync + 5 ms", None, 1.0),
    Line("one-fsync", "One fsync meanwhile: 99th percentile", "ms", "its own median"),
    Line(
        "cycle-warm",
        "A look at all groups (20,000 alerts, 200 rules, 1,000 silences)",
        "ms CPU",
        AM,
        1.0,
        0.5,
    ),
    Line("cycle-cold", "The same, after a change among the silences", "ms CPU", AM, 0.1, 0.05),
    Line("growth", "A refresh among 100,000 alerts", PER_ALERT, "the same among 1,000", 1.5, 1.2),
    Line("growth-peer", "Alertmanager: a refresh among 100,000 alerts", PER_ALERT, "the same among 1,000"),
    Line("memory", "Memory with 20,000 alerts", "MiB", AM, 132 / 102, 1.0),
    Line("idle-memory", "Memory with 50 rules and no alert", "MiB", "70 MiB", 1.0),
    Line("idle-memory-peers", "The same", "MiB", "Alertmanager and vmalert together"),
    Line("idle-cpu", "CPU with 50 rules and no alert", "% of a core", "1 % of a core", 1.0),
    Line("ready", "From start to ready, with 50 rules", "ms", "500 ms", 1.0),
    Line("ready-cpu", "The same", "ms CPU", "500 ms", 1.0),
    Line("ready-peers", "The same", "ms", f"{AM} and vmalert together"),
    Line("help", "`hbalert --help`", "ms", "100 ms", 1.0),
    Line("help-cpu", "The same", "ms CPU", "100 ms", 1.0),
    Line(
        "rules-fifth",
        "Round of 2,000 rules, a fifth fires",
        "ms CPU",
        OWN,
        1.5,
        1.0,
    ),
    Line("rules-fifth-vmalert", "The same", "ms CPU", "vmalert", 0.15),
    Line(
        "rules-few",
        "Round of 2,000 rules, a hundredth fires",
        "ms CPU",
        OWN,
        1.8,
        1.0,
    ),
    Line("rules-few-vmalert", "The same", "ms CPU", "vmalert", 0.15),
    Line("rules-many", "Round of 10,000 rules, a hundredth fires", "ms CPU", OWN, 1.8, 1.0),
    Line("rules-many-vmalert", "The same", "ms CPU", "vmalert", 0.15),
    Line("rules-pack", "Round of 400 different rules, most of them pairs", "ms CPU", OWN, 1.8, 1.0),
    Line("rules-pack-vmalert", "The same", "ms CPU", "vmalert", 0.15),
    Line("ask-bots-alone", "Questions of a round of 2,000 bot rules, one by one", "ms CPU", BATCHES),
    Line("ask-bots-labels", "The same, `merge_labels`", "ms CPU", BATCHES),
    Line("ask-pack-alone", "Questions of a round of the 400 rules, one by one", "ms CPU", BATCHES),
    Line("ask-pack-thresholds", "The same, `merge_thresholds`", "ms CPU", BATCHES),
    Line("ask-pack-labels", "The same, `merge_labels`", "ms CPU", BATCHES),
    Line("ask-pack-both", "The same, both", "ms CPU", BATCHES),
)

LINES = {line.name: line for line in _LINES}
