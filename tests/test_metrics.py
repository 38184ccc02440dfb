"""Every name that is documented is exposed, and the other way round; nothing is counted twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hbalert.metric_names import BY_NAME, NAMES
from hbalert.metrics import Live, Metrics

DOCS = Path(__file__).parents[1] / "docs" / "metrics.md"

LIVE = Live(
    alerts={"active": 3, "suppressed": 1, "unprocessed": 0},
    rule_alerts={"pending": 1, "firing": 2},
    silences={"active": 1, "pending": 0, "expired": 4},
    queue={"mail": (2, 7.5)},
    sources={"main": True, "second": False},
    groups=5,
    rules=50,
    rule_groups=6,
    group_rules={"orders": 10},
    group_interval={"orders": 15},
    group_samples={"orders": 7},
    receivers=3,
    notifiers=2,
    inhibition_rules=1,
    config_hash="sha256:00000000000a" + "f" * 52,
    shown=[{"alertname": "Down", "alertstate": "firing", "bot": 'evil"} 1\nforged 2'}],
)


@pytest.fixture
def metrics() -> Metrics:
    """A process in which everything has happened once."""
    made = Metrics("1.2.3")
    made.live = lambda: LIVE
    made.use(["orders"], {"mail": "email", "second_mail": "email"})
    made.evaluated("main", "orders", 0.02, rules=10, failed=1)
    made.lagged("main", 0.5)
    made.missed("main", "orders")
    made.received("api", firing=3, resolved=1, invalid=2, kept_out=1)
    made.notified("mail", "sent", "sent", 0.2)
    made.notified("second_mail", "transient", "network", 1.5)
    made.notified("mail", "not now", "rate limit", 0.1)
    made.told("mail", 12)
    made.committed(0.002)
    made.refused()
    made.requested("/api/v2/alerts", "POST", 200, 0.001)
    made.unwelcome("unknown")
    made.unconnected("handshake")
    made.certificate_ends("cert.pem", datetime(2027, 1, 31, tzinfo=UTC))
    made.reloaded(True)
    return made


def samples(metrics: Metrics) -> dict[str, float]:
    """`name{label="value",...}` -> value."""
    found = {}
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found, f"{key} twice"
            found[key] = sample.value
    return found


def exposed(metrics: Metrics) -> dict[str, str]:
    """Name -> type, of everything that is not the process's own."""
    families = re.findall(r"^# TYPE (\S+) (\S+)$", metrics.exposition()[0].decode(), re.MULTILINE)
    assert len(families) == len(dict(families)), "a name is exposed twice"
    return {name: kind for name, kind in families if not name.startswith(("process_", "python_"))}


def test_the_list_is_what_is_exposed(metrics: Metrics) -> None:
    assert exposed(metrics) == {name.name: name.kind for name in NAMES}


def test_every_exposed_name_has_samples_when_everything_has_happened(metrics: Metrics) -> None:
    names = {re.sub(r"(_bucket|_count|_sum)?(\{.*)?$", "", key, flags=re.DOTALL) for key in samples(metrics)}
    assert {name.name for name in NAMES if name.kind != "histogram"} - names == {
        "hbalert_group_last_evaluation_timestamp_seconds",
        "prometheus_rule_group_last_evaluation_timestamp_seconds",
    } - names


def test_the_documentation_has_every_name_with_its_meaning() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| ([^|]*) \| (.*) \|$", DOCS.read_text("utf-8"), re.MULTILINE)
    documented = {
        name: (kind, labels.replace("`", "").strip(), text.strip()) for name, kind, labels, text in rows
    }
    assert documented == {name.name: (name.kind, ", ".join(name.labels), name.help) for name in NAMES}


