"""Every metric name, in one list; docs/metrics.md repeats it and a test compares the two.

Knows names, meanings and labels. Must not know how anything is counted (`metrics.py`, next).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
AGES = (1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 259200.0)


@dataclass(frozen=True, slots=True)
class Name:
    """One metric: what it is called, what it means, by what it is split.

    kind  "counter", "gauge" or "histogram"; a counter's name ends in _total
    live  read from the live state at each scrape, not counted
    like  the metric of ours that it repeats under another product's name
    """

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    live: bool = False
    like: str = ""


NAMES: tuple[Name, ...] = (
    # rules
    Name(
        "hbalert_evaluations_total",
        "counter",
        "Rules evaluated.",
        ("source", "group"),
    ),
    Name(
        "hbalert_evaluation_failures_total",
        "counter",
        "Rules whose evaluation failed; the state of their alerts was kept.",
        ("source", "group"),
    ),
    Name(
        "hbalert_evaluation_duration_seconds",
        "histogram",
        "Time from asking a source to the commit of what came of it.",
        ("source",),
        FAST,
    ),
    Name(
        "hbalert_evaluation_lag_seconds",
        "gauge",
        "How late the last evaluation of a source began.",
        ("source",),
    ),
    Name(
        "hbalert_evaluation_missed_total",
        "counter",
        "Slots skipped because the one before was still running or the machine slept.",
        ("source", "group"),
    ),
    Name(
        "hbalert_group_iterations_total",
        "counter",
        "Slots of a rule group that came, evaluated or skipped, at each source that it asks.",
        ("group",),
    ),
    Name(
        "hbalert_group_last_evaluation_timestamp_seconds",
        "gauge",
        "When a rule group was last evaluated.",
        ("group",),
    ),
    Name(
        "hbalert_group_last_duration_seconds",
        "gauge",
        "How long its last evaluation took.",
        ("group",),
    ),
    Name("hbalert_source_up", "gauge", "Whether a source answered last time.", ("source",), live=True),
    Name("hbalert_rules", "gauge", "Rules configured.", live=True),
    Name("hbalert_rule_groups", "gauge", "Rule groups configured.", live=True),
    Name("hbalert_rule_alerts", "gauge", "Alerts of rules, by state.", ("state",), live=True),
    # alerts
    Name("hbalert_alerts", "gauge", "Alerts that fire, by state.", ("state",), live=True),
    Name(
        "hbalert_alerts_received_total",
        "counter",
        "Alerts taken from outside, by where and how they came.",
        ("origin", "status"),
    ),
    Name(
        "hbalert_alerts_invalid_total",
        "counter",
        "Alerts refused because they are not valid.",
        ("origin",),
    ),
    Name(
        "hbalert_alerts_limited_total",
        "counter",
        "Alerts refused because there are as many as a limit allows.",
        ("origin",),
    ),
    Name("hbalert_silences", "gauge", "Silences, by state.", ("state",), live=True),
    Name("hbalert_groups", "gauge", "Groups of alerts on their routes.", live=True),
    Name("hbalert_inhibition_rules", "gauge", "Inhibition rules configured.", live=True),
    Name("hbalert_receivers", "gauge", "Receivers configured.", live=True),
    Name("hbalert_notifiers", "gauge", "Notifiers that are enabled.", live=True),
    # deliveries
    Name(
        "hbalert_notifications_total",
        "counter",
        "Attempts to deliver; a pause that the far side asked for is none.",
        ("notifier",),
    ),
    Name(
        "hbalert_notifications_failed_total",
        "counter",
        "Attempts that failed, by reason.",
        ("notifier", "reason"),
    ),
    Name(
        "hbalert_notifications_deferred_total",
        "counter",
        "Pauses that a far side asked for.",
        ("notifier",),
    ),
    Name(
        "hbalert_notification_duration_seconds",
        "histogram",
        "How long an attempt took.",
        ("notifier",),
        SLOW,
    ),
    Name(
        "hbalert_notification_age_seconds",
        "histogram",
        "From the decision to notify to its acceptance by the far side.",
        ("notifier",),
        AGES,
    ),
    Name("hbalert_queue_length", "gauge", "Deliveries that wait.", ("notifier",), live=True),
    Name(
        "hbalert_queue_oldest_age_seconds",
        "gauge",
        "Age of the oldest news that has not got out; 0 when there is none.",
        ("notifier",),
        live=True,
    ),
    # the process
    Name("hbalert_store_commit_duration_seconds", "histogram", "Commits, fsync included.", (), FAST),
    Name("hbalert_store_errors_total", "counter", "Commits that the store refused."),
    Name(
        "hbalert_http_request_duration_seconds",
        "histogram",
        "Requests to this daemon.",
        ("handler", "method"),
        FAST,
    ),
    Name(
        "hbalert_http_requests_total",
        "counter",
        "Requests to this daemon, by answer.",
        ("handler", "method", "code"),
    ),
    Name("hbalert_http_requests_in_flight", "gauge", "Requests being answered."),
    Name(
        "hbalert_http_refused_total",
        "counter",
        "Requests without a token that allows them, by reason.",
        ("reason",),
    ),
    Name(
        "hbalert_http_connections_refused_total",
        "counter",
        "Connections that came to nothing: no room, or no TLS handshake.",
        ("reason",),
    ),
    Name(
        "hbalert_tls_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the certificate that new connections are shown ends.",
        ("file",),
    ),
    Name(
        "hbalert_config_last_reload_successful",
        "gauge",
        "Whether the last configuration was accepted.",
    ),
    Name(
        "hbalert_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When a configuration was last accepted.",
    ),
    Name("hbalert_config_hash", "gauge", "Hash of the configuration in force.", live=True),
    Name("hbalert_build_info", "gauge", "1; the labels tell what runs.", ("version", "pythonversion")),
    # the same under the names that existing dashboards and rules ask for
    Name("alertmanager_alerts", "gauge", "As in Alertmanager.", ("state",), live=True),
    Name("alertmanager_marked_alerts", "gauge", "As in Alertmanager.", ("state",), live=True),
    Name("alertmanager_silences", "gauge", "As in Alertmanager.", ("state",), live=True),
    Name("alertmanager_dispatcher_aggregation_groups", "gauge", "As in Alertmanager.", live=True),
    Name("alertmanager_receivers", "gauge", "As in Alertmanager.", live=True),
    Name("alertmanager_integrations", "gauge", "As in Alertmanager.", live=True),
    Name("alertmanager_inhibition_rules", "gauge", "As in Alertmanager.", live=True),
    Name(
        "alertmanager_alerts_received_total",
        "counter",
        "As in Alertmanager.",
        ("status", "version"),
        like="hbalert_alerts_received_total",
    ),
    Name(
        "alertmanager_alerts_invalid_total",
        "counter",
        "As in Alertmanager.",
        ("version",),
        like="hbalert_alerts_invalid_total",
    ),
    Name(
        "alertmanager_notifications_total",
        "counter",
        "As in Alertmanager; counts attempts.",
        ("integration",),
        like="hbalert_notifications_total",
    ),
    Name(
        "alertmanager_notifications_failed_total",
        "counter",
        "As in Alertmanager, with the words of its newer versions for the reason; counts attempts.",
        ("integration", "reason"),
        like="hbalert_notifications_failed_total",
    ),
    Name(
        "alertmanager_notification_requests_total",
        "counter",
        "As in Alertmanager.",
        ("integration",),
        like="hbalert_notifications_total",
    ),
    Name(
        "alertmanager_notification_requests_failed_total",
        "counter",
        "As in Alertmanager.",
        ("integration",),
        like="hbalert_notifications_failed_total",
    ),
    Name(
        "alertmanager_notification_latency_seconds",
        "histogram",
        "As in Alertmanager.",
        ("integration",),
        like="hbalert_notification_duration_seconds",
    ),
    Name(
        "alertmanager_config_last_reload_successful",
        "gauge",
        "As in Alertmanager.",
        like="hbalert_config_last_reload_successful",
    ),
    Name(
        "alertmanager_config_last_reload_success_timestamp_seconds",
        "gauge",
        "As in Alertmanager.",
        like="hbalert_config_last_reload_success_timestamp_seconds",
    ),
    Name("alertmanager_config_hash", "gauge", "As in Alertmanager.", live=True),
    Name(
        "alertmanager_http_request_duration_seconds",
        "histogram",
        "As in Alertmanager.",
        ("handler", "method"),
        like="hbalert_http_request_duration_seconds",
    ),
    Name(
        "prometheus_rule_evaluations_total",
        "counter",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_evaluations_total",
    ),
    Name(
        "prometheus_rule_evaluation_failures_total",
        "counter",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_evaluation_failures_total",
    ),
    Name(
        "prometheus_rule_group_iterations_missed_total",
        "counter",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_evaluation_missed_total",
    ),
    Name(
        "prometheus_rule_group_iterations_total",
        "counter",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_group_iterations_total",
    ),
    Name("prometheus_rule_group_interval_seconds", "gauge", "As in Prometheus.", ("rule_group",), live=True),
    Name("prometheus_rule_group_rules", "gauge", "As in Prometheus.", ("rule_group",), live=True),
    Name(
        "prometheus_rule_group_last_evaluation_samples",
        "gauge",
        "As in Prometheus.",
        ("rule_group",),
        live=True,
    ),
    Name(
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
        "gauge",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_group_last_evaluation_timestamp_seconds",
    ),
    Name(
        "prometheus_rule_group_last_duration_seconds",
        "gauge",
        "As in Prometheus.",
        ("rule_group",),
        like="hbalert_group_last_duration_seconds",
    ),
    Name(
        "ALERTS",
        "gauge",
        "1 for each alert of a rule, pending or firing, with all its labels.",
        ("alertname", "alertstate", "..."),
        live=True,
    ),
)

BY_NAME: Mapping[str, Name] = {name.name: name for name in NAMES}
