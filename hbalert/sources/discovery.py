"""Questions to a source about what it has, for people at a terminal.

Knows which questions a Prometheus answers, through prometheus-api-client. Must not know rules or
findings (`live.py`, next). Never for the daemon: the client is synchronous and drops what a server warns
of. What it reads is bounded by `bounded.py`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests import RequestException
from requests.adapters import Retry

from hbalert.clock import Clock
from hbalert.config.duration import parse_duration
from hbalert.config.expression import Selector
from hbalert.config.types import SourceSettings
from hbalert.sources.bounded import BoundedSession, TooLong

LONGEST_SECONDS = 10.0
"""Somebody waits at a terminal: a source gets no longer than this for an answer, whatever its settings."""

NONSENSE = "what answers there is no Prometheus"


class Silent(Exception):
    """The source did not answer, or not in a way that can be used."""


class Late(Silent):
    """The source did not answer in time."""


class Endless(Silent):
    """The source answered with more than is read."""


class Refused(Exception):
    """The source answered that an expression is wrong; the text is its own."""


class Tried(NamedTuple):
    """What came of evaluating an expression: how long it took, the labels of every series of the answer."""

    seconds: float
    series: list[dict[str, str]]


class Discovery:
    """One source, asked about what it has. Answers are remembered.

    Raises Silent from every method when the source does not answer.
    """

    def __init__(self, settings: SourceSettings, clock: Clock) -> None:
        session = BoundedSession(min(settings.timeout.total_seconds(), LONGEST_SECONDS))
        session.trust_env = False
        session.headers.update(settings.headers)
        if settings.bearer_token is not None:
            session.headers["Authorization"] = f"Bearer {settings.bearer_token.reveal()}"
        if settings.ca_file is not None:
            session.verify = str(settings.ca_file)
        if settings.client_cert is not None and settings.client_key is not None:
            session.cert = (str(settings.client_cert), str(settings.client_key))
        basic = settings.basic_auth
        self._client: Any = PrometheusConnect(
            settings.url.rstrip("/"),
            auth=(basic.username, basic.password.reveal()) if basic else None,
            session=session,
            retry=Retry(total=0),
            method="GET",
        )
        self._clock = clock
        self._metrics: frozenset[str] | None = None
        self._labels: dict[str, frozenset[str]] = {}
        self._kinds: dict[str, str] = {}
        self._intervals: Mapping[tuple[str, str], timedelta] | None = None

    def close(self) -> None:
        self._client.close()

    def metrics(self) -> frozenset[str]:
        """The names of all metrics."""
        if self._metrics is None:
            self._metrics = frozenset(_texts(self._ask(self._client.all_metrics)))
        return self._metrics

    def labels(self, metric: str) -> frozenset[str]:
        """The labels that series of a metric have."""
        if metric not in self._labels:
            names = self._ask(self._client.get_label_names, params={"match[]": str(Selector(metric, ()))})
            self._labels[metric] = frozenset(_texts(names))
        return self._labels[metric]

    def values(self, metric: str, label: str) -> frozenset[str]:
        """The values that a label of a metric's series has."""
        match = {"match[]": str(Selector(metric, ()))}
        return frozenset(_texts(self._ask(self._client.get_label_values, label, params=match)))

    def kind(self, metric: str) -> str:
        """ "counter", "gauge", "histogram", ...; "" when the source does not know or does not say."""
        if metric not in self._kinds:
            try:
                said = self._ask(self._client.get_metric_metadata, metric)
            except Refused:  # not every server has this
                said = None
            kinds = {str(each.get("type")) for each in _tables(said)}
            self._kinds[metric] = kinds.pop() if len(kinds) == 1 else ""
        return self._kinds[metric]

    def scrape_interval(self, metric: str) -> timedelta | None:
        """How often the series of a metric get a new sample, the slowest of them; None when not known.

        Targets say how often they are scraped; series that name no target of today tell nothing.
        """
        found = self.try_out(f"count by (job, instance) ({Selector(metric, ())})").series
        slow = [each for series in found if (each := self._targets().get(_target(series))) is not None]
        return max(slow, default=None)

    def _targets(self) -> Mapping[tuple[str, str], timedelta]:
        if self._intervals is None:
            try:
                answer = self._ask(self._client.get_targets, state="active")
            except Refused:
                answer = {}
            active = answer.get("activeTargets") if isinstance(answer, dict) else None
            self._intervals = dict(_intervals(_tables(active)))
        return self._intervals

    def try_out(self, expr: str) -> Tried:
        """Lets the source evaluate an expression now. Raises Refused with its words when it is wrong."""
        begun = self._clock.monotonic()
        answer = self._ask(self._client.custom_query, expr)
        seconds = self._clock.monotonic() - begun
        metrics = [each["metric"] for each in _tables(answer) if isinstance(each.get("metric"), dict)]
        series = [{str(name): str(value) for name, value in metric.items()} for metric in metrics]
        return Tried(seconds, series)

    def over(self, expr: str, span: timedelta, step: timedelta) -> list[list[datetime]]:
        """The moments of the last `span` at which `expr` answered, one list for each of its series."""
        now = self._clock.now()
        answer = self._ask(
            self._client.custom_query_range, expr, now - span, now, f"{step.total_seconds():g}s"
        )
        return [_moments(series.get("values")) for series in _tables(answer)]

    def _ask(self, question: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return question(*arguments, **options)
        except PrometheusApiClientException as error:
            raise _complaint(str(error)) from None
        except RequestException as error:
            raise _silence(error) from None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise Silent(NONSENSE) from None


def _target(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("job", ""), labels.get("instance", "")


def _tables(answer: Any) -> list[dict[str, Any]]:
    """The objects of a list; a number's answer, [time, text], has none."""
    return [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []


def _moments(values: Any) -> list[datetime]:
    """The times of [time, value] pairs."""
    try:
        return [datetime.fromtimestamp(float(at), UTC) for at, _ in values]
    except (ValueError, TypeError, OverflowError, OSError):
        raise Silent(NONSENSE) from None


def _intervals(targets: Sequence[dict[str, Any]]) -> Iterator[tuple[tuple[str, str], timedelta]]:
    for each in targets:
        if isinstance(labels := each.get("labels"), dict):
            with suppress(ValueError):
                yield _target(labels), parse_duration(str(each.get("scrapeInterval", "")))


def _texts(answer: Any) -> Iterator[str]:
    if not isinstance(answer, list):
        raise Silent(NONSENSE)
    yield from (each for each in answer if isinstance(each, str))


def _complaint(text: str) -> Exception:
    """The client puts status and raw body into one text: `HTTP Status Code 400 (b'{...}')`."""
    status = text.removeprefix("HTTP Status Code ")[:3]
    if status not in ("400", "422"):
        return Silent(f"it answers with HTTP status {status}")
    try:
        said = json.loads(ast.literal_eval(text[text.index("(") + 1 : text.rindex(")")]))["error"]
    except (ValueError, SyntaxError, KeyError, TypeError):
        said = f"HTTP status {status}"
    return Refused(" ".join(str(said).split())[:300])


def _silence(error: RequestException) -> Silent:
    """Why nobody answered, without the address: the client repeats it with everything in it."""
    name = type(error).__name__
    if isinstance(error, TooLong):
        return Endless(str(error))
    if "Timeout" in name or "timed out" in str(error):
        return Late("it did not answer in time")
    if isinstance(error, ValueError):
        return Silent(NONSENSE)
    if name == "SSLError":
        return Silent("its certificate is not accepted")
    return Silent("nobody answers there")
