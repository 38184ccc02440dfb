"""Verdicts: what a test expected, and what came.

Knows when two sides are the same, which is promtool's decision: labels and annotations to the letter,
numbers to the last bit (NaN is never what was expected). Must not know how anything came about.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from hbalert.core.labels import quote
from hbalert.core.rule import RuleAlert
from hbalert.neighbours.prometheus.unit_file import AlertCase, ExprCase
from hbalert.ports import Answer
from hbalert.templating.gofmt import number


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that a test asked for.

    subject   name of the alert, expression, or rule that failed
    line      of the test's file
    expected, came  one text for each alert or sample, sorted
    error     why nothing came; "" when something did
    """

    subject: str
    at: timedelta
    line: int
    passed: bool
    expected: tuple[str, ...] = ()
    came: tuple[str, ...] = ()
    error: str = ""


def of_alerts(case: AlertCase, firing: Iterable[RuleAlert]) -> Verdict:
    """Whether exactly these alerts fire."""
    came = sorted(_firing(row.labels.as_dict(), row.annotations) for row in firing)
    expected = sorted(_firing(*each) for each in case.expected)
    return Verdict(case.alert, case.at, case.line, came == expected, tuple(expected), tuple(came))


def of_answer(case: ExprCase, answer: Answer, *, fuzzy: bool) -> Verdict:
    """Whether an expression gives exactly these samples. fuzzy: a last bit may differ."""
    came = sorted(((each.labels.as_dict(), each.value) for each in answer.samples), key=_order)
    expected = sorted(case.expected, key=_order)
    passed = len(came) == len(expected) and all(
        dict(labels) == dict(theirs) and (value == wanted or (fuzzy and _near(value, wanted)))
        for (labels, value), (theirs, wanted) in zip(came, expected, strict=True)
    )
    return Verdict(case.expr, case.at, case.line, passed, _samples(expected), _samples(came))


def failed(case: AlertCase | ExprCase, why: str) -> Verdict:
    subject = case.alert if isinstance(case, AlertCase) else case.expr
    return Verdict(subject, case.at, case.line, passed=False, error=why)


def _order(sample: tuple[Mapping[str, str], float]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(sample[0].items()))


def _near(one: float, other: float) -> bool:
    return math.nextafter(one, other) == other


def _samples(samples: Sequence[tuple[Mapping[str, str], float]]) -> tuple[str, ...]:
    return tuple(f"{_series(labels)} {number(value)}" for labels, value in samples)


def _series(labels: Mapping[str, str]) -> str:
    rest = {name: value for name, value in labels.items() if name != "__name__"}
    return f"{labels.get('__name__', '')}{_spelt(rest) if rest or '__name__' not in labels else ''}"


def _firing(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    rest = {name: value for name, value in labels.items() if name != "alertname"}
    return f"{_spelt(rest)}" + (f" {_spelt(annotations)}" if annotations else "")


def _spelt(pairs: Mapping[str, str]) -> str:
    """As PromQL writes labels, also where a value is empty, which no label is."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in sorted(pairs.items())) + "}"
