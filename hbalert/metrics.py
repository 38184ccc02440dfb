"""Metrics: what hbalert counts about itself, and how it is written out for Prometheus.

Knows how each name of `metric_names.py` is counted, and how our counts look under the names that
Alertmanager and Prometheus use for the same things, so that existing dashboards and rules work.
Must not know who counts or why. A leaf: loops and API hold one `Metrics` and call its verbs; what
can be read off the live state is not counted but looked at when somebody scrapes (`Live`).
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from hbalert import __version__
from hbalert.metric_names import BY_NAME, NAMES, Name

cast("Callable[[], None]", disable_created_metrics)()  # halves a scrape; nothing here needs _created

ALERTS_SHOWN = 10_000
"""At most so many series under ALERTS: a scrape is not the place for more."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a scrape reads off the live state.

    alerts       "active", "suppressed", "unprocessed" -> how many
    rule_alerts  "pending", "firing" -> how many
    silences     "active", "pending", "expired" -> how many
    queue        notifier -> (how many wait, age of the oldest in seconds)
    sources      source -> whether it answered last time
    group_rules, group_interval, group_samples  rule group -> its rules, its interval in seconds, and the
                 series in the last answers for it
    shown        label sets for ALERTS, `alertstate` included
    """

    alerts: Mapping[str, int] = field(default_factory=dict)
    rule_alerts: Mapping[str, int] = field(default_factory=dict)
    silences: Mapping[str, int] = field(default_factory=dict)
    queue: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)
    groups: int = 0
    rules: int = 0
    rule_groups: int = 0
    group_rules: Mapping[str, float] = field(default_factory=dict)
    group_interval: Mapping[str, float] = field(default_factory=dict)
    group_samples: Mapping[str, float] = field(default_factory=dict)
    receivers: int = 0
    notifiers: int = 0
    inhibition_rules: int = 0
    config_hash: str = ""
    shown: Iterable[Mapping[str, str]] = ()


class Metrics:
    """The counters of one process, with a registry of their own.

    live  asked for the live state at each scrape; None until there is one
    """

    def __init__(self, version: str = __version__) -> None:
        self.registry = CollectorRegistry()
        self.live: Callable[[], Live] | None = None
        self._kinds: dict[str, str] = {}
        self._evaluations = self._counter("hbalert_evaluations_total")
        self._failures = self._counter("hbalert_evaluation_failures_total")
        self._duration = self._histogram("hbalert_evaluation_duration_seconds")
        self._lag = self._gauge("hbalert_evaluation_lag_seconds")
        self._missed = self._counter("hbalert_evaluation_missed_total")
        self._iterations = self._counter("hbalert_group_iterations_total")
        self._last_at = self._gauge("hbalert_group_last_evaluation_timestamp_seconds")
        self._last_took = self._gauge("hbalert_group_last_duration_seconds")
        self._received = self._counter("hbalert_alerts_received_total")
        self._invalid = self._counter("hbalert_alerts_invalid_total")
        self._kept_out = self._counter("hbalert_alerts_limited_total")
        self._attempts = self._counter("hbalert_notifications_total")
        self._failed = self._counter("hbalert_notifications_failed_total")
        self._deferred = self._counter("hbalert_notifications_deferred_total")
        self._attempt_took = self._histogram("hbalert_notification_duration_seconds")
        self._told_after = self._histogram("hbalert_notification_age_seconds")
        self._commits = self._histogram("hbalert_store_commit_duration_seconds")
        self._store_errors = self._counter("hbalert_store_errors_total")
        self._requests = self._histogram("hbalert_http_request_duration_seconds")
        self._answers = self._counter("hbalert_http_requests_total")
        self.in_flight = self._gauge("hbalert_http_requests_in_flight")
        self._unwelcome = self._counter("hbalert_http_refused_total")
        self._unconnected = self._counter("hbalert_http_connections_refused_total")
        self._certificate_ends = self._gauge("hbalert_tls_certificate_expiry_timestamp_seconds")
        self._reload_ok = self._gauge("hbalert_config_last_reload_successful")
        self._reload_at = self._gauge("hbalert_config_last_reload_success_timestamp_seconds")
        self._gauge("hbalert_build_info").labels(version, platform.python_version()).set(1)
        self._received_children: dict[tuple[str, str], Counter] = {}
        self._request_children: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}
        self.registry.register(_Derived(self))
        ProcessCollector(registry=self.registry)

    # --- rules ---

    def evaluated(
        self,
        source: str,
        group: str,
        seconds: float,
        *,
        rules: int = 1,
        failed: int = 0,
        at: datetime | None = None,
    ) -> None:
        """A rule group was evaluated: so many rules, of which so many failed (`True` counts as one)."""
        self._iterations.labels(group).inc()
        self._evaluations.labels(source, group).inc(rules)
        self._failures.labels(source, group).inc(int(failed))
        self._duration.labels(source).observe(seconds)
        self._last_took.labels(group).set(seconds)
        if at is not None:
            self._last_at.labels(group).set(at.timestamp())

    def lagged(self, source: str, seconds: float) -> None:
        """An evaluation began so long after its time."""
        self._lag.labels(source).set(seconds)

    def missed(self, source: str, group: str, slots: int = 1) -> None:
        """So many slots of a group were skipped."""
        self._missed.labels(source, group).inc(slots)
        self._iterations.labels(group).inc(slots)

    # --- alerts ---

    def received(
        self, origin: str, *, firing: int = 0, resolved: int = 0, invalid: int = 0, kept_out: int = 0
    ) -> None:
        """Alerts came from outside. origin: "api", "webhook"."""
        for status, amount in (("firing", firing), ("resolved", resolved)):
            if amount:
                child = self._received_children.get((origin, status))
                if child is None:
                    child = self._received_children[origin, status] = self._received.labels(origin, status)
                child.inc(amount)
        if invalid:
            self._invalid.labels(origin).inc(invalid)
        if kept_out:
            self._kept_out.labels(origin).inc(kept_out)

    # --- deliveries ---

    def notified(self, notifier: str, result: str, reason: str, seconds: float) -> None:
        """One attempt ended. result: a value of core.delivery.Result."""
        if result == "not now":
            self._deferred.labels(notifier).inc()
            return
        self._attempts.labels(notifier).inc()
        self._attempt_took.labels(notifier).observe(seconds)
        if result != "sent":
            self._failed.labels(notifier, reason).inc()

    def told(self, notifier: str, seconds: float) -> None:
        """A far side accepted news that was decided so long ago."""
        self._told_after.labels(notifier).observe(seconds)

    # --- the process ---

    def committed(self, seconds: float) -> None:
        """The store made something durable."""
        self._commits.observe(seconds)

    def refused(self) -> None:
        """The store did not take a commit."""
        self._store_errors.inc()

    def requested(self, handler: str, method: str, code: int, seconds: float) -> None:
        """One HTTP request was answered. handler: the route, never the path that was asked for."""
        children = self._request_children.get((handler, method, code))
        if children is None:
            children = (
                self._requests.labels(handler, method),
                self._answers.labels(handler, method, str(code)),
            )
            self._request_children[handler, method, code] = children
        children[0].observe(seconds)
        children[1].inc()

    def unwelcome(self, reason: str) -> None:
        """A request had no token that allows it. reason: "missing", "unknown", "expired", "forbidden"."""
        self._unwelcome.labels(reason).inc()

    def unconnected(self, reason: str) -> None:
        """A connection came to nothing. reason: "full", "handshake"."""
        self._unconnected.labels(reason).inc()

    def certificate_ends(self, file: str, at: datetime) -> None:
        """What new connections are shown from now on."""
        self._certificate_ends.clear()
        self._certificate_ends.labels(file).set(at.timestamp())

    def reloaded(self, accepted: bool) -> None:
        """A configuration was read just now: at the start and at each reload."""
        self._reload_ok.set(1 if accepted else 0)
        if accepted:
            self._reload_at.set_to_current_time()

    def use(self, groups: Iterable[str], notifiers: Mapping[str, str]) -> None:
        """What the configuration names now; series of what is gone are dropped.

        notifiers  name -> type ("email", "sms"), which is Alertmanager's `integration`
        """
        self._kinds = dict(notifiers)
        wanted = set(groups)
        for metric in (
            self._evaluations,
            self._failures,
            self._missed,
            self._iterations,
            self._last_at,
            self._last_took,
        ):
            _keep(metric, "group", wanted)
        wanted = set(notifiers)
        for count in (self._attempts, self._failed, self._deferred, self._attempt_took, self._told_after):
            _keep(count, "notifier", wanted)
        for name in notifiers:
            self._attempts.labels(name)  # 0 is an answer, too: nothing was ever sent

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """Everything, and its content type; OpenMetrics where the client asks for it."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    # --- making ---

    def _counter(self, name: str) -> Counter:
        known = BY_NAME[name]
        return Counter(known.name, known.help, known.labels, registry=self.registry)

    def _gauge(self, name: str) -> Gauge:
        known = BY_NAME[name]
        return Gauge(known.name, known.help, known.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        known = BY_NAME[name]
        return Histogram(known.name, known.help, known.labels, buckets=known.buckets, registry=self.registry)

    def _integration(self, notifier: str) -> str:
        return self._kinds.get(notifier, notifier)


class _Derived(Collector):
    """What is not counted: the live state, and our counts under the names of others."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def describe(self) -> Iterator[Metric]:
        """The names, so that registering does not need a live state."""
        for name in NAMES:
            if name.live or name.like:
                yield _family(name)

    def collect(self) -> Iterator[Metric]:
        counted = {family.name: family for family in self._counted()}
        for name in NAMES:
            if name.like:
                yield self._mirror(name, counted[name.like.removesuffix("_total")])
        if self._metrics.live is not None:
            yield from _live(self._metrics.live())

    def _counted(self) -> Iterator[Metric]:
        metrics = self._metrics
        for family in vars(metrics).values():
            if isinstance(family, Counter | Gauge | Histogram):
                yield from family.collect()

    def _mirror(self, name: Name, ours: Metric) -> Metric:
        """Our samples under another name, labels translated, samples that become equal added up."""
        family = _family(name)
        sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for sample in ours.samples:
            labels = {}
            for label, value in sample.labels.items():
                their = _THEIRS.get(label, label)
                if their not in name.labels and their != "le":
                    continue
                if label == "notifier":
                    value = self._metrics._integration(value)
                labels[their] = _REASONS.get(value, "other") if label == "reason" else value
            if "version" in name.labels:
                labels["version"] = "v2"  # of the API; theirs had another one once
            suffix = sample.name.removeprefix(ours.name)
            key = (family.name + suffix, tuple(labels.items()))
            sums[key] = sums.get(key, 0.0) + sample.value
        for (sample_name, pairs), total in sums.items():
            family.add_sample(sample_name, dict(pairs), total)
        return family


_THEIRS = {"notifier": "integration", "group": "rule_group"}
_REASONS = {
    "auth": "authError",
    "client": "clientError",
    "template": "clientError",
    "quota": "rateLimited",
    "rate limit": "rateLimited",
    "server": "serverError",
    "timeout": "contextDeadlineExceeded",
}
"""Our reasons of failed attempts -> Alertmanager's."""


def _live(live: Live) -> Iterator[Metric]:
    plain: dict[str, float] = {
        "hbalert_rules": live.rules,
        "hbalert_rule_groups": live.rule_groups,
        "hbalert_groups": live.groups,
        "hbalert_inhibition_rules": live.inhibition_rules,
        "hbalert_config_hash": _number(live.config_hash),
        "alertmanager_config_hash": _number(live.config_hash),
        "hbalert_receivers": live.receivers,
        "hbalert_notifiers": live.notifiers,
        "alertmanager_dispatcher_aggregation_groups": live.groups,
        "alertmanager_receivers": live.receivers,
        "alertmanager_integrations": live.notifiers,
        "alertmanager_inhibition_rules": live.inhibition_rules,
    }
    split: dict[str, Mapping[str, float]] = {
        "hbalert_source_up": live.sources,
        "hbalert_rule_alerts": live.rule_alerts,
        "hbalert_alerts": live.alerts,
        "hbalert_silences": live.silences,
        "hbalert_queue_length": {name: length for name, (length, _) in live.queue.items()},
        "hbalert_queue_oldest_age_seconds": {name: age for name, (_, age) in live.queue.items()},
        "alertmanager_alerts": live.alerts,
        "alertmanager_marked_alerts": live.alerts,
        "alertmanager_silences": live.silences,
        "prometheus_rule_group_rules": live.group_rules,
        "prometheus_rule_group_interval_seconds": live.group_interval,
        "prometheus_rule_group_last_evaluation_samples": live.group_samples,
    }
    for name, value in plain.items():
        family = _family(BY_NAME[name])
        family.add_sample(name, {}, float(value))
        yield family
    for name, values in split.items():
        family = _family(BY_NAME[name])
        (label,) = BY_NAME[name].labels
        for key, amount in values.items():
            family.add_sample(name, {label: key}, float(amount))
        yield family
    family = _family(BY_NAME["ALERTS"])
    for number, labels in enumerate(live.shown):
        if number == ALERTS_SHOWN:
            break
        family.add_sample("ALERTS", dict(labels), 1.0)
    yield family


def _family(name: Name) -> Metric:
    """An empty family; a counter's family is named without _total, as in OpenMetrics."""
    return Metric(name.name.removesuffix("_total"), name.help, name.kind)


def _keep(metric: Counter | Gauge | Histogram, label: str, wanted: set[str]) -> None:
    """Drops the series whose `label` has a value that is not wanted any more."""
    seen = {sample.labels[label] for family in metric.collect() for sample in family.samples}
    for value in seen - wanted:
        metric.remove_by_labels({label: value})


def _number(config_hash: str) -> float:
    """The first 48 bits of a hexadecimal hash: what a float holds exactly."""
    try:
        return float(int(config_hash.removeprefix("sha256:")[:12] or "0", 16))
    except ValueError:
        return 0.0