def test_the_labels_are_those_of_the_list(metrics: Metrics) -> None:
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        known = BY_NAME.get(family.name) or BY_NAME.get(f"{family.name}_total")
        if known is not None and known.name != "ALERTS":
            for sample in family.samples:
                assert set(sample.labels) - {"le"} == set(known.labels), sample


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ('hbalert_evaluations_total{group="orders",source="main"}', 10),
        ('hbalert_evaluation_failures_total{group="orders",source="main"}', 1),
        ('prometheus_rule_evaluations_total{rule_group="orders"}', 10),
        ('prometheus_rule_group_iterations_missed_total{rule_group="orders"}', 1),
        ('hbalert_notifications_total{notifier="mail"}', 1),
        ('hbalert_notifications_deferred_total{notifier="mail"}', 1),
        ('hbalert_notifications_failed_total{notifier="second_mail",reason="network"}', 1),
        ('alertmanager_notifications_total{integration="email"}', 2),
        ('alertmanager_notifications_failed_total{integration="email",reason="other"}', 1),
        ('alertmanager_notification_requests_total{integration="email"}', 2),
        ('alertmanager_notification_requests_failed_total{integration="email"}', 1),
        ('alertmanager_marked_alerts{state="active"}', 3),
        ('prometheus_rule_group_iterations_total{rule_group="orders"}', 2),
        ('prometheus_rule_group_rules{rule_group="orders"}', 10),
        ('prometheus_rule_group_interval_seconds{rule_group="orders"}', 15),
        ('prometheus_rule_group_last_evaluation_samples{rule_group="orders"}', 7),
        ('alertmanager_notification_latency_seconds_count{integration="email"}', 2),
        ('alertmanager_notification_latency_seconds_bucket{integration="email",le="0.25"}', 1),
        ('alertmanager_alerts_received_total{status="firing",version="v2"}', 3),
        ('alertmanager_alerts_invalid_total{version="v2"}', 2),
        ('alertmanager_alerts{state="suppressed"}', 1),
        ('alertmanager_silences{state="expired"}', 4),
        ("alertmanager_config_last_reload_successful", 1),
        ("hbalert_config_hash", 10),
        ('hbalert_queue_oldest_age_seconds{notifier="mail"}', 7.5),
        ('hbalert_source_up{source="second"}', 0),
    ],
)
def test_what_happened_is_counted_under_all_its_names(metrics: Metrics, sample: str, value: float) -> None:
    assert samples(metrics)[sample] == value


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("auth", "authError"),
        ("rate limit", "rateLimited"),
        ("quota", "rateLimited"),
        ("template", "clientError"),
        ("server", "serverError"),
        ("timeout", "contextDeadlineExceeded"),
        ("network", "other"),
    ],
)
def test_reasons_have_alertmanagers_words_under_its_name(ours: str, theirs: str) -> None:
    made = Metrics()
    made.use([], {"mail": "email"})
    made.notified("mail", "transient", ours, 1)
    assert samples(made)[f'hbalert_notifications_failed_total{{notifier="mail",reason="{ours}"}}'] == 1
    name = f'alertmanager_notifications_failed_total{{integration="email",reason="{theirs}"}}'
    assert samples(made)[name] == 1


def test_a_label_value_cannot_forge_a_sample(metrics: Metrics) -> None:
    text = metrics.exposition()[0].decode()
    assert "\nforged" not in text
    assert 'bot="evil\\"} 1\\nforged 2"' in text


def test_no_more_alerts_are_shown_than_a_scrape_can_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hbalert.metrics.ALERTS_SHOWN", 2)
    made = Metrics()
    made.live = lambda: Live(shown=({"alertname": str(number)} for number in range(9)))
    assert sum(key.startswith("ALERTS{") for key in samples(made)) == 2


def test_series_of_what_is_gone_are_dropped(metrics: Metrics) -> None:
    metrics.live = None
    metrics.use(["others"], {"phone": "sms"})
    left = samples(metrics)
    assert not [key for key in left if "orders" in key or "mail" in key.replace("email", "")]
    assert left['hbalert_notifications_total{notifier="phone"}'] == 0


def test_a_refused_reload_keeps_the_time_of_the_last_good_one(metrics: Metrics) -> None:
    before = samples(metrics)["hbalert_config_last_reload_success_timestamp_seconds"]
    metrics.reloaded(False)
    after = samples(metrics)
    assert after["hbalert_config_last_reload_successful"] == 0
    assert after["hbalert_config_last_reload_success_timestamp_seconds"] == before > 0


def test_two_processes_in_one_do_not_share_counters() -> None:
    one, two = Metrics(), Metrics()
    one.refused()
    assert samples(two)["hbalert_store_errors_total"] == 0
