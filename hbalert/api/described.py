"""What is said of each method of each path in the OpenAPI document.

Knows words, types and examples. A path that `app.py` serves and that is missing here fails a test.
Limits are named in docs/api.md; roles come from the table itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hbalert.api.openapi import Parameter, Told
from hbalert.api.shapes import (
    AlertRow,
    AlertsAnswer,
    AlertShown,
    ComingRow,
    DeliveryRow,
    ImportedRow,
    Preview,
    PromError,
    Removed,
    RulesAnswer,
    RuleShownWhole,
    Settled,
    SilencePut,
    SilenceRow,
    SilenceShown,
    SourceAnswer,
    Status,
    Timeline,
    WindowRow,
)
from hbalert.api.silences import Asked
from hbalert.api.wire import (
    AlertGroup,
    GettableAlert,
    GettableSilence,
    Hook,
    Listing,
    NamedReceiver,
    PostedAlert,
    PostedSilence,
    SilenceMade,
    StatusShown,
)
from hbalert.explain.rows import ExplanationRow
from hbalert.explain.rulebook import RuleLine

FILTER = Parameter("filter", 'A matcher, `bot=~"mm-.*"`; a label that is not there is "".', many=True)
CHOICE = (
    Parameter("active", "Those that nobody keeps quiet.", "boolean", default=True),
    Parameter("silenced", "Those that are silenced.", "boolean", default=True),
    Parameter("inhibited", "Those that are inhibited.", "boolean", default=True),
    Parameter("unprocessed", "Taken, and changes nothing.", "boolean", default=True),
    FILTER,
    Parameter("receiver", "A pattern that a receiver's whole name matches."),
    Parameter("receiver_matchers", "Matchers of a receiver's labels, of which ours have none.", many=True),
)
SILENCE_ID = Parameter("id", "The id of a silence.", path=True)
NO_ID = {422: "The id is no UUID.", 404: "There is no such silence."}
INCOMPLETE = {422: "What is required is missing: `X in body is required`."}
GONE = Told(
    "gone",
    says="Alertmanager's API v1 is gone, as in Alertmanager 0.27; the same path under /api/v2 has it.",
    answer=PromError,
    status=410,
)

EXAMPLE_ALERT: dict[str, Any] = {
    "annotations": {"summary": "mm-btc does not answer"},
    "endsAt": "2026-03-01T12:05:00.000Z",
    "fingerprint": "2a7e9e6f0fe0b0c4",
    "receivers": [{"name": "oncall"}],
    "startsAt": "2026-03-01T12:00:00.000Z",
    "status": {"inhibitedBy": [], "silencedBy": [], "mutedBy": [], "state": "active"},
    "updatedAt": "2026-03-01T12:00:00.000Z",
    "labels": {"alertname": "HummingbotDown", "bot": "mm-btc"},
    "generatorURL": "http://prometheus/graph?g0.expr=up",
}
EXAMPLE_MATCHER = {"isEqual": True, "isRegex": False, "name": "bot", "value": "mm-btc"}
EXAMPLE_SILENCE: dict[str, Any] = {
    "matchers": [EXAMPLE_MATCHER],
    "startsAt": "2026-03-01T12:00:00Z",
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "exchange maintenance",
}

ASKED = {
    "matchers": ['bot="mm-btc"'],
    "endsAt": "2026-03-01T14:00:00Z",
    "createdBy": "li",
    "comment": "exchange maintenance",
}

_WEBHOOK = Told(
    "Take the alerts of a webhook",
    text=True,
    body=Hook,
    says="Durable when it is answered. What can be understood is taken, the rest is named in the answer.",
    sent={
        "version": "4",
        "receiver": "hbalert",
        "status": "firing",
        "alerts": [{"status": "firing", "labels": {"alertname": "Down"}, "startsAt": "2026-03-01T12:00:00Z"}],
    },
)
_RELOAD = Told(
    "Read the configuration again",
    text=True,
    refuses={400: "The configuration is refused, with every finding; the old one stays in force."},
)
_QUERY = (
    Parameter("query", "The expression.", required=True),
    Parameter("time", "When; now if not given."),
    Parameter("timeout", "How long the source may take."),
    Parameter("limit", "How many series at most."),
    Parameter("lookback_delta", "How far back a sample counts."),
    Parameter("stats", "Whether to tell what it cost."),
)
_ASKED = {
    422: "The source cannot evaluate it, or its answer is too large.",
    502: "The source does not answer.",
}
_LIMIT = Parameter("limit", "How many rows at most.", "integer")
_DELIVERY = Parameter("id", "The id of a delivery, or its beginning.", path=True)
_ALERT = Parameter("id", "A fingerprint, or its beginning.", path=True)
_ONE = {404: "There is none whose id begins so.", 409: "More than one does, or its state does not allow it."}

TOLD: dict[tuple[str, str], Told] = {
    # Alertmanager
    ("POST", "/api/v2/alerts"): Told(
        "Report alerts",
        body=list[PostedAlert],
        says="Durable when it is answered. Of a batch that is partly bad the good part is stored, and "
        "the answer names the index of each bad alert. `startsAt` not given: now; `endsAt` not given: after "
        "the resolve timeout; `endsAt` not after now: resolved.",
        sent=[
            {
                "labels": {"alertname": "HummingbotDown", "bot": "mm-btc"},
                "annotations": {"summary": "mm-btc does not answer"},
            }
        ],
        refuses=INCOMPLETE,
    ),
    ("GET", "/api/v2/alerts"): Told(
        "List alerts that fire", list[GettableAlert], CHOICE, example=[EXAMPLE_ALERT], says="By fingerprint."
    ),
    ("GET", "/api/v2/alerts/groups"): Told(
        "List groups with their alerts",
        list[AlertGroup],
        (*CHOICE, Parameter("muted", "Groups that a time interval mutes.", "boolean", default=True)),
    ),
    ("POST", "/api/v2/silences"): Told(
        "Make or change a silence",
        SilenceMade,
        body=PostedSilence,
        sent=EXAMPLE_SILENCE,
        example={"silenceID": "0b1f1f4e-0000-4000-8000-000000000000"},
        says="With an `id` it changes that silence: in place where only times that lie ahead move, else the "
        "old one ends and a new one begins.",
        refuses={404: "There is no silence with this id.", **INCOMPLETE},
    ),
    ("GET", "/api/v2/silences"): Told(
        "List silences",
        list[GettableSilence],
        (
            Parameter("filter", "A matcher that the silence has, compared as text.", many=True),
            Parameter("active", "Those that are in force.", "boolean", default=True),
            Parameter("pending", "Those that have not begun.", "boolean", default=True),
            Parameter("expired", "Those that have ended.", "boolean", default=True),
        ),
        says="Active ones first, the next to end on top; then pending, then expired ones.",
    ),
    ("GET", "/api/v2/silence/{id}"): Told("One silence", GettableSilence, (SILENCE_ID,), refuses=NO_ID),
    ("DELETE", "/api/v2/silence/{id}"): Told("End a silence", None, (SILENCE_ID,), refuses=NO_ID),
    ("GET", "/api/v2/receivers"): Told("List receivers", list[NamedReceiver], (CHOICE[-1],)),
    ("GET", "/api/v2/status"): Told(
        "What runs", StatusShown, says="With the configuration as Alertmanager's YAML, without secrets."
    ),
    ("GET", "/api/v1/alerts/groups"): GONE,
    ("GET", "/api/v1/silences"): GONE,
    ("POST", "/api/v1/silences"): GONE,
    ("GET", "/api/v1/silence/{id}"): replace(GONE, parameters=(SILENCE_ID,)),
    ("DELETE", "/api/v1/silence/{id}"): replace(GONE, parameters=(SILENCE_ID,)),
    ("GET", "/api/v1/receivers"): GONE,
    ("GET", "/api/v1/status"): GONE,
    ("POST", "/api/v1/alerts"): GONE,
    # Prometheus
    ("GET", "/api/v1/rules"): Told(
        "List rules with their alerts",
        RulesAnswer,
        (
            Parameter("type", "`alert`, or `record`, of which there are none."),
            Parameter("rule_name[]", "Only rules of these names.", many=True),
            Parameter("rule_group[]", "Only groups of these names.", many=True),
            Parameter("file[]", "Only groups of these files.", many=True),
            Parameter("exclude_alerts", "Without the alerts.", "boolean", default=False),
        ),
    ),
    ("GET", "/api/v1/alerts"): Told("List alerts of rules, pending and firing", AlertsAnswer),
    ("GET", "/api/v1/query"): Told(
        "Ask the default source",
        SourceAnswer,
        _QUERY,
        refuses=_ASKED,
        says="The answer is the source's, as it is.",
    ),
    ("POST", "/api/v1/query"): Told("Ask the default source", SourceAnswer, form=_QUERY, refuses=_ASKED),
    ("GET", "/api/v1/status/buildinfo"): Told("What the default source is", SourceAnswer, refuses=_ASKED),
    # webhooks
    ("POST", "/webhook/alertmanager"): _WEBHOOK,
    ("POST", "/webhook/grafana"): _WEBHOOK,
    ("PUT", "/webhook/grafana"): _WEBHOOK,
    # our own
    ("GET", "/api/hb/v1/status"): Told("One screen: what runs, fires, waits, is wrong", Status),
    ("GET", "/api/hb/v1/history"): Told(
        "List deliveries with every attempt, newest first",
        Listing[DeliveryRow],
        (
            Parameter("since", "Decided at or after.", "date-time"),
            Parameter("until", "Decided before.", "date-time"),
            Parameter("notifier", "Of one notifier."),
            Parameter("state", "queued, sending, sent or dead."),
            Parameter("id", "Whose id begins so."),
            _LIMIT,
        ),
    ),
    ("GET", "/api/hb/v1/queue"): Told(
        "List what has not got out, the oldest news first", Listing[DeliveryRow]
    ),
    ("DELETE", "/api/hb/v1/queue/{id}"): Told(
        "Give up a delivery that waits", Settled, (_DELIVERY,), refuses=_ONE
    ),
    ("POST", "/api/hb/v1/queue/{id}/retry"): Told(
        "Queue a dead delivery again", Settled, (_DELIVERY,), refuses=_ONE
    ),
    ("GET", "/api/hb/v1/rules"): Told(
        "List rules with their health, in the order of the files",
        Listing[RuleLine],
        (
            Parameter("state", "inactive, pending or firing."),
            Parameter("health", "ok, err or unknown."),
            Parameter("group", "Of one group."),
        ),
    ),
    ("GET", "/api/hb/v1/rules/{id:path}"): Told(
        "Everything about one rule",
        RuleShownWhole,
        (Parameter("id", "The id of a rule, or its name where only one has it.", path=True),),
        refuses={404: "There is none of this name.", 409: "There are several of this name."},
    ),
    ("GET", "/api/hb/v1/alerts"): Told(
        "List what fires, and what is about to",
        Listing[AlertRow],
        (*CHOICE, Parameter("state", "active, suppressed or pending.")),
    ),
    ("GET", "/api/hb/v1/alerts/{id}"): Told(
        "One alert: what it says, what becomes of it, and the end of its timeline",
        AlertShown,
        (_ALERT, _LIMIT),
        refuses=_ONE,
    ),
    ("GET", "/api/hb/v1/explain"): Told(
        "What becomes of an alert, and why",
        ExplanationRow,
        (
            Parameter("label", "`name=value`.", many=True, required=True),
            Parameter("at", "When; now if not given, never in the past.", "date-time"),
        ),
    ),
    ("GET", "/api/hb/v1/alerts/{id}/timeline"): Told(
        "Everything that was decided about one alert",
        Timeline,
        (_ALERT, _LIMIT),
        refuses=_ONE,
    ),
    ("GET", "/api/hb/v1/silences"): Told(
        "List silences with how many alerts each covers",
        Listing[SilenceRow],
        (Parameter("state", "active, pending or expired."),),
    ),
    ("POST", "/api/hb/v1/silences"): Told(
        "Make or change a silence, with the guards that people need",
        SilencePut,
        body=Asked,
        sent=ASKED,
        says="Author and comment are required; one that matches nearly everything has to say `broad`.",
        refuses={404: "There is no silence with this id."},
    ),
    ("POST", "/api/hb/v1/silences/preview"): Told(
        "What a silence would cover", Preview, body=Asked, sent=ASKED, says="Changes nothing."
    ),
    ("POST", "/api/hb/v1/silences/import"): Told(
        "Take silences from a file, each for itself", Listing[ImportedRow], body=list[PostedSilence]
    ),
    ("GET", "/api/hb/v1/silences/{id}"): Told(
        "One silence with what it covers",
        SilenceShown,
        (Parameter("id", "The id of a silence, or its beginning.", path=True),),
        refuses=_ONE,
    ),
    ("GET", "/api/hb/v1/maintenance"): Told("List maintenance windows", Listing[WindowRow]),
    ("POST", "/api/hb/v1/maintenance"): Told(
        "Make a maintenance window",
        WindowRow,
        body=dict[str, Any],
        says="With the keys that [[maintenance]] has in config.toml.",
        sent={
            "name": "exchange",
            "matchers": ['exchange="binance"'],
            "cron": "0 3 * * SUN",
            "duration": "2h",
            "comment": "weekly maintenance",
            "created_by": "li",
        },
        refuses={409: "There is one of this name."},
    ),
    ("GET", "/api/hb/v1/maintenance/next"): Told(
        "List the occurrences that are coming",
        Listing[ComingRow],
        (Parameter("name", "Of one window."), _LIMIT),
        refuses={404: "There is no window of this name."},
    ),
    ("DELETE", "/api/hb/v1/maintenance/{name}"): Told(
        "Remove a maintenance window that was made at run time",
        Removed,
        (Parameter("name", "Its name.", path=True),),
        refuses={404: "There is none of this name.", 409: "It stands in the configuration."},
    ),
    ("GET", "/api/openapi.json"): Told("This document", dict[str, Any]),
    # the process
    ("GET", "/-/healthy"): Told("Whether the process answers", text=True),
    ("GET", "/-/ready"): Told(
        "Whether it does its work",
        text=True,
        refuses={503: "The store is not open, or no configuration is in force yet."},
    ),
    ("POST", "/-/reload"): _RELOAD,
    ("PUT", "/-/reload"): _RELOAD,
    ("GET", "/metrics"): Told("Metrics, as Prometheus scrapes them", text=True),
}
"""By method and path, in the order of the table in `app.py`."""
