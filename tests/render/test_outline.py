"""What a message says: which words, in which order, and what is left out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hbalert.core.labels import Labels
from hbalert.core.notification import Notification, Reason
from hbalert.render.outline import MOST_ALERTS, MOST_LABELS, Outline, outline, worst
from hbalert.render.times import zone
from hbalert.render.words import EN
from tests.render.samples import NOW, alert, notification


def told(value: Notification) -> Outline:
    return outline(value, EN, zone("Asia/Shanghai"), NOW)


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        pytest.param(notification(), "[FIRING:1] HummingbotDown bot=alpha (critical)", id="the usual"),
        pytest.param(
            notification(alert("alpha"), alert("beta")),
            "[FIRING:2] HummingbotDown (critical)",
            id="bots differ",
        ),
        pytest.param(
            notification(alert("alpha"), alert("alpha", ended=NOW, job="other")),
            "[FIRING:1] HummingbotDown bot=alpha (critical)",
            id="one of two resolved",
        ),
        pytest.param(
            notification(alert(ended=NOW)),
            "[RESOLVED] HummingbotDown bot=alpha (critical)",
            id="all resolved: the same behind the tag",
        ),
        pytest.param(
            notification(reason=Reason.TEST), "[TEST] HummingbotDown bot=alpha (critical)", id="a test"
        ),
        pytest.param(
            notification(alert(alertname="HummingbotSilent"), alert(), group_labels=Labels({"bot": "alpha"})),
            "[FIRING:2] HummingbotDown, HummingbotSilent bot=alpha (critical)",
            id="grouped by bot",
        ),
        pytest.param(
            notification(alert(severity="", bot="", instance="10.0.0.5:9091")),
            "[FIRING:1] HummingbotDown instance=10.0.0.5:9091",
            id="no bot and no severity",
        ),
        pytest.param(
            notification(group_labels=Labels({"alertname": "HummingbotDown", "connector": "okx"})),
            "[FIRING:1] HummingbotDown connector=okx bot=alpha (critical)",
            id="the other labels of the group",
        ),
        pytest.param(
            notification(alert(severity="warning"), alert(severity="sehr schlimm")),
            "[FIRING:2] HummingbotDown bot=alpha (warning)",
            id="the gravest known severity",
        ),
    ],
)
def test_the_subject_is(value: Notification, subject: str) -> None:
    assert told(value).subject == subject


def test_the_subject_is_never_long() -> None:
    value = notification(group_labels=Labels({f"label{i}": "x" * 500 for i in range(50)}))
    assert len(told(value).subject) < 200


def test_the_worst_severity_rules() -> None:
    severities = ["info", "", "odd", "CRITICAL", "warning"]
    assert worst([alert(severity=severity) for severity in severities]) == "CRITICAL"
    assert worst([alert(severity=""), alert(severity="odd")]) == "odd"
    assert worst([alert(severity="")]) == ""


@pytest.mark.parametrize(
    ("value", "headline"),
    [
        pytest.param(notification(), "alpha: no metrics for 5 minutes", id="one fires"),
        pytest.param(
            notification(alert(ended=NOW)), "Resolved: alpha: no metrics for 5 minutes", id="one is over"
        ),
        pytest.param(
            notification(alert(annotations={"summary": "no fills"})),
            "no fills (alpha)",
            id="the bot is added",
        ),
        pytest.param(notification(alert(annotations={})), "HummingbotDown (alpha)", id="no summary"),
        pytest.param(
            notification(alert(annotations={}, alertname="", severity="", job="", bot="")), "-", id="nothing"
        ),
        pytest.param(
            notification(alert("a"), alert("b"), alert("c", ended=NOW)),
            "HummingbotDown: 2 firing (a, b), 1 resolved (c)",
            id="several bots",
        ),
        pytest.param(
            notification(*(alert(f"b{i}") for i in range(9))),
            "HummingbotDown: 9 firing (b0, b1, b2, b3, ...)",
            id="many bots",
        ),
        pytest.param(
            notification(alert(), alert(job="other")),
            "HummingbotDown bot=alpha: 2 firing",
            id="one bot twice",
        ),
    ],
)
def test_the_first_line_says_what_and_which_bot(value: Notification, headline: str) -> None:
    assert told(value).headline == headline


def test_labels_of_the_group_come_first_and_common_ones_are_told_once() -> None:
    value = notification(
        alert("alpha", zone="a", pair="BTC"), alert("beta", zone="a"), group_labels=Labels({"zone": "a"})
    )
    result = told(value)
    assert result.items[0].labels == (("bot", "alpha"), ("pair", "BTC"))
    assert result.items[1].labels == (("bot", "beta"),)
    assert result.common == (
        ("zone", "a"), ("alertname", "HummingbotDown"), ("job", "hummingbot"), ("severity", "critical"),
    )  # fmt: skip
    alone = told(notification(alert(zone="a"), group_labels=Labels({"zone": "a"})))
    assert alone.items[0].labels[0] == ("zone", "a")
    assert alone.common == ()


def test_annotations_become_title_description_rows_and_links() -> None:
    annotations = {
        "summary": "alpha is down",
        "description": "Line one.\nLine two.",
        "value": "0.5",
        "impact": "no trading",
        "runbook_url": "https://wiki.example.com/r",
        "dashboard_url": "https://grafana.example.com/d",
        "ticket_url": "javascript:alert(1)",
        "empty": "",
    }
    (item,) = told(notification(alert(annotations=annotations))).items
    assert item.description == "Line one.\nLine two."
    assert item.rows[1:] == (
        ("Value", "0.5"), ("impact", "no trading"), ("ticket_url", "javascript:alert(1)"),
    )  # fmt: skip
    assert item.links == (
        ("Runbook", "https://wiki.example.com/r"),
        ("Dashboard", "https://grafana.example.com/d"),
        ("Source", "http://prometheus.example.com/graph"),
    )


def test_alerts_of_others_say_message_and_title_instead() -> None:
    (item,) = told(notification(alert(annotations={"title": "alpha lost", "message": "why"}))).items
    assert (item.title, item.description, len(item.rows)) == ("alpha lost", "why", 1)


def test_what_says_the_same_twice_is_told_once() -> None:
    (item,) = told(notification(alert(annotations={"summary": "alpha", "description": "alpha"}))).items
    assert item.description == ""


@pytest.mark.parametrize(
    ("age", "late"),
    [(timedelta(seconds=60), False), (timedelta(seconds=61), True), (-timedelta(hours=1), False)],
)
def test_a_message_that_comes_late_says_so(age: timedelta, late: bool) -> None:
    value = notification(first_decided_at=NOW - age)
    assert bool(told(value).notes) is late


def test_the_age_of_the_news_counts_not_that_of_the_last_decision() -> None:
    value = notification(decided_at=NOW, first_decided_at=NOW - timedelta(minutes=42))
    assert told(value).notes == (
        "Late by 42 min: due at 2026-01-02 02:34:05 CST (UTC+8), not deliverable until now"
        " (gateway down or busy).",
    )


@pytest.mark.parametrize(
    ("changes", "note", "why"),
    [
        ({"reason": Reason.TEST}, EN.test, "test message"),
        ({"reason": Reason.FALLBACK}, EN.fallback, "another notifier failed"),
        ({"reason": Reason.REPEAT, "repeat": 3}, None, "still firing, told again (3)"),
        ({"reason": Reason.SOME_RESOLVED}, None, "some alerts resolved"),
    ],
)
def test_why_a_message_comes_is_told(changes: dict[str, object], note: str | None, why: str) -> None:
    result = told(notification(**changes))
    assert result.notes == ((note,) if note else ())
    assert result.why == why


def test_what_nobody_would_read_is_counted() -> None:
    labels = {f"label{i:03}": "x" for i in range(200)}
    result = told(notification(*(alert(f"b{i}") for i in range(MOST_ALERTS + 5)), alert(ended=NOW)))
    assert (len(result.items), result.hidden, result.counts) == (MOST_ALERTS, 6, (MOST_ALERTS + 5, 1))
    (item,) = told(notification(alert(others=labels))).items
    assert len(item.labels) == MOST_LABELS + 1
    assert item.labels[-1] == ("...", "164 more labels")
