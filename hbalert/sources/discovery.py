"""What the sources say of the rules: whether the series that they read exist.

Knows which questions to ask a Prometheus, through prometheus-api-client. Must not know how findings
are shown. For people at a terminal (`check --live`), never for the daemon: the client is synchronous.
It drops what a server warns of and has no time-out of its own, so that one is set here.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests import RequestException, Session
from requests.adapters import Retry

from hbalert.config.document import Document
from hbalert.config.expression import Selector, grouping, problems, selectors
from hbalert.config.findings import Finding, Severity
from hbalert.config.nearest import did_you_mean
from hbalert.config.types import Config, SourceSettings
from hbalert.core.rule import Rule

LONGEST_SECONDS = 10.0
"""Somebody waits at a terminal: a source gets no longer than this for an answer, whatever its settings."""


class Silent(Exception):
    """The source did not answer, or not in a way that can be used."""


class Refused(Exception):
    """The source answered that an expression is wrong; the text is its own."""


class Discovery:
    """One source, asked about what it has. Answers are remembered.

    Raises Silent from every method when the source does not answer.
    """

    def __init__(self, settings: SourceSettings) -> None:
        session = Session()
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
            timeout=min(settings.timeout.total_seconds(), LONGEST_SECONDS),
            method="GET",
        )
        self._metrics: frozenset[str] | None = None
        self._labels: dict[str, frozenset[str]] = {}

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
            names = self._ask(self._client.get_label_names, params={"match[]": _exactly(metric)})
            self._labels[metric] = frozenset(_texts(names))
        return self._labels[metric]

    def try_out(self, expr: str) -> None:
        """Lets the source evaluate an expression. Raises Refused with its words when it is wrong."""
        self._ask(self._client.custom_query, expr)

    def _ask(self, question: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return question(*arguments, **options)
        except PrometheusApiClientException as error:
            raise _complaint(str(error)) from None
        except RequestException as error:
            raise Silent(_reason(error)) from None
        except (ValueError, KeyError, TypeError):
            raise Silent("what answers there is no Prometheus") from None


def _exactly(metric: str) -> str:
    return '{__name__="' + metric.replace("\\", "\\\\").replace('"', '\\"') + '"}'


def _texts(answer: Any) -> Iterator[str]:
    if not isinstance(answer, list):
        raise Silent("what answers there is no Prometheus")
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


def _reason(error: RequestException) -> str:
    """Why nobody answered, without the address: the client repeats it with everything in it."""
    name = type(error).__name__
    if "Timeout" in name or "timed out" in str(error):
        return "it did not answer in time"
    if isinstance(error, ValueError):
        return "what answers there is no Prometheus"
    if name == "SSLError":
        return "its certificate is not accepted"
    return "nobody answers there"


# --- the rules ---------------------------------------------------------------------------------


def live_findings(config: Config, at: Document) -> Iterator[Finding]:
    """What the sources say of every rule. A source that does not answer is one finding, not one per rule.

    at  config.toml, where sources stand
    """
    used = dict.fromkeys(rule.source for group in config.groups for rule in group.rules)
    for name in used or config.sources:
        discovery = Discovery(config.sources[name])
        rules = [rule for group in config.groups for rule in group.rules if rule.source == name]
        try:
            discovery.metrics()
            for rule in rules:
                yield from _rule(rule, discovery)
        except (Silent, Refused) as error:
            what, instead = f"the source does not answer: {error}", "check its url, and whether it runs"
            yield at.finding(("sources", name, "url"), what, instead, code="source-down")
        finally:
            discovery.close()


def _rule(rule: Rule, discovery: Discovery) -> Iterator[Finding]:
    for key, expr in (("expr", rule.expr), ("clear", rule.clear)):
        if not expr:
            continue
        where = f"{rule.alert}.{key}"
        try:
            discovery.try_out(expr)
        except Refused as error:
            instead = "correct it, or remove what this server does not know"
            yield Finding(
                rule.file, rule.line, where, f"the source refuses this: {error}", instead, "refused"
            )
            continue
        for what, instead, code in _series(expr, discovery):
            yield Finding(rule.file, rule.line, where, what, instead, code, Severity.WARNING)


def _series(expr: str, discovery: Discovery) -> Iterator[tuple[str, str, str]]:
    """What an expression reads and the source does not have: what, what instead, code."""
    if any(problem.is_error for problem in problems(expr)):
        return
    present: dict[str, frozenset[str]] = {}
    for selector in dict.fromkeys(selectors(expr)):
        name = selector.name
        if not name or selector.may_lack:
            continue
        if name not in discovery.metrics():
            yield _unknown_metric(name, discovery.metrics())
            continue
        present[name] = discovery.labels(name)
        yield from _unknown_labels(selector, present[name])
    kept = frozenset().union(*present.values())
    for label in sorted(grouping(expr)):
        if present and label not in kept:
            names = ", ".join(sorted(present))
            what = f"no series of {names} has the label {label} that the result is grouped by"
            yield what, did_you_mean(label, kept), "unknown-label"


def _unknown_metric(name: str, known: frozenset[str]) -> tuple[str, str, str]:
    if f"{name}_total" in known:
        return f"there is no metric {name}", f"it is a counter: write {name}_total", "counter-name"
    near = did_you_mean(name, known) if len(known) < 50_000 else ""
    instead = near if near.startswith("did you mean") else "is what exports it being scraped?"
    return f"the source has no metric {name}", instead, "unknown-metric"


def _unknown_labels(selector: Selector, labels: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    for label, op, value in selector.matchers:
        if label not in labels and op in ("=", "=~") and value not in ("", ".*"):
            what = f"no series of {selector.name} has the label {label}"
            yield what, did_you_mean(label, labels - {"__name__"}), "unknown-label"
